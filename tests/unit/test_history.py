"""A conversation's e-mails, in every shape an API may give them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.contracts.history import items_of, read_thread
from worker.domain.errors import TryLater
from worker.domain.model import Direction, Message

from .effort import takes_less_than
from .making import LEAD, MAILBOX, event

SAMPLES = Path(__file__).parents[3] / "shared" / "instantly" / "samples"
IN, OUT, UNKNOWN = Direction.INBOUND, Direction.OUTBOUND, Direction.UNKNOWN
START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def at(minutes: int) -> str:
    return (START + timedelta(minutes=minutes)).isoformat()


def mail(name: str, minutes: int | None = 0, **fields: Any) -> dict[str, Any]:
    return {"id": name, "timestamp": None if minutes is None else at(minutes), **fields}


def read(*items: Any, **about: Any) -> tuple[Message, ...]:
    return read_thread(items, event(**about)).messages


def only(**fields: Any) -> Message:
    (message,) = read(fields)
    return message


def order(*items: Any) -> str:
    return "".join(message.id for message in read(*items))


# The list


@pytest.mark.parametrize("name", ["emails", "items", "data", "messages", "results"])
def test_the_list_is_found_under_any_of_its_names(name: str) -> None:
    assert items_of({"total": 1, name: [{"id": "a"}]}) == [{"id": "a"}]


def test_a_bare_array_is_the_list() -> None:
    assert items_of([{"id": "a"}, {"id": "b"}]) == [{"id": "a"}, {"id": "b"}]


def test_a_list_may_lie_one_level_deeper() -> None:
    assert items_of({"data": {"emails": [{"id": "a"}]}}) == [{"id": "a"}]
    assert items_of({"items": None, "data": [{"id": "a"}]}) == [{"id": "a"}]


@pytest.mark.parametrize("empty", [[], {"items": []}, {"data": {"items": []}}])
def test_a_conversation_may_be_empty(empty: object) -> None:
    assert items_of(empty) == []
    assert read_thread([], event()).messages == ()


def test_what_is_no_mail_in_the_list_is_passed_over() -> None:
    assert items_of([None, 1, "x", [], {"id": "a"}]) == [{"id": "a"}]


@pytest.mark.parametrize(
    "answer",
    [None, True, 1, "emails", {}, {"emails": None}, {"emails": "none"}, {"error": "x"},
     {"data": {"data": {"data": []}}}],
)  # fmt: skip
def test_an_answer_without_a_list_is_looked_at_again_later(answer: object) -> None:
    with pytest.raises(TryLater) as caught:
        items_of(answer)
    assert caught.value.reason == "unreadable_history"


# Who wrote it


@pytest.mark.parametrize(
    ("field", "value", "direction"),
    [
        ("direction", "inbound", IN),
        ("direction", "INCOMING", IN),
        ("direction", "Received", IN),
        ("direction", "outbound", OUT),
        ("direction", "sent", OUT),
        ("type", "received", IN),
        ("type", "reply", IN),
        ("type", "sent", OUT),
        ("type", "manual", OUT),
        ("email_type", "received", IN),
        ("ue_type", 2, IN),
        ("ue_type", "2", IN),
        ("ue_type", 1, OUT),
        ("ue_type", 3, OUT),
        ("ue_type", "4", OUT),
    ],
)
def test_the_direction_is_read_from_the_word_for_it(
    field: str, value: object, direction: Direction
) -> None:
    assert only(id="a", **{field: value}).direction is direction


@pytest.mark.parametrize(
    "field", ["from_address_email", "from", "from_email", "sender", "from_address"]
)
def test_the_direction_is_read_from_the_addresses_otherwise(field: str) -> None:
    assert only(id="a", **{field: f"Ann <{LEAD.upper()}>"}).direction is IN
    assert only(id="a", **{field: MAILBOX}).direction is OUT
    assert only(id="a", **{field: "somebody@else.example"}).direction is UNKNOWN


def test_the_mails_own_word_for_mailbox_and_lead_counts_too() -> None:
    about: dict[str, Any] = {"mailbox": "", "lead_email": ""}
    (sent,) = read({"from": "second@ours.example", "eaccount": "second@ours.example"}, **about)
    (got,) = read({"from": LEAD, "lead": LEAD}, **about)
    assert (sent.direction, got.direction) == (OUT, IN)


def test_the_word_for_the_direction_counts_before_the_addresses() -> None:
    assert only(id="a", direction="outbound", **{"from": LEAD}).direction is OUT
    assert only(id="a", direction="inbound", ue_type=3).direction is IN


@pytest.mark.parametrize("nothing", [None, "", "sideways", 9, True, [], {}])
def test_a_word_nobody_knows_leaves_it_to_the_addresses(nothing: object) -> None:
    assert only(id="a", direction=nothing, ue_type=nothing, **{"from": LEAD}).direction is IN
    assert only(id="a", direction=nothing, ue_type=nothing).direction is UNKNOWN


def test_a_step_of_the_campaign_is_no_answer() -> None:
    assert only(id="a", ue_type=1).campaign_step
    assert not only(id="a", ue_type=3).campaign_step
    assert not only(id="a", ue_type=1, ai_agent_id="agent-1").campaign_step
    assert not only(id="a", direction="outbound").campaign_step


@pytest.mark.parametrize(
    ("flag", "automatic"), [(1, True), (True, True), (0, False), (None, False)]
)
def test_the_providers_word_for_automatic_is_kept(flag: object, *, automatic: bool) -> None:
    assert only(id="a", is_auto_reply=flag).automatic is automatic


@pytest.mark.parametrize(
    ("fields", "recipients"),
    [
        ({"to_address_email_list": MAILBOX}, (MAILBOX,)),
        (
            {"to_address_email_list": f"Sam <{MAILBOX.upper()}>, x@y.example"},
            (MAILBOX, "x@y.example"),
        ),
        (
            {"to_address_email_list": '"Doe, J" <j@x.example>;k@x.example'},
            ("j@x.example", "k@x.example"),
        ),
        ({"to": [MAILBOX, "'k@x.example'"]}, (MAILBOX, "k@x.example")),
        ({"to": MAILBOX, "cc_address_email_list": "x@y.example"}, (MAILBOX, "x@y.example")),
        ({"to": MAILBOX, "cc": MAILBOX}, (MAILBOX,)),
        ({"to": "o'neil@x.example"}, ("o'neil@x.example",)),
        ({"bcc_address_email_list": MAILBOX}, ()),
        ({"to": "undisclosed-recipients:;"}, ()),
        ({"to": None, "cc": [None, 7, {}, "@", "a@", "@b"]}, ()),
        ({}, ()),
    ],
)
def test_whom_a_mail_is_addressed_to_is_kept(
    fields: dict[str, Any], recipients: tuple[str, ...]
) -> None:
    assert only(id="a", **fields).recipients == recipients


@pytest.mark.parametrize("opening", ["(", "<", '"', "[", "(<"])
def test_a_hostile_header_is_read_in_no_time(opening: str) -> None:
    hostile = opening * 500_000 + "a@b.example"
    assert takes_less_than(0.5, lambda: only(id="a", to=hostile))


def test_where_a_lead_wants_answers_is_kept() -> None:
    assert only(id="a", reply_to="Bob <BOB@lead.example>").reply_to == "bob@lead.example"
    assert only(id="a", reply_to=None).reply_to == ""


# The order


def test_mails_come_oldest_first_however_they_are_listed() -> None:
    a, b, c = mail("a", 1), mail("b", 2), mail("c", 3)
    assert order(a, b, c) == order(c, b, a) == order(b, c, a) == "abc"


def test_mails_of_one_second_keep_the_order_they_are_listed_in() -> None:
    assert order(mail("a", 1), mail("b", 2), mail("c", 2), mail("d", 3)) == "abcd"


def test_mails_of_one_second_in_a_newest_first_list_are_turned_round() -> None:
    assert order(mail("d", 3), mail("c", 2), mail("b", 2), mail("a", 1)) == "abcd"


def test_mails_that_all_have_one_time_stay_as_listed() -> None:
    assert order(mail("a", 1), mail("b", 1), mail("c", 1)) == "abc"


def test_without_times_the_order_of_the_list_stands() -> None:
    assert order(mail("b", None), mail("a", None)) == "ba"


def test_one_missing_time_leaves_an_oldest_first_list_as_it_is() -> None:
    assert order(mail("a", 1), mail("b", None), mail("c", 3)) == "abc"
    assert order(mail("a", 1), mail("b", 2), mail("c", None)) == "abc"


def test_one_missing_time_does_not_hide_that_a_list_is_newest_first() -> None:
    assert order(mail("c", 3), mail("b", None), mail("a", 1)) == "abc"
    assert order(mail("c", None), mail("b", 2), mail("a", 1)) == "abc"


def test_times_are_compared_across_zones() -> None:
    later = {"id": "b", "timestamp": "2026-11-20T10:00:00-05:00"}
    assert order(later, {"id": "a", "timestamp": "2026-11-20T15:30:00+01:00"}) == "ab"


@pytest.mark.parametrize(
    "field",
    ["timestamp_email", "timestamp", "timestamp_created", "sent_at", "date", "created_at",
     "received_at"],
)  # fmt: skip
def test_the_time_is_found_under_any_of_its_names(field: str) -> None:
    assert only(id="a", **{field: "2026-11-20T14:30:00Z"}).at == START


def test_the_mails_own_time_counts_before_the_records() -> None:
    assert only(id="a", timestamp_email=at(0), timestamp_created=at(5)).at == START
    assert only(id="a", timestamp_email="?", timestamp_created=at(0)).at == START


# Ids


@pytest.mark.parametrize("field", ["id", "email_id", "uuid", "message_id"])
def test_the_id_is_found_under_any_of_its_names(field: str) -> None:
    assert only(**{field: "a"}).id == "a"
    assert only(**{field: 7}).id == "7"


def test_a_mail_that_is_listed_twice_is_one() -> None:
    assert order(mail("a", 1), mail("b", 2), mail("a", 1)) == "ab"


def test_a_mail_without_an_id_is_known_again_by_its_content() -> None:
    fields = {"direction": "inbound", "timestamp": at(1), "subject": "Re", "text": "Hello, you"}
    one, again = only(**fields), only(**fields | {"text": "Hello,\n you"})
    assert one.id == again.id
    assert one.id.startswith("made-")


@pytest.mark.parametrize(
    "change",
    [{"direction": "outbound"}, {"timestamp": at(2)}, {"subject": "Other"}, {"text": "Bye"}],
    ids=lambda change: next(iter(change)),
)
def test_mails_without_ids_that_differ_are_two(change: dict[str, str]) -> None:
    fields = {"direction": "inbound", "timestamp": at(1), "subject": "Re", "text": "Hello"}
    assert len(read(fields, fields | change)) == 2


# The words


@pytest.mark.parametrize(
    "fields",
    [
        {"body": {"text": "Hello\nyou", "html": "<p>other</p>"}},
        {"body": {"text": " ", "html": "<p>Hello</p><p>you</p>"}},
        {"body": {"html": "Hello<br/>you"}},
        {"body": {"plain": "Hello\nyou"}},
        {"body": "Hello\nyou"},
        {"body": "<div>Hello<br>you</div>"},
        {"text": "Hello\nyou", "html": "<p>other</p>"},
        {"body_text": "Hello\nyou"},
        {"reply_text": "Hello\r\nyou"},
        {"content": "Hello\nyou"},
        {"html": "<p>Hello</p><p>you</p>"},
        {"body_html": "<P>Hello</P><P>you</P>"},
        {"body": None, "text": "", "html": "Hello<br>you"},
    ],
)
def test_the_words_are_found_wherever_they_are(fields: dict[str, Any]) -> None:
    lines = [line for line in only(id="a", **fields).text.split("\n") if line]
    assert lines == ["Hello", "you"]


def test_an_address_in_angle_brackets_makes_no_html_of_a_plain_body() -> None:
    body = f"Yes, please\n\nOn Thu, Sam <{MAILBOX}> wrote:\n> Hi Ann,\n> <https://a.example>"
    assert only(id="a", body=body).text == body


def test_entities_of_html_become_what_they_stand_for() -> None:
    assert only(id="a", html="12 seats &amp; more").text == "12 seats & more"


@pytest.mark.parametrize("body", [None, 1, [], ["a"], True, {"text": 1}, {"html": []}, {}])
def test_a_body_of_another_type_is_empty(body: object) -> None:
    assert only(id="a", body=body).text == ""


# The provider's own sample


@pytest.fixture
def sample() -> Any:
    path = SAMPLES / "emails_list_thread.json"
    if not path.is_file():
        pytest.skip(f"{path.name} is not beside this project")
    return json.loads(path.read_text("utf-8"))


def test_the_sample_of_a_thread_is_read_in_full(sample: Any) -> None:
    about = event(lead_email="dana.reyes@northwind.example", mailbox="sam@tryacme.example")
    step, reply, answer = read_thread(items_of(sample), about).messages
    assert [m.direction for m in (step, reply, answer)] == [OUT, IN, OUT]
    assert [m.campaign_step for m in (step, reply, answer)] == [True, False, False]
    assert step.text == "Hi Dana,\n\nSaw you are hiring two ops leads...\n\nSam"
    assert reply.id == "019ab6d2-4c77-7e10-a1b2-c3d4e5f60718"
    assert reply.sender == "dana.reyes@northwind.example"
    assert reply.at == datetime(2026, 11, 20, 14, 31, 58, tzinfo=UTC)
    assert "\n> Hi Dana," in reply.text
    assert (reply.recipients, reply.reply_to) == (("sam@tryacme.example",), "")
    assert answer.text.startswith("Thanks Dana - for 12 seats it depends on modules.\n\nWould")


def test_the_sample_reads_the_same_from_the_addresses_alone(sample: Any) -> None:
    bare = [{k: v for k, v in item.items() if k != "ue_type"} for item in items_of(sample)]
    messages = read_thread(bare, event(lead_email="", mailbox="")).messages
    assert [message.direction for message in messages] == [OUT, IN, OUT]


# Whatever else comes

FIELDS = (
    "id", "direction", "ue_type", "type", "from", "lead", "eaccount", "body", "text", "html",
    "subject", "timestamp", "timestamp_email", "is_auto_reply", "ai_agent_id", "to", "cc",
    "reply_to",
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), values), max_size=5))
def test_any_json_value_in_any_field_is_read(items: list[dict[str, Any]]) -> None:
    messages = read_thread(items, event()).messages
    assert len({message.id for message in messages}) == len(messages)
    assert all(message.id for message in messages)
    "".join(message.text + message.subject + message.sender for message in messages).encode()

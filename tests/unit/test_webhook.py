"""What a delivery means, and that nothing a sender can write breaks the reading of it."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.contracts.webhook import CLASSES, field_name, from_history, merge, parse
from worker.domain.errors import MalformedEvent
from worker.domain.model import EventClass, ReplyEvent

from .making import inbound

SAMPLES = Path(__file__).parents[3] / "shared" / "instantly" / "samples"
SMALLEST = {"event_type": "reply_received", "lead_id": "abc123", "reply_text": "How much is it?"}
MAIL = "019ab6d2-4c77-7e10-a1b2-c3d4e5f60718"
LABEL = {"event_type": "lead_interested", "lead_id": "abc123", "email_id": MAIL}
REPLY = SMALLEST | {"email_id": MAIL}
HASH = re.compile(r"[0-9a-f]{32}")


def sample(name: str) -> Any:
    path = SAMPLES / f"webhook_{name}.json"
    if not path.is_file():
        pytest.skip(f"{path.name} is not beside this project")
    return json.loads(path.read_text("utf-8"))


def lead(**fields: Any) -> Mapping[str, Any]:
    return parse(SMALLEST | fields).lead


def reason(payload: object) -> str:
    with pytest.raises(MalformedEvent) as caught:
        parse(payload)
    assert caught.value.detail
    return caught.value.reason


# What the provider sends


def test_the_sample_of_a_reply_is_read_in_full() -> None:
    event = parse(sample("reply_received"))
    assert (event.key, event.lasting) == (MAIL, True)
    assert event.event_class is EventClass.REPLY
    assert event.event_types == ("reply_received",)
    assert event.at == datetime(2026, 11, 20, 14, 32, 11, 482000, UTC)
    assert event.workspace == "019a2f10-7c11-7b22-8f3a-5d6e7f809a1b"
    assert event.campaign_id == "019a31c4-0a5e-7d31-9b42-6c7d8e9f0a1b"
    assert event.campaign_name == "Q4 founders - ops tooling"
    assert (event.lead_id, event.lead_email) == ("", "dana.reyes@northwind.example")
    assert event.mailbox == "sam@tryacme.example"
    assert event.mail_id == MAIL
    assert event.subject == "Re: Quick question about Northwind's onboarding"
    assert event.text.startswith("Sounds interesting - what does pricing look like")
    assert "> Hi Dana," in event.text
    assert event.lead == {
        "first_name": "Dana",
        "last_name": "Reyes",
        "company_name": "Northwind",
        "company": "Northwind",
        "job_title": "COO",
        "crm_id": "NW-4471",
    }
    assert event.automatic is False


def test_the_sample_with_odd_types_and_names_is_read_like_the_tidy_one() -> None:
    event = parse(sample("reply_received_quirks"))
    assert event.key == event.mail_id == "00MR163AORTSYC1H11R9E3P123"
    assert event.text == "Sounds interesting - what does pricing look like for a team of 12?"
    assert event.lead["first_name"] == "Dana"
    assert event.lead["company"] == "Northwind"
    assert "step" not in event.lead


def test_the_sample_of_an_automatic_reply_is_a_reply() -> None:
    event = parse(sample("auto_reply_received"))
    assert event.event_class is EventClass.REPLY
    assert event.event_types == ("auto_reply_received",)
    assert event.key == "019ab6d3-0e5f-7b66-9c77-8d889e99afa0"
    assert event.text.startswith("I am out of the office")


def test_the_sample_of_an_unsubscription_is_a_signal_under_its_own_key() -> None:
    event = parse(sample("lead_unsubscribed"))
    assert event.event_class is EventClass.SIGNAL
    assert event.lead_email == "pat.lee@fabrikam.example"
    assert event.key.startswith("lead_unsubscribed-")


def test_the_smallest_event_is_enough() -> None:
    event = parse(SMALLEST)
    assert event.event_class is EventClass.REPLY
    assert (event.lead_id, event.text) == ("abc123", "How much is it?")
    assert (event.lasting, event.at, event.lead) == (False, None, {})
    assert HASH.fullmatch(event.key)


@pytest.mark.parametrize("identity", ["lead_id", "lead_email", "email", "email_id"])
def test_any_one_identity_is_enough(identity: str) -> None:
    parse({"event_type": "reply_received", identity: "ann@lead.example"})


@pytest.mark.parametrize(("event_type", "event_class"), CLASSES.items())
def test_every_documented_type_has_its_class(event_type: str, event_class: EventClass) -> None:
    assert parse(SMALLEST | {"event_type": event_type}).event_class is event_class


@pytest.mark.parametrize("event_type", ["lead_wants_a_demo", "Reply_Received", "reply", "🙂"])
def test_any_other_type_is_unknown(event_type: str) -> None:
    assert parse(SMALLEST | {"event_type": event_type}).event_class is EventClass.UNKNOWN


def test_what_is_about_no_lead_needs_none() -> None:
    assert parse({"event_type": "account_error"}).event_class is EventClass.OTHER
    assert reason({"event_type": "reply_received"}) == "no_identity"
    assert reason({"event_type": "lead_unsubscribed"}) == "no_identity"
    assert reason({"event_type": "something_new"}) == "no_identity"


@pytest.mark.parametrize("payload", [None, True, 7, 1.5, "reply_received", [], [SMALLEST]])
def test_what_is_no_object_is_malformed(payload: object) -> None:
    assert reason(payload) == "not_an_object"


@pytest.mark.parametrize("event_type", [None, "", "  ", "\x00", [], {}, True, 1.5, "x" * 201])
def test_an_event_needs_a_type(event_type: object) -> None:
    assert reason(SMALLEST | {"event_type": event_type}) == "no_event_type"


def test_the_words_come_from_the_text_then_the_html_then_the_snippet() -> None:
    fields = {"reply_html": "<p>html</p>", "reply_text_snippet": "snippet"}
    assert parse(SMALLEST | fields).text == "How much is it?"
    assert parse(SMALLEST | fields | {"reply_text": " \n"}).text == "html"
    assert parse(SMALLEST | {"reply_text": None, "reply_html": "<p> </p>",
                             "reply_text_snippet": "snippet"}).text == "snippet"  # fmt: skip
    assert parse({"event_type": "reply_received", "lead_id": "a"}).text == ""


# The lead's own fields


@pytest.mark.parametrize(
    "name",
    ["firstName", "first_name", "First Name", "First_name", "FIRST NAME", "firstname",
     "FirstName", "first-name", " first  name ", "FIRSTNAME"],
)  # fmt: skip
def test_a_field_is_the_same_however_it_is_written(name: str) -> None:
    assert lead(**{name: "Ann"})["first_name"] == "Ann"


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("jobTitle", "job_title"),
        ("crm_id", "crm_id"),
        ("Länge in Metern", "länge_in_metern"),
        ("会社", "会社"),
        ("a1B2", "a1_b2"),
        ("__", ""),
        ("", ""),
        ("🙂", ""),
    ],
)
def test_names_become_snake_case(name: str, snake: str) -> None:
    assert field_name(name) == snake


def test_the_first_of_two_writings_with_a_value_counts() -> None:
    assert lead(firstName="Ann", first_name="Bea")["first_name"] == "Ann"
    assert lead(firstName=" ", first_name="Bea")["first_name"] == "Bea"


def test_companies_are_known_by_either_name() -> None:
    assert lead(companyName="Acme")["company"] == "Acme"
    assert lead(company="Acme", company_name="Other")["company"] == "Acme"


def test_plain_values_are_kept_and_structures_are_left_out() -> None:
    assert lead(seats=12, ratio=0.5, vip=True, gone=None, tags=["a"], more={"a": 1}) == {
        "seats": 12,
        "ratio": 0.5,
        "vip": True,
    }


def test_documented_fields_are_not_the_leads_own() -> None:
    own = parse(SMALLEST | {"unibox_url": "https://…", "step": 1, "variant": "A", "is_first": True})
    assert own.lead == {}


# Keys


def test_the_mails_id_is_the_key_of_a_reply_and_of_its_labels() -> None:
    assert parse(REPLY, "msg_1").key == parse(LABEL, "msg_2").key == MAIL


def test_the_deliverys_id_is_the_key_where_there_is_no_mail_id() -> None:
    event = parse(SMALLEST, "msg_1")
    assert (event.key, event.lasting) == ("msg_1", True)


def test_an_hour_makes_a_hashed_key_lasting() -> None:
    first = parse(SMALLEST | {"timestamp": "2026-11-20T14:32:11.482Z"})
    assert first.lasting
    assert HASH.fullmatch(first.key)
    assert first.key != parse(SMALLEST | {"timestamp": "2026-11-20T14:32:11.483Z"}).key
    assert not parse(SMALLEST | {"timestamp": "yesterday"}).lasting


@pytest.mark.parametrize("name", ["workspace", "campaign_id", "lead_id", "timestamp", "reply_text"])
def test_a_hashed_key_tells_apart_what_differs(name: str) -> None:
    assert parse(SMALLEST).key == parse(dict(SMALLEST)).key
    assert parse(SMALLEST).key != parse(SMALLEST | {name: "other"}).key


def test_a_hashed_key_stays_the_same_whatever_the_type_and_the_rest_say() -> None:
    again = parse(SMALLEST | {"event_type": "lead_interested", "step": 4, "firstName": "Ann"})
    assert again.key == parse(SMALLEST).key


@pytest.mark.parametrize(
    "event_type",
    [name for name, kind in CLASSES.items() if kind in (EventClass.SIGNAL, EventClass.OTHER)]
    + ["something_new", "reply", "Reply_Received"],
)
def test_no_other_type_can_take_a_replys_key(event_type: str) -> None:
    other = parse(REPLY | {"event_type": event_type}, "msg_1")
    reply = parse(REPLY, "msg_1")
    assert other.key not in (reply.key, "msg_1", parse(SMALLEST).key)
    assert other.lasting


def test_two_unknown_types_of_one_name_in_print_have_two_keys() -> None:
    one, other = (parse(REPLY | {"event_type": name}) for name in ("new type", "new_type"))
    assert one.key != other.key


@pytest.mark.parametrize("name", ["a b", "ü", "x" * 201, "\x00", "a\nb", "\ud800"])
def test_a_key_is_always_short_and_printable(name: str) -> None:
    assert HASH.fullmatch(parse(SMALLEST, name).key)
    assert re.fullmatch(r"[\x21-\x7e]{1,200}", parse(SMALLEST | {"email_id": name}).key)


def test_ids_that_differ_have_keys_that_differ() -> None:
    assert parse(SMALLEST, "a b").key != parse(SMALLEST, "a c").key


# Types as they come


@pytest.mark.parametrize(("given_id", "read_id"), [(42, "42"), (-1, "-1"), (0, "0"), (" 7 ", "7")])
def test_ids_may_be_numbers(given_id: object, read_id: str) -> None:
    event = parse(SMALLEST | {"lead_id": given_id, "email_id": given_id})
    assert (event.lead_id, event.mail_id, event.key) == (read_id, read_id, read_id)


@pytest.mark.parametrize("nothing", [None, True, 1.5, [], ["a"], {}, {"id": "a"}, "", " "])
def test_what_is_no_id_counts_as_absent(nothing: object) -> None:
    event = parse(SMALLEST | {"email_id": nothing, "campaign_id": nothing})
    assert (event.mail_id, event.campaign_id) == ("", "")


@pytest.mark.parametrize(
    "given_address",
    ["ANN@Lead.Example", " ann@lead.example ", "Ann <ann@lead.example>",
     '"Ann > Bea" <Ann@lead.example>', "<ann@lead.example>"],
)  # fmt: skip
def test_addresses_are_bare_and_in_lower_case(given_address: str) -> None:
    assert parse(SMALLEST | {"lead_email": given_address}).lead_email == "ann@lead.example"


@pytest.mark.parametrize("nobody", [None, 1, "", "ann", ["ann@lead.example"], {}])
def test_the_second_name_of_the_address_counts_where_the_first_has_none(nobody: object) -> None:
    event = parse(SMALLEST | {"lead_email": nobody, "email": "ann@lead.example"})
    assert event.lead_email == "ann@lead.example"


@pytest.mark.parametrize("name", ["Email", "EMAIL", " email "])
def test_the_leads_own_field_for_the_address_may_be_written_in_any_case(name: str) -> None:
    delivery = {"event_type": "lead_unsubscribed", name: "Ann <ANN@lead.example>"}
    assert parse(delivery).lead_email == "ann@lead.example"
    assert parse(delivery | {"lead_email": "bea@lead.example"}).lead_email == "bea@lead.example"


@pytest.mark.parametrize(
    "stamp",
    ["2026-11-20T14:32:11Z", "2026-11-20T15:32:11+01:00", "2026-11-20 14:32:11", 1795185131,
     1795185131.0, "1795185131", 1795185131000, "1795185131000", "20261120T143211Z"],
)  # fmt: skip
def test_times_are_read_in_every_usual_form(stamp: object) -> None:
    at = parse(SMALLEST | {"timestamp": stamp}).at
    assert at == datetime(2026, 11, 20, 14, 32, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    "stamp",
    [None, "", "soon", True, [], {}, "nan", 1e300, -1e300, 10**4000, float("inf"),
     "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "\x00"],
    ids=lambda stamp: repr(stamp)[:20],
)  # fmt: skip
def test_what_is_no_time_counts_as_absent(stamp: object) -> None:
    assert parse(SMALLEST | {"timestamp": stamp}).at is None


@pytest.mark.parametrize("yes", [True, 1, 1.0, "1", "true", "True", " YES "])
def test_a_flag_may_have_any_type(yes: object) -> None:
    assert parse(SMALLEST | {"is_auto_reply": yes}).automatic


@pytest.mark.parametrize("no", [False, 0, "0", "", "no", None, [], [1], {}, "false", 2])
def test_anything_else_is_no_flag(no: object) -> None:
    assert not parse(SMALLEST | {"is_auto_reply": no}).automatic


def test_control_characters_and_lone_surrogates_leave_no_trace() -> None:
    event = parse(SMALLEST | {"reply_text": "a\x00b\r\nc\ud800", "lead_id": "l\x00\n1",
                              "First Name": "A\x1bn\ud83d"})  # fmt: skip
    assert (event.text, event.lead_id) == ("ab\nc\ufffd", "l1")
    assert event.lead["first_name"] == "An\ufffd"
    json.dumps([event.text, event.lead_id, dict(event.lead)], ensure_ascii=False).encode()


def test_a_huge_delivery_is_read() -> None:
    fields = {f"field {number}": "x" * 100 for number in range(2000)}
    event = parse(SMALLEST | fields | {"reply_text": "word " * 100_000, "lead_email": "@" * 10_000})
    assert len(event.lead) == 2000
    assert len(event.lead_email) == 200


FIELDS = (
    "event_type", "timestamp", "workspace", "campaign_id", "campaign_name", "lead_id",
    "lead_email", "email_account", "email_id", "reply_subject", "reply_text", "reply_html",
    "reply_text_snippet", "is_auto_reply", "email", "firstName", "First Name", "company_name",
)  # fmt: skip

hostile_text = st.one_of(
    st.text(st.characters(codec=None), max_size=50),
    st.sampled_from(["\x00", "\ud800", "x" * 5000, "<" * 500, "@", "1" * 400, "nan", "-0"]),
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**300, 10**400)
    | st.floats()
    | hostile_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile_text, inner, max_size=3),
    max_leaves=5,
)
payloads = st.one_of(
    json_values,
    st.dictionaries(st.sampled_from(FIELDS) | hostile_text, json_values),
    st.dictionaries(st.sampled_from(FIELDS), json_values).map(lambda given_: SMALLEST | given_),
)


def read_or_refused(payload: object, webhook_id: str = "") -> ReplyEvent | None:
    try:
        return parse(payload, webhook_id)
    except MalformedEvent:
        return None


@given(payload=payloads, webhook_id=hostile_text)
def test_any_json_value_in_any_field_is_read_or_malformed(payload: object, webhook_id: str) -> None:
    event = read_or_refused(payload, webhook_id)
    if event is None:
        return
    assert re.fullmatch(r"[\x20-\x7e]{1,200}|\w+-[0-9a-f]{32}", event.key)
    assert event.at is None or event.at.tzinfo is UTC
    stored = [event.workspace, event.lead_id, event.lead_email, event.mail_id, event.text]
    "".join([*stored, *event.lead, *filter(lambda v: isinstance(v, str), event.lead.values())]
            ).encode()  # fmt: skip


@given(payload=payloads)
def test_reading_is_the_same_every_time(payload: object) -> None:
    assert repr(read_or_refused(payload)) == repr(read_or_refused(payload))


@given(deliveries=st.lists(payloads, min_size=1, max_size=3))
def test_whatever_was_accepted_can_be_put_together_again(deliveries: list[object]) -> None:
    accepted = [json.dumps(one) for one in deliveries if read_or_refused(one)]
    if accepted:
        assert merge("event-1", accepted).key == "event-1"


# Several deliveries of one mail


@pytest.mark.parametrize("order", [(LABEL, REPLY), (REPLY, LABEL)])
def test_a_label_and_a_reply_tell_the_same_in_either_order(order: tuple[Any, Any]) -> None:
    event = merge(MAIL, map(json.dumps, order))
    assert event.event_types == tuple(one["event_type"] for one in order)
    assert (event.key, event.lasting) == (MAIL, True)
    assert (event.mail_id, event.lead_id, event.text) == (MAIL, "abc123", "How much is it?")


def test_what_the_first_delivery_leaves_out_the_later_ones_tell() -> None:
    first = LABEL | {"reply_text": "", "lead_email": None, "campaign_name": "Q4"}
    later = REPLY | {"lead_email": "ann@lead.example", "campaign_name": "Q5", "firstName": "Ann"}
    event = merge(MAIL, [json.dumps(first), json.dumps(later)])
    assert (event.lead_email, event.campaign_name) == ("ann@lead.example", "Q4")
    assert event.lead == {"first_name": "Ann"}


def test_one_flag_makes_the_event_automatic() -> None:
    flagged = json.dumps(LABEL | {"is_auto_reply": 1})
    plain = json.dumps(REPLY | {"is_auto_reply": 0})
    assert merge(MAIL, [plain, flagged]).automatic
    assert merge(MAIL, [flagged, plain]).automatic
    assert not merge(MAIL, [plain, plain]).automatic


def test_the_same_type_twice_is_one_type() -> None:
    assert merge(MAIL, [json.dumps(REPLY)] * 2).event_types == ("reply_received",)


def test_one_delivery_alone_reads_as_it_did() -> None:
    event = parse(REPLY)
    assert merge(event.key, [json.dumps(REPLY)]) == event


# A mail that only the history told of

KNOWN = parse(
    SMALLEST
    | {
        "workspace": "w",
        "campaign_id": "c",
        "campaign_name": "Q4",
        "lead_email": "ann@lead.example",
        "email_account": "sam@ours.example",
        "firstName": "Ann",
        "seats": 12,
    }
)


def test_a_mail_of_the_history_becomes_an_event_of_the_same_lead() -> None:
    message = inbound(id="in-2", text="And for 40?", subject="Re: Your team")
    event, delivery = from_history(KNOWN, message)
    assert (event.key, event.mail_id, event.lasting) == ("in-2", "in-2", True)
    assert event.event_class is EventClass.REPLY
    assert (event.text, event.subject, event.at) == ("And for 40?", message.subject, message.at)
    about = replace(
        KNOWN, key=event.key, lasting=True, mail_id="in-2", at=event.at, text=event.text,
        subject=event.subject,
    )  # fmt: skip
    assert event == about
    assert merge(event.key, [delivery]) == event


def test_a_mail_of_the_history_is_answered_from_the_mailbox_that_got_it() -> None:
    event, _ = from_history(KNOWN, inbound(mailbox="ola@ours.example"))
    assert (KNOWN.mailbox, event.mailbox) == ("sam@ours.example", "ola@ours.example")


def test_a_mail_without_a_time_stays_without_one() -> None:
    event, delivery = from_history(KNOWN, inbound(at=None))
    assert event.at is None
    assert merge(event.key, [delivery]) == event


def test_what_the_history_flags_as_automatic_stays_so() -> None:
    event, delivery = from_history(KNOWN, inbound(automatic=True))
    assert event.automatic
    assert merge(event.key, [delivery]).automatic


def test_the_leads_own_fields_cannot_pass_for_the_events() -> None:
    names = {"Event Type": "webinar", "Email ID": "x", "Lead ID": "y", "Reply Text": "z",
             "Workspace": "v", "Timestamp": "1"}  # fmt: skip
    known = parse(SMALLEST | {"workspace": "w"} | names)
    event, _ = from_history(known, inbound(id="in-2", text="And for 40?"))
    assert (event.event_types, event.key) == (("reply_received",), "in-2")
    assert (event.lead_id, event.workspace, event.text) == ("abc123", "w", "And for 40?")

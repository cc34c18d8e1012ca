"""Which contract an event speaks, and the parts that both are made of."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from worker.bootstrap import contract_for, make_pipeline, needs_of
from worker.contracts.email.api import EmailApi
from worker.contracts.email.emails import as_html
from worker.contracts.lead.api import LeadApi
from worker.contracts.lenient import is_uuid, whole
from worker.contracts.pages import pages
from worker.contracts.webhook import parse
from worker.domain.doubts import is_ours
from worker.domain.model import Direction, Draft, Message
from worker.domain.progress import State
from worker.domain.words import html_to_text
from worker.ledger.memory import MemoryLedger
from worker.library import Library
from worker.settings import Settings

from .making import event

LEAD_ID = {"lead_id": "abc123"}
MAIL_ID = {"mail_id": "019ab6d2-4c77-7e10-a1b2-c3d4e5f60718", "mailbox": "sam@ours.example"}
NOTHING = {"lead_id": "", "mail_id": "", "mailbox": ""}


def settings(contract: str, redis_url: str = "") -> Settings:
    return Settings(_env_file=None, api_contract=contract, api_key="k3y", redis_url=redis_url)  # type: ignore[arg-type, call-arg]


# Which contract


@pytest.mark.parametrize(
    ("contract", "named", "spoken"),
    [
        ("auto", LEAD_ID, LeadApi),
        ("auto", MAIL_ID, EmailApi),
        ("auto", LEAD_ID | MAIL_ID, LeadApi),
        ("auto", {"mail_id": "m"}, None),
        ("auto", {"mailbox": "sam@ours.example"}, None),
        ("auto", {}, None),
        ("lead", LEAD_ID | MAIL_ID, LeadApi),
        ("lead", MAIL_ID, None),
        ("email", LEAD_ID | MAIL_ID, EmailApi),
        ("email", LEAD_ID, None),
    ],
)
def test_an_event_speaks_the_contract_that_what_it_names_allows(
    contract: str, named: dict[str, str], spoken: type | None
) -> None:
    api = contract_for(settings(contract))(event(**NOTHING | named))
    assert (type(api) if api else None) is spoken


BY_LEAD = "a lead_id, which contract lead needs"
BY_EMAIL = "an email_id with its email_account, which contract email needs"


@pytest.mark.parametrize(
    ("contract", "lacks"),
    [("lead", BY_LEAD), ("email", BY_EMAIL), ("auto", f"{BY_LEAD}, and {BY_EMAIL}")],
)
def test_what_an_event_lacks_that_no_contract_can_speak_about_is_said(
    contract: str, lacks: str
) -> None:
    assert needs_of(settings(contract)) == f"the webhook lacks {lacks}"


def test_an_event_that_no_contract_can_speak_about_is_held_with_what_it_lacks() -> None:
    clock = iter(range(1_790_000_000_000, 1_790_000_100_000))
    ledger = MemoryLedger(lease=60_000, retention=86_400_000, now=lambda: next(clock))
    payload = {"event_type": "reply_received", "email_id": "m", "reply_text": "How much?"}
    key = ledger.accept(parse(payload), json.dumps(payload)).key
    given = settings("auto", "redis://127.0.0.1:1")
    make_pipeline(given, ledger, Library(given.templates)).answer(key)
    record = ledger.record(key)
    assert record is not None
    assert (record.state, record.reason) == (State.HELD, "no_contract")
    assert record.detail == needs_of(settings("auto"))


# What a reply looks like


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Hi Ann,\n\nyes.\n\nSam", "Hi Ann,<br/><br/>yes.<br/><br/>Sam"),
        ("1 < 2 & <b>3</b>", "1 &lt; 2 &amp; &lt;b&gt;3&lt;/b&gt;"),
        ("See https://a.example/?b=1&c=2", "See https://a.example/?b=1&amp;c=2"),
        ('"Quoted" – naïve 🙂', '"Quoted" – naïve 🙂'),
        ("", ""),
    ],
)
def test_a_reply_keeps_its_lines_and_nothing_in_it_is_markup(text: str, html: str) -> None:
    assert as_html(text) == html
    assert html_to_text(html) == text


def test_a_reply_is_known_again_in_the_html_that_the_api_keeps() -> None:
    draft = Draft(template="t", subject="Re", body="Hi <Ann>,\n\n12 seats & more:\n  - one")
    kept = html_to_text(as_html(draft.body))
    at = datetime(2026, 11, 20, tzinfo=UTC)
    assert is_ours(draft, Message(id="a", direction=Direction.OUTBOUND, at=at, text=kept))


# Odd values


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (-1, -1),
        ("-1", -1),
        ("12", 12),
        (0, 0),
        (None, 0),
        ("many", 0),
        (1.5, 0),
        ([], 0),
        (True, 0),
    ],
)
def test_a_whole_number_is_read_from_any_type(value: object, number: int) -> None:
    assert whole({"count": value}, "count") == number


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("019ab6d2-4c77-7e10-a1b2-c3d4e5f60718", True),
        ("019AB6D2-4C77-7E10-A1B2-C3D4E5F60718", True),
        ("00MR163AORTSYC1H11R9E3P123", False),
        ("019ab6d24c777e10a1b2c3d4e5f60718", False),
        ("{019ab6d2-4c77-7e10-a1b2-c3d4e5f60718}", False),
        ("019ab6d2-4c77-7e10-a1b2-c3d4e5f60718\n", False),
        ("", False),
    ],
)
def test_only_one_form_of_id_is_a_uuid(name: str, *, is_one: bool) -> None:
    assert is_uuid(name) is is_one


# Pages


def answers(*told: Any) -> tuple[Any, list[str]]:
    asked: list[str] = []

    def fetch(cursor: str) -> Any:
        asked.append(cursor)
        return told[min(len(asked), len(told)) - 1]

    return fetch, asked


def page(*names: str, cursor: object = None) -> dict[str, Any]:
    return {"items": [{"id": name} for name in names], "next_starting_after": cursor}


def test_the_cursor_is_followed_until_an_empty_page_that_may_carry_one_too() -> None:
    fetch, asked = answers(page("a", cursor="1"), page("b", cursor=2), page(cursor="3"))
    assert [[item["id"] for item in one] for one in pages(fetch)] == [["a"], ["b"]]
    assert asked == ["", "1", "2"]


def test_a_server_that_repeats_its_page_is_asked_no_further() -> None:
    fetch, asked = answers(page("a", "b", cursor="1"))
    assert len(list(pages(fetch))) == 1
    assert asked == ["", "1"]


def test_a_page_is_asked_for_only_when_it_is_wanted() -> None:
    fetch, asked = answers(page("a", cursor="1"), page("b"))
    assert next(pages(fetch))
    assert asked == [""]

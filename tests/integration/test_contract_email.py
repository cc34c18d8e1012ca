"""The published API from webhook to answer: pipeline, client and sandbox over real HTTP."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from integration.serving import client_of, running
from integration.world import PRICING, World

from web.sandbox import Sandbox, create_app
from worker.contracts.email.api import EmailApi
from worker.domain.progress import State
from worker.domain.rules import build
from worker.ports import Acceptance

OURS = Path(__file__).parents[1] / "data/webhooks"
SAMPLES = Path(__file__).parents[3] / "shared/instantly/samples"
MAIL = "019b1c25-90a1-7c12-a3d4-112233445566"
LEAD = "mira.solberg@lanternfreight.example"
MAILBOX = "ola@getbrightdesk.example"
ASKS = 'how much", "what does pricing look like'
NO_CAPS = "caps: {per_thread: off, per_template: off, per_lead_day: off}"
BEFORE_ITS_WEBHOOK = timedelta(seconds=20)


class Provider:
    """The sandbox, and the webhooks that come from it."""

    def __init__(self, http: httpx.Client, world: World) -> None:
        self.http = http
        self.world = world

    def get(self, path: str) -> Any:
        answer = self.http.get(path)
        answer.raise_for_status()
        return answer.json()

    def sent(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/sandbox/sent")
        return found

    def fault(self, **fault: Any) -> None:
        self.http.post("/sandbox/faults", json=fault).raise_for_status()

    def gets(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Put the e-mail that a webhook tells of into the thread; return it."""
        told = {
            "lead_email": payload["lead_email"].rpartition("<")[2].rstrip(">"),
            "text": payload.get("reply_text") or payload["reply_text_snippet"],
            "id": payload["email_id"],
            "subject": payload["reply_subject"],
            "eaccount": payload["email_account"],
            "campaign_id": payload["campaign_id"],
            "is_auto_reply": int(payload["event_type"] == "auto_reply_received"),
            "event_types": [],
        }
        answer = self.http.post("/sandbox/inbound", json=told)
        answer.raise_for_status()
        mail: dict[str, Any] = answer.json()["email"]
        return mail

    def announces(self, payload: dict[str, Any]) -> Acceptance:
        """Deliver a webhook, a moment after its e-mail."""
        self.world.clock.now += int(BEFORE_ITS_WEBHOOK / timedelta(milliseconds=1))
        stamp = self.world.clock.moment.isoformat()
        epoch = not isinstance(payload["timestamp"], str)
        return self.world.accept(payload | {"timestamp": self.world.clock.now if epoch else stamp})

    def writes(self, lead: dict[str, Any], **mail: Any) -> None:
        """Put one more e-mail into a lead's thread."""
        emails = self.get(f"/v2/leads/{lead['lead_id']}/emails")["items"]
        moment = self.world.clock.moment.isoformat()
        emails.append({"timestamp_created": moment, "timestamp_email": moment, **mail})
        path = f"/sandbox/leads/{lead['lead_id']}"
        self.http.put(path, json={"emails": emails}).raise_for_status()


@pytest.fixture
def provider(world: World) -> Iterator[Provider]:
    sandbox = Sandbox(clock=lambda: world.clock.moment)
    world.templates = templates()
    world.speaks = EmailApi.speaks
    with (
        running(create_app(sandbox)) as url,
        client_of(url) as client,
        httpx.Client(base_url=url, headers={"Authorization": "Bearer k"}, trust_env=False) as http,
    ):
        world.api = EmailApi(client)
        yield Provider(http, world)


def templates(settings: str = "") -> Any:
    pricing = PRICING.replace('how much"', f'{ASKS}"').replace(
        "it depends.", "it\ndepends <& more>."
    )
    return build({"pricing.j2": pricing} | ({"_settings.yaml": settings} if settings else {}))


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((OURS / f"{name}.json").read_text("utf-8"))
    return found


def theirs(name: str) -> dict[str, Any]:
    path = SAMPLES / f"webhook_{name}.json"
    if not path.is_file():
        pytest.skip(f"{path.name} is not beside this project")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


@pytest.fixture(params=[sample, theirs], ids=["ours", "the provider's"])
def read(request: pytest.FixtureRequest) -> Any:
    return request.param


def asked(provider: Provider, name: str = "reply_received") -> tuple[dict[str, Any], str]:
    """A lead asks for the price; return its e-mail and the event's key."""
    payload = sample(name)
    mail = provider.gets(payload)
    return mail, provider.announces(payload).key


# The samples


def test_a_reply_is_answered_by_its_own_id_from_its_own_mailbox(
    provider: Provider, world: World, read: Any
) -> None:
    payload = read("reply_received")
    mail = provider.gets(payload)
    key = provider.announces(payload).key
    world.run()
    (sent,) = provider.sent()
    assert world.state(key) == (State.SENT, "posted")
    assert world.ledger.record(key).sent_id == sent["id"]  # type: ignore[union-attr]
    assert (sent["reply_to_uuid"], sent["eaccount"]) == (mail["id"], payload["email_account"])
    assert sent["subject"] == payload["reply_subject"]
    assert sent["body"] == f"Hi {payload['firstName']}, it\ndepends <& more>."
    assert sent["html"] == f"Hi {payload['firstName']}, it<br/>depends &lt;&amp; more&gt;."


def test_the_quirks_of_a_live_webhook_keep_no_reply_from_its_answer(
    provider: Provider, world: World, read: Any
) -> None:
    payload = read("reply_received_quirks")
    provider.gets(payload)
    key = provider.announces(payload).key
    world.run()
    (sent,) = provider.sent()
    assert world.state(key) == (State.SENT, "posted")
    assert sent["reply_to_uuid"] == payload["email_id"]
    assert sent["body"].startswith(f"Hi {payload['First_name']},")


def test_an_out_of_office_note_gets_no_answer(provider: Provider, world: World, read: Any) -> None:
    payload = read("auto_reply_received")
    provider.gets(payload)
    key = provider.announces(payload).key
    world.run()
    assert world.state(key) == (State.SKIPPED, "automatic_reply")
    assert provider.sent() == []


def test_whoever_pressed_unsubscribe_is_never_answered(
    provider: Provider, world: World, read: Any
) -> None:
    reply = read("reply_received")
    unsubscribed = read("lead_unsubscribed") | {"lead_email": reply["lead_email"], "email": ""}
    provider.gets(reply)
    key = provider.announces(reply).key
    assert provider.announces(unsubscribed).reason == "lead_unsubscribed"
    world.run()
    assert world.state(key) == (State.SKIPPED, "opted_out")
    assert provider.sent() == []


@pytest.mark.parametrize("label", ["lead_interested", "custom_label"])
@pytest.mark.parametrize("first", [True, False], ids=["label first", "reply first"])
def test_one_mail_is_one_event_whatever_labels_follow(
    provider: Provider, world: World, label: str, *, first: bool
) -> None:
    reply = sample("reply_received")
    provider.gets(reply)
    order = [sample(label), reply] if first else [reply, sample(label)]
    for payload in [*order, *order]:
        provider.announces(payload)
        world.run()
    assert world.state(MAIL) == (State.SENT, "posted")
    assert len(provider.sent()) == 1
    opened = [r for r in world.ledger.records(None, 100) if r.reason != "unknown_event_type"]
    assert [record.key for record in opened] == [MAIL]


# Who else answers


@pytest.mark.parametrize(
    "mail",
    [{"ue_type": 3}, {"ue_type": 3, "campaign_id": None}, {"ue_type": 4},
     {"ue_type": 1, "ai_agent_id": "019b1c30-0000-7000-8000-000000000001"}],
    ids=["a person", "a person, outside the campaign", "a planned mail", "another agent"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["reply_received", "reply_received_quirks"])
def test_whoever_answered_first_stops_us(
    provider: Provider, world: World, name: str, mail: dict[str, Any]
) -> None:
    lead, key = asked(provider, name)
    provider.writes(lead, body="I take this one.", **mail)
    world.run()
    assert world.state(key) == (State.SKIPPED, "answered_already")
    assert provider.sent() == []


def test_a_step_of_the_campaign_is_no_answer(provider: Provider, world: World) -> None:
    lead, key = asked(provider)
    provider.writes(lead, ue_type=1, body="Did you see my mail?")
    world.run()
    assert world.state(key) == (State.SENT, "posted")


def test_our_own_answer_to_an_earlier_mail_does_not_stop_the_next_one(
    provider: Provider, world: World
) -> None:
    world.templates = templates(NO_CAPS)
    lead, first = asked(provider)
    before = world.clock.moment.isoformat()
    world.clock.now += 60_000
    world.run()
    assert world.state(first) == (State.SENT, "posted")
    second = sample("reply_received") | {"email_id": MAIL.replace("1122", "9999")}
    second |= {"reply_text": "How much for 50?"}
    at = {"timestamp_created": before, "timestamp_email": before}
    provider.writes(lead, id=second["email_id"], ue_type=2, body=second["reply_text"], **at)
    world.clock.now += 3_600_000
    key = provider.announces(second).key
    world.run()
    assert world.state(key) == (State.SENT, "posted")
    assert [mail["reply_to_uuid"] for mail in provider.sent()] == [MAIL, second["email_id"]]


def test_a_newer_mail_without_a_webhook_is_answered_under_its_own_id(
    provider: Provider, world: World
) -> None:
    _, older = asked(provider)
    newer = sample("reply_received") | {"email_id": MAIL.replace("1122", "7777")}
    provider.gets(newer | {"reply_text": "How much is it for 50, I mean?"})
    world.run()
    assert world.state(older) == (State.SKIPPED, "superseded")
    assert world.state(newer["email_id"]) == (State.SENT, "posted")
    assert [mail["reply_to_uuid"] for mail in provider.sent()] == [newer["email_id"]]


# What goes wrong


@pytest.mark.parametrize("kind", ["cut_after", "garbage_after"])
def test_an_answer_in_doubt_is_found_in_the_thread(
    provider: Provider, world: World, kind: str
) -> None:
    _, key = asked(provider)
    provider.fault(on="reply", kind=kind)
    world.run()
    assert world.state(key) == (State.SENT, "found_in_history")
    assert len(provider.sent()) == 1


@pytest.mark.parametrize("on", ["email", "thread", "reply"])
@pytest.mark.parametrize("status", [401, 402, 403, 429])
def test_nothing_fails_for_a_refused_key_or_too_many_calls(
    provider: Provider, world: World, on: str, status: int
) -> None:
    _, key = asked(provider)
    provider.fault(on=on, kind="status", status=status, retry_after=2)
    world.run()
    assert world.state(key) == (State.SENT, "posted")
    assert len(provider.sent()) == 1


def test_a_mail_that_the_api_never_had_fails_with_what_it_says(
    provider: Provider, world: World
) -> None:
    key = provider.announces(sample("reply_received")).key
    world.run()
    record = world.ledger.record(key)
    assert record is not None
    assert (record.state, record.reason) == (State.FAILED, "http_404")
    assert "Resource not found" in record.detail


def test_a_mail_under_another_id_is_known_by_its_words(provider: Provider, world: World) -> None:
    payload = sample("reply_received")
    mail = provider.gets(payload | {"email_id": "019b1c25-90a1-7c12-a3d4-fedcba987654"})
    key = provider.announces(payload).key
    world.run()
    assert world.state(key) == (State.SENT, "posted")
    assert [sent["reply_to_uuid"] for sent in provider.sent()] == [mail["id"]]


def test_the_mailbox_that_got_the_mail_answers_it_whatever_the_webhook_says(
    provider: Provider, world: World
) -> None:
    payload = sample("reply_received")
    provider.gets(payload)
    key = provider.announces(payload | {"email_account": "another@getbrightdesk.example"}).key
    world.run()
    assert world.ledger.record(key).mailbox == MAILBOX  # type: ignore[union-attr]
    assert [sent["eaccount"] for sent in provider.sent()] == [MAILBOX]


@pytest.mark.parametrize("missing", ["email_account", "email_id"])
def test_an_event_without_mail_or_mailbox_is_held(
    provider: Provider, world: World, missing: str
) -> None:
    payload = sample("reply_received") | {missing: None}
    key = provider.announces(payload).key
    world.run()
    assert world.state(key) == (State.HELD, "no_contract")
    assert provider.sent() == []

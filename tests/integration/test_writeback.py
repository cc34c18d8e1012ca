"""The provider is told what became of events: pipeline, chore and sandbox over real HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import redis
from integration.serving import client_of, running
from integration.world import World

from web.sandbox import Sandbox, create_app
from web.sandbox.names import CAMPAIGN_ID, lead_id_of
from worker.contracts.email.api import EmailApi
from worker.deeds import Deeds
from worker.domain.errors import TryLater
from worker.domain.model import Mode
from worker.domain.progress import State
from worker.domain.rules import build
from worker.http import ApiClient
from worker.ledger.redis_mirror import RedisMirror
from worker.writeback import MOST_TRIES, Wanted, WriteBack

LEAD = "ann@northwind.example"
PRICING = """---
when: reply is mentioning("how much")
set_interest: interested
---
It depends.
"""
COLLEAGUE = """---
when: reply is mentioning("ask my colleague")
action: skip
set_interest: wrong person
---
"""
AWAY = "I am out of the office until Monday."
HOUR = 3_600_000


@dataclass
class Office:
    """A worker with its chore, and the provider."""

    world: World
    http: httpx.Client
    client: ApiClient
    mirror: RedisMirror
    is_on: bool = True

    def __post_init__(self) -> None:
        owed: Any = self.world.ledger
        self.owed: Deeds = owed
        self.chore = WriteBack(
            self.client,
            owed=owed,
            ledger=self.world.ledger,
            mirror=self.mirror,
            wanted=Wanted(is_on=lambda: self.is_on, speaks=lambda record: not record.lead_id),
        )

    def post(self, path: str, **told: Any) -> Any:
        answer = self.http.post(path, json=told)
        answer.raise_for_status()
        return answer.json()

    def writes(self, text: str, **told: Any) -> str:
        """Let the lead write and the webhook tell of it; return the event's key."""
        usual = {"lead_email": LEAD, "text": text, "event_types": []}
        mail = self.post("/sandbox/inbound", **usual | told)["email"]
        payload = {
            "event_type": "reply_received", "email_id": mail["id"], "lead_email": mail["lead"],
            "email_account": mail["eaccount"], "campaign_id": CAMPAIGN_ID, "reply_text": text,
        }  # fmt: skip
        return self.world.accept(payload).key

    def answer(self, key: str) -> str:
        return self.world.pipeline().answer(key)

    def catch_up(self) -> None:
        """Do what is due until nothing is."""
        while self.chore() == 0:
            pass

    def lead(self, campaign: str = CAMPAIGN_ID, email: str = LEAD) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/v2/leads/{lead_id_of(email, campaign)}").json()
        return found

    def blocked(self) -> list[str]:
        items = self.http.get("/v2/block-lists-entries").json()["items"]
        return [item["bl_value"] for item in items]

    def told(self, key: str) -> list[str]:
        lines = self.world.ledger.history(key)
        return [line.reason for line in lines if line.reason.startswith("write-back")]

    def calls(self, path: str) -> int:
        counted = self.http.get("/sandbox/requests").json()
        return sum(n for request, n in counted.items() if f" {path} " in request)


@pytest.fixture
def office(world: World, redis_client: redis.Redis) -> Iterator[Office]:
    clock = world.clock
    sandbox = Sandbox(clock=lambda: clock.moment)
    headers = {"Authorization": "Bearer k3y"}
    world.templates = build({"pricing.j2": PRICING, "colleague.j2": COLLEAGUE})
    with (
        running(create_app(sandbox)) as url,
        client_of(url) as client,
        httpx.Client(base_url=url, headers=headers, trust_env=False) as http,
    ):
        world.api, world.speaks = EmailApi(client), EmailApi.speaks
        yield Office(world, http, client, RedisMirror(redis_client, now=clock))


# What is told


def test_an_opt_out_is_not_interested_blocked_and_out_of_the_follow_ups(office: Office) -> None:
    key = office.writes("Please remove me from your list.")
    other = "00000000-0000-4000-8000-000000000001"
    office.post("/sandbox/inbound", lead_email=LEAD, text="hi", campaign_id=other, event_types=[])
    sequence = {"id": office.lead()["id"], "subsequence_id": other}
    office.post("/v2/leads/subsequence/move", **sequence)
    office.catch_up()
    for campaign in (CAMPAIGN_ID, other):
        lead = office.lead(campaign)
        assert (lead["lt_interest_status"], lead["subsequence_id"]) == (-1, None)
    assert office.blocked() == [LEAD]
    assert office.answer(key) == "skipped opted_out"
    office.catch_up()
    assert sorted(office.told(key)) == [
        "write-back: not interested, in no campaign",
        "write-back: taken out of 1 follow-up sequences",
        "write-back: the address is on the block list",
    ]
    assert office.calls("/v2/block-lists-entries") == 2  # one of them is the test's own question


def test_an_opt_out_that_only_the_history_shows_is_told(office: Office) -> None:
    office.post("/sandbox/inbound", lead_email=LEAD, text="Unsubscribe me please", event_types=[])
    office.world.clock.now += 1000
    key = office.writes("How much is it?")
    assert office.owed.owed() == 0
    assert office.answer(key) == "skipped opted_out"
    office.catch_up()
    assert office.blocked() == [LEAD]


def test_an_opt_out_is_told_even_while_all_is_paused(office: Office) -> None:
    office.world.ledger.pause("*")
    key = office.writes("Unsubscribe me please")
    assert office.answer(key) == "waiting paused"
    office.catch_up()
    assert office.blocked() == [LEAD]


def test_an_answer_sets_the_interest_of_its_template_and_marks_the_thread_read(
    office: Office,
) -> None:
    key = office.writes("How much is it?")
    office.catch_up()
    assert "lt_interest_status" not in office.lead()
    assert office.answer(key) == "sent pricing"
    office.catch_up()
    assert office.lead()["lt_interest_status"] == 1
    unread = {mail["is_unread"] for mail in office.http.get("/v2/emails").json()["items"]}
    assert unread == {0}
    assert sorted(office.told(key)) == [
        "write-back: interest is interested", "write-back: the thread is marked as read",
    ]  # fmt: skip


def test_a_rule_that_skips_sets_its_interest_too_and_marks_nothing_read(office: Office) -> None:
    key = office.writes("Ask my colleague, please")
    assert office.answer(key) == "skipped by_rule colleague"
    office.catch_up()
    assert office.lead()["lt_interest_status"] == -2
    line = office.world.ledger.history(key)[-1]
    assert (line.before, line.after) == ("skipped", "skipped")
    assert line.reason == "write-back: interest is wrong_person"
    assert office.calls("/v2/emails/threads/{id}/mark-as-read") == 0


def test_an_out_of_office_note_says_so(office: Office) -> None:
    key = office.writes(AWAY)
    assert office.answer(key) == "skipped automatic_reply"
    office.catch_up()
    assert office.lead()["lt_interest_status"] == 0


def test_an_absence_is_no_news_of_a_lead_whose_mind_is_known(office: Office) -> None:
    key = office.writes(AWAY)
    office.post(
        "/v2/leads/update-interest-status",
        lead_email=LEAD, interest_value=2, campaign_id=CAMPAIGN_ID,
    )  # fmt: skip
    assert office.answer(key) == "skipped automatic_reply"
    office.catch_up()
    assert office.lead()["lt_interest_status"] == 2
    assert office.told(key) == ["write-back: interest stays meeting_booked"]


def test_an_automatic_reply_that_is_no_out_of_office_note_sets_nothing(office: Office) -> None:
    key = office.writes("We got your mail.", is_auto_reply=1)
    assert office.answer(key) == "skipped automatic_reply"
    office.catch_up()
    assert office.told(key) == []


def test_a_draft_that_waits_for_a_person_sets_nothing_before_it_is_sent(office: Office) -> None:
    office.world.mode = Mode.HOLD
    key = office.writes("How much is it?")
    assert office.answer(key) == "held needs_approval pricing"
    office.catch_up()
    assert office.told(key) == []
    office.world.ledger.approve(key, "ann")
    assert office.answer(key) == "sent pricing"
    office.catch_up()
    assert office.lead()["lt_interest_status"] == 1


def test_what_is_only_recorded_sets_nothing(office: Office) -> None:
    office.world.mode = Mode.SHADOW
    keys = [
        office.writes("How much is it?"),
        office.writes("Ask my colleague", lead_email="b@b.example"),
    ]
    for key in keys:
        assert office.answer(key).startswith("skipped")
    assert office.owed.owed() == 0


# How it is told


def test_a_call_that_fails_is_tried_again_and_the_answer_is_not_repeated(office: Office) -> None:
    key = office.writes("How much is it?")
    office.answer(key)
    office.post("/sandbox/faults", on="action", kind="cut_after", times=3)
    for _ in range(4):
        office.catch_up()
        office.world.clock.now += HOUR
    assert len(office.told(key)) == 2
    assert office.lead()["lt_interest_status"] == 1
    assert len(office.http.get("/sandbox/sent").json()) == 1
    assert office.world.state(key) == (State.SENT, "posted")


def test_after_enough_tries_it_is_given_up_and_shows(office: Office) -> None:
    key = office.writes("Ask my colleague, please")
    office.answer(key)
    office.post("/sandbox/faults", on="action", kind="status", status=500, times=0)
    for _ in range(MOST_TRIES + 1):
        office.catch_up()
        office.world.clock.now += 3 * HOUR
    (said,) = office.told(key)
    assert said.startswith("write-back of interest:-2 failed: ")
    assert office.world.ledger.outcomes()["write_back", "interest_failed"] == 1
    assert office.world.state(key) == (State.SKIPPED, "by_rule")
    assert office.owed.owed() == 0


def test_what_the_api_refuses_for_good_is_given_up_at_once(office: Office) -> None:
    key = office.writes("Ask my colleague, please")
    office.answer(key)
    office.post("/sandbox/faults", on="action", kind="status", status=404)
    office.catch_up()
    assert office.told(key) == [
        "write-back of interest:-2 failed: http_404: HTTP 404: Resource not found"
    ]


@pytest.mark.parametrize("status", [401, 402, 429])
def test_what_is_no_trouble_of_the_deed_stops_them_all_and_counts_for_nothing(
    office: Office, status: int
) -> None:
    key = office.writes("Please remove me from your list.")
    office.post("/sandbox/faults", on="action", kind="status", status=status)
    with pytest.raises(TryLater):
        office.catch_up()
    office.world.clock.now += HOUR
    deed = office.owed.take_deed()
    assert deed is not None
    assert deed.tries == 0
    office.world.clock.now += HOUR
    office.catch_up()
    assert len(office.told(key)) == 3


def test_a_missing_scope_holds_up_only_what_needs_it(office: Office) -> None:
    key = office.writes("Please remove me from your list.")
    office.post("/sandbox/faults", on="action", kind="status", status=403)
    office.catch_up()
    assert len(office.told(key)) == 2
    office.world.clock.now += HOUR
    office.catch_up()
    assert len(office.told(key)) == 3


def test_while_the_api_is_left_alone_nothing_is_told(office: Office) -> None:
    office.writes("Please remove me from your list.")
    office.world.ledger.hold_off(60_000, "api_refused", "wrong key")
    office.catch_up()
    assert office.owed.owed() == 3
    office.world.clock.now += 61_000
    office.catch_up()
    assert office.owed.owed() == 0


def test_where_it_is_off_nothing_is_told(office: Office) -> None:
    office.is_on = False
    key = office.writes("Please remove me from your list.")
    office.catch_up()
    assert (office.told(key), office.blocked(), office.owed.owed()) == ([], [], 0)


def test_events_of_the_other_contract_are_left_out(office: Office) -> None:
    payload = {"event_type": "reply_received", "lead_id": "l-1", "reply_text": "remove me please"}
    key = office.world.accept(payload).key
    office.catch_up()
    assert (office.told(key), office.blocked(), office.owed.owed()) == ([], [], 0)

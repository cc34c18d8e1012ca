"""Conversations from the mirror: pipeline, chore and sandbox over real HTTP, a clock by hand."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from contract.published import DOCUMENT, REASON, Exchange, Published
from integration.serving import client_of, running
from integration.world import LEASE, SETTLE, World

from web.sandbox import Sandbox, create_app
from worker.chores import Chore, ChoreThread, Plan
from worker.contracts import webhook
from worker.domain.errors import MIRROR, Behind, GiveUp, LedgerAway, OutcomeUnknown, TryLater
from worker.domain.model import Direction, Draft, ReplyEvent
from worker.domain.progress import RESTING, State
from worker.domain.rules import build
from worker.http import ApiClient
from worker.ledger.memory_mirror import MemoryMirror
from worker.ledger.plan import MemoryPlan, RedisPlan
from worker.ledger.redis_mirror import RedisMirror
from worker.mails import Mirror
from worker.mirror import REFILL, MirroredApi, Refill

MAILBOX = "sam@tryacme.example"
LISTS = "GET /v2/emails"
DRAFT = Draft(template="pricing", subject="Re: hello", body="It depends.")
TICK = 250


@dataclass
class Fleet:
    """A worker, its chore and the provider, all on one clock."""

    world: World
    http: httpx.Client
    client: ApiClient
    mirror: Mirror
    plan: Plan
    chore: ChoreThread
    troubles: list[str]
    hints: list[str] = field(default_factory=list)
    """Events that the receiver has queued at once."""

    @property
    def api(self) -> MirroredApi:
        return MirroredApi(self.client, self.mirror, lambda: self.plan.ask(REFILL))

    def post(self, path: str, told: dict[str, Any]) -> Any:
        answer = self.http.post(path, json=told)
        answer.raise_for_status()
        return answer.json()

    def pitched(self, name: str, *, days: float = 0.1, **more: Any) -> None:
        """Let a campaign have written to a lead; the provider lists that mail."""
        at = self.world.clock.moment - timedelta(days=days)
        mail = {"ue_type": 1, "subject": "A thought", "body": "Hello"}
        mail |= {"eaccount": MAILBOX, "lead": address(name), **more}
        mail["timestamp_created"] = mail["timestamp_email"] = at.isoformat()
        answer = self.http.put(f"/sandbox/leads/{name}", json={"emails": [mail]})
        answer.raise_for_status()

    def writes(self, name: str, text: str = "How much is it?") -> dict[str, Any]:
        """Let a lead write; return the mail."""
        found: dict[str, Any] = self.post(f"/sandbox/leads/{name}/inbound", {"text": text})
        return found

    def told(self, name: str, mail: dict[str, Any]) -> str:
        """Let a webhook tell of a mail; return the event's key."""
        key = self.world.accept(payload(name, mail)).key
        self.hints.append(key)
        return key

    def asks(self, name: str) -> str:
        return self.told(name, self.writes(name))

    def fill(self) -> None:
        """Have the mirror filled, as the chore does it."""
        self.plan.ask(REFILL)
        while self.chore.tick():
            pass

    def step(self, *, chore: bool = True) -> list[str]:
        """Let a quarter of a second pass; return what became of the events at hand."""
        if chore:
            self.chore.tick()
        pipeline = self.world.pipeline()
        keys = [*self.hints, *self.world.ledger.take_due(100)]
        self.hints.clear()
        outcomes = [pipeline.answer(key) for key in keys]
        self.world.clock.now += TICK
        return outcomes

    def run(self, seconds: float = 120) -> list[str]:
        """Let time pass until all is at rest; return what happened."""
        outcomes: list[str] = []
        for _ in range(int(seconds * 1000 / TICK)):
            outcomes += self.step()
            if all(r.state in RESTING for r in self.world.ledger.records(None, 1000)):
                break
        return outcomes

    def lists(self) -> int:
        """Return how many lists of e-mails the provider was asked for."""
        counted = self.http.get("/sandbox/requests").json()
        return sum(n for request, n in counted.items() if request.startswith(f"{LISTS} "))

    def singles(self) -> int:
        counted = self.http.get("/sandbox/requests").json()
        return sum(n for request, n in counted.items() if request.startswith(f"{LISTS}/"))

    def sent(self) -> list[Any]:
        found: list[Any] = self.http.get("/sandbox/sent").json()
        return found

    def fault(self, **fault: Any) -> None:
        self.post("/sandbox/faults", fault)


def address(name: str) -> str:
    return f"{name}@northwind.example"


def payload(name: str, mail: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_type": "reply_received",
        "timestamp": mail["timestamp_created"],
        "email_id": mail["id"],
        "email_account": MAILBOX,
        "lead_email": address(name),
        "reply_text": mail["body"]["text"],
    }


def event(name: str, mail: dict[str, Any]) -> ReplyEvent:
    return webhook.parse(payload(name, mail))


@pytest.fixture
def fleet(world: World, request: pytest.FixtureRequest) -> Iterator[Fleet]:
    clock = world.clock
    mirror: Mirror = MemoryMirror(now=clock)
    plan: Plan = MemoryPlan(now=clock)
    if "redis" in request.node.name:
        client = request.getfixturevalue("redis_client")
        mirror, plan = RedisMirror(client, now=clock), RedisPlan(client, now=clock)
    sandbox = Sandbox(clock=lambda: clock.moment)
    headers = {"Authorization": "Bearer k3y"}
    with (
        running(create_app(sandbox)) as url,
        client_of(url) as api,
        httpx.Client(base_url=url, headers=headers, trust_env=False) as http,
    ):
        refill = Refill(api, mirror, lambda: world.ledger.unpark(MIRROR))
        troubles: list[str] = []
        chore = ChoreThread(
            Chore(name=REFILL, run=refill, every=None, lease=timedelta(milliseconds=LEASE)),
            plan,
            trouble=lambda error, _: troubles.append(error.reason),
        )
        made = Fleet(world, http, api, mirror, plan, chore, troubles)
        world.api, world.speaks = made.api, MirroredApi.speaks
        yield made


# One list for all


def test_one_list_serves_all_conversations(fleet: Fleet) -> None:
    names = [f"lead-{number}" for number in range(40)]
    for name in names:
        fleet.pitched(name)
    keys = [fleet.asks(name) for name in names]
    fleet.run()
    assert {fleet.world.state(key) for key in keys} == {(State.SENT, "posted")}
    assert len(fleet.sent()) == 40
    assert fleet.lists() <= 2
    assert fleet.singles() == 0


def test_a_list_of_several_pages_is_read_to_its_end_before_anybody_is_served(fleet: Fleet) -> None:
    names = [f"lead-{number}" for number in range(130)]
    for name in names:
        fleet.pitched(name)
    keys = [fleet.asks(name) for name in names]
    fleet.step()
    for page in (1, 2):
        fleet.step()
        assert (fleet.lists(), fleet.sent()) == (page, [])
    fleet.step()
    assert (fleet.lists(), len(fleet.sent())) == (3, 100)
    fleet.run()
    assert {fleet.world.state(key)[0] for key in keys} == {State.SENT}
    assert fleet.lists() <= 5


def test_an_event_waits_until_the_mirror_is_newer_than_its_acceptance(fleet: Fleet) -> None:
    fleet.pitched("ann")
    fleet.fill()
    fleet.world.clock.now += 1
    key = fleet.asks("ann")
    assert fleet.step(chore=False) == ["waiting mirror_behind"]
    assert fleet.sent() == []
    fleet.run()
    assert fleet.world.state(key) == (State.SENT, "posted")


def test_those_who_wait_come_back_when_the_mirror_is_filled_and_not_before(fleet: Fleet) -> None:
    fleet.pitched("ann")
    fleet.fill()
    fleet.world.clock.now += 60_000
    fleet.asks("ann")
    assert fleet.step(chore=False) == ["waiting mirror_behind"]
    for _ in range(16):
        assert fleet.step(chore=False) == []
    assert fleet.step() == ["sent pricing"]


def test_a_mirror_that_nobody_fills_is_asked_for_again_and_never_believed(fleet: Fleet) -> None:
    fleet.pitched("ann")
    fleet.fill()
    fleet.world.clock.now += 1
    fleet.asks("ann")
    outcomes = [outcome for _ in range(400) for outcome in fleet.step(chore=False)]
    assert set(outcomes) == {"waiting mirror_behind"}
    assert 10 <= len(outcomes) <= 30
    assert fleet.sent() == []


def test_a_mirror_somewhat_older_than_the_event_is_filled_for_it(fleet: Fleet) -> None:
    fleet.pitched("ann")
    fleet.fill()
    fleet.world.clock.now += 1500
    before = fleet.world.clock.now
    key = fleet.asks("ann")
    fleet.run()
    assert fleet.world.state(key) == (State.SENT, "posted")
    assert fleet.world.clock.now - before <= 2500


def test_an_answer_that_waited_hours_is_decided_on_what_is_known_then(fleet: Fleet) -> None:
    fleet.world.templates = build(
        {"later.j2": "---\nwhen: true\ndelay: 2h\n---\nHello {{ lead.email }}"}
    )
    fleet.pitched("ann")
    key = fleet.asks("ann")
    fleet.run(30)
    assert fleet.world.state(key) == (State.WAITING, "scheduled")
    fleet.world.clock.now += 2 * 3_600_000
    colleague(fleet, "ann", "I will call you.")
    fleet.run()
    assert fleet.world.state(key) == (State.SKIPPED, "answered_already")
    assert fleet.sent() == []


def colleague(fleet: Fleet, name: str, text: str) -> None:
    """Let a person of ours write into a lead's conversation."""
    emails = fleet.http.get(f"/v2/leads/{name}/emails").json()["items"]
    at = fleet.world.clock.moment.isoformat()
    emails.append({"ue_type": 3, "body": text, "timestamp_created": at, "timestamp_email": at})
    fleet.http.put(f"/sandbox/leads/{name}", json={"emails": emails}).raise_for_status()


def test_the_next_mail_of_a_lead_is_read_with_our_answer_to_the_one_before(fleet: Fleet) -> None:
    fleet.pitched("ann")
    first = fleet.writes("ann")
    fleet.told("ann", first)
    fleet.run()
    thread = fleet.api.thread
    with pytest.raises(Behind):  # our answer is newer than the mirror
        thread(event("ann", first))
    fleet.fill()
    assert [m.direction for m in thread(event("ann", first)).messages] == [
        Direction.OUTBOUND, Direction.INBOUND, Direction.OUTBOUND,
    ]  # fmt: skip


def test_while_events_come_the_mirror_is_kept_fresh_and_then_left_alone(fleet: Fleet) -> None:
    for number in range(20):
        fleet.pitched(f"lead-{number}")
        fleet.asks(f"lead-{number}")
        for _ in range(8):
            fleet.step()
    fleet.run()
    busy = fleet.lists()
    assert len(fleet.sent()) == 20
    for _ in range(400):
        fleet.step()
    assert fleet.lists() - busy <= 1


def test_the_mirror_is_as_old_as_its_question_and_not_as_the_wait_for_its_turn(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    get, began = fleet.client.get, fleet.world.clock.now

    def late(*asked: Any) -> Any:
        fleet.world.clock.now += 900
        return get(*asked)

    monkeypatch.setattr(fleet.client, "get", late)
    fleet.plan.ask(REFILL)
    fleet.chore.tick()
    assert fleet.mirror.view("nobody").as_of == began + 900


# Where a list ends


def test_whether_a_page_that_is_not_full_is_the_last_one_is_found_out_once(fleet: Fleet) -> None:
    counted = []
    for number in range(3):
        fleet.pitched(f"lead-{number}")
        before = fleet.lists()
        fleet.fill()
        counted.append(fleet.lists() - before)
    assert counted == [2, 1, 1]


def test_mails_that_come_while_that_is_found_out_prove_nothing(fleet: Fleet) -> None:
    fleet.pitched("ann")
    fleet.plan.ask(REFILL)
    fleet.chore.tick()
    fleet.world.clock.now += 3000
    fleet.pitched("bob", days=0)
    fleet.chore.tick()
    assert fleet.mirror.start().full == 100


def test_a_provider_with_smaller_pages_is_read_to_the_end_all_the_same(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = fleet.client.get

    def two_at_a_time(path: str, params: Any = None, *more: Any) -> Any:
        return get(path, {**params, "limit": "2"} if path == "/v2/emails" else params, *more)

    monkeypatch.setattr(fleet.client, "get", two_at_a_time)
    fleet.pitched("first")
    mails = [fleet.writes("first") for _ in range(3)]
    fleet.world.clock.now += 90_000
    for number in range(9):
        fleet.pitched(f"lead-{number}")
        mails.append(fleet.writes(f"lead-{number}"))
        fleet.fill()
        assert all(fleet.mirror.view(mail["id"]).thread for mail in mails)
    fleet.pitched("ann", days=9)
    mails = [fleet.writes("ann") for _ in range(4)]
    fleet.fill()
    assert len(fleet.api.thread(event("ann", mails[0])).messages) == 5


# What the list does not show


def test_a_conversation_older_than_the_mirror_is_fetched_once_with_one_call(fleet: Fleet) -> None:
    fleet.pitched("ann", days=9)
    first = fleet.writes("ann")
    fleet.fill()
    before = fleet.lists()
    for _ in range(3):
        shown = fleet.api.thread(event("ann", first)).messages
        assert [m.direction for m in shown] == [Direction.OUTBOUND, Direction.INBOUND]
    assert fleet.lists() - before == 1


@pytest.mark.parametrize(
    "subject", ["Re: A thought", "AW: A thought", "RE[2]: A thought", "回复：A"]
)
def test_a_conversation_whose_first_mail_goes_one_on_is_fetched_once(
    fleet: Fleet, subject: str
) -> None:
    fleet.pitched("ann", subject=subject)
    mail = fleet.writes("ann")
    fleet.fill()
    before = fleet.lists()
    for _ in range(3):
        fleet.api.thread(event("ann", mail))
    assert fleet.lists() - before == 1


def test_a_conversation_that_begins_with_a_colleagues_mail_is_fetched(fleet: Fleet) -> None:
    fleet.pitched("ann", ue_type=3)
    mail = fleet.writes("ann")
    fleet.fill()
    before = fleet.lists()
    fleet.api.thread(event("ann", mail))
    assert fleet.lists() - before == 1


def test_a_mail_that_the_list_does_not_show_yet_leads_to_its_conversation(fleet: Fleet) -> None:
    fleet.pitched("ann")
    fleet.fill()
    mail, before = fleet.writes("ann"), fleet.lists()
    shown = fleet.api.thread(event("ann", mail))
    assert [m.direction for m in shown.messages] == [Direction.OUTBOUND, Direction.INBOUND]
    assert (fleet.lists() - before, fleet.singles()) == (0, 1)
    assert shown.as_of == fleet.world.clock.moment


def test_a_mail_the_api_knows_by_no_id_is_found_by_its_lead(fleet: Fleet) -> None:
    fleet.pitched("ann")
    mail = fleet.writes("ann")
    fleet.fill()
    shown = fleet.api.thread(event("ann", mail | {"id": "A-webhook's-own-id"}))
    assert mail["id"] in {m.id for m in shown.messages}
    assert shown.as_of is None


def test_mails_of_no_conversation_are_not_mirrored_but_asked_for(fleet: Fleet) -> None:
    fleet.pitched("ann", thread_id="")
    mail = fleet.writes("ann")
    fleet.fill()
    assert fleet.mirror.view(mail["id"]).thread in ("", mail["thread_id"])
    assert fleet.api.thread(event("ann", mail)).messages


# Doubts


def doubt(fleet: Fleet, kind: str, **more: Any) -> str:
    """Bring an event into a doubt; return its key."""
    fleet.pitched("ann")
    fleet.fault(on="reply", kind=kind, **more)
    key = fleet.asks("ann")
    for _ in range(40):
        fleet.step()
        if fleet.world.state(key)[0] is State.DOUBT:
            return key
    pytest.fail("no doubt came up")


def test_an_answer_whose_confirmation_was_lost_is_found_in_the_mirror(fleet: Fleet) -> None:
    key = doubt(fleet, "cut_after")
    before = fleet.world.clock.now
    fleet.run(60)
    assert fleet.world.state(key) == (State.SENT, "found_in_history")
    assert fleet.world.clock.now - before < SETTLE // 8
    assert len(fleet.sent()) == 1


def test_an_answer_that_never_arrived_is_sent_again_after_the_settle_time(fleet: Fleet) -> None:
    key = doubt(fleet, "cut")
    before = fleet.world.clock.now
    fleet.run(SETTLE / 1000 + 120)
    assert fleet.world.state(key) == (State.SENT, "posted")
    assert fleet.world.clock.now - before >= SETTLE
    assert len(fleet.sent()) == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "long after others"])
def test_an_answer_that_is_listed_late_is_never_sent_twice(fleet: Fleet, *, after: bool) -> None:
    """The list shows it with a time that is past: a mirror alone might never see it."""
    fleet.fault(on="reply", kind="history_lag", seconds=SETTLE / 1000 - 100)
    key = doubt(fleet, "cut_after")
    if after:  # many others are newer: no page of the list reaches back to it
        fleet.world.clock.now += 60_000
        for number in range(80):
            fleet.pitched(f"lead-{number}", days=0)
    fleet.run(SETTLE / 1000 + 120)
    assert fleet.world.state(key) == (State.SENT, "found_in_history")
    assert len(fleet.sent()) == 1


def test_a_doubt_is_never_settled_by_a_mirror_that_nobody_filled(fleet: Fleet) -> None:
    key = doubt(fleet, "cut")
    for _ in range(int(SETTLE / TICK) + 40):
        fleet.step(chore=False)
    fleet.world.clock.now += LEASE
    fleet.step(chore=False)
    record = fleet.world.ledger.record(key)
    assert record is not None
    assert record.reason in ("never_arrived", "mirror_behind")  # it was asked itself
    assert len(fleet.sent()) == 0


def test_every_list_that_is_asked_for_is_one_that_the_published_document_knows(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not DOCUMENT.is_file():
        pytest.skip(REASON)
    asked: list[dict[str, str]] = []
    get = fleet.client.get

    def note(path: str, params: Any = None, *more: Any) -> Any:
        if path == "/v2/emails":
            asked.append(dict(params))
        return get(path, params, *more)

    monkeypatch.setattr(fleet.client, "get", note)
    for number in range(60):
        fleet.pitched(f"lead-{number}")
        fleet.writes(f"lead-{number}")
    fleet.pitched("ann", days=9)
    mail = fleet.writes("ann")
    fleet.fill()
    fleet.api.thread(event("ann", mail))
    assert [sorted(set(query) - {"limit", "sort_order"}) for query in asked] == [
        ["min_timestamp_created", "mode"],
        ["min_timestamp_created", "mode", "starting_after"],
        ["search"],
    ]
    judge = Published()
    for query in asked:
        exchange = Exchange(
            method="get", path="/api/v2/emails", query=query,
            headers={"Authorization": "Bearer k3y"}, body=None,
        )  # fmt: skip
        assert list(judge.problems_of_request(exchange)) == []


# Trouble


def test_an_api_that_is_away_is_not_asked_more_often_because_many_wait(fleet: Fleet) -> None:
    for number in range(20):
        fleet.pitched(f"lead-{number}")
        fleet.asks(f"lead-{number}")
    fleet.fault(on="thread", kind="status", status=503, times=0)
    for _ in range(240):
        fleet.step()
    assert fleet.lists() <= 7
    fleet.http.delete("/sandbox/faults")
    fleet.run(300)
    assert len(fleet.sent()) == 20


def test_a_provider_that_lists_no_new_mails_is_asked_for_each_conversation(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = fleet.client.get

    def refuse(path: str, params: Any = None, *more: Any) -> Any:
        if "min_timestamp_created" in (params or {}):
            raise GiveUp("http_400", "unknown filter")
        return get(path, params, *more)

    monkeypatch.setattr(fleet.client, "get", refuse)
    fleet.pitched("ann")
    key = fleet.asks("ann")
    fleet.run(5)
    assert fleet.world.state(key) == (State.SENT, "posted")


def test_a_wrong_key_stops_the_chore_for_as_long_as_the_pipeline(fleet: Fleet) -> None:
    fleet.pitched("ann")
    fleet.fault(on="thread", kind="status", status=401)
    fleet.asks("ann")
    fleet.step()
    fleet.step()
    assert fleet.troubles == ["api_refused"]
    for _ in range(200):
        fleet.step()
    assert fleet.lists() == 1


def test_what_becomes_of_an_answer_is_known_though_the_mirror_is_away(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: str) -> None:
        raise LedgerAway("gone")

    fleet.pitched("ann")
    mail = fleet.writes("ann")
    monkeypatch.setattr(fleet.mirror, "wrote", away)
    assert fleet.api.reply(event("ann", mail), DRAFT, lambda: None) == fleet.sent()[0]["id"]
    fleet.fault(on="reply", kind="cut_after")
    with pytest.raises(OutcomeUnknown):
        fleet.api.reply(event("ann", mail), DRAFT, lambda: None)


def test_what_was_surely_not_sent_makes_nothing_wait(fleet: Fleet) -> None:
    def refuse() -> None:
        raise TryLater("paused")

    fleet.pitched("ann")
    mail = fleet.writes("ann")
    fleet.fill()
    with pytest.raises(TryLater, match="paused"):
        fleet.api.reply(event("ann", mail), DRAFT, refuse)
    assert fleet.mirror.view(mail["id"]).wrote == 0


def test_a_mail_of_any_length_takes_no_more_than_what_is_read_of_it(fleet: Fleet) -> None:
    fleet.pitched("ann")
    mail = fleet.writes("ann", "How much is it? " + "x" * 300_000)
    fleet.fill()
    assert sum(map(len, fleet.mirror.view(mail["id"]).mails)) < 150_000
    (text,) = [
        json.loads(kept)["body"]["text"]
        for kept in fleet.mirror.view(mail["id"]).mails
        if json.loads(kept)["id"] == mail["id"]
    ]
    assert text.startswith("How much is it?")

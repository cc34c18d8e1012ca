"""What webhooks missed: the chores, the ledger and the sandbox over real HTTP, a clock by hand."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
import redis
from integration.serving import client_of, running
from integration.world import World

from web.sandbox import Sandbox, create_app
from worker.backfill import MISSED_SINCE, Backfill
from worker.domain.errors import NoScope, TryLater
from worker.domain.notices import Notice
from worker.domain.progress import State
from worker.hookhealth import HOOK, HookHealth
from worker.http import ApiClient
from worker.ledger.memo import RedisMemo
from worker.ledger.redis_mirror import RedisMirror
from worker.mirror import MirroredApi, Refill

URL = "https://ours.example/webhooks/instantly"
GRACE = 60_000
MINUTE = 60_000


@dataclass
class Desk:
    """A workspace with the provider beside it; nothing of ours listens at the hook's address."""

    world: World
    http: httpx.Client
    client: ApiClient
    mirror: RedisMirror
    memo: RedisMemo
    woken: list[str] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        def count() -> None:
            self.asked += 1

        clock = self.world.clock
        self.refill = Refill(self.client, self.mirror, lambda: None)
        self.backfill = Backfill(
            self.client,
            ledger=self.world.ledger,
            mirror=self.mirror,
            memo=self.memo,
            refill=count,
            wake=self.woken.extend,
            grace=timedelta(milliseconds=GRACE),
            clock=lambda: clock.now / 1000,
        )
        self.health = HookHealth(
            self.client,
            memo=self.memo,
            tell=self.notices.append,
            missed=lambda at: self.memo.remember(
                MISSED_SINCE, str(int(1000 * at.timestamp())) if at else ""
            ),
            clock=lambda: clock.now / 1000,
        )

    def post(self, path: str, **told: Any) -> Any:
        answer = self.http.post(path, json=told)
        answer.raise_for_status()
        return answer.json()

    def hook(self, **told: Any) -> str:
        return str(self.post("/v2/webhooks", **{"target_hook_url": URL} | told)["id"])

    def disable(self, hook: str) -> None:
        self.post(f"/sandbox/webhooks/{hook}/disable")

    def writes(self, name: str, **told: Any) -> str:
        """Let a lead write; return the mail's id."""
        usual = {"lead_email": f"{name}@northwind.example", "text": f"How much is it for {name}?"}
        return str(self.post("/sandbox/inbound", **usual | told)["email"]["id"])

    def unlogged(self, name: str, **told: Any) -> str:
        """Let a lead write without a trace in the log of deliveries."""
        return self.writes(name, event_types=[], **told)

    def look(self, *, later: int = 0) -> None:
        """Fill the mirror, let time pass, and look until there is nothing left."""
        while self.refill() == 0:
            pass
        self.world.clock.now += later
        while self.backfill() == 0:
            pass

    def keys(self) -> set[str]:
        return {record.key for record in self.world.ledger.records(None, 1000)}

    def titles(self) -> list[str]:
        return [notice.title for notice in self.notices]

    def state(self) -> str:
        return str(json.loads(self.memo.recall(HOOK))["status"])


@pytest.fixture
def desk(world: World, redis_client: redis.Redis) -> Iterator[Desk]:
    clock = world.clock
    sandbox = Sandbox(clock=lambda: clock.moment)
    headers = {"Authorization": "Bearer k3y"}
    with (
        running(create_app(sandbox)) as url,
        client_of(url) as client,
        httpx.Client(base_url=url, headers=headers, trust_env=False) as http,
    ):
        mirror = RedisMirror(redis_client, now=clock)
        yield Desk(world, http, client, mirror, RedisMemo(redis_client))


# The log of deliveries


def test_a_delivery_that_failed_becomes_an_event_and_is_woken(desk: Desk) -> None:
    desk.disable(desk.hook())
    desk.look()
    missed = desk.writes("ann", lead={"firstName": "Ann"})
    desk.look()
    assert desk.keys() == {missed}
    assert desk.woken == [missed]
    record = desk.world.ledger.record(missed)
    assert record
    assert json.loads(record.deliveries["reply_received"])["firstName"] == "Ann"


def test_what_failed_before_the_first_look_is_left_alone(desk: Desk) -> None:
    desk.disable(desk.hook())
    desk.writes("old")
    desk.unlogged("older")
    desk.world.clock.now += 1
    desk.look(later=2 * GRACE)
    desk.world.clock.now += 60 * MINUTE
    desk.look(later=2 * GRACE)
    assert desk.keys() == set()


def test_what_is_found_again_and_again_is_one_event(desk: Desk) -> None:
    desk.disable(desk.hook())
    desk.look()
    missed = desk.writes("ann")
    for _ in range(4):
        desk.look(later=GRACE)
    desk.post("/sandbox/inbound", lead_email="x@y.example", text="hello")
    assert desk.keys() == {missed}
    assert desk.woken == [missed]


def test_the_log_is_read_page_by_page_and_goes_on_after_a_crash(desk: Desk) -> None:
    desk.disable(desk.hook())
    desk.look()
    missed = {desk.writes(f"lead-{number}") for number in range(130)}
    assert desk.backfill() == 0.0
    assert len(desk.keys()) == 100
    desk.look()
    assert desk.keys() == missed
    counted = desk.http.get("/sandbox/requests").json()
    assert counted["GET /v2/webhook-events 200"] == 3


def test_what_was_read_is_not_read_again_page_by_page(desk: Desk) -> None:
    desk.disable(desk.hook())
    desk.look()
    for number in range(230):
        desk.writes(f"lead-{number}")
    desk.look()
    desk.world.clock.now += 60 * MINUTE
    desk.look()
    before = desk.http.get("/sandbox/requests").json()["GET /v2/webhook-events 200"]
    desk.look()
    after = desk.http.get("/sandbox/requests").json()["GET /v2/webhook-events 200"]
    assert after == before + 1


def test_what_failed_at_other_addresses_is_none_of_ours(desk: Desk) -> None:
    desk.disable(desk.hook(target_hook_url="https://crm.example/hook"))
    desk.disable(desk.hook(event_type="lead_interested"))
    desk.look()
    desk.writes("ann")
    desk.look(later=2 * GRACE)
    assert desk.keys() == set()


def test_a_failed_delivery_that_cannot_be_used_is_quarantined_once(desk: Desk) -> None:
    desk.disable(desk.hook())
    desk.look()
    desk.writes("ann", event_types=[""])
    for _ in range(3):
        desk.look()
    records = desk.world.ledger.records(None, 10)
    assert [(r.state, r.reason) for r in records] == [(State.QUARANTINED, "no_event_type")]


def test_a_cursor_that_the_provider_no_longer_takes_starts_the_pass_anew(desk: Desk) -> None:
    desk.disable(desk.hook())
    desk.look()
    missed = {desk.writes(f"lead-{number}") for number in range(130)}
    desk.backfill()
    place = json.loads(desk.memo.recall("backfill"))
    desk.memo.remember("backfill", json.dumps(place | {"cursor": "no-such-cursor"}))
    with pytest.raises(Exception, match="http_400"):
        desk.backfill()
    desk.look()
    assert desk.keys() == missed


# The mirror


def test_a_reply_that_no_webhook_told_of_becomes_an_event_after_the_grace(desk: Desk) -> None:
    desk.hook()
    desk.look()
    missed = desk.unlogged("ann", lead={"firstName": "Ann"})
    desk.look(later=GRACE - 1)
    assert desk.keys() == set()
    desk.look(later=1)
    assert desk.keys() == {missed}
    assert desk.woken == [missed]


def test_a_backfilled_reply_knows_its_lead_as_a_webhook_would(desk: Desk) -> None:
    desk.hook()
    desk.look()
    missed = desk.unlogged("ann", lead={"firstName": "Ann", "companyName": "Northwind"})
    desk.look(later=GRACE)
    record = desk.world.ledger.record(missed)
    assert record
    told = json.loads(record.deliveries["reply_received"])
    assert (told["first_name"], told["company_name"]) == ("Ann", "Northwind")
    assert (told["lead_id"], told["lead_email"]) == ("", "ann@northwind.example")
    assert told["reply_text"] == "How much is it for ann?"


def test_a_late_webhook_and_the_mirror_make_one_event(desk: Desk) -> None:
    desk.hook()
    desk.look()
    mail = desk.unlogged("ann")
    webhook = {
        "event_type": "reply_received", "email_id": mail, "email_account": "sam@tryacme.example",
        "lead_email": "ann@northwind.example", "reply_text": "How much is it for ann?",
    }  # fmt: skip
    desk.look()
    desk.world.accept(webhook)
    desk.look(later=GRACE)
    assert desk.woken == []
    assert desk.keys() == {mail}
    assert desk.world.ledger.outcomes().get(("duplicate", "reply_received"), 0) == 0

    other = desk.unlogged("bob")
    desk.look(later=GRACE)
    late = desk.world.accept(webhook | {"email_id": other, "lead_email": "bob@northwind.example"})
    assert (late.key, late.status) == (other, "duplicate")
    assert desk.keys() == {mail, other}


def test_mail_of_people_who_are_no_leads_is_left_alone(desk: Desk) -> None:
    desk.hook()
    desk.look()
    at = desk.world.clock.moment.isoformat()
    mail = {"direction": "in", "timestamp_created": at, "timestamp_email": at}
    for more in ({"lead": "news@letters.example", "campaign_id": None}, {"lead": ""}):
        told = {"emails": [mail | more]}
        desk.http.put(f"/sandbox/leads/stranger-{more['lead']}", json=told).raise_for_status()
    desk.look(later=GRACE)
    assert desk.keys() == set()


@pytest.mark.parametrize(
    "hooks",
    [
        [],
        [{"event_type": "lead_interested"}],
        [{"campaign": "00000000-0000-4000-8000-000000000001"}],
    ],
)
def test_replies_that_no_webhook_of_ours_is_there_for_are_left_alone(
    desk: Desk, hooks: list[dict[str, str]]
) -> None:
    for hook in hooks:
        desk.hook(**hook)
    desk.look()
    desk.unlogged("ann")
    desk.look(later=GRACE)
    assert desk.keys() == set()


def test_without_the_scope_for_leads_a_reply_is_backfilled_all_the_same(desk: Desk) -> None:
    desk.hook()
    desk.look()
    missed = desk.unlogged("ann")
    desk.refill()
    desk.world.clock.now += GRACE

    def refused(*_: object, **__: object) -> None:
        raise NoScope("api_refused", everyone=True)

    desk.backfill._replies._leads.fields = refused  # type: ignore[method-assign,assignment]
    desk.backfill()
    assert desk.keys() == {missed}


def test_without_the_scope_for_the_log_the_mirror_is_looked_at_all_the_same(desk: Desk) -> None:
    desk.hook()
    desk.look()
    missed = desk.unlogged("ann")
    desk.refill()
    desk.world.clock.now += GRACE

    def refused(*_: object) -> None:
        raise NoScope("api_refused", everyone=True)

    desk.backfill._hooks.failed = refused  # type: ignore[method-assign,assignment]
    with pytest.raises(NoScope):
        desk.backfill()
    assert desk.keys() == {missed}


def test_a_run_asks_for_the_mirror_to_be_filled(desk: Desk) -> None:
    desk.backfill()
    assert desk.asked == 1


# The webhook's health


def test_a_disabled_webhook_is_resumed_and_told_of_once(desk: Desk) -> None:
    hook = desk.hook()
    desk.health()
    assert (desk.state(), desk.notices) == ("active", [])
    desk.disable(hook)
    for _ in range(3):
        desk.health()
    assert desk.http.get(f"/v2/webhooks/{hook}").json()["status"] == 1
    assert desk.titles() == ["The provider had stopped delivering replies: it delivers again"]
    assert desk.state() == "active"
    assert desk.memo.recall(MISSED_SINCE) == str(desk.world.clock.now)


def test_what_a_disabled_webhook_missed_is_read_from_then_on(desk: Desk) -> None:
    hook = desk.hook()
    desk.look()
    desk.world.clock.now += 30 * MINUTE
    desk.disable(hook)
    missed = desk.writes("ann")
    desk.world.clock.now += 30 * MINUTE
    place = json.loads(desk.memo.recall("backfill"))
    desk.memo.remember("backfill", json.dumps(place | {"since": desk.world.clock.now}))
    desk.health()
    desk.look()
    assert desk.keys() == {missed}


def test_that_no_webhook_leads_to_us_is_told_once_a_day(desk: Desk) -> None:
    desk.hook(target_hook_url="https://crm.example/hook")
    for _ in range(3):
        desk.health()
    assert desk.titles() == ["No webhook of the provider leads to us"]
    assert desk.state() == "missing"
    desk.world.clock.now += 24 * 60 * MINUTE
    desk.health()
    assert len(desk.notices) == 2


def test_a_notice_that_was_not_taken_is_told_at_the_next_look(desk: Desk) -> None:
    desk.disable(desk.hook())

    def deaf(_: Notice) -> None:
        raise TryLater("not_notified")

    desk.health._tell = deaf
    with pytest.raises(TryLater, match="not_notified"):
        desk.health()
    desk.health._tell = desk.notices.append
    desk.health()
    desk.health()
    assert len(desk.notices) == 1


def test_backfilled_replies_are_answered_once_each(desk: Desk) -> None:
    world = desk.world
    world.api = MirroredApi(desk.client, desk.mirror, lambda: 0)
    world.speaks = MirroredApi.speaks
    hook = desk.hook()
    desk.look()
    desk.disable(hook)
    missed = [desk.writes("ann"), desk.unlogged("bob")]
    desk.look(later=GRACE)
    desk.refill()
    for key in missed * 2:
        world.pipeline().answer(key)
    sent = [mail["reply_to_uuid"] for mail in desk.http.get("/sandbox/sent").json()]
    assert sorted(sent) == sorted(missed)

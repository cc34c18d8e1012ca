"""A wrong key, a missing scope, an unpaid plan: everything waits, and goes out with the right key.

Worker, chores and sandbox over real HTTP, on a clock that is moved by hand.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
import redis
from integration.serving import client_of, running
from integration.world import World

from web.sandbox import Sandbox, create_app
from worker.backfill import BACKFILL, Backfill
from worker.chores import Chore, ChoreThread
from worker.domain.errors import MIRROR
from worker.domain.notices import Notice
from worker.domain.progress import State
from worker.hookhealth import HOOK, HookHealth
from worker.ledger.memo import RedisMemo
from worker.ledger.plan import RedisPlan
from worker.ledger.redis_mirror import RedisMirror
from worker.mirror import REFILL, MirroredApi, Refill
from worker.notify import NOTIFY, Watch
from worker.pipeline import hold_everything
from worker.upkeep import alone
from worker.writeback import WRITE_BACK, Wanted, WriteBack

RIGHT = "k3y"
SECOND = 1000
REFUSES = "The API refuses us: everything waits"
MAY_NOT_LOOK = "The API key may not look at webhooks"
RESUMED = "The provider had stopped delivering replies: it delivers again"
Run = Callable[[], float | None]


@dataclass
class Service:
    """One worker with all its chores; `start` is a start with another key."""

    world: World
    url: str
    store: redis.Redis
    opened: ExitStack
    notices: list[Notice] = field(default_factory=list)
    chores: list[ChoreThread] = field(default_factory=list)

    def start(self, key: str, *, hooks: str = "") -> None:
        """Start with a key; `hooks`: what the chores about webhooks have instead."""
        clock = self.world.clock
        client = self.opened.enter_context(client_of(self.url, key=key))
        hook_client = self.opened.enter_context(client_of(self.url, key=hooks or key))
        mirror, memo = RedisMirror(self.store, now=clock), RedisMemo(self.store)
        plan, ledger = RedisPlan(self.store, now=clock), self.world.ledger
        owed: Any = ledger
        self.world.api = MirroredApi(client, mirror, partial(plan.ask, REFILL))
        self.world.speaks = MirroredApi.speaks

        def seconds() -> float:
            return clock.now / 1000

        backfill = Backfill(
            hook_client, ledger=ledger, mirror=mirror, memo=memo, refill=partial(plan.ask, REFILL),
            wake=lambda _: None, grace=timedelta(seconds=60), clock=seconds,
        )  # fmt: skip
        health = HookHealth(
            hook_client, memo=memo, tell=self.notices.append, missed=lambda _: None, clock=seconds
        )
        told = WriteBack(
            client, owed=owed, ledger=ledger, mirror=mirror,
            wanted=Wanted(is_on=lambda: True, speaks=lambda _: True),
        )  # fmt: skip
        watch = Watch(ledger, memo, self.notices.append, seconds)
        runs: dict[str, tuple[Run, int | None]] = {
            REFILL: (Refill(client, mirror, lambda: ledger.unpark(MIRROR)), None),
            BACKFILL: (alone(backfill), 60),
            HOOK: (health, 180),
            WRITE_BACK: (told, 5),
            NOTIFY: (watch.look, 30),
        }
        trouble = partial(hold_everything, ledger)
        self.chores = [
            ChoreThread(
                Chore(name=name, run=run, every=every and timedelta(seconds=every),
                      lease=timedelta(seconds=60)),
                plan,
                trouble=trouble,
            )
            for name, (run, every) in runs.items()
        ]  # fmt: skip

    def live(self, minutes: float) -> None:
        """Let time pass, second by second."""
        for _ in range(round(60 * minutes)):
            for chore in self.chores:
                chore.tick()
            pipeline = self.world.pipeline()
            for key in self.world.ledger.take_due(100):
                pipeline.answer(key)
            self.world.clock.now += SECOND

    def titles(self) -> list[str]:
        return [notice.title for notice in self.notices]

    def ends(self) -> dict[str, tuple[State, str]]:
        return {r.key: (r.state, r.reason) for r in self.world.ledger.records(None, 100)}


@dataclass
class Provider:
    """The provider's side, with a key that is right."""

    http: httpx.Client
    world: World

    def post(self, path: str, **told: Any) -> Any:
        answer = self.http.post(path, json=told) if told else self.http.post(path)
        answer.raise_for_status()
        return answer.json()

    def writes(self, name: str, text: str, *, told: bool = True) -> str:
        """Let a lead write; return the mail's id. `told`: by a webhook, too."""
        lead = f"{name}@northwind.example"
        mail = self.post("/sandbox/inbound", lead_email=lead, text=text, event_types=[])["email"]
        payload = {
            "event_type": "reply_received", "email_id": mail["id"], "lead_email": lead,
            "email_account": mail["eaccount"], "reply_text": text,
        }  # fmt: skip
        return self.world.accept(payload).key if told else str(mail["id"])

    def answered(self) -> list[str]:
        return sorted(mail["reply_to_uuid"] for mail in self.http.get("/sandbox/sent").json())

    def blocked(self) -> list[str]:
        items = self.http.get("/v2/block-lists-entries").json()["items"]
        return [item["bl_value"] for item in items]


@pytest.fixture
def both(world: World, redis_client: redis.Redis) -> Iterator[tuple[Service, Provider]]:
    sandbox = Sandbox(clock=lambda: world.clock.moment)
    headers = {"Authorization": f"Bearer {RIGHT}"}
    with (
        running(create_app(sandbox)) as url,
        ExitStack() as opened,
        httpx.Client(base_url=url, headers=headers, trust_env=False) as http,
    ):
        yield Service(world, url, redis_client, opened), Provider(http, world)


@pytest.mark.parametrize(
    ("key", "words", "titles"),
    [
        ("wrong-key", "the API key is wrong or was revoked", [REFUSES]),
        ("no-plan", "the workspace has no active paid plan", [REFUSES]),
        ("no-scope", "the API key lacks a scope that this call needs", [MAY_NOT_LOOK, REFUSES]),
    ],
)
def test_nothing_fails_everything_waits_it_is_told_once_and_the_right_key_sends_it_all(
    both: tuple[Service, Provider], key: str, words: str, titles: list[str]
) -> None:
    service, provider = both
    target = "https://ours.example/webhooks/instantly"
    hook = provider.post("/v2/webhooks", target_hook_url=target)["id"]
    service.start(RIGHT)
    service.live(2)
    assert service.titles() == []

    service.start(key)
    asked = [provider.writes(f"lead-{n}", "How much is it?") for n in range(3)]
    stopped = provider.writes("stop", "Please remove me from your list.")
    missed = provider.writes("missed", "How much is it?", told=False)
    provider.post(f"/sandbox/webhooks/{hook}/disable")
    service.live(12)
    assert provider.answered() == []
    assert {state for state, _ in service.ends().values()} == {State.WAITING}
    assert sorted(service.titles()) == titles
    assert all(words in notice.body for notice in service.notices)
    assert provider.blocked() == []

    service.start(RIGHT)
    service.live(12)
    assert provider.answered() == sorted([*asked, missed])
    assert service.ends()[stopped] == (State.SKIPPED, "opted_out")
    assert len(service.ends()) == 5
    assert provider.blocked() == ["stop@northwind.example"]
    assert provider.http.get(f"/v2/webhooks/{hook}").json()["status"] == 1
    assert sorted(service.titles()) == sorted([*titles, RESUMED, "A lead asked us to stop"])


def test_a_scope_that_answers_do_not_need_holds_none_of_them_up(
    both: tuple[Service, Provider],
) -> None:
    service, provider = both
    service.start(RIGHT, hooks="no-scope")
    key = provider.writes("ann", "How much is it?")
    service.live(5)
    assert provider.answered() == [key]
    assert service.world.ledger.held_off() == 0
    assert service.titles() == [MAY_NOT_LOOK]

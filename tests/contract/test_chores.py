"""What a plan of chores promises, in memory and on a real server, and how a thread does one."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import redis

from worker.chores import Chore, ChoreThread, Plan
from worker.domain.errors import GiveUp, LedgerAway, TryLater
from worker.ledger.plan import MemoryPlan, RedisPlan

SECOND = 1000
LEASE = 20 * SECOND
HOUR = 3600 * SECOND
START = 1_760_000_000_000


@dataclass
class HandClock:
    ms: int = START

    def __call__(self) -> int:
        return self.ms

    def advance(self, by: int) -> None:
        self.ms += by


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=["memory", "redis"])
def plan(request: pytest.FixtureRequest, clock: HandClock) -> Plan:
    if request.param == "memory":
        return MemoryPlan(now=clock)
    client: redis.Redis = request.getfixturevalue("redis_client")
    return RedisPlan(client, now=clock)


def take(plan: Plan, name: str = "digest", every: int | None = HOUR) -> int:
    return plan.take(name, every=every, lease=LEASE)


def test_a_chore_nobody_knows_is_due_at_once_and_then_after_its_pause(
    plan: Plan, clock: HandClock
) -> None:
    plan.done("digest", take(plan), pause=HOUR)
    assert not take(plan)
    clock.advance(HOUR - 1)
    assert not take(plan)
    clock.advance(1)
    assert take(plan)


def test_a_chore_done_only_when_asked_for_waits_for_that(plan: Plan) -> None:
    assert not take(plan, every=None)
    assert plan.ask("digest") == 0
    plan.done("digest", take(plan, every=None), pause=None)
    assert not take(plan, every=None)


def test_only_one_worker_has_a_chore(plan: Plan, clock: HandClock) -> None:
    assert take(plan)
    clock.advance(LEASE - 1)
    assert not take(plan)


def test_after_a_crash_another_worker_does_it_when_the_lease_is_over(
    plan: Plan, clock: HandClock
) -> None:
    plan.ask("digest")
    assert take(plan, every=None)
    clock.advance(LEASE)
    assert take(plan, every=None)


def test_a_worker_that_comes_back_late_changes_nothing(plan: Plan, clock: HandClock) -> None:
    late = take(plan)
    clock.advance(LEASE)
    assert take(plan) > late
    plan.done("digest", late, pause=0)
    assert not take(plan)


def test_a_chore_is_given_back_once(plan: Plan, clock: HandClock) -> None:
    token = take(plan)
    plan.done("digest", token, pause=HOUR)
    plan.done("digest", token, pause=0)
    assert not take(plan)


def test_asking_makes_it_due_now(plan: Plan) -> None:
    plan.done("digest", take(plan), pause=HOUR)
    assert plan.ask("digest") == 0
    assert take(plan)


def test_asking_never_puts_it_off(plan: Plan, clock: HandClock) -> None:
    plan.done("digest", take(plan), pause=SECOND)
    clock.advance(2 * SECOND)
    assert plan.ask("digest") == 0
    assert take(plan)


def test_what_is_asked_for_while_it_is_done_is_done_again(plan: Plan) -> None:
    token = take(plan)
    assert plan.ask("digest") == 0
    plan.done("digest", token, pause=HOUR)
    plan.done("digest", take(plan), pause=HOUR)
    assert not take(plan)


def test_a_pause_after_trouble_holds_though_somebody_asks(plan: Plan, clock: HandClock) -> None:
    token = take(plan)
    plan.ask("digest")
    plan.done("digest", token, pause=10 * SECOND, asked=False)
    assert not take(plan)
    clock.advance(4 * SECOND)
    assert plan.ask("digest") == 6 * SECOND
    assert not take(plan)
    clock.advance(6 * SECOND)
    plan.done("digest", take(plan), pause=HOUR)
    assert plan.ask("digest") == 0


def test_chores_do_not_know_of_each_other(plan: Plan) -> None:
    assert take(plan, "digest")
    assert take(plan, "backfill")


def test_of_many_who_look_at_once_one_gets_it(plan: Plan) -> None:
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda _: take(plan), range(40)))
    assert sum(map(bool, tokens)) == 1


def test_the_plan_survives_a_restart_and_is_kept_apart_for_each_workspace(
    redis_client: Any, clock: HandClock
) -> None:
    one, again, other = (RedisPlan(redis_client, name=name, now=clock) for name in "aab")
    one.done("digest", take(one), pause=HOUR)
    assert not take(again)
    assert take(other)


# How a thread does it


@dataclass
class Job:
    """What a chore does in these tests: the next of its fates."""

    fates: list[float | Exception | None] = field(default_factory=list)
    runs: int = 0

    def __call__(self) -> float | None:
        self.runs += 1
        fate = self.fates.pop(0) if self.fates else None
        if isinstance(fate, Exception):
            raise fate
        return fate


@dataclass
class Bench:
    """Two workers with the same chore."""

    plan: Plan
    clock: HandClock
    job: Job = field(default_factory=Job)
    troubles: list[tuple[str, float]] = field(default_factory=list)

    def worker(self, every: timedelta | None = timedelta(hours=1)) -> ChoreThread:
        chore = Chore(name="digest", run=self.job, every=every, lease=timedelta(seconds=20))
        return ChoreThread(chore, self.plan, trouble=self.hear)

    def hear(self, error: TryLater, wait: float) -> None:
        self.troubles.append((error.reason, wait))

    def due_after(self, worker: ChoreThread) -> float:
        """Return in how many seconds the chore is done again, in steps of a half."""
        for half in range(2000):
            if worker.tick():
                return half / 2
            self.clock.advance(SECOND // 2)
        return float("inf")


@pytest.fixture
def bench(plan: Plan, clock: HandClock) -> Bench:
    return Bench(plan, clock)


def test_workers_share_a_chore(bench: Bench) -> None:
    one, other = bench.worker(), bench.worker()
    assert (one.tick(), other.tick(), one.tick()) == (True, False, False)
    assert bench.job.runs == 1


def test_a_chore_says_itself_when_it_wants_to_go_on(bench: Bench) -> None:
    bench.job.fates = [0.0, 7.0, None]
    worker = bench.worker(timedelta(minutes=1))
    worker.tick()
    assert [bench.due_after(worker) for _ in range(3)] == [0.0, 7.0, 60.0]


def test_what_the_provider_asks_for_is_waited_for_and_told(bench: Bench) -> None:
    refused = TryLater("api_refused", wait=60.0, everyone=True, counts=False)
    bench.job.fates = [refused]
    worker = bench.worker()
    worker.tick()
    bench.plan.ask("digest")
    assert bench.due_after(worker) == 60.0
    assert bench.troubles == [("api_refused", 60.0)]


def test_trouble_without_a_time_is_tried_again_at_growing_intervals(bench: Bench) -> None:
    bench.job.fates = [TryLater("api_away"), GiveUp("http_404"), RuntimeError("a bug"), None, None]
    worker = bench.worker()
    worker.tick()
    assert [bench.due_after(worker) for _ in range(3)] == [2.0, 4.0, 8.0]
    assert worker._failed == 0
    assert [reason for reason, _ in bench.troubles] == ["api_away"]


def test_trouble_that_does_not_count_makes_no_wait_longer(bench: Bench) -> None:
    bench.job.fates = [TryLater("limiter", wait=2.0, counts=False)] * 5
    worker = bench.worker()
    worker.tick()
    assert [bench.due_after(worker) for _ in range(4)] == [2.0] * 4


def test_with_the_ledger_away_the_chore_comes_back_after_its_lease(bench: Bench) -> None:
    bench.job.fates = [LedgerAway("gone")]
    with pytest.raises(LedgerAway):
        bench.worker().tick()
    assert bench.due_after(bench.worker()) == LEASE / SECOND


def test_the_thread_does_what_is_due_and_ends_when_it_is_told_to(plan: Plan) -> None:
    done = threading.Event()

    def job() -> None:
        done.set()

    chore = Chore(name="digest", run=job, every=None, lease=timedelta(seconds=20))
    thread = ChoreThread(chore, plan, trouble=lambda *_: None)
    thread.start()
    plan.ask("digest")
    assert done.wait(10)
    thread.stop()
    assert not thread.is_alive()


def test_neither_a_store_away_nor_a_bug_in_it_ends_the_thread(clock: HandClock) -> None:
    class Broken(MemoryPlan):
        looks = 0
        looked = threading.Event()

        def take(self, name: str, *, every: int | None, lease: int) -> int:
            self.looks += 1
            if self.looks == 1:
                raise LedgerAway("gone")
            if self.looks == 2:
                raise RuntimeError("a bug")
            self.looked.set()
            return 0

    plan = Broken(now=clock)
    chore = Chore(name="digest", run=lambda: None, every=None, lease=timedelta(seconds=20))
    thread = ChoreThread(chore, plan, trouble=lambda *_: None)
    thread._over.wait = lambda _: plan.looked.is_set()  # type: ignore[method-assign]
    thread.start()
    assert plan.looked.wait(10)
    thread.join(10)
    assert plan.looks >= 3

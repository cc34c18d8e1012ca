"""What the limiter promises, on slots in memory and on a real server, with a clock set by hand."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
import redis

from worker.domain.errors import TryLater
from worker.domain.rates import parse_rates
from worker.ledger.slots import MemorySlots, RedisSlots
from worker.limiter import LIST_RATE, Limiter, Quota, Slot, Slots
from worker.pace import Kind

START = 1_760_000_000_000.0
LEASE = 60.0
SECOND = 1000.0


@dataclass
class HandClock:
    """Milliseconds; sleeping moves them on."""

    ms: float = START

    def __call__(self) -> float:
        return self.ms

    def sleep(self, seconds: float) -> None:
        self.ms += 1000 * seconds


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=["memory", "redis"])
def slots_of(request: pytest.FixtureRequest, clock: HandClock) -> Callable[[str], Slots]:
    """Return a workspace's slots; the same workspace has the same ones."""
    if request.param == "memory":
        made: dict[str, Slots] = {}
        return lambda name: made.setdefault(name, MemorySlots(now=clock))
    client: Any = request.getfixturevalue("redis_client")
    return lambda name: RedisSlots(client, name=name, now=clock)  # type: ignore[arg-type]


def paced(slots: Slots, clock: HandClock, *, rates: str = "10/s", lease: float = LEASE) -> Limiter:
    return Limiter(
        slots,
        parse_rates(rates),
        lease=lease,
        sleep=clock.sleep,
        clock=lambda: clock.ms / SECOND,
    )


@dataclass
class Fleet:
    """Workers of some workspaces that share one clock."""

    slots_of: Callable[[str], Slots]
    clock: HandClock
    rates: str = "10/s"
    lease: float = LEASE

    def worker(self, workspace: str = "ours") -> Limiter:
        return paced(self.slots_of(workspace), self.clock, rates=self.rates, lease=self.lease)

    def calls(self, kind: Kind, *, seconds: float, workers: int = 3) -> list[float]:
        """Let workers call as often as they may; return when they did, in seconds."""
        fleet = [self.worker() for _ in range(workers)]
        times, ends = list[float](), self.clock.ms + SECOND * seconds
        while self.clock.ms < ends:
            for limiter in fleet:
                try:
                    limiter.acquire(kind)
                except TryLater as error:
                    self.clock.sleep(error.wait or 0.0)
                else:
                    times.append((self.clock.ms - START) / SECOND)
        return times


@pytest.fixture
def fleet(slots_of: Callable[[str], Slots], clock: HandClock) -> Fleet:
    return Fleet(slots_of, clock)


def fullest(times: list[float], span: float) -> int:
    """Return how many calls the fullest window of that many seconds holds."""
    return max(sum(start <= time < start + span for time in times) for start in times)


def told_to_wait(limiter: Limiter, kind: Kind = "other") -> float:
    with pytest.raises(TryLater) as caught:
        limiter.acquire(kind)
    assert (caught.value.reason, caught.value.counts, caught.value.everyone) == (
        "limiter", False, False,
    )  # fmt: skip
    assert caught.value.wait is not None
    return caught.value.wait


def use_up(limiter: Limiter, clock: HandClock, kind: Kind = "other") -> None:
    """Take every slot that may be waited for, without waiting."""
    at = clock.ms
    while True:
        try:
            limiter.acquire(kind)
        except TryLater:
            return
        finally:
            clock.ms = at


@pytest.mark.parametrize(("rates", "calls", "span"), [("10/s", 10, 1), ("50/s,120/m", 120, 60)])
def test_no_window_ever_holds_more_than_the_rate_and_nearly_all_of_it_is_used(
    fleet: Fleet, rates: str, calls: int, span: int
) -> None:
    fleet.rates = rates
    times = fleet.calls("other", seconds=3 * span)
    assert fullest(times, span) <= calls
    assert len(times) >= 0.98 * 3 * calls


def test_lists_have_a_rate_of_their_own_that_nearly_all_is_used_of(fleet: Fleet) -> None:
    times = fleet.calls("list", seconds=600)
    (rate,) = LIST_RATE
    assert fullest(times, rate.seconds) <= rate.calls
    assert len(times) >= 0.98 * 200


def test_a_list_counts_among_all_calls_too(fleet: Fleet, clock: HandClock) -> None:
    use_up(fleet.worker(), clock)
    told_to_wait(fleet.worker(), "look")


def test_lists_that_wait_keep_nothing_else_from_going(fleet: Fleet, clock: HandClock) -> None:
    for _ in range(4):
        fleet.slots_of("ours").reserve("list", interval=3 * SECOND, longest=60 * SECOND)
    told_to_wait(fleet.worker(), "list")
    fleet.worker().acquire("reply")
    assert clock.ms == START


def test_one_that_has_been_idle_may_call_at_once(fleet: Fleet, clock: HandClock) -> None:
    for _ in range(3):
        fleet.worker().acquire("other")
        clock.sleep(5)
    assert clock.ms == START + 15 * SECOND


def test_a_long_wait_goes_back_to_the_clock_and_nobody_sleeps(
    fleet: Fleet, clock: HandClock
) -> None:
    use_up(fleet.worker(), clock)
    assert told_to_wait(fleet.worker()) > 0
    assert clock.ms == START


def test_those_sent_back_come_again_at_different_times(fleet: Fleet, clock: HandClock) -> None:
    use_up(fleet.worker(), clock)
    waits = [told_to_wait(fleet.worker()) for _ in range(20)]
    gaps = {round(later - earlier, 4) for earlier, later in pairwise(waits)}
    assert gaps == {0.1015}


def test_nobody_is_told_to_come_back_in_an_hour_because_many_wait(
    fleet: Fleet, clock: HandClock
) -> None:
    fleet.rates = "1/s"
    use_up(fleet.worker(), clock)
    assert max(told_to_wait(fleet.worker()) for _ in range(100)) < 62


def test_whoever_comes_when_it_was_told_to_gets_its_slot(fleet: Fleet, clock: HandClock) -> None:
    for _ in range(20):
        try:
            fleet.worker().acquire("list")
        except TryLater as error:
            clock.sleep(error.wait or 0.0)
            before = clock.ms
            fleet.worker().acquire("list")
            assert 0 < clock.ms - before <= SECOND


def test_an_answer_goes_before_those_who_are_about_to_read(fleet: Fleet, clock: HandClock) -> None:
    fleet.rates = "1/s"
    use_up(fleet.worker(), clock)
    told_to_wait(fleet.worker(), "other")
    fleet.worker().acquire("reply")


def test_one_more_page_of_a_list_goes_before_a_new_one(fleet: Fleet, clock: HandClock) -> None:
    for _ in range(5):
        fleet.worker().acquire("list")
        told_to_wait(fleet.worker(), "list")
        fleet.worker().acquire("page")
        clock.sleep(10)


@pytest.mark.parametrize("lease", [8.0, 60.0])
def test_lists_for_one_and_for_all_get_half_each_where_both_want_all(
    fleet: Fleet, clock: HandClock, lease: float
) -> None:
    """Who lists for all comes in the very moment it was told to; the others come when they may."""
    fleet.lease = lease
    due, calls = {"list": START, "look": START}, Counter[str]()
    while clock.ms < START + 600 * SECOND:
        kind = min(due, key=lambda kind: due[kind])
        clock.ms = max(clock.ms, due[kind])
        try:
            fleet.worker().acquire(kind)
        except TryLater as error:
            late = 100.0 if kind == "look" else 0.0
            due[kind] = clock.ms + SECOND * (error.wait or 0.0) + late
        else:
            calls[kind] += 1
            due[kind] = clock.ms
    assert sum(calls.values()) <= 200
    assert min(calls.values()) >= 80


@pytest.mark.parametrize("rates", ["100/s,6000/m", "1/s", "20/m", "10/m"])
def test_whoever_has_read_gets_to_answer_though_many_want_to_read(
    fleet: Fleet, clock: HandClock, rates: str
) -> None:
    fleet.rates = rates
    answers: Counter[bool] = Counter()
    for _ in range(200):
        try:
            fleet.worker().acquire("other")
        except TryLater:
            clock.sleep(1)
            continue
        use_up(fleet.worker(), clock)
        try:
            fleet.worker().acquire("reply")
        except TryLater:
            answers[False] += 1
        else:
            answers[True] += 1
    assert answers[True] > 10
    assert not answers[False]


@pytest.mark.parametrize("rates", ["100/s", "1/s", "1/m"])
@pytest.mark.parametrize("kind", ["look", "list", "page", "other", "reply"])
def test_no_wait_takes_more_than_a_part_of_the_lease(
    fleet: Fleet, clock: HandClock, kind: Kind, rates: str
) -> None:
    fleet.rates, fleet.lease = rates, 3.0
    for _ in range(20):
        before = clock.ms
        try:
            fleet.worker().acquire(kind)
        except TryLater:
            break
        assert clock.ms - before <= 2 * 750


@pytest.mark.parametrize("kind", ["look", "list", "page", "other", "reply"])
def test_a_provider_that_has_enough_is_left_alone_by_everybody(
    fleet: Fleet, clock: HandClock, kind: Kind
) -> None:
    fleet.worker().hold("other", 30)
    wait = told_to_wait(fleet.worker(), kind)
    assert clock.ms + SECOND * wait >= START + 26 * SECOND
    clock.ms = START + 30 * SECOND
    fleet.worker().acquire("other")


def test_a_shorter_hold_takes_nothing_from_a_longer_one(fleet: Fleet, clock: HandClock) -> None:
    fleet.worker().hold("other", 30)
    fleet.worker().hold("other", 1)
    clock.sleep(10)
    told_to_wait(fleet.worker())


def test_after_a_hold_calls_are_as_far_apart_as_ever(fleet: Fleet, clock: HandClock) -> None:
    fleet.worker().hold("other", 5)
    clock.sleep(4.5)
    assert fullest(fleet.calls("other", seconds=5), 1.0) <= 10


def pace_after(fleet: Fleet, seconds: float) -> float:
    """Return how far apart calls are then, in milliseconds."""
    fleet.clock.sleep(seconds)
    times = fleet.calls("other", seconds=3, workers=1)
    return SECOND * (times[-1] - times[0]) / (len(times) - 1)


def nearly(milliseconds: float) -> Any:
    return pytest.approx(milliseconds, abs=0.5)


def test_a_refusal_makes_the_pace_slower_and_that_wears_off(fleet: Fleet) -> None:
    assert pace_after(fleet, 0) == nearly(101.5)
    fleet.worker().hold("other", 5)
    assert pace_after(fleet, 5) == nearly(111.6)
    assert pace_after(fleet, 300) == nearly(106.6)
    assert pace_after(fleet, 300) == nearly(101.5)


def test_each_refusal_makes_it_slower_down_to_half(fleet: Fleet) -> None:
    paces = []
    for _ in range(10):
        fleet.worker().hold("other", 5)
        paces.append(pace_after(fleet, 5))
    assert paces[:3] == [nearly(111.6), nearly(122.8), nearly(135)]
    assert paces[-1] == nearly(203)


def test_those_refused_together_are_one_refusal(fleet: Fleet) -> None:
    for _ in range(8):
        fleet.worker().hold("other", 5)
    assert pace_after(fleet, 5) == nearly(111.6)


def test_a_hold_on_lists_stops_no_answer(fleet: Fleet, clock: HandClock) -> None:
    fleet.worker().hold("look", 30)
    told_to_wait(fleet.worker(), "list")
    fleet.worker().acquire("reply")
    fleet.worker().acquire("other")
    assert clock.ms < START + SECOND


def test_one_workspaces_backlog_is_not_anothers(fleet: Fleet, clock: HandClock) -> None:
    use_up(fleet.worker("theirs"), clock)
    fleet.worker("theirs").hold("other", 60)
    fleet.worker("ours").acquire("other")
    assert clock.ms == START


@dataclass
class Sleepy(HandClock):
    """A machine on which sleep takes longer than it was told, so many times."""

    longer: float = 0.0
    times: int = 0

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds + (self.longer if self.times > 0 else 0.0))
        self.times -= 1


@pytest.mark.parametrize(("longer", "calls"), [(0.007, 1), (0.008, 2), (5.0, 2)])
def test_whoever_oversleeps_its_slot_asks_for_another(longer: float, calls: int) -> None:
    clock = Sleepy(longer=longer, times=1)
    slots = Counted(MemorySlots(now=clock))
    limiter = paced(slots, clock)
    slots.reserve("all", interval=103.0, longest=1000.0)
    slots.asked = 0
    limiter.acquire("other")
    assert slots.asked == calls


def test_a_machine_that_always_oversleeps_gives_its_turn_up() -> None:
    clock = Sleepy(longer=0.05, times=100)
    slots = Counted(MemorySlots(now=clock))
    limiter = paced(slots, clock)
    slots.reserve("all", interval=103.0, longest=1000.0)
    assert told_to_wait(limiter) == 1.0
    assert slots.asked == 4


@dataclass
class Counted:
    """Slots that count how often they are asked for."""

    slots: Slots
    asked: int = 0

    def reserve(
        self, bucket: str, *, interval: float, longest: float, quota: Quota | None = None
    ) -> Slot:
        self.asked += 1
        return self.slots.reserve(bucket, interval=interval, longest=longest, quota=quota)

    def hold(self, bucket: str, milliseconds: float) -> None:
        self.slots.hold(bucket, milliseconds)


@pytest.mark.parametrize("seed", range(10))
def test_the_stand_in_and_the_server_cannot_be_told_apart(redis_client: Any, seed: int) -> None:
    dice, clock = random.Random(seed), HandClock()
    one, two = MemorySlots(now=clock), RedisSlots(redis_client, now=clock)  # type: ignore[arg-type]
    for _ in range(200):
        clock.ms += dice.choice([0, 1, 100, 1000, 30_000, 400_000])
        if dice.random() < 0.1:
            seconds = dice.choice([0.5, 5, 600])
            one.hold("all", SECOND * seconds)
            two.hold("all", SECOND * seconds)
        longest = dice.choice([0.0, 1000.0, 5000.0])
        left, right = (s.reserve("all", interval=333.0, longest=longest) for s in (one, two))
        assert left.taken == right.taken
        assert left.wait == pytest.approx(right.wait, abs=0.5)


# Where the clock is the server's own


@pytest.fixture(params=["memory", "redis"])
def real_slots(request: pytest.FixtureRequest) -> Iterator[Slots]:
    if request.param == "memory":
        yield MemorySlots()
        return
    client: redis.Redis = request.getfixturevalue("redis_client")
    yield RedisSlots(client)


def test_two_who_ask_at_the_same_time_never_get_the_same_slot(real_slots: Slots) -> None:
    def ask(_: int) -> float:
        return real_slots.reserve("all", interval=1000.0, longest=1e6).wait

    with ThreadPoolExecutor(8) as pool:
        waits = sorted(pool.map(ask, range(200)))
    gaps = [later - earlier for earlier, later in pairwise(waits)]
    assert min(gaps) > 500


def test_what_is_kept_of_a_bucket_goes_away_by_itself(redis_client: Any) -> None:
    slots = RedisSlots(redis_client)
    key = "autoreply:{default}:slots:all"
    slots.hold("all", 3_600_000)
    slots.reserve("all", interval=10.0, longest=0.0)
    assert 3_600_000 <= redis_client.pttl(key) < 4_300_000
    slots.hold("all", 1)
    assert redis_client.pttl(key) > 3_500_000

"""What workers count of their calls: nobody's name is in it, and nothing is counted twice."""

from collections.abc import Mapping

import pytest

from worker.domain.errors import LedgerAway, Paced
from worker.domain.timing import BOUNDS, STAGE_BOUNDS, Times, class_of
from worker.ledger.counts import MemoryCounts
from worker.meter import Count, Meter, Metered, route_of
from worker.pace import Kind


class Away(MemoryCounts):
    """Sums that are away until they are back."""

    away = True

    def add(self, counts: Mapping[Count, int]) -> None:
        if self.away:
            raise LedgerAway("the ledger does not answer")
        super().add(counts)


class Pace:
    """Lets calls go until it has enough."""

    def __init__(self) -> None:
        self.enough = False
        self.held: list[tuple[Kind, float]] = []

    def acquire(self, kind: Kind) -> None:
        if self.enough:
            raise Paced("used up", 1.0)

    def hold(self, kind: Kind, seconds: float) -> None:
        self.held.append((kind, seconds))


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v2/emails", "/v2/emails"),
        ("/v2/emails/reply", "/v2/emails/reply"),
        ("/v2/leads/0198c-1/emails", "/v2/leads/{id}/emails"),
        ("/v2/leads/ann@lead.example/emails", "/v2/leads/{id}/emails"),
        ("/v2/leads/ann/emails", "/v2/leads/{id}/emails"),
        ("/v2/emails/threads/a%2Fb/mark-as-read", "/v2/emails/threads/{id}/mark-as-read"),
    ],
)
def test_a_route_names_nobody(path: str, route: str) -> None:
    assert route_of(path) == route


def test_calls_are_counted_by_route_and_status() -> None:
    counts = MemoryCounts()
    meter = Meter(counts)
    for lead, status in (("a1", "200"), ("b2", "200"), ("b2", "429")):
        meter.called("GET", f"/v2/leads/{lead}/emails", status)
    assert counts.all() == {}
    meter.pass_on()
    meter.pass_on()
    route = "GET /v2/leads/{id}/emails"
    assert counts.all() == {("call", route, "200"): 2, ("call", route, "429"): 1}


def test_what_cannot_be_passed_on_is_kept_and_counted_once() -> None:
    counts = Away()
    meter = Meter(counts)
    meter.called("GET", "/v2/emails", "200")
    with pytest.raises(LedgerAway):
        meter.pass_on()
    meter.called("GET", "/v2/emails", "200")
    counts.away = False
    meter.pass_on()
    assert counts.all() == {("call", "GET /v2/emails", "200"): 2}


def test_the_wait_for_a_turn_is_counted_and_a_turn_that_was_refused_is_none() -> None:
    counts, pace = MemoryCounts(), Pace()
    meter = Meter(counts)
    metered = Metered(pace, meter)
    metered.acquire("list")
    metered.hold("list", 3.0)
    pace.enough = True
    with pytest.raises(Paced):
        metered.acquire("list")
    meter.pass_on()
    assert counts.all()["waits", "list"] == 1
    assert counts.all()["waited", "list"] < 1000
    assert pace.held == [("list", 3.0)]


@pytest.mark.parametrize(
    ("took", "name"), [(0, "5"), (5000, "5"), (5001, "15"), (86_400_000, "86400"), (10**9, "more")]
)
def test_a_time_is_counted_in_the_first_class_that_holds_it(took: int, name: str) -> None:
    assert class_of(took) == name


def test_times_are_summed_up_to_each_bound() -> None:
    times = Times.read({"5": 2, "60": 1, "more": 4, "sum": 7500})
    assert (times.count, times.seconds) == (7, 7.5)
    assert [times.below[bound] for bound in BOUNDS[:5]] == [2, 2, 2, 3, 3]
    assert times.below[BOUNDS[-1]] == 3


def test_a_stage_is_counted_by_its_time_however_short() -> None:
    counts = MemoryCounts()
    meter = Meter(counts)
    for seconds in (0.0002, 0.0003, 0.2, 90.0):
        meter.took("read", seconds)
    meter.pass_on()
    classes = {name: count for (_, stage, name), count in counts.all().items() if stage == "read"}
    assert classes == {"0.001": 2, "0.25": 1, "more": 1, "sum": 90_200_500}
    times = Times.read(classes, STAGE_BOUNDS, per_second=1_000_000)
    assert (times.count, times.seconds) == (4, 90.2005)
    assert [times.below[bound] for bound in STAGE_BOUNDS[:5]] == [2, 2, 2, 2, 3]

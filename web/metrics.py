"""The figures of `/metrics`: read from the ledger, so that they survive every restart."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from web.spool import Spool
from worker.domain.errors import LedgerAway
from worker.domain.timing import STAGE_BOUNDS, Times
from worker.meter import CALL, MICROSECONDS, STAGE, WAITED, WAITS, Count
from worker.ports import Ledger

_DELIVERIES: Final = ("received", "duplicate")
_ONLY: Final = "default"
"""What the workspace is called where there is only one."""

HOOK_STATES: Final = ("active", "disabled", "missing", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What there is to count of a workspace beside its ledger.

    Attributes:
        owed: how many deeds are owed to the provider.
        hook: the state of our webhook at the provider.
        problems: how many templates do not work as they are.
        counted: what workers counted of their calls and stages; see `worker.meter.Count`.

    """

    owed: Callable[[], int] = lambda: 0
    hook: Callable[[], str] = lambda: "unknown"
    problems: Callable[[], int] = lambda: 0
    counted: Callable[[], Mapping[Count, int]] = dict


@dataclass(frozen=True, slots=True)
class _Workspace:
    name: str
    ledger: Ledger
    beside: Beside


class LedgerCollector(Collector):
    """Reads the figures of every workspace."""

    def __init__(
        self,
        ledgers: Mapping[str, Ledger],
        queued: Callable[[], int],
        beside: Mapping[str, Beside],
    ) -> None:
        self._workspaces = [
            _Workspace(name or _ONLY, ledger, beside.get(name, Beside()))
            for name, ledger in ledgers.items()
        ]
        self._queued = queued

    def collect(self) -> Iterator[Metric]:
        """Yield the figures; without a ledger only that it is away."""
        up = GaugeMetricFamily("autoreply_ledger_up", "1 while the ledger answers")
        try:
            families = [
                *_steps(self._workspaces),
                *_present(self._workspaces),
                *_provider(self._workspaces),
                _answer_times(self._workspaces),
                *_counted(self._workspaces),
                _gauge("autoreply_queue_length", "Messages in the queue", self._queued()),
            ]
        except LedgerAway:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from families


def _steps(workspaces: Sequence[_Workspace]) -> list[Metric]:
    """Return what happened since the ledger began."""
    deliveries = CounterMetricFamily(
        "autoreply_deliveries",
        "Webhooks recorded",
        labels=["workspace", "event_type", "status"],
    )
    steps = CounterMetricFamily(
        "autoreply_steps", "Steps that events took", labels=["workspace", "state", "reason"]
    )
    variants = CounterMetricFamily(
        "autoreply_variants",
        "Answers sent by variant",
        labels=["workspace", "template", "variant"],
    )
    for each in workspaces:
        for name, count in each.ledger.variants().items():
            variants.add_metric([each.name, *name], count)
        for (what, reason), count in each.ledger.outcomes().items():
            if what in _DELIVERIES:
                deliveries.add_metric([each.name, reason, what], count)
            else:
                steps.add_metric([each.name, what, reason], count)
    return [deliveries, steps, variants]


def _present(workspaces: Sequence[_Workspace]) -> list[Metric]:
    """Return what there is now."""
    events = GaugeMetricFamily("autoreply_events", "Events by state", labels=["workspace", "state"])
    planned, late, workers, paused, problems = (
        GaugeMetricFamily(name, about, labels=["workspace"])
        for name, about in (
            ("autoreply_due", "Events that are due or planned"),
            ("autoreply_due_late_seconds", "Lateness of the oldest"),
            ("autoreply_workers", "Workers seen lately"),
            ("autoreply_paused", "Pauses in force"),
            ("autoreply_template_problems", "Templates that do not work as they are"),
        )
    )
    for each in workspaces:
        for state, count in each.ledger.counts().items():
            events.add_metric([each.name, state], count)
        due, lateness = each.ledger.due()
        planned.add_metric([each.name], due)
        late.add_metric([each.name], lateness / 1000)
        workers.add_metric([each.name], len(each.ledger.workers()))
        paused.add_metric([each.name], len(each.ledger.pauses()))
        problems.add_metric([each.name], each.beside.problems())
    return [events, planned, late, workers, paused, problems]


def _provider(workspaces: Sequence[_Workspace]) -> list[Metric]:
    """Return how things stand with the provider."""
    hold = GaugeMetricFamily(
        "autoreply_api_hold_seconds",
        "For how long the API is left alone",
        labels=["workspace", "reason"],
    )
    hook = GaugeMetricFamily(
        "autoreply_webhook_state",
        "1 for the state of our webhook at the provider",
        labels=["workspace", "state"],
    )
    owed = GaugeMetricFamily(
        "autoreply_deeds_owed", "What is to be written back", labels=["workspace"]
    )
    for each in workspaces:
        reason, _ = each.ledger.hold_reason()
        hold.add_metric([each.name, reason], each.ledger.held_off() / 1000)
        found = each.beside.hook()
        for state in HOOK_STATES:
            hook.add_metric([each.name, state], state == found)
        owed.add_metric([each.name], each.beside.owed())
    return [hold, hook, owed]


def _answer_times(workspaces: Sequence[_Workspace]) -> Metric:
    family = HistogramMetricFamily(
        "autoreply_answer_seconds", "From delivery to answer", labels=["workspace"]
    )
    for each in workspaces:
        _add_times(family, [each.name], each.ledger.answer_times())
    return family


def _add_times(family: HistogramMetricFamily, labels: Sequence[str], times: Times) -> None:
    below = [(str(float(bound)), count) for bound, count in times.below.items()]
    family.add_metric(labels, [*below, ("+Inf", times.count)], times.seconds)


def _counted(workspaces: Sequence[_Workspace]) -> list[Metric]:
    """Return what the workers counted, which is asked for once."""
    counted = {each.name: each.beside.counted() for each in workspaces}
    return [*_calls(counted), _stage_times(counted)]


def _calls(counted: Mapping[str, Mapping[Count, int]]) -> list[Metric]:
    """Return what the workers counted of their calls."""
    calls = CounterMetricFamily(
        "autoreply_api_calls", "Calls to the provider", labels=["workspace", "route", "status"]
    )
    waits = SummaryMetricFamily(
        "autoreply_limiter_wait_seconds",
        "What calls waited for their turn",
        labels=["workspace", "kind"],
    )
    for workspace, sums in counted.items():
        for (what, *about), count in sums.items():
            if what == CALL:
                calls.add_metric([workspace, *about], count)
            elif what == WAITS:
                waited = sums.get((WAITED, *about), 0) / 1000
                waits.add_metric([workspace, *about], count_value=count, sum_value=waited)
    return [calls, waits]


def _stage_times(counted: Mapping[str, Mapping[Count, int]]) -> Metric:
    family = HistogramMetricFamily(
        "autoreply_stage_seconds",
        "What the stages of an event took",
        labels=["workspace", "stage"],
    )
    for workspace, sums in counted.items():
        for stage, classes in _by_stage(sums).items():
            times = Times.read(classes, STAGE_BOUNDS, per_second=MICROSECONDS)
            _add_times(family, [workspace, stage], times)
    return family


def _by_stage(sums: Mapping[Count, int]) -> Mapping[str, Mapping[str, int]]:
    """Return each stage → the classes in which its times were counted, and their sum."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (what, *about), count in sums.items():
        if what == STAGE:
            stage, name = about
            found[stage][name] = count
    return found


def _gauge(name: str, about: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, about)
    family.add_metric([], value)
    return family


class SpoolCollector(Collector):
    """Tells of the spool, which is there to be looked at just while the ledger is away."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def collect(self) -> Iterator[Metric]:
        """Yield the figures; without the size where the disk does not tell it."""
        yield CounterMetricFamily(
            "autoreply_spooled", "Webhooks written to the spool", self._spool.written
        )
        with suppress(OSError):
            yield _gauge("autoreply_spool_bytes", "Waits on disk", self._spool.size())


def make_registry(
    ledgers: Mapping[str, Ledger],
    spool: Spool,
    queued: Callable[[], int],
    beside: Mapping[str, Beside] | None = None,
) -> tuple[CollectorRegistry, Counter]:
    """Return a registry, and its counter of answered webhook requests."""
    registry = CollectorRegistry()
    registry.register(LedgerCollector(ledgers, queued, beside or {}))
    registry.register(SpoolCollector(spool))
    answers = Counter(
        "autoreply_webhook_answers", "Webhook requests answered", ["status"], registry=registry
    )
    return registry, answers

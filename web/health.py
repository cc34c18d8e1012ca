"""`/healthz`, `/readyz` and `/metrics`: for supervisors, balancers and Prometheus."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response, jsonify
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from web.spool import Spool
from worker.domain.errors import LedgerAway
from worker.ports import Ledger

_DELIVERIES: Final = ("received", "duplicate")
_ONLY: Final = "default"
"""What the workspace is called where there is only one."""


@dataclass(frozen=True, slots=True)
class Checks:
    """What readiness rests on; each call raises where its part is missing."""

    ledgers: Mapping[str, Ledger]
    ping_broker: Callable[[], None]

    def run(self) -> dict[str, str]:
        """Return each part's state: `ok`, or what is wrong with it."""
        return {
            "ledger": _state(self._every_ledger),
            "broker": _state(self.ping_broker),
            "worker": _state(self._a_worker),
        }

    def _every_ledger(self) -> None:
        for ledger in self.ledgers.values():
            ledger.ping()

    def _a_worker(self) -> None:
        if not all(ledger.workers() for ledger in self.ledgers.values()):
            msg = "no worker was seen within 30 s"
            raise LookupError(msg)


def _state(check: Callable[[], None]) -> str:
    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever is wrong is the answer
        return str(error) or type(error).__name__
    return "ok"


class LedgerCollector(Collector):
    """Reads the figures from the ledger, so that they survive restarts of every process."""

    def __init__(self, ledgers: Mapping[str, Ledger], queued: Callable[[], int]) -> None:
        self._ledgers = {name or _ONLY: ledger for name, ledger in ledgers.items()}
        self._queued = queued

    def collect(self) -> Iterator[Metric]:
        """Yield the figures; without a ledger only that it is away."""
        up = GaugeMetricFamily("autoreply_ledger_up", "1 while the ledger answers")
        try:
            families = [*self._counters(), *self._gauges()]
        except LedgerAway:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from families

    def _counters(self) -> list[Metric]:
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
        for workspace, ledger in self._ledgers.items():
            for name, count in ledger.variants().items():
                variants.add_metric([workspace, *name], count)
            for (what, reason), count in ledger.outcomes().items():
                if what in _DELIVERIES:
                    deliveries.add_metric([workspace, reason, what], count)
                else:
                    steps.add_metric([workspace, what, reason], count)
        return [deliveries, steps, variants]

    def _gauges(self) -> list[Metric]:
        events = GaugeMetricFamily(
            "autoreply_events", "Events by state", labels=["workspace", "state"]
        )
        planned, late, workers = (
            GaugeMetricFamily(name, about, labels=["workspace"])
            for name, about in (
                ("autoreply_due", "Events that are due or planned"),
                ("autoreply_due_late_seconds", "Lateness of the oldest"),
                ("autoreply_workers", "Workers seen lately"),
            )
        )
        for workspace, ledger in self._ledgers.items():
            for state, count in ledger.counts().items():
                events.add_metric([workspace, state], count)
            due, lateness = ledger.due()
            planned.add_metric([workspace], due)
            late.add_metric([workspace], lateness / 1000)
            workers.add_metric([workspace], len(ledger.workers()))
        queued = _gauge("autoreply_queue_length", "Messages in the queue", self._queued())
        return [events, planned, late, workers, queued]


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
    ledgers: Mapping[str, Ledger], spool: Spool, queued: Callable[[], int]
) -> tuple[CollectorRegistry, Counter]:
    """Return a registry, and its counter of answered webhook requests."""
    registry = CollectorRegistry()
    registry.register(LedgerCollector(ledgers, queued))
    registry.register(SpoolCollector(spool))
    answers = Counter(
        "autoreply_webhook_answers", "Webhook requests answered", ["status"], registry=registry
    )
    return registry, answers


def blueprint(checks: Checks, registry: CollectorRegistry) -> Blueprint:
    """Return the routes."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz() -> Response:
        return jsonify({"status": "ok"})

    @routes.get("/readyz")
    def readyz() -> tuple[Response, int]:
        states = checks.run()
        ready = all(state == "ok" for state in states.values())
        return jsonify({"ready": ready, **states}), 200 if ready else 503

    @routes.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return routes

"""`/healthz`, `/readyz` and `/metrics`: for supervisors, balancers and Prometheus."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, jsonify
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from worker.ports import Ledger


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

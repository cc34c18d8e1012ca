"""The receiver's Flask app, put together from its parts."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from web import console, health, metrics, receiver
from web.spool import Spool
from web.traced import traced
from worker.ports import Ledger
from worker.spans import SILENT, Spans


def create_app(
    *,
    ledgers: Mapping[str, Ledger],
    spool: Spool,
    receiving: receiver.Receiver,
    ping_broker: Callable[[], None],
    queued: Callable[[], int],
    pages: console.Console | None = None,
    beside: Mapping[str, metrics.Beside] | None = None,
    spans: Spans = SILENT,
) -> Flask:
    """Return the app.

    Args:
        ledgers: where deliveries go, by the workspace's name.
        spool: where they wait while the ledger is away.
        receiving: takes them to either.
        ping_broker: raises unless the broker answers.
        queued: how many messages wait in the queue.
        beside: what there is to count of each workspace beside its ledger.
        spans: tell of each delivery's trace.
        pages: the console at `/`; without it only the names of the routes are there.

    """
    app = Flask(__name__)
    app.register_blueprint(receiver.blueprint(traced(receiving.receive, spans)))
    registry, answers = metrics.make_registry(ledgers, spool, queued, beside)
    app.register_blueprint(health.blueprint(health.Checks(ledgers, ping_broker), registry))
    app.register_error_handler(HTTPException, receiver.error_answer)

    @app.after_request
    def count(response: Response) -> Response:
        if request.blueprint == "receiver":
            answers.labels(response.status_code).inc()
        return response

    if pages:
        console.install(app, pages)
    else:
        app.add_url_rule("/", view_func=_index)
    return app


def mount(app: Flask, pages: Mapping[str, console.Console]) -> None:
    """Give each of several workspaces a console of its own, below `/w/NAME/`."""
    if pages:
        mounts: dict[str, Any] = {f"/w/{name}": _console_app(one) for name, one in pages.items()}
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, mounts)  # type: ignore[method-assign]  # as Flask's docs do


def _console_app(pages: console.Console) -> Flask:
    app = Flask(__name__)
    console.install(app, pages)
    return app


def _index() -> Response:
    return jsonify(
        {
            "service": "autoreply",
            "webhook": "POST /webhooks/instantly",
            "consoles": "/w/NAME/ for each workspace",
            "health": ["/healthz", "/readyz", "/metrics"],
        }
    )

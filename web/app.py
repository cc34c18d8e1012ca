"""The receiver's Flask app, put together from its parts."""

from collections.abc import Callable

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from web import console, health, receiver
from web.spool import Spool
from worker.ports import Ledger


def create_app(
    *,
    ledger: Ledger,
    spool: Spool,
    receiving: receiver.Receiver,
    ping_broker: Callable[[], None],
    queued: Callable[[], int],
    pages: console.Console | None = None,
) -> Flask:
    """Return the app.

    Args:
        ledger: where deliveries go.
        spool: where they wait while the ledger is away.
        receiving: takes them to either.
        ping_broker: raises unless the broker answers.
        queued: how many messages wait in the queue.
        pages: the console at `/`; without it only the names of the routes are there.

    """
    app = Flask(__name__)
    app.register_blueprint(receiver.blueprint(receiving))
    registry, answers = health.make_registry(ledger, spool, queued)
    app.register_blueprint(health.blueprint(health.Checks(ledger, ping_broker), registry))
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


def _index() -> Response:
    return jsonify(
        {
            "service": "autoreply",
            "webhook": "POST /webhooks/instantly",
            "health": ["/healthz", "/readyz", "/metrics"],
        }
    )

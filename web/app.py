"""The receiver's Flask app, put together from its parts."""

from collections.abc import Callable, Mapping

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from web import health, receiver
from web.spool import Spool
from worker.ports import Ledger


def create_app(
    *,
    ledgers: Mapping[str, Ledger],
    spool: Spool,
    receiving: receiver.Receiver,
    ping_broker: Callable[[], None],
    queued: Callable[[], int],
) -> Flask:
    """Return the app.

    Args:
        ledgers: where deliveries go, by the workspace's name.
        spool: where they wait while the ledger is away.
        receiving: takes them to either.
        ping_broker: raises unless the broker answers.
        queued: how many messages wait in the queue.

    """
    app = Flask(__name__)
    app.register_blueprint(receiver.blueprint(receiving))
    registry, answers = health.make_registry(ledgers, spool, queued)
    app.register_blueprint(health.blueprint(health.Checks(ledgers, ping_broker), registry))
    app.register_error_handler(HTTPException, receiver.error_answer)

    @app.after_request
    def count(response: Response) -> Response:
        if request.blueprint == "receiver":
            answers.labels(response.status_code).inc()
        return response

    @app.get("/")
    def index() -> Response:
        return jsonify(
            {
                "service": "autoreply",
                "webhook": "POST /webhooks/instantly",
                "health": ["/healthz", "/readyz", "/metrics"],
            }
        )

    return app

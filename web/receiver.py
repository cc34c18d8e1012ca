"""`POST /webhooks/instantly`: genuine? what does it mean? recorded – and only then answered.

While the ledger is away, "recorded" is the spool on this machine's disk.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import structlog
from flask import Blueprint, Request, Response, jsonify, request
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    MethodNotAllowed,
    RequestEntityTooLarge,
    ServiceUnavailable,
    Unauthorized,
    UnsupportedMediaType,
)

from web import authenticity
from web.spool import Delivery, Names, Spool
from worker.contracts import webhook
from worker.contracts.lenient import json_value
from worker.domain.errors import LedgerAway, LedgerFull, MalformedEvent
from worker.ports import Ledger

MOST_BYTES: Final = 1024 * 1024
_DRAIN: Final = 8 * 1024 * 1024
_MOST_LEVELS: Final = 100
_TOO_DEEP: Final = "the JSON is nested too deeply"
_RETRY_AFTER: Final = "30"
_KEPT_HEADERS: Final = ("webhook-id", "User-Agent", "Content-Type")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told."""

    status: int
    body: dict[str, str]


class Receiver:
    """Takes deliveries into the ledger.

    Args:
        ledger: where a delivery must be before it is answered.
        secrets: any one of them makes a delivery genuine.
        publish: queues an accepted event; must not wait.
        spool: where a delivery must be while the ledger is away.
        clock: seconds since the epoch.

    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        secrets: Sequence[str],
        publish: Callable[[str], None],
        spool: Spool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._secrets = secrets
        self._publish = publish
        self._spool = spool
        self._names = Names()
        self._clock = clock

    def receive(self, incoming: Request) -> Answer:
        """Judge, read and record one delivery.

        Raises:
            HTTPException: 400, 401, 413, 415 or 503, with a message that says what to do.

        """
        body = self._genuine_body(incoming)
        _check_type(incoming)
        headers = {n: incoming.headers[n] for n in _KEPT_HEADERS if n in incoming.headers}
        delivery, payload = Delivery(body, headers), _json(body)
        try:
            return self._record(delivery, payload)
        except LedgerFull as error:  # making room takes a person: the sender should keep it
            _log.error("ledger_full", problem=str(error))
            raise ServiceUnavailable("the ledger is full; please deliver again") from error
        except LedgerAway:
            return self._keep(delivery, payload)

    def record(self, delivery: Delivery) -> Answer:
        """Record a delivery that was spooled; this may be done again.

        Raises:
            LedgerAway: it has to stay where it is.

        """
        return self._record(delivery, _json(delivery.body))

    def _genuine_body(self, incoming: Request) -> bytes:
        """Return the body of a genuine delivery; of others it is not even read."""
        if authenticity.has_secret(incoming.headers, self._secrets):
            return _body(incoming)
        if authenticity.is_signed(incoming.headers):
            body = _body(incoming)
            if authenticity.has_signature(incoming.headers, body, self._secrets, self._clock()):
                return body
        raise Unauthorized(
            "send the secret as X-Webhook-Secret or as a bearer token, or sign the request"
        )

    def _record(self, delivery: Delivery, payload: Any) -> Answer:  # noqa: ANN401 - JSON
        try:
            event = webhook.parse(payload, delivery.webhook_id)
        except MalformedEvent as error:
            text = delivery.body.decode("utf-8", "replace")
            key = self._ledger.quarantine(text, error.reason, delivery.headers)
            said = {"key": key, "status": "quarantined", "reason": error.reason}
            return Answer(202, said | {"message": error.detail})
        accepted = self._ledger.accept(event, json.dumps(payload))
        answer = {"key": accepted.key, "status": accepted.status}
        if accepted.status == "ignored":
            return Answer(202, answer | {"reason": accepted.reason})
        if accepted.status == "duplicate":
            return Answer(200, answer)
        self._publish(accepted.key)
        return Answer(202, answer)

    def _keep(self, delivery: Delivery, payload: object) -> Answer:
        """Put a delivery on disk, under a name that makes one event of it."""
        name = self._names.name(payload, delivery.webhook_id, self._clock())
        named = {"webhook-id": name} if name else {}
        try:
            self._spool.write(Delivery(delivery.body, {**delivery.headers, **named}))
        except OSError as error:
            _log.error("not_spooled", problem=str(error))
            raise ServiceUnavailable("the ledger is away; please deliver again") from error
        return Answer(202, {"status": "spooled"})


def _body(incoming: Request) -> bytes:
    """Read the body, up to the limit.

    Raises:
        RequestEntityTooLarge: after draining a part, so that the sender reads the answer.

    """
    stream: BinaryIO = incoming.environ["wsgi.input"]
    body = bytearray()
    length = incoming.content_length
    while len(body) <= MOST_BYTES and (length is None or len(body) < length):
        wanted = min(65536, MOST_BYTES + 1 - len(body))
        chunk = stream.read(wanted if length is None else min(wanted, length - len(body)))
        if not chunk:
            break
        body += chunk
    if len(body) <= MOST_BYTES:
        return bytes(body)
    _drain(stream, (length or _DRAIN) - len(body))
    raise RequestEntityTooLarge(f"at most {MOST_BYTES} bytes; this is no webhook of ours")


def _drain(stream: BinaryIO, left: int) -> None:
    left = min(left, _DRAIN)
    while left > 0 and (chunk := stream.read(min(65536, left))):
        left -= len(chunk)


def _check_type(incoming: Request) -> None:
    kind = incoming.mimetype
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise UnsupportedMediaType(f"send JSON as application/json, not as {kind}")


def _json(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        value = json_value(body)
    except RecursionError:
        raise BadRequest(_TOO_DEEP) from None
    except ValueError as error:
        raise BadRequest(f"the body is no JSON: {error}") from None
    if _is_deep(value):
        raise BadRequest(_TOO_DEEP)
    return value


def _is_deep(value: object) -> bool:
    """Say whether a value is nested so deeply that writing it could fail where reading did not."""
    level: list[Any] = [value]
    for _ in range(_MOST_LEVELS):
        children = (
            v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)
        )
        level = [child for inner in children for child in inner]
    return bool(level)


def blueprint(receiver: Receiver) -> Blueprint:
    """Return the routes."""
    routes = Blueprint("receiver", __name__)

    @routes.post("/webhooks/instantly")
    def instantly() -> tuple[Response, int]:
        answer = receiver.receive(request)
        return jsonify(answer.body), answer.status

    return routes


def error_answer(error: HTTPException) -> Response:
    """Return the JSON answer for an error: `{"error": slug, "message": what to do}`."""
    slug = error.name.lower().replace(" ", "_")
    response = jsonify({"error": slug, "message": error.description or error.name})
    response.status_code = error.code or 500
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    if response.status_code == ServiceUnavailable.code:
        response.headers["Retry-After"] = _RETRY_AFTER
    if response.status_code == Unauthorized.code:
        response.headers["WWW-Authenticate"] = 'Bearer realm="webhooks"'
    return response

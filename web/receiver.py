"""`POST /webhooks/instantly`: genuine? what does it mean? recorded – and only then answered.

While the ledger is away, "recorded" is the spool on this machine's disk.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from worker.contracts.lenient import identity, json_value
from worker.domain import traces
from worker.domain.errors import LedgerAway, LedgerFull, MalformedEvent
from worker.domain.model import ReplyEvent
from worker.ports import Ledger

MOST_BYTES: Final = 1024 * 1024
_DRAIN: Final = 8 * 1024 * 1024
_MOST_LEVELS: Final = 100
_TOO_DEEP: Final = "the JSON is nested too deeply"
_RETRY_AFTER: Final = "30"
_DESK: Final = "autoreply-workspace"
"""Kept with a spooled delivery: whose secret it came with."""

_KEPT_HEADERS: Final = ("webhook-id", "User-Agent", "Content-Type", "traceparent")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told."""

    status: int
    body: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where the deliveries of one workspace go.

    Attributes:
        name: the workspace's row; "" where there is only one.
        id: the workspace's id at the provider; "" takes the deliveries of every one.
        ledger: where a delivery must be before it is answered.
        secrets: any one of them makes a delivery genuine.
        prefix: stands before the keys in the queue.

    """

    name: str = ""
    id: str = ""
    ledger: Ledger
    secrets: Sequence[str] = field(repr=False)
    prefix: str = ""


class Receiver:
    """Takes deliveries into the ledgers.

    Args:
        desks: one for each workspace.
        publish: queues an accepted event; must not wait.
        spool: where a delivery must be while the ledger is away.
        clock: seconds since the epoch.

    """

    def __init__(
        self,
        *,
        desks: Sequence[Desk],
        publish: Callable[[str], None],
        spool: Spool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._desks = desks
        self._publish = publish
        self._spool = spool
        self._names = Names()
        self._clock = clock

    def receive(self, incoming: Request) -> Answer:
        """Judge, read and record one delivery.

        Raises:
            HTTPException: 400, 401, 413, 415 or 503, with a message that says what to do.

        """
        vouching, body = self._genuine(incoming)
        _check_type(incoming)
        headers = {n: incoming.headers[n] for n in _KEPT_HEADERS if n in incoming.headers}
        payload = _json(body)
        desk = self._desk_of(payload, vouching)
        kept = headers | ({_DESK: (desk or vouching[0]).name} if len(self._desks) > 1 else {})
        delivery = Delivery(body, kept)
        try:
            return self._record(desk or vouching[0], delivery, payload, is_known=bool(desk))
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
        payload = _json(delivery.body)
        name = delivery.headers.get(_DESK, "")
        vouching = [desk for desk in self._desks if desk.name == name] or self._desks
        desk = self._desk_of(payload, vouching)
        return self._record(desk or vouching[0], delivery, payload, is_known=bool(desk))

    def _genuine(self, incoming: Request) -> tuple[list[Desk], bytes]:
        """Return whose secret vouches for a delivery, and its body; of others none is read."""
        headers = incoming.headers
        vouching = [d for d in self._desks if authenticity.has_secret(headers, d.secrets)]
        if vouching:
            return vouching, _body(incoming)
        if authenticity.is_signed(headers):
            body, now = _body(incoming), self._clock()
            signed = [
                desk
                for desk in self._desks
                if authenticity.has_signature(headers, body, desk.secrets, now)
            ]
            if signed:
                return signed, body
        raise Unauthorized(
            "send the secret as X-Webhook-Secret or as a bearer token, or sign the request"
        )

    def _desk_of(self, payload: object, vouching: Sequence[Desk]) -> Desk | None:
        """Return the desk of the workspace that a delivery names; None for an unknown one.

        Raises:
            Unauthorized: it names a workspace whose secret it does not carry.

        """
        told = identity(payload, "workspace") if isinstance(payload, Mapping) else ""
        for desk in self._desks:
            if desk.id in ("", told):
                if desk in vouching:
                    return desk
                raise Unauthorized(f"this secret is not the one of workspace {told}")
        return vouching[0] if len(vouching) == 1 and not told else None

    def _record(
        self,
        desk: Desk,
        delivery: Delivery,
        payload: Any,  # noqa: ANN401 - JSON
        *,
        is_known: bool,
    ) -> Answer:
        try:
            event = _event(delivery, payload, is_known=is_known)
        except MalformedEvent as error:
            text = delivery.body.decode("utf-8", "replace")
            key = desk.ledger.quarantine(text, error.reason, delivery.headers)
            said = {"key": key, "status": "quarantined", "reason": error.reason}
            return Answer(202, said | {"message": error.detail})
        sender = traces.read(delivery.headers.get("traceparent", ""))
        accepted = desk.ledger.accept(replace(event, traceparent=sender), json.dumps(payload))
        about = {"trace_id": traces.trace_id(sender)} if sender else {}
        _log.info("received", key=accepted.key, status=accepted.status, **about)
        answer = {"key": accepted.key, "status": accepted.status}
        if accepted.status == "ignored":
            return Answer(202, answer | {"reason": accepted.reason})
        if accepted.status == "duplicate":
            return Answer(200, answer)
        self._publish(desk.prefix + accepted.key)
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


def _event(delivery: Delivery, payload: object, *, is_known: bool) -> ReplyEvent:
    """Read a delivery of a known workspace.

    Raises:
        MalformedEvent: it cannot be used, or nobody here knows its workspace.

    """
    event = webhook.parse(payload, delivery.webhook_id)
    if not is_known:
        detail = f"no row of AUTOREPLY_WORKSPACES has the id {event.workspace or '(none)'}"
        raise MalformedEvent("unknown_workspace", detail)
    return event


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


def blueprint(receive: Callable[[Request], Answer]) -> Blueprint:
    """Return the routes."""
    routes = Blueprint("receiver", __name__)

    @routes.post("/webhooks/instantly")
    def instantly() -> tuple[Response, int]:
        answer = receive(request)
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

"""One request, and the name of what went wrong."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal

import httpx

from worker import tracing
from worker.domain.errors import (
    REFUSED,
    AutoreplyError,
    ConfigurationError,
    GiveUp,
    NoScope,
    OutcomeUnknown,
    TryLater,
)
from worker.pace import LISTS, Kind, Pace, kind_of

_MOST_BYTES: Final = 16 * 1024 * 1024
_REFUSED: Final = {
    401: "the API key is wrong or was revoked",
    402: "the workspace has no active paid plan",
    403: "the API key lacks a scope that this call needs",
}
_FORBIDDEN: Final = 403
_TOO_MANY: Final = 429
_NEVER_LEFT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_LEAST_WAIT: Final = 0.001
_LONGEST_WAIT: Final = 3600.0
_REFUSED_WAIT: Final = 60.0

Effect = Literal["read", "send"]


class ApiClient:
    """Calls the provider: one kept `httpx.Client` per thread, a deadline on every call.

    Args:
        base_url: everything before `/v2`.
        key: the bearer token.
        deadline: seconds that one call may take in all.
        pace: lets calls go when their turn has come; None where nobody counts them.
        called: hears of each call that left: method, path, and HTTP status or kind of failure.

    Raises:
        ConfigurationError: no request can carry the key, or the URL is none.

    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        deadline: float,
        pace: Pace | None = None,
        called: Callable[[str, str, str], object] = lambda *_: None,
    ) -> None:
        if not (key.isascii() and key.isprintable()):
            raise ConfigurationError("AUTOREPLY_API_KEY has characters that no header can carry")
        if not base_url.startswith(("http://", "https://")):
            msg = f"AUTOREPLY_API_URL={base_url!r}: write it like https://api.instantly.ai/api"
            raise ConfigurationError(msg)
        self._base_url = base_url.rstrip("/")
        self._key = key
        self._deadline = deadline
        self._pace = pace
        self._called = called
        self._tls = httpx.create_ssl_context()
        self._mine = threading.local()

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        at_the_door: Callable[[], None] | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON answer of a read; see `post` for `at_the_door`."""
        return self._call("read", "GET", path, params=params, at_the_door=at_the_door)

    def ask(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON answer of a read whose question goes into the body."""
        return self._call("read", "POST", path, body=body)

    def post(
        self,
        path: str,
        body: Mapping[str, object] | None = None,
        at_the_door: Callable[[], None] | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON answer of a request that has an effect.

        `at_the_door` is called once the connection stands and nothing has been written to
        it; what it raises keeps the request from leaving.
        """
        return self._call("send", "POST", path, body=body, at_the_door=at_the_door)

    def patch(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON answer of a change."""
        return self._call("send", "PATCH", path, body=body)

    def delete(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON answer of a removal."""
        return self._call("send", "DELETE", path)

    def close(self) -> None:
        """Let this thread's connections go; the next call opens new ones."""
        for client in vars(self._mine).values():
            client.close()
        vars(self._mine).clear()

    def _client(self, effect: Effect) -> httpx.Client:
        """Return this thread's client: reads keep their connection, sends get a fresh one.

        A kept connection may be dead without anybody knowing, and a request that is lost on
        it is a doubt.
        """
        name = f"{effect}er"
        if not hasattr(self._mine, name):
            keep = 1 if effect == "read" else 0
            client = httpx.Client(
                base_url=self._base_url,
                headers={"Authorization": f"Bearer {self._key}", "Accept": "application/json"},
                follow_redirects=False,
                limits=httpx.Limits(max_keepalive_connections=keep),
                verify=self._tls,
            )
            setattr(self._mine, name, client)
        found: httpx.Client = getattr(self._mine, name)
        return found

    def _call(
        self,
        effect: Effect,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        at_the_door: Callable[[], None] | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        kind = kind_of(method, path, params)
        if self._pace:  # before the last check at the door, which nothing may come after
            self._pace.acquire(kind)
        ends = time.monotonic() + self._deadline
        watch = {"timeout": _Remaining(ends)} | (
            {"trace": _knock(at_the_door)} if at_the_door else {}
        )
        try:
            with (
                tracing.calling(method, path) as call,
                self._client(effect).stream(
                    method, path, params=params, json=body, headers=tracing.headers(call),
                    extensions=watch,
                ) as response,
            ):  # fmt: skip
                call.answered(response.status_code)
                content = _read(response, ends)
        except httpx.HTTPError as error:
            self._called(method, path, type(error).__name__)
            raise name_failure(effect, error) from error
        self._called(method, path, str(response.status_code))
        if self._pace and response.status_code == _TOO_MANY:
            self._pace.hold(kind, retry_after(response.headers, datetime.now(UTC)))
        return understand(effect, response.status_code, response.headers, content, kind=kind)


def _knock(at_the_door: Callable[[], None]) -> Callable[[str, Mapping[str, Any]], None]:
    """Return a trace (httpcore's `trace` extension) that calls before the first byte leaves."""

    def trace(event: str, info: Mapping[str, Any]) -> None:
        if event != "http11.send_request_headers.started":
            return
        if info["request"].method != b"CONNECT":  # a proxy is asked for the way first
            at_the_door()

    return trace


class _Remaining(dict[str, float]):
    """The time-outs of a call's parts, as httpx asks for them: what is left when one begins."""

    def __init__(self, ends: float) -> None:
        super().__init__()
        self._ends = ends

    def get(self, *_: object) -> float:
        return max(self._ends - time.monotonic(), _LEAST_WAIT)


def _read(response: httpx.Response, ends: float) -> bytes:
    """Read the answer, but no longer than the deadline and no more than fits."""
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if time.monotonic() > ends:
            msg = "the answer took longer than the deadline"
            raise httpx.ReadTimeout(msg)
        if len(content) > _MOST_BYTES:
            msg = f"the answer has more than {_MOST_BYTES} bytes"
            raise httpx.ReadError(msg)
    return bytes(content)


def name_failure(effect: Effect, error: httpx.HTTPError) -> AutoreplyError:
    """Name a request without an answer after what the caller does next."""
    detail = f"{type(error).__name__}: {error}".rstrip(": ")
    if effect == "read" or isinstance(error, _NEVER_LEFT):
        return TryLater("api_away", detail)
    return OutcomeUnknown("no_answer", detail)


def understand(
    effect: Effect,
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    *,
    kind: Kind = "other",
) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON of a good answer.

    Lists have a limit of their own: where it is reached, nothing else has to wait.

    Raises:
        TryLater: surely without effect, and worth another try.
        GiveUp: refused for good.
        OutcomeUnknown: a request with an effect may have had it.

    """
    if 200 <= status < 300:  # noqa: PLR2004 - the HTTP status classes
        return _good(effect, status, content)
    said = f"HTTP {status}: {_message(content)}".rstrip(": ")
    if status in _REFUSED:
        detail = f"{_REFUSED[status]} ({said})"
        refused = NoScope if status == _FORBIDDEN else TryLater
        raise refused(REFUSED, detail, wait=_REFUSED_WAIT, everyone=True, counts=False)
    if status == _TOO_MANY:
        wait = retry_after(headers, datetime.now(UTC))
        raise TryLater("rate_limited", said, wait=wait, everyone=kind not in LISTS, counts=False)
    if 400 <= status < 500 and not (effect == "read" and status in (408, 425)):  # noqa: PLR2004
        raise GiveUp(f"http_{status}", said)
    if effect == "read":
        raise TryLater("api_away", said)
    raise OutcomeUnknown(f"http_{status}", said)


def _good(effect: Effect, status: int, content: bytes) -> Any:  # noqa: ANN401 - JSON
    if status == 204:  # noqa: PLR2004 - No Content: complete as it is
        return {}
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _unreadable(effect, f"HTTP {status} with a body that is no JSON") from error
    if isinstance(data, dict) and data.get("error"):
        raise _unreadable(effect, f"HTTP {status} with the error {data['error']!r:.200}")
    return data


def _unreadable(effect: Effect, detail: str) -> AutoreplyError:
    if effect == "read":
        return TryLater("unreadable_answer", detail)
    return OutcomeUnknown("unreadable_answer", detail)


def _message(content: bytes) -> str:
    """Return what an error answer says, short and on one line."""
    try:
        data = json.loads(content)
        text = data.get("message") or data.get("error") or ""
    except (ValueError, RecursionError, AttributeError):
        text = content[:200].decode("utf-8", "replace")
    return " ".join(str(text).split())[:200]


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """Return the seconds that `Retry-After` (RFC 9110 §10.2.3) asks for; 5 without one."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return 5.0
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value, now)
    return min(max(seconds, 0.5), _LONGEST_WAIT) if seconds == seconds else 5.0  # noqa: PLR0124 - not a number


def _until(date: str, now: datetime) -> float:
    try:
        return (parsedate_to_datetime(date) - now).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return 5.0

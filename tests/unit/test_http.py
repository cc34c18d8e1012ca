"""Which answer becomes which error: the whole table, without a socket."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, get_args

import httpx
import pytest

from worker.domain.errors import AutoreplyError, GiveUp, NoScope, OutcomeUnknown, TryLater
from worker.http import Effect, name_failure, retry_after, understand

ERROR = b'{"statusCode": 400, "error": "Bad Request", "message": "body must have\\nsubject"}'

Named = tuple[type[AutoreplyError], str, float | None, bool, bool]


def later(
    reason: str, *, wait: float | None = None, everyone: bool = False, counts: bool = True
) -> Named:
    return TryLater, reason, wait, everyone, counts


def final(reason: str) -> Named:
    return GiveUp, reason, None, False, True


def unknown(reason: str) -> Named:
    return OutcomeUnknown, reason, None, False, True


REFUSED = later("api_refused", wait=60.0, everyone=True, counts=False)
UNSCOPED: Named = (NoScope, *REFUSED[1:])
LIMITED = later("rate_limited", wait=5.0, everyone=True, counts=False)
AWAY = later("api_away")
GARBAGE = later("unreadable_answer")
DOUBTFUL = unknown("unreadable_answer")

ANSWERS: dict[str, tuple[int, bytes, Named, Named]] = {
    # what the API answers: status, body, then its name for a read and for a send
    "200 without JSON": (200, b"<html>ok</html>", GARBAGE, DOUBTFUL),
    "200 with half a JSON": (200, b'{"id": "x', GARBAGE, DOUBTFUL),
    "200 that is not UTF-8": (200, b'{"id": "\xff"}', GARBAGE, DOUBTFUL),
    "200 nested without end": (200, b"[" * 100_000, GARBAGE, DOUBTFUL),
    "200 with an error": (200, b'{"error": "ACC_AUTH_ERROR"}', GARBAGE, DOUBTFUL),
    "200 without a body": (200, b"", GARBAGE, DOUBTFUL),
    "201 without JSON": (201, b"created", GARBAGE, DOUBTFUL),
    "301": (301, b"", AWAY, unknown("http_301")),
    "302": (302, b"", AWAY, unknown("http_302")),
    "304": (304, b"", AWAY, unknown("http_304")),
    "307": (307, b"", AWAY, unknown("http_307")),
    "400": (400, ERROR, final("http_400"), final("http_400")),
    "401": (401, ERROR, REFUSED, REFUSED),
    "402": (402, ERROR, REFUSED, REFUSED),
    "403": (403, ERROR, UNSCOPED, UNSCOPED),
    "404": (404, ERROR, final("http_404"), final("http_404")),
    "408": (408, b"", AWAY, final("http_408")),
    "409": (409, ERROR, final("http_409"), final("http_409")),
    "410": (410, b"", final("http_410"), final("http_410")),
    "413": (413, b"", final("http_413"), final("http_413")),
    "422": (422, ERROR, final("http_422"), final("http_422")),
    "425": (425, b"", AWAY, final("http_425")),
    "429": (429, ERROR, LIMITED, LIMITED),
    "500": (500, ERROR, AWAY, unknown("http_500")),
    "502": (502, b"<html>Bad Gateway</html>", AWAY, unknown("http_502")),
    "503": (503, b"", AWAY, unknown("http_503")),
    "504": (504, b"", AWAY, unknown("http_504")),
    "599": (599, b"", AWAY, unknown("http_599")),
}

FAILURES: dict[type[httpx.HTTPError], Named] = {
    # what happens instead of an answer to a send; a read is always tried again
    httpx.ConnectError: AWAY,
    httpx.ConnectTimeout: AWAY,
    httpx.PoolTimeout: AWAY,
    httpx.ReadTimeout: unknown("no_answer"),
    httpx.WriteTimeout: unknown("no_answer"),
    httpx.RemoteProtocolError: unknown("no_answer"),
    httpx.ReadError: unknown("no_answer"),
    httpx.WriteError: unknown("no_answer"),
    httpx.CloseError: unknown("no_answer"),
    httpx.DecodingError: unknown("no_answer"),
}


def named(error: AutoreplyError) -> Named:
    wait, everyone, counts = None, False, True
    if isinstance(error, TryLater):
        wait, everyone, counts = error.wait, error.everyone, error.counts
    return type(error), error.reason, wait, everyone, counts


def error_of(
    effect: Effect, status: int, body: bytes = b"", headers: dict[str, str] | None = None
) -> AutoreplyError:
    with pytest.raises(AutoreplyError) as caught:
        understand(effect, status, httpx.Headers(headers or {}), body)
    return caught.value


@pytest.mark.parametrize("effect", get_args(Effect))
@pytest.mark.parametrize(("status", "body", "read", "send"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_named_after_what_the_caller_does_next(
    effect: Effect, status: int, body: bytes, read: Named, send: Named
) -> None:
    assert named(error_of(effect, status, body)) == (read if effect == "read" else send)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda kind: kind.__name__)
def test_a_read_without_an_answer_is_tried_again(failure: type[httpx.HTTPError]) -> None:
    assert named(name_failure("read", failure("gone"))) == AWAY


@pytest.mark.parametrize(
    ("failure", "send"), FAILURES.items(), ids=lambda x: getattr(x, "__name__", "")
)
def test_a_send_without_an_answer_is_unknown_unless_it_never_left(
    failure: type[httpx.HTTPError], send: Named
) -> None:
    assert named(name_failure("send", failure("gone"))) == send


@pytest.mark.parametrize("effect", get_args(Effect))
@pytest.mark.parametrize(
    ("status", "body", "value"),
    [
        (200, b'{"id": "a"}', {"id": "a"}),
        (201, b'{"id": "a"}', {"id": "a"}),
        (200, b"[]", []),
        (200, b"null", None),
        (200, b'"done"', "done"),
        (200, b'{"id": "a", "error": null}', {"id": "a", "error": None}),
        (200, b'{"id": "a", "error": ""}', {"id": "a", "error": ""}),
        (204, b"", {}),
    ],
)
def test_a_good_answer_is_its_json(effect: Effect, status: int, body: bytes, value: Any) -> None:
    assert understand(effect, status, httpx.Headers(), body) == value


def test_what_the_api_says_is_kept_short_and_on_one_line() -> None:
    assert error_of("send", 400, ERROR).detail == "HTTP 400: body must have subject"
    long = json.dumps({"message": "word " * 1000}).encode()
    assert len(error_of("send", 400, long).detail) < 250


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"error": "Not Found"}', "HTTP 404: Not Found"),
        (b'{"message": ["a", "b"]}', "HTTP 404: ['a', 'b']"),
        (b"[1]", "HTTP 404: [1]"),
        (b"<h1>no</h1>\n", "HTTP 404: <h1>no</h1>"),
        (b"\xff\xfe", "HTTP 404: \ufffd\ufffd"),
        (b"[" * 100_000, "HTTP 404: " + "[" * 200),
        (b"{}", "HTTP 404"),
        (b"", "HTTP 404"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_any_error_body_can_be_told(body: bytes, detail: str) -> None:
    assert error_of("send", 404, body).detail == detail


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "wrong or was revoked"), (402, "paid plan"), (403, "scope")]
)
def test_a_refused_key_says_what_is_wrong_with_it(status: int, hint: str) -> None:
    assert hint in error_of("read", status, ERROR).detail


def test_a_failure_without_words_is_told_by_its_name() -> None:
    assert name_failure("read", httpx.ReadTimeout("")).detail == "ReadTimeout"
    assert name_failure("read", httpx.ReadError("cut")).detail == "ReadError: cut"


NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 5.0),
        ("", 5.0),
        ("   ", 5.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("0", 0.5),
        ("-3", 0.5),
        ("86400", 3600.0),
        ("9" * 400, 3600.0),
        ("inf", 3600.0),
        ("-inf", 0.5),
        ("nan", 5.0),
        ("soon", 5.0),
        ("12 apples", 5.0),
        ("\u0667", 7.0),
        (format_datetime(NOW + timedelta(seconds=42), usegmt=True), 42.0),
        (format_datetime(NOW - timedelta(hours=1), usegmt=True), 0.5),
        (format_datetime(NOW + timedelta(days=9), usegmt=True), 3600.0),
        ("Fri, 20 Nov 2026 14:30:42", 5.0),
        ("Fri, 99 Foo 2026 99:99:99 GMT", 5.0),
        ("Fri, 20 Nov 99999999999999999999 14:30:42 GMT", 5.0),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_retry_after_is_read_leniently_and_kept_within_bounds(
    value: str | None, seconds: float
) -> None:
    assert retry_after({} if value is None else {"retry-after": value}, NOW) == seconds


@pytest.mark.parametrize("effect", get_args(Effect))
def test_the_wait_of_a_429_is_what_the_api_asks_for(effect: Effect) -> None:
    error = error_of(effect, 429, headers={"Retry-After": "17"})
    assert named(error) == later("rate_limited", wait=17.0, everyone=True, counts=False)


def test_a_retry_after_date_is_counted_from_now() -> None:
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    error = error_of("send", 429, headers={"Retry-After": in_a_minute})
    assert isinstance(error, TryLater)
    assert error.wait == pytest.approx(60, abs=10)

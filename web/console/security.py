"""Who may come in: one password, a signed cookie, and pages that nothing foreign can enter."""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol
from urllib.parse import urlsplit

import structlog
from flask import (
    Blueprint,
    Flask,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response as AnyResponse

STAYS: Final = timedelta(hours=12)
_TRY_EVERY_MS: Final = 10_000.0
_TRIES_AT_ONCE: Final = 5
_ALL_TRIES_EVERY_MS: Final = 500.0
_ALL_TRIES_AT_ONCE: Final = 60
_LONGEST_NAME: Final = 40
_OPEN: Final = {"console.login", "console.enter", "console.static"}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_log = structlog.get_logger(__name__)


class Turn(Protocol):
    """What came of asking for a turn; `wait` in milliseconds."""

    @property
    def taken(self) -> bool: ...  # noqa: D102
    @property
    def wait(self) -> float: ...  # noqa: D102


class Turns(Protocol):
    """Takes the next of a bucket's turns, which all processes share, unless it is far away."""

    def __call__(self, bucket: str, *, interval: float, longest: float) -> Turn:
        """Take a turn; all in milliseconds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What lets a person in.

    Attributes:
        password: without one the console stays closed.
        key: signs the cookie; the same in every process.
        turns: how often a password may be tried.
        clock: seconds since the epoch.

    """

    password: str = field(repr=False)
    key: bytes = field(repr=False)
    turns: Turns
    clock: Callable[[], float] = time.time

    def opens(self, given: str) -> bool:
        """Say whether a password is the right one, in the same time for every wrong one."""
        return hmac.compare_digest(_digest(given), _digest(self.password))

    def wait(self, address: str) -> float:
        """Take a try for an address; return the seconds until there is one, 0 for at once."""
        asked = (
            (f"login:{_digest(address).hex()[:32]}", _TRY_EVERY_MS, _TRIES_AT_ONCE),
            ("login", _ALL_TRIES_EVERY_MS, _ALL_TRIES_AT_ONCE),
        )
        for bucket, interval, at_once in asked:
            turn = self.turns(bucket, interval=interval, longest=interval * (at_once - 1))
            if not turn.taken:
                return max(min(turn.wait - interval * (at_once - 1), interval) / 1000, 1.0)
        return 0.0


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class _Cookies(SecureCookieSessionInterface):
    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - the library's signature
        """Keep the cookie off plain HTTP wherever the browser came by HTTPS."""
        return request.is_secure or request.headers.get("X-Forwarded-Proto") == "https"


def guard(app: Flask, pages: Blueprint, door: Door) -> None:
    """Close the pages to whoever has no cookie, and to whatever comes from elsewhere."""
    app.secret_key = door.key
    app.session_interface = _Cookies()
    app.config.update(
        SESSION_COOKIE_NAME="autoreply",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=STAYS,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        WTF_CSRF_CHECK_DEFAULT=False,  # webhooks have a secret of their own
        WTF_CSRF_TIME_LIMIT=None,  # a page that is open all night still works
    )
    csrf = CSRFProtect(app)

    @pages.before_request
    def let_in() -> AnyResponse | None:
        if request.endpoint == "console.static":
            return None
        if not door.password:
            return make_response(render_template("console/closed.html"), 503)
        if request.method == "POST":
            csrf.protect()
        if request.endpoint in _OPEN or _is_in(door):
            return None
        return _to_login()

    pages.after_request(_seal)
    _add_login(pages, door)


def _to_login() -> AnyResponse:
    if request.headers.get("HX-Request"):  # a part of a page: the whole page has to go there
        answer = make_response("")
        answer.headers["HX-Redirect"] = url_for("console.login")
        return answer
    return redirect(url_for("console.login", to=_here()))


def _is_in(door: Door) -> bool:
    """Say whether the cookie is one of ours and of today: it stays good only while it is used."""
    return 0 <= door.clock() - float(session.get("at", 0)) < STAYS.total_seconds()


def _here() -> str:
    return request.full_path.rstrip("?") if request.method == "GET" else "/"


def _add_login(pages: Blueprint, door: Door) -> None:
    @pages.get("/login")
    def login() -> str:
        return render_template("console/login.html", to=request.args.get("to", "/"))

    @pages.post("/login")
    def enter() -> AnyResponse:
        wait = door.wait(request.remote_addr or "")
        if wait:
            return _refuse(f"Too many tries. Wait {wait:.0f} seconds, then try again.", 429, wait)
        if not door.opens(request.form.get("password", "")):
            _log.warning("console_login_failed", address=request.remote_addr)
            return _refuse("That is not the password.", 401)
        session.clear()
        session.permanent = True
        session["at"] = door.clock()
        session["who"] = " ".join(request.form.get("who", "").split())[:_LONGEST_NAME]
        _log.info("console_login", address=request.remote_addr)
        return redirect(_inside(request.form.get("to", "/")))

    @pages.post("/logout")
    def logout() -> AnyResponse:
        session.clear()
        flash("You are logged out.")
        return redirect(url_for("console.login"))


def _refuse(problem: str, status: int, wait: float = 0) -> Response:
    page = render_template("console/login.html", to=request.form.get("to", "/"), problem=problem)
    answer = make_response(page, status)
    if wait:
        answer.headers["Retry-After"] = str(round(wait))
    return answer


def _inside(wanted: str) -> str:
    """Return a path of this site; whatever leads elsewhere leads to the first page."""
    parts = urlsplit(wanted)
    foreign = parts.scheme or parts.netloc or not wanted.startswith("/")
    odd = wanted[1:2] in ("/", "\\") or any(ord(c) < ord(" ") for c in wanted)
    return "/" if foreign or odd else wanted


def _seal(response: Response) -> Response:
    response.headers.update(_HEADERS)
    if request.endpoint != "console.static":
        response.headers["Cache-Control"] = "no-store"
    return response


def me() -> str:
    """Return who gives an order, for the event's history."""
    return session.get("who") or "console"

"""The application: the provider's routes under `/v2/`, and those that steer the sandbox."""

import re
from functools import partial
from typing import Final

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from web.sandbox import block_list, campaigns, deliveries, emails, hooks, leads, steering
from web.sandbox.answers import problem
from web.sandbox.calls import action, admit
from web.sandbox.refusal import Refusal
from web.sandbox.state import Sandbox

_ACTIONS: Final = (
    *emails.ACTIONS, *leads.ACTIONS, *block_list.ACTIONS, *hooks.ACTIONS, *deliveries.ACTIONS,
    *campaigns.ACTIONS,
)  # fmt: skip
_PART: Final = re.compile(r"<path:(\w+?)_?>")


def create_app(sandbox: Sandbox | None = None) -> Flask:
    """Return the sandbox as a web application; without an argument it is a fresh one."""
    sandbox = sandbox or Sandbox()
    app = Flask(__name__, static_folder=None)
    app.add_url_rule("/", "index", index)
    for method, rule, view in (*emails.ROUTES, *steering.ROUTES):
        app.add_url_rule(rule, f"{method} {rule}", partial(view, sandbox), methods=[method])
    for method, rule, deed in _ACTIONS:
        view = partial(action, sandbox, deed)
        app.add_url_rule(rule, f"{method} {rule}", view, methods=[method])
    app.before_request(partial(admit, sandbox))
    app.after_request(partial(count, sandbox))
    app.register_error_handler(Refusal, lambda refusal: problem(refusal.status, refusal.message))
    app.register_error_handler(HTTPException, lambda error: problem(error.code or 500))
    return app


def index() -> Response:
    """Name the routes."""
    every = (("GET", "/", index), *emails.ROUTES, *_ACTIONS, *steering.ROUTES)
    routes = {f"{method} {_readable(rule)}": view.__doc__ for method, rule, view in every}
    return jsonify({"sandbox": "a stand-in for the provider's API", "routes": routes})


def count(sandbox: Sandbox, answer: Response) -> Response:
    """Count a call of the provider's API."""
    if request.path.startswith("/v2/"):
        route = _readable(request.url_rule.rule) if request.url_rule else "(no such route)"
        sandbox.count(f"{request.method} {route} {answer.status_code}")
    return answer


def _readable(rule: str) -> str:
    return _PART.sub(r"{\1}", rule)

"""The routes: the provider's under `/v2/`, and under `/sandbox/` those that steer the sandbox."""

import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Final

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from web.sandbox.answers import problem, spoiled
from web.sandbox.faults import FIELDS, described
from web.sandbox.mails import JsonObject
from web.sandbox.refusal import Refusal
from web.sandbox.state import Sandbox

_KEYS: Final = {"": 401, "wrong-key": 401, "no-plan": 402, "no-scope": 403}
_REPLY_FIELDS: Final = ("lead_id", "subject", "body")


def create_app(sandbox: Sandbox | None = None) -> Flask:
    """Return the sandbox as a web application; without an argument it is a fresh one."""
    sandbox = sandbox or Sandbox()
    app = Flask(__name__, static_folder=None)
    for method, rule, view in ROUTES:
        app.add_url_rule(rule, view.__name__, partial(view, sandbox), methods=[method])
    app.before_request(check_key)
    app.after_request(partial(count, sandbox))
    app.register_error_handler(Refusal, lambda refusal: problem(refusal.status, refusal.message))
    app.register_error_handler(HTTPException, lambda error: problem(error.code or 500))
    return app


# The provider's routes.


def check_key() -> Response | None:
    """Refuse a call of the provider's API that lacks a key, or has one of the wrong ones."""
    if not request.path.startswith("/v2/"):
        return None
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    status = _KEYS.get(key.strip()) if scheme.casefold() == "bearer" else 401
    return problem(status) if status else None


def count(sandbox: Sandbox, answer: Response) -> Response:
    """Count a call of the provider's API."""
    if request.path.startswith("/v2/"):
        route = _readable(request.url_rule.rule) if request.url_rule else "(no such route)"
        sandbox.count(f"{request.method} {route} {answer.status_code}")
    return answer


def thread(sandbox: Sandbox, lead_id: str) -> Response:
    """Answer with the e-mails of a lead, oldest first."""
    return _perform(sandbox, "thread", lead_id, partial(_items, sandbox, lead_id))


def reply(sandbox: Sandbox) -> Response:
    """Take {"lead_id", "body", "subject"}, and answer with the e-mail that was sent."""
    lead_id, subject, body = _reply_request(request.get_json(silent=True))
    return _perform(sandbox, "reply", lead_id, partial(sandbox.reply, lead_id, subject, body))


def _perform(
    sandbox: Sandbox, call: str, lead_id: str, deed: Callable[[float], JsonObject]
) -> Response:
    """Do what a call asks for, with the faults that strike it; `deed` takes the lag."""
    plan = sandbox.draw(call, lead_id)
    time.sleep(plan.latency)
    if plan.outcome and not plan.outcome.is_late:
        return spoiled(plan.outcome)
    done = deed(plan.lag)
    return spoiled(plan.outcome) if plan.outcome else jsonify(done)


def _items(sandbox: Sandbox, lead_id: str, lag: float = 0.0) -> JsonObject:
    return {"items": sandbox.history(lead_id, lag)}


def _reply_request(body: object) -> list[str]:
    """Return the three texts of a reply, or refuse in the provider's words."""
    if not isinstance(body, dict):
        raise Refusal(400, "body must be object")
    for name in _REPLY_FIELDS:
        if name not in body:
            raise Refusal(400, f"body must have required property '{name}'")
        if not isinstance(body[name], str):
            raise Refusal(400, f"body/{name} must be string")
        if not body[name].strip():
            raise Refusal(400, f"body/{name} must NOT have fewer than 1 characters")
    if len(body) > len(_REPLY_FIELDS):
        raise Refusal(400, "body must NOT have additional properties")
    return [body[name] for name in _REPLY_FIELDS]


# The routes that steer the sandbox.


def index(_: Sandbox) -> Response:
    """Name the routes."""
    routes = {f"{method} {_readable(rule)}": view.__doc__ for method, rule, view in ROUTES}
    return jsonify({"sandbox": "a stand-in for the provider's API", "routes": routes})


def sent(sandbox: Sandbox) -> Response:
    """List every reply that was accepted."""
    return jsonify(sandbox.sent())


def requests(sandbox: Sandbox) -> Response:
    """Count the calls by method, route and status; 444 is a connection that was cut."""
    return jsonify(sandbox.requests())


def put_thread(sandbox: Sandbox, lead_id: str) -> Response:
    """Replace a thread by {"emails": […]}; each has a ue_type or a direction, the rest may lack."""
    emails = _steering("emails").get("emails")
    if not isinstance(emails, list) or not all(isinstance(mail, dict) for mail in emails):
        raise Refusal(400, "emails must be a list of objects")
    sandbox.replace_thread(lead_id, emails)
    return jsonify(_items(sandbox, lead_id))


def receive(sandbox: Sandbox, lead_id: str) -> Response:
    """Add an e-mail from the lead: {"text", "subject"?, "id"?}."""
    given = _steering("text", "subject", "id")
    for name in ("text", *given):
        if not isinstance(given.get(name), str) or not given[name]:
            raise Refusal(400, f"{name} must be a text that is not empty")
    return jsonify(sandbox.receive(lead_id, given.pop("text"), given))


def add_fault(sandbox: Sandbox) -> Response:
    """Add a fault: {"on", "kind", "seconds"?, "status"?, "retry_after"?, "times"?, …}."""
    fault = described(_steering(*FIELDS))
    sandbox.add_fault(fault)
    return jsonify(asdict(fault))


def clear_faults(sandbox: Sandbox) -> Response:
    """Remove every fault."""
    sandbox.clear_faults()
    return jsonify({})


def reset(sandbox: Sandbox) -> Response:
    """Forget everything."""
    sandbox.reset()
    return jsonify({})


def _steering(*known: str) -> JsonObject:
    """Return the body of a steering call, which may hold nothing but the known fields."""
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Refusal(400, f"send a JSON object with {', '.join(known)}")
    for name in body:
        if name not in known:
            raise Refusal(400, f"unknown field {name}; known are {', '.join(known)}")
    return body


def _readable(rule: str) -> str:
    return rule.replace("<path:", "{").replace(">", "}")


ROUTES: Final[tuple[tuple[str, str, Callable[..., Response]], ...]] = (
    ("GET", "/", index),
    ("GET", "/v2/leads/<path:lead_id>/emails", thread),
    ("POST", "/v2/emails/reply", reply),
    ("GET", "/sandbox/sent", sent),
    ("GET", "/sandbox/requests", requests),
    ("PUT", "/sandbox/leads/<path:lead_id>", put_thread),
    ("POST", "/sandbox/leads/<path:lead_id>/inbound", receive),
    ("POST", "/sandbox/faults", add_fault),
    ("DELETE", "/sandbox/faults", clear_faults),
    ("POST", "/sandbox/reset", reset),
)

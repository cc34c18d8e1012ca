"""The routes under `/sandbox/`: they steer the sandbox and show what it got; no key is asked."""

from dataclasses import asdict
from typing import Final

from flask import Response, jsonify, request

from web.sandbox.calls import Route
from web.sandbox.deliveries import disable
from web.sandbox.faults import FIELDS, described
from web.sandbox.fields import LIST, NUMBER, OBJECT, TEXT, WHOLE, check, filled, uuid_of
from web.sandbox.hooks import shown
from web.sandbox.inbound import write
from web.sandbox.limits import REAL
from web.sandbox.names import JsonObject
from web.sandbox.refusal import Refusal
from web.sandbox.state import Sandbox

_INBOUND: Final = {
    "lead_email": TEXT,
    "text": TEXT,
    "id": TEXT,
    "subject": TEXT,
    "eaccount": TEXT,
    "campaign_id": TEXT,
    "campaign_name": TEXT,
    "sender": TEXT,
    "lead": OBJECT,
    "is_auto_reply": WHOLE,
    "lag": NUMBER,
    "event_types": LIST,
    "target": TEXT,
    "headers": OBJECT,
}


def sent(sandbox: Sandbox) -> Response:
    """List every reply that was accepted."""
    return jsonify(sandbox.mailroom.sent())


def requests(sandbox: Sandbox) -> Response:
    """Count the calls by method, route and status; 444 is a connection that was cut."""
    return jsonify(sandbox.requests())


def put_thread(sandbox: Sandbox, lead_id: str) -> Response:
    """Replace a thread by {"emails": […]}; each has a ue_type or a direction, the rest may lack."""
    emails = _told("emails").get("emails")
    if not isinstance(emails, list) or not all(isinstance(mail, dict) for mail in emails):
        raise Refusal(400, "emails must be a list of objects")
    sandbox.mailroom.replace_thread(lead_id, emails)
    return jsonify({"items": sandbox.mailroom.history(lead_id)})


def receive(sandbox: Sandbox, lead_id: str) -> Response:
    """Add an e-mail from the lead: {"text", "subject"?, "id"?}."""
    given = _told("text", "subject", "id")
    for name in ("text", *given):
        if not isinstance(given.get(name), str) or not given[name]:
            raise Refusal(400, f"{name} must be a text that is not empty")
    return jsonify(sandbox.mailroom.receive(lead_id, given.pop("text"), given))


def inbound(sandbox: Sandbox) -> Response:
    """Let a lead write: {"lead_email", "text", …}, told to the webhooks, or to "target"."""
    told = _told(*_INBOUND)
    for name in ("lead_email", "text"):
        if name not in told:
            raise Refusal(400, f"{name} is missing")
    for name, value in told.items():
        check(value, _INBOUND[name], name)
    filled(told, "lead_email", "text")
    if "campaign_id" in told:
        uuid_of(told["campaign_id"], "campaign_id")
    return jsonify(write(sandbox, told))


def give_up(sandbox: Sandbox, hook_id: str) -> Response:
    """Disable a webhook, as the provider does after failures."""
    return jsonify(shown(disable(sandbox, hook_id)))


def limits(sandbox: Sandbox) -> Response:
    """Show how many calls are allowed; what is not named is without a limit."""
    return jsonify(sandbox.limits.allowed())


def put_limits(sandbox: Sandbox) -> Response:
    """Set the limits: {} is the provider's own, or {"list_per_minute"?, "per_second"?, …}."""
    told = _told(*REAL)
    for name, value in told.items():
        check(value, WHOLE, name)
    sandbox.limits.set(told or REAL)
    return limits(sandbox)


def drop_limits(sandbox: Sandbox) -> Response:
    """Remove the limits."""
    sandbox.limits.set({})
    return limits(sandbox)


def add_fault(sandbox: Sandbox) -> Response:
    """Add a fault: {"on", "kind", "seconds"?, "status"?, "retry_after"?, "times"?, …}."""
    fault = described(_told(*FIELDS))
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


def _told(*known: str) -> JsonObject:
    """Return the body of a steering call, which may hold nothing but the known fields."""
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Refusal(400, f"send a JSON object with {', '.join(known)}")
    for name in body:
        if name not in known:
            raise Refusal(400, f"unknown field {name}; known are {', '.join(known)}")
    return body


ROUTES: Final[tuple[Route, ...]] = (
    ("GET", "/sandbox/sent", sent),
    ("GET", "/sandbox/requests", requests),
    ("PUT", "/sandbox/leads/<path:lead_id>", put_thread),
    ("POST", "/sandbox/leads/<path:lead_id>/inbound", receive),
    ("POST", "/sandbox/inbound", inbound),
    ("POST", "/sandbox/webhooks/<path:hook_id>/disable", give_up),
    ("GET", "/sandbox/limits", limits),
    ("PUT", "/sandbox/limits", put_limits),
    ("DELETE", "/sandbox/limits", drop_limits),
    ("POST", "/sandbox/faults", add_fault),
    ("DELETE", "/sandbox/faults", clear_faults),
    ("POST", "/sandbox/reset", reset),
)

"""Webhooks of the published API."""

from typing import Final
from uuid import uuid4

from flask import request

from web.sandbox.calls import Answer
from web.sandbox.deliveries import ACTIVE, ALL_EVENTS
from web.sandbox.fields import (
    NUMBER_OR_NULL,
    OBJECT_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    body_of,
    check,
    no_body,
    uuid_of,
)
from web.sandbox.names import WORKSPACE, JsonObject, stamp
from web.sandbox.pages import page_by_query
from web.sandbox.posting import post
from web.sandbox.refusal import Refusal
from web.sandbox.state import Sandbox

_EVENT_TYPES: Final = (
    "all_events", "email_sent", "email_opened", "email_link_clicked", "reply_received",
    "email_bounced", "lead_unsubscribed", "campaign_completed", "account_error", "lead_neutral",
    "lead_interested", "lead_not_interested", "lead_meeting_booked", "lead_meeting_completed",
    "lead_closed", "lead_out_of_office", "lead_wrong_person", "lead_no_show",
    "supersearch_enrichment_completed",
)  # fmt: skip
_GIVEN: Final = {
    "campaign": TEXT_OR_NULL,
    "name": TEXT_OR_NULL,
    "event_type": TEXT_OR_NULL,
    "custom_interest_value": NUMBER_OR_NULL,
    "headers": OBJECT_OR_NULL,
}


def listed(sandbox: Sandbox) -> Answer:
    """List webhooks: ?campaign=, event_type, limit, starting_after."""
    wanted = {n: request.args[n] for n in ("campaign", "event_type") if n in request.args}
    rows = [row for row in sandbox.hooks.rows() if all(row[n] == v for n, v in wanted.items())]
    return page_by_query([shown(row) for row in rows])


def create(sandbox: Sandbox) -> Answer:
    """Register a webhook: {"target_hook_url", "event_type"?, "name"?, "campaign"?, "headers"?}."""
    told = _checked(body_of({"target_hook_url": TEXT}, _GIVEN))
    usual = dict.fromkeys(_GIVEN) | {"event_type": ALL_EVENTS}
    made = {
        "id": str(uuid4()),
        "organization": WORKSPACE,
        "timestamp_created": stamp(sandbox.clock()),
        "status": ACTIVE,
        "timestamp_error": None,
        "failures": 0,
    }
    return shown(sandbox.hooks.add(usual | told | made))


def one(sandbox: Sandbox, id_: str) -> Answer:
    """Answer with one webhook."""
    return shown(sandbox.hooks.get(uuid_of(id_)))


def change(sandbox: Sandbox, id_: str) -> Answer:
    """Change a webhook: any of the fields it was made with."""
    told = _checked(body_of({}, _GIVEN | {"target_hook_url": TEXT}))
    if not told:
        raise Refusal(400, "body must NOT have fewer than 1 properties")
    return shown(sandbox.hooks.change(uuid_of(id_), told))


def remove(sandbox: Sandbox, id_: str) -> Answer:
    """Remove a webhook."""
    return shown(sandbox.hooks.drop(uuid_of(id_)))


def test(sandbox: Sandbox, id_: str) -> Answer:
    """Deliver a test to a webhook."""
    no_body()
    hook = sandbox.hooks.get(uuid_of(id_))
    payload = {
        "timestamp": stamp(sandbox.clock()),
        "event_type": "webhook_test",
        "workspace": WORKSPACE,
        "lead_email": "test@sandbox.example",
    }
    posted = post(hook["target_hook_url"], payload, hook["headers"] or {})
    said: JsonObject = {"success": posted.success, "response_time_ms": posted.took}
    said |= {"status_code": posted.status} if posted.status else {}
    said |= {"error": posted.error} if posted.error else {}
    return said | {"message": f"Webhook test {'successful' if posted.success else 'failed'}"}


def resume(sandbox: Sandbox, id_: str) -> Answer:
    """Let a disabled webhook work again."""
    no_body()
    changes = {"status": ACTIVE, "timestamp_error": None, "failures": 0}
    return shown(sandbox.hooks.change(uuid_of(id_), changes))


def event_types(_: Sandbox) -> Answer:
    """Name what a webhook can be subscribed to."""
    kinds = [
        {"id": name, "label": name.replace("_", " ").title(), "type": "standard"}
        for name in _EVENT_TYPES
    ]
    return {"event_types": kinds}


def _checked(told: JsonObject) -> JsonObject:
    url = told.get("target_hook_url", "https://")
    if not url.startswith(("http://", "https://")):
        raise Refusal(400, 'body/target_hook_url must match pattern "^https?://"')
    if told.get("event_type") not in (None, *_EVENT_TYPES):
        raise Refusal(400, "body/event_type must be equal to one of the allowed values")
    for name, value in (told.get("headers") or {}).items():
        check(value, TEXT, f"body/headers/{name}")
    if told.get("campaign"):
        uuid_of(told["campaign"], "body/campaign")
    return told


def shown(hook: JsonObject) -> JsonObject:
    """Return a webhook as the API shows it."""
    return {name: value for name, value in hook.items() if name != "failures"}


ACTIONS: Final = (
    ("GET", "/v2/webhooks", listed),
    ("POST", "/v2/webhooks", create),
    ("GET", "/v2/webhooks/event-types", event_types),
    ("GET", "/v2/webhooks/<path:id_>", one),
    ("PATCH", "/v2/webhooks/<path:id_>", change),
    ("DELETE", "/v2/webhooks/<path:id_>", remove),
    ("POST", "/v2/webhooks/<path:id_>/test", test),
    ("POST", "/v2/webhooks/<path:id_>/resume", resume),
)

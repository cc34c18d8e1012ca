"""What is delivered to webhooks, and the log of it that the published API shows."""

from typing import Final
from uuid import uuid4

from flask import request

from web.sandbox.calls import Answer
from web.sandbox.names import WORKSPACE, JsonObject, stamp
from web.sandbox.pages import page_by_query
from web.sandbox.posting import Posted, post
from web.sandbox.state import Sandbox

ACTIVE, DISABLED = 1, -1
ALL_EVENTS: Final = "all_events"
_MOST_FAILURES: Final = 10
"""After so many in a row a webhook is disabled; the provider's number is not known."""

_OTHER_NAMES: Final = {"link_clicked": "email_link_clicked"}
"""A payload's `event_type` → what it is subscribed to as."""


def listed(sandbox: Sandbox) -> Answer:
    """List deliveries, newest first: ?success=, from, to, search, limit, starting_after."""
    wanted = request.args
    rows = [
        row
        for row in reversed(sandbox.deliveries.rows())
        if wanted.get("success", str(row["success"]).lower()) == str(row["success"]).lower()
        and wanted.get("from", "") <= row["timestamp_created_date"]
        and row["timestamp_created_date"] <= wanted.get("to", "9999")
        and wanted.get("search", row["webhook_url"]) in (row["webhook_url"], row["lead_email"])
    ]
    return page_by_query(rows)


def disable(sandbox: Sandbox, hook_id: str) -> JsonObject:
    """Give a webhook up, as the provider does after failures."""
    changes = {"status": DISABLED, "timestamp_error": stamp(sandbox.clock())}
    return sandbox.hooks.change(hook_id, changes)


def announce(sandbox: Sandbox, payload: JsonObject) -> list[JsonObject]:
    """Deliver a payload to every webhook that is subscribed to it; return the log's lines."""
    hooks = [row for row in sandbox.hooks.rows() if _wants(row, payload)]
    return [_deliver(sandbox, hook, payload) for hook in hooks]


def log(sandbox: Sandbox, url: str, payload: JsonObject, posted: Posted) -> JsonObject:
    """Write a delivery, or what should have been one, into the log."""
    now = sandbox.clock()
    return sandbox.deliveries.add(
        {
            "id": str(uuid4()),
            "timestamp_created": stamp(now),
            "timestamp_created_date": stamp(now)[:10],
            "organization_id": WORKSPACE,
            "payload": payload,
            "success": posted.success,
            "retry_count": 0,
            "will_retry": False,
            "webhook_url": url,
            "status_code": posted.status,
            "error_message": posted.error or None,
            "lead_email": payload.get("lead_email"),
            "response_time_ms": posted.took,
        }
    )


def _deliver(sandbox: Sandbox, hook: JsonObject, payload: JsonObject) -> JsonObject:
    """Deliver to one webhook; a disabled one gets nothing, which is logged as a failure."""
    url = hook["target_hook_url"]
    if hook["status"] == DISABLED:
        nothing = Posted(status=None, error="webhook is disabled", took=0)
        return log(sandbox, url, payload, nothing)
    posted = post(url, payload, hook["headers"] or {})
    failures = 0 if posted.success else sandbox.hooks.get(hook["id"])["failures"] + 1
    sandbox.hooks.change(hook["id"], {"failures": failures})
    if failures >= _MOST_FAILURES:
        disable(sandbox, hook["id"])
    return log(sandbox, url, payload, posted)


def _wants(hook: JsonObject, payload: JsonObject) -> bool:
    kind = payload["event_type"]
    subscribed = hook["event_type"] in (ALL_EVENTS, _OTHER_NAMES.get(kind, kind))
    return subscribed and hook["campaign"] in (None, payload["campaign_id"])


ACTIONS: Final = (("GET", "/v2/webhook-events", listed),)

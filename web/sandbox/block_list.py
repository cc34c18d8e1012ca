"""The block list of the published API."""

from typing import Final

from flask import request

from web.sandbox.calls import Answer
from web.sandbox.fields import TEXT, body_of, filled
from web.sandbox.names import WORKSPACE, derived, stamp
from web.sandbox.pages import page_by_query
from web.sandbox.state import Sandbox


def block(sandbox: Sandbox) -> Answer:
    """Block an address or a domain: {"bl_value"}; what is blocked already stays as it is."""
    told = body_of({"bl_value": TEXT}, {})
    filled(told, "bl_value")
    value = told["bl_value"].strip().casefold()
    return sandbox.blocked.add(
        {
            "id": str(derived("blocked", value)),
            "timestamp_created": stamp(sandbox.clock()),
            "organization_id": WORKSPACE,
            "bl_value": value,
            "is_domain": "@" not in value,
        }
    )


def listed(sandbox: Sandbox) -> Answer:
    """List what is blocked: ?search=, limit, starting_after."""
    wanted = request.args.get("search", "").casefold()
    return page_by_query([row for row in sandbox.blocked.rows() if wanted in row["bl_value"]])


ACTIONS: Final = (
    ("POST", "/v2/block-lists-entries", block),
    ("GET", "/v2/block-lists-entries", listed),
)

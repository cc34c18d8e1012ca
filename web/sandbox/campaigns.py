"""Campaigns, in both contracts."""

from typing import Final
from uuid import uuid4

from flask import request

from web.sandbox.calls import Answer
from web.sandbox.fields import LIST, OBJECT, TEXT, body_of, check, filled, no_body, uuid_of
from web.sandbox.leads import add_all
from web.sandbox.names import WORKSPACE, JsonObject, stamp
from web.sandbox.pages import page_by_query
from web.sandbox.refusal import Refusal
from web.sandbox.state import Sandbox
from worker.contracts.zones import ZONES

_DRAFT, _ACTIVE, _PAUSED = 0, 1, 2
_BY_LEAD: Final = {"name": TEXT, "email_account_id": TEXT, "sequence": LIST}
_SCHEDULE: Final = {"name": TEXT, "timing": OBJECT, "days": OBJECT, "timezone": TEXT}
_HELD_BACK: Final = ("id", "status", "timestamp_created", "timestamp_updated", "organization")


def create(sandbox: Sandbox) -> Answer:
    """Make a campaign, as either contract describes one."""
    body = request.get_json(silent=True)
    is_by_lead = isinstance(body, dict) and ("sequence" in body or "email_account_id" in body)
    described = _by_lead() if is_by_lead else _published()
    now = stamp(sandbox.clock())
    made = described | {
        "id": str(uuid4()),
        "status": _DRAFT,
        "timestamp_created": now,
        "timestamp_updated": now,
        "organization": WORKSPACE,
    }
    return sandbox.campaigns.add(made)


def listed(sandbox: Sandbox) -> Answer:
    """List campaigns, newest first: ?search= (in the name), status, limit, starting_after.

    One of contract `lead` is not in it: it has no schedule, which the published API shows of each.
    """
    wanted = request.args
    rows = [
        row
        for row in reversed(sandbox.campaigns.rows())
        if "campaign_schedule" in row
        and wanted.get("search", "").casefold() in row["name"].casefold()
        and wanted.get("status", str(row["status"])) == str(row["status"])
    ]
    return page_by_query(rows)


def one(sandbox: Sandbox, id_: str) -> Answer:
    """Answer with one campaign."""
    return sandbox.campaigns.get(uuid_of(id_))


def activate(sandbox: Sandbox, id_: str) -> Answer:
    """Let a campaign send."""
    return _switch(sandbox, id_, _ACTIVE)


def pause(sandbox: Sandbox, id_: str) -> Answer:
    """Stop a campaign's sending."""
    return _switch(sandbox, id_, _PAUSED)


def leads(sandbox: Sandbox, id_: str) -> Answer:
    """Add leads to a campaign (contract `lead`): {"leads": [{"email", "first_name", …}]}."""
    told = body_of({"leads": LIST}, {})
    sandbox.campaigns.get(uuid_of(id_))
    for number, lead in enumerate(told["leads"]):
        check(lead, OBJECT, f"body/leads/{number}")
    return add_all(sandbox, told["leads"], id_)


def _switch(sandbox: Sandbox, campaign_id: str, status: int) -> JsonObject:
    no_body()
    changes = {"status": status, "timestamp_updated": stamp(sandbox.clock())}
    return sandbox.campaigns.change(uuid_of(campaign_id), changes)


def _by_lead() -> JsonObject:
    """Read {"name", "email_account_id", "sequence": [{"subject", "body", "day"}]}."""
    told = body_of(_BY_LEAD, {})
    filled(told, "name", "email_account_id")
    for number, step in enumerate(told["sequence"]):
        check(step, OBJECT, f"body/sequence/{number}")
        if sorted(step) != ["body", "day", "subject"]:
            raise Refusal(400, f"body/sequence/{number} must have subject, body and day")
    return told


def _published() -> JsonObject:
    """Read {"name", "campaign_schedule", "sequences"?, "email_list"?, …}."""
    told = body_of({"name": TEXT, "campaign_schedule": OBJECT}, {"sequences": LIST}, is_open=True)
    filled(told, "name")
    if forged := [name for name in _HELD_BACK if name in told]:
        raise Refusal(400, f"body must NOT have additional properties: {forged[0]}")
    schedules = told["campaign_schedule"].get("schedules")
    check(schedules, LIST, "body/campaign_schedule/schedules")
    if not schedules:
        raise Refusal(400, "body/campaign_schedule/schedules must NOT have fewer than 1 items")
    for number, schedule in enumerate(schedules):
        _check_schedule(schedule, f"body/campaign_schedule/schedules/{number}")
    return told


def _check_schedule(schedule: JsonObject, where: str) -> None:
    check(schedule, OBJECT, where)
    for name, kind in _SCHEDULE.items():
        if name not in schedule:
            raise Refusal(400, f"{where} must have required property '{name}'")
        check(schedule[name], kind, f"{where}/{name}")
    if schedule["timezone"] not in ZONES:
        raise Refusal(400, f"{where}/timezone must be equal to one of the allowed values")


ACTIONS: Final = (
    ("GET", "/v2/campaigns", listed),
    ("POST", "/v2/campaigns", create),
    ("GET", "/v2/campaigns/<path:id_>", one),
    ("POST", "/v2/campaigns/<path:id_>/activate", activate),
    ("POST", "/v2/campaigns/<path:id_>/pause", pause),
    ("POST", "/v2/campaigns/<path:id_>/leads", leads),
)

"""Leads of the published API."""

from collections.abc import Callable
from functools import partial
from typing import Final

from web.sandbox.calls import Answer
from web.sandbox.fields import (
    FLAG,
    LIST,
    NUMBER,
    NUMBER_OR_NULL,
    OBJECT,
    TEXT,
    TEXT_OR_NULL,
    WHOLE,
    body_of,
    check,
    uuid_of,
)
from web.sandbox.names import WORKSPACE, JsonObject, lead_id_of, stamp
from web.sandbox.pages import page
from web.sandbox.refusal import Refusal
from web.sandbox.state import Sandbox

MOST_AT_ONCE: Final = 1000
_OWN: Final = dict.fromkeys(
    (
        "email", "first_name", "last_name", "company_name", "job_title", "phone", "website",
        "personalization",
    ),
    TEXT_OR_NULL,
)  # fmt: skip
_GIVEN: Final = _OWN | {
    "custom_variables": OBJECT,
    "lt_interest_status": NUMBER,
    "pl_value_lead": TEXT_OR_NULL,
    "assigned_to": TEXT_OR_NULL,
}
_ADDING: Final = {
    "campaign_id": TEXT,
    "list_id": TEXT,
    "blocklist_id": TEXT_OR_NULL,
    "assigned_to": TEXT,
    "verify_leads_on_import": FLAG,
    "skip_if_in_workspace": FLAG,
    "skip_if_in_campaign": FLAG,
    "skip_if_in_list": FLAG,
}
_FINDING: Final = {"contacts": LIST, "campaign": TEXT, "search": TEXT, "ids": LIST}
_PAGING: Final = {"limit": WHOLE, "starting_after": TEXT}
_INTEREST: Final = {"lead_email": TEXT, "interest_value": NUMBER_OR_NULL}
_INTEREST_TOO: Final = {
    "campaign_id": TEXT,
    "ai_interest_value": NUMBER,
    "disable_auto_interest": FLAG,
    "list_id": TEXT,
}


def found(sandbox: Sandbox) -> Answer:
    """List leads: {"contacts"?, "campaign"?, "search"?, "ids"?, "limit"?, "starting_after"?}."""
    wanted = body_of({}, _FINDING | _PAGING)
    tests = [partial(test, wanted[name]) for name, test in _TESTS.items() if name in wanted]
    rows = [row for row in sandbox.leads.rows() if all(test(row) for test in tests)]
    shown = [_shown(row) for row in rows]
    return page(shown, wanted.get("limit", 10), wanted.get("starting_after", ""))


def one(sandbox: Sandbox, id_: str) -> Answer:
    """Answer with one lead."""
    return _shown(sandbox.leads.get(uuid_of(id_)))


def added(sandbox: Sandbox) -> Answer:
    """Add up to 1000 leads to a campaign: {"campaign_id", "leads": […]}."""
    told = body_of({"leads": LIST}, _ADDING)
    if not 1 <= len(told["leads"]) <= MOST_AT_ONCE:
        raise Refusal(400, f"body/leads must have 1 to {MOST_AT_ONCE} items")
    if ("campaign_id" in told) == ("list_id" in told):
        raise Refusal(400, "Provide a campaign_id or a list_id, but not both")
    for number, lead in enumerate(told["leads"]):
        _check_lead(lead, number)
    if "campaign_id" in told:
        sandbox.campaigns.get(uuid_of(told["campaign_id"], "body/campaign_id"))
    return add_all(sandbox, told["leads"], told.get("campaign_id", ""))


def add_all(sandbox: Sandbox, leads: list[JsonObject], campaign_id: str) -> JsonObject:
    """Keep what is new, and say how many of each kind there were."""
    kinds = [_kind(sandbox, lead, campaign_id) for lead in leads]
    made = [
        {"index": index, **keep(sandbox, lead["email"], campaign_id, lead)}
        for index, (lead, kind) in enumerate(zip(leads, kinds, strict=True))
        if kind == "new"
    ]
    told = ("index", "id", "email", "first_name", "last_name", "phone")
    return {
        "status": "success",
        "total_sent": len(leads),
        "leads_uploaded": len(made),
        "in_blocklist": kinds.count("blocked"),
        "blocklist_used": None,
        "duplicated_leads": kinds.count("known"),
        "skipped_count": kinds.count("known"),
        "invalid_email_count": kinds.count("invalid"),
        "incomplete_count": 0,
        "duplicate_email_count": 0,
        "remaining_in_plan": None,
        "created_leads": [{name: lead[name] for name in told} for lead in made],
    }


def keep(sandbox: Sandbox, email: str, campaign_id: str, given: JsonObject) -> JsonObject:
    """Keep a lead, unless it is known, and return it as the API shows it."""
    now = stamp(sandbox.clock())
    own = dict.fromkeys(_OWN) | {k: v for k, v in given.items() if k in _OWN}
    custom = dict(given.get("custom_variables") or {})
    lead = own | {
        "id": lead_id_of(email, campaign_id),
        "email": email.casefold(),
        "campaign": campaign_id or None,
        "organization": WORKSPACE,
        "timestamp_created": now,
        "timestamp_updated": now,
        "status": 1,
        "status_summary": {},
        "company_domain": email.casefold().rpartition("@")[2],
        "subsequence_id": None,
        "payload": custom or None,
        "upload_method": "api",
    }
    lead |= dict.fromkeys(("email_open_count", "email_reply_count", "email_click_count"), 0)
    return sandbox.leads.add(lead)


def interest(sandbox: Sandbox) -> Answer:
    """Set a lead's interest: {"lead_email", "interest_value", "campaign_id"?, …}; null resets."""
    told = body_of(_INTEREST, _INTEREST_TOO, is_open=True)
    wanted = (told["lead_email"].casefold(), told.get("campaign_id"))
    rows = [
        row
        for row in sandbox.leads.rows()
        if row["email"] == wanted[0] and wanted[1] in (None, row["campaign"])
    ]
    if not rows:
        raise Refusal(404, "Lead not found")
    for row in rows:
        now = stamp(sandbox.clock())
        changes = {"timestamp_updated": now, "timestamp_last_interest_change": now}
        sandbox.leads.change(row["id"], changes | {"lt_interest_status": told["interest_value"]})
    return {"message": "Lead interest status update background job submitted"}, 202


def moved(sandbox: Sandbox) -> Answer:
    """Put a lead into a subsequence: {"id", "subsequence_id"}."""
    told = body_of({"id": TEXT, "subsequence_id": TEXT}, {})
    changes = {"subsequence_id": uuid_of(told["subsequence_id"], "body/subsequence_id")}
    return _shown(sandbox.leads.change(uuid_of(told["id"], "body/id"), changes))


def removed(sandbox: Sandbox) -> Answer:
    """Take a lead out of its subsequence: {"id"}."""
    told = body_of({"id": TEXT}, {})
    changes = {"subsequence_id": None}
    return _shown(sandbox.leads.change(uuid_of(told["id"], "body/id"), changes))


def _shown(lead: JsonObject) -> JsonObject:
    """Return a lead as the API shows it: without an interest where there is none."""
    return {n: v for n, v in lead.items() if n != "lt_interest_status" or v is not None}


def _check_lead(lead: object, number: int) -> None:
    where = f"body/leads/{number}"
    check(lead, OBJECT, where)
    for name, value in dict(lead).items():  # type: ignore[call-overload]
        if name not in _GIVEN:
            raise Refusal(400, f"{where} must NOT have additional properties")
        check(value, _GIVEN[name], f"{where}/{name}")


def _kind(sandbox: Sandbox, lead: JsonObject, campaign_id: str) -> str:
    email = str(lead.get("email") or "").casefold()
    domain = email.rpartition("@")[2]
    if "@" not in email:
        return "invalid"
    if {email, domain} & {row["bl_value"] for row in sandbox.blocked.rows()}:
        return "blocked"
    return "known" if lead_id_of(email, campaign_id) in sandbox.leads else "new"


_TESTS: Final[dict[str, Callable[[object, JsonObject], bool]]] = {
    "contacts": lambda wanted, row: row["email"] in [str(one).casefold() for one in wanted],  # type: ignore[attr-defined]
    "campaign": lambda wanted, row: row["campaign"] == wanted,
    "search": lambda wanted, row: str(wanted).casefold() in row["email"],
    "ids": lambda wanted, row: row["id"] in wanted,  # type: ignore[operator]
}

ACTIONS: Final = (
    ("POST", "/v2/leads/list", found),
    ("GET", "/v2/leads/<path:id_>", one),
    ("POST", "/v2/leads/add", added),
    ("POST", "/v2/leads/update-interest-status", interest),
    ("POST", "/v2/leads/subsequence/move", moved),
    ("POST", "/v2/leads/subsequence/remove", removed),
)

"""E-mails, in both contracts: by lead, and as the published API lists them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from flask import request
from flask.typing import ResponseReturnValue

from web.sandbox.calls import Answer, Route, perform
from web.sandbox.fields import OBJECT, TEXT, TEXT_OR_NULL, body_of, check, filled, no_body, uuid_of
from web.sandbox.mails import CAMPAIGN, RECEIVED, SCHEDULED, SENT
from web.sandbox.names import JsonObject, moment
from web.sandbox.pages import page_by_query
from web.sandbox.refusal import Refusal
from web.sandbox.state import Sandbox

_THREAD: Final = "thread:"
_TYPES: Final[Mapping[str, tuple[int, ...]]] = {
    "received": (RECEIVED,),
    "sent": (CAMPAIGN, SENT),
    "manual": (SENT,),
}
_BY_LEAD: Final = dict.fromkeys(("lead_id", "subject", "body"), TEXT)
_BY_EMAIL: Final = {"reply_to_uuid": TEXT, "eaccount": TEXT, "subject": TEXT, "body": OBJECT}
_OPTIONAL: Final = dict.fromkeys(
    ("cc_address_email_list", "bcc_address_email_list", "reminder_ts", "assigned_to"), TEXT_OR_NULL
)

Test = Callable[[str, JsonObject], bool]


def of_lead(sandbox: Sandbox, lead_id: str) -> ResponseReturnValue:
    """Answer with the e-mails of a lead, oldest first (contract `lead`)."""
    sandbox.mailroom.thread(lead_id)
    return perform(
        sandbox, "thread", lead_id, lambda lag: {"items": sandbox.mailroom.history(lead_id, lag)}
    )


def listed(sandbox: Sandbox) -> ResponseReturnValue:
    """List e-mails: ?search=thread:ID or an address, lead, campaign_id, eaccount and so on."""
    tests = _tests()
    thread = sandbox.mailroom.thread_called(request.args.get("search", "").removeprefix(_THREAD))
    lead_id = thread.lead_id if thread else ""
    room = sandbox.mailroom
    mails = partial(room.history, lead_id) if thread else room.everything
    return perform(sandbox, "thread", lead_id, lambda lag: _page(mails(lag), tests))


def one(sandbox: Sandbox, id_: str) -> ResponseReturnValue:
    """Answer with one e-mail."""
    thread = sandbox.mailroom.thread_of(uuid_of(id_))
    return perform(sandbox, "email", thread.lead_id, lambda lag: sandbox.mailroom.mail(id_, lag))


def reply(sandbox: Sandbox) -> ResponseReturnValue:
    """Take a reply of either contract, and answer with the e-mail that was sent."""
    body = request.get_json(silent=True)
    named = set(body) if isinstance(body, dict) else set()
    is_by_email = "lead_id" not in named and named & {"reply_to_uuid", "eaccount"}
    lead_id, deed = _by_email(sandbox) if is_by_email else _by_lead(sandbox)
    return perform(sandbox, "reply", lead_id, deed)


def mark_read(sandbox: Sandbox, id_: str) -> Answer:
    """Mark a thread's e-mails as read."""
    no_body()
    if not sandbox.mailroom.mark_read(id_):
        raise Refusal(404, "Resource not found")
    return {"success": True}


def _by_lead(sandbox: Sandbox) -> tuple[str, Callable[[float], Answer]]:
    """Read {"lead_id", "body", "subject"}."""
    told = body_of(_BY_LEAD, {})
    filled(told, *_BY_LEAD)
    sandbox.mailroom.thread(told["lead_id"])
    deed = partial(sandbox.mailroom.reply, told["lead_id"], told, told["body"], None)
    return told["lead_id"], deed


def _by_email(sandbox: Sandbox) -> tuple[str, Callable[[float], Answer]]:
    """Read {"reply_to_uuid", "eaccount", "subject", "body": {"html", "text"}, …}."""
    told = body_of(_BY_EMAIL, _OPTIONAL, is_open=True)
    filled(told, "subject")
    for form, value in told["body"].items():
        check(value, TEXT, f"body/body/{form}")
    text, html = told["body"].get("text", ""), told["body"].get("html")
    if not (text.strip() or (html or "").strip()):
        raise Refusal(400, "body/body must have html or text")
    thread = sandbox.mailroom.thread_of(told["reply_to_uuid"])
    if told["eaccount"] != thread.eaccount:
        raise Refusal(400, f"Email account {told['eaccount']} did not receive this email")
    told |= {"body": text, "html": html, "lead_id": thread.lead_id}
    return thread.lead_id, partial(sandbox.mailroom.reply, thread.lead_id, told, text, html)


def _page(mails: list[JsonObject], tests: list[Callable[[JsonObject], bool]]) -> JsonObject:
    found = [mail for mail in mails if all(test(mail) for test in tests)]
    if _is_on("latest_of_thread"):
        found = list({mail["thread_id"]: mail for mail in found}.values())
    if request.args.get("sort_order", "desc") == "desc":
        found.reverse()
    page = page_by_query(found)
    if _is_on("preview_only"):
        page["items"] = [mail | {"body": {}} for mail in page["items"]]
    return page


def _tests() -> list[Callable[[JsonObject], bool]]:
    """Return what every listed e-mail has to pass, or refuse an unknown parameter."""
    for name in request.args:
        if name not in _FILTERS and name not in _OTHERS:
            raise Refusal(400, "querystring must NOT have additional properties")
    for name in ("min_timestamp_created", "max_timestamp_created"):
        if name in request.args:
            moment(request.args[name], f"querystring/{name}")
    return [
        partial(test, request.args[name]) for name, test in _FILTERS.items() if name in request.args
    ]


def _is_on(name: str) -> bool:
    return request.args.get(name) == "true"


def _is(name: str) -> Test:
    return lambda wanted, mail: mail[name] == wanted


def _says(name: str) -> Test:
    """Return a test of a number that says yes or no."""
    return lambda wanted, mail: bool(mail[name]) == (wanted == "true")


def _searched(wanted: str, mail: JsonObject) -> bool:
    if wanted.startswith(_THREAD):
        return bool(mail["thread_id"] == wanted.removeprefix(_THREAD))
    return _is_lead(wanted, mail)


def _is_lead(wanted: str, mail: JsonObject) -> bool:
    return str(mail["lead"]).casefold() == wanted.casefold()


def _created(mail: JsonObject) -> str:
    return str(mail["timestamp_created"])


_FILTERS: Final[Mapping[str, Test]] = {
    "search": _searched,
    "lead": _is_lead,
    "campaign_id": _is("campaign_id"),
    "list_id": _is("list_id"),
    "eaccount": lambda wanted, mail: mail["eaccount"] in wanted.split(","),
    "company_domain": lambda wanted, mail: mail["lead"].endswith(f"@{wanted}"),
    "i_status": lambda wanted, mail: str(mail["i_status"]) == wanted,
    "is_unread": _says("is_unread"),
    "has_reminder": _says("reminder_ts"),
    "email_type": lambda wanted, mail: mail["ue_type"] in _TYPES.get(wanted, ()),
    "scheduled_only": lambda wanted, mail: wanted != "true" or mail["ue_type"] == SCHEDULED,
    "min_timestamp_created": lambda wanted, mail: moment(_created(mail), "") > moment(wanted, ""),
    "max_timestamp_created": lambda wanted, mail: moment(_created(mail), "") < moment(wanted, ""),
}
_OTHERS: Final = (
    "limit", "starting_after", "sort_order", "mode", "preview_only", "latest_of_thread",
)  # fmt: skip

ROUTES: Final[tuple[Route, ...]] = (
    ("GET", "/v2/leads/<path:lead_id>/emails", of_lead),
    ("GET", "/v2/emails", listed),
    ("GET", "/v2/emails/<path:id_>", one),
    ("POST", "/v2/emails/reply", reply),
)
ACTIONS: Final = (("POST", "/v2/emails/threads/<path:id_>/mark-as-read", mark_read),)

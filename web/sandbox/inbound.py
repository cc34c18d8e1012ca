"""A lead writes: the e-mail, and the webhooks that tell of it, as the published API does it."""

from typing import Final

from web.sandbox.deliveries import announce, log
from web.sandbox.leads import keep
from web.sandbox.names import CAMPAIGN_ID, WORKSPACE, JsonObject, lead_id_of
from web.sandbox.posting import post
from web.sandbox.state import Sandbox

_MAILBOX: Final = "sam@tryacme.example"
_SUBJECT: Final = "A thought on your onboarding"
_SNIPPET: Final = 100
_LEADS_NAMES: Final = {"firstName": "first_name", "lastName": "last_name",
                       "companyName": "company_name", "jobTitle": "job_title"}  # fmt: skip


def write(sandbox: Sandbox, told: JsonObject) -> JsonObject:
    """Add an e-mail from a lead and announce it; return the e-mail and what was delivered."""
    campaign, address = told.get("campaign_id", CAMPAIGN_ID), told["lead_email"].casefold()
    mailbox = told.get("eaccount", _MAILBOX)
    own = told.get("lead", {})
    named = {name: own[merged] for merged, name in _LEADS_NAMES.items() if merged in own}
    keep(sandbox, address, campaign, named)
    lead_id = lead_id_of(address, campaign)
    subject = told.get("subject", f"Re: {_SUBJECT}").partition(": ")[2] or told["subject"]
    sandbox.mailroom.open_thread(lead_id, address, mailbox, subject, campaign)
    mail = sandbox.mailroom.receive(lead_id, told["text"], _given(told), told.get("lag"))
    automatic = bool(mail["is_auto_reply"])
    usual = ["auto_reply_received" if automatic else "reply_received"]
    payloads = [_payload(mail, kind, told) for kind in told.get("event_types", usual)]
    return {"email": mail, "deliveries": [_tell(sandbox, p, told) for p in payloads]}


def _given(told: JsonObject) -> JsonObject:
    given = {n: told[n] for n in ("id", "subject", "is_auto_reply") if n in told}
    return given | ({"from_address_email": told["sender"]} if "sender" in told else {})


def _tell(sandbox: Sandbox, payload: JsonObject, told: JsonObject) -> list[JsonObject]:
    """Deliver to the address that is given, or to the webhooks that are registered."""
    if "target" not in told:
        return announce(sandbox, payload)
    posted = post(told["target"], payload, told.get("headers", {}))
    return [log(sandbox, told["target"], payload, posted)]


def _payload(mail: JsonObject, event_type: str, told: JsonObject) -> JsonObject:
    """Return a webhook's payload: the event's fields, and the lead's own beside them."""
    return {
        "timestamp": mail["timestamp_created"],
        "event_type": event_type,
        "workspace": WORKSPACE,
        "campaign_id": mail["campaign_id"],
        "campaign_name": told.get("campaign_name", "Q4 founders"),
        "lead_email": mail["lead"],
        "email_account": mail["eaccount"],
        "unibox_url": f"https://sandbox.example/unibox?thread_search={mail['lead']}",
        "step": 1,
        "variant": 1,
        "is_first": True,
        "email_id": mail["id"],
        "reply_text_snippet": mail["body"]["text"][:_SNIPPET],
        "reply_subject": mail["subject"],
        "reply_text": mail["body"]["text"],
        "reply_html": mail["body"]["html"],
        "email": mail["lead"],
        **told.get("lead", {}),
    }

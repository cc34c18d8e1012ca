"""E-mails and threads as the provider's API shows them."""

import html
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from web.sandbox.names import CAMPAIGN_ID, WORKSPACE, JsonObject, derived, moment, stamp
from web.sandbox.refusal import Refusal

CAMPAIGN, RECEIVED, SENT, SCHEDULED = 1, 2, 3, 4
"""The provider's `ue_type`: who wrote an e-mail, and how."""

_DIRECTIONS: Final = {"in": RECEIVED, "out": SENT}
_PITCH: Final = "Hi Dana,\n\nSaw you are hiring two ops leads. Worth a chat?\n\nSam"
_PREVIEW: Final = 100

_BARE: Final = dict.fromkeys(
    (
        "cc_address_email_list", "bcc_address_email_list", "reply_to", "subsequence_id", "list_id",
        "step", "reminder_ts", "ai_interest_value", "i_status", "attachment_json",
        "from_address_json", "to_address_json", "cc_address_json", "ai_agent_id",
    )
)  # fmt: skip
"""Fields that are there and say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One e-mail. `fields`: as the API shows it; `created`: aware.

    `lag`: for how many seconds the history hides it, if it is a reply that the API took;
    None for every other e-mail, which is never hidden.
    """

    created: datetime
    fields: JsonObject
    lag: float | None = None

    def is_shown(self, now: datetime, lag: float) -> bool:
        """Say whether a history that lags by so many seconds shows the e-mail now."""
        age = (now - self.created).total_seconds()
        return self.lag is None or age >= max(self.lag, lag)

    def with_fields(self, **changes: object) -> "Mail":
        """Return the e-mail with other fields."""
        return replace(self, fields=self.fields | changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A lead's e-mails, oldest first, and what they have in common. `lead`: the address."""

    lead_id: str
    lead: str
    eaccount: str
    thread_id: str
    subject: str
    campaign_id: str = CAMPAIGN_ID
    mails: tuple[Mail, ...] = ()

    def plus(self, *mails: Mail) -> "Thread":
        """Return the thread with more e-mails."""
        in_order = sorted([*self.mails, *mails], key=lambda mail: mail.created)
        return replace(self, mails=tuple(in_order))

    def fields(self, ue_type: int, at: datetime, given: JsonObject) -> JsonObject:
        """Return an e-mail as the API shows it: what is given, and the usual for the rest."""
        from_lead = ue_type == RECEIVED
        mail_id = given.get("id") or str(uuid4())
        usual: JsonObject = _BARE | {
            "id": mail_id,
            "timestamp_created": stamp(at),
            "timestamp_email": stamp(at),
            "message_id": f"<{mail_id}@sandbox.example>",
            "subject": self.subject if ue_type == CAMPAIGN else _answer_to(self.subject),
            "from_address_email": self.lead if from_lead else self.eaccount,
            "to_address_email_list": self.eaccount if from_lead else self.lead,
            "body": both_forms("Hello"),
            "organization_id": WORKSPACE,
            "campaign_id": self.campaign_id,
            "lead": self.lead,
            "lead_id": self.lead_id,
            "eaccount": self.eaccount,
            "ue_type": ue_type,
            "is_unread": int(from_lead),
            "is_auto_reply": 0,
            "ai_assisted": 0,
            "is_focused": 1,
            "thread_id": self.thread_id,
        }
        mail = usual | given
        return {"content_preview": _preview(mail["body"])} | mail


def invented_thread(lead_id: str, now: datetime) -> Thread:
    """Return the thread of a lead nobody has told us about: a campaign's e-mail of yesterday.

    Everything but its time depends on the lead's id alone.
    """
    thread = Thread(
        lead_id=lead_id,
        lead=f"dana.{derived('lead', lead_id).hex[:12]}@northwind.example",
        eaccount="sam@tryacme.example",
        thread_id=str(derived("thread", lead_id)),
        subject="Quick question about Northwind's onboarding",
    )
    return pitched(thread, now)


def pitched(thread: Thread, now: datetime) -> Thread:
    """Return a thread that begins with the campaign's e-mail of yesterday."""
    yesterday = now - timedelta(days=1)
    given = {"id": str(derived("campaign", thread.lead_id)), "body": both_forms(_PITCH)}
    given |= {"step": "step-1"}
    return thread.plus(Mail(created=yesterday, fields=thread.fields(CAMPAIGN, yesterday, given)))


def given_thread(lead_id: str, emails: list[JsonObject], now: datetime) -> Thread:
    """Return the thread that these e-mails make; those without a time are an hour apart.

    The first e-mail that names the lead's address, the mailbox, … names it for all.
    """
    shared: dict[str, Any] = {
        name: mail[name]
        for name in ("lead", "eaccount", "thread_id", "subject", "campaign_id")
        for mail in reversed(emails)
        if mail.get(name) and isinstance(mail[name], str)
    }
    thread = replace(invented_thread(lead_id, now), mails=(), **shared)
    hours = range(len(emails), 0, -1)
    mails = [
        _given_mail(thread, mail, now - timedelta(hours=ago))
        for mail, ago in zip(emails, hours, strict=True)
    ]
    return thread.plus(*mails)


def _given_mail(thread: Thread, given: JsonObject, usual: datetime) -> Mail:
    times = [
        moment(given[name], name)
        for name in ("timestamp_created", "timestamp_email")
        if name in given
    ]
    at = [*times, usual][0]
    fields = {name: value for name, value in given.items() if name != "direction"}
    if "body" in given:
        fields["body"] = both_forms(given["body"])
    return Mail(created=at, fields=thread.fields(_ue_type(given), at, fields))


def _ue_type(given: JsonObject) -> int:
    """Return an e-mail's `ue_type`, as it is given or as its direction says."""
    ue_type = given.get("ue_type", _DIRECTIONS.get(str(given.get("direction"))))
    if ue_type not in (CAMPAIGN, RECEIVED, SENT, SCHEDULED):
        raise Refusal(400, "each e-mail needs a ue_type of 1 to 4, or a direction: in or out")
    return int(ue_type)


def both_forms(body: object) -> JsonObject:
    """Return both forms of a body that is given as text, as an object, or as half of one."""
    if isinstance(body, str):
        body = {"text": body}
    if not isinstance(body, dict):
        raise Refusal(400, "body must be a text, or an object of text and html")
    return {"text": "", "html": to_html(str(body.get("text") or ""))} | body


def to_html(text: str) -> str:
    """Return a text as HTML that shows its lines."""
    return html.escape(text.replace("\r\n", "\n"), quote=False).replace("\n", "<br/>")


def _preview(body: JsonObject) -> str:
    return " ".join(str(body["text"] or body["html"]).split())[:_PREVIEW]


def _answer_to(subject: str) -> str:
    return subject if subject[:3].casefold() == "re:" else f"Re: {subject}"

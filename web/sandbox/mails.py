"""E-mails and threads as the provider's API shows them."""

import html
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from web.sandbox.refusal import Refusal

JsonObject = dict[str, Any]

CAMPAIGN, RECEIVED, SENT, SCHEDULED = 1, 2, 3, 4
"""The provider's `ue_type`: who wrote an e-mail, and how."""

_DIRECTIONS: Final = {"in": RECEIVED, "out": SENT}
_PITCH: Final = "Hi Dana,\n\nSaw you are hiring two ops leads. Worth a chat?\n\nSam"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A lead's e-mails, oldest first, and what they have in common. `lead`: the address."""

    lead_id: str
    lead: str
    eaccount: str
    thread_id: str
    subject: str
    mails: tuple[Mail, ...] = ()

    def plus(self, *mails: Mail) -> "Thread":
        """Return the thread with more e-mails."""
        in_order = sorted([*self.mails, *mails], key=lambda mail: mail.created)
        return replace(self, mails=tuple(in_order))

    def fields(self, ue_type: int, at: datetime, given: JsonObject) -> JsonObject:
        """Return an e-mail as the API shows it: what is given, and the usual for the rest."""
        from_lead = ue_type == RECEIVED
        return {
            "id": str(uuid4()),
            "timestamp_created": stamp(at),
            "timestamp_email": stamp(at),
            "subject": self.subject if ue_type == CAMPAIGN else _answer_to(self.subject),
            "from_address_email": self.lead if from_lead else self.eaccount,
            "to_address_email_list": self.eaccount if from_lead else self.lead,
            "body": both_forms("Hello"),
            "lead": self.lead,
            "lead_id": self.lead_id,
            "eaccount": self.eaccount,
            "ue_type": ue_type,
            "thread_id": self.thread_id,
            "is_auto_reply": 0,
            "ai_agent_id": None,
        } | given


def invented_thread(lead_id: str, now: datetime) -> Thread:
    """Return the thread of a lead nobody has told us about: a campaign's e-mail of yesterday.

    Everything but its time depends on the lead's id alone.
    """
    thread = Thread(
        lead_id=lead_id,
        lead=f"dana.{_derived(lead_id, 'lead').hex[:12]}@northwind.example",
        eaccount="sam@tryacme.example",
        thread_id=str(_derived(lead_id, "thread")),
        subject="Quick question about Northwind's onboarding",
    )
    yesterday = now - timedelta(days=1)
    given = {"id": str(_derived(lead_id, "campaign")), "body": both_forms(_PITCH)}
    return thread.plus(Mail(created=yesterday, fields=thread.fields(CAMPAIGN, yesterday, given)))


def given_thread(lead_id: str, emails: list[JsonObject], now: datetime) -> Thread:
    """Return the thread that these e-mails make; those without a time are an hour apart.

    The first e-mail that names the lead's address, the mailbox, … names it for all.
    """
    shared: dict[str, Any] = {
        name: mail[name]
        for name in ("lead", "eaccount", "thread_id", "subject")
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
        _moment(given[name], name)
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


def _moment(value: object, name: str) -> datetime:
    """Return a time that is given as ISO 8601; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(str(value))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refusal(400, f"{name} must be an ISO 8601 time") from None


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


def stamp(at: datetime) -> str:
    """Return a time the way the API writes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _answer_to(subject: str) -> str:
    return subject if subject[:3].casefold() == "re:" else f"Re: {subject}"


def _derived(lead_id: str, what: str) -> UUID:
    """Return an id that depends on the lead's id alone; JSON lets half a surrogate pair in."""
    return uuid5(NAMESPACE_URL, f"sandbox:{what}:{lead_id!a}")

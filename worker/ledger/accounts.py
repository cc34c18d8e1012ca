"""What both ledgers derive from an event before they store it."""

import hashlib
import json
from collections.abc import Sequence
from typing import Final

from worker.domain.addresses import company_domain
from worker.domain.deeds import OPT_OUT
from worker.domain.model import Draft, EventClass, Message, ReplyEvent, TraceLine
from worker.domain.optout import opt_out_subject, opt_out_words
from worker.domain.quotes import newest_words
from worker.domain.record import draft_fields, thread_field, trace_field
from worker.domain.words import fingerprint
from worker.ports import Attempt

SAME_WORDS_FOR_MS: Final = 10 * 60 * 1000
"""How long the same words in the same conversation are taken for the same mail."""

ANSWERED_FOR_MS: Final = 400 * 24 * 3600 * 1000
"""That a mail was answered is remembered longer than what was in it."""

IGNORED_REASONS: Final = {
    EventClass.OTHER: "not_a_reply",
    EventClass.UNKNOWN: "unknown_event_type",
}


MOST_STUMBLES: Final = 10
"""How often an event may be claimed without a step before a person looks at it."""


def hashed(*parts: str) -> str:
    """Return a short hash of several texts; ids and addresses are only kept hashed."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def conversation_of(event: ReplyEvent) -> str:
    """Return what one worker at a time may hold: workspace and lead."""
    return hashed(event.workspace, event.lead_id or event.lead_email)


def people_of(event: ReplyEvent, sender: str = "") -> list[str]:
    """Return the names under which the lead, and who wrote for it, may be suppressed."""
    lead = [person("lead", event.lead_id)] if event.lead_id else []
    addresses = dict.fromkeys(filter(None, (event.lead_email, sender)))
    return lead + [person("address", address) for address in addresses]


def companies_of(*addresses: str) -> list[str]:
    """Return the names under which all of somebody's company may be suppressed.

    They are marked whenever one of its people asks to stop; whether such a mark counts is a
    setting (`opt_out: domain`).
    """
    domains = dict.fromkeys(filter(None, map(company_domain, addresses)))
    return [person("domain", domain) for domain in domains]


def person(kind: str, value: str) -> str:
    """Return the hashed name of a lead's id, an address or a domain in the list of suppressed."""
    return f"{kind}:{hashed(value.casefold())}"


def named(lead: str) -> str:
    """Return the hashed name of a lead told by its address or its id."""
    return person("address" if "@" in lead else "lead", lead)


def opens(event: ReplyEvent) -> bool:
    """Say whether a delivery opens an event that may be answered."""
    if event.event_class is EventClass.LABEL:
        return bool(event.mail_id or event.text)
    return event.event_class is EventClass.REPLY


def ignored_reason(event: ReplyEvent) -> str:
    """Return why a delivery opens nothing."""
    if event.event_class is EventClass.SIGNAL:
        return event.event_types[0]
    return IGNORED_REASONS.get(event.event_class, "label_without_mail")


def suppressed_by(event: ReplyEvent) -> list[str]:
    """Return whom a delivery suppresses: who unsubscribed or asks to stop, who is gone."""
    gone = event.event_types[0] == _GONE
    signal = event.event_class is EventClass.SIGNAL
    if not (signal or (opens(event) and _asks_to_stop(event))):
        return []
    return people_of(event) + ([] if gone else companies_of(event.lead_email))


def deeds_of(event: ReplyEvent) -> list[str]:
    """Return what the provider is to be told where a delivery suppresses somebody."""
    return [] if event.event_types[0] == _GONE else list(OPT_OUT)


_GONE: Final = "email_bounced"
"""An address that is no more says nothing of the others of its company."""


def _asks_to_stop(event: ReplyEvent) -> bool:
    return bool(opt_out_words(newest_words(event.text)) or opt_out_subject(event.subject))


def told_at(event: ReplyEvent) -> int | None:
    """Return when a delivery was told (milliseconds); None where it does not say."""
    return round(event.at.timestamp() * 1000) if event.at else None


def pointers_of(event: ReplyEvent, lasting_ms: int) -> list[tuple[str, int]]:
    """Return the other names of the same mail, with how long each holds (milliseconds)."""
    if event.event_class in (EventClass.SIGNAL, EventClass.OTHER):
        return []
    mail = [(f"mail:{event.mail_id}", lasting_ms)] if event.mail_id else []
    if not event.lasting:
        mail.append((f"same:{event.key}", SAME_WORDS_FOR_MS))
    words = newest_words(event.text)
    said = (
        [(f"words:{conversation_of(event)}:{fingerprint(words)}", SAME_WORDS_FOR_MS)]
        if words and event.event_class is not EventClass.UNKNOWN
        else []
    )
    return mail + said


def stored_key(event: ReplyEvent, now_ms: int) -> str:
    """Return the key a new event gets; one that is not lasting carries its time."""
    return event.key if event.lasting else f"{event.key}-{now_ms}"


def fields_of(event: ReplyEvent, version: int) -> dict[str, str]:
    """Return the text fields a new record starts with."""
    return {
        "v": str(version),
        "conversation": conversation_of(event),
        "people": json.dumps(people_of(event)),
        "company": next(iter(companies_of(event.lead_email)), ""),
        "workspace": event.workspace,
        "campaign_id": event.campaign_id,
        "lead_id": event.lead_id,
        "lead_email": event.lead_email,
        "mailbox": event.mailbox,
        "mail_id": event.mail_id,
        "worded": "yes" if event.text else "",
        "traceparent": event.traceparent,
    }


def told(*, detail: str, **more: str) -> dict[str, str]:
    """Return the fields for how an event ended; what is not told stays as it was."""
    return {"detail": detail} | {name: value for name, value in more.items() if value}


def written(
    draft: Draft | None, trace: Sequence[TraceLine], thread: Sequence[Message] = ()
) -> dict[str, str]:
    """Return the fields for what was decided; nothing where nothing was."""
    named = {"template": draft.template, "variant": draft.variant} if draft else {}
    drafted = draft_fields(draft) | named if draft else {}
    shown = {"thread": thread_field(thread)} if thread else {}
    return drafted | ({"trace": trace_field(trace)} if trace else {}) | shown


def attempted(attempt: Attempt) -> dict[str, str]:
    """Return the fields for an answer that is about to leave."""
    mailbox = {"mailbox": attempt.mailbox} if attempt.mailbox else {}
    seen = {"seen": json.dumps(sorted(attempt.seen))}
    tried = {"tried": draft_fields(attempt.draft)["draft"]}
    return written(attempt.draft, attempt.trace) | tried | seen | mailbox

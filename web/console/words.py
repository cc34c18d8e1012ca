"""Plain words for what the ledger keeps in slugs and milliseconds."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint
from markupsafe import Markup

from web.console.parts import Console
from worker import steering
from worker.domain.durations import span
from worker.domain.errors import LedgerAway
from worker.domain.guards import REASONS
from worker.domain.progress import State
from worker.domain.record import Record
from worker.domain.search import Query

STATES: Final[Mapping[State, str]] = {
    State.RECEIVED: "just came in",
    State.WAITING: "waits",
    State.SENDING: "is being sent",
    State.DOUBT: "in doubt",
    State.SENT: "answered",
    State.SKIPPED: "not answered",
    State.HELD: "needs you",
    State.FAILED: "failed",
    State.QUARANTINED: "unreadable",
}
_MORE_REASONS: Final = {
    "posted": "the answer was posted",
    "found_in_history": "the answer is in the conversation",
    "by_rule": "a template's rule says so",
    "by_hand": "a person decided so",
    "no_rule": "no template fits",
    "needs_approval": "answers like this one are to be approved",
    "shadow": "only recorded, as the mode is shadow",
    "scheduled": "leaves at its time",
    "approved": "a person approved it",
    "retry": "a person started it again",
    "paused": "everything or its campaign is paused",
    "settling": "an answer in this conversation is in doubt",
    "limiter": "the API's rate is used up for the moment",
    "rate_limited": "the API asked to slow down",
    "api_away": "the API does not answer",
    "api_on_hold": "the API is left alone for a while",
    "api_refused": "the API refuses the key",
    "time_lost": "the machine stood still; tried again",
    "conversation_busy": "another mail of this lead goes first",
    "words_came": "what they wrote came later",
    "worker_lost": "a worker died while sending",
    "no_answer": "the API did not say whether it was sent",
    "unreadable_answer": "the API's answer could not be read",
    "never_arrived": "it never arrived, and is sent once more",
    "second_doubt": "it is in doubt for the second time",
    "doubt_unreadable": "the conversation cannot be read, so nobody knows whether it was sent",
    "doubt_several": "several mails look like the answer",
    "doubt_held": "it may have been sent or not: look into the mailbox",
    "stumbled": "workers stumble over it again and again",
    "template_error": "the template has a mistake",
    "no_contract": "the webhook tells too little for the API",
    "no_draft": "it was approved without a text",
    "unreadable_event": "the stored webhook cannot be read",
    "unreadable_history": "the conversation cannot be read",
    "same_mail": "the same mail has another event",
    "lead_unsubscribed": "the lead unsubscribed",
    "email_bounced": "the mail bounced",
    "not_a_reply": "this webhook announces no reply",
    "unknown_event_type": "this type of webhook is not known",
    "label_without_mail": "a label without any mail",
    "no_identity": "the webhook names nobody",
    "no_event_type": "the webhook has no type",
    "not_an_object": "the webhook is no JSON object",
    "newer": "a newer version of this service wrote it",
}


def reason_words(reason: str) -> str:
    """Return a reason in words; one that is not known without its underscores."""
    return REASONS.get(reason) or _MORE_REASONS.get(reason) or reason.replace("_", " ")


def sentence(text: str) -> str:
    """Begin words like a sentence; names such as API stay as they are written."""
    return text[:1].upper() + text[1:]


def lead_of(record: Record) -> str:
    """Return whom an event is about."""
    return record.lead_email or record.lead_id or "nobody named"


def zone_of(name: str) -> tzinfo:
    """Return the team's clock."""
    return ZoneInfo(name) if name else UTC


def _held(console: Console) -> int:
    try:
        return console.ledger.size(Query(state=State.HELD))
    except LedgerAway:
        return 0


def _pauses(console: Console) -> list[str]:
    try:
        return console.ledger.pauses()
    except LedgerAway:
        return []


def add(pages: Blueprint, console: Console) -> None:
    """Teach the pages these words."""

    def zone() -> tzinfo:
        return zone_of(console.templates().settings.timezone)

    def clock(ms: int, *, day: bool = True) -> Markup:
        at = datetime.fromtimestamp(ms / 1000, zone())
        today = datetime.fromtimestamp(console.clock(), zone()).date()
        shown = at.strftime("%H:%M" if at.date() == today or not day else "%d %b %H:%M")
        full = at.strftime("%A, %d %B %Y, %H:%M:%S %Z")
        iso = at.isoformat(timespec="seconds")
        return Markup('<time datetime="{}" title="{}">{}</time>').format(iso, full, shown)

    def ago(ms: int) -> str:
        passed = console.clock() - ms / 1000
        return f"{span(passed)} ago" if passed >= 1 else "now"

    def until(ms: int) -> str:
        return span(max(ms / 1000 - console.clock(), 0))

    @pages.app_template_filter()
    def breakable(address: str) -> Markup:
        """Let an address go on in the next line after its @, and nowhere else."""
        return Markup("@<wbr>").join(address.split("@"))

    pages.add_app_template_filter(sentence)

    @pages.app_context_processor
    def known() -> dict[str, Any]:
        pauses = cache(lambda: _pauses(console))  # asked once for each page, if at all

        def goes_on(record: Record) -> str:
            left = until(record.due_at) if record.due_at else ""
            return steering.goes_on(record, pauses(), left)

        return {
            "STATES": STATES,
            "clock": clock,
            "ago": ago,
            "until": until,
            "goes_on": goes_on,
            "all_is_paused": lambda: steering.EVERYTHING in pauses(),
            "reason_words": reason_words,
            "lead_of": lead_of,
            "flower_url": console.flower_url,
            "zone_name": console.templates().settings.timezone or "UTC",
            "mode": console.mode.value,
            "held_count": lambda: _held(console),
        }

"""A person's word on single events, as the commands and the console pass it on."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from worker.contracts import webhook
from worker.contracts.lenient import json_value
from worker.domain.errors import MalformedEvent, NotPossible
from worker.domain.model import ReplyEvent
from worker.domain.progress import WAKEABLE, State
from worker.domain.quotes import newest_words
from worker.domain.record import Record
from worker.domain.search import Query
from worker.ledger.accounts import people_of, person
from worker.ports import Acceptance, Ledger

EVERYTHING: Final = "*"
"""The scope of a pause that is about all events."""

_ALL_EVENTS: Final = 1_000_000
_PLANNED: Final = frozenset({"scheduled", "until_return"})
"""Reasons to wait for a time that would come without any pause too."""


def words_of(record: Record) -> str:
    """Return what they wrote last; of a delivery that nobody can read, the whole of it."""
    if record.state is State.QUARANTINED:
        return record.deliveries.get("body", "")
    try:
        return newest_words(webhook.merge(record.key, record.deliveries.values()).text)
    except (MalformedEvent, ValueError):
        return ""


def pause_over(record: Record, pauses: Iterable[str]) -> str:
    """Return the pause that keeps an event from leaving, "" where none does."""
    over = {EVERYTHING, record.campaign_id}.intersection(pauses)
    return min(over, default="") if record.state in WAKEABLE else ""


def named(scope: str) -> str:
    """Return what a pause is about, in words."""
    return "everything" if scope == EVERYTHING else f"campaign {scope}"


def goes_on(record: Record, pauses: Iterable[str], left: str) -> str:
    """Say when an event that waits goes on; `left`: the time until its next look, if any."""
    if not pause_over(record, pauses):
        return f"in {left}" if left else ""
    is_planned = left and record.reason in _PLANNED
    return f"in {left}, if resumed by then" if is_planned else "when resumed"


def refuse_unanswerable(record: Record, speaks: Callable[[ReplyEvent], bool]) -> None:
    """Approve nothing that would only be held again, as no API can speak about it.

    Raises:
        NotPossible: the event is held, and no contract speaks about it.

    """
    if record.state is State.HELD and not is_answerable(record, speaks):
        raise NotPossible("no_contract", record.key)


def is_answerable(record: Record, speaks: Callable[[ReplyEvent], bool]) -> bool:
    """Say whether an API can carry an answer; what cannot be read is not refused here."""
    try:
        event = webhook.merge(record.key, record.deliveries.values())
    except (MalformedEvent, ValueError):
        return True
    return speaks(replace(event, mail_id=event.mail_id or record.mail_id))


def retry_quarantined(ledger: Ledger, record: Record) -> Acceptance:
    """Read a quarantined delivery once more, and record it as the event it is.

    Raises:
        NotPossible: what was kept is no JSON.
        MalformedEvent: it still cannot be used.

    """
    headers = json.loads(record.deliveries.get("headers") or "{}")
    try:
        payload = json_value(record.deliveries["body"])
    except ValueError:
        raise NotPossible("no_json", f"{record.key}: what was kept is no JSON") from None
    event = webhook.parse(payload, headers.get("webhook-id", ""))
    accepted = ledger.accept(event, json.dumps(payload))
    ledger.release(record.key)
    return accepted


def suppress_lead(ledger: Ledger, record: Record, by: str) -> None:
    """Never answer an event's lead again, under any name that is known."""
    event = webhook.merge(record.key, record.deliveries.values())
    ledger.suppress(people_of(event), f"asked to stop: by hand ({by})")


def leads_of(ledger: Ledger, address: str) -> set[str]:
    """Return the leads that the ledger knows by an address, hashed."""
    page = ledger.search(Query(person=person("address", address)), _ALL_EVENTS)
    return {person("lead", record.lead_id) for record in page.records if record.lead_id}

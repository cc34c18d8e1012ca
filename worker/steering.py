"""A person's word on single events, as the commands and the console pass it on."""

import json
from typing import Final

from worker.contracts import webhook
from worker.contracts.lenient import json_value
from worker.domain.errors import MalformedEvent, NotPossible
from worker.domain.progress import State
from worker.domain.quotes import newest_words
from worker.domain.record import Record
from worker.domain.search import Query
from worker.ledger.accounts import people_of, person
from worker.ports import Acceptance, Ledger

_ALL_EVENTS: Final = 1_000_000


def words_of(record: Record) -> str:
    """Return what they wrote last; of a delivery that nobody can read, the whole of it."""
    if record.state is State.QUARANTINED:
        return record.deliveries.get("body", "")
    try:
        return newest_words(webhook.merge(record.key, record.deliveries.values()).text)
    except (MalformedEvent, ValueError):
        return ""


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

"""An event's conversation for people: the kept thread, or what the webhook told."""

from worker.contracts import webhook
from worker.domain.errors import MalformedEvent
from worker.domain.model import Direction, Message, ReplyEvent, Thread, moment
from worker.domain.progress import State
from worker.domain.reading import Facts, read
from worker.domain.record import Record
from worker.domain.rules import Templates
from worker.domain.whose import zone_of


def event_of(record: Record) -> ReplyEvent | None:
    """Return what the webhooks told; None where they cannot be read."""
    if record.state is State.QUARANTINED:
        return None
    try:
        return webhook.merge(record.key, record.deliveries.values())
    except (MalformedEvent, ValueError):
        return None


def messages_of(record: Record) -> list[Message]:
    """Return the mails, oldest first; their own words where no thread was kept."""
    event = event_of(record)
    kept = list(record.thread)
    own = {record.mail_id, record.key}
    if event is None or not event.text or any(m.id in own for m in kept):
        return kept
    if any(m.direction is Direction.INBOUND and m.text.strip() == event.text.strip() for m in kept):
        return kept
    theirs = Message(
        id=record.key,
        direction=Direction.INBOUND,
        at=event.at or moment(record.received_at),
        sender=event.lead_email,
        subject=event.subject,
        text=event.text,
        automatic=event.automatic,
    )
    return [*kept, theirs]


def facts_of(record: Record, now_ms: int, templates: Templates) -> Facts | None:
    """Return what the rules would know of an event now; None where it cannot be read."""
    event = event_of(record)
    if event is None:
        return None
    received = moment(record.received_at)
    return read(
        event,
        Thread(record.thread),
        received=received,
        now=moment(now_ms),
        intents=templates.intents,
        zone=zone_of(event, templates.settings),
    )

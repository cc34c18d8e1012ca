"""Events, mails and facts for tests: plausible by default, each field open to change."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from worker.domain.model import Direction, EventClass, Message, ReplyEvent, Thread
from worker.domain.reading import Facts, read
from worker.domain.rules import Rule, Templates, build

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)
"""A Wednesday noon; every time in the tests is told from here."""

LEAD = "ann@lead.example"
MAILBOX = "sam@ours.example"


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def event(**changes: Any) -> ReplyEvent:
    fields: dict[str, Any] = {
        "key": "event-1",
        "event_class": EventClass.REPLY,
        "event_types": ("reply_received",),
        "at": ago(minutes=1),
        "lead_id": "lead-1",
        "lead_email": LEAD,
        "mailbox": MAILBOX,
        "mail_id": "in-1",
        "subject": "Re: Your team",
        "text": "How much is it?",
    }
    return ReplyEvent(**fields | changes)


def inbound(**changes: Any) -> Message:
    fields: dict[str, Any] = {
        "id": "in-1",
        "direction": Direction.INBOUND,
        "at": ago(minutes=2),
        "sender": LEAD,
        "subject": "Re: Your team",
        "text": "How much is it?",
    }
    return Message(**fields | changes)


def outbound(**changes: Any) -> Message:
    fields: dict[str, Any] = {
        "id": "out-1",
        "direction": Direction.OUTBOUND,
        "at": ago(minutes=1),
        "sender": MAILBOX,
        "subject": "Re: Your team",
        "text": "Hello Ann",
    }
    return Message(**fields | changes)


def campaign_mail(**changes: Any) -> Message:
    fields: dict[str, Any] = {
        "id": "step-1",
        "at": ago(days=1),
        "subject": "Your team",
        "campaign_step": True,
    }
    return outbound(**fields | changes)


def facts(
    *,
    event: ReplyEvent = event(),  # noqa: B008 - frozen
    messages: Sequence[Message] | None = None,
    **known: Any,
) -> Facts:
    thread = (campaign_mail(), inbound()) if messages is None else tuple(messages)
    times: dict[str, Any] = {"received": NOW, "now": NOW}
    return read(event, Thread(thread), **times | known)


def said(words: str, **changes: Any) -> Facts:
    """Return the facts about a reply with these words that the history does not show."""
    return facts(event=event(text=words, **changes), messages=())


def folder(body: str = "Hello", *, front: str = "when: true", **files: str) -> Templates:
    """Build a folder with one template, `answer.j2`; a name like `_part_j2` is `_part.j2`."""
    named = {
        f"{name.removesuffix('_j2')}.j2" if name.endswith("_j2") else f"{name}.yaml": text
        for name, text in files.items()
    }
    return build({"answer.j2": f"---\n{front}\n---\n{body}", **named})


def rule(body: str = "Hello", *, front: str = "when: true", **files: str) -> Rule:
    templates = folder(body, front=front, **files)
    assert templates.problems == ()
    return templates.rules[0]


def problem(body: str = "Hello", *, front: str = "when: true", **files: str) -> str:
    """Return the one problem that a folder has."""
    (found,) = folder(body, front=front, **files).problems
    return str(found)

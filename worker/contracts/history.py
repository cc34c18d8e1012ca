"""Reading a conversation's e-mails, whatever shape the API gives them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from worker.contracts.lenient import address, addresses, flag, identity, moment, text
from worker.domain.errors import TryLater
from worker.domain.model import Direction, Message, ReplyEvent, Thread
from worker.domain.quotes import READ_AT_MOST
from worker.domain.words import fingerprint, html_to_text

_LISTS: Final = ("emails", "items", "data", "messages", "results")
_INBOUND: Final = frozenset(
    {"inbound", "incoming", "in", "received", "receive", "reply", "lead", "2"}
)
_OUTBOUND: Final = frozenset(
    {"outbound", "outgoing", "out", "sent", "send", "campaign", "manual", "scheduled", "us",
     "1", "3", "4"}
)  # fmt: skip
_CAMPAIGN: Final = "1"
_TAG: Final = re.compile(r"</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>", re.IGNORECASE)
"""A tag of HTML, and no address in angle brackets."""


def items_of(answer: object, what: str = "e-mails") -> list[Mapping[str, Any]]:
    """Return the objects of an answer: a bare array, or a list inside an object.

    Raises:
        TryLater: the answer has no list.

    """
    found = answer
    for _ in range(2):
        if isinstance(found, Mapping):
            found = next((found[n] for n in _LISTS if isinstance(found.get(n), list | dict)), None)
    if not isinstance(found, list):
        raise TryLater("unreadable_history", f"the answer has no list of {what}")
    return [item for item in found if isinstance(item, Mapping)]


def read_thread(items: Sequence[Mapping[str, Any]], event: ReplyEvent) -> Thread:
    """Return the e-mails oldest first, each once.

    Sorted by time only where every e-mail has one; otherwise the API's order stands, turned
    round where it is newest first.
    """
    messages = {m.id: m for m in (_message(item, event) for item in items)}
    found = list(messages.values())
    times = [m.at for m in found if m.at is not None]
    if times and times[0] > times[-1]:
        found.reverse()  # newest first: keeps mails of one second in their order
    if len(times) == len(found):
        found.sort(key=lambda m: m.at.timestamp() if m.at else 0.0)
    return Thread(tuple(found))


def _message(item: Mapping[str, Any], event: ReplyEvent) -> Message:
    message = Message(
        id=identity(item, "id", "email_id", "uuid", "message_id"),
        direction=_direction(item, event),
        at=moment(
            item, "timestamp_email", "timestamp", "timestamp_created", "sent_at", "date",
            "created_at", "received_at",
        ),
        sender=_sender(item),
        mailbox=address(item, "eaccount", "email_account"),
        subject=text(item, "subject", "email_subject", "reply_subject"),
        text=_text(item),
        campaign_step=_kind(item, "ue_type") == _CAMPAIGN and not identity(item, "ai_agent_id"),
        automatic=flag(item, "is_auto_reply"),
        headers=_headers(item),
        reply_to=address(item, "reply_to", "reply_to_address"),
        recipients=addresses(
            item, "to_address_email_list", "to", "to_email", "to_address", "recipients",
            "cc_address_email_list", "cc",
        ),
    )  # fmt: skip
    return message if message.id else replace(message, id=_made_id(message))


def _headers(item: Mapping[str, Any]) -> Mapping[str, Any]:
    found = item.get("headers")
    return found if isinstance(found, Mapping) else {}


def _sender(item: Mapping[str, Any]) -> str:
    return address(item, "from_address_email", "from", "from_email", "sender", "from_address")


def _made_id(message: Message) -> str:
    """Name an e-mail without an id after its content, so that it is known again."""
    at = message.at.isoformat() if message.at else ""
    words = f"{message.subject} {message.text}"[:READ_AT_MOST]
    return f"made-{fingerprint(f'{message.direction} {at} {words}')}"


def _text(item: Mapping[str, Any]) -> str:
    body = item.get("body")
    if isinstance(body, Mapping):
        html = text(body, "html")
        return text(body, "text", "plain") or (html_to_text(html) if html else "")
    plain = text(item, "text", "body_text", "reply_text", "content", "message")
    if plain:
        return plain
    html = text(item, "html", "body_html", "reply_html")
    if html:
        return html_to_text(html)
    either = text(item, "body")
    return html_to_text(either) if _TAG.search(either) else either


def _kind(item: Mapping[str, Any], name: str) -> str:
    return (identity(item, name) or text(item, name)).casefold()


def _direction(item: Mapping[str, Any], event: ReplyEvent) -> Direction:
    """Tell who wrote it, by the words for it first and by the addresses second."""
    for name in ("direction", "ue_type", "type", "email_type"):
        kind = _kind(item, name)
        if kind in _INBOUND:
            return Direction.INBOUND
        if kind in _OUTBOUND:
            return Direction.OUTBOUND
    sender = _sender(item)
    mailbox = address(item, "eaccount", "email_account") or event.mailbox
    lead = event.lead_email or address(item, "lead", "lead_email")
    if sender and sender == lead:
        return Direction.INBOUND
    if sender and sender == mailbox:
        return Direction.OUTBOUND
    return Direction.UNKNOWN

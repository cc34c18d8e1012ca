"""What a webhook of the provider means.

One payload shape serves both contracts (https://developer.instantly.ai, webhook events):
which contract an event can speak is only known once it is read, so the reading is shared.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeGuard

from worker.contracts.lenient import address, flag, identity, moment, text
from worker.domain.errors import MalformedEvent
from worker.domain.model import EventClass, JsonValue, Message, ReplyEvent
from worker.domain.words import clean, html_to_text

CLASSES: Final[Mapping[str, EventClass]] = {
    **dict.fromkeys(("reply_received", "auto_reply_received"), EventClass.REPLY),
    **dict.fromkeys(
        (
            "lead_neutral", "lead_interested", "lead_not_interested", "lead_meeting_booked",
            "lead_meeting_completed", "lead_closed", "lead_out_of_office", "lead_wrong_person",
            "lead_no_show",
        ),
        EventClass.LABEL,
    ),
    **dict.fromkeys(("lead_unsubscribed", "email_bounced"), EventClass.SIGNAL),
    **dict.fromkeys(
        (
            "email_sent", "email_opened", "email_link_clicked", "link_clicked",
            "campaign_completed", "account_error", "supersearch_enrichment_completed",
        ),
        EventClass.OTHER,
    ),
}  # fmt: skip
"""Every documented type; all others are UNKNOWN: a custom label, or something new."""

_OURS: Final = frozenset(
    {
        "event_type", "timestamp", "workspace", "campaign_id", "campaign_name", "lead_id",
        "lead_email", "email_account", "email_id", "reply_subject", "reply_text", "reply_html",
        "reply_text_snippet", "unibox_url", "step", "variant", "is_first", "is_auto_reply",
        "email_subject", "email_text", "email_html", "email",
    }
)  # fmt: skip
_WORD_STARTS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_IN_NAMES: Final = re.compile(r"[\W_]+")
_ALIASES: Final = {"company_name": "company", "companyname": "company", "firstname": "first_name",
                   "lastname": "last_name"}  # fmt: skip
_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")


def parse(payload: object, webhook_id: str = "") -> ReplyEvent:
    """Read one delivery.

    Args:
        payload: the JSON value.
        webhook_id: the delivery's id, from the header of that name; "" without one.

    Raises:
        MalformedEvent: no object, no event type, or nobody whom it is about.

    """
    if not isinstance(payload, Mapping):
        raise MalformedEvent("not_an_object", "expected a JSON object")
    event_type = identity(payload, "event_type")
    event_class = CLASSES.get(event_type, EventClass.UNKNOWN)
    _usable(payload, event_type, event_class)
    words = _words(payload)
    key, lasting = _key(event_class, event_type, payload, webhook_id, words)
    return ReplyEvent(
        key=key,
        lasting=lasting,
        event_class=event_class,
        event_types=(event_type,),
        at=moment(payload, "timestamp"),
        workspace=identity(payload, "workspace"),
        campaign_id=identity(payload, "campaign_id"),
        campaign_name=text(payload, "campaign_name"),
        lead_id=identity(payload, "lead_id"),
        lead_email=_lead_address(payload),
        mailbox=address(payload, "email_account"),
        mail_id=identity(payload, "email_id"),
        subject=text(payload, "reply_subject"),
        text=words,
        lead=_lead(payload),
        automatic=flag(payload, "is_auto_reply"),
    )


def _usable(payload: Mapping[str, Any], event_type: str, event_class: EventClass) -> None:
    if not event_type:
        raise MalformedEvent("no_event_type", "the field event_type is missing")
    named = identity(payload, "lead_id", "email_id") or _lead_address(payload)
    if not named and event_class is not EventClass.OTHER:
        raise MalformedEvent("no_identity", "neither lead_id, lead_email nor email_id is given")


def _lead_address(payload: Mapping[str, Any]) -> str:
    """Return the lead's address; its own field may be written in any case (`Email`)."""
    given = address(payload, "lead_email", "email")
    written = (name for name in payload if not given and field_name(name) == "email")
    return given or address(payload, *written)


def _words(payload: Mapping[str, Any]) -> str:
    plain = text(payload, "reply_text")
    if plain:
        return plain
    html = text(payload, "reply_html")
    return (html and html_to_text(html)) or text(payload, "reply_text_snippet")


def _key(
    event_class: EventClass,
    event_type: str,
    payload: Mapping[str, Any],
    webhook_id: str,
    words: str,
) -> tuple[str, bool]:
    """Name the event, and say whether the name holds for good.

    Only replies and labels share their mail's key: no type can make another's delivery
    look like a duplicate.
    """
    about = [
        identity(payload, "workspace"),
        identity(payload, "campaign_id"),
        identity(payload, "lead_id") or _lead_address(payload),
        str(payload.get("timestamp") or ""),
        words,
    ]
    mail_id = identity(payload, "email_id")
    if event_class not in (EventClass.REPLY, EventClass.LABEL):
        kind = _NOT_IN_NAMES.sub("_", event_type.casefold())[:60]
        return f"{kind}-{_hash([*about, mail_id, event_type])}", True
    for name in (mail_id, webhook_id):
        if name:
            return (name if _KEY.fullmatch(name) else _hash([name])), True
    return _hash(about), bool(moment(payload, "timestamp"))


def _hash(parts: Iterable[str]) -> str:
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()[:32]


def _lead(payload: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return the lead's own fields, which the provider merges in at the top level."""
    fields: dict[str, JsonValue] = {}
    for name, value in payload.items():
        snake = field_name(name)
        plain = clean(value) if isinstance(value, str) else value
        if name not in _OURS and snake and _has_value(plain):
            fields.setdefault(snake, plain)
    for other, usual in _ALIASES.items():
        if other in fields:
            fields.setdefault(usual, fields[other])
    return fields


def _has_value(value: object) -> TypeGuard[str | int | float | bool]:
    """A blank field is an absent one: another writing of its name may have the value."""
    return bool(value.strip()) if isinstance(value, str) else isinstance(value, int | float)


def field_name(name: str) -> str:
    """Return a field's name in snake_case: `firstName` and `First Name` are one."""
    parts = _NOT_IN_NAMES.sub("_", _WORD_STARTS.sub("_", name)[:100])
    return parts.strip("_").casefold()


def merge(key: str, deliveries: Iterable[str]) -> ReplyEvent:
    """Put the deliveries of one mail together (JSON texts, the first one first).

    What the first one leaves out, the later ones tell.

    Raises:
        MalformedEvent: when a stored delivery can no longer be read.

    """
    payloads = [json.loads(body) for body in deliveries]
    merged: dict[str, Any] = {}
    for payload in payloads:
        merged |= {k: v for k, v in payload.items() if merged.get(k) in (None, "")}
    event = parse(merged)
    types = tuple(dict.fromkeys(identity(payload, "event_type") for payload in payloads))
    automatic = any(flag(payload, "is_auto_reply") for payload in payloads)
    return replace(event, key=key, lasting=True, event_types=types, automatic=automatic)


def from_history(event: ReplyEvent, message: Message) -> tuple[ReplyEvent, str]:
    """Return the event, and its delivery, for a mail that only the history told of."""
    payload = {
        **event.lead,
        "event_type": "reply_received",
        "workspace": event.workspace,
        "campaign_id": event.campaign_id,
        "campaign_name": event.campaign_name,
        "lead_id": event.lead_id,
        "lead_email": event.lead_email,
        "email_account": message.mailbox or event.mailbox,
        "email_id": message.id,
        "timestamp": message.at.isoformat() if message.at else "",
        "reply_subject": message.subject,
        "reply_text": message.text,
        "is_auto_reply": message.automatic,
    }
    return parse(payload), json.dumps(payload)

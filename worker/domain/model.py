"""The words of the service as data. Times are aware and in UTC, ids are opaque strings."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

JsonValue = str | int | float | bool | None | Sequence["JsonValue"] | Mapping[str, "JsonValue"]


def moment(milliseconds: int) -> datetime:
    """Return a time of the ledger: milliseconds since the epoch."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


class EventClass(StrEnum):
    """What a webhook type announces."""

    REPLY = "reply"
    LABEL = "label"
    SIGNAL = "signal"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyEvent:
    """One inbound e-mail to be dealt with, as the webhooks tell it.

    Attributes:
        key: the event's name in the ledger and in every log line.
        lasting: whether the key names this mail for good; a key hashed without any id or
            time does not, since the same "Yes" may come again next month.
        event_types: every webhook type that announced it, the first one first.
        at: when the provider says it happened; None where it does not say.
        accepted: when it was recorded, by the ledger's clock; None before that.
        mail_id: the inbound e-mail's id at the provider; "" where unknown.
        lead: the lead's own fields, names in snake_case.
        automatic: the provider flagged it as written by a machine.
        traceparent: the sender's trace (W3C Trace Context); "" where it has none.

    """

    key: str
    lasting: bool = True
    event_class: EventClass
    event_types: tuple[str, ...]
    at: datetime | None = None
    accepted: datetime | None = None
    workspace: str = ""
    campaign_id: str = ""
    campaign_name: str = ""
    lead_id: str = ""
    lead_email: str = ""
    mailbox: str = ""
    mail_id: str = ""
    subject: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    lead: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)
    automatic: bool = False
    traceparent: str = ""


class Direction(StrEnum):
    """Who wrote an e-mail of the thread."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One e-mail of the thread.

    Attributes:
        id: the provider's id; made from the content where the API gives none.
        at: the provider's clock, coarse and forgeable; None where it gives none.
        mailbox: which of our own mailboxes it came to or left from; "" where nobody says.
        text: the whole text, quotes included; made from HTML where there is no text.
        campaign_step: sent by the campaign's own sequence: outbound, but no answer.
        automatic: flagged as written by a machine.
        reply_to: where its writer wants answers; "" where the API does not say.
        recipients: whom it is addressed to, copies included; empty where the API does not say.
        headers: those that the API hands over, which are few or none.

    """

    id: str
    direction: Direction
    at: datetime | None = None
    sender: str = ""
    mailbox: str = ""
    subject: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    campaign_step: bool = False
    automatic: bool = False
    reply_to: str = ""
    recipients: tuple[str, ...] = ()
    headers: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Thread:
    """The e-mails of a conversation, oldest first.

    `as_of`: when the provider was asked for them, by the ledger's clock, where they come
    from a mirror; None where it was asked just now.
    """

    messages: tuple[Message, ...] = ()
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How many automatic answers are allowed; None is no limit."""

    per_thread: int | None = 3
    per_template: int | None = 1
    per_lead_day: int | None = 1
    per_mailbox_hour: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One answer that went out; `automatic`: no person approved it."""

    template: str
    at: datetime
    automatic: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What went out already, from the ledger's own history; `sent`: to this lead, in order."""

    in_thread: int = 0
    to_lead_today: int = 0
    from_mailbox_this_hour: int = 0
    by_template: Mapping[str, int] = field(default_factory=dict)
    sent: tuple[Sent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceLine:
    """One step of a decision: what was asked, and what the answer was.

    `variant`: which text of the template it is about; see `Draft.variant`.
    """

    step: str
    name: str
    outcome: str
    detail: str = ""
    variant: str = ""

    def as_json(self) -> dict[str, JsonValue]:
        """Return the line as plain data, as it is stored and printed."""
        return {k: v for k, v in asdict(self).items() if v}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An answer with nothing left to decide.

    Attributes:
        template: the name that counts for caps.
        variant: which of the template's texts it is: the language of its file (`de`), the
            name that was drawn from `variants:` (`b`), or both (`de/b`); "" for the only one.

    """

    template: str
    subject: str = field(repr=False)
    body: str = field(repr=False)
    variant: str = ""


class Mode(StrEnum):
    """What happens to a draft, from the laxest to the strictest."""

    SEND = "send"
    HOLD = "hold"
    SHADOW = "shadow"


def stricter(one: Mode, other: Mode) -> Mode:
    """Return the mode that counts where two apply."""
    return max(one, other, key=list(Mode).index)

"""What the ledger knows of one event."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from worker.domain.model import Direction, Draft, Message, TraceLine
from worker.domain.progress import State

RECORD_VERSION: Final = 1
"""Written into every record; a worker leaves a record of a higher version alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One event's row. Times are milliseconds since the epoch, by the store's clock.

    Attributes:
        conversation: hash of workspace and lead: what one worker at a time may hold.
        deliveries: webhook type → the payload as it came (JSON text), first one first.
        token: the fencing token: who claims raises it, and older holders are refused.
        due_at: not before this time; 0 is at once, None where nothing is planned.
        tries: looks that ended in `TryLater`, for the back-off.
        doubts: how often a request's outcome was unknown.
        draft: the answer as rendered last; pinned once `approved_by` is set.
        tried: the answer whose request left last.
        seen: ids of the outgoing mails that were in the thread before `SENDING`.
        traceparent: the sender's trace; see `worker.domain.traces`.
        thread: the end of the conversation as it was when a draft was held or began to wait.

    """

    key: str
    state: State
    version: int = RECORD_VERSION
    reason: str = ""
    detail: str = ""
    conversation: str = ""
    workspace: str = ""
    campaign_id: str = ""
    lead_id: str = ""
    lead_email: str = ""
    mailbox: str = ""
    mail_id: str = ""
    deliveries: Mapping[str, str] = field(default_factory=dict, repr=False)
    token: int = 0
    received_at: int = 0
    changed_at: int = 0
    due_at: int | None = None
    tries: int = 0
    doubts: int = 0
    doubt_at: int = 0
    sent_at: int = 0
    template: str = ""
    variant: str = ""
    draft: Draft | None = None
    tried: Draft | None = None
    approved_by: str = ""
    seen: frozenset[str] = frozenset()
    sent_id: str = ""
    traceparent: str = ""
    trace: tuple[Mapping[str, str], ...] = field(default=(), repr=False)
    thread: tuple[Message, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One step an event took: when (milliseconds), from where, to where, why, by whom."""

    at: int
    before: str
    after: str
    reason: str = ""
    by: str = ""


_STATES: Final[Mapping[str, State]] = {state.value: state for state in State}
_DELIVERY: Final = "delivery:"
_NUMBERS: Final = ("token", "received_at", "changed_at", "tries", "doubts", "doubt_at", "sent_at")
_TEXTS: Final = (
    "reason", "detail", "conversation", "workspace", "campaign_id", "lead_id", "lead_email",
    "mailbox", "mail_id", "template", "variant", "approved_by", "sent_id",
    "traceparent",
)  # fmt: skip


def draft_fields(draft: Draft | None) -> dict[str, str]:
    """Return the fields that hold a draft; empty text where there is none."""
    if draft is None:
        return {"draft": ""}
    return {"draft": json.dumps([draft.template, draft.subject, draft.body])}


def trace_field(trace: Sequence[TraceLine]) -> str:
    """Return the text in which a trace is kept."""
    return json.dumps([line.as_json() for line in trace])


_MESSAGES_KEPT: Final = 20
_CHARACTERS_KEPT: Final = 4000


def thread_field(messages: Sequence[Message]) -> str:
    """Return the text in which the end of a conversation is kept, for people to read."""
    return json.dumps(
        [
            {
                "id": message.id,
                "direction": message.direction.value,
                "at": message.at.isoformat() if message.at else "",
                "sender": message.sender,
                "subject": message.subject,
                "text": message.text[:_CHARACTERS_KEPT],
                "campaign_step": message.campaign_step,
                "automatic": message.automatic,
            }
            for message in messages[-_MESSAGES_KEPT:]
        ]
    )


def _thread(text: str) -> tuple[Message, ...]:
    return tuple(
        Message(
            **{
                **row,
                "direction": Direction(row["direction"]),
                "at": datetime.fromisoformat(row["at"]) if row["at"] else None,
            }
        )
        for row in json.loads(text or "[]")
    )


def is_newer(fields: Mapping[str, str]) -> bool:
    """Say whether a later version wrote a record: this one may look at it, and no more."""
    return int(fields.get("v") or 0) > RECORD_VERSION


def known_state(name: str) -> State | None:
    """Return a stored state; None where there is none, or none that this version knows."""
    return _STATES.get(name)


def _newer(key: str, fields: Mapping[str, str]) -> Record:
    """Show of a newer record what surely means the same; one in an unknown state waits."""
    return Record(
        key=key,
        state=known_state(fields["state"]) or State.WAITING,
        version=int(fields["v"]),
        reason="newer",
        detail=f"a newer version wrote this record (state {fields['state']}): upgrade this one",
        received_at=int(fields.get("received_at") or 0),
        changed_at=int(fields.get("changed_at") or 0),
        workspace=fields.get("workspace", ""),
        lead_id=fields.get("lead_id", ""),
        lead_email=fields.get("lead_email", ""),
    )


def _draft(text: str, variant: str = "") -> Draft | None:
    if not text:
        return None
    template, subject, body = json.loads(text)
    return Draft(template=template, subject=subject, body=body, variant=variant)


def _deliveries(fields: Mapping[str, str]) -> dict[str, str]:
    """Return the deliveries in the order in which they came."""
    found = {
        name.removeprefix(_DELIVERY): body
        for name, body in fields.items()
        if name.startswith(_DELIVERY)
    }
    told = [kind for kind in fields.get("told", "").split("\n") if kind in found]
    return {kind: found[kind] for kind in dict.fromkeys((*told, *found))}


def from_fields(key: str, fields: Mapping[str, str]) -> Record:
    """Read a record back; fields a later version added are passed over."""
    if is_newer(fields):
        return _newer(key, fields)
    due_at = fields.get("due_at", "")
    return Record(
        key=key,
        state=State(fields["state"]),
        version=int(fields.get("v", RECORD_VERSION)),
        deliveries=_deliveries(fields),
        due_at=int(due_at) if due_at else None,
        draft=_draft(fields.get("draft", ""), fields.get("variant", "")),
        tried=_draft(fields.get("tried", "")),
        seen=frozenset(json.loads(fields.get("seen") or "[]")),
        trace=tuple(json.loads(fields.get("trace") or "[]")),
        thread=_thread(fields.get("thread", "")),
        **{name: fields.get(name, "") for name in _TEXTS},  # type: ignore[arg-type]  # by table
        **{name: int(fields.get(name) or 0) for name in _NUMBERS},  # type: ignore[arg-type]  # by table
    )

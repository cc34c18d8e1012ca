"""Settling a doubt: did our request arrive? Told from the thread, never by posting again."""

from dataclasses import dataclass
from enum import Enum, auto

from worker.domain.model import Direction, Draft, Message, Thread
from worker.domain.words import squeeze


class Finding(Enum):
    """What a look at the thread shows."""

    OURS = auto()
    SEVERAL = auto()
    SOMEBODY_ELSE = auto()
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class Look:
    """The finding, with the mail that it rests on."""

    finding: Finding
    message: Message | None = None


def look_for(draft: Draft, thread: Thread, seen: frozenset[str]) -> Look:
    """Look for our answer among the outgoing mails that were not there before.

    Ids decide what is new, not clocks: the provider's times are coarse and forgeable.
    """
    fresh = [
        m for m in thread.messages if m.direction is not Direction.INBOUND and m.id not in seen
    ]
    ours = [m for m in fresh if is_ours(draft, m)]
    if len(ours) > 1:
        return Look(Finding.SEVERAL, ours[0])
    if ours:
        return Look(Finding.OURS, ours[0])
    others = [m for m in fresh if not m.campaign_step]
    return Look(Finding.SOMEBODY_ELSE, others[0]) if others else Look(Finding.NOTHING)


def is_ours(draft: Draft, message: Message) -> bool:
    """Say whether a mail carries the draft: re-wrapped, marked up, signed or quoted below."""
    wanted = squeeze(draft.body)
    if not wanted:  # nothing but signs, like a thumb up
        return message.text.strip().startswith(draft.body.strip())
    return squeeze(message.text).startswith(wanted)


def next_look(doubt_at: int, now: int, settle_ms: int) -> int:
    """Return when to look again: growing steps, the last one when the settle time is over.

    All times in milliseconds; the first look comes after a 32nd of the settle time.
    """
    end = doubt_at + settle_ms
    step = max(settle_ms // 32, now - doubt_at, 1)
    return min(now + step, end) if now < end else now + settle_ms // 32

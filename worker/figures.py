"""The figures of a day, from what the ledger counted by the hour."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from worker.contracts.webhook import CLASSES
from worker.domain.model import EventClass
from worker.domain.progress import State
from worker.domain.search import Query
from worker.ports import Ledger

HOURS: Final = 24
_ANSWERS_LOOKED_AT: Final = 200
_HOUR_MS: Final = 3_600_000
_REPLIES: Final = (EventClass.REPLY, EventClass.LABEL)
_NOT_OURS: Final = frozenset(
    {"not_a_reply", "unknown_event_type", "label_without_mail", "lead_unsubscribed",
     "email_bounced"}
)  # fmt: skip
"""Why a webhook opens nothing: there was no reply that could have been answered."""


@dataclass(frozen=True, slots=True)
class Hour:
    """What came in and what was answered in an hour; `begin` in milliseconds."""

    begin: int
    came: int
    answered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The last 24 hours, and what is in the ledger now.

    `seconds`: the median time to answer; None where nothing was answered.
    """

    hours: Sequence[Hour]
    came: int
    answered: int
    left_out: Sequence[tuple[str, int]]
    seconds: float | None
    states: Mapping[State, int]


def day(ledger: Ledger) -> Day:
    """Read the figures."""
    counted = ledger.hourly(HOURS)
    hours = [
        Hour(begin, came=_came(stats), answered=_of(stats, State.SENT))
        for begin, stats in counted.items()
    ]
    skipped: Counter[str] = Counter()
    for stats in counted.values():
        skipped.update({r: n for (s, r), n in stats.items() if s == State.SKIPPED})
    return Day(
        hours=hours,
        came=sum(hour.came for hour in hours),
        answered=sum(hour.answered for hour in hours),
        left_out=[(r, n) for r, n in skipped.most_common() if r not in _NOT_OURS],
        seconds=_to_answer(ledger, since=min(counted)),
        states=ledger.counts(),
    )


def _came(stats: Mapping[tuple[str, str], int]) -> int:
    return sum(n for (what, kind), n in stats.items() if what == "received" and _is_reply(kind))


def _is_reply(kind: str) -> bool:
    return CLASSES.get(kind) in _REPLIES


def _of(stats: Mapping[tuple[str, str], int], state: State) -> int:
    return sum(n for (what, _), n in stats.items() if what == state)


def _to_answer(ledger: Ledger, *, since: int) -> float | None:
    """Return the median time from webhook to answer, of the newest answers (seconds)."""
    query = Query(state=State.SENT, since=since)
    sent = ledger.search(query, _ANSWERS_LOOKED_AT).records
    times = [(r.sent_at - r.received_at) / 1000 for r in sent if r.sent_at]
    return median(times) if times else None

"""The tables of the ledger in memory, and the steps that change them."""

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Final, TypeVar

from worker.domain import timing
from worker.domain.errors import LeaseLost
from worker.domain.model import Sent, Tally, moment
from worker.domain.progress import AT_RISK, FINAL, WAKEABLE, State, is_legal
from worker.domain.record import HistoryLine
from worker.ledger import accounts
from worker.ports import Claim

HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * HOUR_MS
_HISTORY_LINES: Final = 200
_HOURS_KEPT: Final = 35 * 24

L = TypeVar("L")
R = TypeVar("R")
Row = dict[str, str]
Sends = dict[tuple[str, str], int]
"""(key, template) → when."""


def atomic(ledger: type[L]) -> type[L]:
    """Make each public method one step: alone, with the same time from end to end."""

    def alone(method: Callable[..., R]) -> Callable[..., R]:
        @wraps(method)
        def step(self: "MemoryRows", *args: object, **kwargs: object) -> R:
            with self._lock:
                self._at = self._now()
                return method(self, *args, **kwargs)

        return step

    for name, method in list(vars(ledger).items()):
        if not name.startswith("_"):
            setattr(ledger, name, alone(method))
    return ledger


class MemoryRows:
    """What `MemoryLedger` keeps. Rows hold the same text fields as the Redis hashes."""

    def __init__(self, *, lease: int, retention: int, now: Callable[[], int] | None = None) -> None:
        self._lease = lease
        self._retention = retention
        self._answered_lifetime = max(2 * retention, accounts.ANSWERED_FOR_MS)
        self._now = now or (lambda: time.time_ns() // 1_000_000)
        self._at = 0
        self._lock = threading.RLock()
        self._rows: dict[str, Row] = {}
        self._history: dict[str, deque[HistoryLine]] = {}
        self._due: dict[str, int] = {}
        self._expiry: dict[str, int] = {}
        self._parked: dict[str, set[str]] = {}
        self._pointers: dict[str, tuple[str, int]] = {}
        self._answered: dict[str, tuple[str, int]] = {}
        self._holders: dict[str, tuple[str, int]] = {}
        self._open: dict[str, str] = {}
        self._doubted: dict[str, int] = {}
        self._sends: dict[str, Sends] = {}
        self._answers_in: dict[str, dict[str, str]] = {}
        self._from_mailbox: dict[str, Sends] = {}
        self._suppressed: dict[str, str] = {}
        self._lifted: dict[str, int] = {}
        self._paused: set[str] = set()
        self._off_until = 0
        self._off_why = ("", "")
        self._told: dict[str, int] = {}
        self._workers: dict[str, int] = {}
        self._deeds: dict[tuple[str, str], int] = {}
        self._stats: Counter[tuple[str, str]] = Counter()
        self._variants: Counter[tuple[str, str]] = Counter()
        self._times: Counter[str] = Counter()
        self._hours: dict[int, Counter[tuple[str, str]]] = {}

    def _row(self, key: str) -> Row | None:
        """Return a row unless its time is over, swept or not."""
        return None if self._expiry.get(key, self._at + 1) <= self._at else self._rows.get(key)

    def _forget(self, key: str) -> None:
        self._rows.pop(key, None)
        self._history.pop(key, None)
        self._expiry.pop(key, None)

    def _fresh(self, found: tuple[str, int] | None) -> str:
        return found[0] if found and found[1] > self._at else ""

    def _answers(self, mail: str) -> str:
        return self._fresh(self._answered.get(mail))

    def _held(self, claim: Claim) -> Row:
        row = self._row(claim.record.key)
        if row is None or int(row.get("token") or 0) != claim.token:
            raise LeaseLost("lease_lost", claim.record.key)
        return row

    def _step(self, key: str, after: State, reason: str, by: str = "") -> None:
        """Change a state: the only place, which refuses what the table does not have."""
        row = self._rows[key]
        before, conversation = State(row["state"]), row.get("conversation", "")
        if not is_legal(before, after):
            raise illegal(before, after)
        if before is not after:
            self._count_up(after.value, reason)
            self._set_lifetime(key, after)
        if before is not after or row.get("reason") != reason:
            self._remember(key, before, after, reason, by)
        row |= {"state": after.value, "reason": reason, "changed_at": str(self._at)}
        if after is State.DOUBT and before is not after:
            self._doubted[conversation] = self._at
        if after in AT_RISK:
            self._open[conversation] = key
        elif self._open.get(conversation) == key:
            del self._open[conversation]

    def _count_time(self, row: Row) -> None:
        """Count how long an answer took that is sent now."""
        took = self._at - int(row["received_at"])
        self._times[timing.class_of(took)] += 1
        self._times[timing.SUM] += took

    def _count_up(self, what: str, reason: str) -> None:
        hour = self._at // HOUR_MS
        self._stats[what, reason] += 1
        self._hours.setdefault(hour, Counter())[what, reason] += 1
        for old in [each for each in self._hours if each < hour - _HOURS_KEPT]:
            del self._hours[old]

    def _set_lifetime(self, key: str, state: State) -> None:
        self._expiry.pop(key, None)
        if state in FINAL:
            self._expiry[key] = self._at + self._retention

    def _remember(self, key: str, before: str, after: str, reason: str, by: str = "") -> None:
        lines = self._history.setdefault(key, deque(maxlen=_HISTORY_LINES))
        lines.append(
            HistoryLine(at=self._at, before=str(before), after=str(after), reason=reason, by=by)
        )

    def _plan(self, key: str, at: int | None) -> None:
        self._rows[key]["due_at"] = "" if at is None else str(at)
        self._due.pop(key, None)
        if at is not None:
            self._due[key] = max(at, self._at)

    def _park(self, key: str, name: str) -> None:
        self._parked.setdefault(name, set()).add(key)

    def _unpark(self, name: str) -> int:
        parked = [(key, self._row(key)) for key in self._parked.pop(name, ())]
        woken = [key for key, row in parked if row and row["state"] in WAKEABLE]
        for key in woken:
            self._plan(key, 0)
        return len(woken)

    def _let_go(self, key: str, row: Row) -> None:
        """Give the conversation back and wake whoever waits for it."""
        if self._holders.get(row["conversation"], ("", 0))[0] == key:
            del self._holders[row["conversation"]]
        self._unpark(f"conv:{row['conversation']}")

    def _count_doubt(self, row: Row) -> None:
        count(row, "doubts")
        row["doubt_at"] = str(self._at)

    def _suppress(self, people: Sequence[str], reason: str) -> None:
        for person in people:
            self._suppressed.setdefault(person, reason)

    def _owe(self, key: str, deeds: Sequence[str]) -> None:
        row = self._row(key)
        for name in deeds:
            if row and f"deed:{name}" not in row:
                row[f"deed:{name}"] = "owed"
                self._deeds[name, key] = self._at

    def _people(self, row: Row) -> list[str]:
        return list(json.loads(row.get("people") or "[]"))

    def _is_suppressed(self, row: Row, more: Sequence[str] = ()) -> bool:
        return any(person in self._suppressed for person in (*self._people(row), *more))

    def _pause_over(self, row: Row) -> str:
        scopes = ("*", row.get("campaign_id") or "*")
        return next((scope for scope in scopes if scope in self._paused), "")

    def _sends_of(self, row: Row) -> tuple[Sends, Sends]:
        return (
            self._sends.setdefault(row["conversation"], {}),
            self._from_mailbox.setdefault(row.get("mailbox", ""), {}),
        )

    def _tally(self, key: str, row: Row, mailbox: str) -> Tally:
        """Count the automatic answers that went out, this event's own aside."""
        thread = _others(self._sends.get(row["conversation"], {}), key)
        hour = _others(self._from_mailbox.get(mailbox, {}), key)
        return Tally(
            in_thread=len(thread),
            to_lead_today=sum(at >= self._at - _DAY_MS for _, at in thread),
            from_mailbox_this_hour=sum(at >= self._at - HOUR_MS for _, at in hour),
            by_template=dict(Counter(template for template, _ in thread)),
            sent=tuple(self._told_sent(key, row)),
        )

    def _told_sent(self, key: str, row: Row) -> Iterator[Sent]:
        """Yield what went out in the conversation, this event's own aside, in order."""
        sends = self._sends.get(row["conversation"], {})
        for at, owner, template in sorted((at, *member) for member, at in sends.items()):
            if owner != key:
                approved = (self._row(owner) or {}).get("approved_by")
                yield Sent(template=template, at=moment(at), automatic=not approved)


def illegal(before: State, after: State) -> RuntimeError:
    """Return the error for a step that the table does not have."""
    return RuntimeError(f"ILLEGAL {before} to {after}")


def _others(sends: Sends, key: str) -> list[tuple[str, int]]:
    return [(template, at) for (owner, template), at in sends.items() if owner != key]


def count(row: Row, field: str) -> int:
    """Raise a number in a row by one, and return it."""
    number = int(row.get(field) or 0) + 1
    row[field] = str(number)
    return number

"""What the workers count of their calls to the provider and of their stages, for `/metrics`.

Counting is an addition in memory; the clock's thread passes the sums on every few seconds.
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final, Protocol

from worker.domain.errors import LedgerAway
from worker.domain.timing import STAGE_BOUNDS, SUM, class_of
from worker.pace import Kind, Pace

CALL: Final = "call"
WAITS: Final = "waits"
WAITED: Final = "waited"
STAGE: Final = "stage"
MICROSECONDS: Final = 1_000_000

_WORDS: Final = frozenset(
    {"v2", "emails", "reply", "threads", "mark-as-read", "leads", "list", "add", "subsequence",
     "remove", "update-interest-status", "campaigns", "activate", "pause", "webhooks",
     "event-types", "test", "resume", "webhook-events", "block-lists-entries"}
)  # fmt: skip
"""The parts of paths that are no names of anybody; every other part is one."""

Count = tuple[str, ...]
"""What was counted: `call`, route and status; `waits` or `waited` (milliseconds) and kind; or
`stage`, its name and a class of times, or `sum` (microseconds: many stages are short)."""


class Counts(Protocol):
    """Keeps the sums of all workers of a workspace."""

    def add(self, counts: Mapping[Count, int]) -> None:
        """Add to the sums.

        Raises:
            LedgerAway: nothing was added, as far as is known.

        """
        ...

    def all(self) -> Mapping[Count, int]:
        """Return the sums."""
        ...


class Meter:
    """Counts in one worker."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._lock = threading.Lock()
        self._new: Counter[Count] = Counter()

    def called(self, method: str, path: str, status: str) -> None:
        """Count a call, by what it came to: an HTTP status, or the name of a failure."""
        self._add((CALL, f"{method} {route_of(path)}", status), 1)

    def waited(self, kind: str, seconds: float) -> None:
        """Count how long a call waited for its turn."""
        self._add((WAITS, kind), 1)
        self._add((WAITED, kind), round(1000 * seconds))

    def took(self, stage: str, seconds: float) -> None:
        """Count how long a stage of an event took."""
        self._add((STAGE, stage, class_of(1000 * seconds, STAGE_BOUNDS)), 1)
        self._add((STAGE, stage, SUM), round(MICROSECONDS * seconds))

    def _add(self, what: Count, count: int) -> None:
        with self._lock:
            self._new[what] += count

    def pass_on(self) -> None:
        """Add what is new to the sums; while those are away, it is kept."""
        with self._lock:
            new, self._new = self._new, Counter()
        try:
            if new:
                self._counts.add(new)
        except LedgerAway:
            with self._lock:
                self._new.update(new)
            raise


class Metered:
    """A pace whose waits are counted; see `worker.pace.Pace`."""

    def __init__(self, pace: Pace, meter: Meter) -> None:
        self._pace = pace
        self._meter = meter

    def acquire(self, kind: Kind) -> None:
        """See `Pace.acquire`."""
        began = time.monotonic()
        self._pace.acquire(kind)
        self._meter.waited(kind, time.monotonic() - began)

    def hold(self, kind: Kind, seconds: float) -> None:
        """See `Pace.hold`."""
        self._pace.hold(kind, seconds)


def route_of(path: str) -> str:
    """Return a path without the ids and addresses in it: `/v2/leads/{id}/emails`."""
    return "/".join(part if part in _WORDS or not part else "{id}" for part in path.split("/"))

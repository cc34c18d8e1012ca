"""The slots of the limiter, in Redis and in memory."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from worker.ledger.redis_store import RedisKeys
from worker.limiter import Slot

_LATEST_MS: Final = 60_000
"""Nobody is told to come back later than this, unless the provider asks for more."""


class RedisSlots(RedisKeys):
    """A workspace's slots by the server's clock; see `worker.limiter.Slots`."""

    _names = ("hold", "reserve")

    def reserve(self, bucket: str, *, interval: float, longest: float) -> Slot:
        """See `Slots.reserve`."""
        taken, wait = self._run(
            "reserve", bucket=bucket, interval=interval, longest=longest, latest=_LATEST_MS
        )
        return Slot(bool(taken), float(wait))

    def hold(self, bucket: str, milliseconds: float) -> None:
        """See `Slots.hold`."""
        self._run("hold", bucket=bucket, milliseconds=milliseconds, latest=_LATEST_MS)


@dataclass(slots=True)
class _Bucket:
    """When the next slot, the next turn and the end of the hold are; milliseconds."""

    slot: float = 0.0
    turn: float = 0.0
    hold: float = 0.0


class MemorySlots:
    """Slots for one process, forgotten when it ends; the steps are those of `reserve.lua`.

    `now`: milliseconds since the epoch; replaces the machine's clock in tests.
    """

    def __init__(self, *, now: Callable[[], float] = lambda: time.time_ns() / 1e6) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._buckets: defaultdict[str, _Bucket] = defaultdict(_Bucket)

    def reserve(self, bucket: str, *, interval: float, longest: float) -> Slot:
        """See `Slots.reserve`."""
        with self._lock:
            now, found = self._now(), self._buckets[bucket]
            slot = max(now, found.slot, found.hold)
            if slot - now <= longest:
                found.slot = slot + interval
                return Slot(taken=True, wait=slot - now)
            turn = max(slot, min(found.turn, now + _LATEST_MS))
            found.turn = turn + interval
            return Slot(taken=False, wait=turn - now)

    def hold(self, bucket: str, milliseconds: float) -> None:
        """See `Slots.hold`."""
        with self._lock:
            found = self._buckets[bucket]
            found.hold = max(found.hold, self._now() + milliseconds)

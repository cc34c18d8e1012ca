"""The slots of the limiter, in Redis and in memory."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

from worker.ledger.redis_store import RedisKeys
from worker.limiter import Quota, Slot

_LATEST_MS: Final = 60_000
"""Nobody is told to come back later than this, unless the provider asks for more."""

_RECOVERY_MS: Final = 600_000
"""After a refusal slots are further apart, less and less so until this is over."""

_SLOWER: Final = 0.1
"""By how much a refusal puts them further apart, and the next one again."""

_SLOWEST: Final = 1.0
"""They are never more than twice as far apart."""


class RedisSlots(RedisKeys):
    """A workspace's slots by the server's clock; see `worker.limiter.Slots`."""

    _names = ("hold", "reserve")

    def reserve(
        self, bucket: str, *, interval: float, longest: float, quota: Quota | None = None
    ) -> Slot:
        """See `Slots.reserve`."""
        taken, wait = self._run(
            "reserve", bucket=bucket, interval=interval, longest=longest,
            quota=asdict(quota) if quota else None, latest=_LATEST_MS, recovery=_RECOVERY_MS,
        )  # fmt: skip
        return Slot(bool(taken), float(wait))

    def hold(self, bucket: str, milliseconds: float) -> None:
        """See `Slots.hold`."""
        self._run(
            "hold", bucket=bucket, milliseconds=milliseconds,
            step=_SLOWER, most=_SLOWEST, recovery=_RECOVERY_MS,
        )  # fmt: skip


@dataclass(slots=True)
class _Bucket:
    """When the next slot, the next turn and the end of the last hold are; milliseconds.

    `slower`: by which part of it the interval was longer when that hold ended.
    """

    slot: float = 0.0
    turn: float = 0.0
    hold: float = 0.0
    slower: float = 0.0

    def slower_at(self, now: float) -> float:
        """Return by which part of it the interval is longer now."""
        return self.slower * max(1 - max(now - self.hold, 0.0) / _RECOVERY_MS, 0.0)

    def interval_at(self, now: float, interval: float) -> float:
        """Return how long an interval is now."""
        return interval * (1 + self.slower_at(now))


class MemorySlots:
    """Slots for one process, forgotten when it ends; the steps are those of `reserve.lua`.

    `now`: milliseconds since the epoch; replaces the machine's clock in tests.
    """

    def __init__(self, *, now: Callable[[], float] = lambda: time.time_ns() / 1e6) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._buckets: defaultdict[str, _Bucket] = defaultdict(_Bucket)

    def reserve(
        self, bucket: str, *, interval: float, longest: float, quota: Quota | None = None
    ) -> Slot:
        """See `Slots.reserve`."""
        with self._lock:
            now, found = self._now(), self._buckets[bucket]
            part = self._buckets[quota.name] if quota else found
            slot = max(now, found.slot, found.hold)
            if slot - now <= longest and (not quota or part.slot <= slot):
                found.slot = slot + found.interval_at(now, interval)
                if quota:
                    part.slot = slot + part.interval_at(now, quota.interval)
                return Slot(taken=True, wait=slot - now)
            turn = max(slot, part.slot, part.hold, min(part.turn, now + _LATEST_MS))
            part.turn = turn + part.interval_at(now, quota.interval if quota else interval)
            return Slot(taken=False, wait=turn - now)

    def hold(self, bucket: str, milliseconds: float) -> None:
        """See `Slots.hold`."""
        with self._lock:
            now, found = self._now(), self._buckets[bucket]
            if found.hold <= now:  # those who were refused together are one refusal
                slower = (1 + found.slower_at(now)) * (1 + _SLOWER) - 1
                found.slower = min(slower, _SLOWEST)
            found.hold = max(found.hold, now + milliseconds)

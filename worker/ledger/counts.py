"""The sums of what workers count, in Redis and in memory."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from worker.ledger.redis_store import RedisKeys, away
from worker.meter import Count

_BETWEEN: Final = "|"


class RedisCounts(RedisKeys):
    """A workspace's sums; see `worker.meter.Counts`."""

    @away
    def add(self, counts: Mapping[Count, int]) -> None:
        """See `Counts.add`."""
        pipeline = self._redis.pipeline(transaction=False)
        for what, count in counts.items():
            pipeline.hincrby(self._name, _BETWEEN.join(what), count)
        pipeline.execute()

    @away
    def all(self) -> dict[Count, int]:
        """See `Counts.all`."""
        stored = self._redis.hgetall(self._name)
        return {tuple(name.split(_BETWEEN)): int(count) for name, count in stored.items()}

    @property
    def _name(self) -> str:
        return f"{self._prefix}counts"


class MemoryCounts:
    """Sums for one process, forgotten when it ends."""

    def __init__(self) -> None:
        self._sums: Counter[Count] = Counter()

    def add(self, counts: Mapping[Count, int]) -> None:
        """See `Counts.add`."""
        self._sums.update(counts)

    def all(self) -> dict[Count, int]:
        """See `Counts.all`."""
        return dict(self._sums)

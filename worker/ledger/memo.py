"""Texts that the workers of a workspace remember together."""

from worker.ledger.redis_store import RedisKeys, away


class RedisMemo(RedisKeys):
    """See `worker.notify.Memo`."""

    @away
    def recall(self, name: str) -> str:
        """See `Memo.recall`."""
        return str(self._redis.hget(f"{self._prefix}memo", name) or "")

    @away
    def remember(self, name: str, text: str) -> None:
        """See `Memo.remember`."""
        self._redis.hset(f"{self._prefix}memo", name, text)

"""What is owed to the provider's side of events, in Redis."""

from worker.deeds import Deed, Outcome
from worker.ledger.redis_store import away
from worker.ledger.redis_views import RedisViews


class RedisDeeds(RedisViews):
    """See `worker.deeds.Deeds`."""

    def take_deed(self) -> Deed | None:
        """See `Deeds.take_deed`."""
        found = self._run("deed_take")
        return Deed(key=found[0], name=found[1], tries=found[2]) if found else None

    def end_deed(self, deed: Deed, outcome: Outcome, said: str = "") -> None:
        """See `Deeds.end_deed`."""
        self._run("deed_end", key=deed.key, name=deed.name, outcome=outcome, said=said)

    def put_off_deed(self, deed: Deed, milliseconds: int, *, counts: bool = True) -> None:
        """See `Deeds.put_off_deed`."""
        tries = deed.tries + counts
        self._run("deed_put_off", key=deed.key, name=deed.name, wait=milliseconds, tries=tries)

    @away
    def owed(self) -> int:
        """See `Deeds.owed`."""
        return int(self._redis.zcard(f"{self._prefix}deeds"))

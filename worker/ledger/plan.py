"""When chores are due, in Redis and in memory."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from worker.ledger.redis_store import RedisKeys


class RedisPlan(RedisKeys):
    """A workspace's chores by the server's clock; see `worker.chores.Plan`."""

    _names = ("chore_ask", "chore_done", "chore_take")

    def take(self, name: str, *, every: int | None, lease: int) -> int:
        """See `Plan.take`."""
        return int(self._run("chore_take", name=name, every=every, lease=lease))

    def done(self, name: str, token: int, *, pause: int | None, asked: bool = True) -> None:
        """See `Plan.done`."""
        self._run("chore_done", name=name, token=token, pause=pause, asked=asked)

    def ask(self, name: str) -> int:
        """See `Plan.ask`."""
        return int(self._run("chore_ask", name=name))


@dataclass(slots=True)
class _Chore:
    """Milliseconds; `at`: when it is due, None where nobody knows."""

    at: int | None = None
    until: int = 0
    not_before: int = 0
    token: int = 0
    asked: bool = False


class MemoryPlan:
    """Chores of one process, forgotten when it ends; the steps are those of `chore_*.lua`.

    `now`: milliseconds since the epoch; replaces the machine's clock in tests.
    """

    def __init__(self, *, now: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._chores: defaultdict[str, _Chore] = defaultdict(_Chore)

    def take(self, name: str, *, every: int | None, lease: int) -> int:
        """See `Plan.take`."""
        with self._lock:
            now, chore = self._now(), self._chores[name]
            at = 0 if chore.at is None and every is not None else chore.at
            if at is None or at > now or chore.until > now:
                return 0
            chore.at, chore.until, chore.asked = at, now + lease, False
            chore.token += 1
            return chore.token

    def done(self, name: str, token: int, *, pause: int | None, asked: bool = True) -> None:
        """See `Plan.done`."""
        with self._lock:
            now, chore = self._now(), self._chores[name]
            if chore.token != token or not chore.until:
                return
            chore.until = 0
            chore.at = None if pause is None else now + pause
            if asked and chore.asked:
                chore.at = now
            chore.not_before = 0 if asked else now + (pause or 0)

    def ask(self, name: str) -> int:
        """See `Plan.ask`."""
        with self._lock:
            now, chore = self._now(), self._chores[name]
            if chore.until > now:
                chore.asked = True
                return 0
            soon = max(now, chore.not_before)
            chore.at = soon if chore.at is None else min(soon, chore.at)
            return max(chore.at - now, 0)

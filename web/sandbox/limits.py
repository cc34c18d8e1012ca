"""Rate limits as the provider has them, on demand."""

import threading
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from web.sandbox.names import JsonObject

REAL: Final = {"list_per_minute": 20, "per_second": 100, "per_minute": 6000}
"""What the provider publishes; the first is for `GET /v2/emails`, the others for all calls."""

_SPANS: Final = {"list_per_minute": 60.0, "per_second": 1.0, "per_minute": 60.0}


@dataclass(slots=True)
class Limits:
    """Sliding windows for each key; every method may be called from any thread.

    A call that is refused counts as well: whoever knocks on stays out.
    """

    _allowed: dict[str, int] = field(default_factory=dict)
    _calls: defaultdict[tuple[str, str], deque[float]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def set(self, allowed: JsonObject) -> None:
        """Allow so many calls; what is not named is without a limit."""
        with self._lock:
            self._allowed = dict(allowed)
            self._calls.clear()

    def allowed(self) -> JsonObject:
        """Return how many calls are allowed."""
        with self._lock:
            return dict(self._allowed)

    def take(self, key: str, *, is_list: bool, now: datetime) -> float:
        """Count a call; return the seconds until one would fit, 0 where this one does."""
        at = now.timestamp()
        with self._lock:
            concerned = [n for n in self._allowed if is_list or n != "list_per_minute"]
            return max((self._wait(key, name, at) for name in concerned), default=0.0)

    def _wait(self, key: str, name: str, at: float) -> float:
        span, calls = _SPANS[name], self._calls[key, name]
        while calls and calls[0] <= at - span:
            calls.popleft()
        calls.append(at)
        over = len(calls) - self._allowed[name]
        return calls[over - 1] + span - at if over > 0 else 0.0

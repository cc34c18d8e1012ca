"""Queues accepted events, off the request's path and in batches."""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Final

import structlog

_log = structlog.get_logger(__name__)

_BATCH: Final = 100
_MOST_WAITING: Final = 10_000


class Publisher(threading.Thread):
    """Passes keys on to the broker; what it cannot pass on, the workers' clocks find.

    Args:
        send: queues events in one go.

    """

    def __init__(self, send: Callable[[Sequence[str]], object]) -> None:
        super().__init__(name="publisher", daemon=True)
        self._send = send
        self._waiting: queue.Queue[str] = queue.Queue(_MOST_WAITING)

    def publish(self, key: str) -> None:
        """Hand a key over; never waits, and a full queue drops it: the clock has it too."""
        try:
            self._waiting.put_nowait(key)
        except queue.Full:
            return

    def run(self) -> None:
        """Send batches for ever."""
        while True:
            batch = [self._waiting.get()]
            while len(batch) < _BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            try:
                self._send(batch)
            except Exception:  # noqa: BLE001 - the next batch is worth a try, whatever it was
                _log.exception("publishing_failed", events=len(batch))

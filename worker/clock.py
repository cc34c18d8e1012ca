"""The clock of every worker: wakes what is due. Two clocks never take the same event."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from worker.domain.errors import LedgerAway
from worker.ports import Ledger

TICK: Final = 0.25
"""Seconds between two looks at what is due."""

_BEAT_EVERY: Final = 5.0
_SWEEP_EVERY: Final = 60.0
_QUEUE_PER_THREAD: Final = 4
_AFTER_TROUBLE: Final = 2.0

_log = structlog.get_logger(__name__)


class Clock(threading.Thread):
    """Takes due events from the ledger and queues them, until it is told to stop.

    Args:
        ledger: holds the `due` set.
        wake: queues events; false where the broker is away.
        queued: how many messages wait in the queue.
        threads: how many events the pool handles at a time.
        name: the worker's name, for the list of those alive.

    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        wake: Callable[[Sequence[str]], bool],
        queued: Callable[[], int],
        threads: int,
        name: str,
    ) -> None:
        super().__init__(name="clock", daemon=True)
        self._ledger = ledger
        self._wake = wake
        self._queued = queued
        self._most = _QUEUE_PER_THREAD * threads
        self._worker = name
        self._over = threading.Event()
        self._next_beat = self._next_sweep = 0.0

    def run(self) -> None:
        """Tick until stopped; trouble with the store or the broker only slows it down."""
        pause = 0.0
        while not self._over.wait(pause):
            try:
                self.tick(time.monotonic())
                pause = TICK
            except LedgerAway as error:
                _log.warning("clock_waits", problem=str(error))
                pause = _AFTER_TROUBLE
            except Exception:  # noqa: BLE001 - the safety net of everything must not end
                _log.exception("clock_stumbled")
                pause = _AFTER_TROUBLE

    def tick(self, now: float) -> int:
        """Do what has to be done at this moment; return how many events were woken."""
        if now >= self._next_beat:
            self._ledger.seen_alive(self._worker)
            self._next_beat = now + _BEAT_EVERY
        if now >= self._next_sweep:
            self._ledger.sweep()
            self._next_sweep = now + _SWEEP_EVERY
        room = self._most - self._queued()
        keys = self._ledger.take_due(room) if room > 0 else []
        if keys:
            self._wake(keys)
        return len(keys)

    def stop(self) -> None:
        """End the thread; what it took comes back after the lease."""
        self._over.set()

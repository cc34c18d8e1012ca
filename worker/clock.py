"""The clock of every worker: wakes what is due. Two clocks never take the same event."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
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
        ledgers: hold the `due` sets, each with what stands before its keys in the queue.
        wake: queues events; false where the broker is away.
        queued: how many messages wait in the queue.
        threads: how many events the pool handles at a time.
        name: the worker's name, for the list of those alive.
        beats: done every few seconds, and at the end.

    """

    def __init__(
        self,
        *,
        ledgers: Sequence[tuple[str, Ledger]],
        wake: Callable[[Sequence[str]], bool],
        queued: Callable[[], int],
        threads: int,
        name: str,
        beats: Sequence[Callable[[], object]] = (),
    ) -> None:
        super().__init__(name="clock", daemon=True)
        self._ledgers = deque(ledgers)
        self._wake = wake
        self._queued = queued
        self._most = _QUEUE_PER_THREAD * threads
        self._worker = name
        self._beats = beats
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
        with suppress(Exception):  # what is lost are figures
            self._beat()

    def tick(self, now: float) -> int:
        """Do what has to be done at this moment; return how many events were woken."""
        is_beat = now >= self._next_beat
        if is_beat:
            for _, ledger in self._ledgers:
                ledger.seen_alive(self._worker)
            self._next_beat = now + _BEAT_EVERY
        if now >= self._next_sweep:
            for _, ledger in self._ledgers:
                ledger.sweep()
            self._next_sweep = now + _SWEEP_EVERY
        keys = self._take(self._most - self._queued())
        if keys:
            self._wake(keys)
        if is_beat:  # last: whatever goes wrong there must keep nothing from being woken
            self._beat()
        return len(keys)

    def _beat(self) -> None:
        for beat in self._beats:
            beat()

    def _take(self, room: int) -> list[str]:
        """Take what is due: the same share for each workspace, and the rest for who has more."""
        self._ledgers.rotate()
        taken: list[str] = []
        asked = list(self._ledgers)
        while asked and len(taken) < room:
            left, more = room - len(taken), []
            for share, (prefix, ledger) in zip(_shares(left, len(asked)), asked, strict=True):
                keys = ledger.take_due(share) if share else []
                taken += [prefix + key for key in keys]
                more += [(prefix, ledger)] if share and len(keys) == share else []
            asked = more
        return taken

    def stop(self) -> None:
        """End the thread; what it took comes back after the lease."""
        self._over.set()


def _shares(room: int, among: int) -> list[int]:
    """Divide the room; the first ones get what does not divide."""
    each, over = divmod(room, among)
    return [each + (number < over) for number in range(among)]

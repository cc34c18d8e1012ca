"""Makes trouble: kills, freezes, restarts, flushes and API faults, bounded and seeded."""

import heapq
import random
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Final

import httpx
import redis
from e2e.system import System

from chaos.weather import Weather
from worker.ledger.redis import connect

_IN_FIVE_MINUTES: Final = {"worker": 28, "web": 12, "valkey": 8, "freeze": 16, "flush": 9}
_DOWN: Final = {"worker": (0.2, 1.5), "web": (0.2, 1.5), "valkey": (0.1, 2.5)}
_FROZEN: Final = (1.0, 6.0)
"""Seconds; the lease is in between."""

_WEATHER: Final = (2.5, 5.0)
_BROKERS_KEYS: Final = "autoreply:celery:*"


class Trouble:
    """Breaks a system at planned times; to be called from the main thread, often.

    Args:
        system: what to break; its sandbox is the truth and stays alone.
        seconds: how long; the numbers of each kind grow with it.
        dice: makes a run repeatable.

    """

    def __init__(self, system: System, seconds: float, dice: random.Random) -> None:
        self._system, self._dice = system, dice
        self._weather = Weather(dice)
        self._order = count()
        self._frozen: set[str] = set()
        self._down: set[str] = set()
        self._planned: list[tuple[float, int, Callable[[float], None]]] = []
        self._broker = connect(system.server.url)
        self.done: Counter[str] = Counter()
        self.ended: list[str] = []
        self._plan(seconds)

    def _plan(self, seconds: float) -> None:
        deck = [
            kind
            for kind, often in _IN_FIVE_MINUTES.items()
            for _ in range(max(1, round(often * seconds / 300)))
        ]
        self._dice.shuffle(deck)
        deck.append("flush")  # the last one: nothing comes after it that would hide its harm
        for n, kind in enumerate(deck):
            at = (n + self._dice.random()) * seconds / len(deck)
            self._at(at, getattr(self, f"_{kind}"))
        at = 0.0
        while at < seconds:
            self._at(at, self._change_weather)
            at += self._dice.uniform(*_WEATHER)

    def _at(self, at: float, what: Callable[[float], None]) -> None:
        heapq.heappush(self._planned, (at, next(self._order), what))

    def step(self, now: float) -> None:
        """Do what is planned up to now, seconds after the start."""
        self.restart_ended()
        while self._planned and self._planned[0][0] <= now:
            heapq.heappop(self._planned)[2](now)

    def calm(self) -> None:
        """End all trouble: no faults, nothing frozen, everything runs."""
        self._planned.clear()
        self._clear_faults()
        for name in sorted(self._frozen):
            self._thaw(name)
        for name in sorted(self._down):
            self._start(name)
        self._broker.close()

    def restart_ended(self) -> None:
        """Start again what ended without our doing, as a supervisor would, and note it."""
        for name, process in list(self._system.processes.items()):
            if process.poll() is not None:
                self.ended.append(f"{name} ({process.returncode})")
                self._start(name)

    def _worker(self, now: float) -> None:
        if names := self._running_workers():
            self._kill(self._dice.choice(names), now, "worker")

    def _web(self, now: float) -> None:
        self._kill("web", now, "web")

    def _valkey(self, now: float) -> None:
        self._kill("valkey", now, "valkey")

    def _kill(self, name: str, now: float, kind: str) -> None:
        if name in self._down:
            self._at(now + 1, getattr(self, f"_{kind}"))
            return
        self._system.signal(name, signal.SIGKILL)
        self._down.add(name)
        self.done[f"kill {kind}"] += 1
        self._at(now + self._dice.uniform(*_DOWN[kind]), lambda _: self._start(name))

    def _start(self, name: str) -> None:
        self._down.discard(name)
        if name == "valkey":
            self._system.run(name, *self._system.server.command)
        elif name == "web":
            self._system.run(name)
        else:
            self._system.run_worker(name)

    def _freeze(self, now: float) -> None:
        if names := self._running_workers():
            name = self._dice.choice(names)
            self._system.signal(name, signal.SIGSTOP)
            self._frozen.add(name)
            self.done["freeze"] += 1
            self._at(now + self._dice.uniform(*_FROZEN), lambda _: self._thaw(name))

    def _thaw(self, name: str) -> None:
        self._frozen.discard(name)
        self._system.signal(name, signal.SIGCONT)

    def _running_workers(self) -> list[str]:
        names = {name for name in self._system.processes if name.startswith("worker-")}
        return sorted(names - self._frozen)

    def _flush(self, now: float) -> None:
        """Forget all that the broker knows; the ledger beside it keeps its keys."""
        with suppress(redis.RedisError):
            if keys := list(self._broker.scan_iter(_BROKERS_KEYS, count=1000)):
                self._broker.delete(*keys)
            self.done["flush"] += 1
            return
        self._at(now + 0.5, self._flush)

    def _change_weather(self, _: float) -> None:
        self._clear_faults()
        for fault in self._weather.change():
            self._system.fault(**fault)

    def _clear_faults(self) -> None:
        httpx.delete(f"{self._system.sandbox}/sandbox/faults", timeout=10).raise_for_status()

    @property
    def faults(self) -> Counter[str]:
        """How often each kind of API fault was on."""
        return self._weather.seen

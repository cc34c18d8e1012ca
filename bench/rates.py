"""How much of a provider's rate is used when many workers want more, and what it refuses.

Run it as `python -m bench.rates`. The provider counts strictly: no window, wherever it
begins, may hold more than the rate. Callers are processes with threads, as workers are; each
call is late by a random time, as calls over a network are.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import socket
import subprocess
import tempfile
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from worker import embedded
from worker.domain.errors import TryLater
from worker.domain.rates import Rate, parse_rates
from worker.ledger.redis import answers, connect
from worker.ledger.slots import RedisSlots
from worker.limiter import LIST_RATE, Limiter
from worker.pace import Kind

LEASE: Final = 60.0
SPAWN: Final = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of the table.

    `late`: by up to how many seconds a call comes late. `processes`: how many call for each
    of the workspaces, with `callers` threads each.
    """

    name: str
    rates: tuple[Rate, ...]
    kind: Kind = "other"
    late: float = 0.0
    processes: Sequence[int] = (4,)
    callers: int = 4
    seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class Found:
    """What the provider saw of one workspace."""

    used: float
    calls: int
    refused: int


LISTS: Final = Case(name="20/m lists", rates=LIST_RATE, kind="list", late=0.1, seconds=75)
CASES: Final = (
    Case(name="20/s", rates=parse_rates("20/s")),
    Case(name="20/s late", rates=parse_rates("20/s"), late=0.015),
    Case(name="100/s,6000/m", rates=parse_rates("100/s,6000/m"), late=0.015),
    Case(name="two workspaces", rates=parse_rates("20/s"), late=0.015, processes=(4, 1)),
)


class Provider:
    """Counts calls in sliding windows, apart for each workspace."""

    def __init__(self, rates: Sequence[Rate]) -> None:
        self._rates = rates
        self._windows: defaultdict[str, list[deque[float]]] = defaultdict(
            lambda: [deque() for _ in rates]
        )
        self.taken: defaultdict[str, list[float]] = defaultdict(list)
        self.refused: Counter[str] = Counter()

    def call(self, workspace: str) -> int:
        """Take a call or refuse it; return the HTTP status."""
        now, windows = time.monotonic(), self._windows[workspace]
        for rate, window in zip(self._rates, windows, strict=True):
            while window and window[0] <= now - rate.seconds:
                window.popleft()
        if any(len(w) >= r.calls for r, w in zip(self._rates, windows, strict=True)):
            self.refused[workspace] += 1
            return 429
        for window in windows:
            window.append(now)
        self.taken[workspace].append(now)
        return 200


def provide(rates: Sequence[Rate], port: int) -> None:
    """Answer a status for each line, which names the workspace; an empty one ends it."""
    provider, over = Provider(rates), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while workspace := (await reader.readline()).decode().strip():
            writer.write(f"{provider.call(workspace)}\n".encode())
            await writer.drain()
        writer.write(f"{json.dumps([provider.taken, provider.refused])}\n".encode())
        writer.close()
        if not reader.at_eof():
            over.set()

    async def serve() -> None:
        async with await asyncio.start_server(talk, "127.0.0.1", port):
            await over.wait()

    asyncio.run(serve())


class Line:
    """A connection to the provider."""

    def __init__(self, port: int) -> None:
        while True:
            with suppress(ConnectionRefusedError):
                self._socket = socket.create_connection(("127.0.0.1", port))
                break
            time.sleep(0.02)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rw", encoding="utf-8")

    def ask(self, line: str) -> str:
        """Send a line and return the one that comes back."""
        self._file.write(f"{line}\n")
        self._file.flush()
        return self._file.readline()

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()


def press(case: Case, workspace: str, url: str, port: int) -> None:
    """Call as often as the limiter lets us, with several threads, until the time is over."""
    pace = Limiter(RedisSlots(connect(url), name=workspace), case.rates, lease=LEASE)
    ends = time.monotonic() + case.seconds

    def caller() -> None:
        line = Line(port)
        while time.monotonic() < ends:
            try:
                pace.acquire(case.kind)
            except TryLater as error:
                time.sleep(max(min(error.wait or 0.0, ends - time.monotonic()), 0.0))
                continue
            time.sleep(random.uniform(0.0, case.late))
            line.ask(workspace)
        line.close()

    threads = [threading.Thread(target=caller) for _ in range(case.callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measure(case: Case, url: str) -> list[Found]:
    """Return what the provider saw, for each of the case's workspaces."""
    port = embedded.free_port()
    provider = SPAWN.Process(target=provide, args=(case.rates, port), daemon=True)
    provider.start()
    names = [f"{case.name} {number}" for number in range(len(case.processes))]
    line = Line(port)
    pressing = [
        SPAWN.Process(target=press, args=(case, name, url, port), daemon=True)
        for name, processes in zip(names, case.processes, strict=True)
        for _ in range(processes)
    ]
    for process in pressing:
        process.start()
    for process in pressing:
        process.join()
    taken, refused = json.loads(line.ask(""))
    line.close()
    provider.join()
    return [
        Found(share(taken[name], case.rates), len(taken[name]), refused.get(name, 0))
        for name in names
    ]


def share(times: Sequence[float], rates: Sequence[Rate]) -> float:
    """Return the part of the rate that was used from the first call to the last."""
    allowed = min(rate.calls / rate.seconds for rate in rates)
    return (len(times) - 1) / (times[-1] - times[0]) / allowed


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Run the server that `autoreply up` brings; yield its address."""
    server = embedded.prepare(folder)
    with subprocess.Popen(server.command, stdout=subprocess.DEVNULL) as process:
        while not answers(server.url):
            time.sleep(0.02)
        try:
            yield server.url
        finally:
            process.terminate()


def main() -> None:
    """Measure, and print a table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name, running(Path(name)) as url:
        print(f"{'rate':<18}{'used':>8}{'calls':>8}{'429':>6}")
        with ThreadPoolExecutor() as pool:
            lists = pool.submit(measure, LISTS, url)
            for case in CASES:
                show(case, measure(case, url))
            show(LISTS, lists.result())


def show(case: Case, found: Sequence[Found]) -> None:
    """Print a case's lines."""
    for one in found:
        print(f"{case.name:<18}{one.used:>8.1%}{one.calls:>8}{one.refused:>6}", flush=True)


if __name__ == "__main__":
    main()

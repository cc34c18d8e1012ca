"""How much of a provider's rate is used when many workers want more, and what it would refuse.

Run it as `python -m bench.rates`. Callers are processes with threads, as workers are. Each
call leaves when the limiter lets it go, and arrives a random time later, as calls over a
network do. The provider counts strictly: no window, wherever it begins, may hold more calls
than the rate. Arrivals are counted afterwards, so that the bench itself delays none.
"""

import argparse
import multiprocessing
import random
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.queues import Queue
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
SETTLES_IN: Final = 2.0
SPAWN: Final = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of the table, or one for each workspace.

    `late`: by up to how many seconds a call arrives late. `processes`: how many call for each
    workspace, with `callers` threads each.
    """

    name: str
    rates: tuple[Rate, ...]
    kind: Kind = "other"
    late: float = 0.007
    processes: Sequence[int] = (4,)
    callers: int = 4
    seconds: float = 30.0


LISTS: Final = Case(name="20/m lists", rates=LIST_RATE, kind="list", late=1.0, seconds=75)
CASES: Final = (
    Case(name="20/s, never late", rates=parse_rates("20/s"), late=0.0),
    Case(name="20/s", rates=parse_rates("20/s")),
    Case(name="100/s,6000/m", rates=parse_rates("100/s,6000/m")),
    Case(name="20/s, a backlog", rates=parse_rates("20/s"), processes=(4, 1)),
)


def refused(arrivals: Sequence[float], rates: Sequence[Rate]) -> int:
    """Return how many calls a provider refuses that counts in sliding windows."""
    windows = [(rate, deque[float]()) for rate in rates]
    refusals = 0
    for now in sorted(arrivals):
        for rate, window in windows:
            while window and window[0] <= now - rate.seconds:
                window.popleft()
        if any(len(window) >= rate.calls for rate, window in windows):
            refusals += 1
            continue
        for _, window in windows:
            window.append(now)
    return refusals


def share(times: Sequence[float], rates: Sequence[Rate]) -> float:
    """Return the part of the rate that was used from the first call to the last.

    The first moments do not count, in which processes still start and connect.
    """
    allowed = min(rate.calls / rate.seconds for rate in rates)
    steady = [at for at in times if at > min(times) + SETTLES_IN]
    return (len(steady) - 1) / (max(steady) - min(steady)) / allowed


def press(case: Case, workspace: str, url: str, left: "Queue[list[float]]") -> None:
    """Call as often as the limiter lets us, with several threads, until the time is over."""
    limiter = Limiter(RedisSlots(connect(url), name=workspace), case.rates, lease=LEASE)
    ends, times = time.monotonic() + case.seconds, list[float]()

    def caller() -> None:
        while time.monotonic() < ends:
            try:
                limiter.acquire(case.kind)
            except TryLater as error:
                time.sleep(max(min(error.wait or 0.0, ends - time.monotonic()), 0.0))
            else:
                times.append(time.monotonic())

    threads = [threading.Thread(target=caller) for _ in range(case.callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left.put(times)


def measure(case: Case, url: str) -> list[list[float]]:
    """Return when the calls of each workspace left; all of them press at the same time."""
    queues = [SPAWN.Queue() for _ in case.processes]
    pressing = [
        SPAWN.Process(target=press, args=(case, f"{case.name} {number}", url, queue), daemon=True)
        for number, queue in enumerate(queues)
        for _ in range(case.processes[number])
    ]
    for process in pressing:
        process.start()
    left = [
        [at for _ in range(count) for at in queue.get()]
        for count, queue in zip(case.processes, queues, strict=True)
    ]
    for process in pressing:
        process.join()
    return left


def show(case: Case, left: Sequence[Sequence[float]]) -> None:
    """Print a case's lines."""
    dice = random.Random(1)
    for times in left:
        arrivals = [at + dice.uniform(0.0, case.late) for at in times]
        used, refusals = share(times, case.rates), refused(arrivals, case.rates)
        late = f"{1000 * case.late:g} ms"
        print(f"{case.name:<18}{late:>10}{used:>8.1%}{len(times):>7}{refusals:>5}", flush=True)


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
        print(f"{'rate':<18}{'late up to':>10}{'used':>8}{'calls':>7}{'429':>5}")
        with ThreadPoolExecutor() as pool:
            lists = pool.submit(measure, LISTS, url)
            for case in CASES:
                show(case, measure(case, url))
            show(LISTS, lists.result())


if __name__ == "__main__":
    main()

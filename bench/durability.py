"""What a SIGKILL of the server loses, and what a recorded webhook costs, by `appendfsync`.

Run it as `python -m bench.durability`. A killed process leaves what it wrote in the kernel's
cache: this is the crash of a server, not a power cut, which nothing here simulates.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from worker import embedded
from worker.contracts import webhook
from worker.domain.errors import LedgerAway
from worker.ledger.redis import RedisLedger, connect

MODES = ("always", "everysec")


def event(number: int) -> dict[str, str]:
    """Return a webhook of an ordinary size."""
    return {
        "event_type": "reply_received", "lead_id": f"lead-{number}", "email_id": f"mail-{number}",
        "reply_text": "How much is it for a team of ten people? " * 20,
    }  # fmt: skip


class Server:
    """The server that `autoreply up` brings, with one setting changed."""

    def __init__(self, folder: Path, mode: str) -> None:
        server = embedded.prepare(folder / mode)
        self._command, self.url, self._mode = server.command, server.url, mode
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            [*self._command, "--appendfsync", self._mode], stdout=subprocess.DEVNULL
        )
        while True:
            try:
                connect(self.url).ping()
            except redis.ConnectionError:
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process:
            self._process.kill()
            self._process.wait()

    @property
    def ledger(self) -> RedisLedger:
        """Return the ledger on it."""
        return RedisLedger(connect(self.url), lease=60_000, retention=86_400_000)


@contextmanager
def running(folder: Path, mode: str) -> Iterator[Server]:
    """Run a server with an empty ledger."""
    server = Server(folder, mode)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def record(ledger: RedisLedger, number: int) -> str:
    """Record one webhook as the receiver does; return its key."""
    payload = event(number)
    return ledger.accept(webhook.parse(payload), json.dumps(payload)).key


def cost(folder: Path, count: int) -> dict[str, list[float]]:
    """Measure the modes in turns, webhook by webhook, so that noise hits both; milliseconds."""
    took: dict[str, list[float]] = {mode: [] for mode in MODES}
    with running(folder, MODES[0]) as one, running(folder, MODES[1]) as other:
        ledgers = dict(zip(MODES, (one.ledger, other.ledger), strict=True))
        for number in range(count):
            for mode in MODES if number % 2 else reversed(MODES):
                began = time.perf_counter()
                record(ledgers[mode], number)
                took[mode].append(1000 * (time.perf_counter() - began))
    return took


def loss(folder: Path, mode: str, kills: int) -> tuple[int, int]:
    """Kill the server under load, again and again; return how many were recorded, and lost."""
    recorded: list[str] = []
    with running(folder, mode) as server:
        for turn in range(kills):
            killer = threading.Timer(0.3 + 0.05 * (turn % 7), server.kill)
            killer.start()
            ledger = server.ledger
            try:
                while True:
                    recorded.append(record(ledger, len(recorded)))
            except LedgerAway:
                killer.join()
            server.start()
        lost = sum(server.ledger.record(key) is None for key in recorded)
    return len(recorded), lost


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1500, help="webhooks for the cost")
    parser.add_argument("--kills", type=int, default=10, help="kills for the loss")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        took = cost(Path(name) / "cost", options.count)
        print(f"{'appendfsync':<12}{'median':>10}{'p99':>10}{'recorded':>10}{'lost':>6}")
        for mode in MODES:
            recorded, lost = loss(Path(name) / "loss", mode, options.kills)
            middle, worst = (
                statistics.median(took[mode]),
                statistics.quantiles(took[mode], n=100)[98],
            )
            print(f"{mode:<12}{middle:>7.2f} ms{worst:>7.2f} ms{recorded:>10}{lost:>6}")
        pairs = zip(*took.values(), strict=True)
        print(
            f"always costs {statistics.median(a - b for a, b in pairs):.2f} ms more (median pair)"
        )
    print(f"lost: after {options.kills} SIGKILLs of the server; a power cut is not simulated")


if __name__ == "__main__":
    main()

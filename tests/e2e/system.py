"""The real thing for tests: server, sandbox, receiver and workers as processes of their own."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from worker.embedded import free_port, prepare
from worker.ledger.redis import RedisLedger, connect
from worker.processes import tied

ROOT = Path(__file__).parents[2]
SECRET = "e2e-secret"


def eventually(what: Callable[[], Any], *, within: float = 30.0, every: float = 0.1) -> Any:
    """Return the first true value; fail with the last one when the time is over."""
    ends = time.monotonic() + within
    while True:
        try:
            last = what()
        except Exception as error:  # noqa: BLE001 - shown when the time is over
            last = error
        if last and not isinstance(last, Exception):
            return last
        if time.monotonic() > ends:
            raise AssertionError(f"not within {within:g} s; last was {last!r}")
        time.sleep(every)


def price_question(number: int) -> dict[str, Any]:
    return {
        "event_type": "reply_received",
        "lead_id": f"lead-{number}",
        "lead_email": f"lead{number}@northwind.example",
        "email_id": f"mail-{number}",
        "reply_subject": "Re: A thought",
        "reply_text": "How much is it for 12 seats?",
    }


class System:
    """Processes by name, on ports of their own, below a folder of their own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.server = prepare(folder / "var")
        self.port, self.sandbox_port = free_port(), free_port()
        self.web = f"http://127.0.0.1:{self.port}"
        self.sandbox = f"http://127.0.0.1:{self.sandbox_port}"
        self.sender = httpx.Client(headers={"X-Webhook-Secret": SECRET}, timeout=10)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {
            **{name: v for name, v in os.environ.items() if not name.startswith("AUTOREPLY_")},
            "AUTOREPLY_REDIS_URL": self.server.url,
            "AUTOREPLY_API_URL": self.sandbox,
            "AUTOREPLY_API_KEY": "test-key",
            "AUTOREPLY_WEBHOOK_SECRET": SECRET,
            "AUTOREPLY_PORT": str(self.port),
            "AUTOREPLY_SANDBOX_PORT": str(self.sandbox_port),
            "AUTOREPLY_TEMPLATES": str(ROOT / "templates"),
            "AUTOREPLY_DATA": str(folder / "var"),
            "AUTOREPLY_HTTP_TIMEOUT": "1",
            "AUTOREPLY_LEASE": "3",
            "AUTOREPLY_SETTLE": "6",
            "AUTOREPLY_CONCURRENCY": "4",
            **settings,
        }

    def run(self, name: str, *command: str) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            tied(*(command or (sys.executable, "-m", "worker", name))),
            cwd=self.folder,
            env=self.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.close()

    def run_worker(self, name: str) -> None:
        self.run(name, sys.executable, "-m", "worker", "worker")

    def start_server(self) -> None:
        self.run("valkey", *self.server.command)
        eventually(lambda: connect(self.server.url).ping())

    def start(self, *, workers: int = 1) -> None:
        self.start_provider()
        self.start_service(workers=workers)

    def start_provider(self) -> None:
        self.run("sandbox")
        eventually(lambda: httpx.get(self.sandbox).is_success)

    def start_service(self, *, workers: int = 1) -> None:
        self.start_server()
        self.run("web")
        for number in range(workers):
            self.run_worker(f"worker-{number}")
        eventually(lambda: len(self.ledger.workers()) >= workers)
        eventually(lambda: httpx.get(f"{self.web}/readyz").json()["ready"])

    def signal(self, name: str, number: int) -> None:
        os.killpg(self.processes[name].pid, number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.processes.pop(name).wait(30)

    def stop(self) -> None:
        self.sender.close()
        for name in list(self.processes):
            if self.processes[name].poll() is None:
                os.killpg(self.processes[name].pid, signal.SIGCONT)
                self.signal(name, signal.SIGKILL)

    @property
    def ledger(self) -> RedisLedger:
        return RedisLedger(connect(self.server.url), lease=3000, retention=86_400_000)

    def deliver(self, payload: dict[str, Any]) -> httpx.Response:
        return self.sender.post(f"{self.web}/webhooks/instantly", json=payload)

    def fault(self, **fault: Any) -> None:
        httpx.post(f"{self.sandbox}/sandbox/faults", json=fault).raise_for_status()

    def replies(self) -> list[dict[str, Any]]:
        """Return every reply that the provider got."""
        listed: list[dict[str, Any]] = httpx.get(f"{self.sandbox}/sandbox/sent", timeout=10).json()
        return listed

    def sent(self) -> Counter[str]:
        """Return lead id → replies that the provider got."""
        return Counter(mail["lead_id"] for mail in self.replies())

    def states(self) -> Counter[str]:
        return Counter(record.state.value for record in self.ledger.records(None, 100_000))

    def at_rest(self) -> bool:
        """Say whether nothing is left to do."""
        return not set(self.states()) & {"received", "waiting", "sending", "doubt"}


@contextmanager
def running_system(
    folder: Path,
    *,
    workers: int = 1,
    before: Callable[[System], object] = lambda _: None,
    **settings: str,
) -> Iterator[System]:
    """Run everything; `before` the service starts, the provider may get a past."""
    system = System(folder, **settings)
    try:
        system.start_provider()
        before(system)
        system.start_service(workers=workers)
        yield system
    except BaseException:
        for log in sorted(folder.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}")  # noqa: T201 - for the report of a failed test
        raise
    finally:
        system.stop()

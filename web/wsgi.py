"""The receiver as the WSGI server loads it: settings in, app out."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress

from flask import Flask

from web import health
from web.app import create_app, mount
from web.console import Console, Door
from web.metrics import Beside
from web.publisher import Publisher
from web.receiver import Desk, Receiver
from web.spool import Drain, Spool
from worker import logs, processes
from worker.bootstrap import keys_of, make_client, make_ledger, make_spans, warn_of_server
from worker.domain.errors import LedgerAway
from worker.hookhealth import HOOK, HookState
from worker.ledger.counts import RedisCounts
from worker.ledger.memo import RedisMemo
from worker.ledger.redis import RedisLedger
from worker.ledger.slots import RedisSlots
from worker.ledger.truth import problems
from worker.library import Showcase
from worker.ports import Ledger
from worker.running import SPOOL, made_once
from worker.settings import Settings, load
from worker.tasks import Hints, make_app
from worker.workspaces import Workspace, workspaces_of

_LEDGER_TIMEOUT = 1.0
"""Seconds: a sender waits for the answer."""


def create() -> Flask:
    """Return the receiver's app.

    Raises:
        ConfigurationError: a setting is wrong.

    """
    processes.die_with_parent()
    settings = load()
    logs.configure(settings.log)
    hints = Hints(make_app(settings))
    publisher = Publisher(hints.wake)
    publisher.start()
    rows = list(workspaces_of(settings))
    ledgers = {row.name: make_ledger(row.settings, timeout=_LEDGER_TIMEOUT) for row in rows}
    warn_of_server(ledgers[rows[0].name])
    spool = Spool(settings.data / SPOOL)
    receiving = Receiver(
        desks=[_desk(row, ledgers[row.name]) for row in rows],
        publish=publisher.publish,
        spool=spool,
    )
    Drain(spool, receiving.record).start()
    pages = {row.name: make_console(row, hints, publisher, spool) for row in rows}
    app = create_app(
        ledgers=ledgers,
        spool=spool,
        receiving=receiving,
        ping_broker=hints.ping,
        queued=hints.queued,
        pages=pages.get(""),
        beside={row.name: make_beside(row, ledgers[row.name]) for row in rows},
        spans=make_spans(),
    )
    mount(app, {name: console for name, console in pages.items() if name})
    return app


def _desk(row: Workspace, ledger: Ledger) -> Desk:
    secrets = [secret.get_secret_value() for secret in row.settings.webhook_secret]
    return Desk(name=row.name, id=row.id, ledger=ledger, secrets=secrets, prefix=row.prefix)


def make_console(row: Workspace, hints: Hints, publisher: Publisher, spool: Spool) -> Console:
    """Return the console's parts; whoever looks at pages may wait longer than a sender."""
    settings = row.settings
    ledger = make_ledger(settings)
    checks = health.Checks({row.name: ledger}, hints.ping)
    shown = Showcase(settings.templates)
    return Console(
        ledger=ledger,
        door=make_door(settings),
        templates=shown.current,
        changes=shown.changes,
        checks=lambda: _checked(checks, ledger),
        wake=lambda key: publisher.publish(row.prefix + key),
        spooled=spool.size,
        hook=hook_of(settings),
        mode=settings.mode,
        max_age=settings.max_age,
        flower_url=_flower(settings),
    )


def make_beside(row: Workspace, ledger: RedisLedger) -> Beside:
    """Return what there is to count of a workspace beside its ledger."""
    client, name = make_client(row.settings, timeout=_LEDGER_TIMEOUT), keys_of(row.settings)
    shown = Showcase(row.settings.templates)
    return Beside(
        owed=ledger.owed,
        hook=hook_of(row.settings),
        problems=lambda: len(shown.current().problems),
        counted=RedisCounts(client, name=name).all,
    )


def hook_of(settings: Settings) -> Callable[[], str]:
    """Return what tells the state of our webhook at the provider, as it was seen last."""
    memo = RedisMemo(make_client(settings, timeout=_LEDGER_TIMEOUT), name=keys_of(settings))
    return lambda: HookState.read(memo.recall(HOOK)).status


def _flower(settings: Settings) -> str:
    """Return where Flower is, as far as it is sure from here: beside the pages, on the loopback."""
    near = settings.host in ("127.0.0.1", "localhost")
    return f"http://{settings.host}:{settings.flower_port}/" if near else ""


def make_door(settings: Settings) -> Door:
    """Return what lets people in; all processes of a machine share the key of its cookies."""
    password = settings.admin_password.get_secret_value()
    salt = ""
    with suppress(OSError):  # where nothing can be kept, the password alone makes the key
        salt = made_once(settings.data / "console_key") if password else ""
    key = hashlib.scrypt(password.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=32)
    return Door(password=password, key=key, turns=RedisSlots(make_client(settings)).reserve)


def _checked(checks: health.Checks, ledger: RedisLedger) -> Mapping[str, str]:
    """Return each part's state; the ledger is well where it also keeps what it promises."""
    states = checks.run()
    if states["ledger"] != "ok":
        return states
    try:
        found = [problem for _, problem in problems(ledger.server_truth())]
    except LedgerAway as error:
        found = [str(error)]
    return states | {"ledger": found[0] if found else "ok"}

"""The receiver as the WSGI server loads it: settings in, app out."""

from flask import Flask

from web.app import create_app
from web.publisher import Publisher
from web.receiver import Desk, Receiver
from web.spool import Drain, Spool
from worker import logs, processes
from worker.bootstrap import make_ledger, warn_of_server
from worker.ports import Ledger
from worker.settings import load
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
    spool = Spool(settings.data / "spool")
    receiving = Receiver(
        desks=[_desk(row, ledgers[row.name]) for row in rows],
        publish=publisher.publish,
        spool=spool,
    )
    Drain(spool, receiving.record).start()
    return create_app(
        ledgers=ledgers,
        spool=spool,
        receiving=receiving,
        ping_broker=hints.ping,
        queued=hints.queued,
    )


def _desk(row: Workspace, ledger: Ledger) -> Desk:
    secrets = [secret.get_secret_value() for secret in row.settings.webhook_secret]
    return Desk(name=row.name, id=row.id, ledger=ledger, secrets=secrets, prefix=row.prefix)

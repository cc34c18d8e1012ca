"""The receiver as the WSGI server loads it: settings in, app out."""

from flask import Flask

from web.app import create_app
from web.publisher import Publisher
from web.receiver import Receiver
from web.spool import Drain, Spool
from worker import logs, processes
from worker.bootstrap import make_ledger, warn_of_server
from worker.settings import load
from worker.tasks import Hints, make_app

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
    ledger = make_ledger(settings, timeout=_LEDGER_TIMEOUT)
    warn_of_server(ledger)
    spool = Spool(settings.data / "spool")
    receiving = Receiver(
        ledger=ledger,
        secrets=[secret.get_secret_value() for secret in settings.webhook_secret],
        publish=publisher.publish,
        spool=spool,
    )
    Drain(spool, receiving.record).start()
    return create_app(
        ledger=ledger,
        spool=spool,
        receiving=receiving,
        ping_broker=hints.ping,
        queued=hints.queued,
    )

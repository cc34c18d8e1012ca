"""`up`, and each part of the service alone."""

import os
import sys
from importlib import import_module

import click
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from worker import logs, running
from worker.domain.errors import ConfigurationError
from worker.settings import Settings, load, missing

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_WEB_THREADS = 8
_OF_ITS_OWN = (
    "the server that `autoreply up` brought is for its own parts: its address changes with each "
    "start. To have more workers, set AUTOREPLY_REDIS_URL to a Redis of yours, for `up` and for "
    "each worker, and AUTOREPLY_API_KEY; or raise AUTOREPLY_CONCURRENCY and start `up` again"
)


@click.command()
def up() -> None:
    """Start everything: server, receiver, worker, Flower, sandbox."""
    from worker.service import up as run  # noqa: PLC0415 - its parts start faster without it

    run(load())


@click.command()
def web() -> None:
    """Start the receiver alone."""
    settings = load()
    if not (settings.webhook_secret or settings.workspaces):
        raise missing("webhook_secret")
    if not settings.redis_url:
        raise missing("redis_url")
    logs.configure(settings.log)
    Server(
        "web.wsgi:create",
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.host,
        port=settings.port,
        blocking_threads=_WEB_THREADS,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_level=LogLevels.error,
    ).serve()


@click.command()
def worker() -> None:
    """Start a worker alone; start as many as you like."""
    from worker.tasks import run_worker  # noqa: PLC0415 - Celery takes a second to load

    settings = load()
    if not settings.redis_url and running.find(settings.data):
        raise ConfigurationError(_OF_ITS_OWN)
    logs.configure(settings.log)
    sys.exit(run_worker(settings))


@click.command()
def flower() -> None:
    """Start Flower alone; user admin, with AUTOREPLY_ADMIN_PASSWORD."""
    from worker.tasks import make_app  # noqa: PLC0415 - Celery takes a second to load

    settings = load()
    if not settings.redis_url and not settings.broker_url:
        raise missing("redis_url")
    os.environ |= _flower_environment(settings)
    logs.configure(settings.log)
    make_app(settings).start(["flower"])


def _flower_environment(settings: Settings) -> dict[str, str]:
    """Return Flower's options as it reads them; a password in `argv` would show in `ps`."""
    password = settings.admin_password.get_secret_value()
    if not password and settings.host not in _LOOPBACK:
        said = missing("admin_password")
        msg = f"Flower listens on {settings.host}, beyond this machine: {said}"
        raise ConfigurationError(msg)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    options = {
        "ADDRESS": settings.host,
        "PORT": str(settings.flower_port),
        "PERSISTENT": "True",
        "DB": str(settings.data / "flower.db"),
        "STATE_SAVE_INTERVAL": "60000",
        "MAX_TASKS": "10000",
        "TASKS_COLUMNS": "name,args,result,state,received,runtime",
        "PURGE_OFFLINE_WORKERS": "60",
        "READ_ONLY": "True",
        "BASIC_AUTH": f"admin:{password}" if password else "",
    }
    return {f"FLOWER_{name}": value for name, value in options.items() if value}


@click.command()
def sandbox() -> None:
    """Start the sandbox API alone: the provider, in memory, with faults on demand."""
    settings = load()
    host, port = settings.host, settings.sandbox_port
    click.echo(f"sandbox API on http://{host}:{port}; GET / names its routes")
    try:
        import_module("web.sandbox").serve(host, port)
    except OSError as error:
        msg = f"port {port} on {host}: {error}; set AUTOREPLY_SANDBOX_PORT to another"
        raise ConfigurationError(msg) from None


COMMANDS = (up, web, worker, flower, sandbox)

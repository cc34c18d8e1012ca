"""The Celery app and its one task: glue. The ledger is the truth, a message only wakes it."""

import os
import socket
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import structlog
from amqp.exceptions import AMQPError
from celery import Celery, bootsteps
from celery.exceptions import SecurityWarning
from celery.signals import setup_logging, worker_shutdown, worker_shutting_down
from celery.worker.request import Request
from kombu import Queue
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from worker import bootstrap, upkeep
from worker.chores import ChoreThread
from worker.clock import Clock
from worker.domain import reading
from worker.domain.errors import LedgerAway
from worker.library import Library
from worker.pipeline import Pipeline
from worker.ports import Ledger
from worker.settings import Settings
from worker.workspaces import Workspaces, workspaces_of

ANSWER: Final = "autoreply.answer"
QUEUE: Final = "autoreply"
_REDIS: Final = ("redis:", "rediss:", "redis+socket:")
_AMQP_TRANSPORT: Final = {"read_timeout": 5, "write_timeout": 5}
"""Seconds; without them a RabbitMQ that is frozen would hold its clients up for ever."""

_BROKER_AWAY: Final = (AMQPError, KombuError, OSError, RedisError)

_log = structlog.get_logger(__name__)


def make_app(settings: Settings) -> Celery:
    """Return the app as receiver, Flower and worker share it.

    On Redis, messages are taken without acknowledgement: each is a hint that the ledger's
    clock repeats, and kombu 5.7 ends a worker that acknowledges, or puts back, a message
    over a connection that broke.
    """
    app = Celery("autoreply", set_as_current=False)
    on_redis = settings.broker.startswith(_REDIS)
    app.conf.update(
        broker_url=settings.broker,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=2,
        broker_transport_options=_transport(settings) if on_redis else _AMQP_TRANSPORT,
        task_ignore_result=True,
        task_default_queue=QUEUE,
        task_queues=[Queue(QUEUE, no_ack=on_redis)],
        task_publish_retry=False,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=on_redis,
        worker_enable_prefetch_count_reduction=False,  # hints are cheap: take all again at once
        worker_concurrency=settings.concurrency,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_soft_shutdown_timeout=settings.lease.total_seconds(),
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_send_task_events=True,
    )
    return app


def _transport(settings: Settings) -> dict[str, object]:
    return {
        "max_connections": 4 * settings.concurrency + 16,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 15,
        "global_keyprefix": "autoreply:celery:",
    }


class Hints:
    """Sends the messages that wake events, and counts those that wait."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def wake(self, keys: Iterable[str]) -> bool:
        """Queue events over one connection; false where the broker is away.

        Nothing is lost then: the clock wakes whatever was not queued.
        """
        try:
            with self._app.producer_pool.acquire(block=True, timeout=2) as producer:
                for key in keys:
                    self._app.send_task(ANSWER, (key,), producer=producer, retry=False)
        except _BROKER_AWAY as error:
            _log.warning("broker_away", problem=str(error))
            return False
        return True

    def queued(self) -> int:
        """Return how many messages wait; 0 where the broker is away or has no queue yet."""
        try:
            pool: Any = self._app.pool  # its types take what it holds for producers
            with pool.acquire(block=True, timeout=2) as connection:
                connection.ensure_connection(max_retries=0, timeout=2)
                with connection.channel() as channel:
                    found: Any = Queue(QUEUE, channel=channel).queue_declare(passive=True)
                    return int(found.message_count)
        except _BROKER_AWAY:
            return 0

    def ping(self) -> None:
        """Raise unless the broker answers."""
        with self._app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=0, timeout=2)


class InHand:
    """Counts the events a worker has in hand, so that it can say what its stop did."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: set[str] = set()
        self._at_stop = 0

    @contextmanager
    def hold(self, key: str) -> Iterator[None]:
        """Have an event in hand while the block runs."""
        with self._lock:
            self._keys.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._keys.discard(key)

    def stopping(self, **_: object) -> None:
        """Say what is in hand when the stop begins."""
        with self._lock:
            self._at_stop = len(self._keys)
        _log.info("worker_stops", in_hand=self._at_stop)

    def stopped(self, **_: object) -> None:
        """Say what became of it; what is left comes back by the ledger's clock."""
        with self._lock:
            left = len(self._keys)
        _log.info("worker_stopped", finished=self._at_stop - left, left_to_the_clock=left)


def run_worker(settings: Settings) -> int:
    """Run a worker until it is told to stop; return its exit code.

    Raises:
        ConfigurationError: something it needs is not set, or a template is broken.

    """
    app = make_app(settings)
    name = f"autoreply-{os.getpid()}@{socket.gethostname()}"
    rows = workspaces_of(settings)
    ledgers = {row.name: bootstrap.make_ledger(row.settings) for row in rows}
    bootstrap.warn_of_server(next(iter(ledgers.values())))
    shared = {row.name: bootstrap.share(row.settings) for row in rows}
    spans = bootstrap.make_spans()
    libraries = {row.name: Library(row.settings.templates) for row in rows}
    pipelines = {
        row.name: bootstrap.make_pipeline(
            row.settings, ledgers[row.name], libraries[row.name], shared[row.name], spans
        )
        for row in rows
    }
    in_hand = InHand()
    worker_shutting_down.connect(in_hand.stopping)
    worker_shutdown.connect(in_hand.stopped)
    _add_task(app, rows, pipelines, in_hand)
    # Whoever breaks a template hears of it though nothing comes in.
    beats: list[Callable[[], object]] = [each.meter.pass_on for each in shared.values()]
    beats += [library.current for library in libraries.values()]
    clock = _clock(app, [(row.prefix, ledgers[row.name]) for row in rows], settings, name, beats)
    chores = [
        chore
        for row in rows
        for chore in upkeep.make_chores(
            row.settings,
            ledgers[row.name],
            libraries[row.name],
            shared[row.name],
            _waking(app, row.prefix),
        )
    ]
    reading.warm_up()
    _add_threads(app, [clock, *chores])
    setup_logging.connect(_keep_our_logging)
    # Running as root is only unsafe with pickled messages; this app takes nothing but JSON.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    argv = ["--quiet", "worker", "--pool=threads", f"--hostname={name}", "--without-gossip",
            "--without-mingle"]  # fmt: skip
    try:
        app.start(argv)
    except SystemExit as error:
        return int(error.code or 0)
    return 0


def _keep_our_logging(**_: object) -> None:
    """Having a receiver for this signal keeps Celery from setting logging up itself."""


def _add_task(
    app: Celery, rows: Workspaces, pipelines: Mapping[str, Pipeline], in_hand: InHand
) -> None:
    def answer(key: str) -> str:
        """Work on one event; the outcome is what Flower shows as the result."""
        with in_hand.hold(key):
            try:
                row, bare = rows.split(key)
            except LookupError:
                _log.warning("no_such_workspace", key=key)
                return "no such workspace"
            try:
                return pipelines[row.name].answer(bare)
            except LedgerAway as error:
                _log.warning("ledger_away", key=key, problem=str(error))
                return "ledger away"

    task: Any = app.task(name=ANSWER)(answer)
    if all(queue.no_ack for queue in app.conf.task_queues):
        task.Request = TakenForGood


class TakenForGood(Request):
    """A message from a queue without acknowledgement.

    Celery acknowledges it all the same, and kombu 5.7 does not stop it: where the
    connection broke since the message came, that ended the worker.
    """

    def acknowledge(self) -> None:
        """Do nothing."""
        self.acknowledged = True


def _clock(
    app: Celery,
    ledgers: Sequence[tuple[str, Ledger]],
    settings: Settings,
    name: str,
    beats: Sequence[Callable[[], object]],
) -> Clock:
    hints = Hints(app)
    return Clock(
        ledgers=ledgers,
        wake=hints.wake,
        queued=hints.queued,
        threads=settings.concurrency,
        name=name,
        beats=beats,
    )


def _waking(app: Celery, prefix: str) -> Callable[[Sequence[str]], object]:
    """Return what queues the events of one workspace."""
    hints = Hints(app)
    return lambda keys: hints.wake([prefix + key for key in keys])


def _add_threads(app: Celery, threads: Sequence[Clock | ChoreThread]) -> None:
    class ThreadsStep(bootsteps.StartStopStep):
        """Starts and stops the clock and the chores with their worker."""

        def start(self, parent: Any) -> None:  # noqa: ANN401, ARG002 - the library's signature
            for thread in threads:
                thread.start()

        def stop(self, parent: Any) -> None:  # noqa: ANN401, ARG002
            for thread in threads:
                thread.stop()

    app.steps["worker"].add(ThreadsStep)

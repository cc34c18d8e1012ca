"""Which implementation is real: the one place where the parts are put together."""

from collections.abc import Callable

import redis
import structlog

from worker.contracts.email.api import EmailApi
from worker.contracts.lead.api import LeadApi
from worker.domain.durations import milliseconds
from worker.domain.errors import ConfigurationError, LedgerAway
from worker.domain.model import ReplyEvent
from worker.http import ApiClient, Pace
from worker.ledger.redis import RedisLedger, connect
from worker.ledger.slots import RedisSlots
from worker.ledger.truth import problems
from worker.library import Library
from worker.limiter import Limiter
from worker.pipeline import Pipeline, Rules
from worker.ports import Ledger, MailApi
from worker.settings import Settings, missing

_log = structlog.get_logger(__name__)


def make_client(settings: Settings, *, timeout: float = 2.0) -> redis.Redis:
    """Return a client of the ledger's server.

    Args:
        settings: the service's settings.
        timeout: seconds that one command may take.

    Raises:
        ConfigurationError: no Redis is set.

    """
    if not settings.redis_url:
        raise missing("redis_url")
    try:
        return connect(settings.redis_url, timeout=timeout)
    except ValueError as error:
        msg = f"AUTOREPLY_REDIS_URL: {error}; write it like redis://127.0.0.1:6379/0"
        raise ConfigurationError(msg) from None


def make_ledger(settings: Settings, *, timeout: float = 2.0) -> RedisLedger:
    """Return the workspace's ledger; see `make_client`."""
    return RedisLedger(
        make_client(settings, timeout=timeout),
        lease=milliseconds(settings.lease),
        retention=milliseconds(settings.retention),
        name=_keys_of(settings),
    )


def _keys_of(settings: Settings) -> str:
    """Return the name that keeps a workspace's keys apart from the others'."""
    return settings.workspace or "default"


def warn_of_server(ledger: RedisLedger) -> None:
    """Log what is wrong with the ledger's server; never refuses, and never waits for long."""
    try:
        found = problems(ledger.server_truth())
    except LedgerAway as error:
        _log.warning("ledger_unchecked", problem=str(error))
        return
    for severity, problem in found:
        _log.warning("ledger_at_risk", severity=severity, problem=problem)


def make_pipeline(settings: Settings, ledger: Ledger) -> Pipeline:
    """Return the pipeline of a worker.

    Raises:
        ConfigurationError: the API key is not set, or a template is broken.

    """
    if not settings.api_key.get_secret_value():
        raise missing("api_key")
    return Pipeline(
        ledger=ledger,
        api_for=contract_for(settings, make_limiter(settings)),
        templates=Library(settings.templates).current,
        rules=Rules(
            mode=settings.mode,
            max_age=settings.max_age,
            settle=settings.settle,
            no_contract=needs_of(settings),
        ),
    )


def make_limiter(settings: Settings) -> Limiter:
    """Return the pace that all workers of the workspace keep together.

    Raises:
        ConfigurationError: no Redis is set.

    """
    slots = RedisSlots(make_client(settings), name=_keys_of(settings))
    return Limiter(slots, settings.rates, lease=settings.lease.total_seconds())


def contract_for(
    settings: Settings, pace: Pace | None = None
) -> Callable[[ReplyEvent], MailApi | None]:
    """Return what chooses the API that speaks an event's contract.

    Raises:
        ConfigurationError: no request can carry the key, or the URL is none.

    """
    client = ApiClient(
        settings.api_url,
        settings.api_key.get_secret_value(),
        deadline=settings.http_timeout.total_seconds(),
        pace=pace,
    )
    spoken = [contract(client) for contract in _contracts(settings)]
    return lambda event: next((api for api in spoken if api.speaks(event)), None)


def needs_of(settings: Settings) -> str:
    """Say what a webhook lacks that no contract can speak about."""
    lacks = (f"{each.NEEDS}, which contract {each.NAME} needs" for each in _contracts(settings))
    return f"the webhook lacks {', and '.join(lacks)}"


def _contracts(settings: Settings) -> list[type[LeadApi | EmailApi]]:
    """Return the contracts that may be spoken; an event speaks the first one it can."""
    wanted = settings.api_contract
    return [each for each in (LeadApi, EmailApi) if wanted in ("auto", each.NAME)]

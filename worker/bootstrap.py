"""Which implementation is real: the one place where the parts are put together."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import redis
import structlog

from worker import tracing
from worker.chores import Plan
from worker.contracts.email.api import EmailApi
from worker.contracts.lead.api import LeadApi
from worker.domain.durations import milliseconds
from worker.domain.errors import ConfigurationError, LedgerAway
from worker.domain.model import ReplyEvent
from worker.http import ApiClient
from worker.ledger.counts import MemoryCounts, RedisCounts
from worker.ledger.plan import RedisPlan
from worker.ledger.redis import RedisLedger, connect
from worker.ledger.redis_mirror import RedisMirror
from worker.ledger.slots import RedisSlots
from worker.ledger.truth import problems
from worker.library import Library
from worker.limiter import Limiter
from worker.mails import Mirror
from worker.meter import Meter, Metered
from worker.mirror import REFILL, MirroredApi
from worker.notify import Messenger
from worker.pipeline import Pipeline, Rules
from worker.ports import Ledger, MailApi
from worker.settings import Settings, missing
from worker.spans import SILENT, Spans

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
        name=keys_of(settings),
    )


def keys_of(settings: Settings) -> str:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all workers of a workspace have together, beside the ledger."""

    pace: Limiter
    mirror: Mirror
    plan: Plan
    meter: Meter = field(default_factory=lambda: Meter(MemoryCounts()))


def share(settings: Settings) -> Shared:
    """Return what the workers share.

    Raises:
        ConfigurationError: no Redis is set.

    """
    client, name = make_client(settings), keys_of(settings)
    slots = RedisSlots(client, name=name)
    return Shared(
        pace=Limiter(slots, settings.rates, lease=settings.lease.total_seconds()),
        mirror=RedisMirror(client, name=name),
        plan=RedisPlan(client, name=name),
        meter=Meter(RedisCounts(client, name=name)),
    )


def make_spans(environ: Mapping[str, str] = os.environ) -> Spans:
    """Return what tells of traces: OpenTelemetry, where its standard variables ask for it.

    What is wrong with them is logged and costs the spans, never an answer.
    """
    if not _is_exported(environ):
        return SILENT
    try:
        from worker import otel  # noqa: PLC0415 - an extra, and dear to load

        return otel.make_spans(environ)
    except ImportError as error:
        _log.warning("traces_not_exported", problem=f"{error}; install autoreply[otel]")
    except (LookupError, ValueError) as error:
        _log.warning("traces_not_exported", problem=str(error))
    return SILENT


def _is_exported(environ: Mapping[str, str]) -> bool:
    """Say whether the variables name an exporter, or where traces go."""
    exporter = environ.get("OTEL_TRACES_EXPORTER", "")
    if exporter == "none" or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    places = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return bool(exporter) or any(environ.get(name) for name in places)


def make_pipeline(
    settings: Settings,
    ledger: Ledger,
    library: Library,
    shared: Shared | None = None,
    spans: Spans = SILENT,
) -> Pipeline:
    """Return the pipeline of a worker; see `contract_for` for what it shares with others.

    Raises:
        ConfigurationError: the API key is not set.

    """
    if not settings.api_key.get_secret_value():
        raise missing("api_key")
    meter = shared.meter if shared else Meter(MemoryCounts())
    return Pipeline(
        ledger=ledger,
        api_for=contract_for(settings, shared),
        templates=library.current,
        rules=Rules(
            mode=settings.mode,
            max_age=settings.max_age,
            settle=settings.settle,
            no_contract=needs_of(settings),
        ),
        following=partial(tracing.following, spans=spans, took=meter.took),
    )


def make_messenger(settings: Settings) -> Messenger:
    """Return what tells the operator.

    Raises:
        ConfigurationError: an address in AUTOREPLY_NOTIFY is none.

    """
    return Messenger(settings.notify, console=settings.console, workspace=settings.workspace)


def make_api(settings: Settings, shared: Shared | None = None) -> ApiClient:
    """Return a client of the provider that keeps the shared pace.

    Raises:
        ConfigurationError: no request can carry the key, or the URL is none.

    """
    shared_by_all: dict[str, Any] = (
        {"pace": Metered(shared.pace, shared.meter), "called": shared.meter.called}
        if shared
        else {}
    )
    return ApiClient(
        settings.api_url,
        settings.api_key.get_secret_value(),
        deadline=settings.http_timeout.total_seconds(),
        **shared_by_all,
    )


def contract_for(
    settings: Settings, shared: Shared | None = None
) -> Callable[[ReplyEvent], MailApi | None]:
    """Return what chooses the API that speaks an event's contract.

    Without what workers share, each call leaves at once, and each conversation is asked for.

    Raises:
        ConfigurationError: no request can carry the key, or the URL is none.

    """
    client = make_api(settings, shared)
    spoken = [_made(contract, client, shared) for contract in contracts_of(settings)]
    return lambda event: next((api for api in spoken if api.speaks(event)), None)


def _made(
    contract: type[LeadApi | EmailApi], client: ApiClient, shared: Shared | None
) -> LeadApi | EmailApi | MirroredApi:
    if shared and contract is EmailApi:
        return MirroredApi(client, shared.mirror, partial(shared.plan.ask, REFILL))
    return contract(client)


def needs_of(settings: Settings) -> str:
    """Say what a webhook lacks that no contract can speak about."""
    lacks = (f"{each.NEEDS}, which contract {each.NAME} needs" for each in contracts_of(settings))
    return f"the webhook lacks {', and '.join(lacks)}"


def contracts_of(settings: Settings) -> list[type[LeadApi | EmailApi]]:
    """Return the contracts that may be spoken; an event speaks the first one it can."""
    wanted = settings.api_contract
    return [each for each in (LeadApi, EmailApi) if wanted in ("auto", each.NAME)]

"""Which chores a workspace has, and which of them wait until the provider speaks their contract."""

import json
from collections.abc import Callable, Iterator

import httpx
import pytest
import redis
from integration.serving import client_of, running

from web.sandbox import create_app
from worker import upkeep
from worker.backfill import BACKFILL
from worker.bootstrap import share
from worker.chores import ChoreThread
from worker.contracts import webhook
from worker.hookhealth import HOOK
from worker.ledger.plan import RedisPlan
from worker.ledger.redis import RedisLedger
from worker.ledger.redis_mirror import RedisMirror
from worker.library import Library
from worker.mails import Page
from worker.mirror import REFILL
from worker.settings import load
from worker.writeback import WRITE_BACK

Chores = dict[str, ChoreThread]
Make = Callable[..., Chores]


@pytest.fixture
def sandbox() -> Iterator[httpx.Client]:
    with running(create_app()) as url, httpx.Client(base_url=url, trust_env=False) as http:
        yield http


@pytest.fixture
def make(
    sandbox: httpx.Client, redis_client: redis.Redis, valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Make]:  # fmt: skip
    with client_of(str(sandbox.base_url)) as client:
        monkeypatch.setattr(upkeep, "make_api", lambda *_: client)
        ledger = RedisLedger(redis_client, lease=60_000, retention=86_400_000)

        def made(**settings: str) -> Chores:
            given = {f"AUTOREPLY_{name.upper()}": value for name, value in settings.items()}
            own = load(given | {"AUTOREPLY_REDIS_URL": valkey_url, "AUTOREPLY_API_KEY": "k3y"})
            chores = upkeep.make_chores(
                own, ledger, Library(own.templates), share(own), lambda _: None
            )
            return {chore._chore.name: chore for chore in chores}

        yield made


def calls(sandbox: httpx.Client) -> set[str]:
    return set(sandbox.get("/sandbox/requests").json())


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, {REFILL, BACKFILL, HOOK, WRITE_BACK}),
        ({"api_contract": "email"}, {REFILL, BACKFILL, HOOK, WRITE_BACK}),
        ({"api_contract": "email", "mode": "hold"}, {REFILL, BACKFILL, HOOK, WRITE_BACK}),
        ({"api_contract": "email", "mode": "shadow"}, {REFILL, BACKFILL, HOOK}),
        ({"api_contract": "lead"}, {WRITE_BACK}),
    ],
)
def test_a_workspace_has_the_chores_of_its_contract_and_mode(
    make: Make, settings: dict[str, str], names: set[str]
) -> None:
    assert set(make(**settings)) == names


def test_a_provider_that_may_speak_another_contract_is_left_alone_until_it_shows(
    make: Make, sandbox: httpx.Client, redis_client: redis.Redis
) -> None:
    chores = make()
    for chore in chores.values():
        chore.tick()
    assert calls(sandbox) == set()

    mirror, plan = RedisMirror(redis_client), RedisPlan(redis_client)
    mirror.fill([], mirror.start(), Page())
    for name in (BACKFILL, HOOK):
        plan.ask(name)
        assert chores[name].tick()
    assert calls(sandbox) == {"GET /v2/webhooks 200", "GET /v2/webhook-events 200"}


def test_a_provider_that_is_known_to_speak_it_is_asked_from_the_start(
    make: Make, sandbox: httpx.Client
) -> None:
    chores = make(api_contract="email")
    for name in (BACKFILL, HOOK, REFILL):
        assert chores[name].tick()
    assert calls(sandbox) == {
        "GET /v2/webhooks 200", "GET /v2/webhook-events 200", "GET /v2/emails 200",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("contract", "lead_id", "asks"),
    [("auto", "", True), ("auto", "l-1", False), ("email", "l-1", True), ("lead", "l-1", False)],
)
def test_only_what_is_of_contract_email_is_written_back_and_nothing_piles_up(
    make: Make, sandbox: httpx.Client, redis_client: redis.Redis, contract: str, lead_id: str,
    asks: bool,  # noqa: FBT001 - an example
) -> None:  # fmt: skip
    ledger = RedisLedger(redis_client, lease=60_000, retention=86_400_000)
    payload = {
        "event_type": "reply_received", "email_id": "m-1", "lead_email": "ann@lead.example",
        "lead_id": lead_id, "reply_text": "Please remove me from your list.",
    }  # fmt: skip
    ledger.accept(webhook.parse(payload), json.dumps(payload))
    chore = make(api_contract=contract)[WRITE_BACK]
    while ledger.owed():
        assert chore.tick()
    assert bool(calls(sandbox)) is asks

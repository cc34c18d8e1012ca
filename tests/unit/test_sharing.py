"""What is put together for a worker: which API gets the mirror, and who fills it."""

from datetime import timedelta
from typing import Any

import pytest

from worker.bootstrap import Shared, contract_for, make_api
from worker.chores import ChoreThread
from worker.contracts import webhook
from worker.contracts.email.api import EmailApi
from worker.contracts.lead.api import LeadApi
from worker.domain.errors import Paced, TryLater
from worker.domain.rates import parse_rates
from worker.ledger.memory import MemoryLedger
from worker.ledger.memory_mirror import MemoryMirror
from worker.ledger.plan import MemoryPlan
from worker.ledger.slots import MemorySlots
from worker.library import Library
from worker.limiter import Limiter
from worker.mirror import REFILL, MirroredApi
from worker.settings import Settings, load
from worker.upkeep import make_chores

NOW = 1_790_000_000_000
BY_EMAIL = {"event_type": "reply_received", "email_id": "m", "email_account": "sam@ours.example"}


def settings(contract: str = "auto", **more: str) -> Settings:
    given = {"AUTOREPLY_API_KEY": "k3y", "AUTOREPLY_API_CONTRACT": contract}
    away = {"AUTOREPLY_API_URL": "http://127.0.0.1:9", "AUTOREPLY_REDIS_URL": "redis://127.0.0.1:1"}
    return load(given | away | more)


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger(lease=60_000, retention=86_400_000, now=lambda: NOW)


@pytest.fixture
def shared() -> Shared:
    pace = Limiter(MemorySlots(now=lambda: NOW), parse_rates("100/s"), lease=60.0)
    return Shared(pace=pace, mirror=MemoryMirror(now=lambda: NOW), plan=MemoryPlan(now=lambda: NOW))


def test_workers_read_the_published_api_from_the_mirror_and_the_other_directly(
    shared: Shared,
) -> None:
    api_for = contract_for(settings(), shared)
    assert isinstance(api_for(webhook.parse(BY_EMAIL)), MirroredApi)
    assert isinstance(api_for(webhook.parse(BY_EMAIL | {"lead_id": "lead-1"})), LeadApi)


def test_whoever_shares_nothing_asks_for_each_conversation() -> None:
    assert isinstance(contract_for(settings())(webhook.parse(BY_EMAIL)), EmailApi)


def test_every_call_of_a_worker_keeps_the_shared_pace(shared: Shared) -> None:
    shared.pace.hold("other", 60)
    with pytest.raises(Paced):
        make_api(settings(), shared).get("/v2/leads/lead-1/emails")


def refill(own: Settings, ledger: MemoryLedger, shared: Shared) -> ChoreThread:
    chores = make_chores(own, ledger, Library(own.templates), shared, lambda _: None)  # type: ignore[arg-type]  # as good
    return next(chore for chore in chores if chore._chore.name == REFILL)


def test_an_event_behind_the_mirror_has_it_filled_and_trouble_holds_everything(
    ledger: MemoryLedger, shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise TryLater("api_refused", wait=60.0, everyone=True, counts=False)

    chore = refill(settings(), ledger, shared)
    assert not chore.tick()
    api = contract_for(settings(), shared)(webhook.parse(BY_EMAIL))
    assert isinstance(api, MirroredApi)
    with pytest.raises(TryLater, match="mirror_behind"):
        api.thread(webhook.parse(BY_EMAIL))
    monkeypatch.setattr("worker.http.ApiClient.get", refuse)
    assert chore.tick()
    key = ledger.accept(webhook.parse(BY_EMAIL), "{}").key
    assert ledger.claim(key).hold_off == 60_000  # type: ignore[union-attr]
    assert shared.plan.ask(REFILL) == 60_000


def test_filling_outlasts_its_one_call(ledger: MemoryLedger, shared: Shared) -> None:
    chore = refill(settings(AUTOREPLY_HTTP_TIMEOUT="20"), ledger, shared)
    assert chore._chore.lease == timedelta(seconds=45)

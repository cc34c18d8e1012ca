"""The figures that need more than the ledger: calls, waits, deeds, webhook, templates, times."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from web.app import create_app
from web.metrics import Beside
from web.receiver import Desk, Receiver
from web.spool import Spool
from web.wsgi import make_beside
from worker.bootstrap import make_api, make_ledger, make_pipeline, share
from worker.clock import Clock
from worker.contracts.webhook import parse
from worker.domain.errors import TryLater
from worker.domain.model import Caps, Draft
from worker.domain.progress import State
from worker.embedded import free_port
from worker.hookhealth import HOOK
from worker.ledger.counts import RedisCounts
from worker.ledger.memo import RedisMemo
from worker.ledger.memory import MemoryLedger
from worker.ledger.redis import RedisLedger
from worker.library import Library
from worker.meter import Meter
from worker.ports import Attempt, Claim
from worker.settings import load
from worker.workspaces import Workspace

DRAFT = Draft(template="pricing", subject="Re: Hello", body="It depends.")


@pytest.fixture
def row(tmp_path: Path, valkey_url: str, redis_client: redis.Redis) -> Workspace:
    (tmp_path / "good.j2").write_text("---\nwhen: false\n---\nHi.\n", "utf-8")
    given = {"AUTOREPLY_REDIS_URL": valkey_url, "AUTOREPLY_TEMPLATES": str(tmp_path)}
    return Workspace(settings=load(given))


@pytest.fixture
def ledger(row: Workspace) -> RedisLedger:
    return make_ledger(row.settings)


@pytest.fixture
def client(row: Workspace, ledger: RedisLedger, tmp_path: Path) -> FlaskClient:
    return pages(ledger, tmp_path, {"": make_beside(row, ledger)})


def pages(
    ledger: RedisLedger | MemoryLedger, folder: Path, beside: dict[str, Beside]
) -> FlaskClient:
    spool = Spool(folder / "spool")
    desks = [Desk(ledger=ledger, secrets=["s"])]
    return create_app(
        ledgers={"": ledger},
        spool=spool,
        receiving=Receiver(desks=desks, publish=lambda _: None, spool=spool),
        ping_broker=lambda: None,
        queued=lambda: 0,
        beside=beside,
    ).test_client()


def samples(client: FlaskClient) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def value(client: FlaskClient, name: str, **labels: str) -> float:
    found = [v for n, have, v in samples(client) if n == name and labels.items() <= have.items()]
    assert len(found) == 1, found
    return found[0]


def arrives(ledger: RedisLedger) -> Claim:
    payload = {"event_type": "reply_received", "lead_id": "lead-1", "email_id": "mail-1"}
    claim = ledger.claim(ledger.accept(parse(payload), json.dumps(payload)).key)
    assert isinstance(claim, Claim)
    return claim


def test_the_times_to_answer_are_a_histogram(client: FlaskClient, ledger: RedisLedger) -> None:
    claim = arrives(ledger)
    caps = Caps(per_thread=None, per_template=None, per_lead_day=None)
    attempt = Attempt(draft=DRAFT, mail="mail-1", seen=frozenset(), mailbox="", caps=caps)
    assert ledger.sending(claim, attempt) is None
    ledger.close(claim, State.SENT, "posted")
    assert value(client, "autoreply_answer_seconds_bucket", le="60.0") == 1
    assert value(client, "autoreply_answer_seconds_bucket", le="+Inf") == 1
    assert value(client, "autoreply_answer_seconds_count") == 1
    assert 0 <= value(client, "autoreply_answer_seconds_sum") < 60


def test_how_things_stand_with_the_provider_is_told(
    client: FlaskClient, ledger: RedisLedger, redis_client: redis.Redis
) -> None:
    assert value(client, "autoreply_webhook_state", state="unknown") == 1
    assert value(client, "autoreply_api_hold_seconds", reason="") == 0
    ledger.close(arrives(ledger), State.SKIPPED, "automatic_reply", deeds=["away", "read"])
    ledger.hold_off(60_000, "api_refused", "HTTP 401")
    state = json.dumps({"status": "disabled", "at": "", "told": {}})
    RedisMemo(redis_client).remember(HOOK, state)
    assert value(client, "autoreply_deeds_owed") == 2
    assert 50 < value(client, "autoreply_api_hold_seconds", reason="api_refused") <= 60
    assert value(client, "autoreply_webhook_state", state="disabled") == 1
    assert value(client, "autoreply_webhook_state", state="unknown") == 0


def test_pauses_and_broken_templates_are_counted(
    client: FlaskClient, ledger: RedisLedger, tmp_path: Path
) -> None:
    assert value(client, "autoreply_template_problems") == 0
    assert value(client, "autoreply_paused") == 0
    ledger.pause("*")
    ledger.pause("campaign-1")
    (tmp_path / "bad.j2").write_text("---\nwhen: true\n---\n{{ no end\n", "utf-8")
    assert value(client, "autoreply_paused") == 2


def test_a_template_that_never_worked_is_counted(
    ledger: RedisLedger, row: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "bad.j2").write_text("---\nwhen: true\n---\n{{ no end\n", "utf-8")
    client = pages(ledger, tmp_path, {"": make_beside(row, ledger)})
    assert value(client, "autoreply_template_problems") == 1


def test_what_several_workers_count_is_summed_by_their_clocks(
    client: FlaskClient, ledger: RedisLedger, redis_client: redis.Redis
) -> None:
    for _ in range(2):
        meter = Meter(RedisCounts(redis_client))
        meter.called("GET", "/v2/leads/ann@lead.example/emails", "200")
        meter.waited("list", 0.25)
        meter.took("fetched", 0.25)
        clock = Clock(
            ledgers=[("", ledger)], wake=lambda _: True, queued=lambda: 0, threads=1, name="one",
            beats=[meter.pass_on],
        )  # fmt: skip
        clock.tick(100.0)
        clock.tick(104.0)
    route = "GET /v2/leads/{id}/emails"
    assert value(client, "autoreply_api_calls_total", route=route, status="200") == 2
    assert value(client, "autoreply_limiter_wait_seconds_count", kind="list") == 2
    assert value(client, "autoreply_limiter_wait_seconds_sum", kind="list") == 0.5
    stage = "autoreply_stage_seconds"
    assert value(client, f"{stage}_bucket", stage="fetched", le="0.1") == 0
    assert value(client, f"{stage}_bucket", stage="fetched", le="0.25") == 2
    assert value(client, f"{stage}_bucket", stage="fetched", le="+Inf") == 2
    assert value(client, f"{stage}_sum", stage="fetched") == 0.5


def test_counting_that_fails_keeps_nothing_from_being_woken(ledger: RedisLedger) -> None:
    def fails() -> None:
        raise RuntimeError

    arrives(ledger)
    ledger.close(claimed_again(ledger), State.FAILED, "http_404")
    ledger.retry("mail-1", "ann")
    woken: list[str] = []
    clock = Clock(
        ledgers=[("", ledger)], wake=lambda keys: woken.extend(keys) or True, queued=lambda: 0,
        threads=1, name="one", beats=[fails],
    )  # fmt: skip
    with pytest.raises(RuntimeError):
        clock.tick(100.0)
    assert woken == ["mail-1"]
    assert clock.tick(101.0) == 0


def claimed_again(ledger: RedisLedger) -> Claim:
    """Return a claim of the event that was claimed, as its holder has it."""
    record = ledger.record("mail-1")
    assert record
    return Claim(record=record, token=record.token)


def test_a_stopped_clock_passes_on_what_was_counted(
    ledger: RedisLedger, redis_client: redis.Redis
) -> None:
    counts = RedisCounts(redis_client)
    meter = Meter(counts)
    clock = Clock(
        ledgers=[("", ledger)], wake=lambda _: True, queued=lambda: 0, threads=1, name="one",
        beats=[meter.pass_on],
    )  # fmt: skip
    clock.stop()
    meter.called("GET", "/v2/emails", "200")
    clock.run()
    assert counts.all() == {("call", "GET /v2/emails", "200"): 1}


def test_figures_of_a_ledger_without_more_are_shown_all_the_same(tmp_path: Path) -> None:
    ledger = MemoryLedger(lease=60_000, retention=86_400_000)
    client = pages(ledger, tmp_path, {})
    assert value(client, "autoreply_deeds_owed") == 0
    assert value(client, "autoreply_answer_seconds_count") == 0


def test_the_calls_of_a_worker_are_counted_with_their_waits(
    row: Workspace, redis_client: redis.Redis
) -> None:
    given = {"api_key": SecretStr("k3y"), "api_url": f"http://127.0.0.1:{free_port()}"}
    settings = row.settings.model_copy(update=given)
    shared = share(settings)
    with pytest.raises(TryLater):
        make_api(settings, shared).get("/v2/emails")
    shared.meter.pass_on()
    counted = RedisCounts(redis_client).all()
    assert counted["call", "GET /v2/emails", "ConnectError"] == 1
    assert counted["waits", "list"] == 1


def test_the_stages_of_a_worker_are_counted_and_one_that_failed_is_in_the_whole(
    client: FlaskClient, row: Workspace, ledger: RedisLedger
) -> None:
    given = {"api_key": SecretStr("k3y"), "api_url": f"http://127.0.0.1:{free_port()}"}
    settings = row.settings.model_copy(update=given)
    shared = share(settings)
    payload = {"event_type": "reply_received", "lead_id": "lead-1", "email_id": "mail-1"}
    ledger.accept(parse(payload), json.dumps(payload))
    pipeline = make_pipeline(settings, ledger, Library(settings.templates), shared)
    assert pipeline.answer("mail-1") == "waiting api_away"
    shared.meter.pass_on()
    assert value(client, "autoreply_stage_seconds_count", stage="worked") == 1
    assert value(client, "autoreply_stage_seconds_sum", stage="worked") > 0
    assert "fetched" not in client.get("/metrics").text

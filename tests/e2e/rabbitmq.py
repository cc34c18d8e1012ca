"""RabbitMQ as a child process: a node of its own, below a folder of its own, on the loopback."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from e2e.system import eventually
from kombu import Connection

from worker.embedded import free_port

_PLACES = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
"""Debian's script in the path would change to a user of its own; the one behind it does not."""


def find_server() -> str | None:
    """Return the server's program, None where there is none."""
    found = next(filter(None, map(shutil.which, _PLACES)), None)
    return found if shutil.which("epmd") else None


class RabbitMQ:
    """A node with the register of names (epmd) that it needs."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._node: subprocess.Popen[bytes] | None = None
        self._names: subprocess.Popen[bytes] | None = None
        port = free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{port}//"
        (folder / "plugins").write_text("[].\n")
        self._environment = {
            **{name: v for name, v in os.environ.items() if not name.startswith("RABBITMQ_")},
            "HOME": str(folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(free_port()),
            "RABBITMQ_NODENAME": f"autoreply-{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none.conf"),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "+S 1:1 -kernel inet_dist_use_interface {127,0,0,1}"
            ),
        }

    def start(self) -> None:
        if self._names is None:
            self._names = self._run("epmd", shutil.which("epmd") or "")
        self._node = self._run("rabbitmq", find_server() or "")
        eventually(self._answers, within=60, every=0.3)

    def _run(self, name: str, program: str) -> "subprocess.Popen[bytes]":
        with (self._folder.parent / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [program],
                cwd=self._folder,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _answers(self) -> bool:
        with Connection(self.url, connect_timeout=2) as connection:
            connection.ensure_connection(max_retries=1, timeout=2)
        return True

    def signal(self, number: int) -> None:
        assert self._node
        os.killpg(self._node.pid, number)

    def stop(self) -> None:
        """Stop the node in an orderly way; its queues stay on disk."""
        if self._node:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            self._node.wait(60)
            self._node = None

    def end(self) -> None:
        self.stop()
        if self._names:
            self._names.terminate()
            self._names.wait(10)

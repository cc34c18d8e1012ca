"""What a running `autoreply up` tells the commands beside it."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from worker.domain.errors import ConfigurationError
from worker.settings import Settings, load
from worker.workspaces import chosen

SANDBOX_KEY: Final = "sandbox"
"""What the sandbox takes for an API key."""

SPOOL: Final = "spool"
"""The folder among the data in which the receiver keeps what the ledger could not take."""

_FILE: Final = "running.json"
_LOCK: Final = "lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The addresses of a running service; `sandbox_url` is "" where there is no sandbox."""

    redis_url: str
    webhook_secret: str
    web_url: str
    sandbox_url: str = ""


def write(data: Path, running: Running) -> None:
    """Leave the addresses in the data folder, readable by the owner only."""
    write_private(data / _FILE, json.dumps(asdict(running)))


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else can read, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def made_once(path: Path) -> str:
    """Return the secret that is kept in a file; made by whoever comes first, private."""
    with suppress(OSError):
        kept = path.read_text("utf-8").strip()
        if kept:
            return kept
    draft = path.with_name(f"{path.name}-{secrets.token_hex(8)}")
    write_private(draft, secrets.token_urlsafe(24) + "\n")
    try:
        with suppress(FileExistsError):
            os.link(draft, path)  # unlike a rename, this never replaces what another has made
    finally:
        draft.unlink(missing_ok=True)
    return path.read_text("utf-8").strip()


def remove(data: Path) -> None:
    """Say that the service is down."""
    (data / _FILE).unlink(missing_ok=True)


def find(data: Path) -> Running | None:
    """Return the addresses of the service that runs on this data folder, None without one."""
    try:
        if not _is_up(data):
            return None
        return Running(**json.loads((data / _FILE).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the data folder: two services on one append-only file would ruin it.

    Raises:
        ConfigurationError: the folder is in use, or none can be made there.

    """
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (data / _LOCK).open("w")
    except OSError as error:
        msg = f"AUTOREPLY_DATA={str(data)!r}: {error.strerror}; set it to a folder of its own"
        raise ConfigurationError(msg) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            msg = f"autoreply up runs on {data} already; stop it, or set AUTOREPLY_DATA"
            raise ConfigurationError(msg) from None
        yield


def _is_up(data: Path) -> bool:
    """Say whether somebody holds the data folder; after a crash only the file is left."""
    with (data / _LOCK).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


def spooled(data: Path) -> int:
    """Return how many bytes of webhooks wait on this machine's disk for the ledger."""
    try:
        return sum(path.stat().st_size for path in (data / SPOOL).iterdir() if path.is_file())
    except FileNotFoundError:  # no folder yet, or a file that was taken just now
        return 0


def load_beside(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings as a command beside a running service needs them.

    Where no Redis is set, the one of `autoreply up` on the same data folder is taken.

    Raises:
        ConfigurationError: a setting is wrong, or which workspace is meant is not said.

    """
    return chosen(load_all(environ))


def load_all(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of the whole service, like `load_beside`."""
    return with_redis(load(environ))


def with_redis(settings: Settings) -> Settings:
    """Return the settings; where no Redis is set, with that of `autoreply up` beside us."""
    running = None if settings.redis_url else find(settings.data)
    return settings.model_copy(update={"redis_url": running.redis_url}) if running else settings


def with_sandbox(settings: Settings) -> Settings:
    """Return the settings; without a key, those of the sandbox of `autoreply up` beside us."""
    if settings.api_key.get_secret_value():
        return settings
    beside = find(settings.data)
    if beside is None or not beside.sandbox_url:
        return settings
    given = {"api_url": beside.sandbox_url, "api_key": SecretStr(SANDBOX_KEY)}
    return settings.model_copy(update=given)

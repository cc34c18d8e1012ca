"""The store below the ledger: its client, its scripts, and what can go wrong with it."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import wraps
from importlib import resources
from typing import Any, ClassVar, Final, ParamSpec, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

from worker.domain.errors import LedgerAway, LedgerFull
from worker.domain.progress import AT_RISK, FINAL, LEGAL, RESTING, WAKEABLE
from worker.domain.record import RECORD_VERSION
from worker.domain.timing import BOUNDS
from worker.ledger import accounts

_SCRIPTS: Final = (
    "accept", "advance", "bind", "claim", "deed_end", "deed_put_off", "deed_take", "forget",
    "hold_off", "lift", "order", "quarantine", "release", "sending",
    "suppress", "sweep", "switch", "take_due", "unpark",
)  # fmt: skip
_SETS: Final = {"FINAL": FINAL, "RESTING": RESTING, "WAKEABLE": WAKEABLE, "AT_RISK": AT_RISK}
_TAKES_NOTHING: Final = ("MISCONF", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN", "BUSY")
"""The server's words for a full disk, too few replicas, or a state it has to leave first."""

P = ParamSpec("P")
R = TypeVar("R")


def connect(url: str, *, timeout: float = 2.0) -> redis.Redis:
    """Return a client that never repeats a command by itself and never hangs."""
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
    )


def answers(url: str) -> bool:
    """Say whether a server is there and done with loading."""
    with closing(connect(url, timeout=1.0)) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def away(call: Callable[P, R]) -> Callable[P, R]:
    """Turn a store that is gone, loading or full into `LedgerAway`."""

    @wraps(call)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            msg = f"the ledger does not answer: {error}"
            raise LedgerAway(msg) from error
        except redis.OutOfMemoryError as error:
            msg = f"the ledger is full: {error}"
            raise LedgerFull(msg) from error
        except redis.ReadOnlyError as error:
            msg = f"the ledger takes no more: {error}"
            raise LedgerAway(msg) from error
        except redis.ResponseError as error:
            if not str(error).startswith(_TAKES_NOTHING):
                raise
            msg = f"the ledger takes no more: {error}"
            raise LedgerAway(msg) from error
        except redis.RedisError as error:
            msg = f"the ledger's server does not speak Redis: {error}"
            raise LedgerAway(msg) from error

    return guarded


_SCRIPT_FOLDER: Final = resources.files("worker.ledger") / "scripts"


def _text(name: str) -> str:
    text = (_SCRIPT_FOLDER / f"{name}.lua").read_text("utf-8")
    legal = {before: dict.fromkeys(after, True) for before, after in LEGAL.items()}
    text = text.replace("@LEGAL@", json.dumps(legal))
    text = text.replace("@BOUNDS@", json.dumps(BOUNDS))
    for called, states in _SETS.items():
        text = text.replace(f"@{called}@", json.dumps(dict.fromkeys(sorted(states), True)))
    return text


class RedisKeys:
    """A workspace's keys, and the scripts that change them.

    Args:
        client: from `connect`.
        name: the workspace's row: keeps its keys apart, in one Redis Cluster slot.
        now: milliseconds since the epoch; replaces the server's clock in tests.

    """

    _preludes: ClassVar[Sequence[str]] = ("_base",)
    _names: ClassVar[Sequence[str]] = ()
    _epilogue: ClassVar = ""

    def __init__(
        self, client: redis.Redis, *, name: str = "default", now: Callable[[], int] | None = None
    ) -> None:
        self._redis: Any = client  # the client's types do not know of decoded answers
        self._prefix = f"autoreply:{{{name}}}:"
        self._now = now
        self._scripts: Mapping[str, Script] = {
            script: client.register_script(self._whole(script)) for script in self._names
        }

    def _whole(self, script: str) -> str:
        """Return a script between what stands before and after it."""
        before = "".join(map(_text, self._preludes))
        if not self._epilogue:
            return before + _text(script)
        return f"{before}local function script()\n{_text(script)}end\n{_text(self._epilogue)}"

    @away
    def _run(self, script: str, **arguments: object) -> Any:  # noqa: ANN401 - each script has its own answer
        if self._now:
            arguments["now"] = self._now()
        told = {name: value for name, value in arguments.items() if value is not None}
        return self._scripts[script](keys=[self._prefix], args=[json.dumps(told)])

    @away
    def _clock(self) -> int:
        if self._now:
            return self._now()
        seconds, micros = self._redis.time()
        return int(seconds) * 1000 + int(micros) // 1000


class RedisStore(RedisKeys):
    """The ledger's keys and scripts.

    Args:
        client: from `connect`.
        lease: milliseconds for which a claimed conversation is held.
        retention: milliseconds for which finished events are kept.
        name: the workspace's row: keeps its keys apart, in one Redis Cluster slot.
        now: milliseconds since the epoch; replaces the server's clock in tests.

    """

    _preludes = ("_base", "_prelude")
    _names = _SCRIPTS
    _epilogue = "_epilogue"

    def __init__(
        self,
        client: redis.Redis,
        *,
        lease: int,
        retention: int,
        name: str = "default",
        now: Callable[[], int] | None = None,
    ) -> None:
        super().__init__(client, name=name, now=now)
        self._answered_lifetime = max(2 * retention, accounts.ANSWERED_FOR_MS)
        self._common: Mapping[str, int] = {
            "lease": lease,
            "retention": retention,
            "version": RECORD_VERSION,
            "answered_lifetime": self._answered_lifetime,
        }

    def _run(self, script: str, **arguments: object) -> Any:  # noqa: ANN401 - each script has its own answer
        return super()._run(script, **self._common, **arguments)

"""What has to be done again and again, by one worker at a time: each chore has a thread.

When a chore is next done is in the store that all workers share, so it survives every
restart; who does it holds it for the length of a lease, so it outlives every crash.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

import structlog

from worker.domain.durations import milliseconds
from worker.domain.errors import AutoreplyError, LedgerAway, TryLater

LOOK_EVERY: Final = 0.25
"""Seconds between two looks at whether a chore is due."""

_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 300.0
_STOP_WITHIN: Final = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """Something to do.

    Attributes:
        name: the same in every worker.
        run: does it; returns the seconds until it wants to go on, None where it is done.
        every: how long after it was done it is due again; None: only when it is asked for.
        lease: how long a worker has for it, before another one may begin.

    """

    name: str
    run: Callable[[], float | None]
    every: timedelta | None
    lease: timedelta


class Plan(Protocol):
    """When chores are due, for all workers. Every method is one atomic step."""

    def take(self, name: str, *, every: int | None, lease: int) -> int:
        """Take a chore that is due; return the token that ends it, 0 where it is not due.

        One that nobody knows yet is due at once, unless it is only done when asked for.
        `every` and `lease` in milliseconds.
        """
        ...

    def done(self, name: str, token: int, *, pause: int | None, asked: bool = True) -> None:
        """Give a chore back, due again after a pause in milliseconds; None is when asked for.

        Where it was asked for meanwhile, it is due at once, unless `asked` says that the
        pause holds all the same. A token of the past changes nothing.
        """
        ...

    def ask(self, name: str) -> int:
        """Have a chore done as soon as it may; return in how many milliseconds that is."""
        ...


class ChoreThread(threading.Thread):
    """Does one chore whenever it is due and no other worker has it.

    Args:
        chore: what to do.
        plan: shared by all workers.
        trouble: hears of what went wrong with the provider.

    """

    def __init__(
        self, chore: Chore, plan: Plan, *, trouble: Callable[[TryLater, float], None]
    ) -> None:
        super().__init__(name=f"chore-{chore.name}", daemon=True)
        self._chore = chore
        self._every = None if chore.every is None else milliseconds(chore.every)
        self._plan = plan
        self._trouble = trouble
        self._failed = 0
        self._over = threading.Event()

    def run(self) -> None:
        """Look, and do what is due, until stopped; trouble only slows it down."""
        pause = 0.0
        while not self._over.wait(pause):
            try:
                pause = 0.0 if self.tick() else LOOK_EVERY
            except LedgerAway as error:
                _log.warning("chore_waits", chore=self._chore.name, problem=str(error))
                pause = _FIRST_PAUSE
            except Exception:  # noqa: BLE001 - a chore that stumbles is tried again
                _log.exception("chore_stumbled", chore=self._chore.name)
                pause = _FIRST_PAUSE

    def tick(self) -> bool:
        """Do the chore if it is due; say whether it was."""
        lease = milliseconds(self._chore.lease)
        token = self._plan.take(self._chore.name, every=self._every, lease=lease)
        if not token:
            return False
        try:
            wait = self._chore.run()
        except LedgerAway:
            raise  # nobody can be told: the lease runs out
        except Exception as error:  # noqa: BLE001 - the next run may go well
            self._put_off(token, error)
            return True
        self._failed = 0
        pause = self._every if wait is None else round(1000 * wait)
        self._plan.done(self._chore.name, token, pause=pause)
        return True

    def _put_off(self, token: int, error: Exception) -> None:
        """Try again later, at growing intervals; asking for it does not make that sooner."""
        growing = min(_FIRST_PAUSE * 2 ** min(self._failed, 16), _LONGEST_PAUSE)
        wait = growing
        if isinstance(error, TryLater):
            wait = growing if error.wait is None else error.wait
            self._trouble(error, wait)
        if isinstance(error, AutoreplyError):
            _log.info("chore_put_off", chore=self._chore.name, why=str(error), wait=wait)
        else:
            _log.error("chore_failed", chore=self._chore.name, exc_info=error)
        self._failed += not isinstance(error, TryLater) or error.counts
        self._plan.done(self._chore.name, token, pause=round(1000 * wait), asked=False)

    def stop(self) -> None:
        """End the thread, once what it has in hand is done; else the lease has to run out."""
        self._over.set()
        if self.is_alive():
            self.join(_STOP_WITHIN)

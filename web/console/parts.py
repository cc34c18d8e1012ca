"""What the console asks: everything comes in from outside, so that it decides nothing."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from web.console.security import Door
from worker.domain.deciding import policy_of
from worker.domain.guards import Policy
from worker.domain.model import Mode, ReplyEvent
from worker.domain.rules import Templates
from worker.ports import Ledger

UNDO_MS: Final = 10_000
"""How long an approved answer waits, so that a slip can be taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """The parts of the console.

    Attributes:
        ledger: the truth about events.
        door: who may come in.
        templates: the rules as they are now, with their problems.
        changes: when each template file was changed last (seconds since the epoch).
        checks: each part of the service → `ok`, or what is wrong with it.
        wake: queues an event; must not wait.
        spooled: how many bytes wait on this machine's disk.
        hook: the state of our webhook at the provider.
        speaks: whether any API can carry an answer to an event.
        mode: what the operator lets happen to drafts.
        max_age: how old a mail may be to be answered.
        flower_url: where the queue is shown; "" for nowhere.
        clock: seconds since the epoch.

    """

    ledger: Ledger
    door: Door
    templates: Callable[[], Templates]
    changes: Callable[[], Mapping[str, float]] = field(default=dict)
    checks: Callable[[], Mapping[str, str]] = field(default=dict)
    wake: Callable[[str], None] = lambda _: None
    spooled: Callable[[], int] = lambda: 0
    hook: Callable[[], str] = lambda: "unknown"
    speaks: Callable[[ReplyEvent], bool] = lambda _: True
    mode: Mode = Mode.SEND
    max_age: timedelta = timedelta(hours=72)
    flower_url: str = ""
    clock: Callable[[], float] = time.time

    def now_ms(self) -> int:
        """Return the present moment (milliseconds since the epoch)."""
        return int(self.clock() * 1000)

    def policy(self, templates: Templates) -> Policy:
        """Return what the operator allows."""
        return policy_of(templates, self.max_age)

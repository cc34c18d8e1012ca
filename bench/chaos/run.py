"""One run from the first webhook to the audit."""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx
from e2e.system import System

from chaos.audit import AT_WORK, Findings, compare
from chaos.mails import Call, planned
from chaos.sender import Sender
from chaos.trouble import Trouble
from worker.domain.errors import LedgerAway

WORKERS: Final = 3
SETTINGS: Final[Mapping[str, str]] = {
    "AUTOREPLY_HTTP_TIMEOUT": "1",
    "AUTOREPLY_LEASE": "3",
    "AUTOREPLY_SETTLE": "8",
    "AUTOREPLY_CONCURRENCY": "4",
}
_RECOVERS_WITHIN: Final = 120.0
_STEP: Final = 0.05
_LOOK_EVERY: Final = 0.25
_ALL: Final = 1_000_000

Watch = Callable[[str, float], None]
"""Is told what is going on, and for how many seconds already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was done, and what came of it.

    `trouble`, `faults`: kind → how often. `ended`: processes that ended by themselves.
    `recovery`: seconds from the last trouble until nothing was left to do; None for never.
    """

    mails: int
    deliveries: int
    accepted: int
    answers: Counter[int]
    trouble: Counter[str]
    faults: Counter[str]
    ended: list[str]
    recovery: float | None
    findings: Findings


def chaos(
    system: System, *, seconds: float, per_second: float, seed: int, watch: Watch = lambda *_: None
) -> Report:
    """Break a running system for so many seconds, let it recover, and audit it."""
    dice = random.Random(seed)
    sender = Sender(
        lambda call: system.deliver(call.payload),
        lambda call: _announce(system, call),
        planned(seconds, per_second, dice),
    )
    trouble = Trouble(system, seconds, dice)
    sender.start()
    try:
        _break(trouble, seconds, watch)
        trouble.calm()
        recovery = _recover(system, sender, trouble, watch)
    finally:
        sender.stop()
    return Report(
        mails=len(sender.mails),
        deliveries=sender.deliveries,
        accepted=len(sender.accepted),
        answers=sender.answers,
        trouble=trouble.done,
        faults=trouble.faults,
        ended=trouble.ended,
        recovery=recovery,
        findings=compare(sender.accepted, system.ledger.records(None, _ALL), system.replies()),
    )


def _announce(system: System, call: Call) -> httpx.Response:
    url = f"{system.sandbox}/sandbox/leads/{call.lead}/inbound"
    return system.sender.post(url, json=call.payload)


def _break(trouble: Trouble, seconds: float, watch: Watch) -> None:
    started = time.monotonic()
    while (passed := time.monotonic() - started) < seconds:
        trouble.step(passed)
        watch("trouble", passed)
        time.sleep(_STEP)


def _recover(system: System, sender: Sender, trouble: Trouble, watch: Watch) -> float | None:
    started = time.monotonic()
    ledger = system.ledger
    while (passed := time.monotonic() - started) < _RECOVERS_WITHIN:
        trouble.restart_ended()
        watch("recovery", passed)
        try:
            counts = ledger.counts()
        except LedgerAway:
            counts = {}
        is_empty = not any(counts.get(state) for state in AT_WORK)
        if sender.is_done and is_empty and sum(counts.values()) >= len(sender.accepted):
            return passed
        time.sleep(_LOOK_EVERY)
    return None

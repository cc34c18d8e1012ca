"""Is everything well? One light for each part, with what to do where it is not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from web.console.parts import Console
from web.console.words import span
from worker.ports import Ledger

_LATE_MS: Final = 120_000
_QUIET_MS: Final = 24 * 3_600_000

Colour = Literal["good", "fair", "bad"]


@dataclass(frozen=True, slots=True)
class Light:
    """A part of the service, how it is, and in words why."""

    name: str
    colour: Colour
    told: str


def lights(console: Console) -> list[Light]:
    """Look at every part."""
    return [
        *_checked(console),
        _webhook(console),
        _api(console.ledger),
        _clock(console.ledger),
        _templates(console),
        _spool(console),
    ]


def _checked(console: Console) -> Iterator[Light]:
    for name, state in console.checks().items():
        yield Light(name.capitalize(), "good" if state == "ok" else "bad", state)


def _webhook(console: Console) -> Light:
    newest = console.ledger.records(None, 1)
    if not newest:
        return Light("Webhook", "fair", "none so far: point Instantly at POST /webhooks/instantly")
    passed = console.now_ms() - newest[0].received_at
    told = f"last one {span(passed / 1000)} ago"
    return Light("Webhook", "fair" if passed > _QUIET_MS else "good", told)


def _api(ledger: Ledger) -> Light:
    left = ledger.held_off()
    if not left:
        return Light("API", "good", "ok")
    return Light("API", "bad", f"left alone for {span(left / 1000)}: check the key and the plan")


def _clock(ledger: Ledger) -> Light:
    planned, late = ledger.due()
    if late > _LATE_MS:
        return Light("Due", "bad", f"the oldest is {span(late / 1000)} late: start more workers")
    return Light("Due", "good", f"{planned} planned, none late")


def _templates(console: Console) -> Light:
    found = console.templates().problems
    if found:
        return Light("Templates", "bad", str(found[0]))
    return Light("Templates", "good", f"{len(console.templates().rules)} in use")


def _spool(console: Console) -> Light:
    waits = console.spooled()
    if waits:
        return Light("Spool", "fair", f"{waits} bytes wait on disk for the ledger")
    return Light("Spool", "good", "empty")

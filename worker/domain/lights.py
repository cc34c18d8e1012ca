"""Is a part of the service well? In a colour, and in words that say what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from worker.domain.durations import span

LATE_MS: Final = 120_000
"""Planned work that is later than this says that there are too few workers."""

_QUIET_MS: Final = 24 * 3_600_000

Colour = Literal["good", "fair", "bad"]


@dataclass(frozen=True, slots=True)
class Light:
    """A part of the service, how it is, and in words why."""

    name: str
    colour: Colour
    told: str


def checked(name: str, state: str) -> Light:
    """Judge a part that says `ok`, or what is wrong with it."""
    return Light(name.capitalize(), "good" if state == "ok" else "bad", state)


def webhook(quiet_ms: int | None, status: str = "") -> Light:
    """Judge how deliveries come in.

    Args:
        quiet_ms: since the last one; None where there was none so far.
        status: what the provider says of our webhook: `active`, `disabled` or `missing`; any
            other says nothing.

    """
    if status == "disabled":
        return Light("Webhook", "bad", "disabled at the provider: see autoreply webhook list")
    if status == "missing":
        return Light("Webhook", "bad", "none leads to us: do autoreply webhook register URL")
    if quiet_ms is None:
        return Light("Webhook", "fair", "none so far: point Instantly at POST /webhooks/instantly")
    told = f"last one {span(quiet_ms / 1000)} ago"
    return Light("Webhook", "fair" if quiet_ms > _QUIET_MS else "good", told)


def api(left_ms: int) -> Light:
    """Judge the provider's API, which is left alone for so long."""
    if not left_ms:
        return Light("API", "good", "ok")
    return Light("API", "bad", f"left alone for {span(left_ms / 1000)}: check the key and the plan")


def due(planned: int, late_ms: int) -> Light:
    """Judge what is planned, by how late the oldest of it is."""
    if late_ms > LATE_MS:
        return Light("Due", "bad", f"the oldest is {span(late_ms / 1000)} late: start more workers")
    return Light("Due", "good", f"{planned} planned, none late")


def spool(waits: int) -> Light:
    """Judge the disk of the receiver, on which so many bytes wait for the ledger."""
    if waits:
        return Light("Spool", "fair", f"{waits} bytes wait on disk for the ledger")
    return Light("Spool", "good", "empty")


def templates(problems: Sequence[object], used: int) -> Light:
    """Judge the templates."""
    if problems:
        return Light("Templates", "bad", str(problems[0]))
    return Light("Templates", "good", f"{used} in use")

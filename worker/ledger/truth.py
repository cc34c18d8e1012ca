"""Does the server keep what the ledger promises? Judged from what it says of itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["error", "warning"]
Problem = tuple[Severity, str]

_OLDEST: Final = (6, 2)
_MOST_SKEW: Final = 2.0
_NEARLY_FULL: Final = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """A server's own words; "" or None where it does not say.

    Attributes:
        version: like `7.2.4`.
        appendonly: `yes` or `no`.
        appendfsync: `always`, `everysec` or `no`.
        last_write: `ok`, or how the last write to the append-only file ended.
        policy: what goes when the memory is full.
        used: bytes of memory in use.
        most: bytes of memory allowed; 0 is no limit.
        skew: seconds by which the server's clock is ahead of this host's.

    """

    version: str = ""
    appendonly: str = ""
    appendfsync: str = ""
    last_write: str = ""
    policy: str = ""
    used: int | None = None
    most: int | None = None
    skew: float = 0.0


def problems(truth: Truth) -> list[Problem]:
    """Return what is wrong: errors lose events, warnings may, each with what to do."""
    return [*_version(truth), *_persistence(truth), *_memory(truth), *_clock(truth)]


def _version(truth: Truth) -> Iterator[Problem]:
    numbers = truth.version.split(".")[:2]
    if not all(number.isdecimal() for number in numbers):
        yield "warning", "the server does not say its version; 6.2 or newer is needed"
    elif tuple(map(int, numbers)) < _OLDEST:
        yield "error", f"the server is version {truth.version}; 6.2 or newer is needed"


def _persistence(truth: Truth) -> Iterator[Problem]:
    wanted: tuple[tuple[Severity, str, str, str, str], ...] = (
        ("error", "appendonly", truth.appendonly, "yes", "a crash of the server loses events"),
        ("warning", "appendfsync", truth.appendfsync, "always", "a power cut may lose events"),
        ("error", "maxmemory-policy", truth.policy, "noeviction", "a full server drops events"),
    )
    for severity, name, found, right, otherwise in wanted:
        if not found:
            yield "warning", f"{name} is unknown, the server does not say: it should be {right}"
        elif found != right:
            yield severity, f"{name} is {found}: {otherwise}; set {name} {right}"
    if truth.last_write not in ("", "ok"):
        yield "error", f"the last write to the append-only file ended {truth.last_write}: no space?"


def _memory(truth: Truth) -> Iterator[Problem]:
    if truth.used is None or not truth.most:
        return
    if truth.used >= truth.most:
        yield "error", f"all of maxmemory ({truth.most} bytes) is in use: raise it"
    elif truth.used > _NEARLY_FULL * truth.most:
        yield "warning", f"{truth.used / truth.most:.0%} of maxmemory is in use: raise it in time"


def _clock(truth: Truth) -> Iterator[Problem]:
    if abs(truth.skew) > _MOST_SKEW:
        way = "ahead of" if truth.skew > 0 else "behind"
        yield (
            "warning",
            f"the server's clock is {abs(truth.skew):.1f} s {way} this host's: synchronise both",
        )

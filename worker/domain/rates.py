"""How often an API may be called: `100/s,6000/m` as data, and as the spacing that keeps it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}
_RATE: Final = re.compile(r"\s*(\d{1,9})\s*/\s*([smh])\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls, at most, within any span of so many seconds."""

    calls: int
    seconds: int


def parse_rates(text: str) -> tuple[Rate, ...]:
    """Read `100/s`, or several with commas between: each of them holds.

    Raises:
        ValueError: with what is wrong and how it is written right.

    """
    return tuple(_rate(part) for part in text.split(","))


def _rate(text: str) -> Rate:
    match = _RATE.fullmatch(text)
    if match is None or int(match[1]) == 0:
        msg = f"{text.strip()!r} is no rate; write 100/s, 6000/m or 9000/h, several with commas"
        raise ValueError(msg)
    return Rate(int(match[1]), _SECONDS[match[2].lower()])


def spacing(rates: Sequence[Rate], *, free: float = 0.0) -> float:
    """Return the milliseconds between two calls that keep within all the rates.

    Evenly spaced calls keep every window at once, wherever it begins: the strictest rate
    decides alone. `free` is the part of each window that is left free, since calls do not
    arrive as evenly as they leave.
    """
    return max(1000 * rate.seconds * (1 + free) / rate.calls for rate in rates)


def room(rates: Sequence[Rate], *, free: float) -> float:
    """Return by how many milliseconds a call may be late that is spaced like that."""
    return min(1000 * rate.seconds * free for rate in rates)

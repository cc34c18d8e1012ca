"""When an answer leaves: arithmetic only, with the clock and the dice as arguments."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW: Final = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?\s+(?P<start>\d\d?:\d\d)-(?P<end>\d\d?:\d\d)"
)
_MIDNIGHT: Final = "24:00"
_DAYS_AHEAD: Final = 15
"""Two weeks: the hour that the clocks skip can swallow a window of a single day."""


@dataclass(frozen=True, slots=True)
class Window:
    """Opening times of some weekdays (Monday is 0); `end` is not part of it."""

    days: frozenset[int]
    start: time
    end: time | None
    """None is the end of the day."""


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours in which answers may leave, on the clock on somebody's wall.

    `text`: how they were written.
    """

    windows: tuple[Window, ...]
    text: str = field(default="", compare=False)

    @classmethod
    def parse(cls, text: str) -> "Hours":
        """Read `Mon-Fri 09:00-17:30`, or several of them with commas between.

        Raises:
            ValueError: with what is wrong and how it is written right.

        """
        return cls(tuple(_window(part) for part in text.split(",")), text)

    def next_open(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """Return the moment itself, or the next one at which a window opens (UTC)."""
        local = moment.astimezone(zone)
        openings = (
            self._opening(window, local, local + timedelta(days=ahead), zone)
            for ahead in range(_DAYS_AHEAD)
            for window in self.windows
        )
        return min(opening for opening in openings if opening is not None)

    @staticmethod
    def _opening(window: Window, now: datetime, day: datetime, zone: ZoneInfo) -> datetime | None:
        if day.weekday() not in window.days:
            return None
        opens = _on_the_wall(day, window.start, zone)
        closes = _on_the_wall(
            day if window.end else day + timedelta(days=1), window.end or time(), zone
        )
        moment = max(now.astimezone(UTC), opens)
        return moment if moment < closes else None


def _on_the_wall(day: datetime, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day.date(), at, zone).astimezone(UTC)


def _window(text: str) -> Window:
    match = _WINDOW.fullmatch(text.strip().lower())
    if match is None or match["first"] not in _DAYS or (match["last"] or "mon") not in _DAYS:
        msg = f"{text.strip()!r} are no hours; write them like Mon-Fri 09:00-17:30"
        raise ValueError(msg)
    start = time.fromisoformat(match["start"].zfill(5))
    end = None if match["end"] == _MIDNIGHT else time.fromisoformat(match["end"].zfill(5))
    if end is not None and start >= end:
        msg = f"{text.strip()!r} ends before it starts; split it at midnight (…-24:00)"
        raise ValueError(msg)
    return Window(_day_span(match["first"], match["last"]), start, end)


def _day_span(first: str, last: str | None) -> frozenset[int]:
    start, end = _DAYS.index(first), _DAYS.index(last or first)
    return frozenset((start + step) % 7 for step in range((end - start) % 7 + 1))


def parse_zone(name: str) -> ZoneInfo | None:
    """Return the time zone of that name (`Europe/Berlin`), None where there is none."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def dice(key: str) -> float:
    """Return a number in [0, 1) that belongs to the event: thrown once, the same for ever."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6]) / 2**48


def send_at(
    received: datetime,
    now: datetime,
    *,
    delay: tuple[timedelta, timedelta],
    thrown: float,
    hours: Hours | None,
    zone: ZoneInfo,
) -> datetime:
    """Return when the answer to a mail leaves; never in the past (UTC).

    Args:
        received: when the event was accepted; the delay counts from here.
        now: the present moment.
        delay: shortest and longest delay.
        thrown: the event's `dice`, in [0, 1): where in the range its delay lies.
        hours: the opening hours, None for any hour.
        zone: whose clock the hours are on.

    """
    low, high = delay
    earliest = max(now, received + low + (high - low) * thrown)
    return hours.next_open(earliest, zone) if hours else earliest

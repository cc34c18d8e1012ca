"""When an answer leaves: arithmetic only, with the clock and the dice as arguments."""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, filterfalse
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW: Final = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?\s+(?P<start>\d\d?:\d\d)-(?P<end>\d\d?:\d\d)"
)
_MIDNIGHT: Final = "24:00"
_DAYS_AHEAD: Final = 366
"""A year: weeks of holidays, and the hour that the clocks skip, can swallow a window."""

Closed = Callable[[date], bool]
"""Says of a day whether it is a holiday."""


def no_holiday(_: date) -> bool:
    """Stand for a calendar without holidays."""
    return False


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

    def next_open(self, moment: datetime, zone: ZoneInfo, closed: Closed = no_holiday) -> datetime:
        """Return the moment itself, or the next one at which a window opens (UTC).

        Nothing opens on a day that is `closed`. Hours that for a whole year fall on such days
        only are kept as they stand: an answer must not wait for ever.
        """
        today = moment.astimezone(zone).date()
        days = [today + timedelta(days=ahead) for ahead in range(_DAYS_AHEAD)]
        in_turn = chain(filterfalse(closed, days), days)
        openings = (self._opening(day, moment.astimezone(UTC), zone) for day in in_turn)
        return next(filter(None, openings))

    def _opening(self, day: date, now: datetime, zone: ZoneInfo) -> datetime | None:
        """Return the first moment of a day, from now on, at which one of its windows is open."""
        found = (
            max(now, opens)
            for window in self.windows
            if day.weekday() in window.days
            for opens, closes in [_on_the_wall(window, day, zone)]
            if max(now, opens) < closes
        )
        return min(found, default=None)


def _on_the_wall(window: Window, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when a window opens and closes on a day (UTC)."""
    last = day if window.end else day + timedelta(days=1)
    return wall_time(day, window.start, zone), wall_time(last, window.end or time(), zone)


def wall_time(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return when the clock on the wall first shows a time, or jumps over it (UTC)."""
    wanted = datetime.combine(day, at)
    first, last = sorted(wanted.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))

    def is_before(second: int) -> bool:
        return (first + timedelta(seconds=second)).astimezone(zone).replace(tzinfo=None) < wanted

    if not is_before(0):  # not skipped; of a doubled hour, the first
        return first
    skipped = range(round((last - first).total_seconds()))
    return first + timedelta(seconds=bisect_left(skipped, 1, key=lambda s: not is_before(s)))


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
    closed: Closed = no_holiday,
    undo_until: datetime | None = None,
) -> datetime:
    """Return when the answer to a mail leaves; never in the past (UTC).

    Args:
        received: when the event was accepted; the delay counts from here.
        now: the present moment.
        delay: shortest and longest delay.
        thrown: the event's `dice`, in [0, 1): where in the range its delay lies.
        hours: the opening hours, None for any hour on any day.
        zone: whose clock the hours are on.
        closed: the days on which nothing leaves, whatever the hours.
        undo_until: until when a person may still say no.

    """
    low, high = delay
    earliest = max(now, received + low + (high - low) * thrown, undo_until or now)
    return hours.next_open(earliest, zone, closed) if hours else earliest


OFFICE_HOURS: Final = Hours.parse("Mon-Fri 09:00-17:00")
"""The business days of whoever has set no hours."""


def resume_at(
    back: date, *, hours: Hours | None, zone: ZoneInfo, closed: Closed = no_holiday
) -> datetime:
    """Return when to write to somebody who is back on a day: one business day later (UTC).

    That is the first opening after the day of the return, which is for their full inbox.
    """
    morning = wall_time(back + timedelta(days=1), time(), zone)
    return (hours or OFFICE_HOURS).next_open(morning, zone, closed)

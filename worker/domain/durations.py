"""Durations as people write them: `90s`, `5m`, `2h`, `7d`; a bare number is seconds."""

import re
from datetime import timedelta
from typing import Final

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}
_DURATION: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", re.IGNORECASE)

_LARGE: Final = ((86400, "day"), (3600, "hour"), (60, "minute"))


def parse_duration(value: object) -> timedelta:
    """Read one duration.

    Raises:
        ValueError: when it is neither a number of seconds nor a number with a unit.

    """
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(str(value))
    if match is None or isinstance(value, bool):
        msg = f"{value!r} is no duration; write 90s, 5m, 2h or 7d"
        raise ValueError(msg)
    try:
        return timedelta(seconds=float(match[1]) * _SECONDS[match[2].lower()])
    except OverflowError:
        msg = f"{value!r} is longer than a calendar reaches"
        raise ValueError(msg) from None


def parse_range(value: object) -> tuple[timedelta, timedelta]:
    """Read `3m..9m`, or one duration for both ends.

    Raises:
        ValueError: when an end is no duration, or the range runs backwards.

    """
    low, dots, high = str(value).partition("..")
    ends = parse_duration(low), parse_duration(high if dots else low)
    if ends[0] > ends[1]:
        msg = f"{value!r} runs backwards; write the shorter duration first"
        raise ValueError(msg)
    return ends


def milliseconds(duration: timedelta) -> int:
    """Return a duration in whole milliseconds."""
    return round(duration.total_seconds() * 1000)


def in_words(duration: timedelta) -> str:
    """Return a duration as people write it: `90s`, `4m 10s`, `2h`, `3d 4h`; two parts at most."""
    left, parts = round(duration.total_seconds()), []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    return " ".join(parts[:2]) or "0s"


def span(seconds: float) -> str:
    """Return a length of time as people say it, in one unit: `42 s`, `5 minutes`, `1 day`."""
    for size, unit in _LARGE:
        count = int(seconds // size)
        if count >= 1:
            return f"{count} {unit}{'s' * (count > 1)}"
    return f"{max(int(seconds), 0)} s"

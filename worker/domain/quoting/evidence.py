"""Addresses, dates and times of day, as they stand in the lines of any language."""

import re
from typing import Final

_ADDRESS: Final = re.compile(r"[^\s<>()\[\]@:;,\"']{1,64}@[^\s<>()\[\]@]{1,250}\w")
_DATE: Final = re.compile(
    r"(?<!\d)(?:\d{1,4}\s?[./-]\s?\d{1,2}\s?[./-]\s?\d{1,4}|(?:19|20|25)\d\d)(?![\d:])"
)
"""A date in numbers, or a year; 25 begins the years of Thailand."""
_TIME: Final = re.compile(
    r"(?<![\d.])(?:\d{1,2}[:.h]\d\d(?![\d.]\d)|\d{1,2}[:.]\d\d[:.]\d\d(?!\d))|\d\s?[時时점點点시]"
)
_EARLY_DIGIT: Final = re.compile(r"(?:[^\s\d]+\s+){0,4}[^\s\d]{0,8}\d")

Found = re.Match[str]


def address_in(text: str) -> Found | None:
    """Find the first e-mail address of a short text."""
    return _ADDRESS.search(text)


def date_in(text: str) -> Found | None:
    """Find the first date, or year, of a short text."""
    return _DATE.search(text)


def time_in(text: str) -> Found | None:
    """Find the first time of day of a short text."""
    return _TIME.search(text)


def is_dated(text: str) -> bool:
    """Say whether a short text has a date, with its year, and a time of day beside it."""
    date = _DATE.search(text)
    return date is not None and any(
        time.start() >= date.end() or time.end() <= date.start() for time in _TIME.finditer(text)
    )


def begins_with_digits(text: str) -> bool:
    """Say whether a digit stands among the first words, as where a date opens a line."""
    return _EARLY_DIGIT.match(text) is not None

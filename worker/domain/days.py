"""The days that a text names, in the ways of many languages.

Nothing is guessed: what can be read as two days, or lies too far away, is a day without a date.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from worker.domain.day_forms import forms, months, weekdays

MOST_AHEAD: Final = timedelta(days=184)
"""A date further away is a slip, a parental leave, or last year's note."""

_SOON: Final = timedelta(days=21)
"""“The 3rd”, read on the 4th, is a note that nobody took down, not next month's day."""

_MONTH_FIRST: Final = frozenset({"ja", "zh", "ko", "hu", "lt"})
_EITHER: Final = frozenset({"en", ""})
_MONTHS_OF_A_YEAR: Final = 12
_DAYS_OF_A_WEEK: Final = 7
_TIMES: Final = frozenset({"um", "kl", "klo", "at", "alle", "ore", "ab", "gegen"})
_BESIDE: Final = re.compile(r"[\s,.(]*(?:(?:the|den|dem|der|le|el|il|o|dia|em|d|d\.)\s)?[\s(]*")


@dataclass(frozen=True, slots=True)
class Mention:
    """A day that is named.

    Attributes:
        start: where it stands (characters of the text); `end` is not part of it.
        readings: the dates that it can mean; none where no calendar has it.
        weekday: Monday is 0; set where no date is named, only a weekday.
        closes: it ends a span such as “4–18 September”.
        week: it names a week; its date is the Monday, or today within that week.

    """

    start: int
    end: int
    readings: frozenset[date] = frozenset()
    weekday: int | None = None
    closes: bool = False
    week: bool = False

    def day(self, today: date) -> date | None:
        """Return the one day that is meant; None for several, a past one or one far away."""
        if len(self.readings) != 1:
            return None
        (day,) = self.readings
        return day if today <= day <= today + MOST_AHEAD else None


def mentions(text: str, *, today: date, languages: Collection[str]) -> list[Mention]:
    """Find the days in a text, in the order they stand.

    Args:
        text: folded by `words.plain`.
        today: what “Monday” and dates without a year count from.
        languages: what the text is written in: tells 10 August from 8 October.

    """
    spoken = frozenset(languages)
    reader = _Reader(text, today, spoken, _order(text, spoken))
    taken = bytearray(len(text))
    found: list[Mention] = []
    for kind, patterns in forms().items():
        read: Callable[[re.Match[str]], Mention | None] = getattr(reader, kind)
        for match in (m for pattern in patterns for m in pattern.finditer(text)):
            start, end = match.span()
            mention = None if any(taken[start:end]) else read(match)
            if mention is not None:
                found.append(mention)
                taken[start:end] = bytes([1]) * (end - start)
    return list(_merged(text, sorted(found, key=lambda m: m.start)))


def next_weekday(weekday: int, since: date) -> date:
    """Return the first day from `since` on that is this weekday (Monday is 0)."""
    return since + timedelta(days=(weekday - since.weekday()) % _DAYS_OF_A_WEEK)


def _merged(text: str, found: list[Mention]) -> Iterator[Mention]:
    """Join “Monday” and “14.9.” into one day, which has to be that weekday."""
    waiting: Mention | None = None
    for mention in found:
        joined = waiting and _joined(waiting, mention, text[waiting.end : mention.start])
        if waiting and not joined:
            yield waiting
        waiting = joined or mention
    if waiting:
        yield waiting


def _joined(first: Mention, second: Mention, between: str) -> Mention | None:
    named, dated = (first, second) if first.weekday is not None else (second, first)
    if named.weekday is None or dated.weekday is not None or dated.week:
        return None
    if not _BESIDE.fullmatch(between) or (
        named is second and between.strip() not in ("", ",", "(")
    ):
        return None
    fitting = frozenset(d for d in dated.readings if d.weekday() == named.weekday)
    return replace(dated, start=first.start, end=second.end, readings=fitting)


@dataclass(frozen=True, slots=True)
class _Reader:
    """What each form means; a method for each kind of form, None where it is no day after all."""

    text: str
    today: date
    languages: frozenset[str]
    order: str

    def year_first(self, m: re.Match[str]) -> Mention | None:
        return self._numbered(m, (int(m["d"]), int(m["m"])))

    def slashed(self, m: re.Match[str]) -> Mention | None:
        first, second = int(m["d"]), int(m["m"])
        readings = {"dm": (first, second), "md": (second, first)}
        meant = [readings[self.order]] if self.order else readings.values()
        return self._numbered(m, *meant)

    slashed_short = slashed

    def dotted(self, m: re.Match[str]) -> Mention | None:
        read = self._numbered(m, (int(m["d"]), int(m["m"])))
        if m["y"] or m["dot"] or not read:
            return read
        before = self.text[max(0, m.start() - 8) : m.start()].split()
        if before and before[-1].strip(".") in _TIMES:
            return None
        return read if self.order == "dm" else Mention(*m.span())

    def named(self, m: re.Match[str]) -> Mention | None:
        month = months().number(m["month"], self.languages)
        if month is None:
            return None
        said = m.groupdict()
        day = int(said.get("last") or m["d"])
        year = said.get("y") or said.get("y0")
        if said.get("either"):  # “14 or 15 September”
            return Mention(*m.span())
        closes = bool(said.get("last") or said.get("opens"))
        dates = self._dates((day, month + 1), year)
        if said.get("all"):  # “September 7 through 18”
            dates = frozenset(d + timedelta(days=1) for d in dates)
        return Mention(*m.span(), dates, closes=closes)

    def week(self, m: re.Match[str]) -> Mention:
        this = self.today - timedelta(days=self.today.weekday())
        years = [int(m["y"])] if m["y"] else [self.today.year, self.today.year + 1]
        coming = (_monday(year, int(m["w"])) for year in years)
        monday = next((day for day in coming if day and day >= this), None)
        day = self.today if monday == this else monday
        return Mention(*m.span(), frozenset({day} if day else ()), week=True)

    def weekday_and_number(self, m: re.Match[str]) -> Mention | None:
        weekday = weekdays().number(m["weekday"], self.languages)
        if weekday is None:
            return None
        fitting = (d for d in self._days_numbered(int(m["d"])) if d.weekday() == weekday)
        return Mention(*m.span(), frozenset(list(fitting)[:1]))

    def day_of_month(self, m: re.Match[str]) -> Mention:
        coming = next(self._days_numbered(int(m["d"])), None)
        soon = coming is not None and coming - self.today <= _SOON
        return Mention(*m.span(), frozenset({coming} if coming and soon else ()))

    def weekday(self, m: re.Match[str]) -> Mention | None:
        weekday = weekdays().number(m["weekday"], self.languages)
        if weekday is None:
            return None
        day = next_weekday(weekday, self.today)
        this_week = day.isocalendar()[:2] == self.today.isocalendar()[:2]
        # “next Friday” on a Monday is one Friday or the other; “Monday” on a Monday, too
        unsure = day == self.today or (this_week and (m["next"] or m["next_after"]))
        return Mention(*m.span(), frozenset(() if unsure else {day}), weekday=weekday)

    def tomorrow(self, m: re.Match[str]) -> Mention:
        return Mention(*m.span(), frozenset({self.today + timedelta(days=1)}))

    def _numbered(self, m: re.Match[str], *pairs: tuple[int, int]) -> Mention | None:
        """Read pairs of day and month; None where no pair could be one."""
        said = m.groupdict()
        likely = [(d, mo) for d, mo in pairs if 0 < mo <= _MONTHS_OF_A_YEAR and 0 < d <= 31]  # noqa: PLR2004
        readings = frozenset(d for pair in likely for d in self._dates(pair, said.get("y")))
        return Mention(*m.span(), readings, closes=bool(said.get("opens"))) if likely else None

    def _dates(self, pair: tuple[int, int], year: str | None) -> frozenset[date]:
        day, month = pair
        if year:
            years = [2000 + int(year) % 100]
        else:  # 29 February waits for its year
            years = [self.today.year + ahead for ahead in range(9)]
        dates = filter(None, (_date(y, month, day) for y in years))
        coming = next((d for d in dates if year or d >= self.today), None)
        return frozenset({coming} if coming else ())

    def _days_numbered(self, number: int) -> Iterator[date]:
        first = self.today.replace(day=1)
        for _ in range(3):
            day = _date(first.year, first.month, number)
            if day and day >= self.today:
                yield day
            first = (first + timedelta(days=32)).replace(day=1)


def _order(text: str, languages: frozenset[str]) -> str:
    """Return how `10/08` is meant here: "dm", "md", or "" where nothing tells."""
    pairs = [
        (int(m["d"]), int(m["m"]))
        for kind in ("slashed", "slashed_short")
        for pattern in forms()[kind]
        for m in pattern.finditer(text)
    ]
    shown = {"dm" if a > b else "md" for a, b in pairs if max(a, b) > _MONTHS_OF_A_YEAR}
    foreign = languages - _EITHER
    spoken = {"md" if language in _MONTH_FIRST else "dm" for language in foreign}
    told = shown or spoken
    return told.pop() if len(told) == 1 else ""


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _monday(year: int, week: int) -> date | None:
    try:
        return date.fromisocalendar(year, week, 1)
    except ValueError:
        return None

"""How days are written: the names of months and weekdays, and the forms around the numbers."""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from worker.domain.lexicon import shipped
from worker.domain.words import plain

_SHORT: Final = 3
"""Letters: "out" is October in Portuguese only, "September" is nobody else's word."""

_CLOCK: Final = r"(?!\s?(?:uhr|h\b|am\b|pm\b|a\.m|p\.m|o'clock|hrs?\b|klo\b|час|%|€|:\d))"
_BEGINS: Final = r"(?<![\d,:/+])(?<!\d\.)"
_YEAR: Final = r"(?P<y>20\d\d)"
_JOIN: Final = (
    r"(?:[-–—~]|to|until|till?|bis(?:\szum)?|au|al|ao|a|tot|do|az|до|εως|ile|iki|lidz"
    r"|kuni|pana la)"
)
_ORDINAL: Final = (
    r"(?:\s?(?:st|nd|rd|th|er|re|ste|eme|e|de|го|ти|ми|ви|ри|η|ης)\b|\s?[ºª°]"
    r"|\.(?!\d)|[-:]\s?[^\W\d_]{1,4}\b)?"
)
_OF: Final = r"(?:(?:of|de|del|dia|den|do|d'|ב-?)\s*)?"
_THE_DAY: Final = r"(?:\s?\([^\W\d_]{1,3}\.?\))?"


class Names:
    """Names of months or weekdays in all languages: which number each is, and a pattern."""

    def __init__(self, key: str) -> None:
        self._exact: dict[str, dict[str, int]] = {}
        self._stems: dict[str, dict[str, int]] = {}
        for language, table in shipped("returning").items():
            for number, forms in enumerate(table[key]):
                for form in map(plain, forms.split("|")):
                    kind = self._stems if form.endswith("*") else self._exact
                    kind.setdefault(form.rstrip("*"), {})[language] = number
        self.pattern = _alternatives(
            [re.escape(form) for form in self._exact]
            + [re.escape(stem) + r"[^\W\d_]*" for stem in self._stems]
        )

    def number(self, name: str, languages: Collection[str]) -> int | None:
        """Return the number (from 0) in those languages; None where they do not agree on one."""
        known = self._exact.get(name) or _by_stem(self._stems, name)
        spoken = {known[language] for language in languages if language in known}
        anyhow = set(known.values()) if len(name) > _SHORT else set()
        numbers = spoken or anyhow
        return numbers.pop() if len(numbers) == 1 else None


def _by_stem(stems: Mapping[str, dict[str, int]], name: str) -> Mapping[str, int]:
    fitting = [stem for stem in stems if name.startswith(stem)]
    return stems[max(fitting, key=len)] if fitting else MappingProxyType({})


def _alternatives(patterns: Iterable[str]) -> str:
    return "|".join(sorted(patterns, key=len, reverse=True))


def _words(key: str) -> str:
    rows = (table.get(key, ()) for table in shipped("returning").values())
    return _alternatives({re.escape(plain(w)) for row in rows for f in row for w in f.split("|")})


@cache
def months() -> Names:
    """Return the months; January is 0."""
    return Names("months")


@cache
def weekdays() -> Names:
    """Return the weekdays; Monday is 0."""
    return Names("weekdays")


def _bounded(names: str, group: str) -> str:
    """Keep names whole; scripts without spaces have no bounds (and Estonian adds its -ni)."""
    return rf"(?:(?<![^\W\d_])|(?=[\u0e00-\u9fff]))(?P<{group}>{names})(?:(?![^\W\d_])|(?=ni\b)|(?<=[\u0e00-\u9fff]))"


@cache
def forms() -> Mapping[str, tuple[re.Pattern[str], ...]]:
    """Return how each kind of day is written; what comes first is tried first."""
    month = _bounded(months().pattern, "month")
    weekday = _bounded(weekdays().pattern, "weekday")
    following = _words("next")
    kinds = {
        "year_first": [
            rf"(?<!\d){_YEAR}(?P<sep>[-/.])\s?(?P<m>\d\d?)(?P=sep)\s?(?P<d>\d\d?)(?!\d)",
            rf"(?:{_YEAR}\s?年\s?)?(?P<m>\d\d?)\s?月\s?(?P<opens>\d\d?)\s?[日号號]?\s?"
            rf"(?:[-~–—至到]|から)\s?(?P<d>\d\d?)\s?[日号號]{_THE_DAY}",
            rf"(?:{_YEAR}\s?年\s?)?(?<!\d)(?P<m>\d\d?)\s?月\s?(?P<d>\d\d?)\s?[日号號]?{_THE_DAY}",
            rf"(?:{_YEAR}년\s*)?(?<!\d)(?P<m>\d\d?)월\s*(?P<d>\d\d?)일{_THE_DAY}",
            rf"(?:ngay\s+)?(?<!\d)(?P<d>\d\d?)\s+thang\s+(?P<m>\d\d?)(?!\d)(?:\s+nam\s+{_YEAR})?",
        ],
        "slashed": [
            rf"{_BEGINS}(?P<d>\d\d?)\s?(?P<sep>[/-])\s?(?P<m>\d\d?)\s?(?P=sep)\s?"
            r"(?P<y>20\d\d|\d\d)(?![\d/-])"
        ],
        "named": [
            rf"{_BEGINS}(?:(?P<opens>\d\d?){_ORDINAL}\s*{_JOIN}\s*(?:the\s|den\s|el\s)?)?"
            rf"(?P<d>\d\d?){_ORDINAL}\s*{_OF}{month}(?:[.,]?\s*(?:de|del|of)?\s*{_YEAR})?",
            rf"(?:(?P<y0>20\d\d)\s?(?:m\.|\.)?\s*)?{month}\.?\s*(?:the\s)?(?P<d>\d\d?)"
            rf"(?:st|nd|rd|th)?(?:\s*(?:[-–—~]|to|(?P<all>through|thru))\s*(?P<last>\d\d?)(?:st|nd|rd|th)?"
            rf"(?![\d./]|\s*{month.replace('?P<month>', '?:')}))?(?![\d/]|[.:]\d)"
            rf"(?:,?\s*{_YEAR})?(?:\s?d\b\.?)?{_CLOCK}",
        ],
        "dotted": [
            rf"{_BEGINS}(?:(?P<opens>\d\d?)\.?\s?{_JOIN}\s?)?(?P<d>\d\d?)\.\s?(?P<m>\d\d?)"
            rf"(?:(?P<dot>\.)(?:\s?(?P<y>20\d\d|\d\d)(?!\d))?|(?!\d)){_CLOCK}"
        ],
        "slashed_short": [
            rf"{_BEGINS}(?!24/7)(?:(?P<opens>\d\d?)\s?[-–—]\s?)?(?P<d>\d\d?)/(?P<m>\d\d?)(?![\d/])"
        ],
        "week": [
            r"(?<!\w)(?:kw|cw|wk|week|kalenderwoche|woche|vecka|v|uke|uge|viik[ok]\w*|vko|semaine"
            r"|semana|settimana)\.?\s?(?P<w>\d\d?)(?:\s?[/–-]\s?\d\d?(?!\d))?(?!\d|\s+(?:of|in|von|van|de)\b)"
            rf"(?:\s?/?\s?{_YEAR})?",
            rf"(?<!\d)(?P<w>\d\d?)\.\s?(?:kw|kalenderwoche|het|tyden|tydzien)(?!\w)(?:\s?/?\s?{_YEAR})?",
        ],
        "weekday_and_number": [
            rf"{weekday},?\s+(?:the\s|den\s|dem\s|le\s|el\s|dia\s)?(?P<d>\d\d?)"
            rf"(?:st|nd|rd|th|\.|e|er)?(?![\d:/]|[.]\d){_CLOCK}"
        ],
        "day_of_month": [
            rf"(?<!\w)(?:(?:the|on)\s(?P<d>\d\d?)\s?(?:st|nd|rd|th))\b{_CLOCK}"
            r"(?!\s*(?:of|next|floor|edition))",
            rf"(?<!\w)(?:am|dem|den|zum|vom|d\.)\s(?P<d>\d\d?)\.(?!\s?\d){_CLOCK}"
            r"(?!\s*(?:dieses|des|nachsten|kommenden|stock))",
            rf"(?<!\w)(?:le|au|du|il|al|el|dia)\s(?P<d>\d\d?)(?!\d|[.,:/]\d|%|\s?(?:de|del|du|et|e|y)\b)"
            rf"{_CLOCK}(?!\s?[^\W\d_]+s\b)",
            r"(?<![\d月])(?P<d>\d\d?)\s?[日号號](?![間间内前後后])",
        ],
        "weekday": [
            rf"(?:(?P<next>{following})\s?)?{weekday}(?:\s(?P<next_after>{following})(?!\w))?"
        ],
        "tomorrow": [rf"(?<![^\W\d_])(?:{_words('tomorrow')})(?![^\W\d_])"],
    }
    return {kind: tuple(map(re.compile, patterns)) for kind, patterns in kinds.items()}

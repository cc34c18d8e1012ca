"""How days are written: the names of months and weekdays, and the forms around the numbers."""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from worker.domain.lexicon import shipped
from worker.domain.words import plain

_SHORT: Final = 3
"""Letters: "out" is October in Portuguese only, "September" is nobody else's word."""

_PIECES: Final = {
    "<begins>": r"(?<![\d,:/+])(?<!\d\.)",
    "<year>": r"(?P<y>20\d\d)",
    "<join>": (
        r"(?:[-–—~]|to|until|till?|bis(?:\szum)?|au|al|ao|a|tot|do|az|до|εως|ile|iki|lidz|kuni"
        r"|pana la)"
    ),
    "<or>": r"(?:or|oder|ou|o|of|eller|lub|albo|nebo|alebo|vagy|sau|ili|ali|или|або|veya)",
    "<th>": (
        r"(?:\s?(?:st|nd|rd|th|er|re|ste|eme|e|de|го|ти|ми|ви|ри|η|ης)\b|\s?[ºª°]"
        r"|\.(?!\d)|[-:]\s?[^\W\d_]{1,4}\b)?"
    ),
    "<of>": r"(?:(?:of|de|del|dia|den|do|d'|ב-?)\s*)?",
    "<weekday in brackets>": r"(?:\s?\([^\W\d_]{1,3}\.?\))?",
    "<no clock>": (r"(?!\s?(?:uhr|h\b|am\b|pm\b|a\.m|p\.m|o'clock|hrs?\b|klo\b|час|%|€|:\d))"),
    "<day sign>": r"\s?[日号號]",
}
"""What forms have in common; months, weekdays and the like are put in from the phrases."""

_FORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "year_first": (
        r"(?<!\d)<year>(?P<sep>[-/.])\s?(?P<m>\d\d?)(?P=sep)\s?(?P<d>\d\d?)(?!\d)",
        (
            r"(?:<year>\s?年\s?)?(?P<m>\d\d?)\s?月\s?(?P<opens>\d\d?)(?:<day sign>)?\s?"
            r"(?:[-~–—至到]|から)\s?(?P<d>\d\d?)<day sign><weekday in brackets>"
        ),
        (
            r"(?:<year>\s?年\s?)?(?<!\d)(?P<m>\d\d?)\s?月\s?(?P<d>\d\d?)(?:<day sign>)?"
            r"<weekday in brackets>"
        ),
        r"(?:<year>년\s*)?(?<!\d)(?P<m>\d\d?)월\s*(?P<d>\d\d?)일<weekday in brackets>",
        r"(?:ngay\s+)?(?<!\d)(?P<d>\d\d?)\s+thang\s+(?P<m>\d\d?)(?!\d)(?:\s+nam\s+<year>)?",
    ),
    "slashed": (
        (
            r"<begins>(?P<d>\d\d?)\s?(?P<sep>[/-])\s?(?P<m>\d\d?)\s?(?P=sep)\s?"
            r"(?P<y>20\d\d|\d\d)(?![\d/-])"
        ),
    ),
    "named": (
        (
            r"<begins>(?:(?P<either>\d\d?)<th>\s*<or>\s*)?(?:(?P<opens>\d\d?)<th>\s*<join>\s*(?:the\s|den\s|el\s)?)?"
            r"(?P<d>\d\d?)<th>[\s-]*<of><month>(?:[.,-]?\s*(?:de|del|of)?\s*<year>)?"
        ),
        (
            r"(?:(?P<y0>20\d\d)\s?(?:m\.|\.)?\s*)?<month>\.?\s*(?:the\s)?(?P<d>\d\d?)"
            r"(?:st|nd|rd|th)?(?:\s*(?:[-–—~]|to|(?P<all>through|thru))\s*(?P<last>\d\d?)"
            r"(?:st|nd|rd|th)?(?![\d./]|\s*<a month>))?(?![\d/]|[.:]\d)"
            r"(?:,?\s*<year>)?(?:\s?d\b\.?)?<no clock>"
        ),
    ),
    "dotted": (
        (
            r"<begins>(?:(?P<opens>\d\d?)\.?\s?<join>\s?)?(?P<d>\d\d?)\.\s?(?P<m>\d\d?)"
            r"(?:(?P<dot>\.)(?:\s?(?P<y>20\d\d|\d\d)(?!\d))?|(?!\d))<no clock>"
        ),
    ),
    "slashed_short": (
        r"<begins>(?!24/7)(?:(?P<opens>\d\d?)\s?[-–—]\s?)?(?P<d>\d\d?)/(?P<m>\d\d?)(?![\d/])",
    ),
    "week": (
        (
            r"(?<!\w)(?:kw|cw|wk|week|kalenderwoche|woche|vecka|v|uke|uge|viik[ok]\w*|vko|semaine"
            r"|semana|settimana)\.?\s?(?P<w>\d\d?)(?:\s?[/–-]\s?\d\d?(?!\d))?"
            r"(?!\d|\s+(?:of|in|von|van|de)\b)(?:\s?/?\s?<year>)?"
        ),
        (
            r"(?<!\d)(?P<w>\d\d?)\.\s?(?:kw|kalenderwoche|het|tyden|tydzien)(?!\w)"
            r"(?:\s?/?\s?<year>)?"
        ),
    ),
    "weekday_and_number": (
        (
            r"<weekday>,?\s+(?:the\s|den\s|dem\s|le\s|el\s|dia\s)?(?P<d>\d\d?)"
            r"(?:st|nd|rd|th|\.|e|er)?(?![\d:/]|[.]\d)<no clock>"
        ),
    ),
    "day_of_month": (
        (
            r"(?<!\w)(?:(?:the|on)\s(?P<d>\d\d?)\s?(?:st|nd|rd|th))\b<no clock>"
            r"(?!\s*(?:of|next|floor|edition))"
        ),
        (
            r"(?<!\w)(?:am|dem|den|zum|vom|d\.)\s(?P<d>\d\d?)\.(?!\s?\d)<no clock>"
            r"(?!\s*(?:dieses|des|nachsten|kommenden|stock))"
        ),
        (
            r"(?<!\w)(?:le|au|du|il|al|el|dia)\s(?P<d>\d\d?)"
            r"(?!\d|[.,:/]\d|%|\s?(?:de|del|du|et|e|y)\b)<no clock>(?!\s?[^\W\d_]+s\b)"
        ),
        r"(?<![\d月])(?P<d>\d\d?)<day sign>(?![间間内前後后])",
    ),
    "weekday": (
        r"(?:(?P<next><following>)\s?)?<weekday>(?:\s(?P<next_after><following>)(?!\w))?(?!\sweek)",
    ),
    "tomorrow": (r"(?<![^\W\d_])(?:<tomorrow>)(?![^\W\d_])",),
}
"""What comes first is tried first."""


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


def _whole(names: str, group: str) -> str:
    """Keep names whole; scripts without spaces have no bounds (and Estonian adds its -ni)."""
    begins = r"(?:(?<![^\W\d_])|(?=[\u0e00-\u9fff]))"
    ends = r"(?:(?![^\W\d_])|(?=ni\b)|(?<=[\u0e00-\u9fff]))"
    return f"{begins}(?{group}{names}){ends}"


@cache
def forms() -> Mapping[str, tuple[re.Pattern[str], ...]]:
    """Return how each kind of day is written, for texts folded by `words.plain`."""
    pieces = {
        **_PIECES,
        "<month>": _whole(months().pattern, "P<month>"),
        "<a month>": _whole(months().pattern, ":"),
        "<weekday>": _whole(weekdays().pattern, "P<weekday>"),
        "<following>": _words("next"),
        "<tomorrow>": _words("tomorrow"),
    }

    def pattern(form: str) -> re.Pattern[str]:
        for name, piece in pieces.items():
            form = form.replace(name, piece)
        return re.compile(form)

    return {kind: tuple(map(pattern, written)) for kind, written in _FORMS.items()}

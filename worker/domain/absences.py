"""What a part of an out-of-office note says about the days it names."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from worker.domain.lexicon import Hit, Phrases, shipped
from worker.domain.words import UNSPACED, fold, plain

STATES: Final = frozenset({"away", "back", "other"})
CUES: Final = frozenset({"until", "until_after", "through", "since", "since_after", "vague"})
_REST: Final = frozenset({"to", "am", "idle"})
_BEFORE: Final = frozenset({"until", "through", "since", "vague"})
_BEHIND: Final = frozenset({"until_after", "through", "since_after", "vague"})
_NEAR: Final = 4
"""Words (in scripts without spaces: characters) between “until” and its day."""

_NEAR_BEHIND: Final = 1
_BARE: Final = 2
"""Words besides: what says no more than “until 18 September” is about what stands around it."""

_DAY: Final = re.compile(r"\bq(\d+)(day|end)\b")


class When(StrEnum):
    """How the writer's absence (or return) and a day go together."""

    ON = "on"
    UNTIL = "until"
    THROUGH = "through"
    SINCE = "since"
    VAGUE = "vague"


@dataclass(frozen=True, slots=True)
class Said:
    """A day (its number in the note), how it is meant, and whether it is one of being back."""

    number: int
    when: When
    back: bool


@dataclass(frozen=True, slots=True)
class _Day:
    """A day in a part, the room between its neighbours, and whether it ends a span."""

    number: int
    start: int
    end: int
    after: int
    before: int
    ends: bool


@cache
def phrases() -> Phrases:
    """Return all phrases; a hit's name is its language and what it says."""
    return Phrases(
        {
            f"{language} {name}": map(plain, table[name])
            for language, table in shipped("returning").items()
            for name in STATES | CUES | _REST
            if name in table
        }
    )


class Part:
    """The words between two commas, the `days` among them, and what they say of these.

    `states` are the words for being away, for being back, and for other people's days.

    Args:
        text: days are words such as `Q0DAY`; `Q0END` ends a span.
        languages: whose words count; “do” is until in Polish only.

    """

    def __init__(self, text: str, languages: frozenset[str]) -> None:
        self.text = text
        self._folded = fold(plain(text))
        hits = [h for h in phrases().find(self._folded) if h.name.split()[0] in languages]
        self._cues = [h for h in hits if _means(h) in CUES]
        self._joins = [h for h in hits if _means(h) == "to"]
        self._am = any(_means(h) == "am" for h in hits)
        told = _widest([h for h in hits if _means(h) in STATES or _means(h) == "idle"])
        self.states = [h for h in told if _means(h) in STATES]
        self.days = list(_days(self._folded))

    def said(self, before: "Part | None", after: "Part | None", *, alone: bool) -> Iterator[Said]:
        """Yield what is said of each day.

        Args:
            before: the part above, to which bare words (“until 18 September”) may belong.
            after: the next part of the sentence that says something.
            alone: the part is a whole sentence.

        """
        for index, day in enumerate(self.days):
            following = self.days[index + 1 : index + 2]
            if following and self._joined(day, following[0]):
                continue  # the first day of a span is none of being back
            closes = day.ends or (bool(index) and self._joined(self.days[index - 1], day))
            when = self._when(day, closes=closes)
            state = self._state(day, when) or self._borrowed(when, before, after, alone=alone)
            if _tells(state, when):
                yield Said(day.number, when, state == "back")

    def _joined(self, first: _Day, second: _Day) -> bool:
        between = self._folded[first.end : second.start].strip()
        joins = (h for h in (*self._joins, *self._cues) if _means(h) in ("to", "until", "through"))
        return not between or any(
            first.end <= h.start and h.end <= second.start and h.words == between for h in joins
        )

    def _when(self, day: _Day, *, closes: bool) -> When:
        cues = [*self._ahead(day), *self._behind(day)]
        if "vague" in cues:
            return When.VAGUE
        if "through" in cues:
            return When.THROUGH
        if closes or "until" in cues or "until_after" in cues:
            return When.UNTIL
        return When.SINCE if cues else When.ON

    def _ahead(self, day: _Day) -> list[str]:
        """Return the nearest cue before the day, and “inclusive” beside it."""
        near = [
            h
            for h in self._cues
            if _means(h) in _BEFORE
            and day.after <= h.start
            and h.end <= day.start
            and _apart(self._folded[h.end : day.start]) <= _NEAR
        ]
        nearest = max(near, key=lambda h: (h.end, -h.start), default=None)
        through = ["through" for h in near if _means(h) == "through"]
        return [*([_means(nearest)] if nearest else []), *through[:1]]

    def _behind(self, day: _Day) -> list[str]:
        return [
            _means(h)
            for h in self._cues
            if _means(h) in _BEHIND
            and (_means(h) != "vague" or "until_after" in shipped("returning")[h.name.split()[0]])
            and day.end <= h.start
            and h.end <= day.before
            and _apart(self._folded[day.end : h.start]) <= _NEAR_BEHIND
        ]

    def _state(self, day: _Day, when: When) -> str:
        """Return what the words around a day say, the nearest before it first."""
        left = [_means(h) for h in self.states if day.after <= h.start and h.end <= day.start]
        right = [_means(h) for h in self.states if day.end <= h.start and h.end <= day.before]
        if "other" in left:
            return "other"
        if when not in (When.UNTIL, When.THROUGH):
            last = day.before == len(self._folded)  # else they may be the next day's words
            nearest = [*left[-1:], *(right[:1] if last or not left else ())]
        else:  # “away from 4 to 8”, past the first day; “until 8 on leave”
            further = [_means(h) for h in self.states if h.end <= day.start]
            nearest = [*left[-1:], *(s for s in (*further, *right[:1]) if s == "away")]
        telling = (state for state in nearest if _tells(state, when))
        return next(telling, "other" if nearest else "")

    def _borrowed(
        self, when: When, before: "Part | None", after: "Part | None", *, alone: bool
    ) -> str:
        if self.states or not self._is_bare():
            return ""
        if alone and self._am and when is When.SINCE:
            return "back"  # “I am from 10.9.”
        away = when in (When.UNTIL, When.THROUGH)
        around = [after.states[0]] if after else []
        around += before.states[-1:] if before and (away or not before.days) else []
        return next((_means(h) for h in around if (_means(h) == "away") is away), "")

    def _is_bare(self) -> bool:
        words = set(_DAY.sub(" ", self._folded).split())
        told = {word for h in (*self._cues, *self._joins) for word in h.words.split()}
        return len(words - told) <= _BARE


def _means(hit: Hit) -> str:
    return hit.name.split()[1]


def _tells(state: str, when: When) -> bool:
    """Say whether a day can be read off: the first day of an absence is none of being back."""
    if state == "back":
        return when in (When.ON, When.SINCE, When.UNTIL)
    return state == "away" and when in (When.UNTIL, When.THROUGH)


def _widest(hits: Sequence[Hit]) -> list[Hit]:
    """Keep no hit that lies within a longer one: “not in the office” is not “in the office”."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda h: (h.start, -h.end)):
        same = bool(kept) and (hit.start, hit.end) == (kept[-1].start, kept[-1].end)
        if not kept or hit.end > kept[-1].end or same:
            kept.append(hit)
    return kept


def _apart(between: str) -> int:
    words = between.split()
    return len("".join(words)) if UNSPACED.search(between) else len(words)


def _days(folded: str) -> Iterator[_Day]:
    found = list(_DAY.finditer(folded))
    edges = [0, *(m.end() for m in found)]
    starts = [*(m.start() for m in found), len(folded)]
    for index, match in enumerate(found):
        room = edges[index], starts[index + 1]
        yield _Day(int(match[1]), *match.span(), *room, ends=match[2] == "end")

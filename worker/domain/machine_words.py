"""The words of a mail, weighed: what notes are put together from, and what only people say."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from worker.domain.lexicon import Hit, Phrases, shipped
from worker.domain.words import fold, plain

READ_AT_MOST: Final = 4000
"""Characters of a mail: machines come to the point at the top."""

_ENOUGH: Final = 2
"""Weight from which on a machine wrote it."""

_NEARLY_ALL: Final = 0.7
_PERSON: Final = 3
_MOST_OF_A_PERSON: Final = 5
_ADDRESS: Final = re.compile("://|@")
_ENOUGH_HITS: Final = 8
"""Of one section: more of the same prove no more."""

_EITHER: Final = re.compile(
    r"(?<=\w)(?:\((?:e|es|s|ne|a|as|os|is|in|er|en)\)|/-?(?:a|e|as|na|in)\b)"
)
"""“absent(e)”, “nieobecny/a”: whoever set the note up did not choose."""

_QUESTION: Final = re.compile("[?？؟]")


@dataclass(frozen=True, slots=True)
class _Note:
    """A kind of note: what its parts weigh, one of which it needs, and how often each counts."""

    weights: Mapping[str, int]
    needed: frozenset[str] = frozenset()
    times: int = 1


_AWAY: Final = _Note(
    {
        "formula": 2, "absence": 1, "busy": 1, "returns": 1, "courtesy": 1, "urgent": 1,
        "promise": 1, "automatic": 2, "upcoming": -3,
    },
    frozenset({"formula", "absence", "busy"}),
)  # fmt: skip
_ANSWERS: Final = (
    _Note(
        {"received": 1, "soon": 1, "promise": 1, "ticket": 1, "upcoming": -2},
        frozenset({"received", "ticket"}),
    ),
    _Note({"left": 1, "urgent": 1, "courtesy": 1, "unattended": 2}, frozenset({"left"})),
    _Note({"automatic": 3, "unattended": 3}),
)
_BOUNCED: Final = _Note({"bounce": 2, "bounce_hint": 1}, times=3)
_RECEIPT: Final = _Note({"receipt": 3})
_LISTED: Final = _Note({"list": 3})
_NOTES: Final = (_AWAY, *_ANSWERS, _BOUNCED, _RECEIPT, _LISTED)
_NOT_TELLING: Final = frozenset({"returns", "upcoming", "person"})
_Said = dict[str, list[Hit]]
"""Section → what was found of it, in one language."""


def sections(*names: str) -> Phrases:
    """Return the phrases of some sections in all languages; a hit is named "en formula"."""
    return Phrases(
        {
            f"{language} {name}": map(plain, table[name])
            for language, table in shipped("machines").items()
            for name in names
            if name in table
        }
    )


@cache
def _phrases() -> Phrases:
    return sections(*{name for note in _NOTES for name in note.weights}, "person")


class Words:
    """The newest words of a mail; each question is answered with words, or "" for no."""

    def __init__(self, text: str) -> None:
        spoken = (word for word in plain(text[:READ_AT_MOST]).split() if not _ADDRESS.search(word))
        top = _EITHER.sub("", " ".join(spoken))
        self.folded = fold(top)
        self._said: dict[str, _Said] = defaultdict(lambda: defaultdict(list))
        for hit in _phrases().find(self.folded):
            language, section = hit.name.split()
            if len(self._said[language][section]) < _ENOUGH_HITS:
                self._said[language][section].append(hit)
        self._person = self._weight_of_a_person() + bool(_QUESTION.search(top))

    def away(self) -> str:
        """Tell an absence note."""
        return self._told(_AWAY) or self._nearly_all("absence")

    def answers(self) -> str:
        """Tell an acknowledgement, a mailbox that nobody reads, somebody who has left."""
        return next(filter(None, map(self._told, _ANSWERS)), "")

    def bounced(self) -> str:
        """Tell a mail system that could not deliver."""
        return self._told(_BOUNCED)

    def confirms_reading(self) -> str:
        """Tell a receipt."""
        return self._told(_RECEIPT)

    def listed(self) -> str:
        """Tell a newsletter or the mail of a list."""
        return self._told(_LISTED)

    def _told(self, note: _Note) -> str:
        """Weigh in each language apart (“do” is until in Polish only); the heaviest counts."""
        fitting = (
            said for said in self._said.values() if not note.needed or note.needed & said.keys()
        )
        told = max((_weighed(said, note) for said in fitting), default=(0, ""))
        return told[1] if told[0] - self._person >= _ENOUGH else ""

    def _weight_of_a_person(self) -> int:
        """Weigh answers and apologies, in the languages that say anything else, too."""
        spoken = [said for said in self._said.values() if said.keys() - _NOT_TELLING]
        notes = [
            hit
            for said in spoken
            for section in said.keys() - _NOT_TELLING
            for hit in said[section]
        ]
        own = {
            (hit.start, hit.end)
            for said in spoken
            for hit in said.get("person", ())
            if not any(_within(hit, note) for note in notes)
        }
        return min(_PERSON + _apart(own) - 1, _MOST_OF_A_PERSON) if own else 0

    def _nearly_all(self, section: str) -> str:
        """Tell a phrase that is nearly all there is, as in “I am on annual leave.” alone."""
        hits = (hit for said in self._said.values() for hit in said.get(section, ()))
        least = _NEARLY_ALL * len(self.folded)
        return next((f"“{hit.words}”" for hit in hits if len(hit.words) >= least), "")


def _weighed(said: _Said, note: _Note) -> tuple[int, str]:
    """Return what the parts of a note weigh together, and the words of the heaviest."""
    told = sorted(said.keys() & note.weights.keys(), key=lambda name: (-note.weights[name], name))
    times = (min(_apart((h.start, h.end) for h in said[name]), note.times) for name in told)
    weight = sum(note.weights[name] * count for name, count in zip(told, times, strict=True))
    return weight, _quoted(max(said[name], key=lambda h: len(h.words)) for name in told)


def _within(hit: Hit, note: Hit) -> bool:
    """Say whether the words are only part of what notes say."""
    return note.start <= hit.start and hit.end <= note.end and note.words != hit.words


def _quoted(hits: Iterable[Hit]) -> str:
    words = dict.fromkeys(hit.words for hit in hits)
    return ", ".join(f"“{said}”" for said in list(words)[:3])


def _apart(spans: Iterable[tuple[int, int]]) -> int:
    """Count the spans that do not overlap."""
    count, last = 0, -1
    for start, end in sorted(spans):
        if start > last:
            count, last = count + 1, end
    return count

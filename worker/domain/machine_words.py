"""The words of a mail, weighed: what notes are put together from, and what only people say."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from worker.domain.lexicon import Hit, Phrases, shipped
from worker.domain.words import fold, plain

READ_AT_MOST: Final = 4000
"""Characters of a mail: machines come to the point at the top."""

ENOUGH: Final = 2
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

_AWAY: Final = {
    "formula": 2, "absence": 1, "busy": 1, "returns": 1, "courtesy": 1, "urgent": 1, "promise": 1,
    "automatic": 2, "upcoming": -3,
}  # fmt: skip
_ACKNOWLEDGES: Final = {
    "received": 1, "soon": 1, "promise": 1, "ticket": 1, "automatic": 3, "unattended": 3,
    "upcoming": -2,
}  # fmt: skip
_LEFT: Final = {"left": 1, "urgent": 1, "courtesy": 1, "unattended": 2}
_PROVES: Final = {"automatic": 3, "unattended": 3}
_BOUNCED: Final = {"bounce": 2, "bounce_hint": 1}
_READ: Final = {"receipt": 3}
_LISTED: Final = {"list": 3}
_NOT_TELLING: Final = frozenset({"returns", "upcoming", "person"})


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
    tables = (_AWAY, _ACKNOWLEDGES, _LEFT, _BOUNCED, _READ, _LISTED)
    return sections(*{name for table in tables for name in table}, "person")


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the words of a mail weigh as a note of some kind, and which words these were."""

    weight: int
    because: str


class Words:
    """The newest words of a mail, by what they say in which language."""

    def __init__(self, text: str) -> None:
        spoken = (word for word in plain(text[:READ_AT_MOST]).split() if not _ADDRESS.search(word))
        top = _EITHER.sub("", " ".join(spoken))
        self.folded = fold(top)
        self._asks = bool(_QUESTION.search(top))
        self._said: dict[str, dict[str, list[Hit]]] = defaultdict(lambda: defaultdict(list))
        for hit in _phrases().find(self.folded):
            language, section = hit.name.split()
            if len(self._said[language][section]) < _ENOUGH_HITS:
                self._said[language][section].append(hit)
        self._person = self._weight_of_a_person()

    def away(self) -> str:
        """Return the words of an absence note, "" where it is none."""
        needed = ("formula", "absence", "busy")
        told = self._heaviest(_AWAY, needed)
        return told.because if told.weight >= ENOUGH or self._is_all("absence") else ""

    def acknowledges(self) -> str:
        """Return the words of an acknowledgement, of a mailbox that nobody reads, and the like."""
        rows = (
            (_ACKNOWLEDGES, ("received", "ticket")),
            (_LEFT, ("left",)),
            (_PROVES, ()),
        )
        told = (self._heaviest(table, needed) for table, needed in rows)
        return next((t.because for t in told if t.weight >= ENOUGH), "")

    def bounced(self) -> str:
        """Return the words of a mail system that could not deliver, "" where there are none."""
        return self._at_least(ENOUGH, _BOUNCED)

    def confirms_reading(self) -> str:
        """Return the words of a receipt, "" where it is none."""
        return self._at_least(ENOUGH, _READ)

    def listed(self) -> str:
        """Return the words of a newsletter or list mail, "" where it is none."""
        return self._at_least(ENOUGH, _LISTED)

    def _at_least(self, enough: int, weights: Mapping[str, int]) -> str:
        told = self._heaviest(weights, ())
        return told.because if told.weight >= enough else ""

    def _heaviest(self, weights: Mapping[str, int], needed: Sequence[str]) -> Weighed:
        """Weigh in each language apart (“do” is until in Polish only), and take the heaviest."""
        rows = (
            _weigh(said, weights)
            for said in self._said.values()
            if not needed or any(said.get(name) for name in needed)
        )
        told = max(rows, key=lambda row: row.weight, default=Weighed(0, ""))
        return Weighed(told.weight - self._person, told.because)

    def _weight_of_a_person(self) -> int:
        """Weigh answers, questions and apologies, in the languages that say anything else, too."""
        spoken = [said for said in self._said.values() if said.keys() - _NOT_TELLING]
        notes = [
            hit
            for said in spoken
            for section, hits in said.items()
            if section not in _NOT_TELLING
            for hit in hits
        ]
        own = {
            (hit.start, hit.end)
            for said in spoken
            for hit in said.get("person", ())
            if not any(
                n.start <= hit.start and hit.end <= n.end and n.words != hit.words for n in notes
            )
        }
        weight = min(_PERSON + len(_apart(own)) - 1, _MOST_OF_A_PERSON) if own else 0
        return weight + self._asks

    def _is_all(self, section: str) -> bool:
        """Say whether a phrase is nearly all there is: “I am on annual leave.”"""
        hits = (hit for said in self._said.values() for hit in said.get(section, ()))
        return any(len(hit.words) >= _NEARLY_ALL * len(self.folded) for hit in hits)


def _weigh(said: Mapping[str, Sequence[Hit]], weights: Mapping[str, int]) -> Weighed:
    told = {name: hits for name, hits in said.items() if name in weights and hits}
    if "bounce" in weights:  # several signs of one kind: only of bounces does each tell more
        counted = {
            n: min(len(_apart((h.start, h.end) for h in hits)), 3) for n, hits in told.items()
        }
    else:
        counted = dict.fromkeys(told, 1)
    weight = sum(weights[name] * count for name, count in counted.items())
    heavy = sorted(told, key=lambda name: -weights[name])
    return Weighed(weight, _quoted(max(told[name], key=lambda h: len(h.words)) for name in heavy))


def _quoted(hits: Iterable[Hit]) -> str:
    words = dict.fromkeys(hit.words for hit in hits)
    return ", ".join(f"“{said}”" for said in list(words)[:3])


def _apart(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans that do not overlap, from the left."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept

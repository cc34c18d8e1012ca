"""Many phrases, found in one pass over a text: the words of all languages as data.

A phrase is written as people write it; folding takes case, accents and punctuation away.
Four marks stand for more than one wording:

    ask|beg        either word
    remov*         any word that begins so
    [please]       a word that may be there or not
    …              up to three words of any kind (not at either end)

Scripts without spaces (Chinese, Japanese, Thai …) have no words to tell apart: a phrase with
their letters is found anywhere, and only `…` (up to twelve characters) means something in it.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import chain
from typing import Any, Final

from worker.domain.words import UNSPACED, fold

_GAP: Final = "…"
_LONGEST_GAP: Final = 3
_LONGEST_UNSPACED_GAP: Final = 12
_STEM: Final = 3
"""Letters by which stems are looked up; a shorter stem is no stem but a word."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase that was found: its name, the words that fired, and where (characters)."""

    name: str
    words: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Slot:
    """One place of a phrase: the words and stems that fit there, and whether it may be empty."""

    words: frozenset[str]
    stems: tuple[str, ...]
    optional: bool

    def fits(self, word: str) -> bool:
        return word in self.words or (bool(self.stems) and word.startswith(self.stems))


_Slots = tuple[_Slot | None, ...]
"""None is a gap."""

_Row = tuple[str, _Slots, frozenset[str] | None]
"""A phrase's name, its slots, and the words that can be its second; None where any can."""


class Phrases:
    """A set of phrases, each with the name of what it means.

    Args:
        named: name → phrases.

    Raises:
        ValueError: a phrase that means nothing or begins with a gap.

    """

    def __init__(self, named: Mapping[str, Iterable[str]]) -> None:
        self._by_word: dict[str, list[_Row]] = {}
        self._by_stem: dict[str, list[_Row]] = {}
        self._unspaced: list[tuple[str, re.Pattern[str]]] = []
        for name, phrases in named.items():
            for phrase in phrases:
                self._add(name, phrase)

    def _add(self, name: str, phrase: str) -> None:
        if UNSPACED.search(phrase):
            self._unspaced.append((name, _unspaced_pattern(phrase)))
            return
        for slots in _from_each_start(_slots(phrase)):
            first = slots[0]
            assert first is not None  # noqa: S101 - _slots refuses a gap there
            row = name, slots, _seconds(slots)
            for word in first.words:
                self._by_word.setdefault(word, []).append(row)
            for stem in {stem[:_STEM] for stem in first.stems}:
                self._by_stem.setdefault(stem, []).append(row)

    def find(self, folded: str) -> Iterator[Hit]:
        """Yield every place at which a phrase begins; a text is folded by `words.fold`."""
        words = folded.split(" ")
        starts = _starts(words)
        for index, word in enumerate(words):
            rows = self._by_word.get(word, ()), self._by_stem.get(word[:_STEM], ())
            second = words[index + 1] if index + 1 < len(words) else ""
            for name, slots, seconds in chain.from_iterable(rows):
                if seconds is not None and second not in seconds:
                    continue
                length = _length(slots, words, index)
                if length:
                    last = index + length - 1
                    said = " ".join(words[index : last + 1])
                    yield Hit(name, said, starts[index], starts[last] + len(words[last]))
        if self._unspaced and UNSPACED.search(folded):
            for name, pattern in self._unspaced:
                for found in pattern.finditer(folded):
                    yield Hit(name, found[0], found.start(), found.end())

    def first(self, folded: str) -> Hit | None:
        """Return the hit that begins first, the longest of several; None where there is none."""
        return min(self.find(folded), key=lambda hit: (hit.start, -hit.end), default=None)


def _starts(words: list[str]) -> list[int]:
    starts, at = [], 0
    for word in words:
        starts.append(at)
        at += len(word) + 1
    return starts


def _slots(phrase: str) -> _Slots:
    slots = tuple(slot for part in phrase.split() for slot in _parts(part))
    solid = [slot for slot in slots if slot and not slot.optional]
    if not solid or slots[0] is None or slots[-1] is None:
        msg = f"{phrase!r} is no phrase: it needs a word, and no … at either end"
        raise ValueError(msg)
    return slots


def _parts(part: str) -> Iterator[_Slot | None]:
    if part in (_GAP, "..."):
        yield None
        return
    optional = part.startswith("[") and part.endswith("]")
    choices = part.strip("[]").split("|")
    if len(choices) == 1 and not choices[0].endswith("*"):
        for word in _folded(choices[0]).split():  # "don't" is two words, as in a folded text
            yield _Slot(frozenset({word}), (), optional)
        return
    stems = tuple(_folded(c[:-1]) for c in choices if c.endswith("*"))
    words = frozenset(_folded(c) for c in choices if not c.endswith("*"))
    if any(len(stem) < _STEM for stem in stems) or any(" " in word for word in (*stems, *words)):
        msg = f"{part!r}: a choice is one word, and a stem has at least {_STEM} letters"
        raise ValueError(msg)
    yield _Slot(words, stems, optional)


@lru_cache(maxsize=32_768)
def _folded(word: str) -> str:
    return fold(word)


def _from_each_start(slots: _Slots) -> Iterator[_Slots]:
    """Yield the phrase from each slot it can begin with: optional ones may be left out."""
    for index, slot in enumerate(slots):
        if slot is not None:
            yield slots[index:]
            if not slot.optional:
                return


def _seconds(slots: _Slots) -> frozenset[str] | None:
    """Return the words that can stand second, None where that is too much to tell."""
    seconds: set[str] = set()
    for slot in slots[1:]:
        if slot is None or slot.stems:
            return None
        seconds |= slot.words
        if not slot.optional:
            return frozenset(seconds)
    return None


def _length(slots: _Slots, words: list[str], at: int) -> int:
    """Return how many words from `at` on the slots cover, 0 where they do not fit."""
    if not slots:
        return 0
    slot, rest = slots[0], slots[1:]
    if slot is None:
        return next(
            (gap + n for gap in range(_LONGEST_GAP + 1) if (n := _length(rest, words, at + gap))),
            0,
        )
    if at < len(words) and slot.fits(words[at]):
        if not rest or all(s is not None and s.optional for s in rest):
            return 1 + _length(rest, words, at + 1)
        tail = _length(rest, words, at + 1)
        if tail:
            return 1 + tail
    return _length(rest, words, at) if slot.optional else 0


def _unspaced_pattern(phrase: str) -> re.Pattern[str]:
    parts = (re.escape(fold(part)).replace(r"\ ", " ?") for part in phrase.split(_GAP))
    return re.compile(f".{{0,{_LONGEST_UNSPACED_GAP}}}?".join(parts))


@lru_cache(maxsize=16)
def shipped(name: str) -> Mapping[str, Any]:
    """Return a file of `worker/domain/phrases`, read once; it is part of the program."""
    text = files("worker.domain").joinpath("phrases", f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)

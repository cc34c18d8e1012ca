"""Many phrases, found in one pass over a text: the words of all languages as data.

A phrase is written as people write it; folding takes case, accents and punctuation away.
Six marks stand for more than one wording:

    ask|beg        either word
    remov*         any word that begins so
    ~receive       the word, or one slip of the finger away from it
    [please]       a word that may be there or not
    …              up to three words of any kind (not at either end)
    no more & send both, close together in one sentence, in either order

Scripts without spaces (Chinese, Japanese, Thai …) have no words to tell apart: a phrase with
their letters is found anywhere, however the text is spaced, and its `…` is up to twelve
characters. So it is with Korean, which people space as they like.

A text is folded by `words.fold`, or by `words.fold_sentences` where no phrase should reach
from one sentence into the next. Letters that many keyboards lack (ł, đ, ø, ı …) are the
same as their plain ones.
"""

import string
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from worker.domain.unspaced import Unspaced
from worker.domain.words import SENTENCE_END, UNSPACED, fold

_GAP: Final = "…"
_LONGEST_GAP: Final = 3
_TOGETHER: Final = 80
"""Characters from the first to the last of what has to stand together."""
_STEM: Final = 3
"""Letters by which stems are looked up; a shorter stem is no stem but a word."""
_PLAIN: Final = str.maketrans("łđøıħðəىیکۃةہھ", "ldoihdeييكهههه")


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


class _Part(NamedTuple):
    """One side of an `&`: which phrase it belongs to, and which of its parts it is."""

    phrase: int
    number: int


_Key = str | _Part
_Place = tuple[int, int, int]
"""Start, end (characters) and the number of the part that stands there."""


class Phrases:
    """A set of phrases, each with the name of what it means.

    Args:
        named: name → phrases.

    Raises:
        ValueError: a phrase that means nothing or begins with a gap.

    """

    def __init__(self, named: Mapping[str, Iterable[str]]) -> None:
        self._by_word: dict[str, list[tuple[_Key, _Slots]]] = {}
        self._by_stem: dict[str, list[tuple[_Key, _Slots]]] = {}
        self._unspaced: list[tuple[_Key, Unspaced]] = []
        self._together: list[tuple[str, int]] = []
        for name, phrases in named.items():
            for phrase in phrases:
                self._add_parts(name, phrase.split("&"))

    def _add_parts(self, name: str, parts: list[str]) -> None:
        if len(parts) == 1:
            self._add(name, parts[0])
            return
        phrase = len(self._together)
        self._together.append((name, len(parts)))
        for number, part in enumerate(parts):
            self._add(_Part(phrase, number), part)

    def _add(self, key: _Key, phrase: str) -> None:
        if UNSPACED.search(phrase):
            self._unspaced.append((key, Unspaced(phrase)))
            return
        for slots in _from_each_start(_slots(phrase)):
            first = slots[0]
            assert first is not None  # noqa: S101 - _slots refuses a gap there
            for word in first.words:
                self._by_word.setdefault(word, []).append((key, slots))
            for stem in first.stems:
                self._by_stem.setdefault(stem[:_STEM], []).append((key, slots))

    def find(self, folded: str) -> Iterator[Hit]:
        """Yield every place at which a phrase begins; a text is folded by `words.fold`."""
        apart: dict[int, list[_Place]] = defaultdict(list)
        for key, start, end in self._places(folded.translate(_PLAIN)):
            if isinstance(key, str):
                yield Hit(key, folded[start:end], start, end)
            else:
                apart[key.phrase].append((start, end, key.number))
        for phrase, places in apart.items():
            name, parts = self._together[phrase]
            for start, end in _together(sorted(places), parts):
                if SENTENCE_END not in folded[start:end]:
                    yield Hit(name, folded[start:end], start, end)

    def _places(self, folded: str) -> Iterator[tuple[_Key, int, int]]:
        words = folded.split(" ")
        starts = _starts(words)
        for index, word in enumerate(words):
            rows = self._by_word.get(word, ()), self._by_stem.get(word[:_STEM], ())
            for key, slots in (row for found in rows for row in found):
                length = _length(slots, words, index)
                if length:
                    last = index + length - 1
                    yield key, starts[index], starts[last] + len(words[last])
        if self._unspaced and UNSPACED.search(folded):
            squeezed = folded.replace(" ", "")
            for key, phrase in self._unspaced:
                if phrase.may_stand_in(squeezed):
                    for start, end in phrase.places(folded):
                        yield key, start, end

    def first(self, folded: str) -> Hit | None:
        """Return the hit that begins first, the longest of several; None where there is none."""
        return min(self.find(folded), key=lambda hit: (hit.start, -hit.end), default=None)


def _starts(words: list[str]) -> list[int]:
    starts, at = [], 0
    for word in words:
        starts.append(at)
        at += len(word) + 1
    return starts


def _together(places: list[_Place], parts: int) -> Iterator[tuple[int, int]]:
    """Yield from where to where all parts of a phrase stand close together."""
    latest: dict[int, tuple[int, int]] = {}
    for start, end, number in places:
        latest[number] = start, end
        first = min(begin for begin, _ in latest.values())
        last = max(finish for _, finish in latest.values())
        if len(latest) == parts and last - first <= _TOGETHER:
            yield first, last


def _slots(phrase: str) -> _Slots:
    slots = tuple(slot for part in phrase.split() for slot in _parts_of(part))
    solid = [slot for slot in slots if slot and not slot.optional]
    if not solid or slots[0] is None or slots[-1] is None:
        msg = f"{phrase!r} is no phrase: it needs a word, and no … at either end"
        raise ValueError(msg)
    return slots


@lru_cache(maxsize=1024)
def _parts_of(part: str) -> _Slots:
    return tuple(_parts(part))


def _parts(part: str) -> Iterator[_Slot | None]:
    if part in (_GAP, "..."):
        yield None
        return
    optional = part.startswith("[")
    if optional != part.endswith("]"):
        msg = f"{part!r}: a bracket stands round the choices of one place"
        raise ValueError(msg)
    choices = part.strip("[]").split("|")
    if len(choices) == 1 and not choices[0].endswith("*") and not choices[0].startswith("~"):
        for word in _plain(choices[0]).split():  # "don't" is two words, as in a folded text
            yield _Slot(frozenset({word}), (), optional)
        return
    stems = tuple(_plain(c[:-1]) for c in choices if c.endswith("*"))
    words = frozenset(word for c in choices if not c.endswith("*") for word in _spellings(c))
    if any(len(stem) < _STEM for stem in stems) or any(
        not word or " " in word for word in (*stems, *words)
    ):
        msg = f"{part!r}: a choice is one word, and a stem has at least {_STEM} letters"
        raise ValueError(msg)
    yield _Slot(words, stems, optional)


def _spellings(choice: str) -> Iterator[str]:
    word = _plain(choice)
    yield word
    if choice.startswith("~"):
        yield from _slips(word)


def _slips(word: str) -> Iterator[str]:
    """Yield what a slip of the finger makes of a word; nothing is added at its end."""
    for at, letter in enumerate(word):
        head, tail = word[:at], word[at + 1 :]
        yield head + tail
        yield head + tail[:1] + letter + tail[1:]
        for other in string.ascii_lowercase:
            yield head + other + tail
            yield head + other + letter + tail


@lru_cache(maxsize=16384)
def _plain(text: str) -> str:
    return fold(text).translate(_PLAIN)


def _from_each_start(slots: _Slots) -> Iterator[_Slots]:
    """Yield the phrase from each slot it can begin with: optional ones may be left out."""
    for index, slot in enumerate(slots):
        if slot is not None:
            yield slots[index:]
            if not slot.optional:
                return


def _length(slots: _Slots, words: list[str], at: int) -> int:
    """Return how many words from `at` on the slots cover, 0 where they do not fit."""
    if not slots:
        return 0
    slot, rest = slots[0], slots[1:]
    if slot is None:
        return _length_after_gap(rest, words, at)
    if at < len(words) and slot.fits(words[at]):
        if not rest or all(s is not None and s.optional for s in rest):
            return 1 + _length(rest, words, at + 1)
        tail = _length(rest, words, at + 1)
        if tail:
            return 1 + tail
    return _length(rest, words, at) if slot.optional else 0


def _length_after_gap(slots: _Slots, words: list[str], at: int) -> int:
    for gap in range(_LONGEST_GAP + 1):
        if SENTENCE_END in words[at : at + gap]:
            break
        length = _length(slots, words, at + gap)
        if length:
            return gap + length
    return 0


@lru_cache(maxsize=16)
def shipped(name: str) -> Mapping[str, Any]:
    """Return a file of `worker/domain/phrases`, read once; it is part of the program."""
    text = files("worker.domain").joinpath("phrases", f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)

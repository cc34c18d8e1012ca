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

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import chain
from typing import Any, Final, NamedTuple

from worker.domain.unspaced import Unspaced
from worker.domain.wording import PLAIN, STEM, Slot, Slots, length_at, reach, slots_of
from worker.domain.words import SENTENCE_END, UNSPACED, UNSPACED_BUT_KOREAN

_TOGETHER: Final = 80
"""Characters from the first to the last of what has to stand together."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase that was found: its name, the words that fired, and where (characters)."""

    name: str
    words: str
    start: int
    end: int


class _Row(NamedTuple):
    """A phrase that has a given word, and how many words before it the phrase may begin."""

    part: int
    slots: Slots
    few: int
    many: int


class Phrases:
    """A set of phrases, each with the name of what it means.

    A phrase is looked up by the rarest of its words, so that what every sentence has
    ("do not …") costs nothing.

    Args:
        named: name → phrases.
        korean_words: Korean phrases are words with spaces between, endings cut off by `*`.

    Raises:
        ValueError: a phrase that means nothing or begins with a gap.

    """

    def __init__(self, named: Mapping[str, Iterable[str]], *, korean_words: bool = False) -> None:
        self._without_spaces = UNSPACED_BUT_KOREAN if korean_words else UNSPACED
        self._names: list[list[str]] = []
        self._pairs_of: list[set[int]] = []
        self._pairs: list[tuple[str, frozenset[int]]] = []
        self._by_word: dict[str, list[_Row]] = defaultdict(list)
        self._by_stem: dict[str, list[_Row]] = defaultdict(list)
        self._unspaced: list[tuple[int, Unspaced]] = []
        numbers: dict[Slots | str, int] = {}
        for name, phrases in named.items():
            for phrase in phrases:
                self._add(name, [self._number(part, numbers) for part in phrase.split("&")])
        self._index({part: slots for slots, part in numbers.items() if isinstance(slots, tuple)})

    def _number(self, part: str, numbers: dict[Slots | str, int]) -> int:
        """Return the number of a part; parts that are alike have the same one."""
        unspaced = self._without_spaces.search(part)
        number = numbers.setdefault(part if unspaced else slots_of(part), len(numbers))
        if number == len(self._names):
            self._names.append([])
            self._pairs_of.append(set())
            if unspaced:
                self._unspaced.append((number, Unspaced(part)))
        return number

    def _add(self, name: str, parts: list[int]) -> None:
        if len(parts) == 1:
            self._names[parts[0]].append(name)
            return
        for part in parts:
            self._pairs_of[part].add(len(self._pairs))
        self._pairs.append((name, frozenset(parts)))

    def _index(self, phrases: Mapping[int, Slots]) -> None:
        seen = Counter(word for slots in phrases.values() for s in slots for word in _words(s))
        for part, slots in phrases.items():
            solid = [(at, s) for at, s in enumerate(slots) if s and not s.optional]
            at, rarest = min(solid, key=lambda place: sum(seen[w] for w in _words(place[1])))
            row = _Row(part, slots, *reach(slots[:at]))
            for word in rarest.words:
                self._by_word[word].append(row)
            for stem in {stem[:STEM] for stem in rarest.stems}:
                self._by_stem[stem].append(row)

    def find(self, folded: str) -> Iterator[Hit]:
        """Yield every place at which a phrase stands; a text is folded by `words.fold`."""
        places: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for part, start, end in self._places(folded.translate(PLAIN)):
            for name in self._names[part]:
                yield Hit(name, folded[start:end], start, end)
            if self._pairs_of[part]:
                places[part].append((start, end))
        for pair in sorted({pair for part in places for pair in self._pairs_of[part]}):
            name, parts = self._pairs[pair]
            if parts <= places.keys():
                for start, end in _together({part: places[part] for part in parts}):
                    if SENTENCE_END not in folded[start:end]:
                        yield Hit(name, folded[start:end], start, end)

    def _places(self, folded: str) -> Iterator[tuple[int, int, int]]:
        """Yield number, start and end of each part that is found."""
        words = folded.split(" ")
        starts = _starts(words)
        for index, word in enumerate(words):
            for row in chain(self._by_word.get(word, ()), self._by_stem.get(word[:STEM], ())):
                for at in range(max(0, index - row.many), index - row.few + 1):
                    length = length_at(row.slots, words, at)
                    if length > 0:
                        last = at + length - 1
                        yield row.part, starts[at], starts[last] + len(words[last])
        if self._unspaced and UNSPACED.search(folded):
            squeezed = folded.replace(" ", "")
            for part, phrase in self._unspaced:
                if phrase.may_stand_in(squeezed):
                    yield from ((part, start, end) for start, end in phrase.places(folded))

    def first(self, folded: str) -> Hit | None:
        """Return the hit that begins first, the longest of several; None where there is none."""
        return min(self.find(folded), key=lambda hit: (hit.start, -hit.end), default=None)


def _words(slot: Slot | None) -> Iterable[str]:
    """Return what stands for the slot when words are counted: its words, and its stems' heads."""
    return () if slot is None else (*slot.words, *(stem[:STEM] for stem in slot.stems))


def _starts(words: list[str]) -> list[int]:
    starts, at = [], 0
    for word in words:
        starts.append(at)
        at += len(word) + 1
    return starts


def _together(places: Mapping[int, list[tuple[int, int]]]) -> Iterator[tuple[int, int]]:
    """Yield from where to where all parts of a phrase stand close together."""
    latest: dict[int, tuple[int, int]] = {}
    rows = sorted((*place, number) for number, found in places.items() for place in found)
    for start, end, part in rows:
        if part not in latest or latest[part][1] < end:  # not a shorter reading of the same
            latest[part] = start, end
        first = min(begin for begin, _ in latest.values())
        last = max(finish for _, finish in latest.values())
        if len(latest) == len(places) and last - first <= _TOGETHER:
            yield first, last


@lru_cache(maxsize=16)
def shipped(name: str) -> Mapping[str, Any]:
    """Return a file of `worker/domain/phrases`, read once; it is part of the program."""
    text = files("worker.domain").joinpath("phrases", f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)

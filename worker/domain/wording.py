"""What the marks in a phrase mean, in scripts that put spaces between words.

`worker.domain.lexicon` says which marks there are.
"""

import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from worker.domain.words import SENTENCE_END, fold

_GAP: Final = "…"
_LONGEST_GAP: Final = 3
STEM: Final = 3
"""Letters by which stems are looked up; a shorter stem is no stem but a word."""
PLAIN: Final = str.maketrans("łđøıħðəىیکۃةہھ", "ldoihdeييكهههه")
"""Letters that many keyboards lack, one for one."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of a phrase: the words and stems that fit there, and whether it may be empty."""

    words: frozenset[str]
    stems: tuple[str, ...]
    optional: bool

    def fits(self, word: str) -> bool:
        """Say whether the word may stand here."""
        return word in self.words or (bool(self.stems) and word.startswith(self.stems))


Slots = tuple[Slot | None, ...]
"""A phrase; None is a gap."""


def slots_of(phrase: str) -> Slots:
    """Return the places of a phrase.

    Raises:
        ValueError: the phrase means nothing, or has a gap at an end.

    """
    slots = tuple(slot for part in phrase.split() for slot in _parts_of(part))
    solid = [slot for slot in slots if slot and not slot.optional]
    if not solid or slots[0] is None or slots[-1] is None:
        msg = f"{phrase!r} is no phrase: it needs a word, and no … at either end"
        raise ValueError(msg)
    return slots


@lru_cache(maxsize=1024)
def _parts_of(part: str) -> Slots:
    return tuple(_parts(part))


def _parts(part: str) -> Iterator[Slot | None]:
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
            yield Slot(frozenset({word}), (), optional)
        return
    stems = tuple(_plain(c[:-1]) for c in choices if c.endswith("*"))
    words = frozenset(word for c in choices if not c.endswith("*") for word in _spellings(c))
    if any(len(stem) < STEM for stem in stems) or any(
        not word or " " in word for word in (*stems, *words)
    ):
        msg = f"{part!r}: a choice is one word, and a stem has at least {STEM} letters"
        raise ValueError(msg)
    yield Slot(words, stems, optional)


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
    return fold(text).translate(PLAIN)


def reach(slots: Slots) -> tuple[int, int]:
    """Return how few and how many words the slots can cover."""
    few = sum(slot is not None and not slot.optional for slot in slots)
    return few, sum(_LONGEST_GAP if slot is None else 1 for slot in slots)


def length_at(slots: Slots, words: list[str], at: int) -> int:
    """Return how many words from `at` on the slots cover, -1 where they do not fit."""
    if not slots:
        return 0
    slot, rest = slots[0], slots[1:]
    if slot is None:
        return _length_after_gap(rest, words, at)
    if at < len(words) and slot.fits(words[at]):
        tail = length_at(rest, words, at + 1)
        if tail >= 0:
            return 1 + tail
    return length_at(rest, words, at) if slot.optional else -1


def _length_after_gap(slots: Slots, words: list[str], at: int) -> int:
    for gap in range(_LONGEST_GAP + 1):
        if SENTENCE_END in words[at : at + gap]:
            break
        length = length_at(slots, words, at + gap)
        if length >= 0:
            return gap + length
    return -1

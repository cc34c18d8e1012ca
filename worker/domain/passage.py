"""A text as sentences and clauses, folded for comparing, with the way back to what was written."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from worker.domain.words import without_marks

_ADDRESS: Final = re.compile(
    r"(?:https?://|www\.)\S+"
    r"|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
    r"|\b[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}/\S*",
    re.IGNORECASE,
)
"""Web and mail addresses: what stands in them is no part of a sentence."""

_WRAPPED: Final = range(50, 100)
"""Lengths of the lines that mail programs break in the middle of a sentence (characters)."""

_CUT: Final = re.compile(
    r"(?P<end>[?!…。！？؟\u037e]+|\.+(?=[\s\"'”’»)\]]|$)|;|\n)"
    r"|[,:()،؛、，：–—]|(?<=\s)-(?=\s)"
)
_GREEK: Final = re.compile("[\u0370-\u03ff]")
_ASKS: Final = re.compile("[?？؟\u037e]")
_ASKS_BY_ENDING: Final = re.compile(
    r"(?:です|でした|ます|ました|ません|でしょう|ない)か$|[吗嗎呢]$|(?:까요|나요|습니까|입니까|은가요)$"
)
"""Questions in languages that need no question mark."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """Where a sentence stands in the folded text, and whether it is a question."""

    start: int
    end: int
    asks: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """What somebody wrote, ready to be searched.

    Attributes:
        written: the text as it was, but for blanks where addresses stood.
        folded: what `words.fold` makes of it.
        origins: for each folded character, where it stands in `written`.
        sentences: those that have words, in order.
        clauses: where clauses begin in the folded text, ascending; a sentence begins one too.

    """

    written: str
    folded: str
    origins: tuple[int, ...]
    sentences: tuple[Sentence, ...]
    clauses: tuple[int, ...]

    def clauses_of(self, sentence: Sentence) -> Iterator[tuple[int, tuple[int, int]]]:
        """Yield index, start and end of each clause in a sentence."""
        first, last = place(self.clauses, sentence.start), place(self.clauses, sentence.end - 1)
        for index in range(first, last + 1):
            end = sentence.end if index == last else self.clauses[index + 1] - 1
            yield index, (self.clauses[index], end)

    def said(self, start: int, end: int) -> str:
        """Return a part of the folded text as it was written, on one line."""
        return " ".join(self.written[self.origins[start] : self.origins[end - 1] + 1].split())


def place(starts: tuple[int, ...], position: int) -> int:
    """Return which of the parts that begin at `starts` has a position in it."""
    return bisect_right(starts, position) - 1


def passage(text: str) -> Passage:
    """Part a text into sentences and clauses, in one pass."""
    written = _unwrap(_ADDRESS.sub(_blank, text))
    folding = _Folding()
    sentences: list[Sentence] = []
    clauses: list[int] = []
    begun = 0
    for start, end, ends, asks in _pieces(written):
        at = folding.add(written, start, end)
        if at is not None:
            clauses.append(at)
        if ends:
            if len(clauses) > begun:
                sentences.append(Sentence(clauses[begun], len(folding.letters), asks))
            begun = len(clauses)
    return Passage(
        written, "".join(folding.letters), tuple(folding.origins), tuple(sentences), tuple(clauses)
    )


def _blank(address: re.Match[str]) -> str:
    return " " * len(address[0])


def _unwrap(text: str) -> str:
    """Join the lines that were wrapped; any other line end is the end of a sentence."""
    lines = text.split("\n")
    followed = zip(lines, [*lines[1:], ""], strict=True)
    return "".join(
        line + (" " if _goes_on(line, following[:1]) else "\n") for line, following in followed
    )


def _goes_on(line: str, first: str) -> bool:
    """Say whether a sentence goes on in the next line, which begins with `first`."""
    return first.islower() or (len(line) in _WRAPPED and first.isalnum())


def _pieces(text: str) -> Iterator[tuple[int, int, bool, bool]]:
    """Yield where each clause starts and ends, whether a sentence ends with it, and asks."""
    start = sentence = 0
    for cut in _CUT.finditer(text):
        ends = cut["end"] is not None
        asks = ends and _is_question(text[sentence : cut.start()], cut[0])
        yield start, cut.start(), ends, asks
        start = cut.end()
        sentence = start if ends else sentence


def _is_question(sentence: str, mark: str) -> bool:
    return bool(
        _ASKS.search(mark)
        or (mark == ";" and _GREEK.search(sentence))
        or _ASKS_BY_ENDING.search(sentence.rstrip())
    )


class _Folding:
    """Folds piece by piece, as `words.fold` does, and remembers where each letter was."""

    def __init__(self) -> None:
        self.letters: list[str] = []
        self.origins: list[int] = []

    def add(self, text: str, start: int, end: int) -> int | None:
        """Add a piece; return where its words begin, None where it has none."""
        at = None
        apart = True
        for index in range(start, end):
            for letter in _letters(text[index]):
                if letter == " ":
                    apart = True
                    continue
                if apart and self.letters:
                    self._append(" ", index)
                at = len(self.letters) if at is None else at
                self._append(letter, index)
                apart = False
        return at

    def _append(self, letter: str, index: int) -> None:
        self.letters.append(letter)
        self.origins.append(index)


@lru_cache(maxsize=4096)
def _letters(character: str) -> str:
    """Return what folding makes of a character: letters and digits, a blank, or nothing."""
    bare = unicodedata.normalize("NFKD", character.casefold())
    return "".join(c if c.isalnum() else " " for c in without_marks(bare))

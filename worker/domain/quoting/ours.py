"""Finding in a mail what we sent: by runs of the same words, however wrapped and marked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Final

from worker.domain.quoting.page import Kind, Page
from worker.domain.quoting.wording import plain
from worker.domain.words import UNSPACED, fold

_UNSPACED: Final = UNSPACED.pattern[1:-1]
_TOKEN: Final = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
"""A word; in scripts without spaces a letter."""
_NOISE: Final = re.compile(r"<[^<>\n]{0,500}>|https?://\S+|www\.\S+|\[[^\[\]\n]{0,200}\]")
"""Addresses, links and names of pictures: what mail programs change on the way."""
_LETTER: Final = re.compile(r"\w")

_GRAM: Final = 3
_SURE_WORDS: Final = 8
_SURE_LETTERS: Final = 24
"""From this length on the same words in a row are no chance; a whole text may be shorter."""
_SHORTEST_TEXT: Final = 4
_MOSTLY: Final = 0.5
"""The part of a mail of ours that has to be there for its crumbs to count as well."""
_NEARLY_ALL: Final = 0.8

_Gram = tuple[str, str, str]
_Run = tuple[int, int]
"""The first word or letter, and one after the last."""


@dataclass(frozen=True, slots=True)
class _Text:
    """The words of a text, and where each begins and ends in it."""

    words: list[str]
    spans: list[_Run]

    def grams(self) -> list[_Gram]:
        return list(zip(self.words, self.words[1:], self.words[2:], strict=False))


@dataclass(slots=True)
class _Found:
    """Which words of a mail are ours: for sure, and where most of a mail of ours is, likely."""

    surely: list[bool]
    likely: list[bool]
    mostly: bool = False


def mark_ours(page: Page, ours: Sequence[str]) -> bool:
    """Mark the lines that are ours; say whether most of one of our mails is there.

    A line that is ours only in part is cut into parts.
    """
    if not ours:
        return False
    mail = _text("\n".join(page.plain))
    found = _Found([False] * len(mail.words), [False] * len(mail.words))
    grams = mail.grams()
    for text in ours:
        _find(mail.words, grams, _text(plain(text)), found)
    if True in found.surely:
        _mark(page, mail, found)
    return found.mostly


def _text(text: str) -> _Text:
    bare = _NOISE.sub(lambda noise: " " * len(noise[0]), text)
    spans = [token.span() for token in _TOKEN.finditer(bare)]
    return _Text([_folded(bare[first:end]) for first, end in spans], spans)


@lru_cache(maxsize=8192)
def _folded(word: str) -> str:
    return fold(word)


def _find(words: list[str], grams: list[_Gram], ours: _Text, found: _Found) -> None:
    if len(ours.words) < _SHORTEST_TEXT:
        return
    known = frozenset(ours.grams())
    runs = list(_runs(grams, known))
    sure = [run for run in runs if _is_sure(words, run, ours.words)]
    for first, end in sure:
        found.surely[first:end] = [True] * (end - first)
    if sum(end - first for first, end in sure) >= _MOSTLY * len(ours.words):
        found.mostly = True
        for first, end in runs:
            if end > sure[0][0]:
                found.likely[first:end] = [True] * (end - first)


def _runs(grams: Sequence[_Gram], known: frozenset[_Gram]) -> Iterator[_Run]:
    """Yield where words stand in the same order as in ours."""
    first = None
    for index, gram in enumerate(grams):
        if gram in known:
            first = index if first is None else first
        elif first is not None:
            yield first, index + _GRAM - 1
            first = None
    if first is not None:
        yield first, len(grams) + _GRAM - 1


def _is_sure(words: Sequence[str], run: _Run, ours: Sequence[str]) -> bool:
    first, end = run
    if end - first < min(_SURE_WORDS, len(ours)):
        return False
    return sum(map(len, words[first:end])) >= min(_SURE_LETTERS, sum(map(len, ours)))


def _mark(page: Page, mail: _Text, found: _Found) -> None:
    begins = [0, *accumulate(len(line) + 1 for line in page.plain)]
    first = end = len(mail.words)
    for line in range(len(page.plain) - 1, -1, -1):  # from below: parts move what follows
        while first and mail.spans[first - 1][0] >= begins[line]:
            first -= 1
        if first < end:
            spans = [(a - begins[line], b - begins[line]) for a, b in mail.spans[first:end]]
            _mark_line(page, line, spans, found.surely[first:end], found.likely[first:end])
        end = first


def _mark_line(
    page: Page, line: int, spans: list[_Run], surely: list[bool], likely: list[bool]
) -> None:
    known = [a or b for a, b in zip(surely, likely, strict=True)]
    if all(known) or (not any(surely) and sum(known) >= _NEARLY_ALL * len(known)):
        page.kinds[line] = Kind.OURS
    elif any(surely) and page.kinds[line] is not Kind.QUOTED:
        inside = [span for span, ours in zip(spans, known, strict=True) if ours]
        _cut(page, line, inside[0][0], inside[-1][1])


def _cut(page: Page, line: int, start: int, end: int) -> None:
    """Cut a line in three: what stands before our words, they, and what stands after them."""
    whole, kind = page.plain[line], page.kinds[line]
    parts = [(whole[:start], kind), (whole[start:end], Kind.OURS), (whole[end:], kind)]
    kept = [(text.strip(), of) for text, of in parts if _LETTER.search(text)]
    page.lines[line : line + 1] = [text for text, _ in kept]
    page.plain[line : line + 1] = [text for text, _ in kept]
    page.kinds[line : line + 1] = [of for _, of in kept]

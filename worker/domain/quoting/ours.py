"""Finding in a mail what we sent: by runs of the same words, however wrapped and marked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from worker.domain.quoting.page import Kind, Page
from worker.domain.words import UNSPACED, fold

_UNSPACED: Final = UNSPACED.pattern[1:-1]
_TOKEN: Final = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
"""A word; in scripts without spaces a letter."""
_NOISE: Final = re.compile(r"<[^<>\n]{0,500}>|https?://\S+|www\.\S+|\[[^\[\]\n]{0,200}\]")
"""Addresses, links and names of pictures: what mail programs change on the way."""

_GRAM: Final = 3
_SURE_WORDS: Final = 8
_SURE_LETTERS: Final = 24
"""From this length on the same words in a row are no chance; a whole text may be shorter."""
_SHORTEST_TEXT: Final = 4
_MOSTLY: Final = 0.5
"""The part of a mail of ours that has to be there for its crumbs to count as well."""
_NEARLY_ALL: Final = 0.8


@dataclass(frozen=True, slots=True)
class _Token:
    word: str
    line: int
    start: int
    end: int


_Gram = tuple[str, str, str]


def mark_ours(page: Page, ours: Sequence[str]) -> bool:
    """Mark the lines that are ours; say whether most of one of our mails is there.

    A line that is ours only in part is cut into parts.
    """
    tokens = [token for index, line in enumerate(page.plain) for token in _tokens(line, index)]
    grams = _grams([token.word for token in tokens])
    surely, crumbs, mostly = [False] * len(tokens), [False] * len(tokens), False
    for text in ours:
        words = [token.word for line in text.split("\n") for token in _tokens(line, 0)]
        if len(words) < _SHORTEST_TEXT:
            continue
        known = frozenset(_grams(words))
        runs = list(_sure_runs(tokens, grams, known, words))
        for first, end in runs:
            surely[first:end] = [True] * (end - first)
        if runs and sum(end - first for first, end in runs) >= _MOSTLY * len(words):
            mostly = True
            for first, end in _runs(grams, known):
                if end > runs[0][0]:
                    crumbs[first:end] = [True] * (end - first)
    if True in surely:
        _mark(page, tokens, surely, crumbs)
    return mostly


def _tokens(line: str, index: int) -> Iterator[_Token]:
    if "<" in line or "[" in line or "://" in line or "www." in line:
        line = _NOISE.sub(lambda noise: " " * len(noise[0]), line)
    for found in _TOKEN.finditer(line):
        word = found[0]
        folded = word.lower() if word.isascii() else fold(word)
        yield _Token(folded, index, found.start(), found.end())


def _grams(words: Sequence[str]) -> list[_Gram]:
    return list(zip(words, words[1:], words[2:], strict=False))


def _runs(grams: Sequence[_Gram], known: frozenset[_Gram]) -> Iterator[tuple[int, int]]:
    """Yield where words stand in the same order as in ours: first word, one after the last."""
    first = None
    for index, gram in enumerate(grams):
        if gram in known:
            first = index if first is None else first
        elif first is not None:
            yield first, index + _GRAM - 1
            first = None
    if first is not None:
        yield first, len(grams) + _GRAM - 1


def _sure_runs(
    tokens: Sequence[_Token], grams: Sequence[_Gram], known: frozenset[_Gram], words: Sequence[str]
) -> Iterator[tuple[int, int]]:
    needed = min(_SURE_WORDS, len(words))
    letters = min(_SURE_LETTERS, sum(map(len, words)))
    for first, end in _runs(grams, known):
        if end - first >= needed and sum(len(t.word) for t in tokens[first:end]) >= letters:
            yield first, end


def _mark(page: Page, tokens: list[_Token], surely: list[bool], crumbs: list[bool]) -> None:
    of_line: dict[int, list[int]] = {}
    for place, token in enumerate(tokens):
        of_line.setdefault(token.line, []).append(place)
    for line, places in reversed(of_line.items()):  # from below: parts move what follows
        if page.kinds[line] is Kind.QUOTED:
            if all(surely[p] or crumbs[p] for p in places):
                page.kinds[line] = Kind.OURS
            continue
        sure = [p for p in places if surely[p]]
        known = sum(surely[p] or crumbs[p] for p in places)
        if len(sure) == len(places) or known >= _NEARLY_ALL * len(places):
            page.kinds[line] = Kind.OURS
        elif sure:
            _cut(page, line, tokens[sure[0]].start, tokens[sure[-1]].end)


def _cut(page: Page, line: int, start: int, end: int) -> None:
    """Cut a line in three: what stands before our words, they, and what stands after them."""
    whole, kind = page.plain[line], page.kinds[line]
    parts = [(whole[:start].strip(), kind), (whole[start:end], Kind.OURS), (whole[end:], kind)]
    kept = [(text.strip(), of) for text, of in parts if re.search(r"\w", text)]
    page.lines[line : line + 1] = [text for text, _ in kept]
    page.plain[line : line + 1] = [text for text, _ in kept]
    page.kinds[line : line + 1] = [of for _, of in kept]

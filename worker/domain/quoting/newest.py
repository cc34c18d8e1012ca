"""From the kinds of a mail's lines to those that are its newest part."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from worker.domain.quoting.page import Kind, Page

_WORD: Final = re.compile(r"\w")


@dataclass(slots=True)
class Newest:
    """Lines of the newest part, in their order, with whether they are quoted.

    Attributes:
        foreign: somebody other than the sender may have written them: a mail that is only
            forwarded, or answered below a history without marks.
        opened: the mail begins with an attribution, so that its first quotes are no part.

    """

    lines: list[tuple[str, bool]] = field(default_factory=list)
    foreign: bool = False
    opened: bool = False

    def words(self) -> list[str]:
        """Return the lines without the quoted ones."""
        return [line for line, quoted in self.lines if not quoted]

    def conversation(self) -> list[str]:
        """Return the lines with the quoted ones that something is said to."""
        said = [i for i, (line, quoted) in enumerate(self.lines) if line.strip() and not quoted]
        if not said:
            return []
        kept = self.lines[: said[-1] + 1]
        later = any(quoted for _, quoted in self.lines[said[0] :])
        if self.opened and not later:
            kept = [(line, quoted) for line, quoted in kept if not quoted]
        return [line for line, _ in kept]


@dataclass(slots=True)
class _Block:
    """The lines between two marks."""

    marked: bool
    lines: list[int]


def newest(page: Page, *, mostly_ours: bool) -> Newest:
    """Return the newest part of a page.

    A mark above quoted lines ends nothing: answers may stand between them. A mark above
    plain lines begins the history, if anything stands above it.
    """
    found = Newest()
    above = False
    for block in _blocks(page):
        lines = _without_signature(page, block.lines, above=above)
        kinds = {page.kinds[index] for index in lines}
        bare = block.marked and not _begins_quoted(page, block.lines)
        known = mostly_ours and Kind.OURS in kinds
        if bare and (above or known):
            if known and not found.foreign:
                _keep(page, found, _around_ours(page, lines, above=above, bare=True))
            return found
        found.opened |= block.marked and not above
        found.foreign |= bare
        if known:
            lines = _around_ours(page, lines, above=above, bare=False)
        _keep(page, found, lines)
        above = True
    return found


def _blocks(page: Page) -> Iterator[_Block]:
    """Yield the blocks that have anything in them."""
    block = _Block(marked=False, lines=[])
    filled = False
    for index, kind in enumerate(page.kinds):
        if kind is not Kind.MARK:
            block.lines.append(index)
            filled |= kind is not Kind.BLANK
            continue
        if filled:
            yield block
        block, filled = _Block(marked=True, lines=[]), False
    if filled:
        yield block


def _begins_quoted(page: Page, lines: list[int]) -> bool:
    """Say whether a block begins with quotes, or one line right above them."""
    kinds = [page.kinds[index] for index in lines]
    first = next(place for place, kind in enumerate(kinds) if kind is not Kind.BLANK)
    return Kind.QUOTED in kinds[first : first + 2]


def _without_signature(page: Page, lines: list[int], *, above: bool) -> list[int]:
    """Leave out what follows a `--`, down to quoted lines; with nothing above it stays."""
    kept, signed = [], False
    for index in lines:
        kind = page.kinds[index]
        if kind is Kind.SIGN:
            signed = signed or above
        elif kind in (Kind.QUOTED, Kind.OURS):
            signed = False
        if not signed and kind is not Kind.SIGN:
            kept.append(index)
        above |= kind is not Kind.BLANK
    return kept


def _around_ours(page: Page, lines: list[int], *, above: bool, bare: bool) -> list[int]:
    """Return the lines that stand before and within what we sent, and what answers below it.

    `above`: the person's words stand above the block already. `bare`: the block follows a
    mark, to which the lines before ours belong.
    """
    ours = [index for index in lines if page.kinds[index] is Kind.OURS]
    before = [] if bare else [index for index in lines if index < ours[0]]
    within = [index for index in lines if ours[0] < index < ours[-1]]
    answers = any(_says(page, index) for index in within)
    above = above or any(_says(page, index) for index in before)
    quoted = page.plain[ours[-1]].startswith(">")
    below = [index for index in lines if index > ours[-1]]
    return before + within + (below if quoted or answers or not above else [])


def _says(page: Page, index: int) -> bool:
    return page.kinds[index] is Kind.OWN and _WORD.search(page.plain[index]) is not None


def _keep(page: Page, found: Newest, lines: list[int]) -> None:
    found.lines += [
        (page.lines[index], page.kinds[index] is Kind.QUOTED)
        for index in lines
        if page.kinds[index] is not Kind.OURS
    ]

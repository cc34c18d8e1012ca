"""A mail as lines, each with what it is."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from worker.domain.quoting.wording import plain


class Kind(Enum):
    """What a line of a mail is.

    OWN: words, as far as nothing says otherwise.
    QUOTED: marked as quoted.
    OURS: the words of a mail that we sent, marked or not.
    MARK: says that another mail begins: an attribution, header lines, a separator.
    SIGN: the line above a signature.
    """

    BLANK = auto()
    OWN = auto()
    QUOTED = auto()
    OURS = auto()
    MARK = auto()
    SIGN = auto()


@dataclass(slots=True)
class Page:
    """The lines of a mail beside their plain form and their kinds; all three are as long.

    Reading goes in steps, each of which knows more: so the kinds change.
    """

    lines: list[str]
    plain: list[str]
    kinds: list[Kind]

    def mark(self, first: int, last: int, kind: Kind) -> None:
        """Set the kind of the lines from `first` to `last`, both included; blanks stay blank."""
        for index in range(first, last + 1):
            if self.kinds[index] is not Kind.BLANK:
                self.kinds[index] = kind

    def next_words(self, index: int) -> int | None:
        """Return the next line after this one that is not blank; None where it is far or none."""
        for later in range(index + 1, min(index + _FAR, len(self.kinds))):
            if self.kinds[later] is not Kind.BLANK:
                return later
        return None


_FAR: Final = 20
"""Blank lines over which nothing belongs together any more."""

_INITIALS: Final = re.compile(r"[A-Z]{1,3}>")
"""`JD> …`: how some programs quote."""
_MORE_THAN: Final = re.compile(r">\s?\d")
"""`> 50 people`: alone on its line it is an answer."""


def page_of(lines: Iterable[str]) -> Page:
    """Return the page with blanks and quoted lines told apart."""
    kept = [line.rstrip() for line in lines]
    shown = [plain(line).strip() for line in kept]
    kinds = [_kind(line) for line in shown]
    page = Page(kept, shown, kinds)
    for index, line in enumerate(shown):
        if line.startswith(">") and _MORE_THAN.match(line) and _stands_alone(page, index):
            kinds[index] = Kind.OWN
        elif line[1:4].find(">") >= 0 and _has_same_initials_beside(page, index):
            kinds[index] = Kind.QUOTED
    return page


def _kind(line: str) -> Kind:
    if not line:
        return Kind.BLANK
    if line[0] == ">":
        return Kind.QUOTED
    return Kind.SIGN if line == "--" else Kind.OWN


def _stands_alone(page: Page, index: int) -> bool:
    beside = page.kinds[max(index - 2, 0) : index] + page.kinds[index + 1 : index + 3]
    above = page.plain[index - 1] if index else ""
    return Kind.QUOTED not in beside and not above.endswith(":")


def _has_same_initials_beside(page: Page, index: int) -> bool:
    found = _INITIALS.match(page.plain[index])
    beside = page.plain[max(index - 1, 0) : index] + page.plain[index + 1 : index + 2]
    return found is not None and any(line.startswith(found[0]) for line in beside)

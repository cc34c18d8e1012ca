"""Lines like "On Tuesday, Ann <ann@ex.example> wrote:", in any language and wrapped anyhow.

What such a line is made of counts, not how a language orders it: an address, a date, a time,
the word for "wrote", a colon at the end, and quoted lines below.
"""

import re
from dataclasses import dataclass
from typing import Final

from worker.domain.quoting.evidence import (
    Found,
    address_in,
    begins_with_digits,
    date_in,
    is_dated,
    time_in,
)
from worker.domain.quoting.page import Kind, Page
from worker.domain.quoting.wording import Wording, wording

_MOST_LINES: Final = 7
_MOST_LETTERS: Final = 400
_MOST_TRIES: Final = 200
"""Lines that are looked at closely: a person's mail has fewer, a hostile one thousands."""

_EVIDENT: Final = re.compile(r"[\d@]")
_SENTENCE_ENDS: Final = re.compile(r"[.!?:;…。]$")
_ABBREVIATION_ENDS: Final = re.compile(r"\s(?:[^\W\d]{1,4}|\d{1,2})\.$")
_TORN: Final = ("<", "(<", "> ", ">:", ":", "mailto:")
_NARROWEST: Final = 48
"""Characters: no program wraps shorter lines."""
_OLD_GMAIL: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d?:\d\d (?:GMT|UTC)[+-]\d")
_DATED_LIST: Final = re.compile(r"\d{4}[-/.]\d\d?[-/.]\d\d? \D.*@.*>$")
_ONLY_WROTE_WORDS: Final = 6
_NAME_WORDS: Final = 6


def mark_attributions(page: Page) -> None:
    """Mark the lines that say who wrote what follows."""
    words, tries = wording(), 0
    for index, line in enumerate(page.plain):
        if tries >= _MOST_TRIES:
            return
        if not _may_end(page, index, line, words):
            continue
        tries += 1
        first = _first_line(page, index, words)
        if first is not None:
            page.mark(first, index, Kind.MARK)


def _may_end(page: Page, index: int, line: str, words: Wording) -> bool:
    """Say whether an attribution may end here; cheap, for most lines are none."""
    kind = page.kinds[index]
    if len(line) > _MOST_LETTERS or kind not in (Kind.OWN, Kind.QUOTED):
        return False
    if kind is Kind.QUOTED:
        return line[-1] == ":" and _is_torn_off(page, index, words)
    if line[-1] in ":>" or line.endswith(("----", ":*", ":_", ": -", ":**")):
        return line.count("(") <= line.count(")") or not _ends_below(page, index)
    complete = (line[0].isdigit() and _OLD_GMAIL.match(line)) or (
        "@" in line and words.wrote_last.search(line)
    )
    return bool(complete) and not _ends_below(page, index)


def _ends_below(page: Page, index: int) -> bool:
    below = page.plain[index + 1] if index + 1 < len(page.plain) else ""
    return below == ":" or (below.endswith(":") and _EVIDENT.search(below) is not None)


def _is_torn_off(page: Page, index: int, words: Wording) -> bool:
    """Say whether a `>:` or `> wrote:` is the end of a wrapped line above it."""
    if not index or page.kinds[index - 1] is not Kind.OWN:
        return False
    rest = page.plain[index].strip("> ")
    return rest == ":" or bool(words.wrote_first.search(rest))


@dataclass(frozen=True, slots=True)
class _Window:
    """Lines that may be one attribution, joined, and what they show."""

    text: str
    ended: bool
    quoted_below: bool
    address: Found | None
    date: Found | None
    dated: bool
    """It has a date and a time of day."""
    early: bool
    """A digit stands among the first words."""
    wrote: int | None
    """Where "wrote" begins; None where it does not stand there."""

    def is_attribution(self, words: Wording) -> bool:
        return self._is_full() or self._is_name_and_wrote(words) or self._is_above_quotes()

    def _is_full(self) -> bool:
        """Date, time and writer: nobody ends a sentence of his own so."""
        wrote = self.wrote is not None
        if self.address and self.dated and (self.ended or wrote):
            ends_in_address = not re.search(r"\w", self.text[self.address.end() :])
            return wrote or self.quoted_below or (self.early and ends_in_address)
        after_date = bool(self.date and wrote and (self.wrote or 0) > self.date.start())
        return self.dated and self.ended and after_date and self.early

    def _is_name_and_wrote(self, words: Wording) -> bool:
        """`Ann <ann@ex.example> wrote:`."""
        if not (self.address and self.ended):
            return False
        name = self.text[: self.address.start()].split()
        rest = self.text[self.address.end() :].lstrip(" <>()[],\"'-")
        return len(name) <= _NAME_WORDS and bool(words.wrote_first.search(rest))

    def _is_above_quotes(self) -> bool:
        """With quoted lines right below, less is enough."""
        if not (self.quoted_below and self.ended):
            return False
        if self.wrote is not None:
            return bool(self.date or self.address) or (len(self.text.split()) <= _ONLY_WROTE_WORDS)
        return bool(self.address and self.date)


def _first_line(page: Page, last: int, words: Wording) -> int | None:
    """Return where the attribution that ends in this line begins; None where there is none."""
    lines = _lines_up(page, last, words)
    widest = _joined(page, lines)
    if not _EVIDENT.search(widest) and not _quoted_below(page, last):
        return None
    line = page.plain[last]
    if _OLD_GMAIL.match(line) or (_DATED_LIST.match(line) and _quoted_below(page, last)):
        return last
    for count in range(1, len(lines) + 1):
        window = _window(page, lines[-count:], words)
        if window.is_attribution(words):
            return _extended(page, lines[: len(lines) - count], lines[-count], words)
    return None


def _lines_up(page: Page, last: int, words: Wording) -> list[int]:
    """Return this line with those above it that may have been wrapped into it."""
    lines, letters = [last], len(page.plain[last])
    for index in range(last - 1, max(last - _MOST_LINES, -1), -1):
        if page.kinds[index] is Kind.BLANK:
            continue
        letters += len(page.plain[index])
        if page.kinds[index] is not Kind.OWN or letters > _MOST_LETTERS:
            break
        if not _is_wrapped(page, index, lines[0], words):
            break
        lines.insert(0, index)
    return lines


def _is_wrapped(page: Page, index: int, below: int, words: Wording) -> bool:
    """Say whether a line goes on in the one below: torn at an address, at its verb or its end."""
    line, rest = page.plain[index], page.plain[below]
    if rest.startswith(_TORN) or line == "<" or line.count("(") > line.count(")"):
        return True
    if below - index > 1 or (_SENTENCE_ENDS.search(line) and not _is_abbreviated(line)):
        return False
    if "@" in line[line.rfind(" ") :] or line.endswith("<") or words.wrote_first.search(rest):
        return True
    return len(page.lines[index]) + len(rest.partition(" ")[0]) >= _NARROWEST


def _is_abbreviated(line: str) -> bool:
    return bool(_ABBREVIATION_ENDS.search(line))


def _joined(page: Page, lines: list[int]) -> str:
    """Join lines as before they were wrapped; `=` at an end is a wrap of the transport's."""
    text = ""
    for index in lines:
        line = page.plain[index].strip("*_ ").strip("-").strip()
        text = text[:-1] + line if text.endswith("=") else f"{text} {line}".strip()
    return text[-_MOST_LETTERS:]


def _quoted_below(page: Page, last: int) -> bool:
    below = page.next_words(last)
    if below is None:
        return False
    return page.kinds[below] in (Kind.QUOTED, Kind.OURS) or page.plain[below].startswith("| ")


def _window(page: Page, lines: list[int], words: Wording) -> _Window:
    text = _joined(page, lines)
    wrote = words.wrote.search(text)
    last = page.plain[lines[-1]]
    return _Window(
        text=text,
        ended=text.endswith(":") or last.endswith("----") or bool(words.wrote_last.search(text)),
        quoted_below=_quoted_below(page, lines[-1]),
        address=address_in(text),
        date=date_in(text),
        dated=is_dated(text),
        early=begins_with_digits(text),
        wrote=wrote.start() if wrote else None,
    )


def _extended(page: Page, above: list[int], first: int, words: Wording) -> int:
    """Return the first line, where more of the attribution stands above what was recognised."""
    for index in reversed(above):
        if _opens(page.plain[first], words) and "@" not in page.plain[index]:
            break
        if not _goes_on(page.plain[index], page.plain[first], words):
            break
        first = index
    return first


def _opens(line: str, words: Wording) -> bool:
    opened = line.casefold().startswith(words.openers)
    return opened and begins_with_digits(line) and date_in(line) is not None


def _goes_on(line: str, below: str, words: Wording) -> bool:
    """Say whether a line is an attribution's that goes on below."""
    if begins_with_digits(line) and (date_in(line) or time_in(line)):
        return True
    opened = line.casefold().startswith(words.openers)
    torn = below.startswith(_TORN) or line == "<"
    return line.count(" ") < _NAME_WORDS and (opened or torn or "@" in line)

"""Histories that follow the words on the same line, as in snippets that lost their line ends."""

import re
from collections.abc import Iterator
from itertools import count, pairwise, takewhile
from typing import Final

from worker.domain.quoting.evidence import Found, address_in, date_in, is_dated
from worker.domain.quoting.wording import plain, wording

_SHORTEST: Final = 60
"""Characters: in a shorter line there is no room for words and a whole attribution."""
_MOST_TRIES: Final = 200
"""Places that are looked at closely: a person's mail has fewer, a hostile one thousands."""
_MOST_LABELS: Final = 8
_REACH: Final = 250
"""Characters that an attribution takes at most; header lines take twice as many."""
_BEFORE_DATE: Final = 40
_LONGEST_NAME: Final = 60
_ENOUGH_LABELS: Final = 3
_COLON: Final = re.compile(r":(?=\s|$)")
_NAME: Final = re.compile(r"(?:[^\W\d_a-z]\S*\s+){0,3}[\"'<(\[]*$")
"""Up to three words with capitals before an address."""
_NAMED_AFTER: Final = re.compile(r"[\s:]?(?:[^\W\d_a-z]\S*\s*){0,3}:?$")
"""What may stand between "wrote" and the end, where there is no address."""
_DAY: Final = re.compile(r"(?<!\w)\d{1,2}\b")
_WEEKDAY: Final = re.compile(r"(?:(?<=[.!?] )[^\W\d]{1,12}[.,]{0,2}|[^\W\d]{1,12}\.?,) $")
"""A day of the week, where it begins a sentence or a comma ends it."""
_WHOLE_SENTENCE: Final = re.compile(r"[!?] *$|\w \w.*[.…)\"'] *$")


def split_lines(text: str) -> Iterator[str]:
    """Yield the lines of a text, those cut in two where a history begins within them."""
    tries = count()
    for line in text.split("\n"):
        if len(line) < _SHORTEST:
            yield line
        else:
            yield from _split(line, tries)


def _split(line: str, tries: Iterator[int]) -> Iterator[str]:
    shown = plain(line)
    places = {*_header(shown, tries), *_attribution(shown, tries)} - {0} if ":" in shown else ()
    if not places:
        yield line
        return
    cuts = [0, *sorted(places), len(shown)]
    for first, end in pairwise(cuts):
        if shown[first:end].strip():
            yield shown[first:end].strip()


def _header(line: str, tries: Iterator[int]) -> list[int]:
    """Return where `From: Ann <ann@ex.example> Sent: … To: … Subject: …` begins and ends."""
    labels = wording().labels
    found = [
        (match.start(1), labels.get(match[1].casefold(), ""))
        for match, _ in zip(wording().label.finditer(line), _left(tries), strict=False)
    ]
    for place, (start, kind) in enumerate(found):
        if kind != "from":
            continue
        block = [f for f in found[place : place + _MOST_LABELS] if f[0] < start + 2 * _REACH]
        if len({k for _, k in block}) < _ENOUGH_LABELS:
            continue
        if address_in(line[start : start + 2 * _REACH]):
            return [start, *(at for at, _ in block[1:])]
    return []


def _attribution(line: str, tries: Iterator[int]) -> list[int]:
    """Return where `On Tuesday at 9:00 Ann <ann@ex.example> wrote:` begins and ends."""
    line = line.rstrip()
    for colon, _ in zip(_COLON.finditer(line), _left(tries), strict=False):
        floor = max(colon.end() - _REACH, 0)
        begins = _start(line[floor : colon.end()])
        if begins is None:
            continue
        start = floor + begins
        before = line[max(start - _BEFORE_DATE, 0) : start]
        if colon.end() < len(line) or _WHOLE_SENTENCE.search(before):
            return [start, colon.end()]
    return []


def _left(tries: Iterator[int]) -> Iterator[int]:
    """Yield as long as tries are left for the whole mail."""
    return takewhile(lambda number: number < _MOST_TRIES, tries)


def _start(window: str) -> int | None:
    """Return where the attribution begins that ends a window; None where there is none."""
    date = date_in(window)
    if not date or not is_dated(window):
        return None
    address = address_in(window)
    wrote = max((match.span() for match in wording().wrote.finditer(window)), default=(-1, -1))
    if not address:
        named = wrote[0] > date.start() and _NAMED_AFTER.match(window[wrote[1] - 1 :])
        return _of_date(window, date) if named else None
    if re.search(r"\w", window[address.end() :]) and wrote[0] < address.end() - 1:
        return None
    if address.start() > date.start():
        return _of_date(window, date)
    floor = max(address.start() - _LONGEST_NAME, 0)
    named = _NAME.search(window[floor : address.start()])
    return floor + named.start() if named else address.start()


def _of_date(window: str, date: Found) -> int:
    """Return where the words begin that lead to a date: `On Tuesday, 3 March 2025`."""
    floor = max(date.start() - _BEFORE_DATE, 0)
    before = window[floor : date.start() + 1]
    opened: list[int] = [match.start(1) for match in wording().opener.finditer(before)]
    if opened:
        return floor + opened[-1]
    days = [match.start() for match in _DAY.finditer(before[:-1])]
    first = floor + days[0] if days else date.start()
    weekday = _WEEKDAY.search(window[:first])
    return weekday.start() if weekday else first

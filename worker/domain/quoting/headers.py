"""What stands above a quoted mail: header lines (`From: … Sent: …`) and separators."""

import re
from typing import Final

from worker.domain.quoting.evidence import address_in, is_dated
from worker.domain.quoting.page import Kind, Page
from worker.domain.quoting.wording import key_of, wording

_LONGEST_LABEL: Final = 28
_LONGEST_VALUE: Final = 300
_NARROWEST: Final = 48
"""Characters: no program wraps shorter lines, subjects aside."""
_MOST_LINES: Final = 20
_ENOUGH_LABELS: Final = 3
_INTRODUCING: Final = 3
"""Lines that may stand between a separator and the quotes it separates."""
_RULE: Final = 5
"""Underscores from which on a line is a rule: Outlook draws one above what it quotes."""
_LONGEST_SEPARATOR: Final = 100
_DASHED: Final = re.compile(r"[-–—_=*~+#]{2,}[^-–—_=*~+#]")
_NAMED: Final = re.compile(r":[\s*\"']*[^\W\d]|:[\s*]*$")
"""What follows the label of a sender begins with a letter: `From: 10:00` names none."""
_SPACED_PIPES: Final = re.compile(r"^\|\s*([^|]{1,28}?)\s*\|\s*")


def mark_headers(page: Page) -> None:
    """Mark blocks of header lines that name a mail's sender and more."""
    kinds = [_label(line) for line in page.plain]
    index = 0
    while index < len(kinds):
        if kinds[index] and page.kinds[index] is Kind.OWN:
            last = _last_line(page, kinds, index)
            if _is_header(page, kinds, index, last):
                page.mark(index, last, Kind.MARK)
            index = last
        index += 1


def _label(line: str) -> str:
    """Return the kind of the label that a line begins with; "" where there is none."""
    if line.startswith("|"):
        line = _SPACED_PIPES.sub(r"\1:", line)
    colon = line.find(":", 0, _LONGEST_LABEL)
    return wording().labels.get(key_of(line[:colon]), "") if colon > 0 else ""


def _last_line(page: Page, kinds: list[str], first: int) -> int:
    """Return the last of the header lines that begin here, wrapped ones included."""
    last, blanks = first, 0
    for index in range(first + 1, min(first + _MOST_LINES, len(kinds))):
        if page.kinds[index] is Kind.BLANK:
            blanks += 1
            if blanks > 1:
                break
        elif kinds[index]:
            last, blanks = index, 0
        elif blanks or page.kinds[index] is not Kind.OWN or not _is_wrapped(page, kinds, index):
            break
    return _with_wrapped(page, last)


def _is_wrapped(page: Page, kinds: list[str], index: int) -> bool:
    """Say whether a line without a label may be the rest of the header line above."""
    above = page.plain[index - 1]
    return (
        kinds[index - 1] == "subject"
        or len(above) >= _NARROWEST
        or above.endswith(("<", ",", ";"))
        or page.lines[index][:1].isspace()
    )


def _with_wrapped(page: Page, last: int) -> int:
    """Add what is left of a long list of addresses."""
    following = last + 1
    while following < len(page.plain) and page.plain[following].endswith((">", ";", ">,")):
        if page.kinds[following] is not Kind.OWN or "@" not in page.plain[following]:
            break
        following += 1
    return following - 1


def _is_header(page: Page, kinds: list[str], first: int, last: int) -> bool:
    """Tell a header from what people write in lines, like `From: Berlin` above `To: Rome`."""
    lines = [(kinds[i], page.plain[i][:_LONGEST_VALUE]) for i in range(first, last + 1)]
    found = {kind for kind, _ in lines} - {""}
    people = [line for kind, line in lines if kind not in ("", "sent", "subject")]
    addressed = any(address_in(line) for line in people)
    if addressed:
        return len(found) >= (2 if "from" in found else _ENOUGH_LABELS)
    named = any(kind == "from" and _NAMED.search(line) for kind, line in lines)
    if any(kind == "sent" and is_dated(line) for kind, line in lines):
        return named
    if len(found) < _ENOUGH_LABELS or not named:
        return False
    return len(found) > _ENOUGH_LABELS or _is_rule(page, first - 1)


def _is_rule(page: Page, index: int) -> bool:
    return index >= 0 and bool(page.plain[index]) and not page.plain[index].strip("-–—_=*")


def mark_separators(page: Page) -> None:
    """Mark lines like `-----Original Message-----`, and rules of underscores."""
    for index, line in enumerate(page.plain):
        if page.kinds[index] is Kind.OWN and _is_separator(page, index, line):
            page.mark(index, _last_above_quotes(page, index), Kind.MARK)


def _last_above_quotes(page: Page, index: int) -> int:
    """Return the last line between a separator and quotes: what stands there introduces them."""
    words = 0
    for below in range(index + 1, min(index + _MOST_LINES, len(page.kinds))):
        if page.kinds[below] is Kind.QUOTED:
            return below - 1
        words += page.kinds[below] is not Kind.BLANK
        if words > _INTRODUCING:
            break
    return index


def _is_separator(page: Page, index: int, line: str) -> bool:
    if line[0] in "_*" and not line.strip("_* "):
        return line.count("_") >= _RULE
    if len(line) > _LONGEST_SEPARATOR:
        return False
    words = wording()
    dashed = bool(_DASHED.match(line))
    name = key_of(line.strip("-–—_=*~+#: "))
    if name in words.separators:
        return dashed or line[-1] == ":" or _heads_history(page, index)
    if name.startswith(words.separator_openings):
        return True
    return dashed and line[-2:] == line[1::-1] and _heads_history(page, index)


def _heads_history(page: Page, index: int) -> bool:
    """Say whether quoted lines or a header begin within the next lines."""
    below = [k for k in page.kinds[index + 1 : index + 5] if k is not Kind.BLANK][:2]
    return Kind.QUOTED in below or Kind.MARK in below[:1] or Kind.OURS in below[:1]

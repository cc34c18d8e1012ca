"""What stands above a quoted mail: header lines (`From: … Sent: …`) and separators."""

import re
from typing import Final

from worker.domain.quoting.evidence import is_dated
from worker.domain.quoting.page import Kind, Page
from worker.domain.quoting.wording import key_of, wording

_LONGEST_LABEL: Final = 28
_LONGEST_SENT: Final = 200
_MOST_LINES: Final = 20
_WRAPPED: Final = 2
"""Lines without a label that one header may go on over."""
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
    last, plain_lines, blanks = first, 0, 0
    for index in range(first + 1, min(first + _MOST_LINES, len(kinds))):
        if page.kinds[index] is Kind.BLANK:
            blanks += 1
        elif kinds[index]:
            last, plain_lines, blanks = index, 0, 0
        elif blanks or plain_lines == _WRAPPED or page.kinds[index] is not Kind.OWN:
            break
        else:
            plain_lines += 1
        if blanks > 1:
            break
    return _with_wrapped(page, last)


def _with_wrapped(page: Page, last: int) -> int:
    """Add what is left of a long list of addresses."""
    following = last + 1
    while following < len(page.plain) and "@" in page.plain[following]:
        if page.kinds[following] is not Kind.OWN or following > last + _WRAPPED:
            break
        following += 1
    return following - 1


def _is_header(page: Page, kinds: list[str], first: int, last: int) -> bool:
    """Tell a header from what people write in lines, like `From: Berlin` above `To: Rome`."""
    found = {kinds[index] for index in range(first, last + 1)} - {""}
    lines = page.plain[first : last + 1]
    addressed = any("@" in line for line in lines)
    if "from" not in found:
        return addressed and len(found) >= _ENOUGH_LABELS
    if addressed and len(found) > 1:
        return True
    sender = page.plain[kinds.index("from", first)]
    if "subject" in found and found & {"sent", "to"} and _NAMED.search(sender):
        return True
    return any(
        kind == "sent" and is_dated(line[:_LONGEST_SENT])
        for kind, line in zip(kinds[first : last + 1], lines, strict=True)
    )


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

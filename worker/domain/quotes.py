"""What the person wrote, without the history that their mail program quotes below it.

Losing their words is worse than keeping a few quoted ones, for they may ask us to stop. So
what is cut has to look like nothing else, and answers between quoted lines stay. What we
sent ourselves is known to the letter and goes wherever it stands.
"""

import quopri
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from worker.domain.quoting.attribution import mark_attributions
from worker.domain.quoting.closing import without_closing
from worker.domain.quoting.headers import mark_headers, mark_separators
from worker.domain.quoting.newest import newest
from worker.domain.quoting.oneline import split_lines
from worker.domain.quoting.ours import mark_ours
from worker.domain.quoting.page import Kind, Page, page_of
from worker.domain.words import clean

READ_AT_MOST: Final = 64 * 1024
"""Characters read from the top: nobody's answer is longer, and hostile mails are."""

LINES_AT_MOST: Final = 5_000
"""Lines read from the top, likewise."""

_MOST_MAILS: Final = 20
"""So many of our newest mails are looked for; longer threads quote no older ones."""

_ENCODED: Final = re.compile(r"=[0-9A-F]{2}")


def is_capped(text: str) -> bool:
    """Say whether a mail is longer than what is read of it."""
    return len(text) > READ_AT_MOST or text.count("\n") >= LINES_AT_MOST


def _capped(text: str) -> str:
    lines = clean(text[:READ_AT_MOST]).split("\n", LINES_AT_MOST)
    return _decoded("\n".join(lines[:LINES_AT_MOST]))


def _decoded(text: str) -> str:
    """Decode what came as quoted-printable: `=` at the ends of lines, and `=E2=80=99` for ’."""
    if "=\n" not in text or not _ENCODED.search(text):
        return text
    try:
        return quopri.decodestring(text.encode()).decode()
    except UnicodeDecodeError:
        return text


def newest_words(text: str, ours: Sequence[str] = ()) -> str:
    """Return what the person wrote: no quoted lines, no history, no signature.

    A mail of nothing but history has no words of theirs; unless it is known what we sent,
    and it is not that.

    Args:
        text: the whole mail; HTML has been through `words.html_to_text`.
        ours: whole texts of the mails that we sent before it.

    """
    return _read(text, ours).words


def newest_part(text: str, ours: Sequence[str] = ()) -> str:
    """Return the newest part as a reader wants to see it.

    That is the person's words with the quoted lines that they answer, or, where there are
    no words, what they only quote or forward. Nothing is decided on it.
    """
    return _read(text, ours).part


@dataclass(frozen=True, slots=True)
class _Reading:
    words: str
    part: str


def _read(text: str, ours: Sequence[str]) -> _Reading:
    page = page_of(split_lines(_capped(text)))
    mostly = mark_ours(page, [_sent(mail) for mail in ours[-_MOST_MAILS:]])
    _mark_history(page)
    found = newest(page, mostly_ours=mostly)
    part = _joined(without_closing(found.conversation()))
    if part and not found.foreign:
        return _Reading(_joined(without_closing(found.words())), part)
    if part:
        return _Reading(part if ours and not mostly else "", part)
    quoted = _only_quoted(page)
    is_other = bool(ours) and Kind.OURS not in page.kinds
    return _Reading(_unquoted(quoted) if is_other else "", quoted)


def _mark_history(page: Page) -> None:
    mark_headers(page)
    mark_separators(page)
    mark_attributions(page)


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines).strip()


def _sent(mail: str) -> str:
    """Return a mail of ours down to what it quotes itself: that may be the person's."""
    page = page_of(_capped(mail).split("\n"))
    _mark_history(page)
    first = page.kinds.index(Kind.MARK) if Kind.MARK in page.kinds else len(page.kinds)
    own = [
        line
        for line, kind in zip(page.lines[:first], page.kinds, strict=False)
        if kind is not Kind.QUOTED
    ]
    return "\n".join(own if any(own) else page.lines)


def _only_quoted(page: Page) -> str:
    """Return the quoted lines of a mail that has no others, unless they say whose they are."""
    if Kind.OWN in page.kinds or Kind.MARK in page.kinds:
        return ""
    quoted = [
        line
        for line, kind in zip(page.lines, page.kinds, strict=True)
        if kind in (Kind.QUOTED, Kind.BLANK)
    ]
    inner = page_of(_unquoted(line) for line in quoted)
    mark_attributions(inner)
    opening = next((kind for kind in inner.kinds if kind is not Kind.BLANK), Kind.BLANK)
    return _joined(quoted) if opening is Kind.OWN else ""


def _unquoted(text: str) -> str:
    return "\n".join(line.lstrip().removeprefix(">").strip() for line in text.split("\n")).strip()

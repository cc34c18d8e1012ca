"""How long hostile mails take to read: 10 KB, 100 KB and 1 MB of each kind."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from worker.domain.quotes import newest_words
from worker.domain.words import html_to_text

SIZES: Final = (10_000, 100_000, 1_000_000)
"""Bytes."""

MOST_SECONDS: Final = 0.1
"""In which the largest has to be read."""

_RUNS: Final = 3

_OURS: Final = (
    "Hi Ann,\n\nwe help teams like yours to cut the time for invoices by half. Would a short "
    "call suit you?\n\nBest, Sam\nReply stop to unsubscribe."
)

_TEXTS: Final = {
    "one line": "a",
    "words on one line": "stop it ",
    "empty lines": "\n",
    "short lines": "a\n",
    "marks": ">",
    "nested quotes": "> " * 40 + "a\n",
    "“On ”": "On ",
    "“On” lines": "On 2 June 2026\n",
    "attributions": "On 2 June 2026 10:12 a@b.example wrote:\n",
    "attributions on one line": "On 2 June 2026 10:12 a@b.example wrote: ",
    "colons on long lines": "a: " * 40 + "2026 10:12: b\n",
    "names": "A" * 150 + " a@b.example 1.1.2026 10:12 wrote: b\n",
    "headers on long lines": "From: To: Sent: " * 8 + "\n",
    "dates with many addresses": "2026-01-01 a" + "@" * 200 + ":\n",
    "colons": "1 2026 10:12:\n",
    "addresses": "a@b.example writes\n",
    "headers": "From: a@b.example\n",
    "headers on one line": "From: a@b.example To: b Sent: c ",
    "separators": "----- a -----\n",
    "rules": "_____\n> a\n",
    "blanks": " \t",
    "angle brackets": "<a",
    "square brackets": "[a",
    "letters without spaces": "停",
    "our own words": "we help teams like yours to cut the time ",
}

_HTMLS: Final = {
    "tags": "<b>",
    "nested tags": "<div>",
    "misnested tags": "<b><p>",
    "nested quotes": "<blockquote>a",
    "line breaks": "a<br>",
    "paragraphs": "<p>a</p>\n",
    "tables": "<table><tr><td>a",
    "preformatted lines": "<pre>a\n",
    "quotes by class": '<div class="gmail_quote"><div class="gmail_attr">a',
    "styles": '<p style="white-space:pre;border-top:solid #E1E1E1">a\n',
    "open brackets": "<",
    "comments": "<!--",
    "attributes": "<a b=c ",
    "entities": "&gt;",
}


@dataclass(frozen=True, slots=True)
class Speed:
    """How long a kind of hostile mail takes, in seconds for each of the sizes."""

    kind: str
    seconds: tuple[float, ...]

    @property
    def enough(self) -> bool:
        """Say whether the largest is read in time."""
        return self.seconds[-1] < MOST_SECONDS


def speeds() -> Iterator[Speed]:
    """Measure each kind: processor time, the best of a few runs, for others work here as well."""
    newest_words("the first reading loads the words of all languages")
    for kind, piece in _TEXTS.items():
        yield Speed(kind, tuple(_seconds(piece, size, html=False) for size in SIZES))
    for kind, piece in _HTMLS.items():
        yield Speed(f"HTML: {kind}", tuple(_seconds(piece, size, html=True) for size in SIZES))


def _seconds(piece: str, size: int, *, html: bool) -> float:
    mail = piece * (size // len(piece.encode()))
    return min(_once(mail, html=html) for _ in range(_RUNS))


def _once(mail: str, *, html: bool) -> float:
    started = time.process_time()
    newest_words(html_to_text(mail) if html else mail, (_OURS,))
    return time.process_time() - started


def show() -> bool:
    """Print the table; say whether everything was read in time."""
    print(f"{'hostile mail':34} {'10 KB':>9} {'100 KB':>9} {'1 MB':>9}   (milliseconds)")
    found = []
    for speed in speeds():
        figures = " ".join(f"{seconds * 1000:9.1f}" for seconds in speed.seconds)
        print(f"{speed.kind:34} {figures}{'' if speed.enough else '   TOO SLOW'}")
        found.append(speed)
    return all(speed.enough for speed in found)

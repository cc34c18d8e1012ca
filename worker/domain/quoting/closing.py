"""The end of a mail: lines of phones and programs, formal closings, disclaimers."""

import re
from collections.abc import Iterator
from typing import Final

from worker.domain.optout import opt_out_words
from worker.domain.quoting.wording import Client, key_of, plain, wording
from worker.domain.words import fold

_LAST_LINES: Final = 60
_LONGEST_CLIENT: Final = 160
_MOST_DEVICE_WORDS: Final = 8
_LONGEST_PARAGRAPH: Final = 4000
_FEWEST_LEGAL_WORDS: Final = 12
_LEGAL_PHRASES: Final = 2
_LONGEST_NAME_LINE: Final = 60
_NAME_WORDS: Final = 5
_BANNER_LINES: Final = 6

_LINK: Final = re.compile(r"<[^<>\s]{0,300}>|\]\([^()\s]{0,300}\)|https?://\S*")
_SIGNS: Final = re.compile(r"[\[\]()<>*_\"“”|]+")
_PARTS: Final = re.compile(r"[,;!]\s*|\.\s+|\.$")
_DECORATION: Final = re.compile(
    r"[\s_\-=+~#*•·|ᐧ—–]*|\s*\[(?:cid|image|Bild|Image):[^\]]*\]\s*|\s*<[\w.-]+\.(?:png|jpe?g|gif)>\s*"
)
"""Rules and pictures."""
_SIGNED: Final = re.compile(r"[-/](?![-/])(?=[^\W\d_])")
"""`-Ann` and `/Ann`: a name as signature."""
_NAME_WORD: Final = re.compile(r"[\w.'’&@+()/:|,–-]+")
_PARTICLES: Final = frozenset({
    "van", "von", "de", "der", "den", "da", "di", "del", "la", "le", "du", "af", "av", "al", "bin",
    "ben", "ter", "zu", "y", "e", "i", "and", "of",
})  # fmt: skip
"""Words of names without a capital."""


def without_closing(lines: list[str]) -> list[str]:
    """Return the lines without what a program, a lawyer or politeness put at their end.

    Where nothing else is there, a closing stays: it is all they wrote.
    """
    lines = _without_decoration(lines)
    for step in (_without_clients, _without_legal, _without_formal_end):
        lines = _without_decoration(step(lines))
    return lines


def _without_decoration(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and _DECORATION.fullmatch(lines[end - 1]):
        end -= 1
    return lines[:end]


def _without_clients(lines: list[str]) -> list[str]:
    first = max(len(lines) - _LAST_LINES, 0)
    return lines[:first] + [line for line in lines[first:] if not is_client(line)]


def is_client(line: str) -> bool:
    """Say whether a phone or program wrote a line, like `Sent from my iPhone`."""
    if not line or len(line) > _LONGEST_CLIENT:
        return False
    text = " ".join(_SIGNS.sub(" ", _LINK.sub(" ", plain(line))).split()).strip(" .-")
    said = _PARTS.split(text, maxsplit=1)
    if len(said) > 1 and said[1] and not said[1].lower().startswith(wording().apologies):
        return False
    lowered = said[0].lower()
    return any(_fits(client, said[0], lowered) for client in wording().clients)


def _fits(client: Client, text: str, lowered: str) -> bool:
    if not (lowered.startswith(client.begins) and lowered.endswith(client.ends)):
        return False
    rest = text[len(client.begins) : len(text) - len(client.ends)]
    if client.begins and client.begins[-1].isascii() and rest[:1].isalnum():
        return False
    words = [word for word in re.split(r"[\s/-]+", rest) if word]
    named = all(_is_named(word) for word in words)
    return len(words) <= _MOST_DEVICE_WORDS and named and _has_device(lowered)


def _is_named(word: str) -> bool:
    """Say whether a word may be part of a device's name: no prose goes on here."""
    low = word.lower()
    caseless = low == word.upper()
    return low in wording().glue or low != word or caseless or _is_device(low)


def _is_device(word: str) -> bool:
    if any(c.isdigit() for c in word):
        return True
    return word in wording().devices or any(
        word.startswith(device) or (device in word and not word.isascii())
        for device in wording().devices
        if len(device) > 3  # noqa: PLR2004 - "pc" and "app" begin too many words
    )


def _has_device(lowered: str) -> bool:
    return any(_is_device(word) for word in re.split(r"[\s/-]+", lowered))


def _without_legal(lines: list[str]) -> list[str]:
    """Leave out disclaimers, and the warnings that a company's server puts above a mail."""
    dropped: set[int] = set()
    for first, end in _paragraphs(lines):
        if end <= len(lines) - _LAST_LINES and first > _BANNER_LINES:
            continue
        paragraph = " ".join(lines[first:end])[:_LONGEST_PARAGRAPH]
        if _is_boilerplate(paragraph) or _is_legal(paragraph):
            dropped.update(range(first, end))
            if first > 1 and _is_heading(lines, first):
                dropped.update(range(first - 2, first))
    kept = [line for index, line in enumerate(lines) if index not in dropped]
    return kept if any(line.strip() for line in kept) else lines


def _paragraphs(lines: list[str]) -> Iterator[tuple[int, int]]:
    first = 0
    for index, line in enumerate([*lines, ""]):
        if not line.strip():
            if index > first:
                yield first, index
            first = index + 1


def _is_heading(lines: list[str], first: int) -> bool:
    return fold(lines[first - 2]) in wording().headings and not lines[first - 1].strip()


def _is_boilerplate(paragraph: str) -> bool:
    return wording().boilerplate.first(fold(paragraph)) is not None


def _is_legal(paragraph: str) -> bool:
    folded = fold(paragraph)
    words = folded.split(" ")
    if len(words) < _FEWEST_LEGAL_WORDS or not wording().first_person.isdisjoint(words):
        return False
    return len({hit.name for hit in wording().legal.find(folded)}) >= _LEGAL_PHRASES


def _without_formal_end(lines: list[str]) -> list[str]:
    """Leave out `Kind regards` with a name right below, and a name behind a dash."""
    paragraphs = list(_paragraphs(lines[-_LAST_LINES:]))
    if len(paragraphs) < 2 and not lines[:-_LAST_LINES]:  # noqa: PLR2004 - it is all there is
        return lines
    shift = max(len(lines) - _LAST_LINES, 0)
    first, end = paragraphs[-1][0] + shift, paragraphs[-1][1] + shift
    last = [line.strip() for line in lines[first:end]]
    if _is_formal_end(last) and not opt_out_words("\n".join(last[1:] or last)):
        return lines[:first]
    return lines


def _is_formal_end(paragraph: list[str]) -> bool:
    if len(paragraph) == 1:
        signed = _SIGNED.match(paragraph[0])
        return bool(signed) and _is_name(paragraph[0][1:])
    closing, name, *rest = paragraph
    if key_of(fold(closing)) not in wording().closings or not _is_name(name):
        return False
    return all(_is_contact(line) for line in rest)


def _is_name(line: str) -> bool:
    words = line.strip(" *_,.").split()
    return 0 < len(words) <= _NAME_WORDS and all(_is_name_word(word) for word in words)


def _is_name_word(word: str) -> bool:
    return word.lower() in _PARTICLES or (word[0].isupper() and word.lower() != word.upper())


def _is_contact(line: str) -> bool:
    """Say whether a line below a name may be a title, a firm, a number or an address."""
    if len(line) > _LONGEST_NAME_LINE:
        return False
    return all(
        _is_name_word(word) or not word[0].isalpha() or "@" in word or "." in word
        for word in line.split()
    )

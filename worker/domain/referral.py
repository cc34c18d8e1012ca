"""Who a mail points to instead: name and address, only where the wording says so."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from worker.domain.lexicon import Hit, Phrases, shipped
from worker.domain.passage import Passage, passage, place
from worker.domain.wordings import ASIDE, language_shares, shipped_wordings, spelled
from worker.domain.words import fold

_READ_AT_MOST: Final = 4 * 1024
_REACH: Final = 120
"""Characters beside a wording in which a name stands, if it stands anywhere."""

_MOST_BRIDGES: Final = 6
"""Words between wording and name: "our new head of marketing"."""

_LONGEST_NAME: Final = 4
_NOUNS_ARE_CAPITAL: Final = frozenset({"de"})
_ADDRESS: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_TOKEN: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|[^\w\s]|\n")
_DECLINED: Final = {"Herrn": "Herr"}


@dataclass(frozen=True, slots=True)
class Referral:
    """Somebody else to write to; "" where the mail does not say."""

    name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class _Tables:
    phrases: Phrases
    us: Mapping[str, frozenset[str]]
    patterns: tuple[re.Pattern[str], ...]
    titles: frozenset[str]
    particles: frozenset[str]
    none: frozenset[str]


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    data = shipped("referral")
    languages = {code: rows for code, rows in data.items() if "to" in rows}
    named = {
        f"{code} {kind}": tuple(spelled(rows.get(kind, ())))
        for code, rows in languages.items()
        for kind in ("to", "first", "by")
    }
    names = {kind: frozenset(fold(text).split()) for kind, text in data["names"].items()}
    return _Tables(
        phrases=Phrases(named, korean_words=True),
        us={code: frozenset(fold(rows["us"]).split()) for code, rows in languages.items()},
        patterns=tuple(map(re.compile, data["patterns"]["names"])),
        titles=names["titles"],
        particles=names["particles"],
        none=names["none"],
    )


def referral_in(words: str) -> Referral | None:
    """Return whom a person names for us to write to, None where they name nobody.

    Args:
        words: the newest words of the person.

    """
    words = words[:_READ_AT_MOST]
    text = passage(words)
    found = [*_told(text, words), *_matched(words)]
    full = (referral for referral in found if referral.name and referral.email)
    return next(full, found[0] if found else None)


def _matched(words: str) -> Iterator[Referral]:
    """Yield the names in scripts without capitals."""
    for pattern in _tables().patterns:
        for found in pattern.finditer(words):
            yield Referral(found[1])


def _told(text: Passage, words: str) -> Iterator[Referral]:
    """Yield what stands beside each wording, in the order of the text."""
    for hit in _hits(text):
        language, _, kind = hit.name.partition(" ")
        begin, end = text.origins[hit.start], text.origins[hit.end - 1] + 1
        line = _end_of_line(text.written, end)
        nouns = language in _NOUNS_ARE_CAPITAL
        if kind == "by":
            before = max(begin - _REACH, 0)
            name = _name_before(text.written[before:begin], nouns=nouns)
            address = _ADDRESS.search(words, before, line) if name else None
        else:
            following = text.written[end:line].lstrip(" :\n")
            if _is_one_of_us(following, language):
                continue
            name = _first_name(_tokens(following), nouns=nouns)
            address = _ADDRESS.search(words, begin, line)
        if name or address:
            yield Referral(name, address[0] if address else "")


def _hits(text: Passage) -> Iterator[Hit]:
    """Yield the wordings of the mail's language, but for those that somebody says no to."""
    starts = tuple(sentence.start for sentence in text.sentences)
    others = list(shipped_wordings().phrases.find(text.folded))
    shares = language_shares(text.folded, others)
    nots = {(hit.name, hit.end) for hit in others if hit.name.endswith(" not")}
    for hit in sorted(_tables().phrases.find(text.folded), key=lambda h: (h.start, -h.end)):
        language, _, kind = hit.name.partition(" ")
        if (
            shares[language] >= ASIDE
            and place(starts, hit.start) == place(starts, hit.end - 1)
            and (kind != "first" or hit.start in starts)
            and (f"{language} not", hit.start - 1) not in nots
        ):
            yield hit


def _end_of_line(text: str, position: int) -> int:
    """Return where the line ends; where nothing else stands in it, the second line after it."""
    end = text.find("\n", position)
    if not text[position:end].strip(" :"):
        for _ in range(2):
            end = text.find("\n", end + 1) if end >= 0 else end
    return min(end, position + _REACH) if end >= 0 else position + _REACH


def _is_one_of_us(following: str, language: str) -> bool:
    """Say whether the next word is for the writer or the reader: "contact me", "talk to you"."""
    first = _TOKEN.search(following)
    return first is not None and fold(first[0]) in _tables().us[language]


def _tokens(text: str) -> list[str]:
    return [token[0] for token in _TOKEN.finditer(text)]


def _name_before(text: str, *, nouns: bool) -> str:
    """Return the name that ends right here, "" where there is none.

    Where nouns have capitals too, one word is no name unless it has a title.
    """
    tokens = _tokens(text)
    while tokens and tokens[-1] in ",()":
        tokens.pop()
    at = len(tokens)
    while at and _kind(tokens[at - 1]) in ("name", "title", "particle"):
        at -= 1
    name = _first_name(tokens[at:], nouns=False)
    return "" if nouns and " " not in name else name


def _first_name(tokens: Iterable[str], *, nouns: bool) -> str:
    """Return the first run of words that are written like a name.

    Where nouns have capitals too, the first one after "our" or "the" is a noun.
    """
    name: list[str] = []
    bridges = 0
    noun_comes = False
    for piece in tokens:
        kind = _kind(piece)
        if kind in ("stop", "pause"):
            dotted = bool(name) and piece == "." and _kind(name[-1]) == "title"
            if dotted:
                name[-1] += piece
            elif name or kind == "stop":
                break
        elif kind == "bridge" or (kind == "particle" and not name):
            bridges += 1
            if name or bridges > _MOST_BRIDGES:
                break
            noun_comes = nouns and piece[0].islower()
        elif kind == "name" and noun_comes:
            noun_comes = False
        else:
            noun_comes = False
            name.append(_DECLINED.get(piece, piece))
    while name and _kind(name[-1]) != "name":
        name.pop()
    return " ".join(name[:_LONGEST_NAME])


def _kind(piece: str) -> str:
    """Say what a piece can be: part of a name, what leads to one, or what ends it."""
    folded = fold(piece)
    if not folded:
        return "stop" if piece in ".!?;\n" else "pause"
    tables = _tables()
    if folded in tables.titles:
        return "title"
    if folded in tables.particles and piece[0].islower():
        return "particle"
    shouted = len(piece) > 1 and piece.isupper()
    return "name" if piece[0].isupper() and not shouted and folded not in tables.none else "bridge"

"""The words of mail programs in all languages, made ready for looking up."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import re2

from worker.domain.lexicon import Phrases, shipped
from worker.domain.words import UNSPACED, fold

LABEL_KINDS: Final = ("from", "sent", "to", "subject", "other")
_UNSEEN: Final = (
    *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xAD, 0x34F, 0x61C,
    0x180E, 0xFEFF,
)  # fmt: skip
"""Characters that only steer the direction or the wrapping of a line."""
_SPACES: Final = (9, 0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
_WIDE: Final = str.maketrans("：﹕，،、＜＞．（）＠－«»", '::,,,<>.()@-""')
_ZEROS: Final = (0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xFF10)
"""Where the digits of other scripts begin."""

_PLAIN: Final = str.maketrans(
    dict.fromkeys(_UNSEEN)
    | dict.fromkeys(_SPACES, " ")
    | _WIDE
    | {zero + digit: str(digit) for zero in _ZEROS for digit in range(10)}
)


def plain(text: str) -> str:
    """Return a text without what no eye sees, with one kind of space, colon, comma and digit."""
    text = text.translate(_PLAIN)
    if "&" in text:
        text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
    return text


def key_of(text: str) -> str:
    """Return a short text as it is looked up: without case and marks around it."""
    return text.strip(" *_>|#[]").casefold()


@dataclass(frozen=True, slots=True)
class Client:
    """What a line of a phone or mail program begins and ends with, lower case."""

    begins: str
    ends: str


@dataclass(frozen=True, slots=True)
class Wording:
    """All languages together: their words do not get in each other's way.

    Attributes:
        labels: key of a header label → its kind.
        separators: keys of lines that stand between dashes; with `separator_openings`
            more may follow on the line.
        wrote: finds "wrote" anywhere in a line; `wrote_first` only at its beginning,
            `wrote_last` only at its end.
        opener: finds how an attribution begins, as it is spelled; its first group ends there.
        label: finds a label with its colon anywhere in a line; its first group is the label.

    """

    labels: Mapping[str, str]
    separators: frozenset[str]
    separator_openings: tuple[str, ...]
    openers: tuple[str, ...]
    wrote: Any
    wrote_first: Any
    wrote_last: Any
    opener: Any
    label: Any
    clients: tuple[Client, ...]
    devices: frozenset[str]
    glue: frozenset[str]
    apologies: tuple[str, ...]
    closings: frozenset[str]
    headings: frozenset[str]
    first_person: frozenset[str]
    legal: Phrases
    boilerplate: Phrases


@lru_cache(maxsize=1)
def wording() -> Wording:
    """Return the words of all languages, read once."""
    data = shipped("quotes")
    common: Mapping[str, Any] = data["any"]
    languages = [table for name, table in data.items() if name != "any"]

    def every(name: str) -> list[str]:
        return [plain(word) for table in languages for word in table.get(name, ())]

    openers = every("openers")
    wrote = _Alternatives(_spellings(every("wrote")))
    labels = {key: kind for kind in LABEL_KINDS for key in map(key_of, _spellings(every(kind)))}
    return Wording(
        labels=labels,
        separators=frozenset(key_of(name) for name in _spellings(every("separators"))),
        separator_openings=tuple(map(key_of, common["separator_openings"])),
        openers=tuple(f"{opener.casefold()} " for opener in openers),
        wrote=_pattern(wrote.anywhere),
        wrote_first=_pattern(rf"^(?:{wrote.spaced})(?:\P{{L}}|$)|^(?:{wrote.glued})"),
        wrote_last=_pattern(rf"(?:{wrote.anywhere})[^\p{{L}}\p{{N}}]*$"),
        opener=_pattern(rf"(?:^|[\s>])({_either(openers)})(?:[\s\d]|$)", case=True),
        label=_pattern(rf"(?:^|[\s*|.])({_either(labels)})\s?\*{{0,2}}:"),
        clients=tuple(_client(template) for template in every("clients")),
        devices=frozenset(word.lower() for word in common["devices"]),
        glue=frozenset(word.lower() for word in common["glue"]),
        apologies=tuple(word.lower() for word in common["apologies"]),
        closings=frozenset(key_of(fold(name)) for name in every("closings")),
        headings=frozenset(fold(name) for name in common["headings"]),
        first_person=frozenset(map(fold, common["first_person"])),
        legal=Phrases({f"legal {phrase}": [phrase] for phrase in every("legal")}),
        boilerplate=Phrases({"boilerplate": common["boilerplate"]}),
    )


def _client(template: str) -> Client:
    begins, _, ends = template.lower().partition("*")
    return Client(begins.strip(), ends.strip())


def _spellings(words: Iterable[str]) -> Iterator[str]:
    """Yield words as they are and as people write them who have no accents."""
    for word in words:
        yield word
        decomposed = unicodedata.normalize("NFKD", word)
        yield "".join(c for c in decomposed if not unicodedata.combining(c))


class _Alternatives:
    """Words as patterns: those with spaces around them, and those with letters beside them.

    Scripts that are written without spaces, and the endings of Korean, stick to the name
    before them.
    """

    def __init__(self, words: Iterable[str]) -> None:
        every = set(words)
        glued = {word for word in every if UNSPACED.search(word) or _HANGUL.search(word)}
        self.spaced, self.glued = _either(every - glued), _either(glued)

    @property
    def anywhere(self) -> str:
        spaced = rf"(?:^|\P{{L}})(?:{self.spaced})(?:\(\p{{L}}{{1,2}}\))?(?:\P{{L}}|$)"
        return rf"(?:{spaced}|(?:{self.glued}))"


def _either(words: Iterable[str]) -> str:
    """Return a pattern for any of the words, the longest first."""
    longest_first = sorted(set(words), key=lambda word: (-len(word), word))
    return "|".join(re.escape(word).replace(r"\ ", r"\s{1,2}") for word in longest_first)


_HANGUL: Final = re.compile("[\uac00-\ud7a3]")


def _pattern(source: str, *, case: bool = False) -> Any:  # noqa: ANN401 - the library has no types
    options = re2.Options()
    options.case_sensitive = case
    return re2.compile(source, options)

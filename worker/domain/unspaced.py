"""Phrases in scripts that put no spaces between words, or put them as they like."""

import re
from collections.abc import Iterator
from typing import Final

from worker.domain.words import SENTENCE_END, fold

_GAP: Final = "…"
_LONGEST_GAP: Final = 12


class Unspaced:
    """One phrase, found anywhere in a folded text; `lexicon` says what its marks mean."""

    def __init__(self, phrase: str) -> None:
        parts = phrase.replace(_GAP, f" {_GAP} ").split()
        self._needed = tuple(
            _choices(part) for part in parts if part != _GAP and not part.startswith("[")
        )
        self._pattern = re.compile(" ?".join(map(_pattern, parts)))

    def may_stand_in(self, squeezed: str) -> bool:
        """Say quickly, of the text without its spaces, whether it has the phrase's words."""
        return all(any(word in squeezed for word in words) for words in self._needed)

    def places(self, folded: str) -> Iterator[tuple[int, int]]:
        """Yield start and end (characters) of each place where the phrase stands."""
        for found in self._pattern.finditer(folded):
            yield found.start(), found.end()


def _choices(part: str) -> tuple[str, ...]:
    if part.startswith("[") != part.endswith("]"):
        msg = f"{part!r}: a bracket stands round the choices of one place"
        raise ValueError(msg)
    return tuple(fold(choice).replace(" ", "") for choice in part.strip("[]").split("|"))


def _pattern(part: str) -> str:
    if part == _GAP:
        return f"[^{SENTENCE_END}]{{0,{_LONGEST_GAP}}}?"
    choices = "|".join(" ?".join(map(re.escape, choice)) for choice in _choices(part))
    return f"(?:{choices})?" if part.startswith("[") else f"(?:{choices})"

"""The wordings of intents that the program ships: a file for each language, and its words.

`phrases/intents/en.toml` and its neighbours have these keys; all but `common` and `filler`
are lists of phrases (see `lexicon`):

    common       everyday words by which the language is known, in one line
    filler       words that an answer may have around it, in one line
    yes, no      an answer, where nothing but fillers stands beside it
    not          takes back what follows it in the same clause: "not", "no need"
    after        takes back what stands before it: "nicht", "yok"
    unsure       takes back what follows, and is no refusal: "not sure"
    harmless     has one of those in it and takes nothing back: "not bad"
    but          begins a new clause, as a comma does
    now          the present: who refuses with one of these in the same clause says: not now
    no_budget    the same, and without one of those an objection
    again, later in one sentence they mean the same: "get back to me" … "in spring"
    [intents]    what says each intent
    [never]      what looks like an intent and is not
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import product
from typing import Any, Final

from worker.domain.lexicon import Hit, Phrases, shipped
from worker.domain.marks import NEVER
from worker.domain.words import fold

_FOLDER: Final = "intents"
MAIN: Final = 0.5
ASIDE: Final = 0.4
"""How much of a language there has to be, against the one with most, for its small words
("en" is "I don't" in Finnish) and for whole wordings."""

GRAMMAR: Final = (
    "filler", "yes", "no", "not", "after", "unsure", "harmless", "but", "now", "no_budget",
    "again", "later",
)  # fmt: skip
"""Kinds of wording that are no intent."""

_PLAIN: Final = (
    str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae"}),
    str.maketrans({"ø": "o", "æ": "ae", "ł": "l", "ı": "i", "đ": "d"}),
)
"""How people write letters that their keyboard lacks."""
_APOSTROPHES: Final = str.maketrans("", "", "'’")
_SEVERAL_WORDS: Final = re.compile("['’_]")


@dataclass(frozen=True, slots=True)
class Wordings:
    """All languages at once.

    Attributes:
        phrases: each is named by its language, a blank and its kind: `en pricing`.
        common: everyday word → the languages that have it.

    """

    languages: tuple[str, ...]
    phrases: Phrases
    common: Mapping[str, tuple[str, ...]]


@lru_cache(maxsize=1)
def shipped_wordings() -> Wordings:
    """Return what the program ships, read once."""
    named: dict[str, tuple[str, ...]] = {}
    common: dict[str, tuple[str, ...]] = {}
    languages = shipped_languages()
    for language in languages:
        data = shipped(f"{_FOLDER}/{language}")
        for word in sorted(set(fold(data["common"]).split())):
            common[word] = (*common.get(word, ()), language)
        for kind, phrases in kinds_of(data):
            named[f"{language} {kind}"] = tuple(spelled(phrases))
    return Wordings(languages, Phrases(named, korean_words=True), common)


def language_shares(folded: str, hits: Iterable[Hit]) -> Mapping[str, float]:
    """Return how much of each language there is in a text; the one with most has 1.

    Its everyday words tell, the fewer languages share them the more, and longer wordings.

    Args:
        folded: the text.
        hits: the shipped wordings that were found in it.

    """
    wordings = shipped_wordings()
    weights: dict[str, float] = defaultdict(float)
    for word in folded.split(" "):
        languages = wordings.common.get(word, ())
        for language in languages:
            weights[language] += 1 / len(languages)
    for hit in hits:
        weights[hit.name.partition(" ")[0]] += hit.words.count(" ")
    most = max(weights.values(), default=0)
    return {name: weights[name] / most if most else 1 for name in wordings.languages}


def shipped_languages() -> tuple[str, ...]:
    """Return the languages that have a file, by their two letters."""
    folder = files("worker.domain").joinpath("phrases", _FOLDER)
    return tuple(sorted(file.name.removesuffix(".toml") for file in folder.iterdir()))


def kinds_of(data: Mapping[str, Any]) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield each kind of wording in a language's file, with its phrases."""
    yield "filler", data["filler"].split()
    for kind in GRAMMAR[1:]:
        yield kind, data.get(kind, ())
    yield from data["intents"].items()
    for intent, phrases in data.get("never", {}).items():
        yield NEVER + intent, phrases


def spelled(phrases: Iterable[str]) -> Iterator[str]:
    """Yield each phrase as the words that may stand at each of its places.

    With every word goes how it is written without its language's keyboard. One that is
    several words once folded ("don't", "we_are") makes a phrase of its own.
    """
    for phrase in phrases:
        yield from map(" ".join, product(*map(_spellings, phrase.split())))


def _spellings(part: str) -> list[str]:
    optional = part.startswith("[")
    choices = part.strip("[]").split("|")
    several = [choice for choice in choices if _SEVERAL_WORDS.search(choice)]
    single = [choice for choice in choices if choice not in several]
    single += [choice.translate(_APOSTROPHES) for choice in several if "_" not in choice]
    plain = {choice.translate(table) for choice in single for table in _PLAIN}
    words = "|".join([*single, *sorted(plain.difference(single))])
    if not several:
        return [f"[{words}]" if optional else words]
    apart = [choice.replace("_", " ") for choice in several]
    return [*apart, *([words] if words else []), *([""] if optional else [])]

"""The language a reply is written in: its script says it, or a small model does.

Where neither is sure, there is no language: a wrong one picks a template that the lead
cannot read, none picks the usual one.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_READ_AT_MOST: Final = 1000
"""Characters: a paragraph tells as much as a page."""
_FEWEST_LETTERS: Final = 8
_FEWEST_WORDS: Final = 2
"""Shorter texts ("Yes", "Stop", "Acme GmbH") are guesses in any script that languages share."""
_SURE: Final = 0.2
_AHEAD: Final = 1.6
"""The best language has at least so much of the probability, and so many times the next one's."""
_RARER: Final = 0.5
"""How likely a language of `_RARE` is, against one that most mails are written in."""

_NO_WORDS: Final = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|[\d_]+")
_WORD: Final = re.compile(r"[^\W\d_]+")

_OF_ONE_LANGUAGE: Final = {
    "am": "\u1200-\u137f",
    "bn": "\u0980-\u09ff",
    "el": "\u0370-\u03ff\u1f00-\u1fff",
    "gu": "\u0a80-\u0aff",
    "he": "\u0590-\u05ff",
    "hy": "\u0530-\u058f",
    "ja": "\u3040-\u30ff",
    "ka": "\u10a0-\u10ff",
    "km": "\u1780-\u17ff",
    "kn": "\u0c80-\u0cff",
    "ko": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3",
    "lo": "\u0e80-\u0eff",
    "ml": "\u0d00-\u0d7f",
    "my": "\u1000-\u109f",
    "pa": "\u0a00-\u0a7f",
    "si": "\u0d80-\u0dff",
    "ta": "\u0b80-\u0bff",
    "te": "\u0c00-\u0c7f",
    "th": "\u0e00-\u0e7f",
    "zh": "\u3400-\u9fff\uf900-\ufaff",
}
_OF_SEVERAL: Final = {
    "arabic": "\u0600-\u06ff\u0750-\u077f",
    "cyrillic": "\u0400-\u052f",
    "devanagari": "\u0900-\u097f",
    "latin": "A-Za-z\u00c0-\u024f\u1e00-\u1eff",
}


def _codes(codes: str) -> frozenset[str]:
    return frozenset(codes.split())


_LANGUAGES: Final = {
    "arabic": _codes("ar fa ps ur"),
    "cyrillic": _codes("be bg kk ky mk mn ru sr tg uk"),
    "devanagari": _codes("hi mr ne"),
    "latin": _codes(
        "af az ca cs cy da de en es et eu fi fr ga hr hu id is it lb lt lv ms mt nl no pl pt"
        " ro sk sl sq sr sv sw tl tr uz vi"
    ),
}
_RARE: Final = _codes("af az be ca cy eu ga is kk ky lb mk mn ms mt ne ps sq sw tg tl uz")
_LETTERS_OF: Final = {
    "ыэ": _codes("be kk ky mn ru tg"),
    "јљњ": _codes("mk sr"),
    "ђћ": _codes("sr"),
    "ѓќѕ": _codes("mk"),
    "їє": _codes("uk"),
    "і": _codes("be kk uk"),
    "ў": _codes("be"),
}
"""Cyrillic letters that only some languages have: they rule the others out."""
_SCRIPTS: Final = {
    name: re.compile(f"[{letters}]") for name, letters in (_OF_ONE_LANGUAGE | _OF_SEVERAL).items()
}
_WEIGHTS: Final = {"ja": 5, "ko": 3, "zh": 5}
"""Such a letter is as much as several of another script: names and products are often Latin."""
_KANA: Final = 0.1
"""Share of kana from which Chinese letters are Japanese words."""


def language_of(text: str) -> str:
    """Return the language (ISO 639-1), "" where the text is too short or too unclear."""
    text = _NO_WORDS.sub(" ", text[:_READ_AT_MOST]).lower()
    script = _script_of(text)
    if script not in _LANGUAGES:
        return script
    words = _WORD.findall(text)
    if len(words) < _FEWEST_WORDS or sum(map(len, words)) < _FEWEST_LETTERS:
        return ""
    return _likeliest(text, _candidates(text, _LANGUAGES[script]))


def _script_of(text: str) -> str:
    """Return the script that most of the text is in: its only language, or its name."""
    letters = {
        name: len(script.findall(text)) * _WEIGHTS.get(name, 1) for name, script in _SCRIPTS.items()
    }
    if letters["ja"] > letters["zh"] * _KANA:
        letters["ja"] += letters.pop("zh")
    most = max(letters, key=lambda name: letters[name])
    return most if letters[most] else ""


def _candidates(text: str, languages: frozenset[str]) -> frozenset[str]:
    """Leave out the languages that lack a letter of the text, unless that leaves none."""
    for letters, having in _LETTERS_OF.items():
        if any(letter in text for letter in letters):
            languages = languages & having or languages
    return languages


def _likeliest(text: str, languages: frozenset[str]) -> str:
    likely = sorted(
        (probability * (_RARER if language in _RARE else 1), language)
        for language, probability in _model().rank(text)
        if language in languages
    )
    best, language = likely[-1]
    next_best = likely[-2][0] if len(likely) > 1 else 0
    sure = best >= _SURE * sum(share for share, _ in likely) and best >= _AHEAD * next_best
    return language if sure else ""


@lru_cache(maxsize=1)
def _model() -> "LanguageIdentifier":
    """Load the model, once and only where it is needed: it takes half a second."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 - loads numpy

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

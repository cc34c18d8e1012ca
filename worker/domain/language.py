"""Which language somebody writes, where that is clear; a wrong guess is worse than none."""

import re
from functools import lru_cache
from typing import Final

from py3langid.langid import MODEL_FILE, LanguageIdentifier

_READ_AT_MOST: Final = 2000
_LEAST_LETTERS: Final = 8
_LEAST_WORDS: Final = 2
_SURE: Final = 0.55
_CLEAR: Final = (0.3, 2.5)
"""A confidence that suffices alone; and one that does with so many times the second best's.
Below, one in fifty of our own samples was taken for a neighbour of its language."""

_SCRIPTS: Final = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7a3]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("ka", re.compile(r"[\u10a0-\u10ff]")),
    ("hy", re.compile(r"[\u0530-\u058f]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
)
"""Scripts that one language alone is written in; Japanese first, which has Chinese letters too."""

_SPOKEN: Final = (
    "ar", "bg", "bn", "ca", "cs", "da", "de", "en", "es", "et", "eu", "fa", "fi", "fr", "gl", "hi",
    "hr", "hu", "id", "is", "it", "lt", "lv", "mk", "ms", "nb", "nl", "nn", "no", "pl", "pt", "ro",
    "ru", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "tl", "tr", "uk", "ur", "vi",
)  # fmt: skip
_USUAL: Final = {"nb": "no", "nn": "no"}
_LETTER: Final = re.compile(r"[^\W\d_]")
_NO_WORDS: Final = re.compile(r"https?://\S+|\S+@\S+|\d+")


def language_of(text: str) -> str:
    """Return the language of a text (ISO 639-1), "" where it is too short or not clear."""
    words = _NO_WORDS.sub(" ", text[:_READ_AT_MOST])
    letters = _LETTER.findall(words)
    for language, script in _SCRIPTS:
        if 2 * len(script.findall(words)) > len(letters):
            return language
    if len(letters) < _LEAST_LETTERS or len(words.split()) < _LEAST_WORDS:
        return ""
    (found, sure), (_, second) = _identifier().rank(words)[:2]
    least, times = _CLEAR
    is_clear = sure >= _SURE or (sure >= least and sure >= times * second)
    return _USUAL.get(found, found) if is_clear else ""


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    """Return the model, which is part of the library; read when the first text needs it."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    known = set(identifier.labels)
    identifier.set_languages([language for language in _SPOKEN if language in known])
    return identifier

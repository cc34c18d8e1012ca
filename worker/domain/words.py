"""Comparing words the way people read them: without case, accents, wrapping or markup."""

import hashlib
import re
import unicodedata
from functools import lru_cache

from worker.domain.markup import html_to_text

__all__ = ["UNSPACED", "clean", "fingerprint", "fold", "html_to_text", "mentions", "squeeze"]

UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
    r"\uac00-\ud7a3\uf900-\ufaff]"
)
UNSPACED_BUT_KOREAN = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
)
SENTENCE_END = "."
"""A word of its own in what `fold_sentences` returns."""
_BETWEEN_SENTENCES = re.compile(
    r"(?<![.!?;…])(?<!\.\w)[.!?;…]++(?=\s)(?!\s\d)|[。！？؟।۔։።]|\n\s*\n|\n(?=[-*•] )"
)
_ALIKE = str.maketrans("ıłøđ’ʼ`", "ilod'''")
"""Letters that people write for one another, and Unicode does not take apart."""
_NOT_WORDS = re.compile(r"[\W_]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")


def clean(text: str) -> str:
    """Return text that any store and any page can hold.

    Line ends become LF; NUL and the other control characters go; lone surrogates become
    the replacement character.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _SURROGATE.search(text):
        text = _PAIR.sub(_joined, text)
        text = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
    return _CONTROL.sub("", text)


def _joined(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16", "surrogatepass").decode("utf-16")


def fold(text: str) -> str:
    """Fold case and accents and turn everything that is no letter or digit into one space."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = decomposed if decomposed.isascii() else without_marks(decomposed)
    return _NOT_WORDS.sub(" ", bare).strip()


def plain(text: str) -> str:
    """Fold case and accents of each letter, and leave everything else where it is.

    As long as the text in its composed form (NFC), so that places in one are places in both.
    """
    return "".join(map(_plain, unicodedata.normalize("NFC", text)))


@lru_cache(maxsize=4096)
def _plain(char: str) -> str:
    decomposed = unicodedata.normalize("NFKD", char.casefold())
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return bare.translate(_ALIKE) if len(bare) == 1 else char


def without_marks(decomposed: str) -> str:
    """Drop what stands above, below or around letters; vowel signs that are letters stay."""
    return "".join(c for c in decomposed if c.isalnum() or unicodedata.category(c)[0] != "M")


def fold_sentences(text: str) -> str:
    """Fold like `fold`, with ` . ` between one sentence and the next."""
    sentences = map(fold, _BETWEEN_SENTENCES.split(text))
    return f" {SENTENCE_END} ".join(filter(None, sentences))


def squeeze(text: str) -> str:
    """Return only the folded letters and digits: equal for the same words however wrapped."""
    return fold(text).replace(" ", "")


def fingerprint(text: str) -> str:
    """Hash the words of a text; survives re-wrapping, markup round trips and punctuation."""
    return hashlib.sha256(squeeze(text).encode()).hexdigest()[:32]


@lru_cache(maxsize=4096)
def _folded_phrase(phrase: str) -> str:
    return fold(phrase)


def mentions(folded: str, phrase: str) -> bool:
    """Say whether a folded text has the phrase as whole words.

    Scripts that are written without spaces (Chinese, Japanese, Thai …) match anywhere.
    """
    wanted = _folded_phrase(phrase)
    if not wanted:
        return False
    if UNSPACED.search(wanted):
        return wanted in folded
    return f" {wanted} " in f" {folded} "

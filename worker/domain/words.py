"""Comparing words the way people read them: without case, accents, wrapping or markup."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser

_BREAKS = "br, p, div, li, tr, h1, h2, h3, h4, h5, h6, blockquote, pre, table"
UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
    r"\uac00-\ud7a3\uf900-\ufaff]"
)
SENTENCE_END = "."
"""A word of its own in what `fold_sentences` returns."""
_BETWEEN_SENTENCES = re.compile(
    r"(?<![.!?;…])(?<!\.\w)[.!?;…]++(?=\s)(?!\s\d)|[。！？؟।۔։።]|\n\s*\n|\n(?=[-*•] )"
)
_NOT_WORDS = re.compile(r"[\W_]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")
_BLANK_LINES = re.compile(r"\n{3,}")
_QUOTES = "blockquote, .gmail_quote, .yahoo_quoted, .moz-cite-prefix"
_QUOTE_BEGINS, _QUOTE_ENDS = "\ue000", "\ue001"
"""Characters for private use: marks that no visible text has."""

_MOST_TAGS = 20_000
"""Building the tree takes time by depth squared: these take a second, ten times more minutes."""


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
    bare = decomposed if decomposed.isascii() else _without_marks(decomposed)
    return _NOT_WORDS.sub(" ", bare).strip()


def _without_marks(decomposed: str) -> str:
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


def html_to_text(html: str) -> str:
    """Return the visible text of an HTML mail, a line for each block and line break.

    Read from the top up to as many tags as hostile nesting cannot make slow.
    """
    tree = LexborHTMLParser("<".join(html.split("<", _MOST_TAGS)[:_MOST_TAGS]))
    tree.strip_tags(["script", "style", "head", "title"])
    for node in tree.css(_BREAKS):
        node.insert_before("\n")
        if node.tag != "br":
            node.insert_after("\n")
    for node in tree.css(_QUOTES):
        node.insert_before(f"\n{_QUOTE_BEGINS}\n")
        node.insert_after(f"\n{_QUOTE_ENDS}\n")
    text = tree.root.text(deep=True) if tree.root else ""
    return _BLANK_LINES.sub("\n\n", "\n".join(_marked(text.split("\n")))).strip()


def _marked(lines: list[str]) -> Iterator[str]:
    """Yield folded lines; those inside quotes begin with `> `, as in plain text."""
    depth = 0
    for line in lines:
        folded = " ".join(line.split())
        if folded in (_QUOTE_BEGINS, _QUOTE_ENDS):
            depth += 1 if folded == _QUOTE_BEGINS else -1
        else:
            yield f"> {folded}" if depth > 0 and folded else folded

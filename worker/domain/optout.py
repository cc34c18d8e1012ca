"""Does the person ask us to stop? Read in their own newest words only."""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, Final

from worker.domain.lexicon import Phrases, shipped
from worker.domain.words import fold, fold_sentences

_ALONE, _WISH, _HARMLESS = "alone", "wish", "harmless"

_SPELT: Final = (
    (re.compile(r"\be(?:[-‐‑](?=\w)|\s(?=mail))", re.IGNORECASE), "e"),
    (re.compile(r"\bcan(?:no|['’´`]?)t\b", re.IGNORECASE), "can not"),
    (re.compile(r"(?<=[a-z])n['’´`]t\b", re.IGNORECASE), " not"),
    (re.compile(r"\b(d(?:o|id|oes)|wo)nt\b", re.IGNORECASE), r"\1 not"),
)
"""Spellings that would double half of all phrases: e-mail, don't, dont, cannot."""

_HEAD: Final = 12 * 1024
_TAIL: Final = 4 * 1024
"""Characters read from both ends: what is longer was pasted, not written."""

_NAME: Final = re.compile(r"\$(\w+)")
_LONGEST_PHRASE: Final = 200
"""Characters: what takes a wish back does not begin further before its end."""
_PARTS: Final = re.compile(r"[^\n.!?;。！？؟।۔։።]+[.!?;。！？؟।۔։።]*")
_COMMAS: Final = re.compile(r"[,:،、，：]|\s[-–—]\s")
_MOST_PARTS: Final = 60
"""Nobody says "stop" after so many lines and sentences."""
_SHORT: Final = 60
"""Characters of a sentence that may be nothing but the wish and a word of courtesy."""


def opt_out_subject(subject: str) -> str:
    """Return the subject where it is nothing but the wish to be left alone.

    `Re: stop` quotes our own subject.
    """
    folded = fold(_spelt(subject))
    return folded if _is_whole(folded, _alone()) or _is_whole(folded, _wishes()) else ""


def opt_out_words(newest: str) -> str:
    """Return the words that ask to be left alone; "" where there are none.

    Of a text that no person types, both ends are read.
    """
    newest = _spelt(_both_ends(newest))
    alone = next((part for part in _parts(newest) if _is_whole(part, _alone())), "")
    return unicodedata.normalize("NFC", alone or _wish(fold_sentences(newest)))


def _both_ends(text: str) -> str:
    if len(text) <= _HEAD + _TAIL:
        return text
    head, tail = text[:_HEAD], text[-_TAIL:]
    return f"{head.rpartition('. ')[0] or head}\n\n{tail.partition('. ')[2] or tail}"


def _spelt(text: str) -> str:
    for pattern, spelling in _SPELT:
        text = pattern.sub(spelling, text)
    return text


def _parts(text: str) -> Iterator[str]:
    """Yield the short lines, sentences and parts between commas that are no questions."""
    for found in islice(_PARTS.finditer(text), _MOST_PARTS):
        sentence = found[0].strip()
        if len(sentence) <= _SHORT and not sentence.endswith(("?", "？", "؟")):
            yield from filter(None, map(fold, dict.fromkeys([sentence, *_COMMAS.split(sentence)])))


def _is_whole(folded: str, phrases: Phrases) -> bool:
    return any(
        hit.name != _HARMLESS and hit.start == 0 and hit.end == len(folded)
        for hit in phrases.find(folded)
    )


def _wish(folded: str) -> str:
    """Return the first wish that nothing takes back."""
    hits = sorted(_wishes().find(folded), key=lambda hit: (hit.start, -hit.end))
    harmless = [hit for hit in hits if hit.name == _HARMLESS]
    starts = [hit.start for hit in harmless]
    for wish in hits:
        first = bisect_left(starts, wish.end - _LONGEST_PHRASE)
        last = bisect_right(starts, wish.start)
        taken_back = any(wish.end <= hit.end for hit in harmless[first:last])
        if wish.name == _WISH and not taken_back:
            return wish.words
    return ""


@cache
def _alone() -> Phrases:
    return _phrases(_ALONE)


@cache
def _wishes() -> Phrases:
    return _phrases(_WISH, _HARMLESS)


def _phrases(*names: str) -> Phrases:
    languages = shipped("optout").values()
    return Phrases(
        {
            name: [phrase for language in languages for phrase in _spelled_out(language, name)]
            for name in names
        }
    )


def _spelled_out(language: Mapping[str, Any], name: str) -> Iterator[str]:
    for phrase in language[name]:
        yield from _without_names(phrase, language.get("words", {}))


def _without_names(phrase: str, words: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield the phrase with each wording that its first `$name` stands for, and so on."""
    name = _NAME.search(phrase)
    if not name:
        yield phrase
        return
    for wording in words[name[1]]:
        yield from _without_names(phrase.replace(name[0], wording, 1), words)

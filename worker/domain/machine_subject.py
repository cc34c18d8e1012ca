"""How mail programs begin the subjects of what they send by themselves."""

import re
from functools import cache
from typing import Final

from worker.domain.lexicon import Hit, Phrases
from worker.domain.machine_words import sections
from worker.domain.words import UNSPACED, fold, plain

_AT_MOST: Final = 400
"""Characters of a subject."""

_TAG: Final = re.compile(
    r"^(?:\s*(?:\[[^\]]{1,30}\]|\*{2,}[^*]{1,30}\*{2,}|(?:external|extern|ext)\s?:))+\s*",
    re.IGNORECASE,
)
_HEAD_ENDS: Final = re.compile(r"(?<=.)(?:[:：(（\[|<】」!]|(?<=\w)\s*[-–—]\s)")
_NOTES: Final = "auto"
"""HCL Notes puts `AUTO:` before the words that matter."""

_MORE_UNSPACED: Final = 6
"""Characters after an opening in scripts without spaces: “…のお知らせ”."""


class Subject:
    """The beginning of a subject: what stands before its colon.

    A beginning that is `Re` quotes a subject, whatever comes behind it, and one that is our
    own is no more than quoted: neither tells anything.
    """

    def __init__(self, subject: str, ours: str = "") -> None:
        top = subject[:_AT_MOST]
        bare = _TAG.sub("", top)
        quoted = bool(ours) and fold(bare) == fold(_TAG.sub("", ours[:_AT_MOST]))
        self._heads = () if quoted else tuple(dict.fromkeys((_head(top), *_heads(bare))))

    def opens(self, section: str) -> str:
        """Return the words of that section with which the subject opens, "" for others."""
        hits = ((head, hit) for head in self._heads for hit in _subjects().find(head))
        told = (
            hit.words
            for head, hit in hits
            if hit.start == 0 and _is(hit, section) and _ends(head, hit)
        )
        return next(told, "")

    def says(self, section: str) -> str:
        """Return words of that section anywhere before the colon, "" where there are none."""
        hits = (hit for head in self._heads for hit in _subjects().find(head))
        return next((hit.words for hit in hits if _is(hit, section)), "")


@cache
def _subjects() -> Phrases:
    return sections(
        "subject_away", "subject_auto", "subject_bounce", "subject_receipt", "subject_says"
    )


@cache
def _goes_on() -> Phrases:
    return sections("goes_on")


def _head(subject: str) -> str:
    return fold(plain(_HEAD_ENDS.split(subject.strip(), maxsplit=1)[0]))


def _heads(subject: str) -> tuple[str, ...]:
    head = _head(subject)
    return (head, _head(subject.partition(":")[2])) if head == _NOTES else (head,)


def _is(hit: Hit, section: str) -> bool:
    return hit.name.split()[1] == section


def _ends(head: str, hit: Hit) -> bool:
    """Say whether the opening is all there is, or goes on as such subjects do."""
    rest = head[hit.end :].strip()
    if not rest or rest[0].isdigit():
        return True
    if UNSPACED.search(hit.words):
        return len(rest) <= _MORE_UNSPACED
    following = (more.name.split()[0] for more in _goes_on().find(rest) if more.start == 0)
    return hit.name.split()[0] in following

"""Which of the wordings found in a text are meant: the longest, not taken back, and no trap."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from worker.domain.passage import Passage, place

NEVER: Final = "never:"
"""Stands before an intent's name in the kind of what only looks like it."""

REFUSALS: Final = frozenset(
    {
        "unsubscribe", "complaint", "wrong_person", "not_interested", "not_now", "objection",
        "no_budget",
    }
)  # fmt: skip
"""What is a no by itself; a "not" has to stand close to take it back."""

_PUT_OFF: Final = frozenset({"not_interested", "no_budget", ""})
"""What a word of the present turns into a "not now": refusals, and wishes taken back."""

_FAR: Final = 10
_NEAR: Final = 2
"""Words between a "not" and the wish, or the refusal, that it takes back."""

_BEHIND: Final = 3
"""Words between a wording and the "not" that follows it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A wording in the folded text: what kind it is, and where it stands."""

    kind: str
    start: int
    end: int


Marks = Sequence[Mark]


class Cover:
    """Says whether a span stands within one of many, in logarithmic time."""

    def __init__(self, marks: Iterable[Mark]) -> None:
        spans = sorted((mark.start, mark.end) for mark in marks)
        self._starts = [start for start, _ in spans]
        self._furthest = list(accumulate((end for _, end in spans), max))

    def has(self, start: int, end: int) -> bool:
        """Say whether one of them goes from `start` or before it to `end` or beyond."""
        index = bisect_right(self._starts, start) - 1
        return index >= 0 and self._furthest[index] >= end

    def meets(self, mark: Mark) -> bool:
        """Say whether a mark has a word in common with one of them."""
        index = bisect_left(self._starts, mark.end) - 1
        return index >= 0 and self._furthest[index] > mark.start

    def exceeds(self, mark: Mark) -> bool:
        """Say whether a mark stands within a longer one."""
        return self.has(mark.start, mark.end + 1) or self.has(mark.start - 1, mark.end)


def of_kind(marks: Marks, *kinds: str) -> list[Mark]:
    """Return the marks of some kinds, in the order in which they stand."""
    return sorted((m for m in marks if m.kind in kinds), key=lambda m: (m.start, m.end))


def meant(text: Passage, marks: Marks, intents: Sequence[str]) -> Iterator[Mark]:
    """Yield the marks of intents that hold, in the order in which they stand."""
    wordings = of_kind(marks, "no_budget", *intents)
    longer = Cover(wordings)
    longest = [mark for mark in wordings if not longer.exceeds(mark)]
    traps = {name: Cover(of_kind(marks, NEVER + name)) for name in intents}
    clauses = _Clauses(text, marks, longest)
    for mark in longest:
        held = clauses.meaning_of(mark)
        if held and not traps[held.kind].meets(mark):
            yield held


class _Clauses:
    """What takes wordings back, or puts them off, and how far that reaches."""

    def __init__(self, text: Passage, marks: Marks, wordings: Marks) -> None:
        self._text = text
        turns = {mark.start for mark in of_kind(marks, "but")}
        self._starts = tuple(sorted(turns.union(text.clauses)))
        self._now = {self._of(mark.start) for mark in of_kind(marks, "now")}
        harmless = Cover(of_kind(marks, "harmless"))
        unsure = Cover(of_kind(marks, "unsure"))
        self._refusals = Cover(mark for mark in wordings if mark.kind in REFUSALS)
        own = Cover(mark for mark in wordings if mark.kind != "not_interested")
        nots = [m for m in of_kind(marks, "not", "unsure") if not harmless.has(m.start, m.end)]
        self._before = sorted(
            (m for m in nots if m.kind == "unsure" or not unsure.has(m.start, m.end)),
            key=lambda mark: mark.end,
        )
        self._before_ends = [mark.end for mark in self._before]
        self._behind = [
            m
            for m in of_kind(marks, "after")
            if not own.has(m.start, m.end) and not harmless.has(m.start, m.end)
        ]
        self._behind_starts = [mark.start for mark in self._behind]

    def _of(self, position: int) -> int:
        return place(self._starts, position)

    def meaning_of(self, mark: Mark) -> Mark | None:
        """Return what a wording is where it stands: itself, its opposite, or nothing.

        A wish that is taken back is none; interest that is taken back is a refusal; and
        either of them, said of the present, is a "not now".
        """
        word = None if self._inside(mark) else self._word_before(mark) or self._word_behind(mark)
        if word and self._takes_all(word, mark):
            return None
        kind, start, end = mark.kind, mark.start, mark.end
        if word:
            kind = "not_interested" if kind == "interested" else ""
            start, end = min(word.start, start), max(word.end, end)
        if kind in _PUT_OFF and self._of(mark.start) in self._now:
            kind = "not_now"
        kind = "objection" if kind == "no_budget" else kind
        return Mark(kind, start, end) if kind else None

    def _takes_all(self, word: Mark, mark: Mark) -> bool:
        """Say whether nothing is left of a wording: doubt, or a "no" that speaks for itself."""
        return (
            word.kind == "unsure"
            or mark.kind in REFUSALS
            or self._refusals.has(word.start, word.end)
        )

    def _inside(self, mark: Mark) -> bool:
        """Say whether the wording begins before a "not" of its own."""
        index = bisect_right(self._before_ends, mark.start)
        return (
            index < len(self._before)
            and self._before[index].end <= mark.end
            and self._before[index].start >= mark.start
        )

    def _word_before(self, mark: Mark) -> Mark | None:
        index = bisect_right(self._before_ends, mark.end) - 1
        reach = _NEAR if mark.kind in REFUSALS else _FAR
        return self._joined(index, self._before, mark, reach) if index >= 0 else None

    def _word_behind(self, mark: Mark) -> Mark | None:
        index = bisect_left(self._behind_starts, mark.end)
        return self._joined(index, self._behind, mark, _BEHIND)

    def _joined(self, index: int, words: Marks, mark: Mark, reach: int) -> Mark | None:
        """Return the "not" at an index where it stands in the wording's clause, and near it."""
        word = words[index] if index < len(words) else None
        if word is None:
            return None
        first, second = sorted((word, mark), key=lambda m: m.start)
        same = self._of(first.end - 1) == self._of(second.start)
        between = self._text.folded.count(" ", first.end, second.start) - 1
        return word if same and between <= reach else None

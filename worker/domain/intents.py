"""What a person wants, read in their own newest words: wordings in many languages, as data.

The strongest intent is the one that decides what a good salesperson would do first. Whoever
asks to be left alone gets no appointment, whoever names another time gets no price list, and
whoever wants to talk need not read first. So the order is fixed; it is `ORDER`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Final

from worker.domain.lexicon import Phrases
from worker.domain.marks import NEVER, REFUSALS, Cover, Mark, Marks, meant, of_kind
from worker.domain.passage import Passage, passage, place
from worker.domain.wordings import (
    ASIDE,
    GRAMMAR,
    MAIN,
    language_shares,
    shipped_wordings,
    spelled,
)

ORDER: Final = (
    "unsubscribe", "complaint", "wrong_person", "not_interested", "not_now",
    "meeting", "pricing", "more_information", "objection", "interested", "question",
)  # fmt: skip
"""The shipped intents, the strongest first."""

READ_AT_MOST: Final = 4 * 1024
"""Characters: whoever wants something says so before that, and hostile mails are longer."""

_OWN_COME_BEFORE: Final = "meeting"
_NO_PITCH: Final = frozenset(
    {"unsubscribe", "complaint", "wrong_person", "not_interested", "objection"}
)
"""Beside these a "yes" is no sign of interest: "Yes, I got your mails. Please stop."."""

_LONGEST: Final = 80
_MOST_WORDS: Final = 5
"""What is kept of the words that said so: characters of each, and how many."""

Table = Mapping[str, Mapping[str, Sequence[str]]]
"""Intent → language → phrases."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing the person wants, and the words that said so, as they were written."""

    name: str
    words: tuple[str, ...]


class IntentReader:
    """Finds intents: the shipped wordings, and what a template folder makes of them.

    Args:
        extra: more phrases; an intent that is not shipped is one of the folder's own.
        instead: phrases that replace the shipped ones of that intent and language.
        never: words that mean that intent never, however they look.

    """

    def __init__(
        self,
        extra: Table | None = None,
        *,
        instead: Table | None = None,
        never: Table | None = None,
    ) -> None:
        extra, instead, never = extra or {}, instead or {}, never or {}
        own = [name for name in extra if name not in ORDER]
        first = ORDER.index(_OWN_COME_BEFORE)
        self.names: Final = (*ORDER[:first], *own, *ORDER[first:])
        self._shipped = shipped_wordings()
        self._replaced = {f"{code} {name}" for name, rows in instead.items() for code in rows}
        traps = {NEVER + name: rows for name, rows in never.items()}
        self._own = Phrases(_merged(extra, instead, traps), korean_words=True)

    def read(self, words: str, opt_out: str = "") -> tuple[Intent, ...]:
        """Return the intents of a text, the strongest first.

        Args:
            words: the newest words of the person.
            opt_out: the words by which they ask us to stop, "" where there are none.

        """
        text = passage(words[:READ_AT_MOST])
        found: dict[str, list[str]] = {name: [] for name in self.names}
        if opt_out:
            found["unsubscribe"].append(opt_out)
        marks = list(self._marks(text))
        settled = list(_settled(text, marks, self.names))
        refused = bool(opt_out) or any(mark.kind in _NO_PITCH for mark in settled)
        for mark in (*settled, *_answers(text, marks, settled, refused=refused)):
            found[mark.kind].append(text.said(mark.start, mark.end))
        found["question"] += [text.said(s.start, s.end) for s in text.sentences if s.asks]
        return tuple(Intent(name, _few(said)) for name, said in found.items() if said)

    def _marks(self, text: Passage) -> Iterator[Mark]:
        """Yield the wordings that stand within a sentence, in the languages it can be."""
        starts = tuple(sentence.start for sentence in text.sentences)
        hits = list(self._shipped.phrases.find(text.folded))
        shares = language_shares(text.folded, hits)
        counting = (hit for hit in hits if self._counts(hit.name, shares))
        for hit in chain(counting, self._own.find(text.folded)):
            if place(starts, hit.start) == place(starts, hit.end - 1):
                yield Mark(hit.name.partition(" ")[2], hit.start, hit.end)

    def _counts(self, name: str, shares: Mapping[str, float]) -> bool:
        """Say whether a shipped wording counts; English requests stand in any language."""
        language, _, kind = name.partition(" ")
        if kind in GRAMMAR:
            return shares[language] >= MAIN
        return name not in self._replaced and (language == "en" or shares[language] >= ASIDE)


@lru_cache(maxsize=1)
def shipped_intents() -> IntentReader:
    """Return what reads the shipped wordings, made once."""
    return IntentReader()


def _merged(*tables: Table) -> Mapping[str, Sequence[str]]:
    named: dict[str, list[str]] = {}
    for kind, rows in chain.from_iterable(table.items() for table in tables):
        for language, phrases in rows.items():
            named.setdefault(f"{language} {kind}", []).extend(spelled(phrases))
    return named


def _settled(text: Passage, marks: Marks, names: Sequence[str]) -> Iterator[Mark]:
    """Yield the intents that are meant; who says "write again" and a time, says: not now."""
    starts = tuple(sentence.start for sentence in text.sentences)
    later = {place(starts, mark.start): mark for mark in of_kind(marks, "later")}
    for mark in meant(text, marks, (*names, "again")):
        if mark.kind != "again":
            yield mark
        elif time := later.get(place(starts, mark.start)):
            yield Mark("not_now", min(mark.start, time.start), max(mark.end, time.end))


def _answers(text: Passage, marks: Marks, settled: Marks, *, refused: bool) -> Iterator[Mark]:
    """Yield each "yes" that stands by itself, and each "no" with which a sentence ends.

    A "yes" with words beside it counts where these want something: "Yes, send it over", but
    not "Yes, I know you". Beside a refusal it says nothing, nor does a "no".
    """
    refusals = Cover(mark for mark in settled if mark.kind in REFUSALS)
    wishes = Cover(mark for mark in settled if mark.kind not in REFUSALS)
    spoken = _answer_words(text, marks)
    for sentence in text.sentences:
        whole = Mark("not_interested", sentence.start, sentence.end)
        clauses = list(text.clauses_of(sentence))
        said = [_only(spoken.get(index, ()), *span) for index, span in clauses]
        if sentence.asks:
            continue
        if "no" in said[-1] or (all(said) and any("no" in kinds for kinds in said)):
            if not refusals.meets(whole):
                yield whole
        elif not refused and (all(said) or wishes.meets(whole)):
            for (_, span), kinds in zip(clauses, said, strict=True):
                if "yes" in kinds:
                    yield Mark("interested", *span)


def _answer_words(text: Passage, marks: Marks) -> Mapping[int, Marks]:
    """Return clause → the words in it that an answer is made of, the longest of them."""
    answers = [
        mark
        for mark in of_kind(marks, "yes", "no", "filler", "but")
        if place(text.clauses, mark.start) == place(text.clauses, mark.end - 1)
    ]
    longer = Cover(answers)
    parts: dict[int, list[Mark]] = {}
    for mark in answers:
        if not longer.exceeds(mark):  # "why not" is no "not"
            parts.setdefault(place(text.clauses, mark.start), []).append(mark)
    return parts


def _only(answers: Iterable[Mark], start: int, end: int) -> frozenset[str]:
    """Return the kinds of answer that a clause consists of, none where it has other words."""
    kinds: set[str] = set()
    reached = start - 1
    for mark in answers:
        if mark.start > reached + 1:
            return frozenset()
        reached = max(reached, mark.end)
        kinds.add(mark.kind)
    return frozenset(kinds if reached >= end else ())


def _few(said: Iterable[str]) -> tuple[str, ...]:
    short = (words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…" for words in said)
    return tuple(dict.fromkeys(short))[:_MOST_WORDS]

"""Recorded replies under other templates: what became of each, and what would."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from worker.domain.guards import Policy
from worker.domain.model import Mode, ReplyEvent, Tally, Thread
from worker.domain.outcome import Outcome, foresee
from worker.domain.progress import AT_RISK, State
from worker.domain.reading import Facts, read
from worker.domain.record import HistoryLine, Record
from worker.domain.rules import Templates
from worker.domain.whose import zone_of
from worker.domain.words import squeeze

_BY_TEMPLATES: Final = frozenset(
    {"", "needs_approval", "other_language", "shadow", "by_rule", "no_rule", "template_error"}
)
"""Reasons that the reply and the templates lead to, whatever else went on around them."""

_PERSONS: Final = frozenset({"approved", "by_hand"})
_QUOTED: Final = re.compile("“([^”]*)”")
_RANKS: Final = {"reply": 0, "hold": 1, "skip": 2, "opt_out": 3, "open": 5}
_OTHERS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Fate:
    """What became of a reply, or would, in words that can be compared and counted.

    Attributes:
        decision: `reply`, `hold`, `skip`, `opt_out`; `open` where nothing is decided yet.
        by: the person who had the last word; "" where nobody was asked.
        because: the words that did it, or what a guard said; never compared.

    """

    decision: str
    template: str = ""
    variant: str = ""
    reason: str = ""
    by: str = field(default="", compare=False)
    because: str = field(default="", compare=False)

    def __str__(self) -> str:
        variant = f"({self.variant})" if self.variant else ""
        return " ".join(filter(None, (self.decision, self.template, variant, self.reason)))


def foreseen(outcome: Outcome) -> Fate:
    """Return what would become of a reply."""
    fits = (line.detail for line in outcome.trace if line.outcome == "fits")
    return Fate(
        decision=outcome.decision,
        template=outcome.template,
        variant=outcome.variant if outcome.decision == "reply" else "",
        reason=outcome.reason,
        because=outcome.detail or next(fits, ""),
    )


def recorded(record: Record, history: Sequence[HistoryLine] = ()) -> Fate:
    """Return what was decided on a reply before a person had a say in it, if one had.

    `history`: the steps of an event that somebody approved or skipped.
    """
    orders = [line for line in history if line.by]
    if orders and orders[-1].reason in _PERSONS:
        decision = "hold" if orders[-1].before == State.HELD else "reply"
        return Fate(decision=decision, by=orders[-1].by, because=record.detail)
    decision, reason = _decided(record)
    fits = (line.get("detail", "") for line in record.trace if line.get("outcome") == "fits")
    words = next(fits, "") if reason in _BY_TEMPLATES else ""
    return Fate(
        decision=decision,
        template=record.template,
        variant=record.variant if decision == "reply" else "",
        reason=reason,
        because=record.detail or words,
    )


def _decided(record: Record) -> tuple[str, str]:
    """Return the decision that a record shows, and its reason."""
    left = record.state in AT_RISK or (record.tried and record.state is not State.SKIPPED)
    planned = (record.state, record.reason) == (State.WAITING, "scheduled")
    if left or planned or record.state is State.SENT:
        return "reply", ""
    match record.state:
        case State.HELD:
            return "hold", record.reason
        case State.SKIPPED if record.reason == "opted_out" and record.template:
            return "opt_out", "by_rule"
        case State.SKIPPED:
            return "skip", record.reason
        case _:
            return "open", record.reason


class Kind(StrEnum):
    """How what would be compares with what was."""

    SAME = "same"
    DIFFERENT = "different"
    KEPT = "kept"
    """What only the conversation showed decided it, and would again."""
    OPEN = "open"


def compare(was: Fate, now: Fate, facts: Facts, policy: Policy) -> Kind:
    """Say whether other templates make another decision."""
    if was.decision == "open":
        return Kind.OPEN
    if was == now or (was.by and was.decision == now.decision):
        return Kind.SAME
    wordless = now.reason == "no_words"
    if wordless or not (was.by or _is_told_by_the_mail(was, facts, policy)):
        return Kind.KEPT
    return Kind.DIFFERENT


def _is_told_by_the_mail(was: Fate, facts: Facts, policy: Policy) -> bool:
    """Say whether what decided shows in the mail itself, so that it can be judged again."""
    if was.reason in _BY_TEMPLATES:
        return True
    if was.reason == "too_old":
        return facts.event.at is not None
    quoted = _QUOTED.search(was.because)
    if quoted is None:
        return False
    if was.reason == "excluded":
        return quoted[1] not in policy.exclude
    return squeeze(quoted[1]) in squeeze(facts.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One recorded reply, decided again."""

    record: Record
    facts: Facts
    was: Fate
    now: Fate
    kind: Kind
    outcome: Outcome

    @property
    def before(self) -> Fate:
        """What was decided, as far as it is known.

        A person's last word hides which template it was about: where that would be the same
        again, it is taken to be the one that is found now.
        """
        return self.now if self.kind is Kind.SAME else self.was

    @property
    def result(self) -> Fate:
        """What would become of it after all."""
        return self.was if self.kind is Kind.KEPT else self.now

    @property
    def is_reworded(self) -> bool:
        """Whether the same decision comes with another text."""
        old, new = self.record.draft, self.outcome.draft
        return bool(self.kind is Kind.SAME and old and new and old.body != new.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that was decided again.

    Attributes:
        gone: events whose words are no longer kept.
        unfetched: conversations that could not be read; decided without them.

    """

    replies: tuple[Replayed, ...] = ()
    gone: int = 0
    unfetched: int = 0

    def of(self, kind: Kind) -> tuple[Replayed, ...]:
        """Return the replies that compare in one way."""
        return tuple(one for one in self.replies if one.kind is kind)

    def counts(self) -> list[tuple[Fate, int, int]]:
        """Return each decision with how often it was made, and would be."""
        was = Counter(one.before for one in self.replies)
        now = Counter(one.result for one in self.replies)
        fates = sorted(was.keys() | now.keys(), key=lambda f: (_RANKS.get(f.decision, _OTHERS), f))
        return [(fate, was[fate], now[fate]) for fate in fates]

    def changes(self) -> list[tuple[Fate, Fate, int]]:
        """Return each kind of difference (what was, what would be), the most frequent first."""
        pairs = Counter((one.was, one.now) for one in self.of(Kind.DIFFERENT))
        return [(was, now, count) for (was, now), count in pairs.most_common()]


class Replay:
    """Decides recorded replies again, the oldest first, each at the time at which it came.

    Args:
        templates: the folder that decides.
        policy: what the operator allows.
        mode: the operator's own mode.

    """

    def __init__(self, templates: Templates, policy: Policy, mode: Mode) -> None:
        self._templates = templates
        self._policy = policy
        self._mode = mode
        self._sent: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
        self._from: defaultdict[str, list[datetime]] = defaultdict(list)

    def decide(
        self, record: Record, event: ReplyEvent, history: Sequence[HistoryLine], thread: Thread
    ) -> Replayed:
        """Decide one reply again; `thread` is empty where only the webhook's words are there."""
        at = datetime.fromtimestamp(record.received_at / 1000, UTC)
        tally = self._tally(record, at)
        known = as_of(thread, at, record.sent_id)
        facts = read(
            event,
            known,
            received=at,
            now=at,
            tally=tally,
            intents=self._templates.intents,
            zone=zone_of(event, self._templates.settings),
        )
        outcome = foresee(facts, self._templates, self._policy, self._mode)
        was, now = recorded(record, history), foreseen(outcome)
        kind = compare(was, now, facts, self._policy)
        again = Replayed(record=record, facts=facts, was=was, now=now, kind=kind, outcome=outcome)
        self._count(again, at)
        return again

    def _tally(self, record: Record, now: datetime) -> Tally:
        """Count what the replay sent to the same lead, and from the same mailbox, before."""
        to_lead = self._sent[record.conversation]
        day, hour = now - timedelta(days=1), now - timedelta(hours=1)
        return Tally(
            in_thread=len(to_lead),
            to_lead_today=sum(at >= day for at, _ in to_lead),
            from_mailbox_this_hour=sum(at >= hour for at in self._from[record.mailbox]),
            by_template=Counter(template for _, template in to_lead),
        )

    def _count(self, again: Replayed, at: datetime) -> None:
        """Count an answer, whether the replay sends it or a person did."""
        record = again.record
        by_a_person = again.was.by and record.state is State.SENT
        if again.result.decision == "reply" or by_a_person:
            template = again.now.template if not by_a_person else record.template
            self._sent[record.conversation].append((at, template))
            self._from[record.mailbox].append(at)


def as_of(thread: Thread, moment: datetime, answer: str = "") -> Thread:
    """Return a conversation as it was; an empty one where its mails do not tell their times.

    `answer`: the id of the mail that was sent in the end, whose coarse time may seem earlier.
    """
    if any(message.at is None for message in thread.messages):
        return Thread()
    before = (m for m in thread.messages if m.at is not None and m.at <= moment)
    return Thread(tuple(m for m in before if m.id != answer or not answer))

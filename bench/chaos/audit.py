"""The auditor: compares what was accepted, what the ledger says, and what was really sent."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from worker.domain.progress import State
from worker.domain.record import Record

AT_WORK: Final = frozenset({State.RECEIVED, State.WAITING, State.SENDING, State.DOUBT})
_OPEN_QUESTIONS: Final = ("second_doubt", "doubt_")
"""Reasons of held events whose answer may be out: that is what the person is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the books say.

    Attributes:
        outcomes: (state, reason) → events.
        lost: accepted, but not in the ledger, or not at rest.
        twice: mails with more than one reply.
        untrue: ledger and sandbox contradict each other; with how.

    """

    outcomes: Counter[tuple[str, str]]
    lost: Sequence[str]
    twice: Sequence[str]
    untrue: Mapping[str, str]

    def count(self, state: State) -> int:
        """Return how many events ended in a state."""
        return sum(n for (name, _), n in self.outcomes.items() if name == state)

    def reasons(self, state: State) -> dict[str, int]:
        """Return reason → events of a state."""
        return {reason: n for (name, reason), n in sorted(self.outcomes.items()) if name == state}

    @property
    def are_clean(self) -> bool:
        """Say whether every promise was kept."""
        return not (self.lost or self.twice or self.untrue)

    @property
    def suspects(self) -> list[str]:
        """The mails that something is wrong with."""
        return sorted({*self.lost, *self.twice, *self.untrue})


def compare(
    accepted: Collection[str], records: Sequence[Record], sent: Sequence[Mapping[str, Any]]
) -> Findings:
    """Compare the three books: the sender's, the ledger's, and the sandbox's.

    Args:
        accepted: keys of the mails that the receiver has taken.
        records: the whole ledger.
        sent: every reply that the sandbox took; its `lead_id` belongs to one mail only.

    """
    rows = {record.key: record for record in records}
    replies: dict[str, set[str]] = {}
    for reply in sent:
        replies.setdefault(_mail(reply["lead_id"]), set()).add(reply["id"])
    untrue = {
        key: wrong
        for key in rows.keys() | replies.keys()
        if (wrong := _contradiction(rows.get(key), replies.get(key, set())))
    }
    return Findings(
        outcomes=Counter((record.state.value, record.reason) for record in records),
        lost=sorted(k for k in accepted if k not in rows or rows[k].state in AT_WORK),
        twice=sorted(key for key, ids in replies.items() if len(ids) > 1),
        untrue=untrue,
    )


def _mail(lead_id: str) -> str:
    return lead_id.replace("lead-", "mail-")


def _contradiction(record: Record | None, ids: Collection[str]) -> str:
    if record is None:
        return "answered, and the ledger does not know it"
    if record.state is State.SENT and record.sent_id not in ids:
        return f"sent as {record.sent_id!r}, which the sandbox does not have"
    is_asked = record.state is State.HELD and record.reason.startswith(_OPEN_QUESTIONS)
    if ids and record.state not in AT_WORK | {State.SENT} and not is_asked:
        return f"answered, and the ledger says {record.state} {record.reason}"
    return ""

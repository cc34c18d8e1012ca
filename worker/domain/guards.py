"""Safety before taste: one table, asked from the top, and the first hit ends the matter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Final

from worker.domain.decision import Decision, Hold, Skip
from worker.domain.model import Caps, Direction, TraceLine
from worker.domain.reading import Facts

_AUTOMATIC_TYPES: Final = frozenset({"auto_reply_received", "lead_out_of_office"})
_MACHINES: Final = (
    "mailer-daemon", "postmaster", "no-reply", "noreply", "no_reply", "donotreply",
    "do-not-reply", "listserv", "majordomo", "bounce", "bounces", "notification",
    "notifications", "owner-*", "*-request", "bounce+*", "bounces+*",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator allows; from the settings and `_settings.yaml`."""

    max_age: timedelta = timedelta(hours=72)
    caps: Caps = field(default_factory=Caps)
    exclude: tuple[str, ...] = ()
    own_mailboxes: frozenset[str] = frozenset()


Test = Callable[[Facts, Policy], str | None]


@dataclass(frozen=True, slots=True)
class Guard:
    """One row: when it holds, what becomes of the event, and whether approval lifts it.

    `holds` returns None where the guard does not apply, else words for the trace.
    """

    reason: str
    outcome: type[Skip | Hold]
    holds: Test
    lifted_by_approval: bool = True


def _suppressed(facts: Facts, _: Policy) -> str | None:
    if facts.opt_out:
        return f"asked to stop: “{facts.opt_out}”"
    return "asked to stop earlier" if facts.suppressed else None


def _excluded(facts: Facts, policy: Policy) -> str | None:
    sender = facts.mail.sender if facts.mail else ""
    addresses = [address for address in (facts.event.lead_email, sender) if address]
    hits = (p for p in policy.exclude for a in addresses if _fits(p, a, a.rpartition("@")[2]))
    hit = next(hits, None)
    return None if hit is None else f"excluded by “{hit}”"


def _fits(pattern: str, address: str, domain: str) -> bool:
    wanted = pattern.casefold().lstrip("@")
    return fnmatchcase(address if "@" in wanted else domain, wanted)


def _too_old(facts: Facts, policy: Policy) -> str | None:
    age = facts.received - facts.at
    return f"{_days(age)} old when it arrived" if age > policy.max_age else None


def _days(age: timedelta) -> str:
    return f"{age.days} days" if age.days >= 2 else f"{age.total_seconds() / 3600:.0f} hours"  # noqa: PLR2004


def _automatic(facts: Facts, _: Policy) -> str | None:
    for event_type in facts.event.event_types:
        if event_type in _AUTOMATIC_TYPES:
            return f"the provider sent {event_type}"
    flagged = facts.event.automatic or (facts.mail is not None and facts.mail.automatic)
    return "the provider flagged it as automatic" if flagged else None


def _machine_address(facts: Facts, policy: Policy) -> str | None:
    address = (facts.mail.sender if facts.mail else "") or facts.event.lead_email
    if address in policy.own_mailboxes or (address and address == facts.event.mailbox):
        return "one of our own mailboxes"
    local = address.partition("@")[0]
    return "a machine's address" if any(fnmatchcase(local, m) for m in _MACHINES) else None


def _other_sender(facts: Facts, _: Policy) -> str | None:
    sender = facts.mail.sender if facts.mail else ""
    known = facts.event.lead_email
    return f"written by {sender}" if sender and known and sender != known else None


def _answered(facts: Facts, _: Policy) -> str | None:
    answer = facts.answered_by
    return None if answer is None else f"by mail {answer.id}"


def _unclear(facts: Facts, _: Policy) -> str | None:
    unclear = next((m for m in facts.later if m.direction is Direction.UNKNOWN), None)
    return None if unclear is None else f"nobody can tell who wrote mail {unclear.id}"


def _superseded(facts: Facts, _: Policy) -> str | None:
    newer = facts.superseded_by
    return None if newer is None else f"by their mail {newer.id}"


def _wordless(facts: Facts, _: Policy) -> str | None:
    return None if facts.words else "neither webhook nor history shows what they wrote"


def _cap(name: str, count: Callable[[Facts], int]) -> Test:
    def reached(facts: Facts, policy: Policy) -> str | None:
        cap = getattr(policy.caps, name)
        return None if cap is None or count(facts) < cap else f"{count(facts)} of {cap}"

    return reached


GUARDS: Final = (
    Guard("opted_out", Skip, _suppressed, lifted_by_approval=False),
    Guard("excluded", Skip, _excluded),
    Guard("too_old", Skip, _too_old),
    Guard("automatic_reply", Skip, _automatic),
    Guard("machine_address", Skip, _machine_address),
    Guard("other_sender", Hold, _other_sender),
    Guard("answered_already", Skip, _answered, lifted_by_approval=False),
    Guard("unclear_history", Hold, _unclear),
    Guard("superseded", Skip, _superseded, lifted_by_approval=False),
    Guard("no_words", Hold, _wordless),
    Guard("cap_per_thread", Hold, _cap("per_thread", lambda f: f.tally.in_thread)),
    Guard("cap_per_lead_day", Hold, _cap("per_lead_day", lambda f: f.tally.to_lead_today)),
    Guard(
        "cap_per_mailbox_hour",
        Hold,
        _cap("per_mailbox_hour", lambda f: f.tally.from_mailbox_this_hour),
    ),
)


def check(
    facts: Facts, policy: Policy, *, approved: bool = False
) -> tuple[Decision | None, tuple[TraceLine, ...]]:
    """Ask every guard in turn; the decision of the first that holds, and what was asked.

    Once a person has approved the answer, only the guards that approval cannot lift ask.
    """
    trace: list[TraceLine] = []
    for guard in GUARDS:
        if approved and guard.lifted_by_approval:
            continue
        detail = guard.holds(facts, policy)
        outcome = "passed" if detail is None else guard.outcome.__name__.lower()
        trace.append(
            TraceLine(step="guard", name=guard.reason, outcome=outcome, detail=detail or "")
        )
        if detail is not None:
            return guard.outcome(guard.reason, detail), tuple(trace)
    return None, tuple(trace)


REASONS: Final[Mapping[str, str]] = {
    "opted_out": "they asked us to stop",
    "excluded": "the address is excluded in _settings.yaml",
    "too_old": "the mail was too old when it arrived",
    "automatic_reply": "a machine wrote it",
    "machine_address": "nobody reads mail at that address",
    "other_sender": "somebody other than the lead wrote",
    "answered_already": "a person or another agent answered first",
    "unclear_history": "the history does not say who wrote what",
    "superseded": "the lead has written again since",
    "no_words": "there are no words to read",
    "cap_per_thread": "enough automatic answers in this thread",
    "cap_per_lead_day": "this lead got an automatic answer within a day",
    "cap_per_mailbox_hour": "this mailbox has sent enough for this hour",
    "cap": "another answer went out first, and enough is enough",
    "cap_per_template": "this thread got that template already",
    "other_language": "the answer speaks another language than they do",
}
"""What each guard's reason means, for people."""

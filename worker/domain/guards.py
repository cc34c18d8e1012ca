"""Safety before taste: one table, asked from the top, and the first hit ends the matter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Final

from worker.domain.addresses import domain_of, is_nobodys, without_tag
from worker.domain.decision import Decision, Hold, Skip
from worker.domain.model import Caps, Direction, TraceLine
from worker.domain.reading import Facts

STEP: Final = "guard"
"""What a guard's line in a trace is called."""

_AUTOMATIC_TYPES: Final = frozenset({"auto_reply_received", "lead_out_of_office"})
_REPORTS: Final = {"bounce": "a bounce", "receipt": "a receipt"}
_MACHINES: Final = {
    "out_of_office": "an out-of-office note",
    "auto_reply": "an automatic reply",
    "list": "mail of a list",
}
"""Kinds of mail that no person wrote, and what the trace calls them."""

_TOO_QUICK: Final = timedelta(minutes=2)
"""Whoever writes this soon after an automatic answer may well be a machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator allows; from the settings and `_settings.yaml`."""

    max_age: timedelta = timedelta(hours=72)
    caps: Caps = field(default_factory=Caps)
    exclude: tuple[str, ...] = ()
    own_mailboxes: frozenset[str] = frozenset()
    whole_domains: bool = False
    """Whether an opt-out covers all of its company (`opt_out: domain`)."""


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


def _suppressed(facts: Facts, policy: Policy) -> str | None:
    if facts.opt_out:
        return f"asked to stop: “{facts.opt_out}”"
    if facts.suppressed:
        return "asked to stop earlier"
    covered = policy.whole_domains and facts.domain_suppressed
    return "somebody at their company asked to stop" if covered else None


def _excluded(facts: Facts, policy: Policy) -> str | None:
    sender = facts.mail.sender if facts.mail else ""
    addresses = [address for address in (facts.event.lead_email, sender) if address]
    hits = (p for p in policy.exclude for a in addresses if _fits(p, a, domain_of(a)))
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


def _report(facts: Facts, _: Policy) -> str | None:
    return _told(_REPORTS.get(facts.kind), facts)


def _told(what: str | None, facts: Facts) -> str | None:
    """Say what a mail is, and by what it is known."""
    return f"{what}: {facts.because}" if what and facts.because else what


def _automatic(facts: Facts, _: Policy) -> str | None:
    if facts.kind in _MACHINES:
        return _told(_MACHINES[facts.kind], facts)
    for event_type in facts.event.event_types:
        if event_type in _AUTOMATIC_TYPES:
            return f"the provider sent {event_type}"
    flagged = facts.event.automatic or (facts.mail is not None and facts.mail.automatic)
    return "the provider flagged it as automatic" if flagged else None


def _machine_address(facts: Facts, policy: Policy) -> str | None:
    address = (facts.mail.sender if facts.mail else "") or facts.event.lead_email
    if address in policy.own_mailboxes or (address and address == facts.event.mailbox):
        return "one of our own mailboxes"
    return "a machine's address" if is_nobodys(address) else None


def _other_sender(facts: Facts, _: Policy) -> str | None:
    sender = facts.mail.sender if facts.mail else ""
    known = facts.event.lead_email
    return f"written by {sender}" if sender and known and sender != known else None


def _answers_elsewhere(facts: Facts, _: Policy) -> str | None:
    wanted = facts.mail.reply_to if facts.mail else ""
    known = {facts.event.lead_email, facts.mail.sender if facts.mail else ""} - {""}
    return f"answers are to go to {wanted}" if wanted and known and wanted not in known else None


def _not_to_us(facts: Facts, policy: Policy) -> str | None:
    """Look for a mailbox of ours among the recipients, where both are known."""
    recipients = facts.mail.recipients if facts.mail else ()
    senders = {m.sender for m in facts.thread.messages if m.direction is Direction.OUTBOUND}
    ours = (policy.own_mailboxes | senders | {facts.event.mailbox}) - {""}
    reached = set(map(without_tag, recipients)) & set(map(without_tag, ours))
    missed = recipients and ours and not reached
    return f"addressed to {recipients[0]}, not to us" if missed else None


def _answered(facts: Facts, _: Policy) -> str | None:
    answer = facts.answered_by
    if answer is not None:
        return f"by mail {answer.id}"
    own = facts.mail.id if facts.mail else facts.event.mail_id
    ours = (sent for sent, answered in facts.answers.items() if answered == own)
    sent = next(ours, None) if own else None
    return None if sent is None else f"by our mail {sent}"


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


def provoked(facts: Facts) -> bool:
    """Say whether the mail came right after an automatic answer of ours.

    The provider's clock may tell whole seconds only, and be ahead of ours.
    """
    arrived = min(facts.at, facts.received)
    answers = (sent.at.replace(microsecond=0) for sent in facts.tally.sent if sent.automatic)
    return any(answered <= arrived <= answered + _TOO_QUICK for answered in answers)


def _loop(facts: Facts, _: Policy) -> str | None:
    if provoked(facts):
        return "came within 2 minutes of our automatic answer"
    same = facts.repeats
    return None if same is None else f"the same words as in mail {same.id}; we have written since"


GUARDS: Final = (
    Guard("opted_out", Skip, _suppressed, lifted_by_approval=False),
    Guard("excluded", Skip, _excluded),
    Guard("too_old", Skip, _too_old),
    Guard("bounce", Skip, _report),
    Guard("automatic_reply", Skip, _automatic),
    Guard("machine_address", Skip, _machine_address),
    Guard("other_sender", Hold, _other_sender),
    Guard("answers_elsewhere", Hold, _answers_elsewhere),
    Guard("not_to_us", Hold, _not_to_us),
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
    Guard("loop", Hold, _loop),
)


def check(
    facts: Facts, policy: Policy, *, approved: bool = False, lifted: str = ""
) -> tuple[Decision | None, tuple[TraceLine, ...]]:
    """Ask every guard in turn; the decision of the first that holds, and what was asked.

    Once a person has approved the answer, only the guards that approval cannot lift ask.
    `lifted`: the reason of one guard that does not ask either.
    """
    trace: list[TraceLine] = []
    for guard in GUARDS:
        if guard.reason == lifted or (approved and guard.lifted_by_approval):
            continue
        detail = guard.holds(facts, policy)
        outcome = "passed" if detail is None else guard.outcome.__name__.lower()
        trace.append(TraceLine(step=STEP, name=guard.reason, outcome=outcome, detail=detail or ""))
        if detail is not None:
            return guard.outcome(guard.reason, detail), tuple(trace)
    return None, tuple(trace)


REASONS: Final[Mapping[str, str]] = {
    "opted_out": "they asked us to stop",
    "excluded": "the address is excluded in _settings.yaml",
    "too_old": "the mail was too old when it arrived",
    "bounce": "a mail server wrote it: a bounce or a receipt",
    "automatic_reply": "a machine wrote it",
    "machine_address": "nobody reads mail at that address",
    "other_sender": "somebody other than the lead wrote",
    "answers_elsewhere": "the lead wants answers at another address",
    "not_to_us": "the mail is not addressed to a mailbox of ours",
    "answered_already": "a person or another agent answered first",
    "unclear_history": "the history does not say who wrote what",
    "superseded": "the lead has written again since",
    "no_words": "there are no words to read",
    "cap_per_thread": "enough automatic answers in this thread",
    "cap_per_lead_day": "this lead got an automatic answer within a day",
    "cap_per_mailbox_hour": "this mailbox has sent enough for this hour",
    "loop": "it looks like two machines writing to each other",
    "until_return": "out of office: decided again once they are back",
    "cap": "another answer went out first, and enough is enough",
    "cap_per_template": "this thread got that template already",
    "other_language": "the answer speaks another language than they do",
    "taken_back": "a person stopped it before it left",
}
"""What each guard's reason means, for people."""

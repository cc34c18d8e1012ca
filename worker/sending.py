"""The way out: the last check at the door, the request, and what became of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from worker import tracing
from worker.domain.errors import AutoreplyError, OutcomeUnknown, Parked, TryLater
from worker.domain.guards import Policy
from worker.domain.model import Direction, Draft, ReplyEvent, TraceLine
from worker.domain.progress import State
from worker.domain.reading import Facts
from worker.domain.rules import Templates
from worker.ledger.accounts import companies_of, people_of
from worker.ports import Attempt, Claim, Ledger, MailApi, Refusal
from worker.settlement import Closing, Settlement

_LONGEST_CHECK: Final = 1.0
"""Seconds that the last check may take; after more, somebody else may have the event."""


def boot_clock() -> float:
    """Return seconds of a clock that no freeze of the process stops."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An event in hand, its conversation read: all that deciding and sending need."""

    claim: Claim
    api: MailApi
    facts: Facts
    templates: Templates
    policy: Policy


class Sending:
    """Posts answers, and writes down what became of them.

    Args:
        ledger: knows whether an answer may still go out.
        closing: ends events.
        settlement: takes over where nobody knows what became of a request.
        boot_clock: seconds; runs on while the process is frozen.

    """

    def __init__(
        self,
        ledger: Ledger,
        closing: Closing,
        settlement: Settlement,
        boot_clock: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._closing = closing
        self._settlement = settlement
        self._boot_clock = boot_clock

    def send(self, case: Case, draft: Draft, trace: tuple[TraceLine, ...]) -> str:
        """Intent before deed: what is in doubt afterwards is known beforehand."""
        attempt = _attempt(case, draft, trace)
        tracing.reached("sending", template=draft.template, variant=draft.variant)
        try:
            sent_id = case.api.reply(
                _to_answer(case.facts), draft, lambda: self._pass(case.claim, attempt)
            )
        except _Refused as error:
            return self._refuse(case, error.refusal, draft)
        except OutcomeUnknown as error:
            return self._settlement.begin(case.claim, error, hold=holds_doubts(case.templates))
        tracing.reached("sent", template=draft.template)
        return self._closing.sent(case.claim, draft.template, "posted", sent_id)

    def _pass(self, claim: Claim, attempt: Attempt) -> None:
        """Check everything once more, at the door: the next thing is the request itself.

        A process may have been frozen while it asked; by the clock that runs on meanwhile,
        it finds out and does not send.
        """
        asked = self._boot_clock()
        refusal = self._ledger.sending(claim, attempt)
        if refusal is not None:
            raise _Refused(refusal)
        lost = self._boot_clock() - asked
        if lost > _LONGEST_CHECK:
            raise TryLater("time_lost", f"{lost:.1f} s between check and request", wait=0.0)

    def _refuse(self, case: Case, refusal: Refusal, draft: Draft) -> str:
        match refusal:
            case "paused":
                raise Parked("paused", "pause:*")
            case "cap":
                thread = case.facts.thread
                return self._closing.end(case.claim, State.HELD, "cap", draft=draft, thread=thread)
            case "opted_out" | "answered_already":
                return self._closing.end(case.claim, State.SKIPPED, refusal)


class _Refused(AutoreplyError):  # noqa: N818 - named after what it is about
    """The ledger's last check says no."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


def holds_doubts(templates: Templates) -> bool:
    """Say whether a person settles doubts (`doubt: hold`)."""
    return templates.settings.doubt == "hold"


def people_in(facts: Facts) -> list[str]:
    """Return who would get the answer, under every name that is known."""
    return people_of(facts.event, facts.mail.sender if facts.mail else "")


def _to_answer(facts: Facts) -> ReplyEvent:
    """Return the event under the history's names: those are what the API surely knows."""
    mail_id = facts.mail.id if facts.mail else facts.event.mail_id
    return replace(facts.event, mail_id=mail_id, mailbox=facts.mailbox)


def companies_in(facts: Facts) -> list[str]:
    """Return the companies of those who would get the answer."""
    return companies_of(facts.event.lead_email, facts.mail.sender if facts.mail else "")


def _attempt(case: Case, draft: Draft, trace: tuple[TraceLine, ...]) -> Attempt:
    facts = case.facts
    shown = {m.id for m in facts.thread.messages if m.direction is not Direction.INBOUND}
    return Attempt(
        draft=draft,
        mail=facts.mail.id if facts.mail else facts.event.mail_id or facts.event.key,
        seen=frozenset(shown | facts.answers.keys()),
        mailbox=facts.mailbox,
        caps=case.policy.caps,
        people=people_in(facts) + (companies_in(facts) if case.policy.whole_domains else []),
        trace=trace,
    )

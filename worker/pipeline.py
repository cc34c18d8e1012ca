"""The story of one event. Read this first.

A Celery message wakes an event by its key; everything else is in the ledger. Each way
through `answer` ends with the event in a new state, or planned for later:

    claim → fetch → read → decide → render → wait or send → settle

Whoever dies on the way leaves the event in the ledger's `due` set, and it comes back.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from worker import tracing
from worker.contracts import webhook
from worker.domain import guards
from worker.domain.deciding import decide, leaves_at, policy_of
from worker.domain.decision import Hold, Later, OptOut, Reply, Skip, Verdict
from worker.domain.deeds import AWAY
from worker.domain.durations import milliseconds
from worker.domain.errors import (
    GiveUp,
    LeaseLost,
    MalformedEvent,
    Parked,
    TemplateProblem,
    TryLater,
)
from worker.domain.model import (
    Message,
    Mode,
    ReplyEvent,
    Thread,
    TraceLine,
    moment,
    stricter,
)
from worker.domain.progress import State
from worker.domain.reading import Facts, read
from worker.domain.record import Record
from worker.domain.rendering import render
from worker.domain.rules import Rule, Templates
from worker.domain.whose import zone_of
from worker.ports import Claim, Ledger, MailApi, NotNow
from worker.sending import Case, Sending, boot_clock, companies_in, holds_doubts, people_in
from worker.settlement import Closing, Settlement
from worker.trouble import hold_everything

_FIRST_WAIT: Final = 2.0
_LONGEST_WAIT: Final = 900.0
_UNREADABLE_TRIES: Final = 5
_ANSWER_NOW: Final = timedelta(seconds=1)
"""An answer that is due within this leaves at once: waiting costs a round through the queue."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the operator has set for deciding and sending.

    `no_contract`: what a webhook lacks that no API can speak about, in words.
    """

    mode: Mode
    max_age: timedelta
    settle: timedelta
    no_contract: str = "the webhook names too little to be answered"


class Pipeline:
    """Takes events through their stages.

    Args:
        ledger: the truth about events.
        api_for: the API that speaks an event's contract, None where none does.
        templates: the rules as they are now.
        rules: the operator's settings.
        boot_clock: seconds; runs on while the process is frozen.
        following: follows an event's trace while it is worked on.

    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        api_for: Callable[[ReplyEvent], MailApi | None],
        templates: Callable[[], Templates],
        rules: Rules,
        boot_clock: Callable[[], float] = boot_clock,
        following: Callable[[Record], AbstractContextManager[None]] = tracing.following,
    ) -> None:
        self._ledger = ledger
        self._api_for = api_for
        self._templates = templates
        self._rules = rules
        self._following = following
        self._told_newer = False
        self._closing = Closing(ledger, self._interest)
        self._settlement = Settlement(self._closing, ledger, milliseconds(rules.settle))
        self._sending = Sending(ledger, self._closing, self._settlement, boot_clock)

    def answer(self, key: str) -> str:
        """Work on one event; return what became of it, in two or three words."""
        claim = self._ledger.claim(key)
        if isinstance(claim, NotNow):
            return self._not_now(key, claim)
        with self._following(claim.record):
            try:
                outcome = self._outcome(claim)
            except LeaseLost:  # the lease may also run out before a failure is written down
                outcome = "lost to another"
            tracing.worked(outcome=outcome, token=claim.token)
        return outcome

    def _outcome(self, claim: Claim) -> str:
        try:
            return self._work(claim)
        except TryLater as error:
            return self._try_later(claim, error)
        except GiveUp as error:
            self._ledger.close(claim, State.FAILED, error.reason, detail=error.detail)
            return f"failed {error.reason}"

    def _not_now(self, key: str, answer: NotNow) -> str:
        outcome = f"{answer.reason} {answer.state or ''}".strip()
        if answer.reason == "newer" and not self._told_newer:
            self._told_newer = True
            why = "a newer version wrote it, and maybe others; upgrade this worker"
            _log.warning("left_alone", key=key, outcome=outcome, why=why)
        return outcome

    def _work(self, claim: Claim) -> str:
        try:
            event = _event_of(claim)
        except MalformedEvent as error:
            return self._closing.end(claim, State.HELD, "unreadable_event", detail=str(error))
        self._heed_opt_out(claim, _facts(claim, event, Thread(), self._templates()))
        if claim.record.state is State.DOUBT:
            return self._settlement.settle(
                claim, event, self._api_for(event), hold=holds_doubts(self._templates())
            )
        if claim.paused:
            raise Parked("paused", f"pause:{claim.paused}")
        if claim.hold_off:
            raise TryLater("api_on_hold", wait=claim.hold_off / 1000, counts=False)
        self._let_settle(claim)
        return self._decide(claim, event)

    def _let_settle(self, claim: Claim) -> None:
        """Give the history time to show an answer that was in doubt, whoever wants another.

        That covers the whole conversation: an answer of ours that nobody knows of yet must
        not be taken for the answer to another mail.
        """
        left = self._last_doubt(claim) + milliseconds(self._rules.settle) - claim.now
        if left > 0:
            raise TryLater("settling", wait=left / 1000, counts=False)

    def _last_doubt(self, claim: Claim) -> int:
        return max(claim.record.doubt_at, claim.doubted)

    def _interest(self, template: str) -> int | None:
        """Return the interest that a template sets; none while all is only recorded."""
        rule = self._templates().rule(template)
        if rule is None or stricter(self._rules.mode, rule.front.mode) is Mode.SHADOW:
            return None
        return rule.front.set_interest

    def _away(self, facts: Facts) -> tuple[str, ...]:
        is_away = facts.kind == "out_of_office" and self._rules.mode is not Mode.SHADOW
        return AWAY if is_away else ()

    def _heed_opt_out(self, claim: Claim, facts: Facts) -> None:
        """Suppress at once, whatever the event's age, the mode or the pause."""
        if facts.opt_out and not (claim.suppressed and claim.domain_suppressed):
            gone = [*people_in(facts), *companies_in(facts)]
            self._ledger.suppress(gone, f"asked to stop: {facts.opt_out}")

    def _decide(self, claim: Claim, event: ReplyEvent) -> str:
        api = self._api_for(event)
        if api is None:
            words = self._rules.no_contract
            return self._closing.end(claim, State.HELD, "no_contract", detail=words)
        templates = self._templates()
        thread = self._read(claim, event, api)
        tracing.reached("fetched", mails=len(thread.messages), from_mirror=bool(thread.as_of))
        facts = _facts(claim, event, thread, templates)
        tracing.reached("read", kind=facts.kind, opt_out=bool(facts.opt_out))
        self._heed_opt_out(claim, facts)
        if facts.superseded_by:
            self._accept_newer(event, facts.superseded_by)
        owner = self._bind(claim, facts)
        if owner != claim.record.key:
            return self._closing.end(claim, State.SKIPPED, "same_mail", detail=f"as event {owner}")
        late = self._settlement.turned_up(claim, facts.thread)
        if late:
            return late
        policy = policy_of(templates, self._rules.max_age)
        case = Case(claim=claim, api=api, facts=facts, templates=templates, policy=policy)
        if claim.record.approved_by:
            return self._send_approved(case)
        verdict = decide(facts, templates, policy)
        tracing.reached("decided", **_named(verdict))
        return self._act(case, verdict)

    def _read(self, claim: Claim, event: ReplyEvent, api: MailApi) -> Thread:
        """Read the conversation.

        Where an answer of ours was in doubt, only the provider's own word counts: it may
        list that answer late, and a mirror not at all.
        """
        thread = api.thread(event)
        return api.look(event) if thread.as_of and self._last_doubt(claim) else thread

    def _act(self, case: Case, verdict: Verdict) -> str:
        thread = case.facts.thread
        end = partial(self._closing.end, case.claim, trace=verdict.trace, thread=thread)
        match verdict.decision:
            case Reply():
                return self._prepare(case, verdict.decision, verdict.trace)
            case Later(rule, until):
                return self._await_return(case, rule, until, verdict.trace)
            case Skip("automatic_reply" as reason, detail):
                return end(State.SKIPPED, reason, detail=detail, deeds=self._away(case.facts))
            case Skip(reason, detail, template):
                return end(State.SKIPPED, reason, detail=detail, template=template)
            case Hold(reason, detail, template):
                return end(State.HELD, reason, detail=detail, template=template)
            case OptOut(detail, template):
                words = f"template {template}: {detail}"
                self._ledger.suppress([*people_in(case.facts), *companies_in(case.facts)], words)
                return end(State.SKIPPED, "opted_out", detail=detail, template=template)

    def _await_return(
        self, case: Case, rule: Rule, until: datetime, trace: tuple[TraceLine, ...]
    ) -> str:
        """Let a note wait until its writer is back; nothing is written before that."""
        at = int(until.timestamp() * 1000)
        detail = f"back on {case.facts.return_day}, then {rule.name}"
        self._ledger.wait(
            case.claim, "until_return", until=at, detail=detail, trace=trace,
            deeds=self._away(case.facts),
        )  # fmt: skip
        return f"waiting until_return {rule.name}"

    def _bind(self, claim: Claim, facts: Facts) -> str:
        """Tie the event to its e-mail, so that one mail under two names is one event."""
        if facts.mail is None or facts.mail.id == claim.record.key:
            return claim.record.key
        return self._ledger.bind(claim, facts.mail.id)

    def _accept_newer(self, event: ReplyEvent, message: Message) -> None:
        """Open an event for the newer mail: a lost webhook must not cost its answer."""
        newer, payload = webhook.from_history(event, message)
        self._ledger.accept(newer, payload)

    def _prepare(self, case: Case, reply: Reply, trace: tuple[TraceLine, ...]) -> str:
        """Render, then hold for a person, record only, wait, or send."""
        thread = case.facts.thread
        end = partial(self._closing.end, case.claim, trace=trace, thread=thread)
        rule = reply.rule
        try:
            draft = render(rule, case.facts, case.templates.settings)
        except TemplateProblem as error:
            return end(State.HELD, error.reason, detail=error.detail, template=rule.name)
        match stricter(self._rules.mode, reply.mode):
            case Mode.SHADOW:
                return end(State.SKIPPED, "shadow", draft=draft)
            case Mode.HOLD:
                return end(State.HELD, reply.held_as, detail=reply.foreign, draft=draft)
            case Mode.SEND:
                pass
        shown = _shown_since(case.claim, rule)
        leaves = leaves_at(rule, case.facts, case.templates, shown)
        if leaves > case.facts.now + _ANSWER_NOW:
            until = int(leaves.timestamp() * 1000)
            self._ledger.wait(
                case.claim, "scheduled", until=until, draft=draft, trace=trace,
                thread=thread.messages,
            )  # fmt: skip
            return f"waiting scheduled {rule.name}"
        return self._sending.send(case, draft, trace)

    def _send_approved(self, case: Case) -> str:
        """Send what a person approved, unless the world has changed since."""
        decision, trace = guards.check(case.facts, case.policy, approved=True)
        if isinstance(decision, Skip):
            return self._closing.end(
                case.claim, State.SKIPPED, decision.reason, detail=decision.detail, trace=trace
            )
        draft = case.claim.record.draft
        if draft is None:
            detail = "approved without a text"
            return self._closing.end(case.claim, State.HELD, "no_draft", detail=detail)
        return self._sending.send(case, draft, (*trace, *_what_led_to(case.claim.record)))

    def _try_later(self, claim: Claim, error: TryLater) -> str:
        """Plan the next look: what the API asked for, or a growing wait."""
        if error.reason == "unreadable_history" and claim.record.tries >= _UNREADABLE_TRIES:
            return self._closing.end(claim, State.HELD, error.reason, detail=error.detail)
        growing = min(_FIRST_WAIT * 2 ** min(claim.record.tries, 16), _LONGEST_WAIT)
        wait = growing if error.wait is None else error.wait
        hold_everything(self._ledger, error, wait)
        self._ledger.wait(
            claim,
            error.reason,
            until=claim.now + int(wait * 1000),
            detail=error.detail,
            parked=error.parked if isinstance(error, Parked) else "",
            counts=error.counts,
        )
        return f"waiting {error.reason}"


def _named(verdict: Verdict) -> dict[str, str]:
    """Return what a log line may say of a decision: no words of anybody."""
    decision = verdict.decision
    rule = getattr(decision, "rule", None)
    return {
        "decision": type(decision).__name__.lower(),
        "reason": getattr(decision, "reason", ""),
        "template": rule.name if rule else getattr(decision, "template", ""),
    }


def _what_led_to(record: Record) -> Iterator[TraceLine]:
    """Yield how the draft that a person approved came about, but for the guards of that time."""
    lines = (TraceLine(**line) for line in record.trace)
    return (line for line in lines if line.step != guards.STEP)


def _event_of(claim: Claim) -> ReplyEvent:
    """Read the event from its stored deliveries; fill in what only the ledger knows."""
    record = claim.record
    event = webhook.merge(record.key, record.deliveries.values())
    accepted = moment(record.received_at)
    return replace(event, mail_id=event.mail_id or record.mail_id, accepted=accepted)


def _facts(claim: Claim, event: ReplyEvent, thread: Thread, templates: Templates) -> Facts:
    facts = read(
        event,
        thread,
        received=moment(claim.record.received_at),
        now=moment(claim.now),
        suppressed=claim.suppressed,
        tally=claim.tally,
        answers=claim.answers,
        heeded_until=moment(claim.lifted) if claim.lifted else None,
        intents=templates.intents,
        zone=zone_of(event, templates.settings),
    )
    return replace(facts, domain_suppressed=claim.domain_suppressed)


def _shown_since(claim: Claim, rule: Rule) -> datetime | None:
    """Return since when the rule's answer waits where a person can see and stop it."""
    record = claim.record
    waits = (record.state, record.reason) == (State.WAITING, "scheduled")
    return moment(record.changed_at) if waits and record.template == rule.name else None

"""What would become of a reply: guards, rules, text, mode and time, without doing anything."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from worker.domain.deciding import clock_of, decide, leaves_at
from worker.domain.decision import Decision, Hold, OptOut, Reply, Skip
from worker.domain.durations import in_words
from worker.domain.errors import TemplateProblem
from worker.domain.guards import Policy
from worker.domain.model import Draft, Mode, TraceLine, stricter
from worker.domain.reading import Facts
from worker.domain.rendering import render
from worker.domain.rules import Rule, Templates
from worker.domain.schedule import dice


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When an answer would leave and why then, on the clock of `lead`, `mailbox` or `team`."""

    at: datetime
    whose: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What would become of a reply; `timing` only where it would be answered by itself."""

    decision: Literal["reply", "hold", "skip", "opt_out", "ignore"]
    reason: str = ""
    detail: str = ""
    template: str = ""
    variant: str = ""
    draft: Draft | None = None
    timing: Timing | None = None
    trace: tuple[TraceLine, ...] = ()


def foresee(facts: Facts, templates: Templates, policy: Policy, mode: Mode) -> Outcome:
    """Decide and render, and say when the answer would leave; `mode` is the operator's own."""
    verdict = decide(facts, templates, policy)
    return replace(_outcome(verdict.decision, facts, templates, mode), trace=verdict.trace)


def _outcome(decision: Decision, facts: Facts, templates: Templates, mode: Mode) -> Outcome:
    match decision:
        case Reply():
            return _answer(decision, facts, templates, mode)
        case Skip(reason, detail, template):
            return Outcome(decision="skip", reason=reason, detail=detail, template=template)
        case Hold(reason, detail, template):
            return Outcome(decision="hold", reason=reason, detail=detail, template=template)
        case OptOut(detail, template):
            return Outcome(decision="opt_out", reason="by_rule", detail=detail, template=template)


def _answer(reply: Reply, facts: Facts, templates: Templates, mode: Mode) -> Outcome:
    rule = reply.rule
    try:
        draft = render(rule, facts, templates.settings)
    except TemplateProblem as error:
        return Outcome(
            decision="hold", reason=error.reason, detail=error.detail, template=rule.name
        )
    answer = Outcome(decision="reply", template=rule.name, variant=draft.variant, draft=draft)
    match stricter(mode, reply.mode):
        case Mode.SHADOW:
            return replace(answer, decision="skip", reason="shadow")
        case Mode.HOLD:
            return replace(answer, decision="hold", reason=reply.held_as, detail=reply.foreign)
        case Mode.SEND:
            return replace(answer, timing=_timing(rule, facts, templates))


def _timing(rule: Rule, facts: Facts, templates: Templates) -> Timing:
    leaves = leaves_at(rule, facts, templates)
    zone, whose = clock_of(facts, templates)
    return Timing(at=leaves.astimezone(zone), whose=whose, why=_why(rule, facts, leaves))


def _why(rule: Rule, facts: Facts, leaves: datetime) -> str:
    """Say why an answer leaves when it does."""
    low, high = rule.front.delay
    drawn = low + (high - low) * dice(facts.event.key)
    said = "no delay"
    if high:
        wanted = in_words(low) if low == high else f"{in_words(low)} to {in_words(high)}"
        said = f"{in_words(drawn)} after the mail (delay {wanted})"
    if rule.front.hours is None:
        return said if high else "neither delay nor hours are set"
    is_open = leaves <= max(facts.now, facts.received + drawn)
    how = "within" if is_open else "then at the next opening of"
    return f"{said}, {how} {rule.front.hours.text}"

"""What would become of a reply: guards, rules, text, mode and time, without doing anything."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from worker.domain.deciding import decide, leaves_at
from worker.domain.decision import Decision, Hold, Later, OptOut, Reply, Skip
from worker.domain.durations import in_words
from worker.domain.errors import TemplateProblem
from worker.domain.guards import Policy
from worker.domain.model import Draft, Mode, TraceLine, stricter
from worker.domain.reading import Facts
from worker.domain.rendering import render
from worker.domain.rules import Rule, Templates
from worker.domain.schedule import dice
from worker.domain.whose import clock_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When an answer would leave and why then, on the clock of `lead`, `mailbox` or `team`."""

    at: datetime
    whose: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What would become of a reply; `timing` only where it would be answered by itself."""

    decision: Literal["reply", "wait", "hold", "skip", "opt_out", "ignore"]
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
        case Later(rule, until):
            return _after_return(rule, until, facts, templates)
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


def _after_return(rule: Rule, until: datetime, facts: Facts, templates: Templates) -> Outcome:
    """Say when a lead who is away is written to; the mode counts only then."""
    zone, whose = clock_of(facts.event, templates.settings)
    back = f"a business day after their return on {facts.return_day}"
    timing = Timing(at=until.astimezone(zone), whose=whose, why=back)
    answer = _answer(Reply(rule), facts, templates, Mode.SEND)
    if answer.draft is None:
        return answer
    return replace(answer, decision="wait", reason="until_return", timing=timing)


def _timing(rule: Rule, facts: Facts, templates: Templates) -> Timing:
    leaves = leaves_at(rule, facts, templates)
    zone, whose = clock_of(facts.event, templates.settings)
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

"""Guards, then rules: the decision on one reply, with the trace that led to it."""

from datetime import datetime, timedelta
from typing import Final

from worker.domain import guards
from worker.domain.away import may_resume, returns, wrote_lately
from worker.domain.choosing import choose
from worker.domain.decision import Hold, Later, Reply, Skip, Verdict
from worker.domain.guards import Policy
from worker.domain.model import Caps, TraceLine
from worker.domain.reading import Facts
from worker.domain.rules import Rule, Templates
from worker.domain.schedule import dice, no_holiday, send_at
from worker.domain.whose import holidays_of, zone_of

_A_MACHINE: Final = "automatic_reply"


def decide(facts: Facts, templates: Templates, policy: Policy) -> Verdict:
    """Decide what becomes of a reply."""
    decision, asked = guards.check(facts, policy)
    asked = (*facts.trace, *asked)
    if decision is None:
        verdict = choose(templates, facts)
        return Verdict(verdict.decision, (*asked, *verdict.trace))
    if isinstance(decision, Skip) and decision.reason == _A_MACHINE:
        return _resume(facts, templates, policy, asked) or Verdict(decision, asked)
    return Verdict(decision, asked)


def _resume(
    facts: Facts, templates: Templates, policy: Policy, skipped: tuple[TraceLine, ...]
) -> Verdict | None:
    """Decide on a note that the guards skip; None where nothing follows the lead's return."""
    if not may_resume(facts, templates):
        return None
    verdict = choose(templates, facts, resume=True)
    match verdict.decision:
        case Reply(rule):
            due = returns(rule, facts, templates)
        case Hold(reason="template_error"):
            return Verdict(verdict.decision, (*skipped, *verdict.trace))
        case _:
            return None
    if wrote_lately(max(due, facts.now), facts, templates):
        return None
    if facts.now < due:
        back = f"back on {facts.return_day}"
        waits = TraceLine(step="away", name=rule.name, outcome="waits", detail=back)
        return Verdict(Later(rule, due), (*skipped, *verdict.trace, waits))
    refused, asked = guards.check(facts, policy, lifted=_A_MACHINE)
    return Verdict(refused or verdict.decision, (*facts.trace, *asked, *verdict.trace))


def policy_of(templates: Templates, max_age: timedelta) -> Policy:
    """Return what the operator allows, from the settings and `_settings.yaml`."""
    settings = templates.settings
    return Policy(
        max_age=max_age,
        caps=Caps(**settings.caps.model_dump()),
        exclude=settings.exclude,
        own_mailboxes=frozenset(address.casefold() for address in settings.accounts),
        whole_domains=settings.opt_out == "domain",
    )


def leaves_at(
    rule: Rule, facts: Facts, templates: Templates, shown: datetime | None = None
) -> datetime:
    """Return when the rule's answer to this reply leaves (UTC).

    `shown`: since when a person could have stopped it; None where nobody could so far.
    """
    hours, settings = rule.front.hours, templates.settings
    return send_at(
        facts.received,
        facts.now,
        delay=rule.front.delay,
        thrown=dice(facts.event.key),
        hours=hours,
        zone=zone_of(facts.event, settings),
        closed=holidays_of(facts.event, settings).__contains__ if hours else no_holiday,
        undo_until=(shown or facts.now) + rule.front.undo,
    )

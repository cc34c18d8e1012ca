"""Guards, then rules: the decision on one reply, with the trace that led to it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from worker.domain import guards, rules
from worker.domain.decision import Verdict
from worker.domain.guards import Policy
from worker.domain.model import Caps
from worker.domain.reading import Facts
from worker.domain.rendering import context
from worker.domain.rules import Rule, Templates
from worker.domain.schedule import dice, parse_zone, send_at

UTC_ZONE = ZoneInfo("UTC")


def decide(facts: Facts, templates: Templates, policy: Policy) -> Verdict:
    """Decide what becomes of a reply."""
    decision, asked = guards.check(facts, policy)
    if decision is not None:
        return Verdict(decision, asked)
    verdict = rules.choose(templates, context(facts, templates), facts.tally)
    return Verdict(verdict.decision, (*asked, *verdict.trace))


def policy_of(templates: Templates, max_age: timedelta) -> Policy:
    """Return what the operator allows, from the settings and `_settings.yaml`."""
    settings = templates.settings
    return Policy(
        max_age=max_age,
        caps=Caps(**settings.caps.model_dump()),
        exclude=settings.exclude,
        own_mailboxes=frozenset(address.casefold() for address in settings.accounts),
    )


def leaves_at(rule: Rule, facts: Facts, templates: Templates) -> datetime:
    """Return when the rule's answer to this reply leaves (UTC)."""
    return send_at(
        facts.received,
        facts.now,
        delay=rule.front.delay,
        thrown=dice(facts.event.key),
        hours=rule.front.hours,
        zone=_zone(facts, templates),
    )


def _zone(facts: Facts, templates: Templates) -> ZoneInfo:
    """Return whose clock counts: the lead's, else the mailbox's, else the team's."""
    account = templates.settings.account(facts.event.mailbox)
    names = (
        str(facts.event.lead.get("timezone") or facts.event.lead.get("time_zone") or ""),
        account.timezone if account else "",
        templates.settings.timezone,
    )
    return next(filter(None, map(parse_zone, names)), UTC_ZONE)

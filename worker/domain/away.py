"""Out-of-office notes: no answer, but where a template resumes, one after the return.

A template with `resume: true` is for such notes and nothing else. It is chosen when the note
comes, and everything is decided again when the time has come.
"""

from datetime import datetime, timedelta
from typing import Final

from worker.domain import guards
from worker.domain.reading import Facts
from worker.domain.rules import Rule, Templates
from worker.domain.schedule import dice, resume_at, send_at
from worker.domain.whose import holidays_of, zone_of

_LONGEST_AWAY: Final = timedelta(days=90)
"""Whoever is away for longer is not waited for: by then nobody knows what it was about."""

_ONE_IN: Final = timedelta(days=7)
"""A lead gets one answer to out-of-office notes in so long a time."""


def may_resume(facts: Facts, templates: Templates) -> bool:
    """Say whether the reply is a note of the lead's own that tells when they are back.

    One that an automatic answer of ours has set off is none: machines would go on for ever.
    """
    if facts.kind != "out_of_office" or facts.return_day is None or guards.provoked(facts):
        return False
    sender = facts.mail.sender if facts.mail else ""
    if sender and facts.event.lead_email and sender != facts.event.lead_email:
        return False
    written = facts.at.astimezone(zone_of(facts.event, templates.settings)).date()
    return written <= facts.return_day <= written + _LONGEST_AWAY


def returns(rule: Rule, facts: Facts, templates: Templates) -> datetime:
    """Return when the rule writes to a lead who was away (UTC).

    That is a business day after the return, and the rule's own delay later.
    """
    if facts.return_day is None:
        return facts.now
    zone = zone_of(facts.event, templates.settings)
    closed = holidays_of(facts.event, templates.settings).__contains__
    hours = rule.front.hours
    opening = resume_at(facts.return_day, hours=hours, zone=zone, closed=closed)
    return send_at(
        opening,
        opening,
        delay=rule.front.delay,
        thrown=dice(facts.event.key),
        hours=hours,
        zone=zone,
        closed=closed,
    )


def wrote_lately(due: datetime, facts: Facts, templates: Templates) -> bool:
    """Say whether the lead got an answer to such a note in the week before `due`."""
    resuming = {rule.name for rule in templates.rules if rule.front.resume}
    return any(sent.template in resuming and due - sent.at < _ONE_IN for sent in facts.tally.sent)

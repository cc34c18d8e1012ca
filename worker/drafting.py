"""Drafts that a person asks for: another template, or their own words."""

from datetime import UTC, datetime
from typing import Final

from worker.contracts import webhook
from worker.domain.errors import NotPossible
from worker.domain.model import Draft, Thread
from worker.domain.reading import Facts, read
from worker.domain.record import Record
from worker.domain.rendering import render, thread_subject, tidy, tidy_subject
from worker.domain.rules import SUFFIX, Templates

BY_HAND: Final = "by_hand"
"""Stands for the template in the record of an answer that a person wrote."""


def from_template(record: Record, templates: Templates, name: str) -> Draft:
    """Render a template for a recorded event, without reading its thread.

    Raises:
        NotPossible: there is no such template.
        TemplateProblem: it cannot be rendered for this event.

    """
    rule = templates.rule(name)
    broken = [problem for problem in templates.problems if problem.name == f"{name}{SUFFIX}"]
    if broken:
        raise NotPossible("broken_template", str(broken[0]))
    if rule is None:
        known = ", ".join(rule.name for rule in templates.rules)
        raise NotPossible("no_template", f"there is no template {name}; there are {known}")
    return render(rule, _facts(record), templates)


def from_text(record: Record, text: str, subject: str = "") -> Draft:
    """Return a person's own words as a draft.

    Raises:
        NotPossible: the text is empty.

    """
    body = tidy(text)
    if not body:
        raise NotPossible("no_text", "the text is empty")
    usual = record.draft.subject if record.draft else f"Re: {thread_subject(_facts(record))}"
    return Draft(template=BY_HAND, subject=tidy_subject(subject or usual), body=body)


def _facts(record: Record) -> Facts:
    event = webhook.merge(record.key, record.deliveries.values())
    received = datetime.fromtimestamp(record.received_at / 1000, UTC)
    return read(event, Thread(), received=received, now=datetime.now(UTC))

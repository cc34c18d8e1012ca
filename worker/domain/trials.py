"""Every text, filled in for a lead of whom nothing is known, and for one with everything."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from worker.domain.errors import TemplateProblem
from worker.domain.examples import example_facts
from worker.domain.frontmatter import TemplateError
from worker.domain.model import Direction, JsonValue, Message, Thread
from worker.domain.reading import Facts
from worker.domain.rendering import render_variant
from worker.domain.rules import Rule, Templates

USUAL: Final[Mapping[str, JsonValue]] = {
    "first_name": "Ann",
    "last_name": "Lee",
    "company": "Lee & Daughters",
    "company_name": "Lee & Daughters",
    "job_title": "Head of Sales",
    "phone": "+44 20 7946 0958",
    "website": "https://lead.example",
    "city": "Leeds",
    "state": "Yorkshire",
    "country": "United Kingdom",
    "location": "Leeds, United Kingdom",
    "industry": "Bakery",
    "linkedin": "https://linkedin.example/ann",
    "timezone": "Europe/London",
    "language": "English",
    "personalization": "I liked your talk.",
}
"""The fields that leads usually have; any other one may exist as well."""

_BARE: Final = "with a lead of whom only the id is known"
_FULL: Final = "with a lead of whom everything is known"
_MISSING: Final = re.compile(r"lead\.(\w+) is undefined$")
_UNDEFINED: Final = re.compile(r"(\w+\.\w+) is undefined$")
_MOST_MISSING: Final = 50


def problems(
    templates: Templates, lead_fields: Mapping[str, JsonValue] | None = None
) -> Iterator[TemplateError]:
    """Fill in every text that may be sent; yield what fails, each failure once.

    `lead_fields`: what leads have beyond the usual, each with a value.
    """
    told: set[str] = set()
    for text in (text for rule in templates.rules for text in rule.texts):
        if text.front.action == "reply":
            for problem, lead in _tried(text, templates, {**USUAL, **(lead_fields or {})}):
                if problem.detail not in told:
                    told.add(problem.detail)
                    yield TemplateError(*problem.at, f"{lead}: {_advised(problem.said)}")


def _tried(
    text: Rule, templates: Templates, fields: Mapping[str, JsonValue]
) -> Iterator[tuple[TemplateProblem, str]]:
    """Yield what fails, and with which lead it does."""
    for facts, lead in _leads(text, templates, fields):
        for drawn in text.front.variants or ("",):
            for problem in _failures(text, facts, templates, drawn):
                yield problem, lead


def _failures(
    text: Rule, facts: Facts, templates: Templates, drawn: str
) -> Iterator[TemplateProblem]:
    """Yield each field of the lead that is missing, or the one thing that is wrong."""
    missing: dict[str, JsonValue] = {}
    for _ in range(_MOST_MISSING):
        event = replace(facts.event, lead={**missing, **facts.event.lead})
        try:
            render_variant(text, replace(facts, event=event), templates.settings, drawn)
        except TemplateProblem as problem:
            yield problem
            field = _MISSING.search(problem.said)
            if field is None or field[1] in missing:
                return
            missing[field[1]] = "…"
        else:
            return


def _leads(
    text: Rule, templates: Templates, fields: Mapping[str, JsonValue]
) -> Iterator[tuple[Facts, str]]:
    """Return the leads that a text is tried with: each example's, and one of each mailbox."""
    replies = [
        replace(example_facts(words), language=text.front.language)
        for words in text.front.examples.match or ("Hello",)
    ]
    for bare in replies:
        yield bare, _BARE
        yield _full(bare, fields, ""), _FULL
    for mailbox in templates.settings.accounts:
        yield _full(replies[0], fields, mailbox), f"{_FULL}, from {mailbox}"


def _full(bare: Facts, fields: Mapping[str, JsonValue], mailbox: str) -> Facts:
    """Return the facts about the same words of a lead with every field, in a long thread."""
    event = replace(
        bare.event,
        lead=fields,
        lead_email="ann@lead.example",
        mailbox=mailbox,
        campaign_id="campaign-1",
        campaign_name="Q4 bakeries",
        subject="Re: Your team",
    )
    mails = (
        (Direction.OUTBOUND, "A thought about your team", True),
        (Direction.INBOUND, bare.words, False),
    )
    thread = Thread(
        tuple(
            Message(
                id=f"mail-{number}",
                direction=direction,
                at=bare.now - timedelta(days=2 - number),
                subject="Your team",
                text=words,
                campaign_step=step,
            )
            for number, (direction, words, step) in enumerate(mails)
        )
    )
    return replace(bare, event=event, thread=thread, mail=thread.messages[-1])


def _advised(said: str) -> str:
    """Add how an undefined field is written so that its absence does no harm."""
    field = _UNDEFINED.search(said)
    return f'{said}; write {{{{ {field[1]} | default("…") }}}}' if field else said

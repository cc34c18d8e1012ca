"""The examples inside template files, run as if a lead had written them."""

from collections.abc import Iterator
from datetime import UTC, datetime

from worker.domain.deciding import decide
from worker.domain.decision import Decision, Hold, OptOut, Reply, Skip
from worker.domain.errors import TemplateProblem
from worker.domain.frontmatter import TemplateError
from worker.domain.guards import Policy
from worker.domain.model import EventClass, ReplyEvent, Thread
from worker.domain.reading import Facts, read
from worker.domain.rendering import render
from worker.domain.rules import Rule, Templates

_NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)
"""A Wednesday: examples must not depend on the day they are run on."""


def problems(templates: Templates) -> Iterator[TemplateError]:
    """Run every example through guards and rules; yield those that come out wrong."""
    for rule in templates.rules:
        for text in rule.front.examples.match:
            yield from _must_match(rule, text, templates)
        for text in rule.front.examples.skip:
            if _chosen(_decide(text, templates)) == rule.name:
                yield _wrong(rule, f"the skip example “{text}” gets this template")


def count(templates: Templates) -> int:
    """Return how many examples the templates have."""
    found = (rule.front.examples for rule in templates.rules)
    return sum(len(examples.match) + len(examples.skip) for examples in found)


def _must_match(rule: Rule, text: str, templates: Templates) -> Iterator[TemplateError]:
    decision = _decide(text, templates)
    if _chosen(decision) != rule.name:
        yield _wrong(rule, f"the match example “{text}” {_became(decision)}")
    elif isinstance(decision, Reply):
        try:
            render(rule, example_facts(text), templates)
        except TemplateProblem as problem:
            yield _wrong(rule, f"with a lead of whom only the id is known: {problem.detail}")


def _wrong(rule: Rule, message: str) -> TemplateError:
    return TemplateError(rule.file, 1, message)


def _decide(text: str, templates: Templates) -> Decision:
    return decide(example_facts(text), templates, Policy()).decision


def example_facts(text: str) -> Facts:
    """Return what is known when an unknown lead writes just this text."""
    now = _NOON
    event = ReplyEvent(
        key="example",
        event_class=EventClass.REPLY,
        event_types=("reply_received",),
        lead_id="example",
        text=text,
    )
    return read(event, Thread(), received=now, now=now)


def _chosen(decision: Decision) -> str:
    match decision:
        case Reply(rule):
            return rule.name
        case Skip(template=name) | Hold(template=name) | OptOut(template=name):
            return name


def _became(decision: Decision) -> str:
    match decision:
        case Reply(rule):
            return f"gets {rule.file} (priority {rule.front.priority}) instead"
        case Skip(reason, detail) | Hold(reason, detail):
            return f"ends as {reason}: {detail}"
        case OptOut(detail):
            return f"ends as an opt-out: {detail}"

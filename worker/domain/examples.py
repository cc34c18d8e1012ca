"""The examples inside template files, run as if a lead had written them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

from worker.domain.deciding import decide
from worker.domain.decision import Decision, Hold, Later, OptOut, Reply, Skip, Verdict
from worker.domain.frontmatter import Place, TemplateError, line_of
from worker.domain.guards import Policy
from worker.domain.intents import IntentReader
from worker.domain.model import EventClass, ReplyEvent, Thread
from worker.domain.reading import Facts, read
from worker.domain.rules import Rule, Templates

_NOON: Final = datetime(2026, 6, 3, 12, tzinfo=UTC)
"""A Wednesday: examples must not depend on the day they are run on."""


@dataclass(frozen=True, slots=True)
class Example:
    """A reply that must get a template, or must not, and where it is written."""

    rule: Rule
    kind: Literal["match", "skip"]
    index: int
    words: str

    @property
    def at(self) -> Place:
        """File and line of the example."""
        path = ("examples", self.kind, str(self.index))
        return self.rule.file, line_of(path, self.rule.above)

    def facts(self, templates: Templates) -> Facts:
        """What is known when an unknown lead writes it, in the language of its file."""
        found = example_facts(self.words, templates.intents)
        return replace(found, language=self.rule.front.language or found.language)

    def verdict(self, templates: Templates) -> Verdict:
        """Decide on it."""
        return decide(self.facts(templates), templates, Policy())


def of(templates: Templates) -> Iterator[Example]:
    """Return every example of a folder, translations included."""
    for text in (text for rule in templates.rules for text in rule.texts):
        for index, words in enumerate(text.front.examples.match):
            yield Example(text, "match", index, words)
        for index, words in enumerate(text.front.examples.skip):
            yield Example(text, "skip", index, words)


def problems(templates: Templates) -> Iterator[TemplateError]:
    """Run every example through guards and rules; yield those that come out wrong."""
    for example in of(templates):
        decision = example.verdict(templates).decision
        gets_it = _chosen(decision) == example.rule.name
        if gets_it != (example.kind == "match"):
            became = "gets this template" if gets_it else _became(decision)
            message = f"the {example.kind} example “{example.words}” {became}"
            yield TemplateError(*example.at, message)


def count(templates: Templates) -> int:
    """Return how many examples the templates have."""
    return sum(1 for _ in of(templates))


def example_facts(text: str, intents: IntentReader | None = None) -> Facts:
    """Return what is known when an unknown lead writes just this text."""
    now = _NOON
    event = ReplyEvent(
        key="example",
        event_class=EventClass.REPLY,
        event_types=("reply_received",),
        lead_id="example",
        text=text,
    )
    return read(event, Thread(), received=now, now=now, intents=intents)


def _chosen(decision: Decision) -> str:
    match decision:
        case Reply(rule) | Later(rule):
            return rule.name
        case Skip(template=name) | Hold(template=name) | OptOut(template=name):
            return name


def _became(decision: Decision) -> str:
    match decision:
        case Reply(rule) | Later(rule):
            return f"gets {rule.file} (priority {rule.front.priority}) instead"
        case Skip(reason, detail) | Hold(reason, detail):
            return f"ends as {reason}: {detail}"
        case OptOut(detail):
            return f"ends as an opt-out: {detail}"

"""`/templates`: each template with its rule and its luck, and a place to try replies out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, render_template, request

from web.console.parts import Console
from worker.domain import examples
from worker.domain.model import EventClass, ReplyEvent, Thread, moment
from worker.domain.outcome import Outcome, foresee
from worker.domain.progress import State
from worker.domain.reading import read
from worker.domain.rules import Rule, Templates
from worker.domain.search import Query

_LOOKED_AT: Final = 50
_LONGEST: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A template as it does.

    Attributes:
        problems: its examples that come out wrong.
        hits: how many events got it, of those that are kept.
        looked_at: how many of them are counted here, the newest ones.
        sent: how many of those were answered.
        changed_at: when its file was changed (milliseconds); 0 where nobody knows.

    """

    rule: Rule
    problems: tuple[str, ...]
    hits: int
    looked_at: int
    sent: int
    changed_at: int


class _Examples:
    """Runs the examples of a set of templates once, and keeps what came out."""

    def __init__(self) -> None:
        self._of: Templates | None = None
        self._found: tuple[tuple[str, str], ...] = ()

    def problems(self, templates: Templates) -> tuple[tuple[str, str], ...]:
        """Return (file, problem) of what comes out wrong."""
        if self._of is not templates:
            self._found = tuple((p.name, str(p)) for p in examples.problems(templates))
            self._of = templates
        return self._found


def add(pages: Blueprint, console: Console) -> None:
    """Add the pages."""
    tried = _Examples()

    @pages.get("/templates")
    def templates() -> str:
        return _page(console, tried.problems)

    @pages.post("/templates")
    def play() -> str:
        outlook = _foreseen(console)
        if request.headers.get("HX-Request"):
            return render_template("console/_outlook.html", outlook=outlook)
        return _page(console, tried.problems, outlook)


def _page(
    console: Console,
    problems_of: Callable[[Templates], tuple[tuple[str, str], ...]],
    outlook: Outcome | None = None,
) -> str:
    built, changes = console.templates(), console.changes()
    problems = problems_of(built)
    cards = [
        _card(console, rule, tuple(told for name, told in problems if name == rule.file), changes)
        for rule in built.rules
    ]
    return render_template(
        "console/templates.html",
        cards=cards,
        outlook=outlook,
        broken=list(map(str, built.problems)),
    )


def _card(
    console: Console, rule: Rule, problems: tuple[str, ...], changes: Mapping[str, float]
) -> Card:
    query = Query(template=rule.name)
    newest = console.ledger.search(query, _LOOKED_AT).records
    return Card(
        rule=rule,
        problems=problems,
        hits=console.ledger.size(query),
        looked_at=len(newest),
        sent=sum(record.state is State.SENT for record in newest),
        changed_at=int(1000 * changes.get(rule.file, 0)),
    )


def _foreseen(console: Console) -> Outcome:
    """Decide on a reply that nobody sent."""
    form = request.form
    now = moment(console.now_ms())
    lead = {"first_name": form.get("first_name", "").strip(), "company": form.get("company", "")}
    event = ReplyEvent(
        key="playground",
        event_class=EventClass.REPLY,
        event_types=("reply_received",),
        lead_id="playground",
        lead={name: value for name, value in lead.items() if value},
        campaign_name=form.get("campaign", "").strip(),
        subject=form.get("subject", "").strip(),
        text=form.get("text", "")[:_LONGEST].replace("\r\n", "\n"),
    )
    built = console.templates()
    facts = read(event, Thread(), received=now, now=now, intents=built.intents)
    return foresee(facts, built, console.policy(built), console.mode)

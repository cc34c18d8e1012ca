"""`/inbox`: what waits for a person, the conversation beside the draft."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, render_template, request

from web.console.conversation import messages_of
from web.console.parts import Console
from worker import drafting, steering
from worker.domain.errors import MalformedEvent, NotPossible, TemplateProblem
from worker.domain.model import Draft
from worker.domain.progress import State
from worker.domain.record import Record
from worker.domain.search import Query

_MOST_SHOWN: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One held event as it lies on the desk.

    `problem` says why there is no other draft; `stuck`: no API can carry an answer.
    """

    record: Record
    draft: Draft | None
    problem: str = ""
    stuck: bool = False


def add(pages: Blueprint, console: Console) -> None:
    """Add the page."""

    @pages.get("/inbox")
    def inbox() -> str:
        held = console.ledger.search(Query(state=State.HELD), _MOST_SHOWN).records
        leaving = console.ledger.search(Query(state=State.WAITING), _MOST_SHOWN).records
        record = _chosen(console, held, request.args.get("key", ""))
        templates = console.templates()
        desk = _desk(console, record, request.args.get("template", "")) if record else None
        return render_template(
            "console/inbox.html",
            held=held,
            leaving=[r for r in leaving if r.draft],
            desk=desk,
            words_of=steering.words_of,
            gone=request.args.get("key", "") if not record else "",
            messages=messages_of(record) if record else (),
            rules=[rule for rule in templates.rules if rule.front.action == "reply"],
            following=_following(held, record),
        )


def _chosen(console: Console, held: Sequence[Record], key: str) -> Record | None:
    if not key:
        return held[0] if held else None
    record = next((r for r in held if r.key == key), None) or console.ledger.record(key)
    return record if record and record.state is State.HELD else None


def _desk(console: Console, record: Record, template: str) -> Desk:
    if not steering.is_answerable(record, console.speaks):
        return Desk(record=record, draft=record.draft, stuck=True)
    if not template:
        return Desk(record=record, draft=record.draft)
    try:
        draft = drafting.from_template(record, console.templates(), template)
    except (NotPossible, TemplateProblem, MalformedEvent) as error:
        return Desk(record=record, draft=record.draft, problem=error.detail or str(error))
    return Desk(record=record, draft=draft)


def _following(held: Sequence[Record], record: Record | None) -> str:
    """Return the key of the event after this one, "" after the last."""
    keys = [r.key for r in held]
    if record is None or record.key not in keys:
        return keys[0] if keys else ""
    after = keys[keys.index(record.key) + 1 :]
    return after[0] if after else ""

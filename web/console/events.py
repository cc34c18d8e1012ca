"""`/events`: every event, to be searched; one event with all that happened to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from flask import Blueprint, Response, abort, render_template, request
from werkzeug.datastructures import MultiDict

from web.console import export
from web.console.conversation import facts_of, messages_of
from web.console.parts import Console
from web.console.words import zone_of
from worker.domain.outcome import foresee
from worker.domain.progress import State
from worker.domain.record import Record
from worker.domain.search import Query
from worker.ledger.accounts import named
from worker.ports import Ledger

_ON_A_PAGE: Final = 50
_AT_A_TIME: Final = 200
_REASONED: Final = frozenset(State) - {State.RECEIVED, State.SENDING}
"""Where a step is counted by its reason: not by a webhook's type, nor by a template's name."""
_FILTERS: Final = ("lead", "state", "reason", "template", "campaign", "day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody looks for, as it stands in the address; `problem`: what is wrong with it."""

    query: Query
    given: dict[str, str]
    problem: str = ""


def add(pages: Blueprint, console: Console) -> None:
    """Add the pages."""

    def asked() -> Asked:
        return read(request.args, zone_of(console.templates().settings.timezone))

    @pages.get("/events")
    def events() -> str:
        what = asked()
        try:
            page = console.ledger.search(what.query, _ON_A_PAGE, request.args.get("after", ""))
        except ValueError:
            abort(400, "That is no page of this list. Begin at /events.")
        return render_template(
            "console/events.html",
            records=page.records,
            following=page.following,
            asked=what,
            states=list(State),
            templates=[rule.name for rule in console.templates().rules],
            reasons=_reasons(console.ledger),
            size=console.ledger.size(what.query),
        )

    @pages.get("/events.csv")
    def events_csv() -> Response:
        lines = export.lines(_found(console.ledger, asked().query))
        named_so = {"Content-Disposition": 'attachment; filename="events.csv"'}
        return Response(lines, content_type="text/csv; charset=utf-8", headers=named_so)

    @pages.get("/event")
    def event() -> str:
        record = console.ledger.record(request.args.get("key", ""))
        if record is None:
            abort(404, "There is no such event; it may be older than the retention time.")
        templates = console.templates()
        facts = facts_of(record, console.now_ms(), templates) if "replay" in request.args else None
        outlook = facts and foresee(facts, templates, console.policy(templates), console.mode)
        return render_template(
            "console/event.html",
            record=record,
            messages=messages_of(record),
            history=console.ledger.history(record.key),
            outlook=outlook,
        )


def _reasons(ledger: Ledger) -> list[str]:
    """Return the reasons that events have had; some steps are counted by something else."""
    return sorted({reason for what, reason in ledger.outcomes() if reason and what in _REASONED})


def read(given: MultiDict[str, str], zone: tzinfo) -> Asked:
    """Read the filters; what makes no sense is left out, and said."""
    values = {name: given.get(name, "").strip() for name in _FILTERS}
    problems: list[str] = []
    state = None
    if values["state"]:
        try:
            state = State(values["state"].lower())
        except ValueError:
            problems.append(f"there is no state {values['state']}")
    since, until = 0, None
    if values["day"]:
        try:
            since, until = _day(date.fromisoformat(values["day"]), zone)
        except (ValueError, OverflowError):
            problems.append(f"{values['day']} is no day; write it like 2026-11-25")
    query = Query(
        state=state,
        reason=values["reason"],
        template=values["template"],
        campaign=values["campaign"],
        person=named(values["lead"].casefold()) if values["lead"] else "",
        since=since,
        until=until,
    )
    return Asked(
        query=query, given={n: v for n, v in values.items() if v}, problem="; ".join(problems)
    )


def _day(day: date, zone: tzinfo) -> tuple[int, int]:
    """Return a day's begin and end on the team's clock (milliseconds)."""
    begin = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    return tuple(int(at.astimezone(UTC).timestamp() * 1000) for at in (begin, end))  # type: ignore[return-value]  # a pair


def _found(ledger: Ledger, query: Query) -> Iterator[Record]:
    page = ledger.search(query, _AT_A_TIME)
    yield from page.records
    while page.following:
        page = ledger.search(query, _AT_A_TIME, page.following)
        yield from page.records

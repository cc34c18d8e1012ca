"""How the commands show things: tables for people, JSON for machines."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from worker.domain.guards import REASONS
from worker.domain.model import Draft
from worker.domain.progress import State
from worker.domain.record import Record

COLOURS = {
    State.SENT: "green",
    State.SKIPPED: "yellow",
    State.HELD: "magenta",
    State.FAILED: "red",
    State.DOUBT: "red",
    State.QUARANTINED: "red",
    State.SENDING: "cyan",
    State.WAITING: "cyan",
    State.RECEIVED: "cyan",
}


_DECISIONS = {
    "reply": "It would be answered without anybody's doing",
    "hold": "A person would decide",
    "skip": "It would get no answer",
    "opt_out": "It would get no answer, and nothing ever again",
    "ignore": "There is nothing in it to answer",
}
_REASONS = {
    **REASONS,
    "needs_approval": "answers of this kind are approved first",
    "shadow": "answers are only recorded, the mode is shadow",
    "by_rule": "that is the template's action",
    "no_rule": "no template fits",
    "template_error": "the template cannot be filled in",
}


def console() -> Console:
    """Return the console of standard output; wide where nobody watches.

    Text from outside is shown as it is: square brackets and colons mean nothing.
    """
    found = Console(markup=False, emoji=False)
    return found if found.is_terminal else Console(width=160, markup=False, emoji=False)


def errors() -> Console:
    """Return the console of standard error, for what machines need not read."""
    return Console(stderr=True, markup=False, emoji=False)


def panel(title: str, text: str) -> Panel:
    """Return a text in a frame."""
    return Panel(Text(text), title=Text(title), title_align="left")


def wrapped(text: str, indent: str) -> str:
    """Return a paragraph that fits the terminal; as it is where nobody watches."""
    if not sys.stdout.isatty():
        return f"{indent}{text}"
    width = shutil.get_terminal_size().columns
    return textwrap.fill(
        text, width, initial_indent=indent, subsequent_indent=f"{indent}  ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def as_json(record: Record) -> dict[str, Any]:
    """Return an event as machines get it; times are ISO 8601 in UTC, or null."""
    return {
        "key": record.key,
        "state": record.state.value,
        "reason": record.reason,
        "detail": record.detail,
        "lead_id": record.lead_id,
        "lead_email": record.lead_email,
        "template": record.template,
        "sent_id": record.sent_id,
        "received_at": iso(record.received_at),
        "due_at": iso(record.due_at),
    }


def draft_json(draft: Draft | None) -> dict[str, str] | None:
    """Return an answer's text as machines get it."""
    if draft is None:
        return None
    return {"template": draft.template, "subject": draft.subject, "body": draft.body}


def named(template: str, variant: str) -> str:
    """Return a template's name with the variant of it: `pricing (de/b)`."""
    return f"{template} ({variant})" if variant else template


def meaning(decision: str, reason: str) -> str:
    """Say in a sentence what a decision comes to, and why."""
    because = _REASONS.get(reason, "")
    return f"{_DECISIONS[decision]}{because and f': {because}'}."


def iso(milliseconds: int | None) -> str | None:
    """Return a time of the ledger in ISO 8601; None for no time, and for "at once"."""
    if not milliseconds:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


def span(seconds: float) -> str:
    """Return a length of time as people say it: `42s`, `5m`, `3h`, `2d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(int(seconds), 0)}s"


def print_json(data: object) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def state_text(state: State) -> Text:
    """Return a state in its colour."""
    return Text(state.value, style=COLOURS[state])


def events_table(records: Iterable[Record]) -> Table:
    """Return the events as a table, the newest first."""
    now = datetime.now(UTC)
    table = Table("state", "reason", "template", "lead", "age", "due", "key", box=None)
    for record in records:
        due = f"in {span(record.due_at / 1000 - now.timestamp())}" if record.due_at else ""
        table.add_row(
            state_text(record.state), record.reason, record.template,
            record.lead_email or record.lead_id,
            span(now.timestamp() - record.received_at / 1000), due, record.key,
        )  # fmt: skip
    return table


def trace_table(trace: Iterable[Mapping[str, Any]], *, guards: bool = False) -> Table:
    """Return the steps of a decision as a table.

    `guards`: with every guard that passed; they are only counted otherwise.
    """
    table = Table("step", "name", "outcome", "because", box=None)
    lines = list(trace)
    passed = [line for line in lines if line.get("outcome") == "passed"]
    if passed and not guards:
        table.add_row("guards", f"{len(passed)} of them", "passed", "")
    for line in lines:
        if guards or line.get("outcome") != "passed":
            name = named(line.get("name", ""), line.get("variant", ""))
            table.add_row(
                line.get("step", ""), name, line.get("outcome", ""), line.get("detail", "")
            )
    return table

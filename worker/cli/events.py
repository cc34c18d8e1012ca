"""`autoreply events`: look at the ledger, and steer single events."""

import getpass
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TextIO

import click

from worker import drafting, steering
from worker.bootstrap import make_ledger
from worker.cli import output
from worker.domain.errors import NotPossible
from worker.domain.guards import REASONS
from worker.domain.progress import State
from worker.domain.record import RECORD_VERSION, HistoryLine, Record
from worker.domain.rules import build
from worker.domain.search import Query
from worker.ledger import accounts
from worker.ledger.redis import RedisLedger
from worker.library import read_folder
from worker.running import load_beside

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")

_PAGE = 100

_WHY_NOT = {
    "unknown": "there is no event {key}; see `autoreply events list`",
    "newer": "a newer version wrote {key}: upgrade this one to steer it",
    "no_draft": "{key} has no draft: give one with --template NAME or --text FILE",
}


@click.group()
def events() -> None:
    """Look at the ledger, and steer single events."""


def _state(_: click.Context, __: click.Parameter, value: str | None) -> State | None:
    if value is None:
        return None
    try:
        return State(value.lower())
    except ValueError:
        known = ", ".join(State)
        raise click.BadParameter(f"{value!r} is no state; one of {known}") from None


@events.command("list")
@click.option("--state", callback=_state, help="Only events in this state (any case).")
@click.option("--reason", default="", help="Only events with this reason.")
@click.option("--template", default="", help="Only events that got this template.")
@click.option("--campaign", default="", metavar="ID", help="Only events of this campaign.")
@click.option("--lead", default="", help="Only this lead's events, by address or id.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@_json
def list_events(
    *, state: State | None, reason: str, template: str, campaign: str, lead: str, limit: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Show the newest events."""
    ledger = make_ledger(load_beside())
    query = Query(
        state=state,
        reason=reason,
        template=template,
        campaign=campaign,
        person=accounts.named(lead.casefold()) if lead else "",
    )
    records = list(islice(_found_by(ledger, query), limit))
    if as_json:
        output.print_json([output.as_json(record) for record in records])
        return
    if not records:
        click.echo("no such events" if query != Query() else "no events yet")
        return
    output.console().print(output.events_table(records))
    counts = {s: n for s, n in ledger.counts().items() if n}
    click.echo("in all: " + ", ".join(f"{n} {s}" for s, n in counts.items()))


def _found_by(ledger: RedisLedger, query: Query) -> Iterator[Record]:
    """Yield events page by page, the newest first."""
    page = ledger.search(query, _PAGE)
    yield from page.records
    while page.following:
        page = ledger.search(query, _PAGE, page.following)
        yield from page.records


@events.command("show")
@click.argument("key")
@click.option("--guards", is_flag=True, help="With every guard that was asked and let it pass.")
@_json
def show_event(key: str, guards: bool, as_json: bool) -> None:  # noqa: FBT001
    """Show one event: what they wrote, every step, and why."""
    ledger = make_ledger(load_beside())
    record = _found(ledger, key)
    history = ledger.history(key)
    if as_json:
        output.print_json(_details(record, history))
        return
    _print_event(record, history, guards=guards)


def _found(ledger: RedisLedger, key: str) -> Record:
    record = ledger.record(key)
    if record is None:
        raise NotPossible("unknown", _WHY_NOT["unknown"].format(key=key))
    return record


def _found_ours(ledger: RedisLedger, key: str) -> Record:
    """Find an event to be steered: not one that a newer version wrote."""
    record = _found(ledger, key)
    if record.version > RECORD_VERSION:
        raise NotPossible("newer", _WHY_NOT["newer"].format(key=key))
    return record


def _details(record: Record, history: list[HistoryLine]) -> dict[str, object]:
    return output.as_json(record) | {
        "campaign_id": record.campaign_id,
        "mail_id": record.mail_id,
        "event_types": list(record.deliveries),
        "variant": record.variant,
        "draft": output.draft_json(record.draft),
        "approved_by": record.approved_by,
        "trace": list(record.trace),
        "history": [
            {
                "at": output.iso(line.at),
                "from": line.before or None,
                "to": line.after,
                "reason": line.reason,
                "by": line.by,
            }
            for line in history
        ],
    }


def _print_event(record: Record, history: list[HistoryLine], *, guards: bool) -> None:
    screen = output.console()
    headline = output.state_text(record.state)
    meaning = f" ({REASONS[record.reason]})" if record.reason in REASONS else ""
    headline.append(f"  {record.reason}{meaning}  {record.detail}", style="default")
    screen.print(headline)
    screen.print(f"key {record.key}   lead {record.lead_email or record.lead_id or '–'}")
    words = steering.words_of(record)
    if words:
        screen.print(output.panel("they wrote", words))
    if record.draft:
        title = f"{output.named(record.template, record.variant)}: {record.draft.subject}"
        screen.print(output.panel(title, record.draft.body))
    for line in history:
        who = f" by {line.by}" if line.by else ""
        screen.print(f"{output.iso(line.at)}  {line.before or 'new'} → {line.after}"
                     f"  {line.reason}{who}", highlight=False)  # fmt: skip
    if record.trace:
        screen.print(output.trace_table(record.trace, guards=guards))


@events.command()
@click.argument("key")
def retry(key: str) -> None:
    """Start a failed, skipped or quarantined event again."""
    ledger = make_ledger(load_beside())
    record = _found_ours(ledger, key)
    if record.state is State.QUARANTINED:
        accepted = steering.retry_quarantined(ledger, record)
        click.echo(f"{accepted.key}: {accepted.status}")
        return
    _order(lambda: ledger.retry(key, _me()), key, "can only retry what failed or was skipped")


@events.command()
@click.argument("key")
@click.option("--template", default="", help="Send this template's text instead of the draft.")
@click.option("--text", type=click.File(), help="Send the text in this file; - is standard input.")
@click.option("--subject", default="", help="Send --text under this subject.")
def approve(key: str, template: str, text: TextIO | None, subject: str) -> None:
    """Send a held answer: its draft, another template's text, or your own."""
    if template and text:
        raise click.UsageError("give either --template or --text")
    settings = load_beside()
    ledger = make_ledger(settings)
    record = _found_ours(ledger, key)
    draft = None
    if text:
        draft = drafting.from_text(record, _read(text), subject)
    elif template:
        draft = drafting.from_template(record, build(read_folder(settings.templates)), template)
    _order(lambda: ledger.approve(key, _me(), draft), key, "only held answers can be approved")


def _read(file: TextIO) -> str:
    try:
        return file.read()
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{file.name} is no text: {error}") from None


@events.command()
@click.argument("key")
def skip(key: str) -> None:
    """Decide that an event gets no answer."""
    ledger = make_ledger(load_beside())
    _found_ours(ledger, key)
    _order(lambda: ledger.skip(key, _me()), key, "it is finished, or its request is out")


def _order(give: Callable[[], Record], key: str, otherwise: str) -> None:
    try:
        record = give()
    except NotPossible as error:
        state = error.reason
        said = _WHY_NOT.get(state, f"{key} is {state}: {otherwise}").format(key=key)
        raise NotPossible("not_possible", said) from None
    click.echo(f"{record.key}: {record.state.value}")


def _me() -> str:
    """Return who gives the order, for the event's history."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"

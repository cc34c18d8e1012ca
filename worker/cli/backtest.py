"""`backtest`: what would other templates have made of the replies that came? Sends nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import track

from worker.bootstrap import contract_for, make_ledger
from worker.cli import output, report
from worker.contracts import webhook
from worker.domain.deciding import policy_of
from worker.domain.durations import milliseconds, parse_duration
from worker.domain.errors import AutoreplyError, MalformedEvent
from worker.domain.model import ReplyEvent, Thread
from worker.domain.progress import State
from worker.domain.record import HistoryLine, Record
from worker.domain.replay import Replay, Report
from worker.domain.rules import build
from worker.ledger.accounts import opens
from worker.library import read_folder
from worker.ports import Ledger, MailApi
from worker.running import load_beside, write_private
from worker.settings import Settings, missing

_AT_ONCE: Final = 200
"""Records read in one go."""


def _span(_: click.Context, __: click.Parameter, value: str) -> timedelta:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.option("--since", default="30d", show_default=True, callback=_span, help="How far back.")
@click.option("--templates", type=click.Path(path_type=Path), help="The folder to try.")
@click.option("--fetch", is_flag=True, help="Read each conversation with the API key as well.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0, 100_000),
              help="Show this many differences.")  # fmt: skip
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def backtest(
    since: timedelta,
    templates: Path | None,
    fetch: bool,  # noqa: FBT001 - click calls it so
    limit: int,
    html: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Decide the recorded replies again with a template folder; send nothing.

    Shows what would be sent against what was: counts, then the differences.
    """
    settings = load_beside()
    folder = templates or settings.templates
    built = build(read_folder(folder))
    if built.problems:
        raise built.problems[0]
    began = datetime.now(UTC) - since
    replay = Replay(built, policy_of(built, settings.max_age), settings.mode)
    found = _replayed(make_ledger(settings), began, replay, _threads(settings, fetch=fetch))
    about = report.About(str(folder), began, built.settings.timezone)
    if html:
        write_private(html, report.as_html(found, about))
    if as_json:
        output.print_json(report.as_json(found, about))
        return
    report.show(found, about, limit)
    if html:
        click.echo(f"the whole report is in {html}; it has what leads wrote in it")


def _replayed(ledger: Ledger, began: datetime, replay: Replay, threads: "_Threads") -> Report:
    """Decide everything that was accepted since a moment again, the oldest first."""
    replies, gone = [], 0
    for record in _records(ledger, began):
        if record and record.state is State.QUARANTINED:
            continue
        event = _event_of(record) if record else None
        if record is None or event is None:
            gone += 1
        elif opens(event):
            history = _history(ledger, record)
            replies.append(replay.decide(record, event, history, threads.of(event)))
    return Report(replies=tuple(replies), gone=gone, unfetched=threads.failed)


def _records(ledger: Ledger, began: datetime) -> Iterator[Record | None]:
    """Yield the rows since a moment, None for those that are gone; shows how far it is."""
    keys = ledger.keys_since(milliseconds(began - datetime.fromtimestamp(0, UTC)))
    batches = [keys[start : start + _AT_ONCE] for start in range(0, len(keys), _AT_ONCE)]
    rows = (row for batch in batches for row in _rows(ledger, batch))
    watched = Console(stderr=True)
    return iter(
        track(
            rows, "deciding again", len(keys), console=watched, transient=True,
            disable=not watched.is_terminal,
        )
    )  # fmt: skip


def _rows(ledger: Ledger, keys: Sequence[str]) -> Iterator[Record | None]:
    found = {record.key: record for record in ledger.rows(keys)}
    return (found.get(key) for key in keys)


def _event_of(record: Record) -> ReplyEvent | None:
    """Return the event of a record; None where its deliveries are no longer kept."""
    try:
        event = webhook.merge(record.key, record.deliveries.values())
    except (MalformedEvent, ValueError):
        return None
    return replace(event, mail_id=event.mail_id or record.mail_id)


def _history(ledger: Ledger, record: Record) -> list[HistoryLine]:
    """Return the steps of an event in which a person had a hand."""
    by_a_person = record.approved_by or record.reason == "by_hand"
    return ledger.history(record.key) if by_a_person else []


class _Threads:
    """Reads conversations, where it is asked to."""

    def __init__(self, api_for: Callable[[ReplyEvent], MailApi | None]) -> None:
        self._api_for = api_for
        self.failed = 0

    def of(self, event: ReplyEvent) -> Thread:
        """Return a conversation, an empty one where none can be read."""
        api = self._api_for(event)
        try:
            return api.thread(event) if api else Thread()
        except AutoreplyError:
            self.failed += 1
            return Thread()


def _threads(settings: Settings, *, fetch: bool) -> _Threads:
    if not fetch:
        return _Threads(lambda _: None)
    if not settings.api_key.get_secret_value():
        raise missing("api_key")
    return _Threads(contract_for(settings))

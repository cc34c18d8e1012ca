"""`backtest`: what would other templates have made of the replies that came? Sends nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import click

from worker.bootstrap import contract_for, make_ledger
from worker.cli import output, past, report
from worker.domain.deciding import policy_of
from worker.domain.errors import AutoreplyError
from worker.domain.model import ReplyEvent, Thread
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


@click.command()
@past.since_option("30d")
@click.option("--templates", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="The folder to try.")  # fmt: skip
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
    moment = past.began(since)
    replay = Replay(built, policy_of(built, settings.max_age), settings.mode)
    found = _replayed(make_ledger(settings), moment, replay, _threads(settings, fetch=fetch))
    about = report.About(str(folder), moment, built.settings.timezone)
    if html:
        write_private(html, report.as_html(found, about))
    if as_json:
        output.print_json(report.as_json(found, about))
        return
    report.show(found, about, limit)
    if html:
        click.echo(f"the whole report is in {html}; it has what leads wrote in it")


def _replayed(ledger: Ledger, moment: datetime, replay: Replay, threads: "_Threads") -> Report:
    """Decide everything that was accepted since a moment again, the oldest first."""
    replies, gone = [], 0
    for record in past.records_since(ledger, moment):
        event = past.event_of(record) if record else None
        if record is None or event is None:
            gone += 1
        elif opens(event):
            history = _history(ledger, record)
            replies.append(replay.decide(record, event, history, threads.of(event)))
    return Report(replies=tuple(replies), gone=gone, unfetched=threads.failed)


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

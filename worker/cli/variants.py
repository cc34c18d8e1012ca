"""`variants`: how often each text was sent, and how many leads wrote back."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Final

import click
from rich.table import Table

from worker.bootstrap import make_ledger
from worker.cli import output, past
from worker.domain.progress import State
from worker.domain.record import Record
from worker.domain.responses import Happening, Response, responses
from worker.ledger.accounts import opens
from worker.running import load_beside

_NOBODY: Final = frozenset({"automatic_reply", "bounce", "machine_address", "no_words"})
"""Reasons for which a mail was no person's reply."""


@click.command()
@past.since_option("90d")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def variants(since: timedelta, as_json: bool) -> None:  # noqa: FBT001 - click calls it so
    """Show how often each template and variant was sent, and how many leads wrote back."""
    ledger = make_ledger(load_beside())
    records = (record for record in past.records_since(ledger, past.began(since)) if record)
    found = responses(one for record in records for one in _happenings(record))
    if as_json:
        output.print_json([asdict(one) for one in found])
    elif found:
        output.console().print(_table(found))
    else:
        click.echo("nothing was sent in that time; see --since")


def _happenings(record: Record) -> Iterator[Happening]:
    if record.state is State.SENT:
        yield Happening(
            at=record.sent_at,
            conversation=record.conversation,
            kind="sent",
            template=record.template,
            variant=record.variant,
        )
    event = past.event_of(record)
    if event is None:
        return
    stopped = record.reason in ("opted_out", "lead_unsubscribed")
    read = record.state is not State.RECEIVED
    wrote = opens(event) and read and record.reason not in _NOBODY
    if stopped or wrote:
        yield Happening(
            at=record.received_at,
            conversation=record.conversation,
            kind="stopped" if stopped else "wrote",
        )


def _table(found: list[Response]) -> Table:
    table = Table("template", "variant", box=None)
    for name in ("sent", "wrote back", "", "asked to stop"):
        table.add_column(name, justify="right")
    for one in found:
        share = f"{round(100 * one.wrote_back / one.sent)} %"
        table.add_row(
            one.template, one.variant, str(one.sent), str(one.wrote_back), share, str(one.stopped)
        )
    return table

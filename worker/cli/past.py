"""The ledger's past, as the commands read it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import click
from rich.console import Console
from rich.progress import track

from worker.contracts import webhook
from worker.domain.durations import milliseconds, parse_duration
from worker.domain.errors import MalformedEvent
from worker.domain.model import ReplyEvent
from worker.domain.progress import State
from worker.domain.record import Record
from worker.ports import Ledger

_AT_ONCE: Final = 200
"""Records read in one go."""

_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def since_option(default: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option that says how far to look back."""
    return click.option(
        "--since", default=default, show_default=True, callback=_span, help="How far back."
    )


def _span(_: click.Context, __: click.Parameter, value: str) -> timedelta:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def began(since: timedelta) -> datetime:
    """Return the moment that long ago; the epoch where that was before it.

    Args:
        since: how long ago.

    """
    now = datetime.now(UTC)
    return now - since if since < now - _EPOCH else _EPOCH


def records_since(ledger: Ledger, moment: datetime) -> Iterator[Record | None]:
    """Yield what was accepted since then, oldest first, and how far that is; None is gone."""
    keys = ledger.keys_since(milliseconds(moment - _EPOCH))
    batches = [keys[start : start + _AT_ONCE] for start in range(0, len(keys), _AT_ONCE)]
    rows = (row for batch in batches for row in _rows(ledger, batch))
    watched = Console(stderr=True)
    shown = track(
        rows, "reading the ledger", len(keys), console=watched, transient=True,
        disable=not watched.is_terminal,
    )  # fmt: skip
    return (row for row in shown if row is None or row.state is not State.QUARANTINED)


def _rows(ledger: Ledger, keys: Sequence[str]) -> Iterator[Record | None]:
    found = {record.key: record for record in ledger.rows(keys)}
    return (found.get(key) for key in keys)


def event_of(record: Record) -> ReplyEvent | None:
    """Return the event of a record; None where its deliveries are no longer kept."""
    try:
        event = webhook.merge(record.key, record.deliveries.values())
    except (MalformedEvent, ValueError):
        return None
    return replace(event, mail_id=event.mail_id or record.mail_id)

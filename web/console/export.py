"""Events as CSV, line by line, for a spreadsheet that may run what it reads."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final

from worker.domain.model import moment
from worker.domain.record import Record

_COLUMNS: Final = (
    "key", "state", "reason", "detail", "lead_id", "lead_email", "campaign_id", "template",
    "approved_by", "sent_id", "received_at", "sent_at",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def lines(records: Iterable[Record]) -> Iterator[str]:
    """Yield the head and a line for each event; times are ISO 8601 in UTC."""
    yield _line(_COLUMNS)
    for record in records:
        yield _line(_cell(record, name) for name in _COLUMNS)


def _cell(record: Record, name: str) -> str:
    value = getattr(record, name)
    if name.endswith("_at"):
        return moment(value).isoformat(timespec="seconds") if value else ""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()

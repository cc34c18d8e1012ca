"""What can be seen in the ledger in memory; nothing in here changes an event."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from worker.domain.progress import State
from worker.domain.record import HistoryLine, Record, from_fields
from worker.domain.search import Page, Query, cursor, place
from worker.domain.timing import Times
from worker.ledger.memory_rows import HOUR_MS, MemoryRows, atomic

_WORKER_SEEN_MS: Final = 30_000
_ASKED: Final = ("state", "reason", "template", "campaign", "person")


@atomic
class MemoryViews(MemoryRows):
    """The reading half of `MemoryLedger`."""

    def pauses(self) -> list[str]:
        """See `Ledger.pauses`."""
        return sorted(self._paused)

    def record(self, key: str) -> Record | None:
        """See `Ledger.record`."""
        row = self._row(key)
        return from_fields(key, row) if row else None

    def knows(self, mail_id: str) -> bool:
        """See `Ledger.knows`."""
        return bool(self._row(mail_id) or self._fresh(self._pointers.get(f"mail:{mail_id}")))

    def history(self, key: str) -> list[HistoryLine]:
        """See `Ledger.history`."""
        return list(self._history[key]) if self._row(key) else []

    def records(self, state: State | None, most: int) -> list[Record]:
        """See `Ledger.records`."""
        chosen = [
            (int(row["received_at"]), key)
            for key, row in self._rows.items()
            if state is None or row["state"] == state
        ]
        return self.rows([key for _, key in sorted(chosen, reverse=True)[:most]])

    def keys_since(self, moment: int) -> list[str]:
        """See `Ledger.keys_since`."""
        received = ((int(row["received_at"]), key) for key, row in self._rows.items())
        return [key for at, key in sorted(received) if at >= moment]

    def rows(self, keys: Sequence[str]) -> list[Record]:
        """See `Ledger.rows`."""
        return [from_fields(key, row) for key in keys if (row := self._row(key))]

    def search(self, query: Query, most: int, after: str = "") -> Page:
        """See `Ledger.search`."""
        last = place(after)
        fitting = (
            (int(row["received_at"]), key)
            for key in self._rows
            if (row := self._row(key)) and query.fits(row)
        )
        places = sorted(
            (p for p in fitting if query.covers(p[0]) and (last is None or p < last)), reverse=True
        )
        records = [from_fields(key, self._rows[key]) for _, key in places[:most]]
        return Page(
            records=records, following=cursor(places[most - 1]) if len(places) > most else ""
        )

    def counts(self) -> dict[State, int]:
        """See `Ledger.counts`."""
        counted = Counter(row["state"] for row in self._rows.values())
        return {state: counted[state] for state in State}

    def outcomes(self) -> dict[tuple[str, str], int]:
        """See `Ledger.outcomes`."""
        return dict(self._stats)

    def variants(self) -> dict[tuple[str, str], int]:
        """See `Ledger.variants`."""
        return dict(self._variants)

    def answer_times(self) -> Times:
        """See `Ledger.answer_times`."""
        return Times.read(self._times)

    def hourly(self, hours: int) -> dict[int, dict[tuple[str, str], int]]:
        """See `Ledger.hourly`."""
        this = self._at // HOUR_MS
        wanted = range(this - hours + 1, this + 1)
        return {hour * HOUR_MS: dict(self._hours.get(hour, {})) for hour in wanted}

    def size(self, query: Query) -> int:
        """See `Ledger.size`."""
        wanted = [replace(query, state=None, reason="", template="", campaign="", person="")]
        asked = {n: v for n in _ASKED if (v := getattr(query, n))}
        wanted = [replace(wanted[0], **{name: value}) for name, value in asked.items()] or wanted
        return min(sum(map(one.finds, self._rows.values())) for one in wanted)

    def held_off(self) -> int:
        """See `Ledger.held_off`."""
        return max(self._off_until - self._at, 0)

    def due(self) -> tuple[int, int]:
        """See `Ledger.due`."""
        return len(self._due), max(self._at - min(self._due.values(), default=self._at), 0)

    def hold_reason(self) -> tuple[str, str]:
        """See `Ledger.hold_reason`."""
        return self._off_why if self._off_until > self._at else ("", "")

    def seen_alive(self, worker: str) -> None:
        """See `Ledger.seen_alive`."""
        self._workers[worker] = self._at

    def workers(self) -> list[str]:
        """See `Ledger.workers`."""
        seen = sorted((at, worker) for worker, at in self._workers.items())
        return [worker for at, worker in seen if at >= self._at - _WORKER_SEEN_MS]

    def ping(self) -> None:
        """See `Ledger.ping`."""

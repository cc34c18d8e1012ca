"""What can be seen in the ledger in memory; nothing in here changes an event."""

from collections import Counter
from typing import Final

from worker.domain.progress import State
from worker.domain.record import HistoryLine, Record, from_fields
from worker.domain.search import Page, Query, cursor, place
from worker.ledger.memory_rows import MemoryRows, atomic

_WORKER_SEEN_MS: Final = 30_000


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
        newest = [key for _, key in sorted(chosen, reverse=True)[:most]]
        return [from_fields(key, row) for key in newest if (row := self._row(key))]

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

    def due(self) -> tuple[int, int]:
        """See `Ledger.due`."""
        return len(self._due), max(self._at - min(self._due.values(), default=self._at), 0)

    def held_off(self) -> tuple[str, str]:
        """See `Ledger.held_off`."""
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

"""Objects of one kind by their ids."""

import threading
from dataclasses import dataclass, field

from web.sandbox.names import JsonObject
from web.sandbox.refusal import Refusal


@dataclass(slots=True)
class Table:
    """Objects by their ids, oldest first; every method may be called from any thread.

    What goes in and comes out is a copy.
    """

    _rows: dict[str, JsonObject] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, row: JsonObject) -> JsonObject:
        """Keep an object under its `id`; one that is known already stays, and is returned."""
        with self._lock:
            return dict(self._rows.setdefault(row["id"], dict(row)))

    def get(self, row_id: str) -> JsonObject:
        """Return an object, or refuse."""
        with self._lock:
            return dict(self._find(row_id))

    def change(self, row_id: str, changes: JsonObject) -> JsonObject:
        """Change fields of an object, or refuse; return it as it is then."""
        with self._lock:
            row = self._find(row_id)
            row.update(changes)
            return dict(row)

    def drop(self, row_id: str) -> JsonObject:
        """Remove an object, or refuse; return what it was."""
        with self._lock:
            self._find(row_id)
            return self._rows.pop(row_id)

    def rows(self) -> list[JsonObject]:
        """Return every object, oldest first."""
        with self._lock:
            return [dict(row) for row in self._rows.values()]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._rows.clear()

    def __contains__(self, row_id: str) -> bool:
        with self._lock:
            return row_id in self._rows

    def _find(self, row_id: str) -> JsonObject:
        if row_id not in self._rows:
            raise Refusal(404, "Resource not found")
        return self._rows[row_id]

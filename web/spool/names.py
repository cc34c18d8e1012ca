"""Names for deliveries that bring none, so that reading them twice makes one event."""

import threading
from typing import Final

from worker.contracts import webhook
from worker.domain.errors import MalformedEvent

SAME_FOR: Final = 600.0
"""Seconds for which the same words about the same lead are one delivery, as in the ledger."""


class Names:
    """Gives a delivery without mail, id and time a webhook id of its own.

    The ledger tells such deliveries apart by the time at which it takes them: on disk they
    need a name that stays. It is made of what the delivery says and of its ten minutes of
    the clock; of the first one's ten minutes where the same came in shortly before.
    """

    def __init__(self) -> None:
        self._alone = threading.Lock()
        self._given: dict[str, tuple[float, str]] = {}

    def name(self, payload: object, webhook_id: str, now: float) -> str:
        """Return the id to keep a delivery under: its own, or a new one if it needs one.

        Args:
            payload: the JSON value.
            webhook_id: the delivery's own id; "" without one.
            now: seconds since the epoch.

        """
        try:
            event = webhook.parse(payload, webhook_id)
        except MalformedEvent:
            return webhook_id
        return webhook_id if event.lasting else self._recent(event.key, now)

    def _recent(self, said: str, now: float) -> str:
        with self._alone:
            self._forget(now)
            new = (now, f"spool-{said}-{int(now // SAME_FOR)}")
            return self._given.setdefault(said, new)[1]

    def _forget(self, now: float) -> None:
        """Drop what was named too long ago; the oldest stand first."""
        while self._given:
            oldest = next(iter(self._given))
            if now - self._given[oldest][0] < SAME_FOR:
                return
            del self._given[oldest]

"""Brings what was spooled into the ledger, once that answers again."""

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from web.spool.delivery import Delivery
from web.spool.folder import Spool
from worker.domain.errors import LedgerAway

_EVERY: Final = 1.0
_AFTER_TROUBLE: Final = 30.0
_log = structlog.get_logger(__name__)


class Drain(threading.Thread):
    """Looks into the spool once a second; what cannot be recorded stays in it.

    Args:
        spool: the folder.
        record: the path of a fresh delivery into the ledger.

    """

    def __init__(self, spool: Spool, record: Callable[[Delivery], object]) -> None:
        super().__init__(name="drain", daemon=True)
        self._spool = spool
        self._record = record

    def run(self) -> None:
        """Look for ever."""
        while True:
            time.sleep(self.look())

    def look(self) -> float:
        """Drain what there is; return the seconds until the next look."""
        try:
            taken = self._spool.drain(self._take)
        except LedgerAway:
            return _EVERY
        except Exception:  # noqa: BLE001 - the disk may mend, and the thread must live
            _log.exception("spool_not_drained")
            return _AFTER_TROUBLE
        return _EVERY if taken else _AFTER_TROUBLE

    def _take(self, delivery: Delivery) -> bool:
        try:
            self._record(delivery)
        except LedgerAway:
            raise
        except Exception:  # noqa: BLE001 - one that fails must not keep the others back
            _log.exception("spooled_delivery_stays")
            return False
        return True

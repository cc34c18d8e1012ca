"""Trouble that is the whole workspace's: the API is left alone, and it is said once."""

import structlog

from worker.domain.errors import TryLater
from worker.ports import Ledger

_log = structlog.get_logger(__name__)


def hold_everything(ledger: Ledger, error: TryLater, wait: float) -> None:
    """Leave the API alone for so many seconds where an error says so; tell it once an hour."""
    if error.everyone and ledger.hold_off(int(wait * 1000), error.reason, error.detail):
        _log.error("api_holds_everything", reason=error.reason, detail=error.detail)

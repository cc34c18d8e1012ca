"""Deliveries on disk while the ledger is away, and the way back into it."""

from web.spool.delivery import Delivery
from web.spool.drain import Drain
from web.spool.folder import Spool
from web.spool.names import Names

__all__ = ["Delivery", "Drain", "Names", "Spool"]

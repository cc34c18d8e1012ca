"""What the sandbox remembers, in memory, without HTTP."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from web.sandbox.faults import Fault, Plan
from web.sandbox.limits import Limits
from web.sandbox.mailroom import Mailroom
from web.sandbox.table import Table


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class Sandbox:
    """Everything the stand-in remembers; every public method may be called from any thread.

    `clock` returns the time, aware; `dice` a number from 0 up to 1, for a fault's `share`.
    """

    clock: Callable[[], datetime] = _utc_now
    dice: Callable[[], float] = random.random
    mailroom: Mailroom = field(init=False)
    leads: Table = field(default_factory=Table)
    campaigns: Table = field(default_factory=Table)
    blocked: Table = field(default_factory=Table)
    hooks: Table = field(default_factory=Table)
    deliveries: Table = field(default_factory=Table)
    limits: Limits = field(default_factory=Limits)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _faults: list[Fault] = field(default_factory=list)
    _requests: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.mailroom = Mailroom(clock=self.clock)

    def draw(self, call: str, lead_id: str) -> Plan:
        """Return what befalls this call, and count the faults that strike it as used.

        To be asked once the call is known to be right: a refused one uses no fault up.
        """
        plan = Plan()
        with self._lock:
            left: list[Fault] = []
            for fault in self._faults:
                may_strike = plan.has_room(fault) and fault.concerns(call, lead_id)
                if may_strike and self.dice() < fault.share:
                    plan.add(fault)
                    left += fault.after_strike()
                else:
                    left.append(fault)
            self._faults = left
        return plan

    def add_fault(self, fault: Fault) -> None:
        """Add a fault; of several that fit, the oldest strikes first."""
        with self._lock:
            self._faults.append(fault)

    def clear_faults(self) -> None:
        """Remove every fault."""
        with self._lock:
            self._faults.clear()

    def count(self, request: str) -> None:
        """Count a request under a name."""
        with self._lock:
            self._requests[request] += 1

    def requests(self) -> dict[str, int]:
        """Return how often each kind of request came."""
        with self._lock:
            return dict(self._requests)

    def reset(self) -> None:
        """Forget everything."""
        for memory in (
            self.mailroom, self.leads, self.campaigns, self.blocked, self.hooks, self.deliveries
        ):  # fmt: skip
            memory.clear()
        self.limits.set({})
        with self._lock:
            self._faults.clear()
            self._requests.clear()

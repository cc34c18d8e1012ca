"""The pace of all workers together: a call waits for its turn, or goes back to the clock.

Calls are spaced evenly (GCRA without bursts), so that no window of the provider ever holds
too many, wherever it begins. A slot is reserved in one step; who would have to wait for
long reserves nothing and is told when to ask again, each at another time.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from worker.domain.errors import Paced
from worker.domain.rates import Rate, room, spacing
from worker.pace import Kind

LIST_RATE: Final = (Rate(20, 60),)
"""The provider's own limit for lists of e-mails."""

_FREE: Final = 0.015
"""The part of each window that is left free, for calls that arrive later than others: 15 ms of
a second. Where that is too little, refusals make the pace slower."""

_WAKING: Final = 0.5
"""The part of what is free for those who wake late; the rest is the network's."""

_TRIES: Final = 3
_PATIENCE: Final = 1.0
_LEASE_SHARE: Final = 4
"""No wait takes more than this part of a lease."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What came of asking for a slot; milliseconds.

    `wait`: until the slot, or, where none was taken, until it is worth asking again.
    """

    taken: bool
    wait: float


@dataclass(frozen=True, slots=True)
class Quota:
    """A part of a bucket's slots: one within `interval` milliseconds, at most."""

    name: str
    interval: float


_LOOKS: Final = Quota("look", interval=2 * spacing(LIST_RATE))
"""Half of them at most are for single conversations: the other half serves all."""


class Slots(Protocol):
    """The slots of a workspace, shared by all workers. Every method is one atomic step."""

    def reserve(
        self, bucket: str, *, interval: float, longest: float, quota: Quota | None = None
    ) -> Slot:
        """Take the bucket's next slot, unless it is more than `longest` away.

        Args:
            bucket: what the slot is for.
            interval: milliseconds between two slots.
            longest: milliseconds that the caller would wait.
            quota: what the caller and others like it may have of the bucket's slots.

        """
        ...

    def hold(self, bucket: str, milliseconds: float) -> None:
        """Have no slot in a bucket for a while, and slower ones after that."""
        ...


@dataclass(frozen=True, slots=True)
class _Bucket:
    """Where slots come from; `interval` between two, and how `late` one may leave, in ms."""

    name: str
    interval: float
    late: float


@dataclass(frozen=True, slots=True)
class _Turn:
    """A slot that a call needs, and for how many milliseconds it would wait for it."""

    bucket: _Bucket
    longest: float
    quota: Quota | None = None


def _bucket(name: str, rates: Sequence[Rate]) -> _Bucket:
    late = _WAKING * room(rates, free=_FREE)
    return _Bucket(name, interval=spacing(rates, free=_FREE), late=late)


class Limiter:
    """Lets calls go at the pace that the provider allows to the workspace.

    Args:
        slots: shared by all workers of the workspace.
        rates: what the provider allows to all calls together.
        lease: seconds for which a worker holds an event.
        sleep: waits for so many seconds.
        clock: seconds; runs on while we sleep.

    """

    def __init__(
        self,
        slots: Slots,
        rates: Sequence[Rate],
        *,
        lease: float,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        everything = _bucket("all", rates)
        lists = _bucket("list", LIST_RATE)
        longest = 1000 * lease / _LEASE_SHARE
        first = min(1000 * _PATIENCE, longest)

        def going_on(bucket: _Bucket) -> float:
            """Return how long to wait for what goes first: longer than others do."""
            return min(first + 2 * bucket.interval, longest)

        self._turns: Mapping[Kind, tuple[_Turn, ...]] = {
            # Its quota makes way for the lists that serve all.
            "look": (_Turn(lists, going_on(lists), _LOOKS), _Turn(everything, first)),
            "list": (_Turn(lists, first), _Turn(everything, first)),
            # The pages before would be read again.
            "page": (_Turn(lists, going_on(lists)), _Turn(everything, going_on(lists))),
            "other": (_Turn(everything, first),),
            # The conversation would be read again.
            "reply": (_Turn(everything, going_on(everything)),),
        }
        self._slots = slots
        self._sleep = sleep
        self._clock = clock

    def acquire(self, kind: Kind) -> None:
        """Wait for the turn of a call.

        Raises:
            Paced: its turn is too far away to be waited for here.

        """
        for turn in self._turns[kind]:
            if not any(self._met(turn) for _ in range(_TRIES)):
                raise Paced("this machine is too busy to keep its turns", _PATIENCE)

    def _met(self, turn: _Turn) -> bool:
        """Wait for a slot; say whether we are there in time, and not too near the next call."""
        bucket, asked = turn.bucket, self._clock()
        slot = self._slots.reserve(
            bucket.name, interval=bucket.interval, longest=turn.longest, quota=turn.quota
        )
        if not slot.taken:
            # Half of what it may wait it comes early: a slot missed is a slot lost.
            wait = (slot.wait - turn.longest / 2) / 1000
            raise Paced(f"the calls for “{bucket.name}” are used up", wait)
        if slot.wait > 0:
            self._sleep(slot.wait / 1000)
        late = 1000 * (self._clock() - asked) - slot.wait
        return late <= bucket.late

    def hold(self, kind: Kind, seconds: float) -> None:
        """Stop all calls like this one for a while: the provider said that it has enough."""
        self._slots.hold(self._turns[kind][0].bucket.name, 1000 * seconds)

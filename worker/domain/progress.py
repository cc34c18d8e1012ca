"""The states of an event and the only steps between them.

Both ledgers are built from this table; the Redis scripts receive it as data, so that a
step that is missing here cannot be made by anybody.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where an event stands. The values are what people see and what is stored."""

    RECEIVED = "received"
    WAITING = "waiting"
    SENDING = "sending"
    DOUBT = "doubt"
    SENT = "sent"
    SKIPPED = "skipped"
    HELD = "held"
    FAILED = "failed"
    QUARANTINED = "quarantined"


_S = State

LEGAL: Final[Mapping[State, frozenset[State]]] = {
    _S.RECEIVED: frozenset({_S.WAITING, _S.SENDING, _S.SKIPPED, _S.HELD, _S.FAILED}),
    _S.WAITING: frozenset({_S.WAITING, _S.SENDING, _S.SENT, _S.SKIPPED, _S.HELD, _S.FAILED}),
    _S.SENDING: frozenset({_S.SENT, _S.WAITING, _S.FAILED, _S.DOUBT}),
    _S.DOUBT: frozenset({_S.DOUBT, _S.SENT, _S.SKIPPED, _S.WAITING, _S.HELD}),
    _S.HELD: frozenset({_S.WAITING, _S.SKIPPED}),
    _S.FAILED: frozenset({_S.RECEIVED}),
    _S.SKIPPED: frozenset({_S.RECEIVED}),
    _S.QUARANTINED: frozenset({_S.RECEIVED, _S.SKIPPED}),
    _S.SENT: frozenset(),
}
"""From → to. WAITING and DOUBT may follow themselves: the next look, at a later time.

WAITING → SENT is for an answer that was in doubt and turns up before it is sent again.
"""

FINAL: Final = frozenset({_S.SENT, _S.SKIPPED, _S.FAILED})
"""Nothing more happens by itself; the record expires after the retention time."""

RESTING: Final = FINAL | {_S.HELD, _S.QUARANTINED}
"""The clock leaves these alone: finished, or a person's turn."""

WAKEABLE: Final = frozenset({State.RECEIVED, State.WAITING})
"""Nothing was sent yet: a new fact, or the end of what it waits for, has it decided again."""

AT_RISK: Final = frozenset({_S.SENDING, _S.DOUBT})
"""A request may have arrived: the rest of the conversation waits until that is settled."""


def is_legal(before: State, after: State) -> bool:
    """Say whether an event may step from one state to the other."""
    return after in LEGAL[before]

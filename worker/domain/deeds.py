"""What the provider is to be told of an event's end: each deed is a word with at most a number.

A deed says what shall be, so that doing it twice does no harm.
"""

from typing import Final

from worker.domain.interest import Interest
from worker.domain.progress import State

UNSUBSCRIBE: Final = "unsubscribe"
"""The lead is not interested, in no campaign."""

BLOCK: Final = "block"
"""The workspace never writes to the address again."""

LEAVE: Final = "leave"
"""The lead leaves the follow-up sequences it is in."""

READ: Final = "read"
"""The thread is marked as read."""

OPT_OUT: Final = (UNSUBSCRIBE, BLOCK, LEAVE)
_INTEREST: Final = "interest"
_OPTED_OUT: Final = "opted_out"
_BY_RULE: Final = "by_rule"


def interest_deed(value: int) -> str:
    """Return the deed that sets a lead's interest."""
    return f"{_INTEREST}:{value}"


def interest_of(deed: str) -> int | None:
    """Return the interest that a deed sets; None where it is another one."""
    name, _, value = deed.partition(":")
    return int(value) if name == _INTEREST else None


AWAY: Final = (interest_deed(Interest.OUT_OF_OFFICE),)
"""What a lead's out-of-office note asks for."""


def owed_at(state: State, reason: str, interest: int | None) -> tuple[str, ...]:
    """Return the deeds that an event's end asks for.

    Args:
        state: how it ends.
        reason: why.
        interest: what its template sets (`set_interest`); None for nothing.

    """
    ruled = () if interest is None else (interest_deed(interest),)
    if reason == _OPTED_OUT:
        return OPT_OUT
    if state is State.SENT:
        return (READ, *ruled)
    return ruled if reason == _BY_RULE else ()

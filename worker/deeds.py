"""What is owed to the provider's side of an event: the seam between its store and its doer."""

from dataclasses import dataclass
from typing import Literal, Protocol

Outcome = Literal["done", "failed", "left_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing to do at the provider.

    Attributes:
        key: the event that it is owed for.
        name: what; see `worker.domain.deeds`.
        tries: how often it did not work out.

    """

    key: str
    name: str
    tries: int = 0


class Deeds(Protocol):
    """What is owed. Steps of the ledger add to it; every method is one atomic step."""

    def take_deed(self) -> Deed | None:
        """Take the one that is due for longest; it comes back after a lease."""
        ...

    def end_deed(self, deed: Deed, outcome: Outcome, said: str = "") -> None:
        """Take a deed off for good; what is said goes into the event's history."""
        ...

    def put_off_deed(self, deed: Deed, milliseconds: int, *, counts: bool = True) -> None:
        """Have a deed come back after a while; `counts`: as a try that did not work out."""
        ...

    def owed(self) -> int:
        """Return how many deeds are left to do."""
        ...

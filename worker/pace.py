"""How often the provider may be called: what a call is to its limits, and who lets it go."""

from collections.abc import Mapping
from typing import Final, Literal, Protocol

Kind = Literal["look", "list", "page", "other", "reply"]
"""What a call is to the limits: a list of one conversation's e-mails; one that serves all
conversations; one more page of any; an answer; or anything else."""

LISTS: Final = frozenset[Kind]({"look", "list", "page"})
"""What the provider counts as lists of e-mails."""

_OF_ONE: Final = frozenset({"lead", "search"})


def kind_of(method: str, path: str, params: Mapping[str, str] | None = None) -> Kind:
    """Return what a call is to the limits."""
    match method, path:
        case "GET", "/v2/emails":
            asked = (params or {}).keys()
            if "starting_after" in asked:
                return "page"
            return "look" if asked & _OF_ONE else "list"
        case "POST", "/v2/emails/reply":
            return "reply"
        case _:
            return "other"


class Pace(Protocol):
    """Lets calls go when their turn has come."""

    def acquire(self, kind: Kind) -> None:
        """Wait for the turn of a call.

        Raises:
            TryLater: its turn is too far away to be waited for here.

        """
        ...

    def hold(self, kind: Kind, seconds: float) -> None:
        """Stop all calls like this one for a while: the provider said that it has enough."""
        ...

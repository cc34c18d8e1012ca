"""How often the provider may be called: what a call is to its limits, and who lets it go."""

from collections.abc import Mapping
from typing import Literal, Protocol

Kind = Literal["list", "page", "other", "reply"]
"""What a call is to the limits: a list of e-mails, or one more page of it; an answer; or
anything else."""


def kind_of(method: str, path: str, params: Mapping[str, str] | None = None) -> Kind:
    """Return what a call is to the limits."""
    match method, path:
        case "GET", "/v2/emails":
            return "page" if "starting_after" in (params or {}) else "list"
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

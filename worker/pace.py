"""How often the provider may be called: what a call is to its limits, and who lets it go."""

from collections.abc import Mapping
from typing import Final, Literal, Protocol

LIST: Final = "/v2/emails"
"""Where e-mails are listed: the provider's scarcest call."""

Kind = Literal["list", "other", "reply"]
"""What a call is to the limits: a list of e-mails, an answer, or anything else."""

_KINDS: Final[Mapping[tuple[str, str], Kind]] = {
    ("GET", LIST): "list",
    ("POST", "/v2/emails/reply"): "reply",
}


def kind_of(method: str, path: str) -> Kind:
    """Return what a call is to the limits."""
    return _KINDS.get((method, path), "other")


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

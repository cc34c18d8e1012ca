"""Ids and times as the provider writes them."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from web.sandbox.refusal import Refusal

JsonObject = dict[str, Any]


def derived(what: str, name: str) -> UUID:
    """Return an id that depends on a name alone; JSON lets half a surrogate pair in."""
    return uuid5(NAMESPACE_URL, f"sandbox:{what}:{name!a}")


WORKSPACE: Final = str(derived("constant", "workspace"))
CAMPAIGN_ID: Final = str(derived("constant", "campaign"))
"""The campaign of every thread that names no other."""


def lead_id_of(address: str, campaign_id: str) -> str:
    """Return the id of a lead: an address in two campaigns is two leads."""
    return str(derived("lead", f"{address.casefold()} {campaign_id}"))


def stamp(at: datetime) -> str:
    """Return a time the way the API writes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(value: object, name: str) -> datetime:
    """Return a time that is given as ISO 8601; without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(str(value))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refusal(400, f"{name} must be an ISO 8601 time") from None

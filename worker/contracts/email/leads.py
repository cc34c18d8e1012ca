"""The published API's leads and its block list.

All but `add` may be repeated without harm: each says what shall be, not what shall change.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from worker.contracts.campaign import Upload, upload_of
from worker.contracts.lenient import address, identity, whole
from worker.contracts.pages import after, pages
from worker.http import ApiClient

MOST_AT_ONCE: Final = 1000
"""Leads that one call of `add` takes."""

_PAGE: Final = 100
_OWN: Final = ("first_name", "last_name", "company_name", "job_title", "phone", "website")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A lead of one campaign: an address in two campaigns is two leads.

    Attributes:
        interest: see `worker.domain.interest`; None where nobody has said.
        subsequence_id: the follow-up sequence it is in; "" for none.

    """

    id: str
    email: str
    campaign_id: str
    subsequence_id: str
    interest: int | None


class Leads:
    """Leads of a workspace."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def find(self, email: str, campaign_id: str = "") -> Iterator[Lead]:
        """Yield the leads that have an address, of one campaign or of all."""
        return map(_lead, self._listed(email, campaign_id))

    def fields(self, email: str, campaign_id: str) -> dict[str, Any]:
        """Return a lead's own fields as webhooks carry them; none where nobody knows it."""
        lead = next(self._listed(email, campaign_id), {})
        custom = lead.get("payload")
        own = custom if isinstance(custom, Mapping) else {}
        return {**own, **{name: lead[name] for name in _OWN if lead.get(name)}}

    def _listed(self, email: str, campaign_id: str) -> Iterator[Mapping[str, Any]]:
        about = {"contacts": [email], "limit": _PAGE}
        about |= {"campaign": campaign_id} if campaign_id else {}
        found = pages(
            lambda cursor: self._client.ask("/v2/leads/list", about | after(cursor)), "leads"
        )
        return (item for page in found for item in page)

    def set_interest(self, email: str, interest: int | None, campaign_id: str = "") -> None:
        """Set what a lead thinks of us, in one campaign or in all; None takes it back.

        The provider says that it will, not that it has.
        """
        body: dict[str, object] = {"lead_email": email, "interest_value": interest}
        body |= {"campaign_id": campaign_id} if campaign_id else {}
        self._client.post("/v2/leads/update-interest-status", body)

    def leave_subsequence(self, lead_id: str) -> None:
        """Take a lead out of the follow-up sequence it is in."""
        self._client.post("/v2/leads/subsequence/remove", {"id": lead_id})

    def add(self, campaign_id: str, leads: Sequence[Mapping[str, object]]) -> Upload:
        """Add up to `MOST_AT_ONCE` leads to a campaign; those it has already are skipped.

        Args:
            campaign_id: where they go.
            leads: `email`, `first_name`, …, and further fields below `custom_variables`.

        Raises:
            TryLater: surely not added.
            GiveUp: refused for good.
            OutcomeUnknown: they may have been added.

        """
        body = {"campaign_id": campaign_id, "leads": list(leads), "skip_if_in_campaign": True}
        return upload_of(self._client.post("/v2/leads/add", body))


class BlockList:
    """Addresses and domains that the whole workspace never writes to again."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def add(self, value: str) -> None:
        """Block an address or a domain."""
        self._client.post("/v2/block-lists-entries", {"bl_value": value})


def _lead(item: Mapping[str, Any]) -> Lead:
    return Lead(
        id=identity(item, "id"),
        email=address(item, "email"),
        campaign_id=identity(item, "campaign"),
        subsequence_id=identity(item, "subsequence_id"),
        interest=whole(item, "lt_interest_status")
        if identity(item, "lt_interest_status")
        else None,
    )

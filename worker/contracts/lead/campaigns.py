"""Campaigns, and the leads in them, as contract `lead` has them."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from worker.contracts.campaign import Campaign, Plan, Upload, campaign_of, upload_of
from worker.http import ApiClient


class Campaigns:
    """Campaigns of a workspace."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def create(self, plan: Plan) -> Campaign:
        """Make a campaign that sends from the plan's first mailbox.

        Raises:
            TryLater: surely not made.
            GiveUp: refused for good.
            OutcomeUnknown: it may have been made.

        """
        body = {
            "name": plan.name,
            "email_account_id": plan.mailboxes[0],
            "sequence": [
                {"subject": step.subject, "body": step.body, "day": step.day} for step in plan.steps
            ],
        }
        return campaign_of(self._client.post("/v2/campaigns", body))

    def get(self, campaign_id: str) -> Campaign:
        """Return one campaign."""
        return campaign_of(self._client.get(_path(campaign_id)))

    def add_leads(self, campaign_id: str, leads: Sequence[Mapping[str, object]]) -> Upload:
        """Add leads, each with `email`, `first_name` and `last_name`.

        Raises:
            TryLater: surely not added.
            GiveUp: refused for good.
            OutcomeUnknown: they may have been added.

        """
        body = {"leads": list(leads)}
        return upload_of(self._client.post(f"{_path(campaign_id)}/leads", body))


def _path(campaign_id: str) -> str:
    return f"/v2/campaigns/{quote(campaign_id, safe='')}"

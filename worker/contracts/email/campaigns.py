"""The published API's campaigns."""

from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import quote

from worker.contracts.campaign import Campaign, Plan, Step, campaign_of
from worker.http import ApiClient


class Campaigns:
    """Campaigns of a workspace; leads are added by `worker.contracts.email.leads`."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def create(self, plan: Plan) -> Campaign:
        """Make a campaign; it is a draft until it is activated.

        Raises:
            TryLater: surely not made.
            GiveUp: refused for good.
            OutcomeUnknown: it may have been made.

        """
        body = {
            "name": plan.name,
            "campaign_schedule": {"schedules": [_schedule(plan)]},
            "sequences": [{"steps": _steps(plan.steps)}],
            "email_list": list(plan.mailboxes),
        }
        return campaign_of(self._client.post("/v2/campaigns", body))

    def get(self, campaign_id: str) -> Campaign:
        """Return one campaign."""
        return campaign_of(self._client.get(_path(campaign_id)))

    def activate(self, campaign_id: str) -> Campaign:
        """Let a campaign send; may be repeated without harm."""
        return campaign_of(self._client.post(f"{_path(campaign_id)}/activate"))

    def pause(self, campaign_id: str) -> Campaign:
        """Stop a campaign's sending; may be repeated without harm."""
        return campaign_of(self._client.post(f"{_path(campaign_id)}/pause"))


def _path(campaign_id: str) -> str:
    return f"/v2/campaigns/{quote(campaign_id, safe='')}"


def _schedule(plan: Plan) -> dict[str, object]:
    return {
        "name": plan.name,
        "timing": {"from": plan.begins, "to": plan.ends},
        "days": {str(day): day in plan.days for day in range(7)},
        "timezone": plan.timezone,
    }


def _steps(steps: Sequence[Step]) -> list[dict[str, object]]:
    """Return the steps in the provider's form, whose delay is the wait before the next one."""
    waits = [later.day - step.day for step, later in pairwise(steps)]
    return [
        {
            "type": "email",
            "delay": wait,
            "variants": [{"subject": step.subject, "body": step.body}],
        }
        for step, wait in zip(steps, [*waits, 0], strict=True)
    ]

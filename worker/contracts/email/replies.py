"""A reply as its webhook would have told of it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from worker.contracts import webhook
from worker.contracts.email.campaigns import Campaigns
from worker.contracts.email.emails import Emails
from worker.contracts.email.leads import Leads
from worker.contracts.history import read_thread
from worker.contracts.lenient import address, identity, moment
from worker.domain.errors import GiveUp, NoScope
from worker.domain.model import EventClass, ReplyEvent
from worker.http import ApiClient

T = TypeVar("T")


class Replies:
    """Makes of an e-mail the delivery that never came."""

    def __init__(self, client: ApiClient) -> None:
        self._emails = Emails(client)
        self._leads = Leads(client)
        self._campaigns = Campaigns(client)
        self._names: dict[str, str] = {}

    def mail(self, mail_id: str) -> Mapping[str, Any]:
        """Return an e-mail; nothing where it is gone."""
        return _or_nothing(lambda: self._emails.get(mail_id), {})

    def payload(self, mail: Mapping[str, Any]) -> str:
        """Return the delivery as JSON text.

        It has no lead's id, since webhooks have none; and no lead's fields, no campaign's
        name, where the key may not ask for them.

        Raises:
            TryLater: the API is away, busy or refuses the key.

        """
        lead, campaign = address(mail, "lead"), identity(mail, "campaign_id")
        event = ReplyEvent(
            key=identity(mail, "id"),
            event_class=EventClass.REPLY,
            event_types=("reply_received",),
            workspace=identity(mail, "organization_id"),
            campaign_id=campaign,
            campaign_name=self._name(campaign),
            lead_email=lead,
            mailbox=address(mail, "eaccount"),
            lead=_or_nothing(lambda: self._leads.fields(lead, campaign), {}),
        )
        (message,) = read_thread([mail], event).messages
        created = moment(mail, "timestamp_created")
        return webhook.from_history(event, replace(message, at=created))[1]

    def _name(self, campaign: str) -> str:
        if campaign not in self._names:
            self._names[campaign] = _or_nothing(lambda: self._campaigns.get(campaign).name, "")
        return self._names[campaign]


def _or_nothing(ask: Callable[[], T], nothing: T) -> T:
    """Return what the API says, or nothing where it refuses this one question."""
    with suppress(GiveUp, NoScope):
        return ask()
    return nothing

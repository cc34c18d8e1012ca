"""`GET /v2/leads/{lead_id}/emails` and `POST /v2/emails/reply` with a `lead_id`."""

from collections.abc import Callable
from itertools import chain, islice
from typing import ClassVar, Final
from urllib.parse import quote

from worker.contracts.history import read_thread
from worker.contracts.pages import Page, after, pages
from worker.contracts.sent import sent_id
from worker.domain.model import Draft, ReplyEvent, Thread
from worker.http import ApiClient

_MOST_PAGES: Final = 10


class LeadApi:
    """The provider as contract `lead` has it; see `worker.ports.MailApi`."""

    NAME: ClassVar = "lead"
    NEEDS: ClassVar = "a lead_id"

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    @staticmethod
    def speaks(event: ReplyEvent) -> bool:
        """Say whether an event names what this contract needs."""
        return bool(event.lead_id)

    def thread(self, event: ReplyEvent) -> Thread:
        """See `MailApi.thread`."""
        return read_thread(self._emails(event.lead_id), event)

    look = thread

    def _emails(self, lead_id: str) -> Page:
        path = f"/v2/leads/{quote(lead_id, safe='')}/emails"
        found = pages(lambda cursor: self._client.get(path, after(cursor)))
        return list(chain.from_iterable(islice(found, _MOST_PAGES)))

    def reply(self, event: ReplyEvent, draft: Draft, at_the_door: Callable[[], None]) -> str:
        """See `MailApi.reply`."""
        answer = self._client.post(
            "/v2/emails/reply",
            {"lead_id": event.lead_id, "body": draft.body, "subject": draft.subject},
            at_the_door,
        )
        return sent_id(answer)

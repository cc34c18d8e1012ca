"""`GET /v2/leads/{lead_id}/emails` and `POST /v2/emails/reply` with a `lead_id`."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from worker.contracts.history import items_of, read_thread
from worker.contracts.lenient import identity
from worker.domain.model import Draft, ReplyEvent, Thread
from worker.http import ApiClient

_MOST_PAGES: Final = 10


class LeadApi:
    """The provider as contract `lead` has it; see `worker.ports.MailApi`."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def thread(self, event: ReplyEvent) -> Thread:
        """See `MailApi.thread`."""
        return read_thread(self._pages(event.lead_id), event)

    def _pages(self, lead_id: str) -> list[Mapping[str, Any]]:
        """Follow the cursor until a page tells nothing new; the last one may carry one too."""
        path = f"/v2/leads/{quote(lead_id, safe='')}/emails"
        emails: list[Mapping[str, Any]] = []
        cursor = ""
        for _ in range(_MOST_PAGES):
            answer = self._client.get(path, {"starting_after": cursor} if cursor else None)
            page = [item for item in items_of(answer) if item not in emails]
            emails += page
            cursor = identity(answer, "next_starting_after") if isinstance(answer, dict) else ""
            if not (page and cursor):
                break
        return emails

    def reply(self, event: ReplyEvent, draft: Draft, at_the_door: Callable[[], None]) -> str:
        """See `MailApi.reply`."""
        answer = self._client.post(
            "/v2/emails/reply",
            {"lead_id": event.lead_id, "body": draft.body, "subject": draft.subject},
            at_the_door,
        )
        return sent_id(answer)


def sent_id(answer: object) -> str:
    """Return the provider's id of the answer that was sent; "" where it tells none."""
    if not isinstance(answer, Mapping):
        return ""
    inner = [answer.get(name) for name in ("email", "data", "item", "reply")]
    parts = [part for part in (answer, *inner) if isinstance(part, Mapping)]
    ids = (identity(part, "id", "email_id", "message_id", "uuid", "reply_id") for part in parts)
    return next(filter(None, ids), "")

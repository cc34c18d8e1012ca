"""The published API's e-mails: `/v2/emails` and what is below it."""

import html
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from worker.contracts.pages import Page, after, pages
from worker.domain.model import Draft
from worker.http import ApiClient

PAGE: Final = "100"
"""E-mails a page: the most that the API gives, since calls are what is scarce."""


class Emails:
    """E-mails of a workspace, as the API's own objects.

    Args:
        client: calls the provider.
        full: a page with fewer e-mails is known to be the last one.

    """

    def __init__(self, client: ApiClient, *, full: int = 0) -> None:
        self._client = client
        self._full = full

    def get(self, mail_id: str) -> Mapping[str, Any]:
        """Return one e-mail.

        Raises:
            TryLater: the API is away, busy or refuses the key.
            GiveUp: there is none with this id.

        """
        answer = self._client.get(f"/v2/emails/{quote(mail_id, safe='')}")
        return answer if isinstance(answer, Mapping) else {}

    def pages(self, **filters: str) -> Iterator[Page]:
        """Yield the e-mails that pass the filters, newest first unless `sort_order` is `asc`.

        One call for each page, of which a workspace has 20 a minute.
        """
        asked = {"limit": PAGE} | filters
        return pages(
            lambda cursor: self._client.get("/v2/emails", asked | after(cursor)), full=self._full
        )

    def reply(
        self, mail_id: str, mailbox: str, draft: Draft, at_the_door: Callable[[], None]
    ) -> object:
        """Answer an e-mail from the mailbox that got it; return what the API says.

        Raises:
            TryLater: surely not sent.
            GiveUp: refused for good.
            OutcomeUnknown: it may have been sent.

        """
        body = {
            "reply_to_uuid": mail_id,
            "eaccount": mailbox,
            "subject": draft.subject,
            "body": {"html": as_html(draft.body), "text": draft.body},
        }
        return self._client.post("/v2/emails/reply", body, at_the_door)

    def mark_read(self, thread_id: str) -> None:
        """Mark every e-mail of a thread as read; may be repeated without harm."""
        self._client.post(f"/v2/emails/threads/{quote(thread_id, safe='')}/mark-as-read")


def as_html(text: str) -> str:
    """Return a plain text as HTML: nothing in it is markup, and its lines stay lines.

    The provider keeps no other line break than `<br/>`. Addresses stay text, which every
    mail program makes a link of.
    """
    return html.escape(text, quote=False).replace("\n", "<br/>")

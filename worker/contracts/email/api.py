"""Events that name an e-mail and its mailbox: the published API, as `worker.ports.MailApi`."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, islice
from typing import Any, ClassVar, Final

from worker.contracts.email.emails import Emails
from worker.contracts.history import read_thread
from worker.contracts.lenient import address, identity, is_uuid
from worker.contracts.pages import Page
from worker.contracts.sent import sent_id
from worker.domain.errors import GiveUp, TryLater
from worker.domain.model import Draft, ReplyEvent, Thread
from worker.http import ApiClient

History = Callable[[ReplyEvent], Sequence[Mapping[str, Any]]]
"""Returns the e-mails of an event's conversation, in any order, as the API's objects."""

_MOST_PAGES: Final = 10
_NOT_THERE: Final = ("http_400", "http_404")


class EmailApi:
    """The provider as contract `email` has it; see `worker.ports.MailApi`.

    Args:
        client: calls the provider.
        history: where conversations come from; asked of the API each time where not given.

    """

    NAME: ClassVar = "email"
    NEEDS: ClassVar = "an email_id with its email_account"

    def __init__(self, client: ApiClient, history: History | None = None) -> None:
        self._emails = Emails(client)
        self._history = history or ListedHistory(client)

    @staticmethod
    def speaks(event: ReplyEvent) -> bool:
        """Say whether an event names what this contract needs."""
        return bool(event.mail_id and event.mailbox)

    def thread(self, event: ReplyEvent) -> Thread:
        """See `MailApi.thread`."""
        return read_thread(self._history(event), event)

    look = thread

    def reply(self, event: ReplyEvent, draft: Draft, at_the_door: Callable[[], None]) -> str:
        """See `MailApi.reply`."""
        return sent_id(self._emails.reply(event.mail_id, event.mailbox, draft, at_the_door))


class ListedHistory:
    """Asks for the event's own e-mail, then lists its thread, which is the scarce kind of call.

    Where the API does not know the e-mail's id, the lead's address leads to it.

    Args:
        client: calls the provider.
        full: a page with fewer e-mails is known to be the last one.

    """

    def __init__(self, client: ApiClient, *, full: int = 0) -> None:
        self._emails = Emails(client, full=full)

    def __call__(self, event: ReplyEvent) -> Sequence[Mapping[str, Any]]:
        """Return the conversation.

        Raises:
            TryLater: the API is away, busy or refuses the key, or nothing leads to the thread.
            GiveUp: it refuses the question.

        """
        mail = self.own(event.mail_id)
        listed = self._thread(identity(mail, "thread_id")) or self._by_lead(event, mail)
        shown = {identity(item, "id") for item in listed}
        return listed if not mail or event.mail_id in shown else [*listed, mail]

    def own(self, mail_id: str) -> Mapping[str, Any]:
        """Return the event's e-mail; nothing where the API has none of that id.

        Webhooks were seen with ids of another form, which the API's path does not take.
        """
        if not is_uuid(mail_id):
            return {}
        try:
            return self._emails.get(mail_id)
        except GiveUp as error:
            if error.reason in _NOT_THERE:
                return {}
            raise

    def _thread(self, thread_id: str) -> Page:
        return self._all(search=f"thread:{thread_id}") if thread_id else []

    def _by_lead(self, event: ReplyEvent, mail: Mapping[str, Any]) -> Page:
        """Return the lead's e-mails, of whatever campaign.

        What people write by hand may belong to none: a filter would hide that they answered.
        """
        lead = address(mail, "lead") or event.lead_email
        if not lead:
            detail = f"the API knows no thread of mail {event.mail_id}, and no lead is named"
            raise TryLater("unreadable_history", detail)
        return self._all(lead=lead)

    def _all(self, **filters: str) -> Page:
        """Return all pages, oldest first; half a history would hide the newest e-mails."""
        found = self._emails.pages(sort_order="asc", **filters)
        read = list(chain.from_iterable(islice(found, _MOST_PAGES)))
        if next(found, None):
            raise TryLater("unreadable_history", f"more than {_MOST_PAGES} pages of e-mails")
        return read

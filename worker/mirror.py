"""Conversations from a mirror of the workspace's recent e-mails.

The published API lists e-mails twenty times a minute, whoever asks. One list of all that
is new, a hundred e-mails a call, therefore serves every conversation; an event waits until
the mirror is as fresh as it needs.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from worker.contracts.email.api import EmailApi, ListedHistory
from worker.contracts.email.emails import PAGE
from worker.contracts.history import items_of, read_thread
from worker.contracts.lenient import address, identity, moment
from worker.domain.errors import Behind, GiveUp, LedgerAway, OutcomeUnknown
from worker.domain.model import Draft, ReplyEvent, Thread
from worker.domain.quotes import READ_AT_MOST
from worker.http import ApiClient
from worker.mails import KeptMail, Mirror, Page, Start, View

REFILL: Final = "refill"
"""The chore that fills the mirror."""

_FRESH_MS: Final = 10_000
"""What was filled within this is as good as read just now."""

_ASK_AFTER_MS: Final = 1_000
_WOKEN_WITHIN: Final = 5.0
"""Seconds after which an event looks itself, should nobody have woken it."""

_MOST: Final = int(PAGE)
_JUST_NOW_MS: Final = 60_000
"""E-mails may have come since the page before: what is older than this was there then."""

_OFF_MS: Final = 300_000
_GOES_ON: Final = re.compile(r"\s*\w{1,5}\s*(?:[\[(]\d+[\])])?\s*[:：]")
"""A short word with a colon begins the subject of an answer, in any language: `Re[2]:`, `AW:`."""

_RECEIVED: Final = "2"
_LEFT_OUT: Final = frozenset({"attachment_json", "content_preview"})

Item = Mapping[str, Any]


class MirroredApi:
    """The published API, with its conversations from the mirror; see `worker.ports.MailApi`.

    Args:
        client: calls the provider.
        mirror: shared by all workers of the workspace.
        ask: has the mirror filled as soon as it may; returns in how many milliseconds that is.

    """

    def __init__(self, client: ApiClient, mirror: Mirror, ask: Callable[[], int]) -> None:
        self._client = client
        self._api = EmailApi(client)
        self._mirror = mirror
        self._ask = ask

    speaks = staticmethod(EmailApi.speaks)

    def thread(self, event: ReplyEvent) -> Thread:
        """See `MailApi.thread`.

        Raises:
            Behind: the mirror is not fresh enough; it was asked to be.

        """
        view = self._mirror.view(event.mail_id)
        if view.off:
            return self.look(event)
        if not _is_fresh(view, event):
            raise Behind(self._ask() / 1000 + _WOKEN_WITHIN)
        if view.now - view.as_of > _ASK_AFTER_MS:
            self._ask()
        view = view if view.thread else self._with_own_mail(event)
        thread = _read(view, event)
        return thread if _is_whole(view, thread) else self.look(event)

    def _with_own_mail(self, event: ReplyEvent) -> View:
        """Fetch a mail that the list did not show yet: it leads to its conversation."""
        own = ListedHistory(self._client).own(event.mail_id)
        self._mirror.keep(kept([own]))
        return self._mirror.view(event.mail_id)

    def look(self, event: ReplyEvent) -> Thread:
        """See `MailApi.look`; what is fetched is in the mirror from then on."""
        full = self._mirror.view(event.mail_id).full
        items = ListedHistory(self._client, full=full)(event)
        mails = kept(items)
        named = next((mail.thread for mail in mails if mail.id == event.mail_id), "")
        self._mirror.keep(mails, thread=named)
        return read_thread(items, event)

    def reply(self, event: ReplyEvent, draft: Draft, at_the_door: Callable[[], None]) -> str:
        """See `MailApi.reply`."""
        try:
            sent_id = self._api.reply(event, draft, at_the_door)
        except OutcomeUnknown:
            self._wrote(event)
            raise
        self._wrote(event)
        return sent_id

    def _wrote(self, event: ReplyEvent) -> None:
        """Have the mirror show this answer before it shows the conversation again."""
        with suppress(LedgerAway):  # what became of the answer must not be lost over it
            self._mirror.wrote(event.mail_id)


def _is_fresh(view: View, event: ReplyEvent) -> bool:
    """Say whether the mirror was filled lately, and since the event and our last answer there."""
    since = round(event.accepted.timestamp() * 1000) if event.accepted else 0
    is_recent = view.filled >= view.now - _FRESH_MS
    return is_recent and view.as_of >= since and view.as_of > view.wrote


def _read(view: View, event: ReplyEvent) -> Thread:
    items: list[Item] = sorted(map(json.loads, view.mails), key=_created)
    as_of = datetime.fromtimestamp(view.as_of / 1000, UTC)
    return replace(read_thread(items, event), as_of=as_of)


def _created(item: Item) -> str:
    return str(item.get("timestamp_created") or "")


def _is_whole(view: View, thread: Thread) -> bool:
    """Say whether nothing is missing at the beginning.

    A campaign's mail opens a conversation, unless its subject says that it goes one on: what
    is missing before that one might be an answer of ours.
    """
    if view.whole or not thread.messages:
        return view.whole
    first = thread.messages[0]
    return first.campaign_step and bool(first.subject) and not _GOES_ON.match(first.subject)


class Refill:
    """Fills the mirror, one page at a time.

    Args:
        client: calls the provider.
        mirror: shared by all workers of the workspace.
        filled: is told when the mirror has caught up, or cannot.

    """

    def __init__(self, client: ApiClient, mirror: Mirror, filled: Callable[[], object]) -> None:
        self._client = client
        self._mirror = mirror
        self._filled = filled

    def __call__(self) -> float | None:
        """Read the next page; return 0 where more follow, None at the end.

        Raises:
            TryLater: the API is away, busy or refuses the key.
            GiveUp: it does not list e-mails like this.

        """
        start = self._mirror.start()

        def ask() -> None:
            """Note when the question leaves: before that its turn had to be waited for."""
            nonlocal start
            start = replace(start, at=self._mirror.start().at)

        try:
            answer = self._client.get("/v2/emails", _question(start), ask)
        except GiveUp:
            self._mirror.off(_OFF_MS)
            self._filled()
            raise
        items = items_of(answer)
        page = _page(answer, items, start)
        self._mirror.fill(kept(items), start, page)
        if page.cursor:
            return 0.0
        self._filled()
        return None


def _page(answer: object, items: Sequence[Item], start: Start) -> Page:
    """Say what follows a page: nothing after the last one, though it may carry a cursor.

    A page that is not full is the last one, which spares the call for an empty page each
    time. Whether the provider means a hundred when it is asked for a hundred is found out
    once, by following such a page.
    """
    cursor = identity(answer, "next_starting_after") if isinstance(answer, Mapping) else ""
    full = _MOST if len(items) >= _MOST else start.full
    if start.short:
        full = start.short if _has_old(items, start) else _MOST
    is_last = not items or cursor == start.cursor or len(items) < full
    short = len(items) if cursor and not full and len(items) < _MOST else 0
    return Page(cursor="" if is_last else cursor, full=full, short=0 if is_last else short)


def _has_old(items: Sequence[Item], start: Start) -> bool:
    """Say whether a page has e-mails that were there when the page before it was read."""
    return any(0 < mail.created < start.at - _JUST_NOW_MS for mail in kept(items))


def _question(start: Start) -> dict[str, str]:
    since = datetime.fromtimestamp(start.since / 1000, UTC).isoformat(timespec="milliseconds")
    asked = {
        "limit": PAGE,
        "sort_order": "asc",
        "mode": "emode_all",
        "min_timestamp_created": since.replace("+00:00", "Z"),
    }
    return asked | ({"starting_after": start.cursor} if start.cursor else {})


def kept(items: Sequence[Item]) -> list[KeptMail]:
    """Return the e-mails that a mirror can keep: those that name themselves and a conversation."""
    mails = (_kept(item) for item in items)
    return [mail for mail in mails if mail.id and mail.thread]


def _kept(item: Item) -> KeptMail:
    created = moment(item, "timestamp_created")
    stored = {name: value for name, value in item.items() if name not in _LEFT_OUT}
    if isinstance(body := item.get("body"), Mapping):
        stored["body"] = {form: _cut(value) for form, value in body.items()}
    return KeptMail(
        id=identity(item, "id"),
        thread=identity(item, "thread_id"),
        created=round(created.timestamp() * 1000) if created else 0,
        content=json.dumps(stored),
        reply=is_reply(item),
    )


def is_reply(item: Item) -> bool:
    """Say whether a lead of a campaign wrote an e-mail: of others no webhook tells."""
    received = identity(item, "ue_type") == _RECEIVED
    return bool(received and address(item, "lead") and identity(item, "campaign_id"))


def _cut(value: object) -> object:
    """Leave out what nobody reads, so that a mirror of a few long mails stays small."""
    return value[:READ_AT_MOST] if isinstance(value, str) else value

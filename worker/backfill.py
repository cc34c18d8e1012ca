"""What webhooks missed: from the provider's log of deliveries, and from its list of e-mails.

Both lead through the door by which webhooks come in, `Ledger.accept`, so that one mail is
one event however often it is found. What was there before the service first ran is left alone.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, Final

import structlog

from worker.contracts import webhook
from worker.contracts.email.hooks import ALL_EVENTS, Delivery, Hook, Hooks, our_hooks
from worker.contracts.email.replies import Replies
from worker.contracts.lenient import identity, moment
from worker.domain.durations import milliseconds
from worker.domain.errors import GiveUp, MalformedEvent, NoScope
from worker.domain.model import moment as at_ms
from worker.http import ApiClient
from worker.mails import Mirror
from worker.notify import Memo
from worker.ports import Ledger

BACKFILL: Final = "backfill"
"""The chore, and what it remembers."""

MISSED_SINCE: Final = "missed_since"
"""Under this name stands since when webhooks were missed for sure (milliseconds)."""

EVERY: Final = timedelta(minutes=1)
LEASE: Final = timedelta(minutes=5)
_OVERLAP_MS: Final = 10 * 60_000
"""Deliveries may be logged late: each pass reads the end of the one before again."""

_MOST_REPLIES: Final = 50
"""Replies that one run looks at, so that it ends within its lease."""

_TOLD_OF_REPLIES: Final = (ALL_EVENTS, "reply_received")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """How far the log of deliveries was read; times in milliseconds.

    Attributes:
        first: when the service first ran; what was before is none of its business.
        since: deliveries from here on are read.
        began: when this pass over the log began; 0 between two.
        cursor: what follows the page that was read last in this pass.
        heeded: the last `MISSED_SINCE` that a pass began with.

    """

    first: int
    since: int
    began: int = 0
    cursor: str = ""
    heeded: str = ""


@dataclass(frozen=True, slots=True)
class _Scope:
    """What our webhooks are there for: nothing else is backfilled."""

    hooks: Sequence[Hook]

    def has_url(self, url: str) -> bool:
        return any(hook.url == url for hook in self.hooks)

    def covers(self, campaign_id: str) -> bool:
        """Say whether one of the webhooks tells of replies in a campaign."""
        return any(
            hook.event_type in _TOLD_OF_REPLIES and hook.campaign_id in ("", campaign_id)
            for hook in self.hooks
        )


class Backfill:
    """Finds what webhooks missed, one page of each source at a time.

    Args:
        client: calls the provider.
        ledger: takes what was found.
        mirror: shows the replies that came in.
        memo: remembers how far the log was read.
        refill: has the mirror filled.
        wake: queues accepted events.
        grace: for how long a reply waits for its webhook, which knows more of the lead.
        public_url: where the service is reached; "" where nobody says.
        clock: seconds since the epoch.

    """

    def __init__(
        self,
        client: ApiClient,
        *,
        ledger: Ledger,
        mirror: Mirror,
        memo: Memo,
        refill: Callable[[], object],
        wake: Callable[[Sequence[str]], object],
        grace: timedelta,
        clock: Callable[[], float],
        public_url: str = "",
    ) -> None:
        self._hooks = Hooks(client)
        self._replies = Replies(client)
        self._ledger = ledger
        self._mirror = mirror
        self._memo = memo
        self._refill = refill
        self._wake = wake
        self._grace = milliseconds(grace)
        self._public_url = public_url
        self._clock = clock

    def __call__(self) -> float | None:
        """Look once; return the seconds until there is more to see, None where nobody knows.

        Raises:
            TryLater: the API is away, busy or refuses the key.

        """
        place = self._place()
        if not place.began:
            self._refill()
        scope = _Scope(our_hooks(self._hooks.all(), self._public_url))
        try:
            reads_on = self._read_log(place, scope)
        except NoScope:  # the other source needs none of it
            self._look_at_replies(place, scope)
            raise
        if self._look_at_replies(place, scope) or reads_on:
            return 0.0
        return self._grace / 1000 if self._mirror.replies(age=0, most=1) else None

    def _place(self) -> _Place:
        """Return where to go on; the first time that is here and now."""
        stored = self._memo.recall(BACKFILL)
        if not stored:
            now = self._now()
            self._keep(_Place(first=now, since=now))
            return _Place(first=now, since=now)
        return _Place(**json.loads(stored))

    def _now(self) -> int:
        return round(1000 * self._clock())

    def _keep(self, place: _Place) -> None:
        self._memo.remember(BACKFILL, json.dumps(asdict(place)))

    def _read_log(self, place: _Place, scope: _Scope) -> bool:
        """Take a page of what the provider could not deliver; say whether more follow."""
        place = place if place.began else self._begun(place)
        try:
            page, cursor = self._hooks.failed(at_ms(place.since).date(), place.cursor)
        except GiveUp:  # cursors may run out
            self._keep(replace(place, began=0, cursor=""))
            raise
        missed = [d for d in page if scope.has_url(d.url) and not _is_before(d, place.since)]
        self._wake_all([self._take(json.dumps(delivery.payload)) for delivery in missed])
        if cursor and not _is_past(page, place.since):
            self._keep(replace(place, cursor=cursor))
            return True
        since = max(place.first, place.began - _OVERLAP_MS)
        self._keep(replace(place, since=since, began=0, cursor=""))
        return False

    def _begun(self, place: _Place) -> _Place:
        told = self._memo.recall(MISSED_SINCE)
        since = min(place.since, int(told)) if told not in ("", place.heeded) else place.since
        return replace(place, began=self._now(), since=max(since, place.first), heeded=told)

    def _look_at_replies(self, place: _Place, scope: _Scope) -> bool:
        """Take the replies that no event knows; say whether there are more to look at."""
        found = self._mirror.replies(age=self._grace, most=_MOST_REPLIES)
        taken: list[str] = []
        for mail_id in found:
            if not self._ledger.knows(mail_id):
                taken += map(self._take, self._missed(mail_id, place, scope))
            self._mirror.check_off(mail_id)
        self._wake_all(taken)
        return len(found) == _MOST_REPLIES

    def _missed(self, mail_id: str, place: _Place, scope: _Scope) -> Iterator[str]:
        """Yield the delivery of a reply, where a webhook of ours should have made it."""
        mail = self._mail(mail_id)
        created = moment(mail, "timestamp_created")
        is_new = created is not None and created >= at_ms(place.first)
        if is_new and scope.covers(identity(mail, "campaign_id")):
            yield self._replies.payload(mail)

    def _mail(self, mail_id: str) -> Mapping[str, Any]:
        items = map(json.loads, self._mirror.view(mail_id).mails)
        kept = next((item for item in items if identity(item, "id") == mail_id), None)
        return self._replies.mail(mail_id) if kept is None else kept

    def _wake_all(self, taken: Iterable[str]) -> None:
        keys = [key for key in taken if key]
        if keys:
            _log.warning("backfilled", events=len(keys), first=keys[0])
            self._wake(keys)

    def _take(self, payload: str) -> str:
        """Take a delivery as the receiver does; return the event's key where it is a new one."""
        try:
            event = webhook.parse(json.loads(payload))
        except MalformedEvent as error:
            self._ledger.quarantine(payload, error.reason, {})
            return ""
        accepted = self._ledger.accept(event, payload)
        return accepted.key if accepted.status == "queued" else ""


def _is_before(delivery: Delivery, since: int) -> bool:
    return delivery.at is not None and delivery.at < at_ms(since)


def _is_past(page: Sequence[Delivery], since: int) -> bool:
    """Say whether what follows a page is older still: where it is in order, newest first."""
    times = [delivery.at.timestamp() if delivery.at else 0.0 for delivery in page]
    in_order = all(times) and times == sorted(times, reverse=True)
    return in_order and _is_before(page[-1], since)

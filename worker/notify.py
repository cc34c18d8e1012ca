"""Tells the operator, through whatever Apprise speaks: mail, Slack, Teams, Telegram, webhooks."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Final, Protocol

import apprise

from worker.domain import notices
from worker.domain.errors import REFUSED, ConfigurationError, TryLater
from worker.domain.notices import Counts, Notice
from worker.ports import Ledger

NOTIFY: Final = "notify"
"""The chore that looks for news."""

DIGEST: Final = "digest"
"""The chore that sums up the day."""

EVERY: Final = timedelta(seconds=30)
DIGEST_AT: Final = time(8)
"""On the clock of the machine."""

_BETWEEN: Final = re.compile(r"[,\s]+(?=\w+://)")
"""What stands between two addresses; an address may have commas in it."""

_AGAIN_AFTER: Final = timedelta(hours=6)
"""What is wrong and stays wrong is told again after so long."""


class Memo(Protocol):
    """Remembers texts for the workers of a workspace together."""

    def recall(self, name: str) -> str:
        """Return what is remembered under a name; "" for nothing."""
        ...

    def remember(self, name: str, text: str) -> None:
        """Remember a text instead of what there was."""
        ...


class Messenger:
    """Sends notices.

    Args:
        urls: Apprise's addresses, with commas or blanks between them.
        console: the console's address, which notices link to.
        workspace: the workspace's name, "" where there is only one.

    Raises:
        ConfigurationError: an address is none that Apprise knows.

    """

    def __init__(self, urls: str, *, console: str, workspace: str = "") -> None:
        self._console = console.rstrip("/")
        self._subject = f"autoreply {workspace}".strip()
        self._apprise = apprise.Apprise()
        for number, url in enumerate(_BETWEEN.split(urls.strip()), 1):
            if not self._apprise.add(url):
                # The address itself is a secret: it is not shown.
                msg = (
                    f"AUTOREPLY_NOTIFY: address {number} is none that can be used; write them like "
                    "mailto://user:password@host, slack://…, tgram://…; see the list of Apprise"
                )
                raise ConfigurationError(msg)

    @property
    def count(self) -> int:
        """How many addresses there are."""
        return len(self._apprise)

    def send(self, notice: Notice) -> None:
        """Send a notice to every address.

        Raises:
            TryLater: not every one took it.

        """
        body = f"{notice.body}\n\n{self._console}{notice.page}".strip()
        title = f"[{self._subject}] {notice.title}"
        if not self._apprise.notify(title=title, body=body, body_format="text"):
            raise TryLater("not_notified", "a notification was not taken; see AUTOREPLY_NOTIFY")


@dataclass(frozen=True, slots=True)
class _Told:
    """What was told so far: the counters then, and when each kind was told last."""

    counts: Counts
    at: Mapping[str, float]

    @classmethod
    def read(cls, text: str) -> "_Told | None":
        if not text:
            return None
        kept = json.loads(text)
        return cls({(s, r): n for s, r, n in kept["counts"]}, kept["at"])

    def written(self) -> str:
        rows = [[state, reason, count] for (state, reason), count in self.counts.items()]
        return json.dumps({"counts": rows, "at": dict(self.at)})


class Watch:
    """Looks at the ledger, and tells what is new or wrong; at most so often of each kind.

    Args:
        ledger: has the counters.
        memo: keeps what was told.
        tell: sends a notice.
        clock: seconds since the epoch.

    """

    def __init__(
        self,
        ledger: Ledger,
        memo: Memo,
        tell: Callable[[Notice], None],
        clock: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._memo = memo
        self._tell = tell
        self._clock = clock

    def look(self) -> None:
        """Tell what is to be told; what was told is remembered at once, so that it is told once.

        The first look ever only remembers: what was before is no news.

        Raises:
            TryLater: a notice was not taken; it is tried again at the next look.

        """
        counts, now = self._ledger.outcomes(), self._clock()
        told = _Told.read(self._memo.recall(NOTIFY))
        if told is None:
            told = _Told(counts, {})
            self._memo.remember(NOTIFY, told.written())
        for notice in notices.news(notices.grown(told.counts, counts)):
            if now - told.at.get(notice.kind, 0.0) >= notices.QUIET.total_seconds():
                self._tell(notice)
                known = notices.concerns(notice.kind, notices.grown(told.counts, counts))
                added = {key: told.counts.get(key, 0) + count for key, count in known.items()}
                told = _Told({**told.counts, **added}, {**told.at, notice.kind: now})
                self._memo.remember(NOTIFY, told.written())
        for notice in self._troubles():
            if now - told.at.get(notice.kind, 0.0) >= _AGAIN_AFTER.total_seconds():
                self._tell(notice)
                told = replace(told, at={**told.at, notice.kind: now})
                self._memo.remember(NOTIFY, told.written())

    def _troubles(self) -> Iterator[Notice]:
        _, late = self._ledger.due()
        reason, detail = self._ledger.hold_reason()
        refused = detail or reason if reason == REFUSED else ""
        yield from notices.troubles(refused=refused, late=timedelta(milliseconds=late))

    def sum_up(self) -> float:
        """Tell of the day, where one has passed; return the seconds until the next one."""
        before = _Told.read(self._memo.recall(DIGEST))
        counts = self._ledger.outcomes()
        if before:
            waiting = {state.value: n for state, n in self._ledger.counts().items()}
            self._tell(notices.digest(notices.grown(before.counts, counts), waiting))
        self._memo.remember(DIGEST, _Told(counts, {}).written())
        return until(DIGEST_AT, datetime.fromtimestamp(self._clock()).astimezone())


def until(at: time, now: datetime) -> float:
    """Return the seconds until a time of day comes next."""
    today = now.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    following = today if today > now else today + timedelta(days=1)
    return (following - now).total_seconds()

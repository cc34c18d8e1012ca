"""The mirror of a workspace's recent e-mails, in Redis."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Final

import redis

from worker.ledger.redis_store import RedisKeys, away
from worker.mails import KeptMail, Page, Start, View, mentions

HOUR_MS: Final = 3_600_000
LOOK_BACK_MS: Final = 36 * HOUR_MS
"""How far back a mirror begins; one that nobody fills for as long begins again."""

RETENTION_MS: Final = 14 * 24 * HOUR_MS
OVERLAP_MS: Final = 10 * 60_000
OVERLAP_MAILS: Final = 50
"""Half a page: the other half is for what is new."""

MOST_BYTES: Final = 64 * 1024 * 1024


class RedisMirror(RedisKeys):
    """See `worker.mails.Mirror`.

    Args:
        client: from `connect`.
        name: the workspace's row: keeps its keys apart, in one Redis Cluster slot.
        most_bytes: how much the e-mails may take; the conversations in which nothing has
            happened for longest go first.
        now: milliseconds since the epoch; replaces the server's clock in tests.

    """

    _preludes = ("_base", "_mirror")
    _names = (
        "mirror_drop", "mirror_keep", "mirror_off", "mirror_replies", "mirror_start",
        "mirror_view", "mirror_wrote",
    )  # fmt: skip

    def __init__(
        self,
        client: redis.Redis,
        *,
        name: str = "default",
        most_bytes: int = MOST_BYTES,
        now: Callable[[], int] | None = None,
    ) -> None:
        super().__init__(client, name=name, now=now)
        self._bounds = {
            "retention": RETENTION_MS,
            "look_back": LOOK_BACK_MS,
            "overlap_mails": OVERLAP_MAILS,
            "most_bytes": most_bytes,
        }

    def start(self) -> Start:
        """See `Mirror.start`."""
        at, since, cursor, era, full, short = self._run(
            "mirror_start", look_back=LOOK_BACK_MS, overlap=OVERLAP_MS
        )
        return Start(at=at, since=int(since), cursor=cursor, era=era, full=full, short=short)

    def fill(self, mails: Sequence[KeptMail], start: Start, page: Page) -> None:
        """See `Mirror.fill`."""
        self._add(mails, thread="", start=asdict(start), page=asdict(page))

    def keep(self, mails: Sequence[KeptMail], *, thread: str = "") -> None:
        """See `Mirror.keep`."""
        self._add(mails, thread=thread)

    def _add(self, mails: Sequence[KeptMail], **more: object) -> None:
        self._run("mirror_keep", mails=[asdict(mail) for mail in mails], **self._bounds, **more)

    def wrote(self, mail_id: str) -> None:
        """See `Mirror.wrote`."""
        self._run("mirror_wrote", mail_id=mail_id)

    def off(self, milliseconds: int) -> None:
        """See `Mirror.off`."""
        self._run("mirror_off", milliseconds=milliseconds)

    def view(self, mail_id: str) -> View:
        """See `Mirror.view`."""
        now, as_of, filled, off, thread, whole, wrote, full, mails = self._run(
            "mirror_view", mail_id=mail_id
        )
        return View(
            now=now,
            as_of=as_of,
            filled=filled,
            off=bool(off),
            thread=thread,
            whole=bool(whole),
            wrote=wrote,
            full=full,
            mails=tuple(mails),
        )

    def replies(self, *, age: int, most: int) -> list[str]:
        """See `Mirror.replies`."""
        return list(self._run("mirror_replies", age=age, most=most))

    @away
    def forget(self, address: str) -> int:
        """See `Mirror.forget`; the e-mails are looked through here, not in the server."""
        era = self._redis.hget(f"{self._prefix}mirror", "era") or "0"
        base = f"{self._prefix}mirror:{era}:"
        threads = self._redis.zrange(f"{base}threads", 0, -1)
        found = [
            thread
            for thread in threads
            if any(mentions(c, address) for c in self._redis.hvals(f"{base}thread:{thread}"))
        ]
        self._run("mirror_drop", threads=found)
        return len(found)

    @away
    def check_off(self, mail_id: str) -> None:
        """See `Mirror.check_off`."""
        self._redis.zrem(f"{self._prefix}mirror:replies", mail_id)

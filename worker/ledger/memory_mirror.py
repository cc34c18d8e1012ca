"""The mirror of recent e-mails in memory, for one process; the steps are those of the scripts."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from worker.ledger.redis_mirror import (
    LOOK_BACK_MS,
    MOST_BYTES,
    OVERLAP_MAILS,
    OVERLAP_MS,
    RETENTION_MS,
)
from worker.mails import KeptMail, Page, Start, View, mentions


@dataclass(slots=True)
class _Thread:
    """One conversation; `at`: when something was last added."""

    at: int = 0
    whole: bool = False
    wrote: int = 0
    mails: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Era:
    """What is known since the mirror last began; see `mirror_start.lua`."""

    began: int = 0
    since: int = 0
    cursor: str = ""
    short: int = 0
    as_of: int = 0
    filled: int = 0
    newest: dict[str, int] = field(default_factory=dict)
    threads: dict[str, _Thread] = field(default_factory=dict)
    thread_of: dict[str, str] = field(default_factory=dict)


class MemoryMirror:
    """See `worker.mails.Mirror`.

    Args:
        most_bytes: how much the e-mails may take.
        now: milliseconds since the epoch; replaces the machine's clock in tests.

    """

    def __init__(
        self,
        *,
        most_bytes: int = MOST_BYTES,
        now: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._most_bytes = most_bytes
        self._now = now
        self._lock = threading.Lock()
        self._eras = 0
        self._full = 0
        self._touched = self._off_until = 0
        self._era = _Era()
        self._replies: dict[str, int] = {}

    def start(self) -> Start:
        """See `Mirror.start`."""
        with self._lock:
            now = self._now()
            if self._touched < now - LOOK_BACK_MS:
                self._eras += 1
                self._era, self._touched = _Era(began=now - LOOK_BACK_MS), now
            since = self._era.since if self._era.cursor else self._overlap()
            return Start(
                at=now,
                since=since,
                cursor=self._era.cursor,
                era=self._eras,
                full=self._full,
                short=self._era.short if self._era.cursor else 0,
            )

    def _overlap(self) -> int:
        times = self._era.newest.values()
        if not times:
            return self._era.began
        return max(min(times), max(times) - OVERLAP_MS) - 1000

    def fill(self, mails: Sequence[KeptMail], start: Start, page: Page) -> None:
        """See `Mirror.fill`."""
        with self._lock:
            if start.era != self._eras:
                return
            era = self._era
            self._add(mails)
            era.newest |= {mail.id: mail.created for mail in mails if mail.created}
            newest = sorted(era.newest.items(), key=lambda item: item[1])
            era.newest = dict(newest[-OVERLAP_MAILS:])
            self._touched, era.since = self._now(), start.since
            era.cursor, era.short, self._full = page.cursor, page.short, page.full
            if not page.cursor and start.at > era.as_of:
                era.as_of, era.filled = start.at, self._now()

    def keep(self, mails: Sequence[KeptMail], *, thread: str = "") -> None:
        """See `Mirror.keep`."""
        with self._lock:
            self._add(mails)
            if thread in self._era.threads:
                self._era.threads[thread].whole = True

    def _add(self, mails: Sequence[KeptMail]) -> None:
        for mail in mails:
            thread = self._era.threads.setdefault(mail.thread, _Thread())
            thread.at = self._now()
            thread.mails[mail.id] = mail.content
            if mail.reply and mail.id not in self._era.thread_of:
                self._replies.setdefault(mail.id, self._now())
            self._era.thread_of[mail.id] = mail.thread
        self._make_room()

    def _make_room(self) -> None:
        threads = self._era.threads
        for name in sorted(threads, key=lambda name: (threads[name].at, name)):
            size = sum(len(c.encode()) for t in threads.values() for c in t.mails.values())
            if threads[name].at > self._now() - RETENTION_MS and size <= self._most_bytes:
                return
            self._drop(name)

    def _drop(self, name: str) -> None:
        for mail_id in self._era.threads.pop(name).mails:
            self._era.thread_of.pop(mail_id, None)

    def forget(self, address: str) -> int:
        """See `Mirror.forget`."""
        with self._lock:
            found = [
                name
                for name, thread in self._era.threads.items()
                if any(mentions(content, address) for content in thread.mails.values())
            ]
            for name in found:
                self._drop(name)
            return len(found)

    def wrote(self, mail_id: str) -> None:
        """See `Mirror.wrote`."""
        with self._lock:
            thread = self._era.thread_of.get(mail_id)
            if thread:
                self._era.threads[thread].wrote = self._now()

    def off(self, milliseconds: int) -> None:
        """See `Mirror.off`."""
        with self._lock:
            self._off_until, self._era.cursor = self._now() + milliseconds, ""

    def view(self, mail_id: str) -> View:
        """See `Mirror.view`."""
        with self._lock:
            now, name = self._now(), self._era.thread_of.get(mail_id, "")
            thread = self._era.threads.get(name, _Thread())
            return View(
                now=now,
                as_of=self._era.as_of,
                filled=self._era.filled,
                off=self._off_until > now,
                thread=name,
                whole=thread.whole,
                wrote=thread.wrote,
                full=self._full,
                mails=tuple(thread.mails.values()),
            )

    def replies(self, *, age: int, most: int) -> list[str]:
        """See `Mirror.replies`."""
        with self._lock:
            ripe = [(at, name) for name, at in self._replies.items() if at <= self._now() - age]
            return [name for _, name in sorted(ripe)[:most]]

    def check_off(self, mail_id: str) -> None:
        """See `Mirror.check_off`."""
        with self._lock:
            self._replies.pop(mail_id, None)

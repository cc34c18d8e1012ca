"""The provider's side: delivers webhooks, and again until somebody takes them."""

import heapq
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

import httpx

from chaos.mails import Call

_THREADS: Final = 24
_FIRST_PAUSE: Final = 0.3
_LONGEST_PAUSE: Final = 5.0
_ASIDE: Final = 0.2


class Sender:
    """Makes planned calls at their time, from many threads; what fails is tried again.

    Args:
        deliver: posts a webhook.
        announce: adds a mail to the provider's own history.
        calls: what to do, by time.

    Attributes:
        accepted: keys of the mails for which any delivery was answered with 2xx.
        answers: how often each answer came, by status; 0 is none at all.

    """

    def __init__(
        self,
        deliver: Callable[[Call], httpx.Response],
        announce: Callable[[Call], httpx.Response],
        calls: Sequence[Call],
    ) -> None:
        self._deliver, self._announce = deliver, announce
        self._left: list[tuple[float, Call]] = [(call.at, call) for call in calls]
        self._tries: Counter[tuple[str, int]] = Counter()
        self._unfinished = len(calls)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._started = 0.0
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(_THREADS)]
        self.mails = {call.mail for call in calls}
        self.deliveries = 0
        self.accepted: set[str] = set()
        self.answers: Counter[int] = Counter()

    def start(self) -> None:
        """Begin; the calls' times count from here."""
        self._started = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, finished or not."""
        self._over.set()
        for thread in self._threads:
            if thread.ident:
                thread.join(15)

    @property
    def is_done(self) -> bool:
        """Say whether every call was made and taken."""
        return not self._unfinished

    def _run(self) -> None:
        while not self._over.is_set() and self._unfinished:
            call = self._next()
            if call is None:
                self._over.wait(_ASIDE / 10)
            elif self._is_taken(call):
                with self._lock:
                    self._unfinished -= 1
            else:
                self._again(call)

    def _next(self) -> Call | None:
        with self._lock:
            if self._left and self._left[0][0] <= time.monotonic() - self._started:
                return heapq.heappop(self._left)[1]
            return None

    def _is_taken(self, call: Call) -> bool:
        status = 0
        with suppress(httpx.HTTPError):
            status = (self._announce if call.lead else self._deliver)(call).status_code
        taken = status // 100 == 2  # noqa: PLR2004 - the HTTP status class
        if not call.lead:
            with self._lock:
                self.deliveries += 1
                self.answers[status] += 1
                if taken:
                    self.accepted.add(call.mail)
        return taken

    def _again(self, call: Call) -> None:
        with self._lock:
            tries = self._tries[call.mail, call.number]
            self._tries[call.mail, call.number] += 1
            pause = min(_FIRST_PAUSE * 2 ** min(tries, 8), _LONGEST_PAUSE)
            at = time.monotonic() - self._started + pause
            heapq.heappush(self._left, (at, replace(call, at=at)))

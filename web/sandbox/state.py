"""What the sandbox remembers: threads, replies, faults and counts, in memory, without HTTP."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from web.sandbox.faults import Fault, Plan
from web.sandbox.mails import (
    RECEIVED,
    SENT,
    JsonObject,
    Mail,
    Thread,
    both_forms,
    given_thread,
    invented_thread,
    stamp,
    to_html,
)
from web.sandbox.refusal import Refusal


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class Sandbox:
    """Everything the stand-in remembers; every public method may be called from any thread.

    `clock` returns the time, aware; `dice` a number from 0 up to 1, for a fault's `share`.
    """

    clock: Callable[[], datetime] = _utc_now
    dice: Callable[[], float] = random.random
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _threads: dict[str, Thread] = field(default_factory=dict)
    _sent: list[JsonObject] = field(default_factory=list)
    _faults: list[Fault] = field(default_factory=list)
    _requests: Counter[str] = field(default_factory=Counter)

    def draw(self, call: str, lead_id: str) -> Plan:
        """Return what befalls this call, and count the faults that strike it as used.

        An unknown lead is refused here, before any fault is used up.
        """
        plan = Plan()
        with self._lock:
            self._thread(lead_id)
            left: list[Fault] = []
            for fault in self._faults:
                may_strike = plan.has_room(fault) and fault.concerns(call, lead_id)
                if may_strike and self.dice() < fault.share:
                    plan.add(fault)
                    left += fault.after_strike()
                else:
                    left.append(fault)
            self._faults = left
        return plan

    def history(self, lead_id: str, lag: float = 0.0) -> list[JsonObject]:
        """Return the e-mails of a lead, oldest first, without replies younger than `lag`."""
        with self._lock:
            now = self.clock()
            mails = self._thread(lead_id).mails
            return [mail.fields for mail in mails if mail.is_shown(now, lag)]

    def reply(self, lead_id: str, subject: str, body: str, lag: float = 0.0) -> JsonObject:
        """Accept a reply and return its e-mail; the history shows it `lag` seconds later."""
        given = {"subject": subject, "body": {"text": "", "html": to_html(body)}}
        with self._lock:
            mail = self._add(lead_id, SENT, given, lag)
            told = {"lead_id": lead_id, "subject": subject, "body": body}
            self._sent.append(told | {"id": mail.fields["id"], "at": stamp(mail.created)})
        return mail.fields

    def receive(self, lead_id: str, text: str, given: JsonObject) -> JsonObject:
        """Add an e-mail from the lead and return it; `given` may hold `subject` and `id`."""
        with self._lock:
            return self._add(lead_id, RECEIVED, given | {"body": both_forms(text)}).fields

    def replace_thread(self, lead_id: str, emails: list[JsonObject]) -> None:
        """Put these e-mails in the place of a lead's thread; what they leave out is filled in."""
        thread = given_thread(lead_id, emails, self.clock())
        with self._lock:
            self._threads[lead_id] = thread

    def add_fault(self, fault: Fault) -> None:
        """Add a fault; of several that fit, the oldest strikes first."""
        with self._lock:
            self._faults.append(fault)

    def clear_faults(self) -> None:
        """Remove every fault."""
        with self._lock:
            self._faults.clear()

    def count(self, request: str) -> None:
        """Count a request under a name."""
        with self._lock:
            self._requests[request] += 1

    def requests(self) -> dict[str, int]:
        """Return how often each kind of request came."""
        with self._lock:
            return dict(self._requests)

    def sent(self) -> list[JsonObject]:
        """Return every reply that was accepted, in that order, with its id and its time."""
        with self._lock:
            return list(self._sent)

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            for memory in (self._threads, self._sent, self._faults, self._requests):
                memory.clear()

    def _thread(self, lead_id: str) -> Thread:
        if lead_id not in self._threads:
            if lead_id.startswith("unknown-"):
                raise Refusal(404, "Resource not found")
            self._threads[lead_id] = invented_thread(lead_id, self.clock())
        return self._threads[lead_id]

    def _add(self, lead_id: str, ue_type: int, given: JsonObject, lag: float | None = None) -> Mail:
        thread, now = self._thread(lead_id), self.clock()
        mail = Mail(created=now, fields=thread.fields(ue_type, now, given), lag=lag)
        self._threads[lead_id] = thread.plus(mail)
        return mail

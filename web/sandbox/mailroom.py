"""Every e-mail of the sandbox: by lead, by thread, by its own id, or all of them."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from web.sandbox.mails import (
    RECEIVED,
    SENT,
    Mail,
    Thread,
    both_forms,
    given_thread,
    invented_thread,
    pitched,
    to_html,
)
from web.sandbox.names import JsonObject, derived, stamp
from web.sandbox.refusal import Refusal


@dataclass(slots=True, kw_only=True)
class Mailroom:
    """Threads and what was sent in them; every public method may be called from any thread.

    `clock` returns the time, aware.
    """

    clock: Callable[[], datetime]
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _threads: dict[str, Thread] = field(default_factory=dict)
    _leads: dict[str, str] = field(default_factory=dict)
    """An e-mail's id → its lead's."""

    _sent: list[JsonObject] = field(default_factory=list)

    def thread(self, lead_id: str) -> Thread:
        """Return a lead's thread, invented where nobody told of it; some leads are refused."""
        with self._lock:
            return self._thread(lead_id)

    def thread_of(self, mail_id: str) -> Thread:
        """Return the thread of an e-mail, or refuse."""
        with self._lock:
            return self._threads[self._lead_of(mail_id)]

    def thread_called(self, thread_id: str) -> Thread | None:
        """Return the thread of that id."""
        with self._lock:
            return self._called(thread_id)

    def history(self, lead_id: str, lag: float = 0.0) -> list[JsonObject]:
        """Return the e-mails of a lead, oldest first, without replies younger than `lag`."""
        with self._lock:
            return self._shown(self._thread(lead_id).mails, lag)

    def everything(self, lag: float = 0.0) -> list[JsonObject]:
        """Return the e-mails of all leads, oldest first, without replies younger than `lag`."""
        with self._lock:
            mails = [mail for thread in self._threads.values() for mail in thread.mails]
            return self._shown(sorted(mails, key=lambda mail: mail.created), lag)

    def mail(self, mail_id: str, lag: float = 0.0) -> JsonObject:
        """Return one e-mail, or refuse."""
        with self._lock:
            mails = self._threads[self._lead_of(mail_id)].mails
            shown = self._shown([m for m in mails if m.fields["id"] == mail_id], lag)
        if not shown:
            raise Refusal(404, "Resource not found")
        return shown[0]

    def reply(
        self, lead_id: str, told: JsonObject, text: str, html: str | None = None, lag: float = 0.0
    ) -> JsonObject:
        """Accept a reply and return its e-mail; the history shows it `lag` seconds later.

        `told`: what the caller said, for the list of what was sent.
        """
        body = {"text": "", "html": to_html(text) if html is None else html}
        with self._lock:
            mail = self._add(lead_id, SENT, {"subject": told["subject"], "body": body}, lag)
            self._sent.append(told | {"id": mail.fields["id"], "at": stamp(mail.created)})
        return mail.fields

    def receive(
        self, lead_id: str, text: str, given: JsonObject, lag: float | None = None
    ) -> JsonObject:
        """Add an e-mail from the lead and return it; `given`: any of its fields.

        Where `lag` is given, the history shows it so many seconds later.
        """
        with self._lock:
            given = {"body": both_forms(text)} | given
            return self._add(lead_id, RECEIVED, given, lag).fields

    def open_thread(
        self, lead_id: str, lead: str, eaccount: str, subject: str, campaign_id: str
    ) -> None:
        """Begin a thread with the campaign's e-mail, unless the lead has one."""
        thread = Thread(
            lead_id=lead_id,
            lead=lead,
            eaccount=eaccount,
            thread_id=str(derived("thread", lead_id)),
            subject=subject,
            campaign_id=campaign_id,
        )
        with self._lock:
            if lead_id not in self._threads:
                self._put(pitched(thread, self.clock()))

    def replace_thread(self, lead_id: str, emails: list[JsonObject]) -> None:
        """Put these e-mails in the place of a lead's thread; what they leave out is filled in."""
        thread = given_thread(lead_id, emails, self.clock())
        with self._lock:
            self._put(thread)

    def mark_read(self, thread_id: str) -> bool:
        """Mark the e-mails of a thread as read; false where there is none of that id."""
        with self._lock:
            thread = self._called(thread_id)
            if thread is not None:
                read = tuple(mail.with_fields(is_unread=0) for mail in thread.mails)
                self._put(replace(thread, mails=read))
        return thread is not None

    def sent(self) -> list[JsonObject]:
        """Return every reply that was accepted, in that order, with its id and its time."""
        with self._lock:
            return list(self._sent)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            for memory in (self._threads, self._leads, self._sent):
                memory.clear()

    def _thread(self, lead_id: str) -> Thread:
        if lead_id not in self._threads:
            if lead_id.startswith("unknown-"):
                raise Refusal(404, "Resource not found")
            self._put(invented_thread(lead_id, self.clock()))
        return self._threads[lead_id]

    def _called(self, thread_id: str) -> Thread | None:
        found = (t for t in self._threads.values() if t.thread_id == thread_id)
        return next(found, None)

    def _lead_of(self, mail_id: str) -> str:
        if mail_id not in self._leads:
            raise Refusal(404, "Resource not found")
        return self._leads[mail_id]

    def _put(self, thread: Thread) -> None:
        self._threads[thread.lead_id] = thread
        self._leads |= {mail.fields["id"]: thread.lead_id for mail in thread.mails}

    def _add(self, lead_id: str, ue_type: int, given: JsonObject, lag: float | None = None) -> Mail:
        thread, now = self._thread(lead_id), self.clock()
        mail = Mail(created=now, fields=thread.fields(ue_type, now, given), lag=lag)
        self._put(thread.plus(mail))
        return mail

    def _shown(self, mails: Sequence[Mail], lag: float) -> list[JsonObject]:
        now = self.clock()
        return [mail.fields for mail in mails if mail.is_shown(now, lag)]

"""Tells the provider what became of an event: one small call each, tried again until it is done.

What is owed was written down with the event's own step. Nothing here touches the event, and no
answer ever waits for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from worker.contracts.email.emails import Emails
from worker.contracts.email.leads import BlockList, Leads
from worker.contracts.lenient import identity
from worker.deeds import Deed, Deeds
from worker.domain import deeds
from worker.domain.errors import AutoreplyError, GiveUp, NoScope, OutcomeUnknown, TryLater
from worker.domain.interest import Interest, interest_word
from worker.domain.record import Record
from worker.http import ApiClient
from worker.mails import Mirror
from worker.ports import Ledger

WRITE_BACK: Final = "write_back"
"""The chore."""

EVERY: Final = timedelta(seconds=5)
LEASE: Final = timedelta(minutes=2)
MOST_TRIES: Final = 10
"""With growing waits between them, these take most of a working day."""

_FIRST_WAIT: Final = 30.0
_LONGEST_WAIT: Final = 7200.0
_NO_SCOPE_WAIT: Final = 600.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whether, and for which events, the provider is told.

    Attributes:
        is_on: `write_back` in `_settings.yaml`.
        speaks: whether an event is one of the contract that has these calls.

    """

    is_on: Callable[[], bool]
    speaks: Callable[[Record], bool]


class WriteBack:
    """Does what is owed, one deed in a run.

    Args:
        client: calls the provider.
        owed: what is to be done.
        ledger: knows the events, and whether the API is to be left alone.
        mirror: knows the conversation of a mail.
        wanted: whether it is to be done at all.

    """

    def __init__(
        self, client: ApiClient, *, owed: Deeds, ledger: Ledger, mirror: Mirror, wanted: Wanted
    ) -> None:
        self._emails = Emails(client)
        self._leads = Leads(client)
        self._blocked = BlockList(client)
        self._owed = owed
        self._ledger = ledger
        self._mirror = mirror
        self._wanted = wanted

    def __call__(self) -> float | None:
        """Do one deed; return 0 where there was one, None where nothing is due.

        Raises:
            TryLater: nothing may be asked of the API for now.

        """
        deed = None if self._ledger.held_off() else self._owed.take_deed()
        if deed is None:
            return None
        record = self._ledger.record(deed.key)
        if record and self._wanted.is_on() and self._wanted.speaks(record):
            self._attend(deed, record)
        else:
            self._owed.end_deed(deed, "left_out")
        return 0.0

    def _attend(self, deed: Deed, record: Record) -> None:
        try:
            said = self._do(deed.name, record)
        except GiveUp as error:
            self._fail(deed, error)
        except NoScope as error:
            _log.warning("write_back_waits", key=deed.key, deed=deed.name, why=error.detail)
            self._owed.put_off_deed(deed, round(1000 * _NO_SCOPE_WAIT), counts=False)
        except (TryLater, OutcomeUnknown) as error:
            self._try_again(deed, error)
        else:
            self._owed.end_deed(deed, "done", f"write-back: {said}")

    def _try_again(self, deed: Deed, error: TryLater | OutcomeUnknown) -> None:
        """Come back to it; what is no trouble of this one deed stops them all."""
        if isinstance(error, TryLater) and not error.counts:
            self._owed.put_off_deed(deed, round(1000 * (error.wait or 0.0)), counts=False)
            raise error
        if deed.tries + 1 >= MOST_TRIES:
            self._fail(deed, error)
            return
        wait = min(_FIRST_WAIT * 2**deed.tries, _LONGEST_WAIT)
        self._owed.put_off_deed(deed, round(1000 * wait))

    def _fail(self, deed: Deed, error: AutoreplyError) -> None:
        _log.error("write_back_failed", key=deed.key, deed=deed.name, why=str(error))
        self._owed.end_deed(deed, "failed", f"write-back of {deed.name} failed: {error}")

    def _do(self, name: str, record: Record) -> str:
        """Do a deed; return what is so now, in words."""
        interest = deeds.interest_of(name)
        if interest is not None:
            return self._set_interest(record, interest)
        match name:
            case deeds.UNSUBSCRIBE:
                self._leads.set_interest(record.lead_email, Interest.NOT_INTERESTED)
                return "not interested, in no campaign"
            case deeds.BLOCK:
                self._blocked.add(record.lead_email)
                return "the address is on the block list"
            case deeds.LEAVE:
                return f"taken out of {self._leave(record.lead_email)} follow-up sequences"
            case deeds.READ:
                self._emails.mark_read(self._thread_of(record.mail_id))
                return "the thread is marked as read"
            case _:
                raise GiveUp("unknown_deed", f"{name}; a newer version wrote it")

    def _set_interest(self, record: Record, interest: int) -> str:
        """Set the lead's interest; an absence is no news of a lead whose mind is known."""
        if interest == Interest.OUT_OF_OFFICE:
            known = [
                lead.interest for lead in self._leads.find(record.lead_email, record.campaign_id)
            ]
            if said := next(filter(None, known), None):
                return f"interest stays {interest_word(said)}"
        self._leads.set_interest(record.lead_email, interest, record.campaign_id)
        return f"interest is {interest_word(interest)}"

    def _leave(self, email: str) -> int:
        inside = [lead.id for lead in self._leads.find(email) if lead.subsequence_id]
        for lead_id in inside:
            self._leads.leave_subsequence(lead_id)
        return len(inside)

    def _thread_of(self, mail_id: str) -> str:
        thread = self._mirror.view(mail_id).thread
        thread = thread or identity(self._emails.get(mail_id), "thread_id")
        if not thread:
            raise GiveUp("no_thread", f"nobody knows the thread of mail {mail_id}")
        return thread

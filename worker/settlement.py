"""How work on an event ends, and how a doubt is settled: by looking, never by posting."""

from collections.abc import Callable, Sequence
from typing import Final

from worker.domain import doubts
from worker.domain.deeds import owed_at
from worker.domain.doubts import Finding
from worker.domain.errors import Behind, GiveUp, OutcomeUnknown, Paced, TryLater
from worker.domain.model import Draft, ReplyEvent, Thread, TraceLine
from worker.domain.progress import State
from worker.ports import Claim, Ledger, MailApi

_PATIENCE: Final = 2
"""Settle times for which a history that cannot be read is tried again."""


def _no_interest(_: str) -> int | None:
    return None


class Closing:
    """Writes an event's end into the ledger and says it in two or three words.

    Args:
        ledger: keeps it.
        interest: the interest that a template sets, by its name; None for nothing.

    """

    def __init__(
        self, ledger: Ledger, interest: Callable[[str], int | None] = _no_interest
    ) -> None:
        self._ledger = ledger
        self._interest = interest

    def end(
        self, claim: Claim, state: State, reason: str, *, detail: str = "", template: str = "",
        draft: Draft | None = None, trace: tuple[TraceLine, ...] = (),
        thread: Thread | None = None, deeds: Sequence[str] = (),
    ) -> str:  # fmt: skip
        """Skip, hold or fail an event; what is held is kept with its conversation.

        `deeds` are owed beyond those that the end asks for.
        """
        shown = thread.messages if thread and state is State.HELD else ()
        owed = (*owed_at(state, reason, self._interest(template)), *deeds)
        self._ledger.close(
            claim, state, reason, detail=detail, template=template, draft=draft, trace=trace,
            thread=shown, deeds=owed,
        )  # fmt: skip
        about = template or (draft.template if draft else "")
        return f"{state} {reason} {about}".strip()

    def sent(self, claim: Claim, template: str, how: str, sent_id: str) -> str:
        """Record that the answer is out."""
        owed = owed_at(State.SENT, how, self._interest(template))
        self._ledger.close(claim, State.SENT, how, sent_id=sent_id, deeds=owed)
        return f"sent {template}"


class Settlement:
    """Finds out whether a request arrived whose answer nobody saw.

    Args:
        closing: ends events.
        ledger: keeps the doubts.
        settle: milliseconds for which the history is looked at before the answer is sent
            once more.

    """

    def __init__(self, closing: Closing, ledger: Ledger, settle: int) -> None:
        self._closing = closing
        self._ledger = ledger
        self._settle = settle

    def begin(self, claim: Claim, error: OutcomeUnknown, *, hold: bool) -> str:
        """Write the doubt down, and when to look first: at once where a person is asked."""
        look_at = 0 if hold else doubts.next_look(claim.now, claim.now, self._settle)
        self._ledger.doubt(claim, error.reason, look_at=look_at, detail=error.detail)
        return f"doubt {error.reason}"

    def settle(self, claim: Claim, event: ReplyEvent, api: MailApi | None, *, hold: bool) -> str:
        """Look at the thread once, and act on what it shows.

        `hold`: what one look does not show is a person's to settle (`doubt: hold`).
        """
        record = claim.record
        if record.doubts > 1 or record.draft is None or api is None:
            return self._hold(claim, "second_doubt", record.detail)
        try:
            thread = self._thread(claim, event, api, hold=hold)
        except (GiveUp, TryLater) as error:
            return self._unreadable(claim, error, hold=hold)
        look = doubts.look_for(record.draft, thread, record.seen)
        return self._act(claim, record.draft, look, thread, hold=hold)

    def _thread(self, claim: Claim, event: ReplyEvent, api: MailApi, *, hold: bool) -> Thread:
        """Read the thread; for the last look from the provider itself, not from a mirror.

        An answer that a mirror shows is there. That it shows none says little: the provider
        may have listed it late.
        """
        is_last = hold or self._is_over(claim)
        try:
            thread = api.thread(event)
        except Behind:
            if not is_last:
                raise
            return api.look(event)
        return api.look(event) if is_last and thread.as_of else thread

    def _unreadable(self, claim: Claim, error: GiveUp | TryLater, *, hold: bool) -> str:
        """Look again, as long as that may help; our own pace is no reason to ask a person."""
        wait = error.wait if isinstance(error, Behind | Paced) else None
        is_hopeless = isinstance(error, GiveUp) or (hold and wait is None)
        if is_hopeless or self._is_over(claim, times=_PATIENCE):
            return self._hold(claim, "doubt_unreadable", str(error))
        return self._look_again(claim, str(error), wait=wait)

    def turned_up(self, claim: Claim, thread: Thread) -> str:
        """Record an answer that was in doubt and shows after all; "" where none does."""
        record = claim.record
        if not (record.doubts and record.tried and record.state is State.WAITING):
            return ""
        look = doubts.look_for(record.tried, thread, record.seen)
        if look.finding is not Finding.OURS or look.message is None:
            return ""
        return self._closing.sent(claim, record.tried.template, "found_in_history", look.message.id)

    def _act(
        self, claim: Claim, draft: Draft, look: doubts.Look, thread: Thread, *, hold: bool
    ) -> str:
        found = look.message.id if look.message else ""
        match look.finding:
            case Finding.OURS:
                return self._closing.sent(claim, draft.template, "found_in_history", found)
            case Finding.SEVERAL:
                return self._hold(claim, "doubt_several", f"the first one is {found}", thread)
            case Finding.SOMEBODY_ELSE:
                return self._closing.end(
                    claim, State.SKIPPED, "answered_already", detail=f"by mail {found}"
                )
            case Finding.NOTHING if hold:
                why = "not in the history; see the mailbox"
                return self._hold(claim, "doubt_held", why, thread)
            case Finding.NOTHING if self._is_over(claim):
                self._ledger.wait(claim, "never_arrived", until=0)
                return "waiting never_arrived"
            case Finding.NOTHING:
                return self._look_again(claim, "not in the history yet")

    def _is_over(self, claim: Claim, *, times: int = 1) -> bool:
        return claim.now >= claim.record.doubt_at + times * self._settle

    def _look_again(self, claim: Claim, detail: str, *, wait: float | None = None) -> str:
        look_at = doubts.next_look(claim.record.doubt_at, claim.now, self._settle)
        if wait is not None:
            look_at = claim.now + int(1000 * wait)
        self._ledger.doubt(claim, claim.record.reason, look_at=look_at, detail=detail)
        return f"doubt {claim.record.reason}"

    def _hold(self, claim: Claim, reason: str, detail: str, thread: Thread | None = None) -> str:
        return self._closing.end(claim, State.HELD, reason, detail=detail, thread=thread)

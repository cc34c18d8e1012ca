"""The seams of the service: what the pipeline asks of the world."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from worker.domain.model import Caps, Draft, Message, ReplyEvent, Tally, Thread, TraceLine
from worker.domain.progress import State
from worker.domain.record import HistoryLine, Record
from worker.domain.search import Page, Query
from worker.domain.timing import Times


class MailApi(Protocol):
    """The provider's API for one event."""

    def thread(self, event: ReplyEvent) -> Thread:
        """Return the conversation's e-mails, oldest first; `as_of` says how old that is.

        Raises:
            TryLater: the API is away, busy or refuses the key.
            GiveUp: it has no such conversation.

        """
        ...

    def look(self, event: ReplyEvent) -> Thread:
        """Return the same, asked of the provider now: what is not in it is not there."""
        ...

    def reply(self, event: ReplyEvent, draft: Draft, at_the_door: Callable[[], None]) -> str:
        """Post the answer; return the provider's id of it, "" where it tells none.

        The event names mail and mailbox as the thread does, where that shows the mail.
        `at_the_door` has to be called on an open connection right before the request is
        written; where it raises, nothing may be sent.

        Raises:
            TryLater: surely not sent.
            GiveUp: refused for good.
            OutcomeUnknown: it may have been sent.

        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What became of a delivery; `key` is the first one's where it is a duplicate."""

    key: str
    status: Literal["queued", "duplicate", "ignored"]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to work on one event, until the lease runs out.

    Attributes:
        paused: the pause that covers the event: `*`, a campaign's id, or "".
        hold_off: milliseconds for which the whole workspace's API is left alone.
        suppressed: the lead or its address asked us to stop.
        domain_suppressed: somebody at its company did.
        answers: the mails that went out in the conversation → the inbound mail each answers.
        lifted: when a suppression of the lead was taken back (milliseconds); 0 for never.
        doubted: when a request of the conversation was last in doubt (milliseconds); 0 for never.
        now: the store's clock, milliseconds since the epoch.

    """

    record: Record
    token: int
    paused: str = ""
    hold_off: int = 0
    suppressed: bool = False
    domain_suppressed: bool = False
    tally: Tally = field(default_factory=Tally)
    answers: Mapping[str, str] = field(default_factory=dict)
    lifted: int = 0
    doubted: int = 0
    now: int = 0


@dataclass(frozen=True, slots=True)
class NotNow:
    """Why an event cannot be worked on at the moment."""

    reason: Literal["gone", "newer", "resting", "early", "busy"]
    state: State | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """All that the last check before the request needs to know.

    `mail`: the inbound mail that is answered; one answer is allowed for it, ever.
    `seen`: ids of the outgoing mails that are in the thread now.
    `people`: who gets it, beyond those the event names (`worker.ledger.accounts.person`).
    """

    draft: Draft
    mail: str
    seen: frozenset[str]
    mailbox: str
    caps: Caps
    people: Sequence[str] = ()
    trace: Sequence[TraceLine] = ()


Refusal = Literal["opted_out", "paused", "answered_already", "cap"]


class Ledger(Protocol):
    """The truth about every event. Every method is one atomic step."""

    def accept(self, event: ReplyEvent, payload: str) -> Acceptance:
        """Record a delivery: a new event, or one more fact of a known one.

        `payload` is the delivery as JSON text. Signals take effect in the same step.
        """
        ...

    def quarantine(self, body: str, reason: str, headers: Mapping[str, str]) -> str:
        """Keep a genuine delivery that cannot be used; return its key."""
        ...

    def release(self, key: str) -> None:
        """Drop a quarantined delivery that was accepted as an event."""
        ...

    def claim(self, key: str) -> Claim | NotNow:
        """Take the lease on the event's conversation, with a new fencing token.

        An event found in `sending` was left there by a worker that died: it becomes a
        doubt.
        """
        ...

    def bind(self, claim: Claim, mail_id: str) -> str:
        """Tie the event to its e-mail; return the key of the event that owns the mail."""
        ...

    def wait(
        self, claim: Claim, reason: str, *, until: int, detail: str = "", parked: str = "",
        counts: bool = False, draft: Draft | None = None, trace: Sequence[TraceLine] = (),
        thread: Sequence[Message] = (), deeds: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Let the lease go; the event comes back at `until`, in milliseconds.

        `parked` names what it waits for: when that ends, it comes back at once. Of `thread` a
        compact copy is kept beside the draft, for people to read. `deeds` are owed to the
        provider's side from now on (`worker.deeds`).

        Raises:
            LeaseLost: somebody else has the event.

        """
        ...

    def close(
        self, claim: Claim, state: State, reason: str, *, detail: str = "", sent_id: str = "",
        template: str = "", draft: Draft | None = None, trace: Sequence[TraceLine] = (),
        thread: Sequence[Message] = (), deeds: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """End the work on an event: sent, skipped, held or failed; see `wait` for `thread`.

        Raises:
            LeaseLost: somebody else has the event.

        """
        ...

    def sending(self, claim: Claim, attempt: Attempt) -> Refusal | None:
        """Check everything once more and write down that the request is about to leave.

        Raises:
            LeaseLost: somebody else has the event.

        """
        ...

    def doubt(self, claim: Claim, reason: str, *, look_at: int, detail: str = "") -> None:
        """Write down that the request's outcome is unknown; look again at `look_at`.

        Raises:
            LeaseLost: somebody else has the event.

        """
        ...

    def suppress(self, people: Sequence[str], reason: str) -> None:
        """Never answer these leads and addresses again."""
        ...

    def lift(self, people: Sequence[str]) -> int:
        """Take back a suppression; return how many of them were suppressed.

        What they wrote before now is no opt-out any longer.
        """
        ...

    def hold_off(self, milliseconds: int, reason: str, detail: str = "") -> bool:
        """Leave the API alone for a while; true where nobody had said so yet."""
        ...

    def hold_reason(self) -> tuple[str, str]:
        """Return why the API is left alone just now, reason and detail; "" where it is not."""
        ...

    def unpark(self, name: str) -> int:
        """Bring back the events that wait for something; return how many that wakes."""
        ...

    def take_due(self, most: int) -> list[str]:
        """Take what is due, moving each taken event's time forward by the lease."""
        ...

    def approve(
        self, key: str, by: str, draft: Draft | None = None, *, seen: int | None = None,
        after: int = 0,
    ) -> Record:  # fmt: skip
        """Let a held draft, or the given one, go out; `after` so many milliseconds.

        `seen` is the token of the record that was looked at: only that one is approved.

        Raises:
            NotPossible: the event is not held, has no draft, or has changed since.

        """
        ...

    def take_back(self, key: str, by: str) -> Record:
        """Hold an answer that waits, approved or not, before it leaves.

        Raises:
            NotPossible: it does not wait.

        """
        ...

    def skip(self, key: str, by: str, *, seen: int | None = None) -> Record:
        """Decide that an event gets no answer; see `approve` for `seen`.

        Raises:
            NotPossible: it is finished, its request is out, or it has changed since.

        """
        ...

    def retry(self, key: str, by: str) -> Record:
        """Start a failed or skipped event again.

        Raises:
            NotPossible: it is neither.

        """
        ...

    def pause(self, scope: str) -> None:
        """Send nothing: for a campaign's id, or `*` for all."""
        ...

    def resume(self, scope: str) -> int:
        """End a pause; return how many events that wakes."""
        ...

    def pauses(self) -> list[str]:
        """Return what is paused."""
        ...

    def record(self, key: str) -> Record | None:
        """Return one event's row."""
        ...

    def knows(self, mail_id: str) -> bool:
        """Say whether there is an event about an e-mail, or was one."""
        ...

    def history(self, key: str) -> list[HistoryLine]:
        """Return the steps an event took, oldest first."""
        ...

    def records(self, state: State | None, most: int) -> list[Record]:
        """Return the newest events, of one state or of all."""
        ...

    def search(self, query: Query, most: int, after: str = "") -> Page:
        """Return events that fit a query, the newest first.

        `after` is the `following` of the page before. A page that is hard to fill may have
        fewer than `most` events, and a following one all the same.

        Raises:
            ValueError: `after` is no such thing.

        """
        ...

    def forget(self, people: Sequence[str]) -> tuple[int, int]:
        """Erase these leads' and addresses' events; return how many, and how many must stay.

        An event whose request is out stays until that is settled.
        """
        ...

    def keys_since(self, moment: int) -> list[str]:
        """Return what was accepted since a moment (milliseconds), the oldest first."""
        ...

    def rows(self, keys: Sequence[str]) -> list[Record]:
        """Return the rows of these keys, without those that are gone."""
        ...

    def counts(self) -> dict[State, int]:
        """Return how many events there are in each state."""
        ...

    def outcomes(self) -> dict[tuple[str, str], int]:
        """Return how often each (state, reason) was reached since the ledger began."""
        ...

    def variants(self) -> dict[tuple[str, str], int]:
        """Return how many answers of each (template, variant) were sent since it began."""
        ...

    def answer_times(self) -> Times:
        """Return how long the answers took that were sent since it began."""
        ...

    def hourly(self, hours: int) -> dict[int, dict[tuple[str, str], int]]:
        """Return what `outcomes` counts, of the last hours alone; at most 35 days are kept.

        Each hour is named by its begin (milliseconds), the oldest first.
        """
        ...

    def size(self, query: Query) -> int:
        """Return how many events fit at most; exact where no more than one thing is asked."""
        ...

    def held_off(self) -> int:
        """Return for how many milliseconds the API is left alone."""
        ...

    def due(self) -> tuple[int, int]:
        """Return how many events are due or planned, and the oldest one's lateness (ms)."""
        ...

    def seen_alive(self, worker: str) -> None:
        """Say that a worker is there."""
        ...

    def workers(self) -> list[str]:
        """Return the workers seen within half a minute."""
        ...

    def sweep(self) -> int:
        """Forget what has been finished for the retention time; return how many."""
        ...

    def ping(self) -> None:
        """Raise unless the store answers."""
        ...

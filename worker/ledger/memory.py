"""The ledger in memory: the same promises for one process, forgotten when it ends.

Rows hold the same text fields as the Redis hashes; the steps are those of `scripts/*.lua`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from worker.domain.errors import LeaseLost, NotPossible
from worker.domain.model import Caps, Draft, Message, Tally, TraceLine
from worker.domain.progress import AT_RISK, RESTING, WAKEABLE, State
from worker.domain.record import Record, from_fields, is_newer, known_state
from worker.ledger import accounts
from worker.ledger.memory_intake import MemoryIntake
from worker.ledger.memory_rows import HOUR_MS, Row, atomic, count, illegal
from worker.ports import Attempt, Claim, NotNow, Refusal

_SWEPT_AT_ONCE: Final = 1000


@atomic
class MemoryLedger(MemoryIntake):
    """A workspace's ledger; see `worker.ports.Ledger` for what each method promises.

    Args:
        lease: milliseconds for which a claimed conversation is held.
        retention: milliseconds for which finished events are kept.
        now: milliseconds since the epoch; replaces the machine's clock in tests.

    """

    def claim(self, key: str) -> Claim | NotNow:
        """See `Ledger.claim`."""
        row = self._row(key)
        if row is None:
            self._due.pop(key, None)
            return NotNow("gone")
        if refused := self._not_now(key, row) or self._busy(key, row):
            return refused
        if State(row["state"]) in WAKEABLE and count(row, "stumbles") > accounts.MOST_STUMBLES:
            self._step(key, State.HELD, "stumbled")
            self._plan(key, None)
            return NotNow("resting", State.HELD)
        conversation = row["conversation"]
        self._parked.get(f"conv:{conversation}", set()).discard(key)
        count(row, "token")
        self._holders[conversation] = (key, self._at + self._lease)
        self._due[key] = self._at + self._lease
        if row["state"] == State.SENDING:
            self._step(key, State.DOUBT, "worker_lost")
            self._count_doubt(row)
        return Claim(
            record=from_fields(key, row),
            token=int(row["token"]),
            paused=self._pause_over(row),
            hold_off=max(self._off_until - self._at, 0),
            suppressed=self._is_suppressed(row),
            domain_suppressed=row.get("company", "") in self._suppressed,
            lifted=max((self._lifted.get(person, 0) for person in self._people(row)), default=0),
            doubted=self._doubted.get(conversation, 0),
            tally=self._tally(key, row, row.get("mailbox", "")),
            answers=dict(self._answers_in.get(conversation, {})),
            now=self._at,
        )

    def _not_now(self, key: str, row: Row) -> NotNow | None:
        if is_newer(row):
            return NotNow("newer", known_state(row["state"]))
        state = State(row["state"])
        if state in RESTING:
            self._due.pop(key, None)
            return NotNow("resting", state)
        due_at = int(row.get("due_at") or 0)
        if due_at > self._at:
            self._due[key] = due_at
            return NotNow("early", state)
        return None

    def _busy(self, key: str, row: Row) -> NotNow | None:
        """Park what must wait for another event of its conversation, or for its own lease."""
        conversation, state = row["conversation"], State(row["state"])
        holder, until = self._holders.get(conversation, ("", 0))
        if holder and until > self._at:
            self._due[key] = until
            if holder != key:
                self._park(key, f"conv:{conversation}")
            return NotNow("busy", state)
        if self._open.get(conversation, key) != key:
            self._due[key] = self._at + self._lease
            self._park(key, f"conv:{conversation}")
            if state is State.RECEIVED:
                self._step(key, State.WAITING, "conversation_busy")
            return NotNow("busy", state)
        return None

    def bind(self, claim: Claim, mail_id: str) -> str:
        """See `Ledger.bind`."""
        key, row = claim.record.key, self._held(claim)
        owner = self._fresh(self._pointers.get(f"mail:{mail_id}")) or mail_id
        if owner != key and self._row(owner):
            return owner
        self._point_to(key, [(f"mail:{mail_id}", self._answered_lifetime)])
        row["mail_id"] = mail_id
        return key

    def wait(
        self, claim: Claim, reason: str, *, until: int, detail: str = "", parked: str = "",
        counts: bool = False, draft: Draft | None = None, trace: Sequence[TraceLine] = (),
        thread: Sequence[Message] = (),
        deeds: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """See `Ledger.wait`."""
        fields = {"detail": detail} | accounts.written(draft, trace, thread)
        self._advance(claim, State.WAITING, reason, fields, due=until, parked=parked, counts=counts)
        self._owe(claim.record.key, deeds)

    def close(
        self, claim: Claim, state: State, reason: str, *, detail: str = "", sent_id: str = "",
        template: str = "", draft: Draft | None = None, trace: Sequence[TraceLine] = (),
        thread: Sequence[Message] = (), deeds: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """See `Ledger.close`."""
        told = accounts.told(detail=detail, sent_id=sent_id, template=template)
        self._advance(claim, state, reason, told | accounts.written(draft, trace, thread))
        self._owe(claim.record.key, deeds)

    def doubt(self, claim: Claim, reason: str, *, look_at: int, detail: str = "") -> None:
        """See `Ledger.doubt`."""
        self._advance(claim, State.DOUBT, reason, {"detail": detail}, due=look_at)

    def _advance(
        self, claim: Claim, to: State, reason: str, fields: Mapping[str, str], *,
        due: int | None = None, parked: str = "", counts: bool = False,
    ) -> None:  # fmt: skip
        """Move the holder's event on and let the conversation go."""
        key, row = claim.record.key, self._held(claim)
        before = State(row["state"])
        if to is State.SENDING:  # only `sending` makes this step: it checks everything first
            raise illegal(before, to)
        self._step(key, to, reason)
        if before is State.SENDING:
            self._settle(key, row, to)
        row |= {**fields, "stumbles": ""}
        if counts:
            count(row, "tries")
        if to is State.SENT:
            row["sent_at"] = str(self._at)
            self._count_time(row)
            if variant := row.get("variant"):
                self._variants[row["template"], variant] += 1
            if sent_id := fields.get("sent_id"):
                answers = self._answers_in.setdefault(row["conversation"], {})
                answers[sent_id] = row.get("answering", "")
        if parked.startswith("pause:") and parked.removeprefix("pause:") not in self._paused:
            due, parked = 0, ""
        self._plan(key, due)
        self._let_go(key, row)
        if parked:
            self._park(key, parked)

    def _settle(self, key: str, row: Row, to: State) -> None:
        """Count what was surely not sent for no cap, and what may have been as a doubt."""
        if to is State.DOUBT:
            self._count_doubt(row)
        if to in (State.WAITING, State.FAILED):
            for sends in self._sends_of(row):
                sends.pop((key, row["template"]), None)
        if to is State.FAILED and self._answers(row["answering"]) == _owner(key, row):
            del self._answered[row["answering"]]

    def sending(self, claim: Claim, attempt: Attempt) -> Refusal | None:
        """See `Ledger.sending`."""
        key, row = claim.record.key, self._held(claim)
        conversation, until = row["conversation"], self._at + self._lease
        holder, held_until = self._holders.get(conversation, ("", 0))
        if holder != key or held_until <= self._at:
            raise LeaseLost("lease_lost", key)
        if refused := self._refusal(key, row, attempt):
            return refused
        self._step(key, State.SENDING, attempt.draft.template)
        row |= {**accounts.attempted(attempt), "answering": attempt.mail, "due_at": ""}
        self._answered[attempt.mail] = (_owner(key, row), self._at + self._answered_lifetime)
        for sends in self._sends_of(row):
            sends[key, attempt.draft.template] = self._at
        self._holders[conversation] = (key, until)
        self._due[key] = until
        return None

    def _refusal(self, key: str, row: Row, attempt: Attempt) -> Refusal | None:
        if self._is_suppressed(row, attempt.people):
            return "opted_out"
        if self._pause_over(row):
            return "paused"
        if self._answers(attempt.mail) not in ("", _owner(key, row)):
            return "answered_already"
        tally = self._tally(key, row, attempt.mailbox or row.get("mailbox", ""))
        over = _over(attempt.caps, tally, attempt.draft.template)
        return "cap" if over and not row.get("approved_by") else None

    def suppress(self, people: Sequence[str], reason: str) -> None:
        """See `Ledger.suppress`."""
        self._suppress(people, reason)

    def lift(self, people: Sequence[str]) -> int:
        """See `Ledger.lift`."""
        self._lifted |= dict.fromkeys(people, self._at)
        return sum(self._suppressed.pop(person, None) is not None for person in people)

    def hold_off(self, milliseconds: int, reason: str, detail: str = "") -> bool:
        """See `Ledger.hold_off`."""
        if self._off_until < self._at + milliseconds:
            self._off_until, self._off_why = self._at + milliseconds, (reason, detail)
        if self._told.get(reason, 0) > self._at:
            return False
        self._told[reason] = self._at + HOUR_MS
        return True

    def unpark(self, name: str) -> int:
        """See `Ledger.unpark`."""
        return self._unpark(name)

    def take_due(self, most: int) -> list[str]:
        """See `Ledger.take_due`."""
        planned = sorted((at, key) for key, at in self._due.items() if at <= self._at)
        taken = [key for _, key in planned[:most]]
        self._due |= dict.fromkeys(taken, self._at + self._lease)
        return taken

    def approve(
        self, key: str, by: str, draft: Draft | None = None, *, seen: int | None = None,
        after: int = 0,
    ) -> Record:  # fmt: skip
        """See `Ledger.approve`."""
        row = self._ordered(key, {State.HELD}, seen)
        if not (draft or row.get("draft")):
            raise NotPossible("no_draft", key)
        fields = {"approved_by": by} | accounts.written(draft, ())
        due = self._at + after if after else 0
        return self._order(key, by, State.WAITING, "approved", fields, due=due)

    def take_back(self, key: str, by: str) -> Record:
        """See `Ledger.take_back`."""
        self._ordered(key, {State.WAITING})
        return self._order(key, by, State.HELD, "taken_back", {"approved_by": ""})

    def skip(self, key: str, by: str, *, seen: int | None = None) -> Record:
        """See `Ledger.skip`."""
        self._ordered(key, WAKEABLE | {State.HELD, State.QUARANTINED}, seen)
        return self._order(key, by, State.SKIPPED, "by_hand", {})

    def retry(self, key: str, by: str) -> Record:
        """See `Ledger.retry`."""
        self._ordered(key, {State.FAILED, State.SKIPPED})
        fields = {"tries": "0", "doubts": "0", "approved_by": ""}
        return self._order(key, by, State.RECEIVED, "retry", fields, due=0)

    def _ordered(self, key: str, before: Iterable[State], seen: int | None = None) -> Row:
        row = self._row(key)
        if row is None:
            raise NotPossible("unknown", key)
        if is_newer(row):
            raise NotPossible("newer", key)
        if State(row["state"]) not in before:
            raise NotPossible(row["state"], key)
        if seen not in (None, int(row.get("token") or 0)):
            raise NotPossible("changed", key)
        return row

    def _order(
        self, key: str, by: str, to: State, reason: str, fields: Mapping[str, str], *,
        due: int | None = None,
    ) -> Record:  # fmt: skip
        """Do a person's word; the raised token takes the event from whoever has it."""
        row = self._rows[key]
        self._step(key, to, reason, by)
        row |= {**fields, "detail": "", "stumbles": ""}
        count(row, "token")
        self._plan(key, due)
        self._let_go(key, row)
        return from_fields(key, row)

    def pause(self, scope: str) -> None:
        """See `Ledger.pause`."""
        self._paused.add(scope)

    def resume(self, scope: str) -> int:
        """See `Ledger.resume`."""
        self._paused.discard(scope)
        return self._unpark(f"pause:{scope}")

    def forget(self, people: Sequence[str]) -> tuple[int, int]:
        """See `Ledger.forget`."""
        theirs = [k for k in list(self._rows) if set(people) & set(self._people(self._rows[k]))]
        kept = [key for key in theirs if (r := self._row(key)) and State(r["state"]) in AT_RISK]
        erased = [key for key in theirs if key not in kept and self._row(key)]
        for key in set(theirs) - set(kept):
            self._let_go(key, self._rows[key])
            self._due.pop(key, None)
            self._forget(key)
        return len(erased), len(kept)

    def sweep(self) -> int:
        """See `Ledger.sweep`."""
        gone = sorted((at, key) for key, at in self._expiry.items() if at <= self._at)
        for _, key in gone[:_SWEPT_AT_ONCE]:
            self._forget(key)
        return len(gone[:_SWEPT_AT_ONCE])


def _owner(key: str, row: Row) -> str:
    """Return who answers a mail: a record, since a later one may have the same key."""
    return f"{key} {row['received_at']}"


def _over(caps: Caps, tally: Tally, template: str) -> bool:
    counted = (
        (caps.per_thread, tally.in_thread),
        (caps.per_template, tally.by_template.get(template, 0)),
        (caps.per_lead_day, tally.to_lead_today),
        (caps.per_mailbox_hour, tally.from_mailbox_this_hour),
    )
    return any(cap is not None and count >= cap for cap, count in counted)

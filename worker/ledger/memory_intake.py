"""How deliveries come into the ledger in memory; the steps are those of `accept.lua`."""

import json
from collections.abc import Iterable, Mapping

from worker.domain.model import ReplyEvent
from worker.domain.progress import WAKEABLE, State
from worker.domain.record import RECORD_VERSION
from worker.ledger import accounts
from worker.ledger.memory_deeds import MemoryDeeds
from worker.ledger.memory_rows import atomic
from worker.ports import Acceptance


@atomic
class MemoryIntake(MemoryDeeds):
    """The receiving part of `MemoryLedger`."""

    def accept(self, event: ReplyEvent, payload: str) -> Acceptance:
        """See `Ledger.accept`."""
        announced = event.event_types[0]
        key = accounts.stored_key(event, self._at)
        pointers = accounts.pointers_of(event, self._answered_lifetime)
        known = self._known(key, event.mail_id, pointers)
        deeds = accounts.deeds_of(event) if self._heed(event, known) else []
        if known:
            self._owe(known, deeds)
            self._merge(known, event, payload, pointers)
            return Acceptance(key=known, status="duplicate")
        fields = accounts.fields_of(event, RECORD_VERSION)
        fields |= {f"delivery:{announced}": payload, "told": f"{announced}\n"}
        self._open_row(key, State.RECEIVED, announced, fields)
        self._owe(key, deeds)
        if accounts.opens(event):
            self._point_to(key, pointers)
            self._rows[key]["due_at"] = "0"
            self._due[key] = self._at + self._lease
            return Acceptance(key=key, status="queued")
        self._step(key, State.SKIPPED, accounts.ignored_reason(event))
        return Acceptance(key=key, status="ignored", reason=accounts.ignored_reason(event))

    def _heed(self, event: ReplyEvent, known: str) -> bool:
        """Suppress, unless it was said before that was taken back; say whether a person is."""
        received = int(self._rows[known]["received_at"]) if known else self._at
        told_at = accounts.told_at(event)
        said_at = received if told_at is None else told_at
        people = [
            person
            for person in accounts.suppressed_by(event)
            if said_at > self._lifted.get(person, -1)
        ]
        self._suppress(people, event.event_types[0])
        return any(not person.startswith("domain:") for person in people)

    def _known(self, key: str, mail_id: str, pointers: Iterable[tuple[str, int]]) -> str:
        if self._row(key):
            return key
        for name, _ in pointers:
            found = self._fresh(self._pointers.get(name))
            row = self._row(found)
            if row and (not mail_id or row.get("mail_id", "") in ("", mail_id)):
                return found
        return ""

    def _merge(
        self, key: str, event: ReplyEvent, payload: str, pointers: Iterable[tuple[str, int]]
    ) -> None:  # fmt: skip
        """Add a fact; where nothing was sent yet, it has the event decided again."""
        row, announced = self._rows[key], event.event_types[0]
        self._count_up("duplicate", announced)
        is_new = f"delivery:{announced}" not in row
        if not is_new and (row.get("worded") or not event.text):
            return
        row[f"delivery:{announced}"] = payload
        row["told"] = row.get("told", "") + (f"{announced}\n" if is_new else "")
        for name, value in accounts.fields_of(event, RECORD_VERSION).items():
            row[name] = row.get(name) or value
        row["people"] = _union(row["people"], accounts.people_of(event))
        if accounts.opens(event):
            self._point_to(key, pointers)
        if (state := State(row["state"])) in WAKEABLE:
            self._remember(key, state, state, f"also announced as {announced}")
            self._plan(key, 0)
        if event.text and (row["state"], row.get("reason")) == (State.HELD, "no_words"):
            self._step(key, State.WAITING, "words_came")
            self._plan(key, 0)

    def _point_to(self, key: str, pointers: Iterable[tuple[str, int]]) -> None:
        self._pointers |= {name: (key, self._at + lifetime) for name, lifetime in pointers}

    def _open_row(self, key: str, state: State, reason: str, fields: Mapping[str, str]) -> None:
        self._forget(key)
        times = {"received_at": str(self._at), "changed_at": str(self._at)}
        self._rows[key] = {**fields, **times, "state": state.value}
        self._count_up(state.value, reason)
        self._remember(key, "", state, reason)

    def quarantine(self, body: str, reason: str, headers: Mapping[str, str]) -> str:
        """See `Ledger.quarantine`."""
        key = f"quarantine-{accounts.hashed(body)}"
        if not self._row(key):
            fields = {"v": str(RECORD_VERSION), "conversation": "", "reason": reason}
            fields["delivery:body"] = body
            fields["delivery:headers"] = json.dumps(dict(headers))
            self._open_row(key, State.QUARANTINED, reason, fields)
        return key

    def release(self, key: str) -> None:
        """See `Ledger.release`."""
        if (row := self._row(key)) and row["state"] == State.QUARANTINED:
            self._forget(key)


def _union(stored: str, people: Iterable[str]) -> str:
    return json.dumps(list(dict.fromkeys([*json.loads(stored), *people])))

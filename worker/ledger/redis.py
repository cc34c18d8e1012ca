"""The ledger in Redis or Valkey: every change of more than one key is one Lua script."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from worker.domain.errors import LeaseLost, NotPossible
from worker.domain.model import Draft, Message, ReplyEvent, Sent, Tally, TraceLine, moment
from worker.domain.progress import State
from worker.domain.record import RECORD_VERSION, Record, from_fields, known_state
from worker.ledger import accounts
from worker.ledger.redis_deeds import RedisDeeds
from worker.ledger.redis_store import answers, connect
from worker.ports import Acceptance, Attempt, Claim, NotNow, Refusal

__all__ = ["RedisLedger", "answers", "connect"]


class RedisLedger(RedisDeeds):
    """A workspace's ledger; see `worker.ports.Ledger` for what each method promises."""

    def accept(self, event: ReplyEvent, payload: str) -> Acceptance:
        """See `Ledger.accept`."""
        status, key, reason = self._run(
            "accept",
            key=accounts.stored_key(event, self._clock()),
            mail_id=event.mail_id,
            pointers=[
                {"name": name, "lifetime": lifetime}
                for name, lifetime in accounts.pointers_of(event, self._answered_lifetime)
            ],
            event_type=event.event_types[0],
            payload=payload,
            fields=accounts.fields_of(event, RECORD_VERSION),
            suppress=accounts.suppressed_by(event),
            told_at=accounts.told_at(event),
            opens=accounts.opens(event),
            ignored=accounts.ignored_reason(event),
            deeds=accounts.deeds_of(event),
        )
        return Acceptance(key=key, status=status, reason=reason)

    def quarantine(self, body: str, reason: str, headers: Mapping[str, str]) -> str:
        """See `Ledger.quarantine`."""
        fields = {
            "v": str(RECORD_VERSION),
            "conversation": "",
            "reason": reason,
            "delivery:body": body,
            "delivery:headers": json.dumps(dict(headers)),
        }
        key = f"quarantine-{accounts.hashed(body)}"
        return str(self._run("quarantine", key=key, reason=reason, fields=fields))

    def release(self, key: str) -> None:
        """See `Ledger.release`."""
        self._run("release", key=key)

    def claim(self, key: str) -> Claim | NotNow:
        """See `Ledger.claim`."""
        answer = self._run("claim", key=key, most_stumbles=accounts.MOST_STUMBLES)
        if answer[0] != "claimed":
            return NotNow(answer[0], known_state(answer[1]))
        (
            _, token, now, paused, off, suppressed, company, lifted, doubted, counted, sent,
            answers, flat,
        ) = answer  # fmt: skip
        return Claim(
            record=from_fields(key, _paired(flat)),
            token=token,
            paused=paused,
            hold_off=off,
            suppressed=bool(suppressed),
            domain_suppressed=bool(company),
            lifted=lifted,
            doubted=doubted,
            tally=_tally(json.loads(counted), json.loads(sent)),
            answers=_paired(answers),
            now=now,
        )

    def bind(self, claim: Claim, mail_id: str) -> str:
        """See `Ledger.bind`."""
        owner = self._run("bind", key=claim.record.key, token=claim.token, mail_id=mail_id)
        if owner == "lost":
            raise LeaseLost("lease_lost", claim.record.key)
        return str(owner)

    def wait(
        self, claim: Claim, reason: str, *, until: int, detail: str = "", parked: str = "",
        counts: bool = False, draft: Draft | None = None, trace: Sequence[TraceLine] = (),
        thread: Sequence[Message] = (),
        deeds: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """See `Ledger.wait`."""
        fields = {"detail": detail} | accounts.written(draft, trace, thread)
        self._advance(
            claim, State.WAITING, reason, fields, due=until, parked=parked or None,
            counts=counts, deeds=list(deeds),
        )  # fmt: skip

    def close(
        self, claim: Claim, state: State, reason: str, *, detail: str = "", sent_id: str = "",
        template: str = "", draft: Draft | None = None, trace: Sequence[TraceLine] = (),
        thread: Sequence[Message] = (), deeds: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """See `Ledger.close`."""
        told = accounts.told(detail=detail, sent_id=sent_id, template=template)
        fields = told | accounts.written(draft, trace, thread)
        self._advance(claim, state, reason, fields, deeds=list(deeds))

    def doubt(self, claim: Claim, reason: str, *, look_at: int, detail: str = "") -> None:
        """See `Ledger.doubt`."""
        self._advance(claim, State.DOUBT, reason, {"detail": detail}, due=look_at)

    def _advance(
        self,
        claim: Claim,
        to: State,
        reason: str,
        fields: Mapping[str, str],
        **more: object,
    ) -> None:
        answer = self._run(
            "advance",
            key=claim.record.key,
            token=claim.token,
            op=uuid.uuid4().hex,
            to=to,
            reason=reason,
            fields=dict(fields),
            **more,
        )
        if answer == "lost":
            raise LeaseLost("lease_lost", claim.record.key)

    def sending(self, claim: Claim, attempt: Attempt) -> Refusal | None:
        """See `Ledger.sending`."""
        answer = self._run(
            "sending",
            key=claim.record.key,
            token=claim.token,
            op=uuid.uuid4().hex,
            mail=attempt.mail,
            people=list(attempt.people),
            template=attempt.draft.template,
            caps={
                name: cap
                for name in ("per_thread", "per_template", "per_lead_day", "per_mailbox_hour")
                if (cap := getattr(attempt.caps, name)) is not None
            },
            fields=accounts.attempted(attempt),
        )
        if answer == "lost":
            raise LeaseLost("lease_lost", claim.record.key)
        return None if answer == "ok" else cast("Refusal", answer)

    def suppress(self, people: Sequence[str], reason: str) -> None:
        """See `Ledger.suppress`."""
        self._run("suppress", people=list(people), reason=reason)

    def lift(self, people: Sequence[str]) -> int:
        """See `Ledger.lift`."""
        return int(self._run("lift", people=list(people)))

    def hold_off(self, milliseconds: int, reason: str, detail: str = "") -> bool:
        """See `Ledger.hold_off`."""
        return bool(self._run("hold_off", milliseconds=milliseconds, reason=reason, detail=detail))

    def unpark(self, name: str) -> int:
        """See `Ledger.unpark`."""
        return int(self._run("unpark", name=name))

    def take_due(self, most: int) -> list[str]:
        """See `Ledger.take_due`."""
        return list(self._run("take_due", most=most))

    def approve(
        self, key: str, by: str, draft: Draft | None = None, *, seen: int | None = None,
        after: int = 0,
    ) -> Record:  # fmt: skip
        """See `Ledger.approve`."""
        fields = {"approved_by": by} | accounts.written(draft, ())
        return self._order(
            key, by, {State.HELD}, State.WAITING, "approved", fields, wakes=True,
            needs_draft=True, seen=seen, after=after or None,
        )  # fmt: skip

    def take_back(self, key: str, by: str) -> Record:
        """See `Ledger.take_back`."""
        fields = {"approved_by": ""}
        return self._order(key, by, {State.WAITING}, State.HELD, "taken_back", fields)

    def skip(self, key: str, by: str, *, seen: int | None = None) -> Record:
        """See `Ledger.skip`."""
        before = {State.RECEIVED, State.WAITING, State.HELD, State.QUARANTINED}
        return self._order(key, by, before, State.SKIPPED, "by_hand", {}, seen=seen)

    def retry(self, key: str, by: str) -> Record:
        """See `Ledger.retry`."""
        before = {State.FAILED, State.SKIPPED}
        fields = {"tries": "0", "doubts": "0", "approved_by": ""}
        return self._order(key, by, before, State.RECEIVED, "retry", fields, wakes=True)

    def _order(
        self,
        key: str,
        by: str,
        before: set[State],
        to: State,
        reason: str,
        fields: Mapping[str, str],
        **more: object,
    ) -> Record:
        answer = self._run(
            "order", key=key, by=by, op=uuid.uuid4().hex, to=to, reason=reason,
            fields={**fields, "detail": ""}, **{"from": sorted(before)}, **more,
        )  # fmt: skip
        if answer != "ok":
            raise NotPossible(answer, key)
        found = self.record(key)
        if found is None:
            raise NotPossible("unknown", key)
        return found

    def pause(self, scope: str) -> None:
        """See `Ledger.pause`."""
        self._run("switch", scope=scope, on=True)

    def resume(self, scope: str) -> int:
        """See `Ledger.resume`."""
        return int(self._run("switch", scope=scope))

    def forget(self, people: Sequence[str]) -> tuple[int, int]:
        """See `Ledger.forget`."""
        erased, kept = self._run("forget", people=list(people))
        return int(erased), int(kept)

    def sweep(self) -> int:
        """See `Ledger.sweep`."""
        return int(self._run("sweep"))


def _tally(counted: Mapping[str, Any], sent: Iterable[tuple[str, int, bool]]) -> Tally:
    """Read what a script has counted; its empty lists are empty objects."""
    return Tally(
        in_thread=counted["thread"],
        to_lead_today=counted["day"],
        from_mailbox_this_hour=counted["hour"],
        by_template=counted["templates"] or {},
        sent=tuple(
            Sent(template=template, at=moment(at), automatic=automatic)
            for template, at, automatic in sent
        ),
    )


def _paired(flat: Sequence[str]) -> dict[str, str]:
    """Return a hash that a script gives as a list: names and values in turn."""
    return dict(zip(flat[::2], flat[1::2], strict=True))

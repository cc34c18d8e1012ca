"""Whatever happens, in whatever order: the promises hold after every step.

A machine of rules throws deliveries, people, faults, crashes and jumps of the clock at the
real scripts and the real pipeline, and keeps a small model of what is true beside them.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from integration.world import (
    LEASE,
    PRICING,
    RETENTION,
    SETTLE,
    Crash,
    FakeApi,
    HandClock,
    Tripwire,
    World,
)

from worker.domain.errors import GiveUp, NotPossible, OutcomeUnknown, TryLater
from worker.domain.model import Direction, Draft, Message, Mode, ReplyEvent, Thread
from worker.domain.progress import FINAL, RESTING, State
from worker.domain.record import Record
from worker.domain.rules import build
from worker.ledger.accounts import SAME_WORDS_FOR_MS
from worker.ledger.redis import RedisLedger
from worker.ports import Attempt, Claim, Refusal

HOUR = 3_600_000
TOO_OLD = 72 * HOUR
LEADS = {"ann": "c-1", "bob": "c-2", "cem": "c-1", "dee": "c-2"}
"""Each lead, and the campaign it is in."""

BY_LEAD = st.sampled_from(sorted(LEADS))
SCOPES = st.sampled_from(["*", *LEADS.values()])
JUMPS = st.sampled_from(
    [1, 900, LEASE // 2, LEASE, LEASE + 1, SETTLE // 4, SETTLE, HOUR, 25 * HOUR, 100 * HOUR]
)
TYPES = st.sampled_from(
    ["reply_received"] * 3 + ["lead_interested", "lead_neutral", "auto_reply_received"]
)
FATES = st.sampled_from(
    ["ok"] * 3 + ["cut after", "cut before"] * 2 + ["429", "401", "422", "refused"]
)
READINGS = st.sampled_from(["ok"] * 6 + ["unreadable", "away", "gone"])
EFFECTS = st.integers(min_value=0, max_value=6)
NO_CAPS = "caps: {per_thread: null, per_template: null, per_lead_day: null}"


@dataclass(frozen=True)
class Mail:
    """An inbound mail as it truly was: no two have the same words."""

    name: str
    lead: str
    text: str
    at: int
    opts_out: bool


@dataclass(frozen=True)
class Answer:
    """A reply that reached the provider."""

    key: str
    mail: str
    lead: str


@dataclass
class Truth:
    """What is so, whatever the ledger believes."""

    mails: list[Mail] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    paused: set[str] = field(default_factory=set)
    automatic: set[str] = field(default_factory=set)
    colleague_wrote_to: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)

    def mail_of(self, text: str) -> Mail | None:
        return next((mail for mail in self.mails if mail.text == text), None)

    def may_send_to(self, lead: str) -> bool:
        return lead not in self.gone and not self.paused & {"*", LEADS[lead]}


class WatchedLedger(RedisLedger):
    """Compares what it lets through the door with the truth of that moment."""

    truth: Truth

    def sending(self, claim: Claim, attempt: Attempt) -> Refusal | None:
        refusal = super().sending(claim, attempt)
        lead = claim.record.lead_id
        assert refusal or self.truth.may_send_to(lead), f"{claim.record.key} may not leave"
        return refusal


@dataclass
class FickleApi(FakeApi):
    """The provider on a bad day: the next reply's fate, and the next reading's, are chosen."""

    truth: Truth = field(default_factory=Truth)
    fate: str = "ok"
    reading: str = "ok"
    answers: dict[str, Answer] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def thread(self, event: ReplyEvent) -> Thread:
        reading, self.reading = self.reading, "ok"
        if reading == "gone":
            self.refused.add(event.key)
            raise GiveUp("http_404", "no such conversation")
        if reading != "ok":
            raise TryLater("unreadable_history" if reading == "unreadable" else "api_away")
        return super().thread(event)

    def reply(self, event: ReplyEvent, draft: Draft, at_the_door: Callable[[], None]) -> str:
        fate, self.fate = self.fate, "ok"
        if fate == "refused":
            raise TryLater("api_away", "connection refused")
        at_the_door()
        if fate == "429":
            raise TryLater("rate_limited", wait=5, everyone=True, counts=False)
        if fate == "401":
            raise TryLater("api_refused", wait=60, everyone=True, counts=False)
        if fate == "422":
            self.refused.add(event.key)
            raise GiveUp("http_422", "no")
        if fate == "cut before":
            raise OutcomeUnknown("no_answer", "cut before it arrived")
        sent_id = super().reply(event, draft, lambda: None)
        mail = self.truth.mail_of(event.text)
        self.answers[sent_id] = Answer(event.key, mail.name if mail else "", event.lead_id)
        if fate == "cut after":
            raise OutcomeUnknown("no_answer", "cut after it arrived")
        return sent_id


class Meddler(Tripwire):
    """Has something else happen before or after the chosen effect, and goes on."""

    def __init__(self, at: int, *, after: bool, act: Callable[[], object]) -> None:
        super().__init__()
        self._point, self._later, self._act = at, after, act

    def cross(self, name: str, call: Callable[[], Any]) -> Any:
        here = len(self.passed) == self._point
        if here and not self._later:
            self._act()
        result = super().cross(name, call)
        if here and self._later:
            self._act()
        return result


class Weeks(RuleBasedStateMachine):
    """Leads, colleagues, operators, a fickle provider and workers that die."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__()
        client.flushdb()
        self.client: Any = client
        self.clock, self.truth = HandClock(), Truth()
        self.queue: list[str] = []
        ledger = WatchedLedger(client, lease=LEASE, retention=RETENTION, now=self.clock)
        ledger.truth = self.truth
        self.ledger = ledger
        self.api = FickleApi(self.clock, truth=self.truth)
        self.world = World(
            ledger, self.clock, self.api, boot_clock=lambda: self.clock.now / 1000
        )  # fmt: skip

    @initialize(
        lag=st.sampled_from([0, 0, LEASE // 2, SETTLE // 2]),
        mode=st.sampled_from([Mode.SEND, Mode.SEND, Mode.SEND, Mode.HOLD]),
        delay=st.sampled_from(["", "undo: 30s\n", "delay: 5m..5m\n"]),
        caps=st.sampled_from(["", NO_CAPS]),
    )
    def begin(self, lag: int, mode: Mode, delay: str, caps: str) -> None:
        self.api.lag, self.world.mode = lag, mode
        pricing = PRICING.replace("---\nHi", f"{delay}---\nHi")
        self.world.templates = build({"pricing.j2": pricing, "_settings.yaml": caps})
        assert self.world.templates.problems == ()

    # What leads and the provider do

    @rule(lead=BY_LEAD, opts_out=st.sampled_from([False] * 5 + [True]), late=st.booleans())
    def lead_writes(self, lead: str, *, opts_out: bool, late: bool) -> None:
        number = len(self.truth.mails) + 1
        asks = "Please remove me, case" if opts_out else "How much is it for seats:"
        mail = Mail(f"mail-{number}", lead, f"{asks} {number}", self.clock.now, opts_out)
        self.truth.mails.append(mail)
        message = Message(
            id=mail.name, direction=Direction.INBOUND, at=self.clock.moment, text=mail.text
        )
        shown = self.clock.now + (self.api.lag if late else 0)
        self.api.hidden.append((shown, lead, message))
        self.clock.now += 1000

    @rule(
        lead=BY_LEAD, late=st.booleans(), with_id=st.booleans(), at=EFFECTS, after=st.booleans(),
        dies=st.booleans(), fate=FATES,
    )  # fmt: skip
    def a_question_is_worked_on(
        self, lead: str, at: int, fate: str, *, late: bool, with_id: bool, after: bool, dies: bool
    ) -> None:
        self.lead_writes(lead, opts_out=False, late=late)
        self._tell(-1, "reply_received", with_id=with_id, timed=False)
        self._work(Tripwire(at, after=after) if dies else Tripwire(), fate)

    @precondition(lambda self: self.truth.mails)
    @rule(
        which=st.integers(min_value=0, max_value=3), kind=TYPES, with_id=st.booleans(),
        timed=st.booleans(), woken=st.booleans(),
    )  # fmt: skip
    def tell(self, which: int, kind: str, *, with_id: bool, timed: bool, woken: bool) -> None:
        self._tell(which, kind, with_id=with_id, timed=timed)
        if woken:
            self._work(Tripwire())

    def _tell(self, which: int, kind: str, *, with_id: bool, timed: bool) -> None:
        newest = self.truth.mails[-4:]
        mail = newest[which % len(newest)]
        told: dict[str, Any] = {"email_id": mail.name} if with_id else {}
        if timed:
            told["timestamp"] = self.clock.moment.isoformat() if kind != "reply_received" else ""
        key = self.world.deliver(
            event_type=kind, lead_id=mail.lead, campaign_id=LEADS[mail.lead],
            reply_text=mail.text, **told,
        )  # fmt: skip
        if kind == "auto_reply_received":
            self.truth.automatic.add(mail.name)
        if mail.opts_out:
            self.truth.gone.add(mail.lead)
        self.queue.append(key)

    @rule(lead=BY_LEAD, signal=st.sampled_from([False] * 3 + [True]))
    def a_lead_or_a_colleague_acts(self, lead: str, *, signal: bool) -> None:
        if signal:
            self.unsubscribe(lead)
        else:
            self.colleague_answers(lead)

    def unsubscribe(self, lead: str) -> None:
        self.world.deliver(event_type="lead_unsubscribed", lead_id=lead, timestamp=self.clock.now)
        self.truth.gone.add(lead)

    def colleague_answers(self, lead: str) -> None:
        self.api.colleague_writes(lead, "I take this one.", name=f"by-hand-{self.clock.now}")
        self.truth.colleague_wrote_to.add(lead)
        self.clock.now += 1000

    # What workers do

    @rule(fate=FATES, reading=READINGS)
    def work(self, fate: str, reading: str) -> None:
        self._work(Tripwire(), fate, reading)

    @rule(at=EFFECTS, after=st.booleans(), fate=FATES)
    def work_and_die(self, at: int, *, after: bool, fate: str) -> None:
        self._work(Tripwire(at, after=after), fate)

    @rule(
        lead=BY_LEAD, at=st.integers(min_value=0, max_value=4), after=st.booleans(), fate=FATES,
        what=st.integers(min_value=0, max_value=11),
    )  # fmt: skip
    def something_happens_during_the_work(
        self, lead: str, at: int, fate: str, what: int, *, after: bool
    ) -> None:
        self.lead_writes(lead, opts_out=False, late=False)
        self._tell(-1, "reply_received", with_id=True, timed=False)
        acts: list[Callable[[], object]] = [
            lambda: self.unsubscribe(lead),
            lambda: self.pause(LEADS[lead]),
            lambda: self.jump(2 * LEASE),
            lambda: self._freeze_while_others_work(0),
            lambda: self._freeze_while_others_work(LEASE),
            lambda: self._freeze_while_others_work(2 * SETTLE),
            lambda: self.unsubscribe(lead),
            lambda: self.pause("*"),
            lambda: self.colleague_answers(lead),
            lambda: self.skip(0),
            lambda: self.approve(0),
            lambda: self._tell(0, "lead_neutral", with_id=True, timed=False),
        ]
        self._work(Meddler(at, after=after, act=acts[what]), fate)

    def _freeze_while_others_work(self, span: int) -> None:
        self.jump(span)
        self.queue = [record.key for record in self._records()]  # woken twice, for no reason
        self._work(Tripwire())

    def _work(self, wire: Tripwire, fate: str = "ok", reading: str = "ok") -> None:
        self.api.fate, self.api.reading = fate, reading
        pipeline = self.world.pipeline(wire)
        try:
            queued, self.queue = self.queue, []
            for key in [*queued, *self.ledger.take_due(100)]:
                pipeline.answer(key)
        except Crash:
            pass
        self.api.fate = self.api.reading = "ok"

    @rule(which=st.integers(min_value=0, max_value=9))
    def a_wake_up_comes_out_of_the_blue(self, which: int) -> None:
        if records := self._records():
            self.world.pipeline().answer(records[which % len(records)].key)

    @rule(span=JUMPS)
    def time_passes(self, span: int) -> None:
        self.jump(span)
        self.ledger.sweep()
        self._work(Tripwire())

    def jump(self, span: int) -> None:
        self.clock.now += span
        if span >= SAME_WORDS_FOR_MS:  # the server counts this life time by its own clock
            for name in ("words", "same"):
                for pointer in self.client.scan_iter(f"*:ptr:{name}:*"):
                    self.client.delete(pointer)

    # What operators do

    @rule(scope=SCOPES, on=st.sampled_from([True, False, False]))
    def switch(self, scope: str, *, on: bool) -> None:
        if on:
            self.pause(scope)
        else:
            self.resume(scope)

    def pause(self, scope: str) -> None:
        self.ledger.pause(scope)
        self.truth.paused.add(scope)

    def resume(self, scope: str) -> None:
        self.ledger.resume(scope)
        self.truth.paused.discard(scope)

    @rule(which=st.integers(min_value=0, max_value=3), twice=st.booleans())
    def approve(self, which: int, *, twice: bool = False) -> None:
        for record in self._pick(which, State.HELD):
            draft = record.draft or Draft(template="by_hand", subject="", body="Call me.")
            self.ledger.approve(record.key, "sam", draft)
            if twice:
                self._not_possible(partial(self.ledger.approve, record.key, "kim", draft))

    @rule(which=st.integers(min_value=0, max_value=3), retries=st.sampled_from([True, True, False]))
    def retry_or_skip(self, which: int, *, retries: bool) -> None:
        if retries:
            self.retry(which)
        else:
            self.skip(which)

    def skip(self, which: int) -> None:
        for record in self._pick(which, State.HELD, State.WAITING, State.RECEIVED):
            self.ledger.skip(record.key, "sam")
            self.truth.skipped.add(record.key)
            self._not_possible(partial(self.ledger.skip, record.key, "kim"))

    def retry(self, which: int) -> None:
        for record in self._pick(which, State.FAILED, State.SKIPPED):
            if self._mail_of(record):
                self.ledger.retry(record.key, "sam")

    @staticmethod
    def _not_possible(do: Callable[[], object]) -> None:
        try:
            do()
        except NotPossible:
            return
        msg = "a second word was taken"
        raise AssertionError(msg)

    def _pick(self, which: int, *states: State) -> list[Record]:
        there = [record for record in self._records() if record.state in states]
        return [there[which % len(there)]] if there else []

    # What is so after every step

    def _records(self) -> list[Record]:
        return self.ledger.records(None, 200)

    def _mail_of(self, record: Record) -> Mail | None:
        texts = [json.loads(body).get("reply_text", "") for body in record.deliveries.values()]
        return self.truth.mail_of(next(filter(None, texts), ""))

    @invariant()
    def a_mail_is_answered_once_at_most_and_an_opt_out_never(self) -> None:
        counted = Counter(answer.mail for answer in self.api.answers.values())
        assert all(count == 1 for count in counted.values()), counted
        opted_out = {mail.name for mail in self.truth.mails if mail.opts_out}
        assert not opted_out & set(counted)

    @invariant()
    def nothing_is_stranded_and_nothing_at_rest_is_due(self) -> None:
        due = set(self.client.zrange("autoreply:{default}:due", 0, -1))
        open_ones = {record.key for record in self._records() if record.state not in RESTING}
        assert open_ones == due

    @invariant()
    def no_end_is_untrue(self) -> None:
        for record in self._records():
            own = {sent for sent, a in self.api.answers.items() if a.key == record.key}
            if record.state is State.SENT:
                assert own == {record.sent_id}, record
            elif record.state in FINAL:
                assert not own or self._nobody_can_know(record), record

    def _nobody_can_know(self, record: Record) -> bool:
        """Say whether a doubt ended with a person, or with somebody else's mail in the thread."""
        ends = {State.HELD.value, State.SKIPPED.value}
        return any(
            line.before == State.DOUBT and line.after in ends
            for line in self.ledger.history(record.key)
        )

    # How it ends

    def teardown(self) -> None:
        for scope in list(self.truth.paused):
            self.resume(scope)
        for _ in range(300):
            soonest = self.client.zrange("autoreply:{default}:due", 0, 0, withscores=True)
            if not soonest:
                break
            self.clock.now = max(self.clock.now, int(soonest[0][1]))
            self._work(Tripwire())
        self.a_mail_is_answered_once_at_most_and_an_opt_out_never()
        self.nothing_is_stranded_and_nothing_at_rest_is_due()
        self.no_end_is_untrue()
        for record in self._records():
            assert record.state in RESTING, record
            assert self._is_justified(record), (record, self.ledger.history(record.key))

    def _is_justified(self, record: Record) -> bool:
        """Say whether an event that was not answered has a true reason for it."""
        mail = self._mail_of(record)
        if mail is None:
            return record.reason == "lead_unsubscribed"
        if record.state is State.SENT:
            return True
        if record.state is State.FAILED:
            return record.key in self.api.refused
        return self._reasons(record, mail)[record.reason]

    def _reasons(self, record: Record, mail: Mail) -> dict[str, bool]:
        truth, mails = self.truth, self.truth.mails
        others = [r for r in self._records() if r.key != record.key and r.lead_id == mail.lead]
        tried = [r for r in others if self._was_tried(r)]
        later = mails[mails.index(mail) + 1 :]
        capped = bool(tried)
        return {
            "opted_out": any(m.lead == mail.lead and m.opts_out for m in mails)
            or mail.lead in truth.gone,
            "automatic_reply": mail.name in truth.automatic,
            "answered_already": mail.lead in truth.colleague_wrote_to
            or self._was_tried(record)
            or any(self._mail_of(r) == mail for r in tried),
            "superseded": any(m.lead == mail.lead for m in later),
            "same_mail": any(self._mail_of(r) == mail for r in others),
            "by_hand": record.key in truth.skipped,
            "too_old": record.received_at - mail.at > TOO_OLD,
            "needs_approval": self.world.mode is Mode.HOLD,
            "cap": capped,
            "cap_per_lead_day": capped,
            "cap_per_template": capped,
            "loop": capped,
            "second_doubt": record.doubts > 1,
            "doubt_unreadable": record.doubts > 0,
            "doubt_several": record.doubts > 0,
            "unreadable_history": record.tries > 0,
        }

    def _was_tried(self, record: Record) -> bool:
        return any(line.after == State.SENDING for line in self.ledger.history(record.key))


def test_the_promises_hold_whatever_happens_in_whatever_order(redis_client: redis.Redis) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]  # hypothesis has no types here
        lambda: Weeks(redis_client),
        settings=settings(
            max_examples=150,
            stateful_step_count=30,
            derandomize=True,
            phases=[Phase.generate],  # making a failure shorter takes minutes; its steps are few
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

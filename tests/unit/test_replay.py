"""Recorded replies under other templates: what was, what would be, and what can be compared."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from worker.domain.guards import Policy
from worker.domain.model import Direction, Draft, Message, Mode, ReplyEvent, Thread
from worker.domain.progress import State
from worker.domain.record import HistoryLine, Record
from worker.domain.replay import Fate, Kind, Replay, Replayed, Report, as_of, compare, recorded
from worker.domain.rules import Templates, build

from .making import NOW, ago, event, inbound, outbound, said

DRAFT = Draft(template="pricing", subject="Re: Your team", body="Twelve.")
FITS = ({"step": "rule", "name": "pricing", "outcome": "fits", "detail": "“price”"},)


def record(state: State = State.SENT, reason: str = "posted", **more: Any) -> Record:
    fields: dict[str, Any] = {
        "key": "event-1",
        "conversation": "c-1",
        "mailbox": "sam@ours.example",
        "received_at": int(NOW.timestamp() * 1000),
        "template": "pricing",
        "trace": FITS,
    }
    return Record(state=state, reason=reason, **fields | more)


def step(before: State, after: State, reason: str, by: str = "") -> HistoryLine:
    return HistoryLine(at=0, before=before, after=after, reason=reason, by=by)


# What was


@pytest.mark.parametrize(
    ("kept", "fate"),
    [
        (record(), "reply pricing"),
        (record(variant="de/b"), "reply pricing (de/b)"),
        (record(State.SENDING, "pricing"), "reply pricing"),
        (record(State.DOUBT, "no_answer"), "reply pricing"),
        (record(State.WAITING, "scheduled", draft=DRAFT), "reply pricing"),
        (record(State.WAITING, "rate_limited", tried=DRAFT), "reply pricing"),
        (record(State.FAILED, "refused", tried=DRAFT), "reply pricing"),
        (record(State.HELD, "second_doubt", tried=DRAFT), "reply pricing"),
        (record(State.HELD, "needs_approval"), "hold pricing needs_approval"),
        (record(State.HELD, "no_rule", template=""), "hold no_rule"),
        (record(State.SKIPPED, "shadow", draft=DRAFT), "skip pricing shadow"),
        (record(State.SKIPPED, "by_rule"), "skip pricing by_rule"),
        (record(State.SKIPPED, "too_old", template=""), "skip too_old"),
        (record(State.SKIPPED, "opted_out", template=""), "skip opted_out"),
        (record(State.SKIPPED, "opted_out"), "opt_out pricing by_rule"),
        (record(State.SKIPPED, "answered_already", tried=DRAFT), "skip pricing answered_already"),
        (record(State.RECEIVED, "", template=""), "open"),
        (record(State.WAITING, "paused", template=""), "open paused"),
        (record(State.FAILED, "not_found", template=""), "open not_found"),
    ],
)
def test_a_record_tells_what_was_decided(kept: Record, fate: str) -> None:
    assert str(recorded(kept)) == fate


def test_a_record_tells_which_words_did_it() -> None:
    assert recorded(record()).because == "“price”"
    assert recorded(record(detail="5 days old")).because == "5 days old"


def test_what_a_person_approved_was_held() -> None:
    history = [
        step(State.RECEIVED, State.HELD, "needs_approval"),
        step(State.HELD, State.WAITING, "approved", "ann"),
        step(State.WAITING, State.SENDING, "pricing"),
        step(State.SENDING, State.SENT, "posted"),
    ]
    fate = recorded(record(approved_by="ann"), history)
    assert (fate.decision, fate.by) == ("hold", "ann")


def test_what_a_person_stopped_on_its_way_was_an_answer() -> None:
    history = [
        step(State.RECEIVED, State.WAITING, "scheduled"),
        step(State.WAITING, State.SKIPPED, "by_hand", "ann"),
    ]
    fate = recorded(record(State.SKIPPED, "by_hand"), history)
    assert (fate.decision, fate.by) == ("reply", "ann")


def test_what_a_person_had_tried_again_was_decided_again() -> None:
    history = [
        step(State.RECEIVED, State.HELD, "no_rule"),
        step(State.HELD, State.SKIPPED, "by_hand", "ann"),
        step(State.SKIPPED, State.RECEIVED, "retry", "ann"),
        step(State.RECEIVED, State.SENDING, "pricing"),
    ]
    assert str(recorded(record(), history)) == "reply pricing"
    assert recorded(record(), history).by == ""


# Comparing


def compared(was: Fate, now: Fate, words: str = "The price?", **changes: Any) -> Kind:
    return compare(was, now, said(words, **changes), Policy(exclude=("@rival.example",)))


REPLY = Fate(decision="reply", template="pricing")
HOLD = Fate(decision="hold", template="fallback", reason="needs_approval")


def skip(reason: str, because: str = "") -> Fate:
    return Fate(decision="skip", reason=reason, because=because)


@pytest.mark.parametrize(
    ("was", "now", "kind"),
    [
        (REPLY, REPLY, "same"),
        (REPLY, replace(REPLY, because="other words"), "same"),
        (REPLY, HOLD, "different"),
        (HOLD, REPLY, "different"),
        (REPLY, replace(REPLY, template="meeting"), "different"),
        (REPLY, replace(REPLY, variant="de"), "different"),
        (HOLD, replace(HOLD, reason="other_language"), "different"),
        (Fate(decision="hold", reason="no_rule"), HOLD, "different"),
        (skip("shadow"), REPLY, "different"),
        (Fate(decision="open"), REPLY, "open"),
        (REPLY, skip("opted_out"), "different"),
    ],
)
def test_decisions_are_compared_by_what_comes_of_them(was: Fate, now: Fate, kind: str) -> None:
    assert compared(was, now) == kind


@pytest.mark.parametrize(
    "reason",
    [
        "answered_already", "superseded", "unclear_history", "other_sender", "cap_per_lead_day",
        "cap_per_template", "same_mail", "no_contract", "stumbled", "some_guard_of_tomorrow",
    ],
)  # fmt: skip
def test_what_only_the_conversation_showed_is_no_difference(reason: str) -> None:
    assert compared(skip(reason), REPLY) == Kind.KEPT


@pytest.mark.parametrize(
    ("was", "words", "kind"),
    [
        (skip("opted_out", "asked to stop: “remove me”"), "Please remove me!", "different"),
        (skip("opted_out", "asked to stop: “remove me”"), "The price?", "kept"),
        (skip("opted_out", "asked to stop earlier"), "The price?", "kept"),
        (skip("automatic_reply", "“out of office”"), "I am out of office", "different"),
        (skip("automatic_reply", "the provider flagged it as automatic"), "Hi", "kept"),
        (skip("excluded", "excluded by “@gone.example”"), "Hi", "different"),
        (skip("excluded", "excluded by “@rival.example”"), "Hi", "kept"),
    ],
)
def test_what_a_guard_said_can_be_judged_again_where_the_mail_shows_it(
    was: Fate, words: str, kind: str
) -> None:
    assert compared(was, REPLY, words) == kind


def test_an_age_can_be_judged_again_where_the_event_tells_its_time() -> None:
    assert compared(skip("too_old"), REPLY) == Kind.DIFFERENT
    assert compared(skip("too_old"), REPLY, at=None) == Kind.KEPT


def test_an_event_without_words_cannot_be_judged_again() -> None:
    no_words = Fate(decision="hold", reason="no_words")
    assert compared(REPLY, no_words) == Kind.KEPT
    assert compared(no_words, no_words) == Kind.SAME


def test_what_a_person_had_to_decide_is_the_same_as_long_as_one_has_to() -> None:
    by_ann = Fate(decision="hold", by="ann")
    assert compared(by_ann, HOLD) == Kind.SAME
    assert compared(by_ann, REPLY) == Kind.DIFFERENT


# Deciding again


def template(when: str, priority: int = 50, body: str = "Twelve.") -> str:
    return f"---\nwhen: {when}\npriority: {priority}\n---\n{body}"


PRICING = template('reply is mentioning("price")')


def replay(templates: Templates | None = None, mode: Mode = Mode.SEND) -> Replay:
    return Replay(templates or build({"pricing.j2": PRICING}), Policy(), mode)


def decided(
    kept: Record | None = None,
    told: ReplyEvent | None = None,
    *,
    by: Replay | None = None,
    thread: Thread = Thread(),  # noqa: B008 - frozen
) -> Replayed:
    told = told or event(text="The price?")
    return (by or replay()).decide(kept or record(), told, [], thread)


def test_the_same_templates_decide_the_same() -> None:
    again = decided()
    assert (again.kind, str(again.now)) == (Kind.SAME, "reply pricing")
    assert again.now.because == "“price”"


def test_other_templates_decide_otherwise() -> None:
    other = build({"ask.j2": template("true")})
    again = decided(by=replay(other))
    assert (again.kind, str(again.was), str(again.now)) == (
        Kind.DIFFERENT, "reply pricing", "reply ask",
    )  # fmt: skip
    assert again.result == again.now


def test_a_reply_is_as_old_as_it_was_when_it_came() -> None:
    long_ago = record(received_at=int(ago(days=200).timestamp() * 1000))
    young = event(text="The price?", at=ago(days=200, minutes=5))
    assert decided(long_ago, young).now == REPLY
    old = event(text="The price?", at=ago(days=210))
    assert str(decided(long_ago, old).now) == "skip too_old"


def test_the_operators_mode_counts() -> None:
    assert str(decided(by=replay(mode=Mode.SHADOW)).now) == "skip pricing shadow"


def test_another_text_with_the_same_decision_is_told() -> None:
    assert not decided(record(draft=replace(DRAFT, body="Twelve."))).is_reworded
    assert decided(record(draft=replace(DRAFT, body="Eleven."))).is_reworded
    assert not decided(record()).is_reworded
    other = build({"ask.j2": template("true")})
    assert not decided(record(draft=DRAFT), by=replay(other)).is_reworded


def later(**span: float) -> int:
    return int((NOW + timedelta(**span)).timestamp() * 1000)


def test_what_the_replay_sent_counts_for_the_caps() -> None:
    again = replay(build({"pricing.j2": PRICING, "ask.j2": template("true", 1)}))
    first = decided(by=again)
    second = decided(record(key="e-2", received_at=later(hours=1)), event(text="Hi"), by=again)
    next_day = decided(record(key="e-3", received_at=later(hours=25)), event(text="Hi"), by=again)
    twice = decided(record(key="e-4", received_at=later(hours=50)), by=again)
    other = decided(record(key="e-5", conversation="c-2"), event(text="Hi"), by=again)
    assert [str(one.now) for one in (first, second, next_day, twice, other)] == [
        "reply pricing",
        "hold cap_per_lead_day",
        "reply ask",
        "hold pricing cap_per_template",
        "reply ask",
    ]


def test_the_mailbox_has_its_own_hour() -> None:
    policy = Policy(caps=replace(Policy().caps, per_mailbox_hour=1))
    again = Replay(build({"pricing.j2": PRICING}), policy, Mode.SEND)
    times = {"c-1": 0, "c-2": 30, "c-3": 61}
    fates = [
        str(decided(record(conversation=c, received_at=later(minutes=m)), by=again).now)
        for c, m in times.items()
    ]
    assert fates == ["reply pricing", "hold cap_per_mailbox_hour", "reply pricing"]


def test_what_a_person_sent_counts_for_the_caps_too() -> None:
    again = replay(build({"pricing.j2": PRICING.replace("when:", "mode: hold\nwhen:")}))
    history = [step(State.HELD, State.WAITING, "approved", "ann")]
    again.decide(record(approved_by="ann"), event(text="The price?"), history, Thread())
    second = decided(record(key="e-2", received_at=later(hours=1)), by=again)
    assert str(second.now) == "hold cap_per_lead_day"


def test_what_was_kept_as_it_was_counts_for_nothing() -> None:
    again = replay()
    decided(record(State.SKIPPED, "answered_already"), by=again)
    assert str(decided(record(key="e-2", received_at=later(hours=1)), by=again).now) == (
        "reply pricing"
    )


# Conversations


def test_a_conversation_is_read_as_it_was_when_the_reply_came() -> None:
    mails = (inbound(at=ago(minutes=2), text="The price?"), outbound(at=NOW + timedelta(hours=1)))
    assert [m.id for m in as_of(Thread(mails), NOW).messages] == ["in-1"]
    again = decided(thread=Thread(mails))
    assert again.now == REPLY
    answered = (*mails[:1], outbound(at=ago(minutes=1)))
    assert str(decided(thread=Thread(answered)).now) == "skip answered_already"


def test_the_answer_that_was_sent_is_not_there_yet_whatever_its_clock_says() -> None:
    mails = (inbound(text="The price?"), outbound(id="out-9", at=NOW))
    again = decided(record(sent_id="out-9"), thread=Thread(mails))
    assert again.now == REPLY
    assert [m.id for m in again.facts.thread.messages] == ["in-1"]


def test_a_conversation_without_times_is_not_used() -> None:
    mail = Message(id="x", direction=Direction.OUTBOUND, text="Hi")
    assert as_of(Thread((inbound(), mail)), NOW) == Thread()


# The report


def test_a_report_counts_what_was_and_what_would_be() -> None:
    other = replay(build({"ask.j2": template("true")}))
    kept = decided(record(State.SKIPPED, "answered_already", conversation="c-9"), by=other)
    replies = tuple(decided(record(conversation=f"c-{number}"), by=other) for number in range(2))
    waiting = decided(record(State.RECEIVED, "", template="", conversation="c-5"), by=other)
    report = Report(replies=(*replies, kept, waiting))
    assert [(str(fate), was, now) for fate, was, now in report.counts()] == [
        ("reply ask", 0, 3),
        ("reply pricing", 2, 0),
        ("skip pricing answered_already", 1, 1),
        ("open", 1, 0),
    ]
    assert [(str(was), str(now), n) for was, now, n in report.changes()] == [
        ("reply pricing", "reply ask", 2)
    ]
    assert [len(report.of(kind)) for kind in Kind] == [0, 2, 1, 1]

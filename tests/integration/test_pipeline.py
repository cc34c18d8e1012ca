"""What becomes of an event, with the ledger in memory and in Redis."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from integration.world import (
    LEASE,
    PRICING,
    RETENTION,
    SETTLE,
    START,
    FakeApi,
    HandClock,
    Tripwire,
    World,
    outcomes,
)

from worker.domain.errors import GiveUp, TryLater
from worker.domain.model import Mode, Thread
from worker.domain.progress import FINAL, State
from worker.domain.reading import Facts, read
from worker.domain.record import Record
from worker.domain.rules import build
from worker.ledger.accounts import person
from worker.ledger.memory import MemoryLedger


def test_a_reply_is_answered_once_and_the_record_says_why(world: World) -> None:
    key = world.asks_price()
    world.run()
    record = world.ledger.record(key)
    assert record is not None
    assert (record.state, record.template, record.sent_id) == (State.SENT, "pricing", "sent-1")
    assert {"step": "rule", "name": "pricing", "outcome": "fits", "detail": "“how much”"} in [
        dict(line) for line in record.trace
    ]
    steps = [(line.before, line.after) for line in world.ledger.history(key)]
    assert steps == [("", "received"), ("received", "sending"), ("sending", "sent")]


def found(world: World, key: str) -> Record:
    record = world.ledger.record(key)
    assert record is not None
    return record


NO_CAPS_AND_HOLD = """
doubt: hold
caps: {per_thread: off, per_template: off, per_lead_day: off}
"""


def crash_points(world: World) -> list[tuple[int, bool]]:
    """Every effect of an undisturbed run, before and after it."""
    wire = Tripwire()
    world.asks_price("dry")
    world.run(wire)
    return [(index, after) for index in range(len(wire.passed)) for after in (False, True)]


@pytest.mark.parametrize("lag", [0, SETTLE // 4], ids=["honest history", "lagging history"])
@pytest.mark.parametrize("cut", [False, True], ids=["answered", "cut"])
def test_a_worker_may_die_at_every_step_and_there_is_one_reply(lag: int, *, cut: bool) -> None:
    def fresh() -> World:
        clock = HandClock()
        ledger = MemoryLedger(lease=LEASE, retention=RETENTION, now=clock)
        return World(ledger, clock, FakeApi(clock, lag=lag))

    points = crash_points(fresh())
    assert len(points) >= 10
    for index, after in points:
        world = fresh()
        world.api.outcome = outcomes(["cut"] if cut else [])
        key = world.asks_price()
        world.run(Tripwire(index, after=after))
        where = f"crash {'after' if after else 'before'} effect {index}"
        assert len(world.api.sent) == 1, where
        if cut and world.state(key) == (State.HELD, "second_doubt"):
            continue  # the crash was the first doubt, the cut the second: a person looks
        assert world.state(key)[0] is State.SENT, where
        assert world.ledger.record(key).sent_id == "sent-1", where  # type: ignore[union-attr]


def test_every_redelivery_while_it_is_worked_on_changes_nothing(world: World) -> None:
    key = world.asks_price()
    for _ in range(3):
        assert world.deliver(email_id="mail-1", reply_text="How much is it?") == key
    world.run()
    assert world.deliver(email_id="mail-1", reply_text="How much is it?") == key
    world.run()
    assert len(world.api.sent) == 1


def test_an_unknown_outcome_is_settled_by_looking(world: World) -> None:
    world.api.outcome = outcomes(["cut"])
    key = world.asks_price()
    world.run()
    assert world.state(key) == (State.SENT, "found_in_history")
    assert len(world.api.sent) == 1


def test_a_request_that_never_arrived_is_sent_once_more_after_the_settle_time(
    world: World,
) -> None:
    world.api.outcome = outcomes(["cut"])
    key = world.asks_price()
    started = world.clock.now
    pipeline = world.pipeline()
    pipeline.answer(key)
    world.api.sent.clear()
    world.api.hidden.clear()
    world.run()
    assert world.state(key) == (State.SENT, "posted")
    assert len(world.api.sent) == 1
    assert world.clock.now - started >= SETTLE


def test_a_second_doubt_is_held(world: World) -> None:
    world.api.outcome = outcomes(["cut", "cut"])
    key = world.asks_price()
    world.pipeline().answer(key)
    world.api.hidden.clear()
    world.run()
    assert world.state(key) == (State.HELD, "second_doubt")
    assert len(world.api.sent) == 2


def test_a_colleague_who_answered_during_a_doubt_ends_it(world: World) -> None:
    world.api.outcome = outcomes(["cut"])
    key = world.asks_price()
    world.pipeline().answer(key)
    world.api.hidden.clear()
    world.api.colleague_writes("lead-1", "I take this one.")
    world.run()
    assert world.state(key) == (State.SKIPPED, "answered_already")


def test_an_opt_out_suppresses_at_once_even_while_everything_is_paused(world: World) -> None:
    question = world.asks_price()
    world.ledger.pause("*")
    world.api.writes("lead-1", "Please remove me.", name="mail-2")
    opt_out = world.deliver(email_id="mail-2", reply_text="Please remove me.")
    world.run(steps=3)
    world.ledger.resume("*")
    world.run()
    assert world.state(opt_out) == (State.SKIPPED, "opted_out")
    assert world.state(question) == (State.SKIPPED, "opted_out")
    assert world.api.sent == []


def test_an_unsubscribe_signal_stops_the_answer_that_waits(world: World) -> None:
    question = world.asks_price()
    world.deliver(event_type="lead_unsubscribed", timestamp="2026-11-20T15:01:45Z")
    world.run()
    assert world.state(question) == (State.SKIPPED, "opted_out")
    assert world.api.sent == []


def test_a_newer_mail_without_a_webhook_gets_the_answer(world: World) -> None:
    older = world.asks_price()
    world.clock.now += 1000
    world.api.writes("lead-1", "Sorry, I mean: how much for 20 seats?", name="mail-2")
    world.run()
    assert world.state(older) == (State.SKIPPED, "superseded")
    assert world.state("mail-2")[0] is State.SENT
    assert len(world.api.sent) == 1


def test_one_mail_under_two_names_is_answered_once(world: World) -> None:
    world.api.writes("lead-1", "How much is it?", name="mail-1")
    without_id = world.deliver(reply_text="How much is it?")
    world.run()
    world.clock.now += 3_600_000
    with_id = world.deliver(email_id="mail-1", reply_text="How much is it?")
    world.run()
    assert with_id == without_id
    assert len(world.api.sent) == 1


def test_paused_events_wait_and_go_on_at_the_end_of_the_pause(world: World) -> None:
    world.ledger.pause("*")
    key = world.asks_price()
    world.run(steps=5)
    assert world.state(key) == (State.WAITING, "paused")
    assert world.ledger.resume("*") == 1
    world.run(steps=2)
    assert world.state(key)[0] is State.SENT


def test_a_pause_of_one_campaign_leaves_the_others_alone(world: World) -> None:
    world.ledger.pause("c-1")
    paused = world.deliver(lead_id="a", campaign_id="c-1", reply_text="how much?")
    other = world.deliver(lead_id="b", campaign_id="c-2", reply_text="how much?")
    world.run(steps=5)
    assert world.state(paused) == (State.WAITING, "paused")
    assert world.state(other)[0] is State.SENT


def test_shadow_records_the_draft_and_sends_nothing(world: World) -> None:
    world.mode = Mode.SHADOW
    key = world.asks_price()
    world.run()
    assert world.state(key) == (State.SKIPPED, "shadow")
    assert world.ledger.record(key).draft is not None  # type: ignore[union-attr]
    assert world.api.sent == []


def test_an_approved_draft_is_sent_as_it_was_even_where_caps_are_reached(world: World) -> None:
    world.mode = Mode.HOLD
    key = world.asks_price()
    world.run()
    assert world.state(key) == (State.HELD, "needs_approval")
    world.templates = build({})
    world.ledger.approve(key, "sam")
    world.run()
    assert world.state(key)[0] is State.SENT
    assert world.api.sent[0][1].body == "Hi there, it depends."


def test_what_led_to_an_approved_draft_stays_in_its_trace(world: World) -> None:
    world.mode = Mode.HOLD
    key = world.asks_price()
    world.run()
    world.ledger.approve(key, "sam")
    world.run()
    record = world.ledger.record(key)
    assert record is not None
    assert record.state is State.SENT
    steps = [(line["step"], line["name"], line["outcome"]) for line in record.trace]
    assert ("rule", "pricing", "fits") in steps
    names = [name for step, name, _ in steps if step == "guard"]
    assert len(names) == len(set(names)) > 0, "each guard once, as it was asked last"


def test_an_approved_draft_is_not_sent_after_a_colleague_answered(world: World) -> None:
    world.mode = Mode.HOLD
    key = world.asks_price()
    world.run()
    world.api.colleague_writes("lead-1", "Mine.")
    world.ledger.approve(key, "sam")
    world.run()
    assert world.state(key) == (State.SKIPPED, "answered_already")


def test_a_lead_gets_one_automatic_answer_a_day_and_the_next_one_is_held(world: World) -> None:
    first = world.asks_price("mail-1")
    world.run()
    world.clock.now += 600_000
    second = world.asks_price("mail-2")
    world.run()
    assert world.state(first)[0] is State.SENT
    assert world.state(second) == (State.HELD, "cap_per_lead_day")


def test_a_delay_is_kept_and_a_colleague_may_still_answer_first(world: World) -> None:
    world.templates = build({"pricing.j2": PRICING.replace("---\nHi", "delay: 3m..9m\n---\nHi")})
    key = world.asks_price()
    world.pipeline().answer(key)
    record = world.ledger.record(key)
    assert record is not None
    assert (record.state, record.reason) == (State.WAITING, "scheduled")
    delay = timedelta(milliseconds=(record.due_at or 0) - record.received_at)
    assert timedelta(minutes=3) <= delay <= timedelta(minutes=9)
    world.api.colleague_writes("lead-1", "Done already.")
    world.run()
    assert world.state(key) == (State.SKIPPED, "answered_already")


def test_a_template_error_holds_the_event_with_file_line_and_variable(world: World) -> None:
    world.templates = build({"pricing.j2": PRICING.replace("it depends", "{{ lead.shoe_size }}")})
    key = world.asks_price()
    world.run()
    record = world.ledger.record(key)
    assert record is not None
    assert (record.state, record.reason) == (State.HELD, "template_error")
    assert record.detail == "pricing.j2:4: lead.shoe_size is undefined"


def test_what_the_api_refuses_for_good_fails_and_can_be_tried_again(world: World) -> None:
    def refuse(*_: object) -> str:
        raise GiveUp("http_422", "unknown lead")

    accept, world.api.reply = world.api.reply, refuse  # type: ignore[method-assign]
    key = world.asks_price()
    world.run()
    assert world.state(key) == (State.FAILED, "http_422")
    world.api.reply = accept  # type: ignore[method-assign]
    world.ledger.retry(key, "sam")
    world.run()
    assert world.state(key)[0] is State.SENT


def test_a_refused_key_makes_everything_wait_and_nothing_fail(world: World) -> None:
    calls = []

    def refuse(*_: object) -> str:
        calls.append(1)
        raise TryLater("api_refused", wait=60, everyone=True, counts=False)

    accept, world.api.reply = world.api.reply, refuse  # type: ignore[method-assign]
    keys = [world.deliver(lead_id=f"lead-{n}", reply_text="how much?") for n in range(5)]
    for key in keys:
        world.pipeline().answer(key)
    assert len(calls) == 1
    assert {world.state(key)[0] for key in keys} == {State.WAITING}
    world.api.reply = accept  # type: ignore[method-assign]
    world.run()
    assert {world.state(key)[0] for key in keys} == {State.SENT}


def test_an_event_that_contract_lead_cannot_speak_is_held(world: World) -> None:
    key = world.deliver(lead_id="", lead_email="a@b.example", reply_text="how much?")
    world.run()
    assert world.state(key) == (State.HELD, "no_contract")


def test_nothing_final_is_ever_due(world: World) -> None:
    key = world.asks_price()
    world.run()
    assert world.state(key)[0] in FINAL
    assert world.ledger.due() == (0, 0)


def test_a_worker_that_was_frozen_during_its_last_check_does_not_send(world: World) -> None:
    times = iter([0.0, 90.0])
    world.boot_clock = lambda: next(times, 90.0)
    key = world.asks_price()
    world.pipeline().answer(key)
    assert world.state(key) == (State.WAITING, "time_lost")
    assert world.api.sent == []
    world.run()
    assert world.state(key)[0] is State.SENT
    assert len(world.api.sent) == 1


def test_where_doubts_are_held_a_person_is_asked_after_one_look(world: World) -> None:
    world.templates = build({"pricing.j2": PRICING, "_settings.yaml": "doubt: hold"})
    world.api.outcome = outcomes(["cut"])
    key = world.asks_price()
    world.pipeline().answer(key)
    world.api.hidden.clear()
    world.run(steps=2)
    assert world.state(key) == (State.HELD, "doubt_held")
    assert len(world.api.sent) == 1


def test_where_doubts_are_held_an_answer_that_shows_at_once_is_still_found(world: World) -> None:
    world.templates = build({"pricing.j2": PRICING, "_settings.yaml": "doubt: hold"})
    world.api.outcome = outcomes(["cut"])
    key = world.asks_price()
    world.run()
    assert world.state(key) == (State.SENT, "found_in_history")


def test_a_history_that_cannot_be_read_is_tried_for_twice_the_settle_time(world: World) -> None:
    def away(*_: object) -> Thread:
        raise TryLater("api_away")

    world.api.outcome = outcomes(["cut"])
    key = world.asks_price()
    world.pipeline().answer(key)
    doubted, readable = world.clock.now, world.api.thread
    world.api.thread = away  # type: ignore[method-assign]
    while world.clock.now < doubted + SETTLE + LEASE:
        world.run(steps=1)
    assert world.state(key)[0] is State.DOUBT
    world.api.thread = readable  # type: ignore[method-assign]
    world.run()
    assert world.state(key) == (State.SENT, "found_in_history")
    assert len(world.api.sent) == 1


def test_a_history_that_stays_unreadable_is_a_persons_to_look_at(world: World) -> None:
    def away(*_: object) -> Thread:
        raise TryLater("api_away")

    world.api.outcome = outcomes(["cut"])
    key = world.asks_price()
    world.pipeline().answer(key)
    world.api.thread = away  # type: ignore[method-assign]
    world.run(steps=200)
    assert world.state(key) == (State.HELD, "doubt_unreadable")
    assert len(world.api.sent) == 1


def test_an_answer_that_turns_up_before_the_second_try_is_not_sent_again(world: World) -> None:
    world.api.outcome = outcomes(["cut", "cut"])
    world.api.lag = 2 * SETTLE
    key = world.asks_price()
    world.pipeline().answer(key)
    hidden = world.api.hidden[:]
    world.api.hidden.clear()  # the first request never arrived
    world.run(steps=60)
    assert world.state(key) == (State.HELD, "second_doubt")
    assert hidden
    world.clock.now += 3 * SETTLE  # the second one did, and shows late
    world.ledger.approve(key, "sam")
    world.run()
    assert world.state(key) == (State.SENT, "found_in_history")
    assert len(world.api.sent) == 2


def test_a_doubt_keeps_its_whole_conversation_until_the_history_must_show_it(world: World) -> None:
    world.templates = build({"pricing.j2": PRICING, "_settings.yaml": NO_CAPS_AND_HOLD})
    world.api.outcome = outcomes(["cut"])
    world.api.lag = SETTLE // 2
    first = world.asks_price()
    world.pipeline().answer(first)
    world.run(steps=2)
    assert world.state(first) == (State.HELD, "doubt_held")
    world.clock.now += 121_000  # sooner, it would look like a machine's answer to ours
    world.api.writes("lead-1", "How much is it for 50?", name="mail-2")
    second = world.deliver(email_id="mail-2", reply_text="How much is it for 50?")
    world.pipeline().answer(second)
    assert world.state(second) == (State.WAITING, "settling")
    world.run()
    assert world.state(second) == (State.SENT, "posted")
    assert len(world.api.sent) == 2


def test_a_label_without_words_waits_for_the_reply_that_brings_them(world: World) -> None:
    key = world.deliver(event_type="lead_interested", email_id="mail-1")
    world.run()
    assert world.state(key) == (State.HELD, "no_words")
    world.deliver(email_id="mail-1", reply_text="How much is it?")
    world.run()
    assert world.state(key) == (State.SENT, "posted")


def test_an_old_delivery_does_not_undo_that_a_suppression_was_taken_back(world: World) -> None:
    told = "2026-09-21T12:00:00Z"
    words = {"email_id": "mail-1", "reply_text": "Please remove me.", "timestamp": told}
    world.deliver(**words)
    world.clock.now += 1000
    world.ledger.lift([person("lead", "lead-1")])
    world.clock.now += 1000
    world.deliver(**words)
    world.deliver(event_type="lead_neutral", **words)
    world.api.writes("lead-1", "Sorry, how much is it?", name="mail-2")
    asked = world.deliver(email_id="mail-2", reply_text="Sorry, how much is it?")
    world.run()
    assert world.state(asked)[0] is State.SENT


# The undo window


UNDO = {"pricing.j2": PRICING.replace("---\nHi", "undo: 30s\n---\nHi")}


def test_an_answer_waits_for_the_undo_window_and_a_person_may_stop_it(world: World) -> None:
    world.templates = build(UNDO)
    key = world.asks_price()
    assert world.pipeline().answer(key) == "waiting scheduled pricing"
    record = found(world, key)
    assert record.draft is not None
    assert (record.due_at or 0) - world.clock.now == 30_000
    world.ledger.skip(key, "sam")
    world.run()
    assert world.state(key) == (State.SKIPPED, "by_hand")
    assert world.api.sent == []


def test_after_the_undo_window_the_answer_leaves_once(world: World) -> None:
    world.templates = build(UNDO)
    key = world.asks_price()
    world.pipeline().answer(key)
    seen = world.clock.now
    world.run()
    assert world.state(key)[0] is State.SENT
    assert len(world.api.sent) == 1
    assert found(world, key).sent_at == seen + 30_000


def test_the_undo_window_begins_when_the_answer_can_be_seen(world: World) -> None:
    world.templates = build(UNDO)
    key = world.asks_price()
    world.clock.now += 3_600_000  # nobody worked for an hour
    assert world.pipeline().answer(key) == "waiting scheduled pricing"
    assert (found(world, key).due_at or 0) - world.clock.now == 30_000


def test_another_answer_than_the_one_that_was_seen_has_its_own_undo_window(world: World) -> None:
    world.templates = build(UNDO)
    key = world.asks_price()
    world.pipeline().answer(key)
    world.templates = build({"other.j2": UNDO["pricing.j2"]})
    world.clock.now += 30_000
    assert world.pipeline().answer(key) == "waiting scheduled other"
    world.clock.now += 30_000
    assert world.pipeline().answer(key) == "sent other"


def test_after_a_pause_there_is_an_undo_window_again(world: World) -> None:
    world.templates = build(UNDO)
    key = world.asks_price()
    world.pipeline().answer(key)
    world.ledger.pause("*")
    world.clock.now += 30_000
    assert world.pipeline().answer(key) == "waiting paused"
    world.clock.now += 3_600_000
    world.ledger.resume("*")
    assert world.pipeline().answer(key) == "waiting scheduled pricing"
    world.clock.now += 30_000
    assert world.pipeline().answer(key) == "sent pricing"


def test_what_a_person_approved_has_no_undo_window(world: World) -> None:
    world.templates = build(UNDO)
    world.mode = Mode.HOLD
    key = world.asks_price()
    world.run()
    world.ledger.approve(key, "sam")
    assert world.pipeline().answer(key) == "sent pricing"


# After an absence


WELCOME = "---\nwhen: true\nresume: true\n---\nWelcome back."
AWAY = build({"pricing.j2": PRICING, "welcome.j2": WELCOME, "_settings.yaml": "timezone: UTC"})


@pytest.fixture
def away(world: World) -> World:
    """Return a world with a template for those who come back."""
    world.templates = AWAY
    return world


def is_away(world: World, days: int = 7, name: str = "note-1") -> str:
    """Have the lead's mailbox say when they are back; return the event's key."""
    back = (world.clock.moment + timedelta(days=days)).date()
    text = f"I am out of the office until {back:%-d %B %Y}."
    world.api.writes("lead-1", text, name=name, automatic=True)
    return world.deliver(event_type="auto_reply_received", email_id=name, reply_text=text)


def passes(world: World, days: int) -> None:
    """Let days go by and work on what is due."""
    world.clock.now += days * 86_400_000
    world.run()


def test_after_an_absence_the_lead_is_written_to_once(away: World) -> None:
    key = is_away(away)
    away.run(steps=8)
    record = found(away, key)
    assert (record.state, record.reason) == (State.WAITING, "until_return")
    assert record.detail.endswith("then welcome")
    due = datetime.fromtimestamp((record.due_at or 0) / 1000, UTC)
    back = (datetime.fromtimestamp(START / 1000, UTC) + timedelta(days=7)).date()
    assert due.date() > back
    assert due.hour == 9
    assert due.weekday() < 5
    passes(away, days=6)
    assert away.api.sent == []
    passes(away, days=5)
    assert away.state(key) == (State.SENT, "posted")
    assert [draft.body for _, draft in away.api.sent] == ["Welcome back."]


def test_a_long_absence_makes_no_mail_too_old(away: World) -> None:
    key = is_away(away, days=80)
    away.run(steps=8)
    passes(away, days=84)
    assert away.state(key) == (State.SENT, "posted")


def test_a_worker_that_dies_on_the_way_forgets_no_return(away: World) -> None:
    for index in range(8):
        for after in (False, True):
            name = f"note-{index}-{after}"
            lead = f"lead-{name}"
            back = away.clock.moment + timedelta(days=2)
            text = f"I am out of the office until {back:%-d %B %Y}."
            away.api.writes(lead, text, name=name, automatic=True)
            key = away.deliver(lead_id=lead, email_id=name, reply_text=text)
            sent = len(away.api.sent)
            away.run(Tripwire(index, after=after), steps=16)
            assert away.state(key) == (State.WAITING, "until_return")
            passes(away, days=6)
            assert away.state(key) == (State.SENT, "posted"), (index, after)
            assert len(away.api.sent) == sent + 1


def test_a_lead_who_wrote_meanwhile_is_not_welcomed_back(away: World) -> None:
    key = is_away(away)
    away.run(steps=8)
    passes(away, days=1)
    asked = away.asks_price()
    away.run(steps=8)
    assert away.state(asked)[0] is State.SENT
    passes(away, days=10)
    assert away.state(key) == (State.SKIPPED, "superseded")
    assert len(away.api.sent) == 1


def test_a_colleague_who_wrote_meanwhile_has_the_word(away: World) -> None:
    key = is_away(away)
    away.run(steps=8)
    away.clock.now += 86_400_000
    away.api.colleague_writes("lead-1", "I keep an eye on it.")
    passes(away, days=10)
    assert away.state(key) == (State.SKIPPED, "answered_already")
    assert away.api.sent == []


def test_who_opted_out_meanwhile_is_left_alone(away: World) -> None:
    key = is_away(away)
    away.run(steps=8)
    away.deliver(event_type="lead_unsubscribed", timestamp=away.clock.now)
    passes(away, days=10)
    assert away.state(key) == (State.SKIPPED, "opted_out")
    assert away.api.sent == []


def test_the_newest_of_several_notes_counts(away: World) -> None:
    first = is_away(away, days=3)
    away.run(steps=8)
    passes(away, days=2)
    second = is_away(away, days=7, name="note-2")
    away.run(steps=8)
    passes(away, days=4)
    assert away.state(first) == (State.SKIPPED, "superseded")
    assert away.api.sent == []
    passes(away, days=8)
    assert away.state(second) == (State.SENT, "posted")
    assert len(away.api.sent) == 1


def test_a_lead_is_welcomed_back_once_in_seven_days(away: World) -> None:
    sources = {"pricing.j2": PRICING, "welcome.j2": WELCOME}
    away.templates = build(sources | {"_settings.yaml": f"timezone: UTC\n{NO_CAPS_AND_HOLD}"})
    first = is_away(away, days=1)
    away.run(steps=8)
    passes(away, days=4)
    assert away.state(first) == (State.SENT, "posted")
    again = is_away(away, days=1, name="note-2")
    away.run(steps=8)
    assert away.state(again) == (State.SKIPPED, "automatic_reply")
    away.clock.now += 86_400_000
    later = is_away(away, days=9, name="note-3")
    away.run(steps=8)
    assert away.state(later) == (State.WAITING, "until_return")


def test_in_hold_mode_a_person_is_asked_on_the_day_and_not_before(away: World) -> None:
    away.mode = Mode.HOLD
    key = is_away(away)
    away.run(steps=8)
    assert away.state(key) == (State.WAITING, "until_return")
    passes(away, days=11)
    assert away.state(key) == (State.HELD, "needs_approval")


def test_without_a_template_for_it_a_note_is_skipped_at_once(away: World) -> None:
    away.templates = build({"pricing.j2": PRICING})
    key = is_away(away)
    away.run(steps=8)
    assert away.state(key) == (State.SKIPPED, "automatic_reply")


# Companies, and machines that write to each other


def from_company(world: World, name: str, text: str, address: str) -> str:
    world.api.writes(f"lead-{name}", text, name=name)
    return world.deliver(lead_id=f"lead-{name}", lead_email=address, email_id=name, reply_text=text)


@pytest.mark.parametrize(
    ("settings", "address", "state"),
    [
        ("opt_out: domain", "bob@firm.example", (State.SKIPPED, "opted_out")),
        ("opt_out: domain", "bob@other.example", (State.SENT, "posted")),
        ("opt_out: address", "bob@firm.example", (State.SENT, "posted")),
        ("", "bob@firm.example", (State.SENT, "posted")),
    ],
)
def test_by_setting_an_opt_out_covers_the_company(
    world: World, settings: str, address: str, state: tuple[State, str]
) -> None:
    world.templates = build({"pricing.j2": PRICING, "_settings.yaml": settings})
    from_company(world, "mail-1", "Please remove me.", "ann@firm.example")
    asked = from_company(world, "mail-2", "How much is it?", address)
    world.run()
    assert world.state(asked) == state


def test_a_company_s_opt_out_stops_the_answer_that_waits(world: World) -> None:
    pricing = PRICING.replace("---\nHi", "delay: 5m..5m\n---\nHi")
    world.templates = build({"pricing.j2": pricing, "_settings.yaml": "opt_out: domain"})
    asked = from_company(world, "mail-1", "How much is it?", "bob@firm.example")
    world.pipeline().answer(asked)
    from_company(world, "mail-2", "Please remove me.", "ann@firm.example")
    world.run()
    assert world.state(asked) == (State.SKIPPED, "opted_out")
    trace = found(world, asked).trace
    assert trace[-1]["detail"] == "somebody at their company asked to stop"


def test_a_company_s_opt_out_is_heeded_at_the_door(world: World) -> None:
    world.templates = build({"pricing.j2": PRICING, "_settings.yaml": "opt_out: domain"})
    asked = from_company(world, "mail-1", "How much is it?", "bob@firm.example")
    reply = world.api.reply

    def meanwhile(*given: Any) -> str:
        world.deliver(event_type="lead_unsubscribed", lead_id="ann", lead_email="ann@firm.example")
        return reply(*given)

    world.api.reply = meanwhile  # type: ignore[method-assign]
    world.run()
    assert world.state(asked) == (State.SKIPPED, "opted_out")
    assert world.api.sent == []


def test_an_opt_out_that_only_the_history_shows_covers_the_company_too(world: World) -> None:
    world.templates = build({"pricing.j2": PRICING, "_settings.yaml": "opt_out: domain"})
    world.api.writes("lead-1", "Please remove me.", name="mail-0")
    world.api.writes("lead-1", "Or how much is it?", name="mail-1")
    first = world.deliver(
        lead_email="ann@firm.example", email_id="mail-1", reply_text="Or how much is it?"
    )
    world.run()
    asked = from_company(world, "mail-2", "How much is it?", "bob@firm.example")
    world.run()
    assert world.state(first) == (State.SKIPPED, "opted_out")
    assert world.state(asked) == (State.SKIPPED, "opted_out")


NO_CAPS = "caps: {per_thread: off, per_template: off, per_lead_day: off}"


@pytest.mark.parametrize(
    ("seconds", "state"), [(120, (State.HELD, "loop")), (121, (State.SENT, "posted"))]
)
def test_who_answers_an_automatic_answer_within_two_minutes_may_be_a_machine(
    world: World, seconds: int, state: tuple[State, str]
) -> None:
    world.templates = build({"pricing.j2": PRICING, "_settings.yaml": NO_CAPS})
    world.asks_price()
    world.run()
    world.clock.now = found(world, "mail-1").sent_at + seconds * 1000
    world.api.writes("lead-1", "How much is it for 20?", name="mail-2")
    second = world.deliver(email_id="mail-2", reply_text="How much is it for 20?")
    world.run()
    assert world.state(second) == state


def test_two_machines_stop_after_one_exchange(world: World) -> None:
    world.templates = build({"pricing.j2": PRICING, "_settings.yaml": NO_CAPS})
    for number in range(5):
        text = "Your ticket is open. How much is it worth to you?"
        world.api.writes("lead-1", text, name=f"mail-{number}")
        world.deliver(email_id=f"mail-{number}", reply_text=text)
        world.run()
        world.clock.now += 3_600_000
    assert len(world.api.sent) == 1
    assert world.state("mail-4") == (State.HELD, "loop")


def test_a_lead_who_asks_again_because_nobody_answered_is_answered(world: World) -> None:
    world.ledger.pause("*")
    first = world.asks_price("mail-1")
    world.run(steps=2)
    world.clock.now += 3_600_000
    second = world.asks_price("mail-2")
    world.ledger.resume("*")
    world.run()
    assert world.state(first) == (State.SKIPPED, "superseded")
    assert world.state(second) == (State.SENT, "posted")


# Which text it is


def reads_as(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    def known(*args: Any, **known: Any) -> Facts:
        return replace(read(*args, **known), language=language)

    monkeypatch.setattr("worker.pipeline.read", known)


def test_a_reply_in_another_language_waits_for_a_person_with_the_draft(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.templates = build({"pricing.j2": PRICING.replace("when:", "language: en\nwhen:")})
    reads_as(monkeypatch, "de")
    key = world.asks_price()
    world.run()
    record = world.ledger.record(key)
    assert record
    assert (record.state, record.reason) == (State.HELD, "other_language")
    assert record.detail == "they write “de”, pricing.j2 is “en”"
    assert record.draft
    world.ledger.approve(key, "ann")
    world.run()
    assert [draft.body for _, draft in world.api.sent] == [record.draft.body]


def test_the_text_in_their_language_is_sent_and_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.templates = build({"pricing.j2": PRICING, "pricing.de.j2": "Es kommt darauf an."})
    reads_as(monkeypatch, "de")
    key = world.asks_price()
    world.run()
    record = world.ledger.record(key)
    assert record
    assert (record.state, record.template, record.variant) == (State.SENT, "pricing", "de")
    assert [draft.body for _, draft in world.api.sent] == ["Es kommt darauf an."]
    assert world.ledger.variants() == {("pricing", "de"): 1}


def test_an_answer_that_waits_keeps_the_variant_that_was_drawn(world: World) -> None:
    source = PRICING.replace("when:", "variants: [a, b, c, d]\ndelay: 10m\nwhen:")
    world.templates = build({"pricing.j2": source + "{{ variant }}"})
    key = world.asks_price()
    world.pipeline().answer(key)
    waiting = world.ledger.record(key)
    assert waiting
    assert waiting.state is State.WAITING
    world.run()
    assert [draft.body[-1] for _, draft in world.api.sent] == [waiting.variant]
    assert world.ledger.variants() == {("pricing", waiting.variant): 1}


@pytest.mark.parametrize("front", ["mode: hold", "delay: 5m"])
def test_a_draft_that_a_person_may_look_at_is_kept_with_its_conversation(
    world: World, front: str
) -> None:
    world.templates = build({"all.j2": f"---\nwhen: true\n{front}\n---\nHello"})
    world.api.colleague_writes("lead-1", "Interested?", name="out-1")
    world.clock.now += 1000
    key = world.asks_price()
    world.pipeline().answer(key)
    record = world.ledger.record(key)
    assert record
    assert record.draft
    assert [(m.id, m.text) for m in record.thread] == [
        ("out-1", "Interested?"), ("mail-1", "How much is it?"),
    ]  # fmt: skip

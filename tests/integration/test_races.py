"""Two things at once, in both orders: what design and guarantees say about each."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from integration.world import (
    LEASE,
    PRICING,
    SETTLE,
    Tripwire,
    World,
    outcomes,
)

from worker.domain.errors import GiveUp, LeaseLost, NotPossible, OutcomeUnknown, TryLater
from worker.domain.model import Caps, Direction, Draft, Message, Mode
from worker.domain.progress import State
from worker.domain.record import Record
from worker.domain.rules import build
from worker.ledger.accounts import SAME_WORDS_FOR_MS
from worker.ledger.redis import RedisLedger
from worker.ports import Attempt, Claim

ASKS = "How much is it?"
DAY = 86_400_000
MONTH = 30 * DAY
A_WHILE = 121_000
"""More than the time in which whoever answers an automatic answer seems to be a machine."""

NO_CAPS = "caps: {per_thread: null, per_template: null, per_lead_day: null}"
UNCAPPED = build({"pricing.j2": PRICING, "_settings.yaml": NO_CAPS})
DELAYED = build({"pricing.j2": PRICING.replace("---\nHi", "delay: 5m..5m\n---\nHi")})


def passes(world: World, span: int) -> None:
    """Let time pass; what the server's own clock counts passes with it."""
    world.clock.now += span
    if isinstance(world.ledger, RedisLedger):
        for key in world.ledger._redis.scan_iter(count=1000):
            left = world.ledger._redis.pttl(key)
            if 0 <= left <= span:
                world.ledger._redis.delete(key)
            elif left > span:
                world.ledger._redis.pexpire(key, left - span)


def found(world: World, key: str) -> Record:
    record = world.ledger.record(key)
    assert record is not None
    return record


def claimed(world: World, key: str) -> Claim:
    claim = world.ledger.claim(key)
    assert isinstance(claim, Claim), claim
    return claim


def label(world: World, **more: str) -> str:
    return world.deliver(event_type="lead_interested", reply_text=ASKS, **more)


# One mail, many deliveries


def test_a_label_before_its_reply_opens_the_event_and_one_answer_goes_out(world: World) -> None:
    world.api.writes("lead-1", ASKS, name="mail-1")
    key = label(world, email_id="mail-1")
    assert world.deliver(email_id="mail-1", reply_text=ASKS) == key
    world.run()
    assert world.state(key) == (State.SENT, "posted")
    assert set(found(world, key).deliveries) == {"lead_interested", "reply_received"}
    assert len(world.api.sent) == 1


@pytest.mark.parametrize("answered", [False, True], ids=["still waiting", "answered"])
def test_a_label_after_its_reply_is_one_more_fact(world: World, *, answered: bool) -> None:
    key = world.asks_price()
    if answered:
        world.run()
    assert label(world, email_id="mail-1") == key
    world.run()
    assert world.state(key) == (State.SENT, "posted")
    assert len(world.api.sent) == 1


def test_a_late_word_that_a_machine_wrote_it_stops_an_answer_that_waits(world: World) -> None:
    world.templates = DELAYED
    key = world.asks_price()
    world.pipeline().answer(key)
    assert world.state(key) == (State.WAITING, "scheduled")
    world.deliver(event_type="auto_reply_received", email_id="mail-1", reply_text=ASKS)
    world.run()
    assert world.state(key) == (State.SKIPPED, "automatic_reply")
    assert world.api.sent == []


def test_a_late_word_that_a_machine_wrote_it_changes_nothing_that_was_sent(world: World) -> None:
    key = world.asks_price()
    world.run()
    steps = world.ledger.history(key)
    world.deliver(event_type="auto_reply_received", email_id="mail-1", reply_text=ASKS)
    world.run(steps=3)
    assert world.state(key) == (State.SENT, "posted")
    assert world.ledger.history(key) == steps
    assert len(world.api.sent) == 1


@pytest.mark.parametrize("apart", [0, SAME_WORDS_FOR_MS - 1, SAME_WORDS_FOR_MS + 1, DAY // 2])
@pytest.mark.parametrize("caps", ["caps", "no caps"])
@pytest.mark.parametrize("order", ["webhook first", "history first"])
def test_a_mail_told_without_its_id_and_by_the_history_is_answered_once(
    world: World, apart: int, caps: str, order: str
) -> None:
    world.templates = UNCAPPED if caps == "no caps" else world.templates
    world.api.lag = SAME_WORDS_FOR_MS // 2
    deliveries: list[Callable[[], str]] = [
        lambda: world.deliver(reply_text=ASKS),
        lambda: world.deliver(email_id="mail-1", reply_text=ASKS),
    ]
    first, second = deliveries if order == "webhook first" else reversed(deliveries)
    shown = world.clock.now + (world.api.lag if order == "webhook first" else 0)
    mail = Message(id="mail-1", direction=Direction.INBOUND, at=world.api.stamp, text=ASKS)
    world.api.hidden.append((shown, "lead-1", mail))
    first()
    world.run()
    passes(world, apart)
    second()
    world.run()
    assert len(world.api.sent) == 1


def test_the_same_yes_a_month_later_is_a_new_mail(world: World) -> None:
    world.templates = UNCAPPED
    for name in ("mail-1", "mail-2"):
        world.api.writes("lead-1", ASKS, name=name)
        world.deliver(reply_text=ASKS)
        world.run()
        passes(world, MONTH)
    records = world.ledger.records(None, 9)
    assert [record.state for record in records] == [State.SENT, State.SENT]
    assert {record.mail_id for record in records} == {"mail-1", "mail-2"}
    assert len(world.api.sent) == 2


# One conversation, several mails


def test_the_second_mail_waits_while_the_first_is_in_doubt_and_then_goes_on(world: World) -> None:
    world.templates = UNCAPPED
    world.api.lag = SETTLE // 4
    world.api.outcome = outcomes(["cut"])
    first = world.asks_price("mail-1")
    world.pipeline().answer(first)
    assert world.state(first) == (State.DOUBT, "no_answer")
    world.clock.now += A_WHILE
    world.api.writes("lead-1", "How much for 20?", name="mail-2")
    second = world.deliver(email_id="mail-2", reply_text="How much for 20?")
    assert world.pipeline().answer(second) == "busy received"
    assert world.state(second) == (State.WAITING, "conversation_busy")
    world.run()
    assert world.state(first) == (State.SENT, "found_in_history")
    assert world.state(second) == (State.SENT, "posted")
    assert len(world.api.sent) == 2


def race(world: World) -> tuple[str, str]:
    """Have the lead write a second mail while the answer to the first one leaves."""
    first = world.asks_price("mail-1")
    reply = world.api.reply

    def reply_late(*given: object) -> str:
        world.clock.now += 1000
        world.api.writes("lead-1", "How much for 20?", name="mail-2")
        world.clock.now += 1000
        return reply(*given)  # type: ignore[arg-type]  # passed on

    world.api.reply = reply_late  # type: ignore[method-assign]
    world.pipeline().answer(first)
    world.api.reply = reply  # type: ignore[method-assign]
    assert world.state(first) == (State.SENT, "posted")
    return first, world.deliver(email_id="mail-2", reply_text="How much for 20?")


def test_our_own_answer_to_an_earlier_mail_answers_no_later_mail(world: World) -> None:
    _, second = race(world)
    world.run()
    assert world.state(second) == (State.HELD, "cap_per_lead_day")
    assert len(world.api.sent) == 1


def test_a_colleagues_answer_after_our_own_still_answers_the_later_mail(world: World) -> None:
    _, second = race(world)
    world.clock.now += 1000
    world.api.colleague_writes("lead-1", "And for 20 it is 5.")
    world.run()
    assert world.state(second) == (State.SKIPPED, "answered_already")


def test_our_answer_to_another_mail_is_never_found_as_this_ones(world: World) -> None:
    world.templates = UNCAPPED
    world.api.lag = SETTLE // 4
    _, second = race(world)
    reply, tried = world.api.reply, []

    def lose(event: object, draft: object, at_the_door: Callable[[], None]) -> str:
        at_the_door()
        tried.append(1)
        raise OutcomeUnknown("no_answer", "it never arrived")

    world.api.reply = lose  # type: ignore[assignment]
    world.pipeline().answer(second)
    assert (world.state(second)[0], tried) == (State.DOUBT, [1])
    world.api.reply = reply  # type: ignore[method-assign]
    world.run()
    assert world.state(second) == (State.SENT, "posted")
    assert found(world, second).sent_id == "sent-2"


# Clocks that cannot be believed


@pytest.mark.parametrize("cut", [False, True], ids=["answered", "cut"])
@pytest.mark.parametrize("hours", [-1, 0, 1])
@pytest.mark.parametrize("coarse", [False, True], ids=["fine", "coarse"])
def test_a_wrong_clock_of_the_provider_leads_to_no_second_answer(
    world: World, hours: int, *, coarse: bool, cut: bool
) -> None:
    world.templates = UNCAPPED
    world.api.skew, world.api.coarse = timedelta(hours=hours), coarse
    world.api.outcome = outcomes(["cut"] if cut else [])
    key = world.asks_price()
    world.run()
    for _ in range(2):
        world.deliver(email_id="mail-1", reply_text=ASKS)
        label(world, email_id="mail-1")
        world.deliver(reply_text=ASKS)
        world.run()
        passes(world, SAME_WORDS_FOR_MS + 1)
    world.run()
    assert world.state(key)[0] is State.SENT
    assert len(world.api.sent) == 1


def test_two_mails_of_one_second_get_an_answer_each_at_most(world: World) -> None:
    world.templates = UNCAPPED
    world.api.coarse = True
    keys = [world.asks_price(name) for name in ("mail-1", "mail-2")]
    world.run()
    assert world.state(keys[0]) == (State.SKIPPED, "superseded")
    assert world.state(keys[1]) == (State.SENT, "posted")
    assert len(world.api.sent) == 1


# A person's word against the world


def held(world: World) -> str:
    world.mode = Mode.HOLD
    key = world.asks_price()
    world.run()
    assert world.state(key) == (State.HELD, "needs_approval")
    return key


def test_what_is_approved_under_a_pause_leaves_when_the_pause_ends(world: World) -> None:
    key = held(world)
    world.ledger.pause("*")
    world.ledger.approve(key, "sam")
    world.run(steps=5)
    assert world.state(key) == (State.WAITING, "paused")
    assert world.api.sent == []
    world.ledger.resume("*")
    world.run()
    assert world.state(key) == (State.SENT, "posted")


@pytest.mark.parametrize("first", ["approval", "opt-out"])
def test_an_opt_out_outweighs_an_approval(world: World, first: str) -> None:
    key = held(world)
    words: list[Callable[[], object]] = [
        lambda: world.ledger.approve(key, "sam"),
        lambda: world.deliver(event_type="lead_unsubscribed", timestamp=world.clock.now),
    ]
    for word in words if first == "approval" else reversed(words):
        word()
    world.run()
    assert world.state(key) == (State.SKIPPED, "opted_out")
    assert world.api.sent == []


def test_a_second_approval_is_refused_and_one_answer_goes_out(world: World) -> None:
    key = held(world)
    world.ledger.approve(key, "sam")
    with pytest.raises(NotPossible, match="waiting"):
        world.ledger.approve(key, "kim")
    world.run()
    with pytest.raises(NotPossible, match="sent"):
        world.ledger.approve(key, "kim")
    assert len(world.api.sent) == 1
    assert found(world, key).approved_by == "sam"


def test_an_approval_during_a_doubt_waits_until_the_history_must_show_the_answer(
    world: World,
) -> None:
    settings = "doubt: hold"
    world.templates = build({"pricing.j2": PRICING, "_settings.yaml": settings})
    world.api.lag = SETTLE // 2
    world.api.outcome = outcomes(["cut"])
    key = world.asks_price()
    for _ in range(2):
        world.pipeline().answer(key)
    assert world.state(key) == (State.HELD, "doubt_held")
    world.ledger.approve(key, "sam")
    world.pipeline().answer(key)
    assert world.state(key) == (State.WAITING, "settling")
    world.run()
    assert world.state(key) == (State.SENT, "found_in_history")
    assert len(world.api.sent) == 1


def test_an_opt_out_counts_from_its_acceptance_even_where_the_history_lags(world: World) -> None:
    key = world.asks_price()
    world.deliver(email_id="mail-2", reply_text="Please remove me.")
    world.pipeline().answer(key)
    assert world.state(key) == (State.SKIPPED, "opted_out")
    assert world.api.sent == []


@pytest.mark.parametrize("point", range(4))
@pytest.mark.parametrize("what", ["opt-out", "pause"])
def test_what_happens_between_reading_and_request_is_heeded_at_the_door(
    world: World, what: str, point: int
) -> None:
    key = world.asks_price()
    happens: dict[str, Callable[[], object]] = {
        "opt-out": lambda: world.deliver(event_type="lead_unsubscribed", timestamp=1),
        "pause": lambda: world.ledger.pause("*"),
    }
    world.pipeline(Freeze(point, happens[what])).answer(key)
    assert (
        world.state(key)
        == {
            "opt-out": (State.SKIPPED, "opted_out"),
            "pause": (State.WAITING, "paused"),
        }[what]
    )
    assert world.api.sent == []


# A worker that comes too late


def test_a_worker_with_a_stale_lease_can_finish_nothing(world: World) -> None:
    key = world.asks_price()
    stale = claimed(world, key)
    world.clock.now += LEASE
    claimed(world, key)
    draft = Draft(template="pricing", subject="", body="x")
    attempt = Attempt(draft=draft, mail=key, seen=frozenset(), mailbox="", caps=Caps())
    before = (found(world, key), world.ledger.history(key))
    late: list[Callable[[], object]] = [
        lambda: world.ledger.sending(stale, attempt),
        lambda: world.ledger.close(stale, State.SENT, "posted", sent_id="x"),
        lambda: world.ledger.close(stale, State.FAILED, "http_422"),
        lambda: world.ledger.wait(stale, "later", until=0),
        lambda: world.ledger.doubt(stale, "no_answer", look_at=0),
        lambda: world.ledger.bind(stale, "mail-9"),
    ]
    for step in late:
        with pytest.raises(LeaseLost):
            step()
    assert (found(world, key), world.ledger.history(key)) == before


@pytest.mark.parametrize("problem", [TryLater("rate_limited", wait=5), GiveUp("http_422")])
def test_a_worker_that_fails_after_its_lease_says_so_and_leaves_the_event_alone(
    world: World, problem: Exception
) -> None:
    key = world.asks_price()

    def fail_late(*_: object) -> str:
        world.clock.now += LEASE
        claimed(world, key)
        raise problem

    world.api.reply = fail_late  # type: ignore[method-assign]
    assert world.pipeline().answer(key) == "lost to another"
    assert world.state(key)[0] is State.RECEIVED


class Freeze(Tripwire):
    """The worker sleeps through its lease before one effect; another one takes over."""

    def __init__(self, at: int, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._point, self._meanwhile = at, meanwhile

    def cross(self, name: str, call: Callable[[], object]) -> object:
        if len(self.passed) == self._point:
            self._meanwhile()
        return super().cross(name, call)


@pytest.mark.parametrize("point", range(8))
def test_a_worker_that_slept_through_its_lease_sends_nothing_twice(
    world: World, point: int
) -> None:
    world.boot_clock = lambda: world.clock.now / 1000
    key = world.asks_price()

    def others_work() -> None:
        world.clock.now += LEASE
        for due in world.ledger.take_due(9):
            world.pipeline().answer(due)

    world.pipeline(Freeze(point, others_work)).answer(key)
    world.run()
    assert world.state(key)[0] is State.SENT
    assert len(world.api.sent) == 1


@pytest.mark.parametrize("point", range(6))
def test_a_second_wake_up_while_a_worker_has_the_event_changes_nothing(
    world: World, point: int
) -> None:
    key = world.asks_price()
    answers: list[str] = []
    pipeline = world.pipeline(Freeze(point, lambda: answers.append(world.pipeline().answer(key))))
    pipeline.answer(key)
    world.run()
    assert world.state(key) == (State.SENT, "posted")
    assert all(answer.startswith(("busy", "sent")) for answer in answers)
    assert len(world.api.sent) == 1

"""What a mirror's age means to an event: what it shows is there, what it lacks may be late."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from integration.world import LEASE, SETTLE, FakeApi, World, outcomes

from worker.domain.errors import Behind, GiveUp, Paced, TryLater
from worker.domain.model import Message, ReplyEvent, Thread
from worker.domain.progress import State
from worker.domain.rules import build


@dataclass
class Aged(FakeApi):
    """A provider behind a mirror that is some seconds old, and may never show some mails."""

    blind_to: Callable[[Message], bool] = lambda _: False
    trouble: list[TryLater | GiveUp] = field(default_factory=list)
    looks: int = 0

    def thread(self, event: ReplyEvent) -> Thread:
        if self.trouble:
            raise self.trouble.pop(0)
        shown = super().thread(event).messages
        seen = tuple(m for m in shown if not self.blind_to(m))
        return Thread(seen, as_of=self.clock.moment)

    def look(self, event: ReplyEvent) -> Thread:
        self.looks += 1
        return super().thread(event)


@pytest.fixture
def aged(world: World) -> Aged:
    world.api = Aged(world.clock)
    aged: Aged = world.api
    return aged


def held_doubts(world: World) -> None:
    files = {"pricing.j2": "---\nwhen: true\n---\nIt depends.", "_settings.yaml": "doubt: hold"}
    world.templates = build(files)


def settled(world: World, key: str, *, within: int = SETTLE + 4 * LEASE) -> tuple[State, str]:
    """Let time pass until the event is at rest."""
    for _ in range(within // 1000):
        world.run(steps=1)
        world.clock.now -= LEASE // 4 - 1000
        if world.state(key)[0] in (State.SENT, State.SKIPPED, State.HELD):
            break
    return world.state(key)


def test_an_answer_that_the_mirror_shows_settles_a_doubt(aged: Aged, world: World) -> None:
    aged.outcome = outcomes(["cut"])
    key = world.asks_price()
    assert world.pipeline().answer(key) == "doubt no_answer"
    assert settled(world, key) == (State.SENT, "found_in_history")
    assert (len(aged.sent), aged.looks) == (1, 0)


def test_that_the_mirror_lacks_an_answer_settles_nothing(aged: Aged, world: World) -> None:
    aged.outcome = outcomes(["cut"])
    aged.blind_to = lambda mail: mail.id == "sent-1"
    key = world.asks_price()
    world.pipeline().answer(key)
    assert settled(world, key) == (State.SENT, "found_in_history")
    assert (len(aged.sent), aged.looks) == (1, 1)


def test_a_person_is_asked_about_what_the_provider_shows_and_not_the_mirror(
    aged: Aged, world: World
) -> None:
    held_doubts(world)
    aged.outcome = outcomes(["cut"])
    aged.blind_to = lambda mail: mail.id == "sent-1"
    key = world.asks_price()
    world.pipeline().answer(key)
    assert settled(world, key) == (State.SENT, "found_in_history")


def test_before_a_second_try_the_provider_itself_is_asked(aged: Aged, world: World) -> None:
    """It lists the answer right after the last look: the mirror never does."""
    aged.outcome, aged.lag = outcomes(["cut"]), SETTLE + 3000
    aged.blind_to = lambda mail: mail.id == "sent-1"
    key = world.asks_price()
    world.pipeline().answer(key)
    while world.state(key)[1] != "never_arrived":
        world.clock.now += 1000
        for due in world.ledger.take_due(1):
            world.pipeline().answer(due)
    world.clock.now = world.ledger.record(key).doubt_at + SETTLE + 3000  # type: ignore[union-attr]
    assert world.pipeline().answer(key) == "sent pricing"
    assert len(aged.sent) == 1
    assert world.state(key) == (State.SENT, "found_in_history")


@pytest.mark.parametrize("error", [Behind(4.0), Paced("lists are used up", 4.0)])
def test_our_own_pace_is_no_reason_to_ask_a_person(
    aged: Aged, world: World, error: TryLater
) -> None:
    aged.outcome = outcomes(["cut"])
    key = world.asks_price()
    world.pipeline().answer(key)
    aged.trouble = [error]
    before = world.clock.now = world.ledger.record(key).due_at  # type: ignore[union-attr]
    assert world.pipeline().answer(key) == "doubt no_answer"
    assert world.ledger.record(key).due_at == before + 4000  # type: ignore[union-attr]
    assert settled(world, key) == (State.SENT, "found_in_history")


def test_where_a_person_settles_doubts_a_turn_that_is_far_away_is_waited_for(
    aged: Aged, world: World
) -> None:
    held_doubts(world)
    aged.outcome = outcomes(["cut"])
    key = world.asks_price()
    world.pipeline().answer(key)
    aged.trouble = [Paced("lists are used up", 4.0)]
    assert world.pipeline().answer(key) == "doubt no_answer"
    assert settled(world, key) == (State.SENT, "found_in_history")


def test_a_mirror_that_is_never_filled_again_leaves_the_doubt_to_the_provider(
    aged: Aged, world: World
) -> None:
    aged.outcome = outcomes(["cut"])
    key = world.asks_price()
    world.pipeline().answer(key)
    aged.trouble = [Behind(5.0)] * 1000
    assert settled(world, key) == (State.SENT, "found_in_history")
    assert aged.looks == 1


def test_what_is_read_of_the_provider_itself_is_as_fresh_as_it_gets(world: World) -> None:
    world.api.thread = lambda event: replace(FakeApi.thread(world.api, event), as_of=None)
    key = world.asks_price()
    assert world.pipeline().answer(key) == "sent pricing"

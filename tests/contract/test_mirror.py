"""What every mirror promises, told once and run in memory and on a real server.

The clock is driven by hand; the provider's own may be another one.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import redis

from worker.ledger.memory_mirror import MemoryMirror
from worker.ledger.redis_mirror import RedisMirror
from worker.mails import KeptMail, Mirror, Page, Start

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LOOK_BACK = 36 * HOUR
START = 1_760_000_000_000


@dataclass
class HandClock:
    ms: int = START

    def __call__(self) -> int:
        return self.ms

    def advance(self, by: int) -> None:
        self.ms += by


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


Make = Callable[..., Mirror]


@pytest.fixture(params=["memory", "redis"])
def make(request: pytest.FixtureRequest, clock: HandClock) -> Make:
    if request.param == "memory":
        return lambda **more: MemoryMirror(now=clock, **more)
    client: redis.Redis = request.getfixturevalue("redis_client")
    return lambda **more: RedisMirror(client, now=clock, **more)


@pytest.fixture
def mirror(make: Make) -> Mirror:
    return make()


def mail(name: str, thread: str = "thread-1", *, at: int = 0, content: str = "") -> KeptMail:
    return KeptMail(id=name, thread=thread, created=START + at, content=content or f"{name}!")


def fill(mirror: Mirror, *mails: KeptMail, cursor: str = "", at: Start | None = None) -> Start:
    start = at or mirror.start()
    mirror.fill(mails, start, Page(cursor=cursor))
    return start


def shown(mirror: Mirror, name: str) -> list[str]:
    return sorted(mirror.view(name).mails)


# What it shows


def test_a_mail_leads_to_all_mails_of_its_conversation(mirror: Mirror) -> None:
    fill(mirror, mail("a"), mail("b"), mail("c", "thread-2"))
    assert mirror.view("a").thread == "thread-1"
    assert shown(mirror, "a") == shown(mirror, "b") == ["a!", "b!"]
    assert shown(mirror, "c") == ["c!"]


def test_of_a_mail_it_does_not_have_it_shows_nothing_but_how_fresh_it_is(
    mirror: Mirror, clock: HandClock
) -> None:
    fill(mirror, mail("a"))
    view = mirror.view("elsewhere")
    assert (view.thread, view.mails, view.whole, view.wrote) == ("", (), False, 0)
    assert (view.now, view.as_of, view.filled) == (START, START, START)


def test_a_mail_that_comes_again_is_there_once_as_it_came_last(mirror: Mirror) -> None:
    fill(mirror, mail("a"))
    fill(mirror, mail("a", content="read by now"))
    assert shown(mirror, "a") == ["read by now"]


def test_it_is_as_fresh_as_the_question_and_not_as_the_answer(
    mirror: Mirror, clock: HandClock
) -> None:
    start = mirror.start()
    clock.advance(7 * SECOND)
    fill(mirror, mail("a"), at=start)
    view = mirror.view("a")
    assert (view.as_of, view.filled) == (START, START + 7 * SECOND)


def test_a_list_that_was_not_read_to_its_end_makes_nothing_fresh(mirror: Mirror) -> None:
    fill(mirror, mail("a"), cursor="more")
    view = mirror.view("a")
    assert (view.as_of, view.filled, list(view.mails)) == (0, 0, ["a!"])


def test_an_answer_that_comes_late_makes_nothing_older(mirror: Mirror, clock: HandClock) -> None:
    late = mirror.start()
    clock.advance(MINUTE)
    fill(mirror, mail("a"))
    clock.advance(MINUTE)
    fill(mirror, mail("b"), at=late)
    assert (mirror.view("a").as_of, mirror.view("a").filled) == (START + MINUTE,) * 2
    assert shown(mirror, "a") == ["a!", "b!"]


def test_what_came_another_way_is_shown_and_makes_nothing_fresh(mirror: Mirror) -> None:
    mirror.keep([mail("a"), mail("b", "thread-2")])
    assert (shown(mirror, "a"), mirror.view("a").as_of) == (["a!"], 0)
    assert not mirror.view("a").whole


def test_a_conversation_of_which_all_was_fetched_is_whole(mirror: Mirror) -> None:
    fill(mirror)
    mirror.keep([mail("a"), mail("b", "thread-2")], thread="thread-1")
    assert (mirror.view("a").whole, mirror.view("b").whole) == (True, False)
    fill(mirror, mail("c"))
    assert mirror.view("c").whole


def test_an_answer_of_ours_is_remembered_for_its_conversation(
    mirror: Mirror, clock: HandClock
) -> None:
    fill(mirror, mail("a"), mail("b"), mail("c", "thread-2"))
    clock.advance(SECOND)
    mirror.wrote("a")
    mirror.wrote("elsewhere")
    assert [mirror.view(name).wrote for name in "abc"] == [START + SECOND, START + SECOND, 0]
    assert shown(mirror, "a") == ["a!", "b!"]


def test_a_provider_without_lists_is_left_alone_for_a_while(
    mirror: Mirror, clock: HandClock
) -> None:
    mirror.off(MINUTE)
    assert mirror.view("a").off
    clock.advance(MINUTE)
    assert not mirror.view("a").off


# Where the next page begins


def test_it_begins_a_day_and_a_half_back(mirror: Mirror) -> None:
    assert mirror.start() == Start(at=START, since=START - LOOK_BACK, cursor="", era=1)


def test_without_a_mail_it_goes_on_from_where_it_began(mirror: Mirror, clock: HandClock) -> None:
    fill(mirror)
    clock.advance(HOUR)
    assert mirror.start().since == START - LOOK_BACK


def test_pages_follow_their_cursor_until_the_end(mirror: Mirror, clock: HandClock) -> None:
    first = fill(mirror, mail("a", at=-HOUR), cursor="after a")
    clock.advance(SECOND)
    second = mirror.start()
    assert (second.since, second.cursor, second.at) == (first.since, "after a", START + SECOND)
    fill(mirror, mail("b", at=-MINUTE), at=second)
    assert mirror.start().cursor == ""


def test_few_new_mails_leave_room_to_look_ten_minutes_back(mirror: Mirror) -> None:
    fill(mirror, mail("a", at=-HOUR), mail("b", at=-MINUTE), mail("c", at=0))
    assert mirror.start().since == START - 10 * MINUTE - SECOND


def test_many_new_mails_leave_half_a_page_to_look_back(mirror: Mirror) -> None:
    fill(mirror, *(mail(f"m{n}", at=n * SECOND) for n in range(200)))
    assert mirror.start().since == START + 150 * SECOND - SECOND
    fill(mirror, *(mail(f"m{n}", at=n * SECOND) for n in range(200, 220)))
    assert mirror.start().since == START + 170 * SECOND - SECOND


def test_by_whatever_clock_the_provider_tells_time(mirror: Mirror) -> None:
    fill(mirror, mail("a", at=-400 * DAY))
    assert mirror.start().since == START - 400 * DAY - SECOND


def test_mails_without_a_time_do_not_move_it(mirror: Mirror) -> None:
    fill(mirror, KeptMail(id="a", thread="thread-1", created=0, content="a!"))
    assert mirror.start().since == START - LOOK_BACK
    assert shown(mirror, "a") == ["a!"]


def test_what_came_another_way_does_not_move_it(mirror: Mirror) -> None:
    mirror.keep([mail("a", at=HOUR)])
    assert mirror.start().since == START - LOOK_BACK


def test_a_cursor_that_leads_nowhere_is_given_up(mirror: Mirror) -> None:
    fill(mirror, mail("a", at=0), cursor="after a")
    mirror.off(MINUTE)
    assert (mirror.start().cursor, mirror.start().since) == ("", START - SECOND)


def test_a_mirror_left_alone_for_that_long_begins_again(mirror: Mirror, clock: HandClock) -> None:
    before = fill(mirror, mail("a"), cursor="after a")
    clock.advance(LOOK_BACK)
    assert mirror.start().era == before.era
    clock.advance(1)
    again = mirror.start()
    assert (again.since, again.cursor, again.era) == (clock() - LOOK_BACK, "", before.era + 1)
    assert mirror.view("a").thread == ""
    assert (mirror.view("a").as_of, mirror.view("a").filled) == (0, 0)


def test_a_page_of_an_earlier_beginning_changes_nothing(mirror: Mirror, clock: HandClock) -> None:
    late = fill(mirror, mail("a"))
    clock.advance(LOOK_BACK + 1)
    now = mirror.start()
    fill(mirror, mail("b"), cursor="after b", at=late)
    assert (mirror.view("b").thread, mirror.view("b").filled) == ("", 0)
    assert mirror.start() == now


def test_how_many_make_a_full_page_is_remembered_for_good(mirror: Mirror, clock: HandClock) -> None:
    mirror.fill([], mirror.start(), Page(full=100))
    assert (mirror.start().full, mirror.view("elsewhere").full) == (100, 100)
    clock.advance(LOOK_BACK + 1)
    assert mirror.start().full == 100


def test_a_page_that_was_not_full_is_remembered_while_it_is_followed(mirror: Mirror) -> None:
    mirror.fill([], mirror.start(), Page(cursor="after", short=7))
    assert mirror.start().short == 7
    mirror.off(MINUTE)
    assert mirror.start().short == 0


# How much it keeps


def test_a_conversation_in_which_nothing_happens_is_forgotten_after_two_weeks(
    mirror: Mirror, clock: HandClock
) -> None:
    fill(mirror, mail("a"), mail("b", "thread-2"))
    for _ in range(13):
        clock.advance(DAY)
        fill(mirror, mail("c", "thread-2"))
    assert shown(mirror, "a") == ["a!"]
    clock.advance(DAY)
    fill(mirror)
    assert mirror.view("a").thread == ""
    assert shown(mirror, "b") == ["b!", "c!"]


def test_where_it_is_full_whole_conversations_go_the_quietest_first(
    make: Make, clock: HandClock
) -> None:
    mirror = make(most_bytes=5000)
    for number in range(20):
        clock.advance(SECOND)
        fill(mirror, mail(f"a{number}", f"thread-{number}", content="x" * 1000))
        fill(mirror, mail(f"b{number}", f"thread-{number}", content="x" * 500))
    kept = [number for number in range(20) if mirror.view(f"a{number}").thread]
    assert kept == [17, 18, 19]
    assert all(len(mirror.view(f"a{number}").mails) == 2 for number in kept)


def test_of_a_person_who_is_forgotten_no_conversation_stays(make: Make) -> None:
    mirror = make(most_bytes=100)
    fill(
        mirror,
        mail("a", "thread-1", content='{"lead": "Ana@x.example"}'),
        mail("b", "thread-1", content="what we wrote"),
        mail("c", "thread-2", content='{"lead": "ana@other.example"}'),
    )
    assert mirror.forget("ana@x.example") == 1
    assert (shown(mirror, "a"), shown(mirror, "b")) == ([], [])
    assert len(shown(mirror, "c")) == 1
    fill(mirror, mail("d", "thread-3", content="x" * 60))
    assert len(shown(mirror, "c")) == 1, "the room that they took is free again"
    assert mirror.forget("ana@x.example") == 0


def test_mails_that_come_again_take_no_more_room(make: Make, clock: HandClock) -> None:
    mirror = make(most_bytes=5000)
    for _ in range(50):
        clock.advance(SECOND)
        fill(mirror, mail("a", content="x" * 1000), mail("b", "thread-2", content="é" * 1000))
    assert mirror.view("a").thread
    assert mirror.view("b").thread


def test_everything_in_the_server_goes_away_by_itself(redis_client: Any, clock: HandClock) -> None:
    mirror = RedisMirror(redis_client, now=clock)
    fill(mirror, mail("a"))
    mirror.keep([mail("b")], thread="thread-1")
    mirror.wrote("a")
    lives = {key: redis_client.pttl(key) for key in redis_client.scan_iter()}
    lasting = [key for key, left in lives.items() if left < 0]
    assert lasting == ["autoreply:{default}:mirror"]
    assert len(lives) == 5


def test_two_workspaces_keep_apart(redis_client: redis.Redis, clock: HandClock) -> None:
    one, two = (RedisMirror(redis_client, name=name, now=clock) for name in "ab")
    fill(one, mail("a"))
    assert (two.view("a").thread, two.view("a").as_of) == ("", 0)


@pytest.mark.parametrize("seed", range(10))
def test_the_stand_in_and_the_server_cannot_be_told_apart(
    redis_client: redis.Redis, seed: int
) -> None:
    dice, clock = random.Random(seed), HandClock()
    mirrors: list[Mirror] = [
        MemoryMirror(now=clock, most_bytes=3000),
        RedisMirror(redis_client, now=clock, most_bytes=3000),
    ]
    starts = [mirror.start() for mirror in mirrors]
    for number in range(60):
        clock.advance(dice.choice([1, SECOND, MINUTE, HOUR, 13 * HOUR, 37 * HOUR, 6 * DAY]))
        mails = [
            replace(
                mail(f"m{dice.randrange(30)}", f"t{dice.randrange(8)}",
                     at=dice.randrange(number + 1), content="x" * dice.randrange(400)),
                reply=dice.random() < 0.5)
            for _ in range(dice.randrange(4))
        ]  # fmt: skip
        step, name = dice.randrange(6), f"m{dice.randrange(30)}"
        whole, fresh = dice.random() < 0.5, dice.random() < 0.8
        for index, mirror in enumerate(mirrors):
            if fresh:
                starts[index] = mirror.start()
            if step < 3:
                page = Page(cursor="" if whole else f"c{number}", full=number, short=step)
                mirror.fill(mails, starts[index], page)
            elif step == 3:
                mirror.keep(mails, thread=mails[0].thread if mails and whole else "")
            elif step == 4:
                mirror.wrote(name)
            elif whole:
                mirror.off(MINUTE)
            else:
                mirror.check_off(name)
        assert starts[0] == starts[1]
        waiting = [sorted(mirror.replies(age=MINUTE, most=100)) for mirror in mirrors]
        assert waiting[0] == waiting[1]
        for which in range(30):
            left, right = (mirror.view(f"m{which}") for mirror in mirrors)
            assert sorted(left.mails) == sorted(right.mails)
            assert repr(left) == repr(right)


# Replies that webhooks should tell of


def test_a_reply_is_shown_when_it_is_old_enough_until_it_is_checked_off(
    mirror: Mirror, clock: HandClock
) -> None:
    first, second = (replace(mail(name), reply=True) for name in "ab")
    fill(mirror, first, mail("ours"))
    clock.advance(SECOND)
    mirror.keep([second])
    assert mirror.replies(age=MINUTE, most=9) == []
    clock.advance(MINUTE - SECOND)
    assert mirror.replies(age=MINUTE, most=9) == ["a"]
    clock.advance(SECOND)
    assert mirror.replies(age=MINUTE, most=9) == ["a", "b"]
    assert mirror.replies(age=MINUTE, most=1) == ["a"]
    mirror.check_off("a")
    assert mirror.replies(age=MINUTE, most=9) == ["b"]


def test_a_reply_that_is_listed_again_is_not_shown_again(mirror: Mirror) -> None:
    reply = replace(mail("a"), reply=True)
    fill(mirror, reply)
    mirror.check_off("a")
    fill(mirror, reply)
    assert mirror.replies(age=0, most=9) == []


def test_a_reply_outlives_a_mirror_that_begins_again(mirror: Mirror, clock: HandClock) -> None:
    fill(mirror, replace(mail("a"), reply=True))
    clock.advance(LOOK_BACK + MINUTE)
    fill(mirror)
    assert mirror.replies(age=0, most=9) == ["a"]

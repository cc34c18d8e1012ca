import pytest

from worker.domain.doubts import Finding, is_ours, look_for, next_look
from worker.domain.model import Direction, Draft, Message, Thread

from .making import campaign_mail, inbound, outbound

DRAFT = Draft(
    template="pricing", subject="Re: Your team", body="Hi Ann,\n\nit is 12 € a seat.\n\nSam"
)
SEEN = frozenset({"step-1", "out-0"})
BEFORE = [campaign_mail(), outbound(id="out-0"), inbound()]
OURS = outbound(id="out-1", text=DRAFT.body)


def look(*messages: Message) -> tuple[Finding, str]:
    found = look_for(DRAFT, Thread((*BEFORE, *messages)), SEEN)
    return found.finding, found.message.id if found.message else ""


def test_our_answer_in_the_thread_settles_the_doubt() -> None:
    assert look(OURS) == (Finding.OURS, "out-1")


def test_nothing_new_means_look_again() -> None:
    assert look() == (Finding.NOTHING, "")


def test_what_the_lead_writes_is_no_answer_of_ours() -> None:
    assert look(inbound(id="in-2", text=DRAFT.body)) == (Finding.NOTHING, "")


def test_the_next_campaign_step_is_nobodys_answer() -> None:
    assert look(campaign_mail(id="step-2")) == (Finding.NOTHING, "")


@pytest.mark.parametrize("direction", [Direction.OUTBOUND, Direction.UNKNOWN])
def test_somebody_elses_answer_is_told_from_ours(direction: Direction) -> None:
    other = outbound(id="out-2", text="Hi Ann, call me", direction=direction)
    assert look(other) == (Finding.SOMEBODY_ELSE, "out-2")
    assert look(other, OURS) == (Finding.OURS, "out-1")


def test_two_of_ours_are_a_matter_for_a_person() -> None:
    assert look(OURS, outbound(id="out-2", text=DRAFT.body)) == (Finding.SEVERAL, "out-1")


def test_ids_tell_what_is_new_and_clocks_do_not() -> None:
    assert look(outbound(id="out-1", text=DRAFT.body, at=None)) == (Finding.OURS, "out-1")
    early = outbound(id="out-1", text=DRAFT.body, at=BEFORE[0].at)
    assert look(early) == (Finding.OURS, "out-1")


def test_the_same_text_sent_earlier_is_not_taken_for_this_one() -> None:
    thread = Thread((outbound(id="out-0", text=DRAFT.body), inbound()))
    assert look_for(DRAFT, thread, SEEN).finding is Finding.NOTHING


@pytest.mark.parametrize(
    "text",
    [
        "Hi Ann,\r\n\r\nit is 12 € a\r\nseat.\r\n\r\nSam",
        "Hi Ann, it is 12 € a seat. Sam\n-- \nSam Seller, Ours Ltd",
        "Hi Ann,\n\nit is 12 € a seat.\n\nSam\n\nOn Tue, Ann wrote:\n> How much?",
    ],
)
def test_ours_is_known_again_wrapped_signed_or_quoted_below(text: str) -> None:
    assert is_ours(DRAFT, outbound(text=text))


@pytest.mark.parametrize("text", ["", "Hi Ann,\n\nit is", "Well: " + DRAFT.body])
def test_other_texts_are_not_ours(text: str) -> None:
    assert not is_ours(DRAFT, outbound(text=text))


def test_an_answer_without_letters_is_compared_by_its_signs() -> None:
    thumb = Draft(template="thumb", subject="Re: Your team", body="👍")
    assert is_ours(thumb, outbound(text="👍\n"))
    assert not is_ours(thumb, outbound(text="Hi Ann, call me"))


def test_looks_come_in_growing_steps_and_the_last_when_the_time_is_over() -> None:
    looks, now = [], 0
    while now < 600_000:
        now = next_look(0, now, 600_000)
        looks.append(now)
    steps = [after - before for before, after in zip([0, *looks], looks, strict=False)]
    assert looks[0] == 18_750
    assert looks[-1] == 600_000
    assert steps[:-1] == sorted(steps[:-1])
    assert len(looks) < 10


def test_a_look_that_comes_late_is_still_in_the_future() -> None:
    assert next_look(0, 700_000, 600_000) > 700_000

"""What the provider is to be told of an event's end."""

import pytest

from unit.making import folder, problem, rule
from worker.domain.deeds import AWAY, OPT_OUT, READ, interest_deed, interest_of, owed_at
from worker.domain.interest import Interest, interest_word, parse_interest
from worker.domain.progress import State


@pytest.mark.parametrize(
    ("state", "reason", "interest", "owed"),
    [
        (State.SENT, "posted", None, (READ,)),
        (State.SENT, "found_in_history", 1, (READ, "interest:1")),
        (State.SKIPPED, "by_rule", -2, ("interest:-2",)),
        (State.HELD, "by_rule", 2, ("interest:2",)),
        (State.HELD, "needs_approval", 1, ()),
        (State.SKIPPED, "shadow", 1, ()),
        (State.SKIPPED, "opted_out", None, OPT_OUT),
        (State.SKIPPED, "opted_out", 1, OPT_OUT),
        (State.SKIPPED, "answered_already", 1, ()),
        (State.FAILED, "http_400", 1, ()),
    ],
)
def test_an_end_owes_what_is_true_then(
    state: State, reason: str, interest: int | None, owed: tuple[str, ...]
) -> None:
    assert owed_at(state, reason, interest) == owed


@pytest.mark.parametrize("value", [*Interest, 77, -12])
def test_an_interest_is_found_again_in_its_deed(value: int) -> None:
    assert interest_of(interest_deed(value)) == value


def test_other_deeds_set_no_interest_of_a_template() -> None:
    assert {interest_of(deed) for deed in (*OPT_OUT, READ)} == {None}
    assert [interest_of(deed) for deed in AWAY] == [0]


@pytest.mark.parametrize(
    ("given", "value"),
    [("interested", 1), ("Meeting booked", 2), ("not-interested", -1), ("out_of_office", 0),
     (0, 0), (-3, -3), (42, 42)],
)  # fmt: skip
def test_an_interest_is_a_word_or_a_custom_label_s_number(given: object, value: int) -> None:
    assert parse_interest(given) == value


def test_an_interest_reads_as_its_word_or_its_number() -> None:
    assert [interest_word(value) for value in (-2, 0, 4, 42)] == [
        "wrong_person", "out_of_office", "won", "42",
    ]  # fmt: skip


def test_a_template_may_set_an_interest() -> None:
    assert rule(front="when: true\nset_interest: meeting_booked").front.set_interest == 2
    assert rule().front.set_interest is None


@pytest.mark.parametrize(
    ("given", "hint"),
    [("intrested", "did you mean interested?"), ("wrong_persons", "did you mean wrong_person?"),
     ("xyz", "write one of no_show, lost,"), ("true", "True is no interest")],
)  # fmt: skip
def test_a_wrong_interest_is_told_with_the_nearest_right_word(given: str, hint: str) -> None:
    said = problem(front=f"when: true\nset_interest: {given}")
    assert said.startswith("answer.j2:3: set_interest: ")
    assert hint in said


@pytest.mark.parametrize(("given", "is_on"), [("on", True), ("off", False)])
def test_the_write_back_is_on_or_off(given: str, is_on: bool) -> None:  # noqa: FBT001 - an example
    assert folder(_settings=f"write_back: {given}").settings.write_back is is_on
    assert folder().settings.write_back is True

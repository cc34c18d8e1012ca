import pytest

from worker.domain.progress import AT_RISK, FINAL, LEGAL, RESTING, State, is_legal

STEPS = {
    ("received", "waiting"), ("received", "sending"), ("received", "skipped"),
    ("received", "held"), ("received", "failed"),
    ("waiting", "waiting"), ("waiting", "sending"), ("waiting", "skipped"),
    ("waiting", "held"), ("waiting", "failed"), ("waiting", "sent"),
    ("sending", "sent"), ("sending", "waiting"), ("sending", "failed"), ("sending", "doubt"),
    ("doubt", "doubt"), ("doubt", "sent"), ("doubt", "skipped"), ("doubt", "waiting"),
    ("doubt", "held"),
    ("held", "waiting"), ("held", "skipped"),
    ("failed", "received"), ("skipped", "received"), ("quarantined", "received"),
    ("quarantined", "skipped"),
}  # fmt: skip


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_exactly_the_listed_steps_are_legal(before: State, after: State) -> None:
    assert is_legal(before, after) == ((before.value, after.value) in STEPS)


def test_every_state_has_a_row() -> None:
    assert set(LEGAL) == set(State)


def test_nothing_leaves_sent() -> None:
    assert LEGAL[State.SENT] == frozenset()


def test_a_request_only_leaves_from_a_state_in_which_all_was_checked() -> None:
    assert {s for s in State if is_legal(s, State.SENDING)} == {State.RECEIVED, State.WAITING}


def test_the_groups_of_states_do_not_mix() -> None:
    assert FINAL < RESTING
    assert not RESTING & AT_RISK
    assert RESTING | AT_RISK | {State.RECEIVED, State.WAITING} == set(State)

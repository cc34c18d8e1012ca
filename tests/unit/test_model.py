import pytest

from worker.domain.model import Mode, stricter

from .making import event, inbound, outbound


@pytest.mark.parametrize(
    ("one", "other", "counts"),
    [
        (Mode.SEND, Mode.SEND, Mode.SEND),
        (Mode.SEND, Mode.HOLD, Mode.HOLD),
        (Mode.SHADOW, Mode.HOLD, Mode.SHADOW),
        (Mode.SEND, Mode.SHADOW, Mode.SHADOW),
    ],
)
def test_of_two_modes_the_stricter_one_counts(one: Mode, other: Mode, counts: Mode) -> None:
    assert stricter(one, other) is stricter(other, one) is counts


def test_what_people_wrote_is_kept_out_of_logs() -> None:
    shown = repr(event()) + repr(inbound()) + repr(outbound())
    assert "How much" not in shown
    assert "Your team" not in shown

from datetime import timedelta

import pytest

from worker.domain.durations import in_words, parse_duration, parse_range


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90), ("5m", 300), ("2h", 7200), ("7d", 604800), ("45", 45), (45, 45), (1.5, 1.5),
        ("1.5h", 5400), (" 3 M ", 180), ("0", 0), (timedelta(minutes=1), 60),
    ],
)  # fmt: skip
def test_a_duration_is_a_number_with_a_unit(text: object, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "m", "-5m", "5 minutes", "5m30s", "1e3", "inf", "nan", True, None, [], "9" * 30]
)
def test_anything_else_is_refused_with_how_to_write_it(text: object) -> None:
    with pytest.raises(ValueError, match=r"is no duration; write 90s|longer than a calendar"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("3m..9m", 180, 540), ("3m", 180, 180), (0, 0, 0), ("1s .. 1m", 1, 60)],
)
def test_a_range_is_two_durations(text: object, low: int, high: int) -> None:
    assert parse_range(text) == (timedelta(seconds=low), timedelta(seconds=high))


@pytest.mark.parametrize("text", ["..9m", "3m..", "3m..x", "3m..4m..5m", ""])
def test_half_a_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        parse_range(text)


def test_a_range_that_runs_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match="write the shorter duration first"):
        parse_range("9m..3m")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0s"), (42.4, "42s"), (60, "1m"), (90, "1m 30s"), (7200, "2h"), (5400, "1h 30m"),
        (90061, "1d 1h"), (86400, "1d"), (3601, "1h 1s"),
    ],
)  # fmt: skip
def test_a_duration_is_said_in_two_units_at_most(seconds: float, said: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == said

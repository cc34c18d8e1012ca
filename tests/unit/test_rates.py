import pytest

from worker.domain.rates import Rate, parse_rates, room, spacing


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("5/s", [Rate(5, 1)]),
        ("100/s,6000/m", [Rate(100, 1), Rate(6000, 60)]),
        (" 20 / M , 9000/h ", [Rate(20, 60), Rate(9000, 3600)]),
    ],
)
def test_rates_are_calls_for_each_span_of_time(text: str, rates: list[Rate]) -> None:
    assert parse_rates(text) == tuple(rates)


@pytest.mark.parametrize(
    "text", ["", "5", "5/", "/s", "0/s", "-5/s", "5/d", "5.5/s", "5/s,", "5/s;6/m", "many/s"]
)
def test_anything_else_is_refused_with_how_to_write_it(text: str) -> None:
    with pytest.raises(ValueError, match="is no rate; write 100/s, 6000/m or 9000/h"):
        parse_rates(text)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("20/s", 50), ("20/m", 3000), ("100/s,6000/m", 10), ("100/s,600/m", 100), ("2/s,9000/h", 500)],
)
def test_the_strictest_rate_decides_how_far_apart_calls_are(text: str, milliseconds: float) -> None:
    assert spacing(parse_rates(text)) == milliseconds


@pytest.mark.parametrize(("text", "milliseconds"), [("20/m", 3060), ("20/s", 51)])
def test_each_window_leaves_a_part_free(text: str, milliseconds: float) -> None:
    assert spacing(parse_rates(text), free=0.02) == milliseconds


@pytest.mark.parametrize(("text", "milliseconds"), [("20/m", 1200), ("20/s", 20), ("9/s,9/m", 20)])
def test_a_call_may_be_late_by_what_the_tightest_window_leaves_free(
    text: str, milliseconds: float
) -> None:
    assert room(parse_rates(text), free=0.02) == milliseconds

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.schedule import Hours, dice, parse_zone, send_at

from .making import NOW

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
OFFICE = "Mon-Fri 09:00-17:30"


def opens(hours: str, moment: str, zone: ZoneInfo = BERLIN) -> str:
    """Return the next opening on the wall of the zone, for a moment on the same wall."""
    at = datetime.fromisoformat(moment)
    local = at if at.tzinfo else at.replace(tzinfo=zone)
    opening = Hours.parse(hours).next_open(local.astimezone(UTC), zone)
    assert opening.tzinfo is UTC
    return opening.astimezone(zone).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("hours", "moment", "opening"),
    [
        pytest.param(OFFICE, "2026-06-03 12:00", "2026-06-03 12:00", id="open: at once"),
        pytest.param(OFFICE, "2026-06-03 08:59", "2026-06-03 09:00", id="before: today"),
        pytest.param(OFFICE, "2026-06-03 09:00", "2026-06-03 09:00", id="the first minute is in"),
        pytest.param(OFFICE, "2026-06-03 17:30", "2026-06-04 09:00", id="the last one is out"),
        pytest.param(OFFICE, "2026-06-05 18:00", "2026-06-08 09:00", id="Friday evening"),
        pytest.param(OFFICE, "2026-06-06 12:00", "2026-06-08 09:00", id="Saturday"),
        pytest.param(OFFICE, "2026-12-31 18:00", "2027-01-01 09:00", id="year end"),
        pytest.param("Sun 10:00-11:00", "2026-06-07 11:00", "2026-06-14 10:00", id="in a week"),
        pytest.param("Sat-Mon 10:00-11:00", "2026-06-03 12:00", "2026-06-06 10:00", id="span"),
        pytest.param(
            "Mon-Fri 09:00-12:00, Mon-Fri 13:00-17:00", "2026-06-03 12:15", "2026-06-03 13:00",
            id="lunch",
        ),
        pytest.param(
            "Mon-Fri 09:00-17:00, Sat 10:00-12:00", "2026-06-05 20:00", "2026-06-06 10:00",
            id="several windows",
        ),
        pytest.param("Wed 20:00-24:00", "2026-06-03 23:59", "2026-06-03 23:59", id="till midnight"),
        pytest.param(
            "Wed 20:00-24:00, Thu 00:00-02:00", "2026-06-04 00:00", "2026-06-04 00:00",
            id="over midnight",
        ),
        pytest.param("Wed 20:00-24:00", "2026-06-04 00:00", "2026-06-10 20:00", id="midnight"),
        pytest.param("mon-sun 0:00-24:00", "2026-06-06 03:00", "2026-06-06 03:00", id="always"),
    ],
)  # fmt: skip
def test_an_answer_leaves_when_the_window_opens(hours: str, moment: str, opening: str) -> None:
    assert opens(hours, moment) == opening


@pytest.mark.parametrize(
    ("moment", "opening", "utc_hour"),
    [
        pytest.param("2026-03-27 18:00", "2026-03-30 09:00", 7, id="spring: an hour earlier"),
        pytest.param("2026-10-23 18:00", "2026-10-26 09:00", 8, id="autumn: an hour later"),
    ],
)
def test_nine_stays_nine_when_the_clocks_change(moment: str, opening: str, utc_hour: int) -> None:
    assert opens(OFFICE, moment) == opening
    assert datetime.fromisoformat(opening).replace(tzinfo=BERLIN).astimezone(UTC).hour == utc_hour


def test_a_window_that_begins_in_the_skipped_hour_opens_after_it() -> None:
    assert opens("Sun 02:30-05:00", "2026-03-29 01:00") == "2026-03-29 03:30"


def test_a_window_that_the_skipped_hour_swallows_opens_a_week_later() -> None:
    assert opens("Sun 02:30-03:00", "2026-03-28 12:00") == "2026-04-05 02:30"
    assert opens("Sun 02:30-03:00", "2026-03-23 12:00") == "2026-04-05 02:30"


def test_a_window_in_the_doubled_hour_is_open_once() -> None:
    assert opens("Sun 02:15-02:45", "2026-10-25T02:30+02:00") == "2026-10-25 02:30"
    assert opens("Sun 02:15-02:45", "2026-10-25T02:30+01:00") == "2026-11-01 02:15"


def test_a_window_over_the_doubled_hour_is_open_throughout() -> None:
    for minute in range(0, 240, 10):
        moment = datetime(2026, 10, 24, 23, tzinfo=UTC) + timedelta(minutes=minute)
        assert Hours.parse("Sun 01:00-04:00").next_open(moment, BERLIN) == moment


def test_the_zone_decides_which_day_it_is() -> None:
    friday_night_in_berlin = "2026-06-05T23:30+02:00"
    assert opens(OFFICE, friday_night_in_berlin, NEW_YORK) == "2026-06-08 09:00"
    assert opens("Fri 17:00-18:00", friday_night_in_berlin, NEW_YORK) == "2026-06-05 17:30"


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the zone stands beside it
    st.sampled_from([OFFICE, "Sun 02:30-03:00", "Sat 22:00-24:00, Sun 00:00-01:00"]),
    st.sampled_from([BERLIN, NEW_YORK, ZoneInfo("Asia/Kolkata"), ZoneInfo("Australia/Lord_Howe")]),
)
def test_an_opening_is_never_past_and_is_open_itself(
    moment: datetime, hours: str, zone: ZoneInfo
) -> None:
    opening = Hours.parse(hours).next_open(moment, zone)
    assert moment <= opening < moment + timedelta(days=15)
    assert Hours.parse(hours).next_open(opening, zone) == opening


@pytest.mark.parametrize(
    ("hours", "hint"),
    [
        ("", "write them like Mon-Fri 09:00-17:30"),
        ("9-5", "write them like Mon-Fri 09:00-17:30"),
        ("Mon-Foo 09:00-17:00", "write them like"),
        ("Mon 17:00-09:00", "ends before it starts; split it at midnight"),
        ("Mon 09:00-09:00", "ends before it starts"),
        ("Mon 25:00-26:00", "hour must be in"),
        ("Mon 24:00-25:00", "hour must be in"),
        ("Mon 09:60-10:00", "minute must be in"),
        ("Mon 09:00-10:00,", "write them like"),
    ],
)
def test_hours_that_mean_nothing_are_refused(hours: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        Hours.parse(hours)


@pytest.mark.parametrize("name", ["", "Berlin", "../etc/passwd", "/etc/passwd", "x" * 5000, "a\0b"])
def test_a_name_that_is_no_zone_is_none(name: str) -> None:
    assert parse_zone(name) is None


def test_the_dice_fall_the_same_way_for_the_same_event() -> None:
    thrown = [dice(f"event-{n}") for n in range(1000)]
    assert thrown == [dice(f"event-{n}") for n in range(1000)]
    assert all(0 <= number < 1 for number in thrown)
    assert 0.4 < sum(thrown) / len(thrown) < 0.6


def leaves(thrown: float, *, waited: int = 0, hours: str = "") -> timedelta:
    """Return how long after its acceptance an answer leaves, with a delay of 3m..9m."""
    return (
        send_at(
            NOW,
            NOW + timedelta(minutes=waited),
            delay=(timedelta(minutes=3), timedelta(minutes=9)),
            thrown=thrown,
            hours=Hours.parse(hours) if hours else None,
            zone=BERLIN,
        )
        - NOW
    )


@pytest.mark.parametrize(("thrown", "minutes"), [(0, 3), (0.5, 6), (0.999999, 9)])
def test_the_dice_choose_within_the_delay(thrown: float, minutes: int) -> None:
    assert round(leaves(thrown) / timedelta(minutes=1), 3) == minutes


def test_the_delay_counts_from_acceptance_and_never_again() -> None:
    assert leaves(0.5, waited=4) == timedelta(minutes=6)


def test_an_answer_never_leaves_in_the_past() -> None:
    assert leaves(0.5, waited=60) == timedelta(minutes=60)


def test_the_hours_are_asked_after_the_delay() -> None:
    assert leaves(0, hours="Wed 09:00-14:02, Thu 09:00-17:00") == timedelta(hours=19)

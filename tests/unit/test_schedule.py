from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.calendars import Holidays
from worker.domain.schedule import (
    OFFICE_HOURS,
    Closed,
    Hours,
    Window,
    dice,
    no_holiday,
    parse_zone,
    resume_at,
    send_at,
    wall_time,
)

from .making import NOW

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
HAVANA = ZoneInfo("America/Havana")
"""Its clocks change at midnight."""

OFFICE = "Mon-Fri 09:00-17:30"


def opens(hours: str, moment: str, zone: ZoneInfo = BERLIN, closed: Closed = no_holiday) -> str:
    """Return the next opening on the wall of the zone, for a moment on the same wall."""
    at = datetime.fromisoformat(moment)
    local = at if at.tzinfo else at.replace(tzinfo=zone)
    opening = Hours.parse(hours).next_open(local.astimezone(UTC), zone, closed)
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
    assert opens("Sun 02:30-05:00", "2026-03-29 01:00") == "2026-03-29 03:00"
    assert opens("Sun 02:30-05:00", "2026-03-29 03:10") == "2026-03-29 03:10"


def test_a_window_that_ends_in_the_skipped_hour_is_closed_after_it() -> None:
    assert opens("Sun 01:00-02:30", "2026-03-29 01:59") == "2026-03-29 01:59"
    assert opens("Sun 01:00-02:30", "2026-03-29 03:00") == "2026-04-05 01:00"
    assert opens("Sun 02:00-02:30", "2026-03-29 01:00") == "2026-04-05 02:00"


def test_a_day_whose_midnight_is_skipped_begins_at_one() -> None:
    assert opens("Sun 00:00-24:00", "2026-03-07 12:00", HAVANA) == "2026-03-08 01:00"
    assert opens("Sat 00:00-24:00", "2026-03-07 23:59", HAVANA) == "2026-03-07 23:59"
    assert opens("Sat 00:00-24:00", "2026-03-08 01:00", HAVANA) == "2026-03-14 00:00"


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


CHRISTMAS_2026 = "2026-12-24 18:00"


@pytest.mark.parametrize(
    ("codes", "opening"),
    [
        pytest.param("", "2026-12-25 09:00", id="a Friday like any other"),
        pytest.param("US", "2026-12-28 09:00", id="Christmas Day, then the weekend"),
        pytest.param("GB", "2026-12-29 09:00", id="Boxing Day is made up for on Monday"),
    ],
)
def test_no_window_opens_on_a_holiday(codes: str, opening: str) -> None:
    closed = Holidays.parse(codes.split()).__contains__
    assert opens(OFFICE, CHRISTMAS_2026, closed=closed) == opening


def test_a_window_that_is_open_closes_where_a_holiday_begins() -> None:
    closed = Holidays.parse("DE").__contains__
    assert opens("Mon-Sun 00:00-24:00", "2026-10-02 23:59", closed=closed) == "2026-10-02 23:59"
    assert opens("Mon-Sun 00:00-24:00", "2026-10-03 00:00", closed=closed) == "2026-10-04 00:00"


def test_a_row_of_holidays_is_waited_out_over_the_year_end() -> None:
    fridays = Holidays.parse("DE").__contains__  # 25 December and 1 January
    assert opens("Fri 10:00-11:00", "2026-12-18 11:00", closed=fridays) == "2027-01-08 10:00"


def test_hours_that_fall_on_holidays_only_are_kept_all_the_same() -> None:
    def is_sunday(day: date) -> bool:
        return day.weekday() == 6

    assert opens("Sun 10:00-11:00", "2026-06-03 12:00", closed=is_sunday) == "2026-06-07 10:00"


@pytest.mark.parametrize(
    ("moment", "zone", "opening"),
    [
        pytest.param("2026-03-28 12:00", BERLIN, "2026-03-30 09:00+02:00", id="into summer"),
        pytest.param("2026-10-24 12:00", BERLIN, "2026-10-26 09:00+01:00", id="out of summer"),
        pytest.param("2026-03-07 12:00", NEW_YORK, "2026-03-09 09:00-04:00", id="two weeks apart"),
        pytest.param("2026-10-31 12:00", NEW_YORK, "2026-11-02 09:00-05:00", id="in November"),
        pytest.param("2026-12-31 12:00", BERLIN, "2027-01-04 09:00+01:00", id="over the year end"),
        pytest.param("2027-12-31 12:00", BERLIN, "2028-01-03 09:00+01:00", id="into a leap year"),
        pytest.param("2028-02-28 12:00", BERLIN, "2028-03-06 09:00+01:00", id="over a leap day"),
        pytest.param(
            "2026-10-03 23:30", ZoneInfo("Australia/Lord_Howe"), "2026-10-05 09:00+11:00",
            id="by half an hour",
        ),
    ],
)  # fmt: skip
def test_next_monday_is_nine_on_the_wall(moment: str, zone: ZoneInfo, opening: str) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=zone)
    monday = Hours.parse("Mon 09:00-10:00").next_open(at, zone)
    assert monday == datetime.fromisoformat(opening)


MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone stands beside it
ZONES = st.sampled_from(
    [
        BERLIN, NEW_YORK, HAVANA, ZoneInfo("Asia/Kolkata"), ZoneInfo("Australia/Lord_Howe"),
        ZoneInfo("Africa/Casablanca"), ZoneInfo("America/St_Johns"), ZoneInfo("Pacific/Chatham"),
    ]
)  # fmt: skip
TIMES = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
DAYS = st.frozensets(st.integers(0, 6), min_size=1)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """Throw a window; half of them lie in the hours of a night in which clocks change."""
    night = st.integers(0, 4 * 12 - 1).map(lambda step: time(step // 12, step % 12 * 5))
    start, end = sorted((draw(night | TIMES), draw(night | TIMES)))
    return Window(draw(DAYS), start, end if start < end else None)


HOURS = st.lists(windows(), min_size=1, max_size=3).map(lambda found: Hours(tuple(found)))
CALENDARS = st.sampled_from([no_holiday, Holidays(("DE-BY", "US")).__contains__])


@given(MOMENTS, HOURS, ZONES, CALENDARS)
def test_an_opening_is_never_past_never_on_a_holiday_and_open_itself(
    moment: datetime, hours: Hours, zone: ZoneInfo, closed: Closed
) -> None:
    opening = hours.next_open(moment, zone, closed)
    assert moment <= opening
    assert not closed(opening.astimezone(zone).date())
    assert hours.next_open(opening, zone, closed) == opening


def shows_open(hours: Hours, local: datetime) -> bool:
    """Say whether the clock on the wall and the calendar beside it show an open window."""
    return any(
        local.weekday() in window.days
        and window.start <= local.time()
        and (window.end is None or local.time() < window.end)
        for window in hours.windows
    )


@given(MOMENTS, HOURS, ZONES, CALENDARS)
def test_an_opening_is_inside_a_window_on_the_wall(
    moment: datetime, hours: Hours, zone: ZoneInfo, closed: Closed
) -> None:
    opening = hours.next_open(moment, zone, closed).astimezone(zone)
    doubled = opening.replace(fold=1).utcoffset() != opening.replace(fold=0).utcoffset()
    assert shows_open(hours, opening) or doubled


@given(MOMENTS, HOURS, ZONES, CALENDARS)
def test_what_is_open_opens_at_once(
    moment: datetime, hours: Hours, zone: ZoneInfo, closed: Closed
) -> None:
    local = moment.astimezone(zone)
    if shows_open(hours, local) and not closed(local.date()) and not local.fold:
        assert hours.next_open(moment, zone, closed) == moment


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=9)), HOURS, ZONES, CALENDARS)
def test_who_asks_later_is_never_told_an_earlier_opening(
    moment: datetime, later: timedelta, hours: Hours, zone: ZoneInfo, closed: Closed
) -> None:
    first = hours.next_open(moment, zone, closed)
    assert first <= hours.next_open(moment + later, zone, closed)


@given(st.dates(date(2024, 1, 1), date(2028, 1, 1)), TIMES, ZONES)
def test_the_wall_shows_a_time_or_jumps_over_it_at_that_very_second(
    day: date, at: time, zone: ZoneInfo
) -> None:
    wanted = datetime.combine(day, at)
    moment = wall_time(day, at, zone)
    second_before = moment - timedelta(seconds=1)
    assert moment.astimezone(zone).replace(tzinfo=None) >= wanted
    assert second_before.astimezone(zone).replace(tzinfo=None) < wanted


@pytest.mark.parametrize(
    ("back", "hours", "codes", "written"),
    [
        pytest.param("2026-06-10", "", "", "2026-06-11 09:00", id="Wednesday: on Thursday"),
        pytest.param("2026-06-12", "", "", "2026-06-15 09:00", id="Friday: on Monday"),
        pytest.param("2026-06-13", "", "", "2026-06-15 09:00", id="Saturday: on Monday"),
        pytest.param("2026-06-14", "", "", "2026-06-15 09:00", id="Sunday: on Monday"),
        pytest.param("2026-06-15", "", "", "2026-06-16 09:00", id="Monday: on Tuesday"),
        pytest.param("2026-12-31", "", "DE", "2027-01-04 09:00", id="New Year is no business day"),
        pytest.param("2026-12-23", "", "DE", "2026-12-24 09:00", id="Christmas Eve is one"),
        pytest.param("2026-06-10", "Fri 14:00-15:00", "", "2026-06-12 14:00", id="own hours"),
        pytest.param("2026-03-27", "", "", "2026-03-30 09:00", id="over the clocks' change"),
        pytest.param("2028-02-28", "", "", "2028-02-29 09:00", id="a leap day is a day"),
    ],
)
def test_who_was_away_is_written_to_one_business_day_after_the_return(
    back: str, hours: str, codes: str, written: str
) -> None:
    at = resume_at(
        date.fromisoformat(back),
        hours=Hours.parse(hours) if hours else None,
        zone=BERLIN,
        closed=Holidays.parse(codes.split()).__contains__,
    )
    assert at.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M") == written


@given(st.dates(date(2024, 1, 1), date(2028, 1, 1)), HOURS | st.none(), ZONES, CALENDARS)
def test_a_return_is_always_over_before_it_is_answered(
    back: date, hours: Hours | None, zone: ZoneInfo, closed: Closed
) -> None:
    at = resume_at(back, hours=hours, zone=zone, closed=closed)
    local = at.astimezone(zone)
    assert local.date() > back
    assert not closed(local.date())
    assert (hours or OFFICE_HOURS).next_open(at, zone, closed) == at


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


SPANS = st.timedeltas(timedelta(0), timedelta(days=3))


@given(MOMENTS, SPANS, SPANS, SPANS, HOURS | st.none(), ZONES, CALENDARS)
def test_an_answer_leaves_after_its_delay_and_its_undo_window_and_inside_its_hours(
    received: datetime, waited: timedelta, low: timedelta, undo: timedelta,
    hours: Hours | None, zone: ZoneInfo, closed: Closed,
) -> None:  # fmt: skip
    now = received + waited
    at = send_at(
        received, now, delay=(low, low), thrown=0, hours=hours, zone=zone, closed=closed,
        undo_until=now + undo,
    )  # fmt: skip
    earliest = max(now, received + low, now + undo)
    assert at == (hours.next_open(earliest, zone, closed) if hours else earliest)
    assert at >= earliest

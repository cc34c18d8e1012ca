"""The day somebody is back: the project's own notes, most of all those that leave it open."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.returning import Return, read_return

from .effort import seconds_of

_NOTES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "returns.jsonl")
    .read_text("utf-8")
    .split("\n")
    if line
]
FRIDAY = datetime(2026, 9, 4, 10, tzinfo=UTC)


@pytest.mark.parametrize("note", [pytest.param(note, id=note["id"]) for note in _NOTES])
def test_the_day_is_read_where_the_note_says_it(note: dict[str, str]) -> None:
    zone = ZoneInfo(note["zone"]) if "zone" in note else None
    now = datetime.fromisoformat(note["now"])
    read = read_return(note["text"], now=now, subject=note["subject"], zone=zone)
    assert (read.day.isoformat() if read.day else None) == note["day"], read.words


def test_many_notes_leave_the_day_open() -> None:
    assert sum(note["day"] is None for note in _NOTES) >= 40
    assert sum(note["day"] is not None for note in _NOTES) >= 100


def test_the_words_that_said_it_are_given_as_they_were_written() -> None:
    read = read_return("Hello!\nI'm AWAY until Monday, 14 September. Regards", now=FRIDAY)
    assert read == Return(date(2026, 9, 14), "I'm AWAY until Monday, 14 September.")


@pytest.mark.parametrize(
    ("language", "day"),
    [("", None), ("en", None), ("de", date(2026, 10, 8)), ("ja", date(2026, 10, 8)), ("xx", None)],
)
def test_a_language_settles_which_number_is_the_month(language: str, day: date | None) -> None:
    slashed = "10/8" if language == "ja" else "08/10"
    text = f"OOO, back {slashed}"
    assert read_return(text, now=FRIDAY, language=language).day == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Back on Saturday.", date(2026, 9, 5)),
        ("Back on Sunday.", date(2026, 9, 6)),
        ("Back on Monday.", date(2026, 9, 7)),
        ("Back on Thursday.", date(2026, 9, 10)),
        ("Back on Friday.", None),
        ("Back next Sunday.", None),
        ("Back next Monday.", date(2026, 9, 7)),
        ("Back next Thursday.", date(2026, 9, 10)),
        ("Back next Friday.", None),
    ],
)
def test_a_weekday_is_the_next_one_and_today_is_no_answer(text: str, day: date | None) -> None:
    assert read_return(text, now=FRIDAY).day == day


@pytest.mark.parametrize("month", range(1, 13))
def test_a_day_without_a_year_is_the_next_one_within_half_a_year(month: int) -> None:
    text = f"Ich bin ab dem 1.{month}. wieder da."
    coming = date(2026 if month > 9 else 2027, month, 1)
    near = month > 9 or month < 4
    assert read_return(text, now=FRIDAY).day == (coming if near else None)


@pytest.mark.parametrize(
    ("now", "text", "day"),
    [
        ("2026-12-28T09:00+00:00", "Ab KW 1 bin ich wieder da.", date(2027, 1, 4)),
        ("2026-12-28T09:00+00:00", "Ab KW 53 bin ich wieder da.", date(2026, 12, 28)),
        ("2027-12-28T09:00+00:00", "Ab KW 53 bin ich wieder da.", None),
        ("2026-12-31T23:30+00:00", "I am back on Monday.", date(2027, 1, 4)),
        ("2026-10-24T12:00+00:00", "I am back on Monday.", date(2026, 10, 26)),
        ("2026-12-30T12:00+00:00", "I am away through 31 December.", date(2027, 1, 1)),
        ("2028-02-27T12:00+00:00", "I am away through 28 February.", date(2028, 2, 29)),
    ],
)
def test_years_and_weeks_roll_over(now: str, text: str, day: date | None) -> None:
    assert read_return(text, now=datetime.fromisoformat(now)).day == day


@pytest.mark.parametrize(
    "hostile",
    ["back until 1 ", "9月", "9月18日まで不在", "from 4 to ", "12.12.-", "1", "\n", "Monday, "],
)
def test_a_megabyte_is_read_as_fast_as_a_page(hostile: str) -> None:
    def seconds(size: int) -> float:
        text = (hostile * size)[:size]
        return seconds_of(lambda: read_return(text, now=FRIDAY, subject=text))

    assert seconds(1_000_000) < 20 * max(seconds(10_000), 0.005)


_PIECES = st.sampled_from(
    [
        "away",
        "back",
        "until",
        "through",
        "ab",
        "wieder",
        "4.9.",
        "10/08",
        "31.2.",
        "KW 60",
        "Monday",
        "9月4日",
        "29 February",
        "0",
    ]
)


@given(
    st.lists(_PIECES | st.sampled_from(" ,.(-\n") | st.text(max_size=3), max_size=30).map("".join)
)
def test_no_note_is_too_strange_and_no_day_is_past_or_far(text: str) -> None:
    day = read_return(text, now=FRIDAY).day
    assert day is None or FRIDAY.date() <= day <= FRIDAY.date() + timedelta(days=185 + 7)

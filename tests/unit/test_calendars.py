import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from holidays import country_holidays
from holidays.registry import COUNTRIES

from worker.domain import calendars
from worker.domain.calendars import Holidays, country_code

UNITY_DAY = date(2026, 10, 3)
EPIPHANY = date(2026, 1, 6)
INDEPENDENCE_DAY = date(2026, 7, 3)
"""The Friday before, since the fourth is a Saturday."""


@pytest.mark.parametrize(
    ("told", "codes"),
    [
        ("DE", ("DE",)),
        ("de", ("DE",)),
        ("DEU", ("DE",)),
        ("Germany", ("DE",)),
        ("DE-BY", ("DE-BY",)),
        ("de-by", ("DE-BY",)),
        ("DE-Bayern", ("DE-BY",)),
        ("UK", ("GB",)),
        ("GB-SCT", ("GB-SCT",)),
        ("Guinea-Bissau", ("GW",)),
        ("US, DE-BY", ("US", "DE-BY")),
        (["US", "DE-BY", "USA"], ("US", "DE-BY")),
        ([], ()),
    ],
)
def test_calendars_are_named_by_country_and_region(told: object, codes: tuple[str, ...]) -> None:
    assert Holidays.parse(told) == Holidays(codes)


@pytest.mark.parametrize(
    ("told", "hint"),
    [
        ("GER", r"'GER' is no country; did you mean DE \(germany\)\?"),
        ("Austia", r"did you mean AT \(austria\)\?"),
        ("XX", "'XX' is no country; write DE, US or DE-BY"),
        ("", "'' is no country; write"),
        ("off", "'off' is no country; write"),
        ("DE-Bayrn", r"'DE-Bayrn' is no region of DE; did you mean DE-BY\?"),
        ("DE-XY", "'DE-XY' is no region of DE; write DE, or one of its regions: .*BY, HB"),
        ("MC-1", "'MC-1' is no region of MC; write MC$"),
        (["DE", "Bavaria"], "'Bavaria' is no country"),
        (False, 'write "NO" for Norway, \\[\\] for no holidays'),
        (["DE", False], 'write "NO" for Norway'),
        (42, "'42' is no country"),
    ],
)
def test_what_names_no_calendar_is_refused_with_the_nearest_right_one(
    told: object, hint: str
) -> None:
    with pytest.raises(ValueError, match=hint):
        Holidays.parse(told)


def test_the_holidays_of_a_country_are_closed_and_the_days_beside_them_are_not() -> None:
    germany = Holidays(("DE",))
    assert UNITY_DAY in germany
    assert UNITY_DAY - timedelta(days=1) not in germany
    assert UNITY_DAY + timedelta(days=1) not in germany


def test_a_region_has_more_holidays_than_its_country() -> None:
    assert EPIPHANY in Holidays(("DE-BY",))
    assert EPIPHANY not in Holidays(("DE",))
    assert UNITY_DAY in Holidays(("DE-BY",))


def test_several_calendars_are_taken_together() -> None:
    both = Holidays(("US", "DE"))
    assert INDEPENDENCE_DAY in both
    assert UNITY_DAY in both
    assert INDEPENDENCE_DAY not in Holidays(("DE",))
    assert UNITY_DAY not in Holidays()


def test_a_holiday_made_up_for_in_the_year_before_is_known_in_that_year() -> None:
    assert date(2027, 12, 31) in Holidays(("US",))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("DE", "DE"), ("deu", "DE"), ("Germany", "DE"), (" germany ", "DE"),
        ("United States", "US"), ("USA", "US"), ("U.S.A.", "US"), ("Great Britain", "GB"),
        ("Czech Republic", "CZ"), ("Czechia", "CZ"), ("Türkiye", "TR"), ("Turkey", "TR"),
        ("Côte d'Ivoire", "CI"), ("South Korea", "KR"), ("Hong Kong", "HK"),
        ("Deutschland", ""), ("German", ""), ("Berlin", ""), ("DE-BY", ""), ("", ""), ("G", ""),
    ],
)  # fmt: skip
def test_a_country_is_known_by_its_code_or_its_exact_name(name: str, code: str) -> None:
    assert country_code(name) == code


def test_every_other_name_is_of_a_country_that_the_library_has() -> None:
    codes = {names[1] for names in COUNTRIES.values()}
    own = {module.replace("_", " ") for module in COUNTRIES}
    assert set(calendars._OTHER_NAMES.values()) <= codes
    assert not own & calendars._OTHER_NAMES.keys()


def test_a_year_by_itself_has_the_same_holidays_as_in_a_row_of_years() -> None:
    """Each year is built alone, so none may depend on the one before it."""
    for names in COUNTRIES.values():
        together = country_holidays(names[1], years=range(2025, 2030), expand=False)
        apart = {
            day
            for year in range(2025, 2030)
            for day in calendars._days(names[1], year)
            if day.year == year
        }
        assert apart == set(together), names[1]


def test_many_threads_see_the_same_days() -> None:
    calendars._days.cache_clear()
    day = date(2031, 10, 3)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: day in Holidays(("DE",)), range(64)))


def test_the_library_is_loaded_only_where_a_country_is_named() -> None:
    code = (
        "import sys, worker.domain.deciding; assert 'holidays' not in sys.modules; "
        "from worker.domain.calendars import Holidays; Holidays.parse('DE-BY'); "
        "assert 'holidays' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # a fresh process: nothing loaded

"""Public holidays: days on which an answer would only show that a machine wrote it.

The days come from the library `holidays`, which takes a quarter of a second to load: nobody
pays for it before the first country is named.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from worker.domain.words import fold

_OTHER_NAMES: Final = {
    "america": "US", "burma": "MM", "cape verde": "CV", "congo kinshasa": "CD",
    "cote d ivoire": "CI", "czech republic": "CZ", "east timor": "TL", "great britain": "GB",
    "holland": "NL", "hong kong": "HK", "hong kong sar": "HK", "korea republic of": "KR",
    "macedonia": "MK", "republic of ireland": "IE", "republic of korea": "KR",
    "russian federation": "RU", "slovak republic": "SK", "the netherlands": "NL",
    "turkiye": "TR", "u k": "GB", "u s": "US", "u s a": "US", "united states of america": "US",
    "vatican": "VA", "viet nam": "VN",
}  # fmt: skip
"""Names that address books have and the library has not."""

_CLOSE: Final = 0.75
"""How like a country's name a mistyped one has to be, of 1."""

_SHORTEST_BEGINNING: Final = 3
"""Letters with which a mistyped country must begin to be taken for one of that beginning."""


@dataclass(frozen=True, slots=True)
class Holidays:
    """The public holidays of countries (`DE`) and their regions (`DE-BY`), taken together."""

    codes: tuple[str, ...] = ()

    @classmethod
    def parse(cls, value: object) -> "Holidays":
        """Read `DE`, `US, DE-BY` or a list of those; an empty list is no holiday at all.

        Raises:
            ValueError: with the nearest right code.

        """
        listed = value if isinstance(value, list | tuple) else str(value).split(",")
        if isinstance(value, bool) or any(isinstance(code, bool) for code in listed):
            msg = 'YAML reads NO and off as false; write "NO" for Norway, [] for no holidays'
            raise ValueError(msg)
        return cls(tuple(dict.fromkeys(_code(str(code).strip()) for code in listed)))

    def __contains__(self, day: date) -> bool:
        return any(day in _days(code, day.year) for code in self.codes)


def country_code(name: str) -> str:
    """Return the ISO code (`DE`) of a country's code or exact name, "" where it is neither."""
    return _countries().get(fold(name), "")


@lru_cache(maxsize=1)
def _countries() -> Mapping[str, str]:
    """Return every folded name and code of a country → its ISO code."""
    from holidays.registry import COUNTRIES  # noqa: PLC0415 - see above

    named = {
        fold(name): names[1]
        for module, names in COUNTRIES.items()
        for name in (module, *names[1:])
    }  # fmt: skip
    return _OTHER_NAMES | named


def _code(text: str) -> str:
    """Return the code of a country or region as the library writes it."""
    if whole := country_code(text):
        return whole
    country, _, region = text.partition("-")
    code = country_code(country)
    if not code:
        raise ValueError(_no_country(text))
    regions = _regions(code)
    if fold(region) not in regions:
        raise ValueError(_no_region(text, code, region, regions))
    return f"{code}-{regions[fold(region)]}"


@lru_cache(maxsize=256)
def _regions(country: str) -> Mapping[str, str]:
    """Return every folded name and code of a country's regions → the code."""
    from holidays import country_holidays  # noqa: PLC0415 - see above

    found = country_holidays(country)
    codes = {code: code for code in found.subdivisions} | found.subdivisions_aliases
    return {fold(name): code for name, code in codes.items()}


def _no_country(text: str) -> str:
    known, wanted = _countries(), fold(text)
    begin = [
        n for n in sorted(known) if len(wanted) >= _SHORTEST_BEGINNING and n.startswith(wanted)
    ]
    near = [*begin, *difflib.get_close_matches(wanted, known, 1, _CLOSE)]
    hint = f"did you mean {known[near[0]]} ({near[0]})?" if near else "write DE, US or DE-BY"
    return f"{text!r} is no country; {hint}"


def _no_region(text: str, country: str, region: str, regions: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(fold(region), regions, 1)
    hint = f"did you mean {country}-{regions[near[0]]}?" if near else f"write {country}"
    if not near and regions:
        hint += f", or one of its regions: {', '.join(sorted(set(regions.values())))}"
    return f"{text!r} is no region of {country}; {hint}"


@lru_cache(maxsize=1024)
def _days(code: str, year: int) -> frozenset[date]:
    """Return the holidays of a year. Built anew, since the library's own cache is no threads'."""
    from holidays import country_holidays  # noqa: PLC0415 - see above

    country, _, region = code.partition("-")
    return frozenset(country_holidays(country, region or None, years=year))

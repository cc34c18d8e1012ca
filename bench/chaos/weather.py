"""The API's bad weather: which faults strike, for a few seconds each."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from chaos.mails import Json

LONGEST_LAG: Final = 3.0
"""Seconds that the history lags; latency and a freeze come on top, the settle time is longer."""

_AT_A_TIME: Final = 3
_FAULTS: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("thread", "latency", {"seconds": (0.3, 1.6)}),
    ("reply", "latency", {"seconds": (0.3, 1.6)}),
    ("thread", "history_lag", {"seconds": (1.0, LONGEST_LAG)}),
    ("reply", "history_lag", {"seconds": (1.0, LONGEST_LAG)}),
    ("thread", "status", {"status": 429, "retry_after": 1}),
    ("reply", "status", {"status": 429, "retry_after": 1}),
    ("thread", "status", {"status": 500}),
    ("reply", "status", {"status": 500}),
    ("reply", "status_after", {"status": 502}),
    ("thread", "cut", {}),
    ("reply", "cut", {}),
    ("reply", "cut_after", {}),
    ("thread", "garbage_after", {}),
    ("reply", "garbage_after", {}),
    ("thread", "error_body", {}),
    ("reply", "error_body", {}),
)


class Weather:
    """Deals faults, three at a time and each kind once before any comes again."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._deck = self._dealt()
        self.seen: Counter[str] = Counter()

    def _dealt(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        while True:
            yield from self._dice.sample(_FAULTS, len(_FAULTS))

    def change(self) -> list[Json]:
        """Return the faults of the next seconds, no call and kind twice: delays would add up."""
        chosen: dict[tuple[str, str], Json] = {}
        while len(chosen) < _AT_A_TIME:
            call, kind, details = next(self._deck)
            chosen.setdefault((call, kind), self._fault(call, kind, details))
        for fault in chosen.values():
            self.seen[f"{fault['kind']} {fault.get('status', '')}".strip()] += 1
        return list(chosen.values())

    def _fault(self, call: str, kind: str, details: dict[str, Any]) -> Json:
        share, times = self._dice.uniform(0.1, 0.35), self._dice.randint(3, 20)
        if details.get("status") == 429:  # noqa: PLR2004 - one of them stops everybody
            times = 1
        fault = {"on": call, "kind": kind, "share": share, "times": times}
        return fault | {
            name: self._dice.uniform(*value) if isinstance(value, tuple) else value
            for name, value in details.items()
        }

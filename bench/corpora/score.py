"""What a corpus came to."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[3] / "shared" / "corpora"
"""Beside the checkout: third-party cases are no part of this project."""


@dataclass(frozen=True, slots=True)
class Score:
    """How many cases came out right, how many have to, and which did not."""

    name: str
    right: int
    total: int
    wanted: int
    misses: tuple[str, ...] = field(default=())

    @property
    def enough(self) -> bool:
        """Say whether as many cases as wanted came out right."""
        return self.right >= self.wanted


def rows(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSONL file."""
    with file.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def count(
    name: str, cases: Iterable[dict[str, Any]], wrong: Callable[[dict[str, Any]], str], wanted: int
) -> Score:
    """Ask each case what is wrong with it ("" is right)."""
    said = [(case["id"], wrong(case)) for case in cases]
    misses = tuple(f"{id_}: {why}" for id_, why in said if why)
    return Score(name, len(said) - len(misses), len(said), wanted, misses)

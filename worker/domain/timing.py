"""How long answers took, in the classes that are counted: what a histogram is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

BOUNDS: Final = (5, 15, 30, 60, 120, 300, 600, 1800, 3600, 10_800, 43_200, 86_400)
"""The upper ends of the classes in seconds; what took longer is in a class of its own."""

LONGER: Final = "more"
SUM: Final = "sum"
"""The names under which the rest, and the milliseconds in all, are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The times from delivery to answer.

    Attributes:
        below: each of `BOUNDS` → how many took no longer than that.
        count: how many there were.
        seconds: what they took in all.

    """

    below: Mapping[int, int]
    count: int
    seconds: float

    @classmethod
    def read(cls, counted: Mapping[str, int]) -> "Times":
        """Return the times from the classes that were counted, each for itself."""
        summed = list(accumulate(counted.get(str(bound), 0) for bound in BOUNDS))
        return cls(
            below=dict(zip(BOUNDS, summed, strict=True)),
            count=summed[-1] + counted.get(LONGER, 0),
            seconds=counted.get(SUM, 0) / 1000,
        )


def class_of(milliseconds: int) -> str:
    """Return the name of the class in which a time is counted."""
    return next((str(bound) for bound in BOUNDS if milliseconds <= 1000 * bound), LONGER)

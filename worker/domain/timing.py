"""How long answers and stages took, in the classes that are counted: what histograms are of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

BOUNDS: Final = (5, 15, 30, 60, 120, 300, 600, 1800, 3600, 10_800, 43_200, 86_400)
STAGE_BOUNDS: Final = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""The upper ends of the classes in seconds; what took longer is in a class of its own."""

LONGER: Final = "more"
SUM: Final = "sum"
"""The names under which the rest, and the time in all, are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The times from delivery to answer, or of a stage.

    Attributes:
        below: each of the bounds → how many took no longer than that.
        count: how many there were.
        seconds: what they took in all.

    """

    below: Mapping[float, int]
    count: int
    seconds: float

    @classmethod
    def read(
        cls,
        counted: Mapping[str, int],
        bounds: Sequence[float] = BOUNDS,
        per_second: int = 1000,
    ) -> "Times":
        """Return the times from the classes that were counted, each for itself.

        `per_second`: the unit of the sum: milliseconds, where nothing else is said.
        """
        summed = list(accumulate(counted.get(str(bound), 0) for bound in bounds))
        return cls(
            below=dict(zip(bounds, summed, strict=True)),
            count=summed[-1] + counted.get(LONGER, 0),
            seconds=counted.get(SUM, 0) / per_second,
        )


def class_of(milliseconds: float, bounds: Sequence[float] = BOUNDS) -> str:
    """Return the name of the class in which a time is counted."""
    return next((str(bound) for bound in bounds if milliseconds <= 1000 * bound), LONGER)

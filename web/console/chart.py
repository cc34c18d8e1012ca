"""The day as bars: geometry for an inline SVG, worked out here so that no script has to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from worker.figures import Hour

WIDTH: Final = 720
HEIGHT: Final = 150
_LABEL_EVERY: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One hour: what came in, and below it what was answered; lengths in the SVG's units."""

    x: float
    width: float
    came: float
    answered: float
    label: str
    told: str


def bars(hours: Sequence[Hour], zone: tzinfo) -> list[Bar]:
    """Return the hours as bars, the oldest on the left."""
    most = max((max(h.came, h.answered) for h in hours), default=0) or 1
    step = WIDTH / max(len(hours), 1)
    made = []
    for number, hour in enumerate(hours):
        at = datetime.fromtimestamp(hour.begin / 1000, zone)
        told = f"{at:%H:%M}: {hour.came} came in, {hour.answered} answered"
        made.append(
            Bar(
                x=round(number * step + step * 0.14, 2),
                width=round(step * 0.72, 2),
                came=round(HEIGHT * hour.came / most, 2),
                answered=round(HEIGHT * hour.answered / most, 2),
                label=f"{at:%H:%M}" if at.hour % _LABEL_EVERY == 0 else "",
                told=told,
            )
        )
    return made

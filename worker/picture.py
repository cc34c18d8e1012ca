"""A workspace as it is now: the figures, and whether each part of it is well."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from worker.bootstrap import keys_of, make_client, make_ledger
from worker.domain import lights
from worker.domain.durations import span
from worker.domain.lights import Light
from worker.domain.progress import State
from worker.figures import Day, day
from worker.hookhealth import HOOK, HookState
from worker.ledger.memo import RedisMemo
from worker.ledger.redis import RedisLedger
from worker.ledger.truth import problems
from worker.library import Showcase
from worker.workspaces import Workspace

_TO_LOOK_AT: Final = {
    State.DOUBT: "{} may have been sent or not: they are looked at until that is known",
    State.QUARANTINED: "{} cannot be read: autoreply events list --state quarantined",
    State.FAILED: "{} failed: autoreply events list --state failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A workspace as it is now; lengths of time in milliseconds.

    Attributes:
        name: "" where there is only one.
        day: the last 24 hours, and how many events are in each state.
        planned: events that are due or planned.
        late: how late the oldest of them is.
        workers: the names of those seen lately.
        held_off: for how long the API is left alone.
        hold_reason: why, as reason and detail.
        hook: what the last look at the provider's webhook showed.
        owed: what is still to be written back to the provider.
        pauses: what is paused: campaigns' ids, `*` for all.
        lights: one for each part.

    """

    name: str
    day: Day
    planned: int
    late: int
    workers: Sequence[str]
    held_off: int
    hold_reason: tuple[str, str]
    hook: HookState
    owed: int
    pauses: Sequence[str]
    lights: Sequence[Light]


class Painter:
    """Looks at one workspace, as often as wanted."""

    def __init__(self, row: Workspace) -> None:
        self._name = row.name
        self._ledger = make_ledger(row.settings)
        self._memo = RedisMemo(make_client(row.settings), name=keys_of(row.settings))
        self._templates = Showcase(row.settings.templates)

    def look(self) -> Picture:
        """Return the workspace as it is now.

        Raises:
            LedgerAway: nobody knows.

        """
        ledger, figures = self._ledger, day(self._ledger)
        planned, late = ledger.due()
        hook = HookState.read(self._memo.recall(HOOK))
        workers, held_off = ledger.workers(), ledger.held_off()
        return Picture(
            name=self._name,
            day=figures,
            planned=planned,
            late=late,
            workers=workers,
            held_off=held_off,
            hold_reason=ledger.hold_reason(),
            hook=hook,
            owed=ledger.owed(),
            pauses=ledger.pauses(),
            lights=[
                _kept(ledger),
                _workers(len(workers)),
                lights.webhook(_quiet(ledger), hook.status),
                lights.api(held_off),
                lights.due(planned, late),
                self._written(),
                *_looked_at(figures),
            ],
        )

    def _written(self) -> Light:
        templates = self._templates.current()
        return lights.templates(templates.problems, len(templates.rules))


def _kept(ledger: RedisLedger) -> Light:
    """Judge the ledger's server by what it says of itself."""
    found = problems(ledger.server_truth())
    severe = [told for severity, told in found if severity == "error"]
    if severe:
        return Light("Ledger", "bad", severe[0])
    return Light("Ledger", "fair", found[0][1]) if found else Light("Ledger", "good", "ok")


def _workers(count: int) -> Light:
    if not count:
        return Light("Workers", "bad", "none was seen within 30 s: start autoreply worker")
    return Light("Workers", "good", f"{count} seen")


def _quiet(ledger: RedisLedger) -> int | None:
    newest = ledger.records(None, 1)
    now_ms = datetime.now(UTC).timestamp() * 1000
    return max(int(now_ms) - newest[0].received_at, 0) if newest else None


def _looked_at(figures: Day) -> Iterator[Light]:
    """Yield what a person should look at, where there is any."""
    for state, told in _TO_LOOK_AT.items():
        if count := figures.states.get(state):
            yield Light(state.value.capitalize(), "fair", told.format(count))


def answer_time(figures: Day) -> str:
    """Return the median time to answer in words; "" where nothing was answered."""
    return "" if figures.seconds is None else span(figures.seconds)

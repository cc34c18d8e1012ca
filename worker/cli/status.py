"""`status`: how the service is, at a glance."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import click
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from worker import running
from worker.cli import output
from worker.cli.calling import json_option
from worker.cli.checking import broker_problems
from worker.domain.errors import LedgerAway, NotPossible
from worker.domain.lights import Colour, Light, checked, spool
from worker.domain.progress import State
from worker.picture import Painter, Picture, answer_time
from worker.settings import Settings
from worker.workspaces import workspaces_of

_LOOK_EVERY: Final = 2.0
_STYLES: Final[dict[Colour, str]] = {"good": "green", "fair": "yellow", "bad": "bold red"}
_WORDS: Final[dict[Colour, str]] = {"good": "well", "fair": "look", "bad": "WRONG"}


@dataclass(frozen=True, slots=True)
class _Service:
    """Every workspace, and the queue that they have together."""

    pictures: Sequence[Picture]
    queued: int
    broker: Light
    spooled: int

    @property
    def wrong(self) -> list[Light]:
        """The parts that are not well."""
        lit = [light for picture in self.pictures for light in picture.lights]
        return [light for light in (self.broker, *lit) if light.colour == "bad"]


@click.command()
@click.option("--watch", is_flag=True, help="Look again every two seconds; Ctrl-C ends it.")
@json_option
def status(*, watch: bool, as_json: bool) -> None:
    """Show what came in and went out, what waits, and whether each part is well.

    Ends with 1 where something is wrong.
    """
    if watch and as_json:
        raise click.UsageError("give either --watch or --json")
    look = _looking(running.load_all())
    if watch:
        _watch(look)
        return
    service = look()
    if as_json:
        output.print_json(_as_json(service))
    else:
        output.console().print(_shown(service))
    if service.wrong:
        names = ", ".join(dict.fromkeys(light.name.lower() for light in service.wrong))
        raise NotPossible("found_wanting", f"not well: {names}")


def _looking(settings: Settings) -> Callable[[], _Service]:
    """Return what looks at the whole service, or at the workspace that was named."""
    from worker.tasks import Hints, make_app  # noqa: PLC0415 - Celery takes a second to load

    painters = [Painter(row) for row in workspaces_of(settings).asked_for(settings.workspace)]
    hints = Hints(make_app(settings))

    def look() -> _Service:
        pictures = [painter.look() for painter in painters]
        trouble = next(broker_problems(settings), "ok")
        return _Service(
            pictures, hints.queued(), checked("broker", trouble), running.spooled(settings.data)
        )

    return look


def _watch(look: Callable[[], _Service]) -> None:
    with Live(console=output.console(), auto_refresh=False) as live:
        try:
            while True:
                live.update(_seen(look), refresh=True)
                time.sleep(_LOOK_EVERY)
        except KeyboardInterrupt:
            return


def _seen(look: Callable[[], _Service]) -> Group | Text:
    try:
        return _shown(look())
    except LedgerAway as error:  # it may come back while we watch
        return Text(str(error), style=_STYLES["bad"])


def _shown(service: _Service) -> Group:
    parts = [part for picture in service.pictures for part in _workspace(picture)]
    queue = Text(f"{service.queued} messages in the queue")
    return Group(*parts, _lamps([service.broker, spool(service.spooled)]), queue)


def _workspace(picture: Picture) -> list[Table | Text]:
    title = [Text(picture.name, style="bold")] if picture.name else []
    return [*title, _figures(picture), *_left_out(picture), _lamps(picture.lights), Text()]


def _figures(picture: Picture) -> Table:
    table = Table("the last 24 hours", "", "now", "", box=None)
    states = picture.day.states
    waiting = states.get(State.RECEIVED, 0) + states.get(State.WAITING, 0)
    passed = {
        "came in": str(picture.day.came),
        "answered": str(picture.day.answered),
        "time to answer": answer_time(picture.day),
        "not answered": str(sum(count for _, count in picture.day.left_out)),
    }
    present = {
        "waiting": str(waiting),
        "needs you": str(states.get(State.HELD, 0)),
        "workers": str(len(picture.workers)),
        "to write back": str(picture.owed),
    }
    for before, now in zip(passed.items(), present.items(), strict=True):
        table.add_row(*before, *now)
    return table


def _left_out(picture: Picture) -> list[Text]:
    """Return why replies got no answer, and what is paused, where there is any."""
    lines = [f"  {count} {reason}" for reason, count in picture.day.left_out]
    if picture.pauses:
        scopes = ", ".join("everything" if one == "*" else one for one in picture.pauses)
        lines.append(f"paused: {scopes}; autoreply resume ends it")
    return [Text(line) for line in lines]


def _lamps(lit: Sequence[Light]) -> Table:
    table = Table(box=None, show_header=False)
    for light in lit:
        table.add_row(
            Text(_WORDS[light.colour], style=_STYLES[light.colour]), light.name, light.told
        )
    return table


def _as_json(service: _Service) -> dict[str, Any]:
    return {
        "well": not service.wrong,
        "queue_length": service.queued,
        "broker": _light(service.broker),
        "spooled_bytes": service.spooled,
        "workspaces": [_picture(picture) for picture in service.pictures],
    }


def _picture(picture: Picture) -> dict[str, Any]:
    reason, detail = picture.hold_reason
    return {
        "workspace": picture.name or "default",
        "last_24_hours": {
            "came_in": picture.day.came,
            "answered": picture.day.answered,
            "skipped": dict(picture.day.left_out),
            "seconds_to_answer": picture.day.seconds,
        },
        "events": {state.value: count for state, count in picture.day.states.items()},
        "due": {"planned": picture.planned, "late_seconds": picture.late / 1000},
        "workers": list(picture.workers),
        "api_hold": {"seconds": picture.held_off / 1000, "reason": reason, "detail": detail},
        "webhook": {"status": picture.hook.status, "looked_at": picture.hook.at or None},
        "deeds_owed": picture.owed,
        "paused": list(picture.pauses),
        "health": [_light(light) for light in picture.lights],
    }


def _light(light: Light) -> dict[str, str]:
    return {"part": light.name, "health": light.colour, "told": light.told}

"""`/`: what happened in the last 24 hours, whether all is well, and the kill switch."""

from flask import Blueprint, render_template

from web.console.chart import HEIGHT, WIDTH, bars
from web.console.lights import lights
from web.console.parts import Console
from web.console.words import zone_of
from worker.domain.durations import span
from worker.figures import day

_EVENTS_FOR_CAMPAIGNS = 100


def add(pages: Blueprint, console: Console) -> None:
    """Add the page."""

    @pages.get("/")
    def today() -> str:
        figures = day(console.ledger)
        zone = zone_of(console.templates().settings.timezone)
        return render_template(
            "console/today.html",
            day=figures,
            answer_time="" if figures.seconds is None else span(figures.seconds),
            bars=bars(figures.hours, zone),
            width=WIDTH,
            height=HEIGHT,
            lights=lights(console),
            pauses=console.ledger.pauses(),
            campaigns=_campaigns(console),
        )


def _campaigns(console: Console) -> list[str]:
    """Return the campaigns of the newest events, for people to choose from."""
    newest = console.ledger.records(None, _EVENTS_FOR_CAMPAIGNS)
    return sorted({record.campaign_id for record in newest if record.campaign_id})

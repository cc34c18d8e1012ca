"""How `backtest` tells what it found: for people, for machines, and as a page."""

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from rich.table import Table
from rich.text import Text

from worker.cli import output
from worker.domain.replay import Fate, Kind, Replayed, Report
from worker.domain.schedule import parse_zone


@dataclass(frozen=True, slots=True)
class About:
    """What was decided again: with which folder, since when, told on whose clock."""

    folder: str
    began: datetime
    zone: str

    def on_the_wall(self, moment: datetime) -> datetime:
        """Return a moment on the team's clock."""
        return moment.astimezone(parse_zone(self.zone) or UTC)


def show(report: Report, about: About, limit: int) -> None:
    """Print the counts, the kinds of differences, and the newest of them."""
    screen = output.console()
    screen.print(headline(report, about), style="bold", highlight=False)
    if report.replies:
        screen.print(_counts(report))
    for line in summary(report):
        screen.print(line, highlight=False)
    different = report.of(Kind.DIFFERENT)
    if different:
        screen.print(_changes(report))
    for one in reversed(different[-limit:] if limit else ()):
        screen.print(_difference(one, about))
    if len(different) > limit:
        screen.print(f"… and {len(different) - limit} older ones: see --limit, --html or --json")


def headline(report: Report, about: About) -> str:
    """Say what was done."""
    since = about.on_the_wall(about.began)
    many = "1 reply" if len(report.replies) == 1 else f"{len(report.replies)} replies"
    return f"{many} since {since:%a} {since.day} {since:%b}, decided again with {about.folder}"


def summary(report: Report) -> list[str]:
    """Say in sentences what came out, whatever is not nothing."""
    same, reworded = report.of(Kind.SAME), sum(one.is_reworded for one in report.replies)
    told = (
        (len(same), "as before" + (f", {reworded} of them with another text" if reworded else "")),
        (len(report.of(Kind.DIFFERENT)), "different"),
        (
            len(report.of(Kind.KEPT)),
            "as before: a colleague, a cap or the like decided, no template",
        ),
        (len(report.of(Kind.OPEN)), "not decided yet"),
        (report.gone, "left out: what they wrote is no longer kept"),
        (report.unfetched, "decided without their conversation, which could not be read"),
    )
    return [f"{count:5} {what}" for count, what in told if count] + ["Nothing was sent."]


def _counts(report: Report) -> Table:
    table = Table("decision", box=None)
    table.add_column("was", justify="right")
    table.add_column("would be", justify="right")
    for fate, was, now in report.counts():
        style = "" if was == now else "yellow"
        table.add_row(str(fate), str(was), str(now), style=style)
    return table


def _changes(report: Report) -> Table:
    table = Table("was", "would be", box=None)
    table.add_column("times", justify="right")
    for was, now, count in report.changes():
        table.add_row(str(was), str(now), str(count))
    return table


def _difference(one: Replayed, about: About) -> Text:
    at = about.on_the_wall(one.facts.at)
    who = one.record.lead_email or one.record.lead_id
    text = Text(f"\n{at.day} {at:%b %H:%M}  {who}  ({one.record.key})\n", style="dim")
    text.append(f"  “{excerpt(one.facts.words)}”\n", style="not dim")
    text.append(f"  {told(one.was)} → ", style="not dim")
    text.append(str(one.now), style="not dim bold")
    text.append(f"  {one.now.because}", style="not dim")
    return text


def told(was: Fate) -> str:
    """Return what became of a reply, with who had the last word."""
    return f"{was}, then {was.by}" if was.by else str(was)


def excerpt(words: str, most: int = 70) -> str:
    """Return the beginning of what they wrote, on one line."""
    line = " ".join(words.split())
    return line if len(line) <= most else f"{line[:most].rstrip()}…"


def as_json(report: Report, about: About) -> dict[str, Any]:
    """Return the report for machines; times are ISO 8601 in UTC."""
    return {
        "templates": about.folder,
        "since": about.began.isoformat(timespec="seconds"),
        "replies": len(report.replies),
        **{kind.value: len(report.of(kind)) for kind in Kind},
        "reworded": sum(one.is_reworded for one in report.replies),
        "gone": report.gone,
        "unfetched": report.unfetched,
        "counts": [
            {**_fate(fate), "was": was, "would_be": now} for fate, was, now in report.counts()
        ],
        "differences": [_as_json(one) for one in report.of(Kind.DIFFERENT)],
    }


def _as_json(one: Replayed) -> dict[str, Any]:
    return {
        "key": one.record.key,
        "at": one.facts.at.isoformat(timespec="seconds"),
        "lead_id": one.record.lead_id,
        "lead_email": one.record.lead_email,
        "language": one.facts.language,
        "words": one.facts.words,
        "was": {**_fate(one.was), "because": one.was.because, "by": one.was.by},
        "would_be": {**_fate(one.now), "because": one.now.because},
        "draft": output.draft_json(one.outcome.draft),
        "trace": [line.as_json() for line in one.outcome.trace],
    }


def _fate(fate: Fate) -> dict[str, str]:
    return {
        "decision": fate.decision,
        "template": fate.template,
        "variant": fate.variant,
        "reason": fate.reason,
    }


def as_html(report: Report, about: About) -> str:
    """Return the report as one page that needs nothing else, and runs nothing."""
    source = (resources.files("worker.cli") / "backtest.html").read_text("utf-8")
    pages = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return pages.from_string(source).render(
        report=report,
        headline=headline(report, about),
        summary=summary(report),
        differences=report.of(Kind.DIFFERENT)[::-1],
        told=told,
        wall=about.on_the_wall,
    )

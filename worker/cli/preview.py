"""`preview`: what would become of this reply? Sends nothing, needs no server."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from worker.cli import output
from worker.contracts import webhook
from worker.contracts.history import items_of, read_thread
from worker.domain.deciding import policy_of
from worker.domain.model import ReplyEvent, Thread
from worker.domain.outcome import Outcome, Timing, foresee
from worker.domain.reading import Facts, read
from worker.domain.rules import Templates, build
from worker.domain.variants import parse_language
from worker.domain.whose import zone_of
from worker.ledger.accounts import ignored_reason, opens
from worker.library import read_folder
from worker.settings import load
from worker.workspaces import chosen

_file = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


def _language(_: click.Context, __: click.Parameter, value: str | None) -> str:
    try:
        return parse_language(value) if value else ""
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.argument("event", type=_file)
@click.option("--thread", type=_file, help="The conversation's e-mails, as the API gives them.")
@click.option("--templates", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Another template folder.")  # fmt: skip
@click.option("--language", callback=_language, help="Take the reply to be in this one, like de.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def preview(
    event: Path,
    thread: Path | None,
    templates: Path | None,
    language: str,
    as_json: bool,  # noqa: FBT001 - click calls it so
) -> None:
    """Show decision, trace, draft and time for the webhook in EVENT; send nothing."""
    settings = load()
    settings = chosen(settings) if settings.workspace else settings
    built = build(read_folder(templates or settings.templates))
    if built.problems:
        raise built.problems[0]
    told = webhook.parse(_load(event))
    facts = _facts(told, thread, language, built)
    if opens(told):
        outcome = foresee(facts, built, policy_of(built, settings.max_age), settings.mode)
    else:
        reason = ignored_reason(told)
        outcome = Outcome(decision="ignore", reason=reason, detail="nothing to answer")
    if as_json:
        output.print_json(_as_json(outcome, facts))
    else:
        _print(outcome, facts)


def _facts(
    event: ReplyEvent, thread_file: Path | None, language: str, templates: Templates
) -> Facts:
    items = items_of(_load(thread_file)) if thread_file else []
    now = datetime.now(UTC)
    thread = read_thread(items, event) if items else Thread()
    zone = zone_of(event, templates.settings)
    facts = read(event, thread, received=now, now=now, intents=templates.intents, zone=zone)
    return replace(facts, language=language) if language else facts


def _load(path: Path) -> Any:  # noqa: ANN401 - any JSON value
    with click.open_file(str(path), encoding="utf-8") as file:
        try:
            return json.load(file)
        except (ValueError, RecursionError) as error:
            raise click.BadParameter(f"{path} is no JSON: {error}") from None


def _as_json(outcome: Outcome, facts: Facts) -> dict[str, Any]:
    """Return what machines get; `send_at` is UTC, `send_at_local` is on the clock that counts."""
    timing = outcome.timing
    return {
        "decision": outcome.decision,
        "reason": outcome.reason,
        "detail": outcome.detail,
        "template": outcome.template,
        "variant": outcome.variant,
        "language": facts.language,
        "draft": output.draft_json(outcome.draft),
        "send_at": timing and timing.at.astimezone(UTC).isoformat(timespec="seconds"),
        "send_at_local": timing and timing.at.isoformat(timespec="seconds"),
        "zone": timing and str(timing.at.tzinfo),
        "zone_of": timing and timing.whose,
        "why_then": timing and timing.why,
        "trace": [line.as_json() for line in outcome.trace],
    }


def _print(outcome: Outcome, facts: Facts) -> None:
    screen = output.console()
    template = output.named(outcome.template, outcome.variant)
    parts = (outcome.decision, template, outcome.reason, outcome.detail)
    screen.print("  ".join(filter(None, parts)), style="bold", highlight=False)
    screen.print(output.meaning(outcome.decision, outcome.reason), highlight=False)
    if timing := outcome.timing:
        screen.print(Text(_leaves(timing, facts.now)))
    if facts.words:
        title = f"they wrote ({facts.language})" if facts.language else "they wrote"
        screen.print(output.panel(title, facts.words))
    if outcome.draft:
        screen.print(output.panel(outcome.draft.subject, outcome.draft.body))
    screen.print(output.trace_table([line.as_json() for line in outcome.trace]))


def _leaves(timing: Timing, now: datetime) -> str:
    """Say when an answer leaves, on whose clock, and why then."""
    left = (timing.at - now).total_seconds()
    if left < 1:
        return f"leaves at once ({timing.why})"
    whose = f"the {timing.whose}'s clock" if timing.whose else "no zone is set"
    when = f"{timing.at:%a} {timing.at.day} {timing.at:%b %H:%M} {timing.at.tzinfo}"
    return f"leaves {when} ({whose}), in {output.span(left)}\n       {timing.why}"

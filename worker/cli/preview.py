"""`preview`: what would become of this reply? Sends nothing, needs no server."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from worker.cli import output
from worker.contracts import webhook
from worker.contracts.history import items_of, read_thread
from worker.domain.deciding import policy_of
from worker.domain.model import ReplyEvent, Thread
from worker.domain.reading import Facts, read
from worker.domain.rules import Templates, build
from worker.foresight import Outlook, foresee
from worker.ledger.accounts import ignored_reason, opens
from worker.library import read_folder
from worker.settings import Settings, load

_file = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@click.command()
@click.argument("event", type=_file)
@click.option("--thread", type=_file, help="The conversation's e-mails, as the API gives them.")
@click.option("--templates", type=click.Path(path_type=Path), help="Another template folder.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def preview(event: Path, thread: Path | None, templates: Path | None, as_json: bool) -> None:  # noqa: FBT001 - click calls it so
    """Show decision, trace and draft for the webhook in EVENT; send nothing."""
    settings = load()
    built = build(read_folder(templates or settings.templates))
    if built.problems:
        raise built.problems[0]
    shown = _shown(webhook.parse(_load(event)), thread, built, settings).as_json()
    if as_json:
        output.print_json(shown)
    else:
        _print(shown)


def _shown(
    event: ReplyEvent, thread: Path | None, templates: Templates, settings: Settings
) -> Outlook:
    if not opens(event):
        detail = "nothing to answer"
        return Outlook(decision="ignore", reason=ignored_reason(event), detail=detail)
    policy = policy_of(templates, settings.max_age)
    return foresee(_facts(event, thread), templates, policy, settings.mode)


def _facts(event: ReplyEvent, thread_file: Path | None) -> Facts:
    items = items_of(_load(thread_file)) if thread_file else []
    now = datetime.now(UTC)
    return read(event, read_thread(items, event) if items else Thread(), received=now, now=now)


def _load(path: Path) -> Any:  # noqa: ANN401 - any JSON value
    with click.open_file(str(path), encoding="utf-8") as file:
        try:
            return json.load(file)
        except (ValueError, RecursionError) as error:
            raise click.BadParameter(f"{path} is no JSON: {error}") from None


def _print(shown: dict[str, Any]) -> None:
    screen = output.console()
    parts = (shown["decision"], shown["template"], shown["reason"], shown["detail"])
    screen.print("  ".join(filter(None, parts)), style="bold", highlight=False)
    if shown["send_at"]:
        screen.print(f"leaves {shown['send_at']}")
    if shown["draft"]:
        title = shown["draft"]["subject"]
        screen.print(output.panel(title, shown["draft"]["body"]))
    screen.print(output.trace_table(shown["trace"]))

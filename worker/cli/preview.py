"""`preview`: what would become of this reply? Sends nothing, needs no server."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from worker.cli import output
from worker.contracts import webhook
from worker.contracts.history import items_of, read_thread
from worker.domain.deciding import decide, leaves_at, policy_of
from worker.domain.decision import Decision, Hold, OptOut, Reply, Skip
from worker.domain.errors import TemplateProblem
from worker.domain.model import Draft, Mode, ReplyEvent, Thread, stricter
from worker.domain.reading import Facts, read
from worker.domain.rendering import render
from worker.domain.rules import Rule, Templates, build
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
    told = webhook.parse(_load(event))
    shown = _shown(told, thread, built, settings) if opens(told) else _ignored(told)
    if as_json:
        output.print_json(shown)
    else:
        _print(shown)


def _ignored(event: ReplyEvent) -> dict[str, Any]:
    return _outcome("ignore", ignored_reason(event), "nothing to answer", "") | {"trace": []}


def _shown(
    event: ReplyEvent, thread: Path | None, templates: Templates, settings: Settings
) -> dict[str, Any]:
    facts = _facts(event, thread)
    verdict = decide(facts, templates, policy_of(templates, settings.max_age))
    trace = [line.as_json() for line in verdict.trace]
    return _describe(verdict.decision, facts, templates, settings.mode) | {"trace": trace}


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


def _describe(decision: Decision, facts: Facts, templates: Templates, mode: Mode) -> dict[str, Any]:
    match decision:
        case Reply(rule):
            return _reply(rule, facts, templates, mode)
        case Skip(reason, detail, template):
            return _outcome("skip", reason, detail, template)
        case Hold(reason, detail, template):
            return _outcome("hold", reason, detail, template)
        case OptOut(detail, template):
            return _outcome("opt_out", "by_rule", detail, template)


def _outcome(
    decision: str, reason: str, detail: str, template: str, draft: Draft | None = None
) -> dict[str, Any]:
    return {
        "decision": decision,
        "reason": reason,
        "detail": detail,
        "template": template,
        "draft": asdict(draft) if draft else None,
        "send_at": None,
    }


def _reply(rule: Rule, facts: Facts, templates: Templates, mode: Mode) -> dict[str, Any]:
    try:
        draft = render(rule, facts, templates)
    except TemplateProblem as error:
        return _outcome("hold", error.reason, error.detail, rule.name)
    match stricter(mode, rule.front.mode):
        case Mode.HOLD:
            return _outcome("hold", "needs_approval", "", rule.name, draft)
        case Mode.SHADOW:
            return _outcome("skip", "shadow", "", rule.name, draft)
        case Mode.SEND:
            shown = _outcome("reply", "", "", rule.name, draft)
            leaves = leaves_at(rule, facts, templates)
            return shown | {"send_at": leaves.isoformat(timespec="seconds")}


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

"""`check`: find out before anything is sent."""

from collections.abc import Iterable, Iterator

import click

from worker import running
from worker.bootstrap import contract_for, make_ledger
from worker.cli.live import problems as live_problems
from worker.domain import examples
from worker.domain.errors import ConfigurationError, LedgerAway, NotPossible
from worker.domain.rules import Templates, build
from worker.ledger.truth import problems
from worker.library import read_folder
from worker.settings import Settings, missing
from worker.workspaces import workspaces_of


@click.command()
@click.option("--live", is_flag=True, help="Also call the API with the key; only reads.")
def check(live: bool) -> None:  # noqa: FBT001 - click calls it so
    """Check settings, Redis, and the templates with their examples."""
    settings = running.load_all()
    rows = workspaces_of(settings)
    wrong = [*_said("redis", _redis(settings))]
    if settings.broker_url:
        wrong += _said("broker", _broker(settings))
    for row in rows if not settings.workspace else [rows.named(settings.workspace)]:
        wrong += _said(f"settings {row.name}", _settings(row.settings))
        wrong += _said(f"templates {row.name}", _templates(row.settings))
        if live:
            wrong += _said(f"api {row.name}", live_problems(row.settings))
    if wrong:
        raise NotPossible("found_wanting", f"{len(wrong)} to mend, see above")


def _said(name: str, problems: Iterable[str]) -> list[str]:
    """Print what is wrong with a part, and return it."""
    found = list(problems)
    click.echo(f"{'✗' if found else '✓'} {name.strip()}")
    for problem in found:
        click.echo(f"    {problem}")
    return found


def _settings(settings: Settings) -> Iterator[str]:
    if running.find(settings.data) is None:
        if not settings.api_key.get_secret_value():
            yield str(missing("api_key"))
        if not settings.webhook_secret:
            yield str(missing("webhook_secret"))
    try:
        contract_for(settings)
    except ConfigurationError as error:
        yield str(error)


def _redis(settings: Settings) -> Iterator[str]:
    try:
        truth = make_ledger(settings).server_truth()
    except ConfigurationError as error:
        yield str(error)
        return
    except LedgerAway as error:
        yield str(error)
        return
    yield from (message for _, message in problems(truth))


def _broker(settings: Settings) -> Iterator[str]:
    from worker.tasks import Hints, make_app  # noqa: PLC0415 - Celery takes a second to load

    try:
        Hints(make_app(settings)).ping()
    except Exception as error:  # noqa: BLE001 - each broker's library has errors of its own
        yield f"the broker does not answer: {error}; see AUTOREPLY_BROKER_URL"


def _templates(settings: Settings) -> Iterator[str]:
    try:
        templates = build(read_folder(settings.templates))
    except ConfigurationError as error:
        yield str(error)
        return
    yield from map(str, templates.problems)
    yield from map(str, examples.problems(templates))
    if not templates.problems:
        click.echo(_summary(templates))


def _summary(templates: Templates) -> str:
    return f"  {len(templates.rules)} templates, {examples.count(templates)} examples"

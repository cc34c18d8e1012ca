"""`check`: find out before anything is sent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import click
from redis.exceptions import RedisError

from worker import running
from worker.bootstrap import contract_for, make_ledger, make_messenger
from worker.cli import output, past
from worker.cli.live import problems as live_problems
from worker.domain import examples
from worker.domain.errors import ConfigurationError, LedgerAway, NotPossible
from worker.domain.frontmatter import Advice
from worker.domain.inspection import Seen, inspect
from worker.domain.model import JsonValue
from worker.domain.progress import State
from worker.domain.rules import build
from worker.ledger.truth import problems
from worker.library import read_folder
from worker.settings import Settings, missing
from worker.workspaces import Workspace, workspaces_of

_LOOKED_AT: Final = 1000
"""Events that tell which fields leads have, and which mailboxes there are."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the service: what is wrong with it, and what may be worth a look.

    `left_out`: what is not set and need not be, and who brings it.
    """

    name: str
    wrong: Sequence[str] = ()
    advice: Sequence[str] = ()
    summary: str = ""
    left_out: str = ""

    @property
    def headline(self) -> str:
        """The part in one line."""
        if self.left_out:
            return f"– {self.name}: {self.left_out}"
        return f"{'✗' if self.wrong else '✓'} {self.name}  {self.summary}".rstrip()


@click.command()
@click.option("--live", is_flag=True, help="Also call the API with the key; only reads.")
def check(live: bool) -> None:  # noqa: FBT001 - click calls it so
    """Check settings, Redis, and the templates with their examples.

    Ends with 1 where something is wrong; a note, or what `up` brings (–), is no failure.
    """
    settings = running.load_all()
    rows = workspaces_of(settings).asked_for(settings.workspace)
    parts = list(_of_all(settings))
    for row in rows:
        parts += _of_workspace(row, live=live)
    for part in parts:
        _print(part)
    wrong = sum(len(part.wrong) for part in parts)
    if wrong:
        raise NotPossible("found_wanting", f"{wrong} to mend, see above")


def _print(part: _Part) -> None:
    click.echo(output.wrapped(part.headline, ""))
    for text in part.wrong:
        click.echo(output.wrapped(text, "    "))
    for text in part.advice:
        click.echo(output.wrapped(f"note: {text}", "    "))


def _of_all(settings: Settings) -> Iterator[_Part]:
    """Yield the parts that all workspaces have together."""
    if settings.redis_url:
        yield _Part("redis", list(_redis(settings)))
    else:
        yield _Part("redis", left_out="none set; `autoreply up` brings one")
    if settings.broker_url:
        yield _Part("broker", list(broker_problems(settings)))
    if settings.notify:
        yield _notifications(settings)


def _notifications(settings: Settings) -> _Part:
    try:
        count = make_messenger(settings).count
    except ConfigurationError as error:
        return _Part("notifications", [str(error)])
    return _Part("notifications", summary=f"{count} address{'es' * (count != 1)}")


def _of_workspace(row: Workspace, *, live: bool) -> Iterator[_Part]:
    """Yield the parts that each workspace has for itself."""
    name = f" {row.name}".rstrip()
    yield _Part(f"settings{name}", list(_settings(row.settings)))
    if running.find(row.settings.data) is None:
        yield from _left_out(row.settings)
    yield replace(templates := _templates(row.settings), name=f"{templates.name}{name}")
    if live:
        yield _api(row.settings, name)


def _api(settings: Settings, name: str) -> _Part:
    asked = running.with_sandbox(settings)
    summary = "" if asked is settings else "the sandbox; the provider needs AUTOREPLY_API_KEY"
    return _Part(f"api{name}", list(live_problems(asked)), summary=summary)


def _left_out(settings: Settings) -> Iterator[_Part]:
    """Yield what is not set, and need not be where `up` runs everything."""
    if not settings.api_key.get_secret_value() and not settings.redis_url:
        yield _Part("API key", left_out="none set; `autoreply up` brings a sandbox instead")
    if not settings.webhook_secret:
        why = "none set; `autoreply up` makes one, `autoreply web` alone needs it"
        yield _Part("webhook secret", left_out=why)


def _settings(settings: Settings) -> Iterator[str]:
    keyless = settings.redis_url and not settings.api_key.get_secret_value()
    if keyless and running.find(settings.data) is None:
        yield str(missing("api_key"))
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


def broker_problems(settings: Settings) -> Iterator[str]:
    """Yield what is wrong with the broker."""
    from worker.tasks import Hints, make_app  # noqa: PLC0415 - Celery takes a second to load

    try:
        Hints(make_app(settings)).ping()
    except Exception as error:  # noqa: BLE001 - each broker's library has errors of its own
        yield f"the broker does not answer: {error}; see AUTOREPLY_BROKER_URL"


def _templates(settings: Settings) -> _Part:
    try:
        templates = build(read_folder(settings.templates))
    except ConfigurationError as error:
        return _Part("templates", [str(error)])
    if templates.problems:
        broken = [str(one) for one in inspect(templates)]
        return _Part("templates", broken, ["the examples are judged once that is mended"])
    found = inspect(templates, _seen(settings))
    return _Part(
        "templates",
        wrong=[str(one) for one in found if not isinstance(one, Advice)],
        advice=[str(one) for one in found if isinstance(one, Advice)],
        summary=f"{len(templates.rules)} templates, {examples.count(templates)} examples",
    )


def _seen(settings: Settings) -> Seen:
    """Look at the newest events; without a ledger nothing was seen."""
    if not settings.redis_url:
        return Seen()
    try:
        records = make_ledger(settings).records(None, _LOOKED_AT)
    except (ConfigurationError, LedgerAway, RedisError):  # told under redis
        return Seen()
    leads: dict[str, JsonValue] = {}
    for record in (record for record in records if record.state is not State.QUARANTINED):
        if event := past.event_of(record):
            leads = {**event.lead, **leads}
    return Seen(leads, frozenset(record.mailbox for record in records if record.mailbox))

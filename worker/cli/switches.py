"""`pause`, `resume`, `suppress`, `forget`: the switches that work at once."""

import re

import click

from worker import steering
from worker.bootstrap import make_ledger, share
from worker.contracts import lenient
from worker.domain.errors import NotPossible
from worker.ledger.accounts import companies_of, person
from worker.running import load_all, load_beside
from worker.workspaces import Workspace, workspaces_of

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def _not_empty(_: click.Context, __: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("name a campaign's id, or leave --campaign out for all")
    return value


_campaign = click.option(
    "--campaign",
    metavar="ID",
    default=steering.EVERYTHING,
    callback=_not_empty,
    help="Only this campaign.",
)


@click.command()
@_campaign
def pause(campaign: str) -> None:
    """Send nothing: replies are accepted and recorded, and wait.

    Of several workspaces all are paused, unless --workspace names one.
    """
    for row in _rows():
        make_ledger(row.settings).pause(campaign)
        click.echo(f"paused {_named(campaign, row)}; `autoreply resume` ends it")


@click.command()
@_campaign
def resume(campaign: str) -> None:
    """End a pause: of all workspaces, unless --workspace names one."""
    for row in _rows():
        ledger = make_ledger(row.settings)
        woken = ledger.resume(campaign)
        click.echo(f"resumed {_named(campaign, row)}; {woken} waiting events go on")
        if left := ledger.pauses():
            click.echo("still paused: " + ", ".join(_named(scope, row) for scope in left))


def _rows() -> list[Workspace]:
    settings = load_all()
    return workspaces_of(settings).asked_for(settings.workspace)


def _named(scope: str, row: Workspace) -> str:
    return f"{steering.named(scope)} of {row.name}" if row.name else steering.named(scope)


def _bare(address: str) -> str:
    bare = lenient.address({"": address}, "")
    if not _ADDRESS.fullmatch(bare):
        raise click.BadParameter(f"{address!r} is no mail address; write name@domain")
    return bare


@click.command()
@click.argument("address")
@click.option("--undo", is_flag=True, help="Take it back; what they wrote until now is forgiven.")
def suppress(address: str, undo: bool) -> None:  # noqa: FBT001 - click calls it so
    """Never answer this address again."""
    bare = _bare(address)
    ledger = make_ledger(load_beside())
    if not undo:
        ledger.suppress([person("address", bare)], "asked to stop: by hand")
        click.echo(f"{bare} gets no more answers")
        return
    was = ledger.lift(
        [person("address", bare), *companies_of(bare), *steering.leads_of(ledger, bare)]
    )
    click.echo(f"{bare} may be answered again" if was else f"{bare} was not suppressed")


@click.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask: there is no way back.")
def forget(address: str, yes: bool) -> None:  # noqa: FBT001 - click calls it so
    """Erase a person: every event with their words, addresses and drafts, and copies of e-mails.

    What stays are hashes: that a mail was answered, so that it is not answered again, and that
    they asked us to stop. What the provider keeps is the provider's to erase.
    """
    bare = _bare(address)
    settings = load_beside()
    ledger = make_ledger(settings)
    if not yes:
        click.confirm(f"Erase all events of {bare}? There is no way back", abort=True)
    share(settings).mirror.forget(bare)
    erased, kept = ledger.forget([person("address", bare), *steering.leads_of(ledger, bare)])
    click.echo(f"{bare}: {erased} event{'s' * (erased != 1)} erased")
    if kept:
        raise NotPossible("at_risk", f"{kept} wait for an answer of the API; try again later")


COMMANDS = (pause, resume, suppress, forget)

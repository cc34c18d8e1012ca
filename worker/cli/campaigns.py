"""`autoreply campaign`: make one, fill it, look at it, start and stop it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from worker.cli import calling, output
from worker.cli.calling import Contract, contract_option, json_option
from worker.cli.campaign_files import read_leads, read_plan
from worker.contracts.campaign import Campaign, Upload
from worker.contracts.email import campaigns as published
from worker.contracts.email.leads import MOST_AT_ONCE, Leads
from worker.contracts.lead import campaigns as by_lead
from worker.domain.errors import AutoreplyError, NotPossible
from worker.http import ApiClient

_STATUS: Final = {
    "0": "draft", "1": "active", "2": "paused", "3": "completed", "4": "running subsequences",
    "-1": "accounts unhealthy", "-2": "bounce protect", "-99": "suspended",
}  # fmt: skip
_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_dry_run = click.option("--dry-run", is_flag=True, help="Only show what would be sent.")

Numbered = tuple[int, dict[str, object]]


@click.group()
def campaign() -> None:
    """Make campaigns, add leads to them, look at them, start and stop them."""


@campaign.command()
@click.argument("file", type=_file)
@_dry_run
@contract_option
@json_option
def create(*, file: Path, dry_run: bool, contract: Contract | None, as_json: bool) -> None:
    """Make the campaign that FILE (YAML or JSON) describes; it is a draft until activated.

    \b
    name: Q4 outreach
    mailboxes: [alex@mail.example.com]
    timezone: Europe/Belgrade
    hours: Mon-Fri 09:00-17:00
    steps:
      - {day: 0, subject: A thought, body: "Hi {{firstName}}, …"}
      - {day: 3, subject: "", body: "Did you see my mail?"}
    """  # noqa: D301 - \b keeps click from wrapping these lines
    plan = read_plan(file)
    if dry_run:
        output.print_json(asdict(plan) | {"days": sorted(plan.days)})
        return
    settings = calling.settings_to_call()
    client = calling.client_of(settings)
    speaks_lead = calling.spoken(contract, settings) == "lead"
    campaigns = by_lead.Campaigns(client) if speaks_lead else published.Campaigns(client)
    _print(calling.patiently(lambda: campaigns.create(plan)), as_json=as_json)


@campaign.command()
@click.argument("campaign_id", metavar="ID")
@json_option
def show(*, campaign_id: str, as_json: bool) -> None:
    """Show a campaign."""
    _print(calling.patiently(lambda: _campaigns().get(campaign_id)), as_json=as_json)


@campaign.command()
@click.argument("campaign_id", metavar="ID")
@json_option
def activate(*, campaign_id: str, as_json: bool) -> None:
    """Let a campaign send."""
    _print(calling.patiently(lambda: _campaigns().activate(campaign_id)), as_json=as_json)


@campaign.command()
@click.argument("campaign_id", metavar="ID")
@json_option
def pause(*, campaign_id: str, as_json: bool) -> None:
    """Stop a campaign's sending; `autoreply pause --campaign ID` stops our answers."""
    _print(calling.patiently(lambda: _campaigns().pause(campaign_id)), as_json=as_json)


def _campaigns() -> published.Campaigns:
    return published.Campaigns(calling.client_of(calling.settings_to_call()))


def _print(found: Campaign, *, as_json: bool) -> None:
    status = _STATUS.get(found.status, found.status)
    if as_json:
        output.print_json(asdict(found) | {"status": status})
        return
    click.echo("  ".join(filter(None, (found.id, found.name, status))))


@campaign.command("add-leads")
@click.argument("campaign_id", metavar="ID")
@click.argument("file", type=_file)
@click.option("--from-line", default=1, type=click.IntRange(1), help="Go on with this line.")
@_dry_run
@contract_option
@json_option
def add_leads(
    *, campaign_id: str, file: Path, from_line: int, dry_run: bool, contract: Contract | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Add the leads in FILE (CSV with headings, or JSONL) to a campaign, a thousand a call.

    A column named email is needed; first_name, last_name, company_name, phone and website are
    the provider's own, and every other column becomes a custom variable.
    """
    leads = [(line, lead) for line, lead in read_leads(file) if line >= from_line]
    if dry_run:
        calls = -(-len(leads) // MOST_AT_ONCE)
        click.echo(
            f"{len(leads)} leads in {calls} calls; the first: {leads[0][1] if leads else '–'}"
        )
        return
    settings = calling.settings_to_call()
    client = calling.client_of(settings)
    speaks_lead = calling.spoken(contract, settings) == "lead"
    total = Upload(added=0, duplicate=0, skipped=0, invalid=0, blocked=0)
    for done in _upload(client, campaign_id, leads, speaks_lead=speaks_lead):
        total = _sum(total, done)
    _print_upload(total, as_json=as_json)


def _upload(
    client: ApiClient, campaign_id: str, leads: Sequence[Numbered], *, speaks_lead: bool
) -> Iterator[Upload]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=output.errors(), transient=True) as bar:
        task = bar.add_task("leads", total=len(leads))
        for start in range(0, len(leads), MOST_AT_ONCE):
            chunk = leads[start : start + MOST_AT_ONCE]
            bodies = [lead for _, lead in chunk]

            def call(bodies: list[dict[str, object]] = bodies) -> Upload:
                if speaks_lead:
                    return by_lead.Campaigns(client).add_leads(campaign_id, _plain(bodies))
                return Leads(client).add(campaign_id, bodies)

            try:
                yield calling.patiently(call, lambda why: bar.update(task, description=why))
            except AutoreplyError as error:
                raise _stopped(error, start, chunk) from error
            bar.update(task, advance=len(chunk), description="leads")


def _plain(leads: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """Return the three fields that contract `lead` takes of each lead."""
    names = ("email", "first_name", "last_name")
    return [{name: lead[name] for name in names if name in lead} for lead in leads]


def _stopped(error: AutoreplyError, done: int, chunk: Sequence[Numbered]) -> NotPossible:
    """Say how far it came, and how to go on: leads that are there already are skipped."""
    line = chunk[0][0]
    said = f"{done} leads were added; stopped at line {line}: {error.detail or error.reason}"
    return NotPossible(error.reason, f"{said}; go on with --from-line {line}")


def _sum(one: Upload, other: Upload) -> Upload:
    return Upload(**{f.name: getattr(one, f.name) + getattr(other, f.name) for f in fields(Upload)})


def _print_upload(total: Upload, *, as_json: bool) -> None:
    counts: dict[str, Any] = asdict(total)
    if as_json:
        output.print_json(counts)
        return
    click.echo(
        ", ".join(f"{count} {name}" for name, count in counts.items() if count or name == "added")
    )

"""`autoreply webhook`: the provider's side of the hook."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from worker import running
from worker.cli import calling, output
from worker.cli.calling import json_option
from worker.contracts.email.hooks import ALL_EVENTS, PATH, Hook, Hooks, leads_to_receiver
from worker.domain.errors import NotPossible
from worker.settings import Settings, missing


@click.group()
def webhook() -> None:
    """Register, list, test and resume the provider's webhooks."""


@webhook.command()
@click.argument("url")
@click.option("--event", default=ALL_EVENTS, show_default=True, help="What it is told of.")
@click.option("--campaign", default="", metavar="ID", help="Only of this campaign.")
@click.option("--name", default="autoreply", show_default=True, help="How it is listed there.")
@json_option
def register(*, url: str, event: str, campaign: str, name: str, as_json: bool) -> None:
    """Have the provider deliver to URL, with our secret as a header.

    A webhook that goes to the same address already gets the secret, and no twin.
    """
    _check_address(url)
    settings = calling.settings_to_call()
    headers = {"X-Webhook-Secret": _secret(settings)}
    hooks = Hooks(calling.client_of(settings))
    known = next(
        (hook for hook in calling.patiently(lambda: list(hooks.all())) if hook.url == url), None
    )
    if known:
        hook = calling.patiently(lambda: hooks.change(known.id, headers=headers))
    else:
        hook = calling.patiently(
            lambda: hooks.create(
                url, name=name, event_type=event, campaign_id=campaign, headers=headers
            )
        )
    _print([hook], as_json=as_json)


def _check_address(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter(f"{url!r} is no address; write it like https://your-host{PATH}")
    if not leads_to_receiver(url):
        click.echo(f"note: our receiver listens at {PATH}; {url} must lead there", err=True)


def _secret(settings: Settings) -> str:
    """Return the secret that deliveries are to carry: the first of those that we accept."""
    for secret in settings.webhook_secret:
        return secret.get_secret_value()
    beside = running.find(settings.data)
    if beside is None:
        raise missing("webhook_secret")
    return beside.webhook_secret


@webhook.command("list")
@json_option
def list_hooks(*, as_json: bool) -> None:
    """List the webhooks of the workspace, and whether the provider still delivers to them."""
    hooks = calling.patiently(lambda: list(_hooks().all()))
    if not hooks and not as_json:
        click.echo("no webhooks; `autoreply webhook register URL` makes one")
        return
    _print(hooks, as_json=as_json)


@webhook.command()
@click.argument("hook_id", metavar="ID")
@json_option
def test(*, hook_id: str, as_json: bool) -> None:
    """Have the provider deliver a test, and show what our side answered."""
    probe = calling.patiently(lambda: _hooks().test(hook_id))
    if as_json:
        output.print_json(asdict(probe))
    else:
        outcome = "delivered" if probe.success else "failed"
        click.echo(f"{outcome}: HTTP {probe.status or '–'}  {probe.said}")
    if not probe.success:
        raise NotPossible("not_delivered", f"webhook {hook_id} does not reach the receiver")


@webhook.command()
@click.argument("hook_id", metavar="[ID]", default="")
@json_option
def resume(*, hook_id: str, as_json: bool) -> None:
    """Have the provider deliver again: to ID, or to every webhook that it disabled."""
    hooks = _hooks()
    disabled = [hook_id] if hook_id else [
        hook.id for hook in calling.patiently(lambda: list(hooks.all())) if hook.disabled
    ]  # fmt: skip
    resumed = [calling.patiently(lambda each=each: hooks.resume(each)) for each in disabled]  # type: ignore[misc]  # a default binds the loop's value
    if not resumed and not as_json:
        click.echo("no webhook is disabled")
        return
    _print(resumed, as_json=as_json)


def _hooks() -> Hooks:
    return Hooks(calling.client_of(calling.settings_to_call()))


def _print(hooks: Iterable[Hook], *, as_json: bool) -> None:
    if as_json:
        output.print_json([_as_json(hook) for hook in hooks])
        return
    table = Table("status", "events", "campaign", "address", "id", box=None)
    for hook in hooks:
        since = f" since {hook.disabled_at:%Y-%m-%d %H:%M} UTC" if hook.disabled_at else ""
        status = Text(f"disabled{since}", "red") if hook.disabled else Text("active", "green")
        table.add_row(status, hook.event_type or "custom label", hook.campaign_id or "all",
                      hook.url, hook.id)  # fmt: skip
    output.console().print(table)


def _as_json(hook: Hook) -> dict[str, Any]:
    at = hook.disabled_at
    status = "disabled" if hook.disabled else "active"
    return asdict(hook) | {"disabled_at": at.isoformat() if at else None, "status": status}

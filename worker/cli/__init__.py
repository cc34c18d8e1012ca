"""The command line: `autoreply`."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import httpx

from worker import __version__
from worker.cli import (
    backtest,
    campaigns,
    checking,
    demo,
    events,
    hooks,
    leads,
    notifying,
    parts,
    preview,
    read,
    status,
    switches,
    variants,
)
from worker.domain.errors import AutoreplyError, ConfigurationError, LedgerAway
from worker.domain.frontmatter import TemplateError

_WANTING = 1
_WRONG = 2
_INTERRUPTED = 130
_WORKSPACE = "AUTOREPLY_WORKSPACE"
_EXPECTED = (
    AutoreplyError, ConfigurationError, LedgerAway, OSError, TemplateError, httpx.HTTPError,
)  # fmt: skip


class _Group(click.Group):
    """Turns every expected error into one line on standard error, and an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the library's signature
        """Run the command line; wrong usage is one line, too."""
        try:
            code = super().main(*args, **kwargs | {"standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.ctx.get_help() if error.ctx else "")
            code = _WRONG
        except click.UsageError as error:
            help_of = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
            click.echo(f"autoreply: {error.format_message()}{help_of}", err=True)
            code = _WRONG
        except click.Abort:
            code = _INTERRUPTED
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a traceback is shown only with `--verbose`."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # whoever reads us has seen enough: `… | head`
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the exit's flush
            return None
        except _EXPECTED as error:
            if ctx.params.get("verbose"):
                traceback.print_exc()
            code = _WRONG if isinstance(error, ConfigurationError) else _WANTING
            said = (error.detail or error.reason) if isinstance(error, AutoreplyError) else error
        click.echo(f"autoreply: {' '.join(str(said).split())}", err=True)
        sys.exit(code)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", is_flag=True, help="Show the traceback of an error.")
@click.option("--workspace", metavar="NAME", help="Of several workspaces, this one.")
@click.version_option(__version__, prog_name="autoreply")
@click.pass_context
def main(ctx: click.Context, verbose: bool, workspace: str | None) -> None:  # noqa: ARG001, FBT001 - _Group reads `verbose`
    """Answer replies to cold e-mail: nothing lost, nothing twice, every decision explained.

    \b
    autoreply up       start everything, with a sandbox API unless a key is set
    autoreply demo     beside it: post sample webhooks, watch what becomes of them

    Settings come from the environment, .env, or NAME_FILE for secrets; see the README.
    """  # noqa: D301 - \b keeps click from wrapping these lines
    if workspace:
        ctx.with_resource(_chosen(workspace))


@contextmanager
def _chosen(workspace: str) -> Iterator[None]:
    """Set the setting for as long as the command runs."""
    before = os.environ.get(_WORKSPACE, "")
    os.environ[_WORKSPACE] = workspace
    try:
        yield
    finally:
        os.environ[_WORKSPACE] = before  # an empty one counts for none


for command in (
    *parts.COMMANDS,
    demo.demo,
    checking.check,
    status.status,
    preview.preview,
    read.read,
    backtest.backtest,
    variants.variants,
    events.events,
    campaigns.campaign,
    leads.lead,
    hooks.webhook,
    notifying.notify,
    *switches.COMMANDS,
):
    main.add_command(command)

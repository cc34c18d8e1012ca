"""Calls of the provider's API that people make by hand."""

import time
from collections.abc import Callable
from typing import Final, Literal, TypeVar

import click

from worker import running
from worker.bootstrap import make_api, share
from worker.domain.errors import REFUSED, NotPossible, TryLater
from worker.http import ApiClient
from worker.ledger.redis import answers
from worker.settings import Settings, load, missing
from worker.workspaces import chosen

Contract = Literal["lead", "email"]
R = TypeVar("R")

_TRIES: Final = 5
_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 120.0

contract_option = click.option(
    "--contract",
    type=click.Choice(["lead", "email"]),
    help="How the API speaks; otherwise AUTOREPLY_API_CONTRACT, and email where that is auto.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


def settings_to_call() -> Settings:
    """Read the settings; without a key, those of the sandbox that runs beside us.

    Raises:
        ConfigurationError: no key is set, and no sandbox runs.

    """
    settings = running.with_sandbox(chosen(load()))
    if not settings.api_key.get_secret_value():
        raise missing("api_key")
    return settings


def client_of(settings: Settings) -> ApiClient:
    """Return a client with the operator's key, closed when the command ends.

    It keeps the pace of the workers where their Redis is there; they share one rate.
    """
    paced = running.with_redis(settings)
    is_there = paced.redis_url and answers(paced.redis_url)
    client = make_api(paced, share(paced) if is_there else None)
    click.get_current_context().call_on_close(client.close)
    return client


def spoken(given: Contract | None, settings: Settings) -> Contract:
    """Return the contract that a command speaks."""
    if given:
        return given
    return "lead" if settings.api_contract == "lead" else "email"


def patiently(call: Callable[[], R], say: Callable[[str], object] = lambda _: None) -> R:
    """Make a call again where it surely had no effect and waiting helps.

    Args:
        call: the call.
        say: is told why it takes longer.

    Raises:
        NotPossible: the API refuses the key, or it does not answer after several tries.
        GiveUp: it refuses the call for good.
        OutcomeUnknown: the call may have had its effect.

    """
    growing = _FIRST_WAIT
    for left in range(_TRIES, -1, -1):
        try:
            return call()
        except TryLater as error:
            if error.reason == REFUSED or not left:
                raise NotPossible(error.reason, error.detail or error.reason) from error
            wait = min(growing if error.wait is None else error.wait, _LONGEST_WAIT)
            say(f"{error.reason}: again in {wait:.0f} s")
            time.sleep(wait)
            growing *= 2
    raise AssertionError  # the last try returns or raises

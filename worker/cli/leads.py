"""`autoreply lead`: a lead's conversation, as the API has it."""

from datetime import datetime
from itertools import chain, islice
from typing import Any

import click
from rich.table import Table

from worker.cli import calling, output
from worker.cli.calling import Contract, contract_option, json_option
from worker.contracts.email.emails import Emails
from worker.contracts.history import read_thread
from worker.contracts.lead.api import LeadApi
from worker.contracts.pages import Page
from worker.domain.model import EventClass, Message, ReplyEvent
from worker.domain.quotes import newest_words
from worker.http import ApiClient

_MOST_PAGES = 10
_FIRST_WORDS = 80


@click.group()
def lead() -> None:
    """Look at leads."""


@lead.command()
@click.argument("lead_id", metavar="ID")
@contract_option
@json_option
def emails(*, lead_id: str, contract: Contract | None, as_json: bool) -> None:
    """Show the e-mails with a lead, told by id (contract lead) or by address (email)."""
    settings = calling.settings_to_call()
    client = calling.client_of(settings)
    by_address = "@" in lead_id or (contract or settings.api_contract) == "email"
    event = ReplyEvent(
        key="lead",
        event_class=EventClass.REPLY,
        event_types=("reply_received",),
        lead_id="" if by_address else lead_id,
        lead_email=lead_id.casefold() if by_address else "",
    )
    if by_address:
        thread = read_thread(calling.patiently(lambda: _listed(client, event.lead_email)), event)
    else:
        thread = calling.patiently(lambda: LeadApi(client).thread(event))
    if as_json:
        output.print_json([_as_json(message) for message in thread.messages])
        return
    if not thread.messages:
        click.echo(f"no e-mails with {lead_id}")
        return
    output.console().print(_table(thread.messages))


def _listed(client: ApiClient, address: str) -> Page:
    pages = Emails(client).pages(lead=address, sort_order="asc")
    return list(chain.from_iterable(islice(pages, _MOST_PAGES)))


def _table(messages: tuple[Message, ...]) -> Table:
    table = Table("at (UTC)", "direction", "from", "subject", "begins", box=None)
    for message in messages:
        words = " ".join(newest_words(message.text).split())[:_FIRST_WORDS]
        table.add_row(_time(message.at), message.direction.value, message.sender,
                      message.subject, words)  # fmt: skip
    return table


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "–"


def _as_json(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "at": message.at.isoformat() if message.at else None,
        "direction": message.direction.value,
        "from": message.sender,
        "subject": message.subject,
        "text": message.text,
        "automatic": message.automatic,
    }

"""A receiver, a worker and a listening provider in one process, to follow a trace through them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from flask import request
from flask.testing import FlaskClient
from integration.serving import client_of, running

from web.app import create_app
from web.receiver import Desk, Receiver
from web.sandbox import Sandbox
from web.sandbox import create_app as create_sandbox
from web.spool import Spool
from worker.contracts.lead.api import LeadApi
from worker.domain.model import Mode
from worker.domain.rules import build
from worker.ledger.memory import MemoryLedger
from worker.ledger.redis import RedisLedger
from worker.pipeline import Pipeline, Rules
from worker.spans import SILENT, Spans
from worker.tracing import following

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
GIVEN = f"00-{TRACE}-{SPAN}-01"
SECRET, API_KEY = "hook-s3cret", "api-k3y-s3cret"
TEMPLATE = '---\nwhen: reply is mentioning("how much")\n---\nIt depends on the giraffes.\n'
REPLY = {
    "event_type": "reply_received", "lead_id": "abc", "email_id": "mail-1",
    "lead_email": "zoe@wombat.example", "email_account": "sam@tryacme.example",
    "reply_subject": "Re: Platypus", "reply_text": "How much is the elephant?",
    "firstName": "Zoe",
}  # fmt: skip
PRIVATE = (
    "wombat", "tryacme", "platypus", "elephant", "giraffes", "zoe", SECRET, API_KEY,
)  # fmt: skip


@dataclass
class Place:
    """A receiver and a worker over one ledger, and what the API heard of traces."""

    ledger: MemoryLedger | RedisLedger
    receiver: FlaskClient
    pipeline: Pipeline
    sandbox: Sandbox
    heard: list[str] = field(default_factory=list)
    took: list[tuple[str, float]] = field(default_factory=list)

    def post(self, **headers: str) -> str:
        answer = self.receiver.post(
            "/webhooks/instantly", json=REPLY, headers={"X-Webhook-Secret": SECRET, **headers}
        )
        return str(answer.json["key"])  # type: ignore[index]  # it is an object


@contextmanager
def make_place(
    ledger: MemoryLedger | RedisLedger, folder: Path, spans: Spans = SILENT
) -> Iterator[Place]:
    spool = Spool(folder / "spool")
    receiver = create_app(
        ledgers={"": ledger},
        spool=spool,
        receiving=Receiver(
            desks=[Desk(ledger=ledger, secrets=[SECRET])], publish=lambda _: None, spool=spool
        ),
        ping_broker=lambda: None,
        queued=lambda: 0,
        spans=spans,
    ).test_client()
    heard: list[str] = []
    took: list[tuple[str, float]] = []
    sandbox = Sandbox()
    with running(listening_sandbox(heard, sandbox)) as url, client_of(url, key=API_KEY) as api:
        spoken = LeadApi(api)
        pipeline = Pipeline(
            ledger=ledger,
            api_for=lambda _: spoken,
            templates=lambda: build({"pricing.j2": TEMPLATE}),
            rules=Rules(mode=Mode.SEND, max_age=timedelta(hours=72), settle=timedelta(seconds=600)),
            following=partial(following, spans=spans, took=lambda *stage: took.append(stage)),
        )
        yield Place(ledger, receiver, pipeline, sandbox, heard, took)


def listening_sandbox(heard: list[str], sandbox: Sandbox | None = None) -> Any:
    """Return a sandbox that notes the trace of each call."""
    app = create_sandbox(sandbox or Sandbox())

    @app.before_request
    def note() -> None:
        heard.append(request.headers.get("traceparent", ""))

    return app

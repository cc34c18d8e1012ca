"""`demo`: post sample webhooks at the running service and watch what becomes of them."""

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any, Final

import click
import httpx
from rich.live import Live
from rich.table import Table

from worker import running
from worker.bootstrap import make_ledger
from worker.cli import output
from worker.contracts.lenient import address, text
from worker.domain.errors import NotPossible
from worker.domain.progress import RESTING
from worker.domain.record import Record
from worker.ledger.redis import RedisLedger
from worker.running import Running

_WATCH: Final = 0.3
_MAIL_BEFORE_WEBHOOK: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class _Posted:
    """A delivery, and what the receiver said to it."""

    about: str
    status: str
    key: str


@click.command()
@click.option(
    "--seconds", default=30, show_default=True, type=click.IntRange(1), help="Watch for so long."
)
def demo(seconds: int) -> None:
    """Post sample webhooks at the running service; show what becomes of each, and why."""
    settings = running.load_beside()
    service = running.find(settings.data)
    if service is None:
        raise NotPossible("not_running", "start `autoreply up` first, in another terminal")
    if not service.sandbox_url:
        raise NotPossible("not_a_sandbox", "the service speaks to a real API; unset its key first")
    posted = _post_all(service, secrets.token_hex(3))
    ledger = make_ledger(settings)
    records = _watch(ledger, posted, seconds)
    _sum_up(service, records)


def _post_all(service: Running, run: str) -> list[_Posted]:
    written = (resources.files("worker.cli") / "samples.json").read_text("utf-8")
    samples: list[dict[str, Any]] = json.loads(written.replace("{run}", run))
    for sample in samples:
        _tell_sandbox(service.sandbox_url, sample["payload"])
    with httpx.Client(
        base_url=service.web_url, headers={"X-Webhook-Secret": service.webhook_secret}, timeout=10
    ) as client:
        return [_post(client, sample) for sample in samples]


def _tell_sandbox(url: str, payload: dict[str, Any]) -> None:
    """Put what the webhook is about into the sandbox: by lead, or the e-mail that it names."""
    _, _, subject = payload.get("reply_subject", "").partition(": ")
    if not subject:
        return
    if "lead_id" in payload:
        mail = {"ue_type": 1, "subject": subject, "body": {"text": "Hi, a thought …"}}
        method, path, told = "PUT", f"leads/{payload['lead_id']}", {"emails": [mail]}
    else:
        method, path, told = "POST", "inbound", _inbound(payload)
    httpx.request(method, f"{url}/sandbox/{path}", json=told, timeout=10).raise_for_status()


def _inbound(payload: dict[str, Any]) -> dict[str, Any]:
    """Return what makes the sandbox get the e-mail, and tell nobody of it."""
    return {
        "lead_email": address(payload, "lead_email"),
        "eaccount": payload["email_account"],
        "id": payload["email_id"],
        "subject": payload["reply_subject"],
        "text": text(payload, "reply_text", "reply_text_snippet"),
        "event_types": [],
    }


def _post(client: httpx.Client, sample: dict[str, Any]) -> _Posted:
    now = (datetime.now(UTC) - _MAIL_BEFORE_WEBHOOK).isoformat(timespec="milliseconds")
    answer = client.post("/webhooks/instantly", json=sample["payload"] | {"timestamp": now})
    if answer.is_error:
        raise NotPossible("refused", f"{sample['about']}: {answer.text}")
    said = answer.json()
    return _Posted(sample["about"], said["status"], said.get("key", ""))


def _watch(ledger: RedisLedger, posted: Sequence[_Posted], seconds: int) -> list[Record | None]:
    ends = time.monotonic() + seconds
    with Live(console=output.console(), auto_refresh=False) as live:
        while True:
            records = [ledger.record(one.key) for one in posted]
            live.update(_table(posted, records), refresh=True)
            if all(r is None or r.state in RESTING for r in records) or time.monotonic() > ends:
                return records
            time.sleep(_WATCH)


def _table(posted: Sequence[_Posted], records: Sequence[Record | None]) -> Table:
    table = Table("the lead …", "webhook", "state", "reason", "template", "because", box=None)
    for one, record in zip(posted, records, strict=True):
        if record is None:
            table.add_row(one.about, one.status)
        else:
            table.add_row(
                one.about, one.status, output.state_text(record.state), record.reason,
                record.template, _first(record.detail or _fired(record)),
            )  # fmt: skip
    return table


def _fired(record: Record) -> str:
    """Return the words that made the rule fit."""
    fits = (line.get("detail", "") for line in record.trace if line.get("outcome") == "fits")
    return next(fits, "")


def _first(because: str) -> str:
    """Leave out all quotes but the first: `autoreply events show` has the others."""
    start, quoted, _ = because.partition("”")
    return start + quoted


def _sum_up(service: Running, records: Sequence[Record | None]) -> None:
    sent = {r.sent_id for r in records if r is not None and r.sent_id}
    listed = httpx.get(f"{service.sandbox_url}/sandbox/sent", timeout=10).json()
    arrived = [mail["id"] for mail in listed if mail["id"] in sent]
    click.echo(f"\nThe sandbox got {len(arrived)} replies for {len(sent)} sent events.")
    click.echo("More: autoreply events list, autoreply events show KEY, or Flower.")
    if sorted(arrived) != sorted(sent):
        raise NotPossible("mismatch", "the ledger and the sandbox do not agree")

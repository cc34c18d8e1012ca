"""The console with a real server behind it, and a pipeline that works when a test says so."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import redis
from integration.world import FakeApi, HandClock

from web.app import create_app
from web.console import Console, Door
from web.receiver import Desk, Receiver
from web.spool import Spool
from worker.contracts import webhook
from worker.domain.model import Mode
from worker.domain.record import Record
from worker.domain.rules import build
from worker.ledger.redis import RedisLedger
from worker.ledger.slots import RedisSlots
from worker.pipeline import Pipeline, Rules

PASSWORD = "correct horse"
RETENTION = 90 * 86_400_000
TEMPLATES = {
    "pricing.j2": """---
when: reply is mentioning("how much")
priority: 60
mode: hold
examples:
  match: ["How much is it?"]
---
Hi {{ lead.first_name | default("there") }}, it depends on the number of seats.
""",
    "meeting.j2": """---
when: reply is mentioning("call")
---
Hi {{ lead.first_name | default("there") }}, any time this week suits me.
""",
    "fallback.j2": "---\nwhen: true\npriority: 0\nmode: hold\n---\nThank you, I will see.\n",
}


class Place:
    """App, ledger, provider and clock of one test; `url` is where it is served."""

    def __init__(self, client: redis.Redis) -> None:
        self.url = ""
        self.clock = HandClock()
        self.api = FakeApi(self.clock)
        self.ledger = RedisLedger(client, lease=60_000, retention=RETENTION, now=self.clock)
        self.templates = build(TEMPLATES)
        spool = Spool(Path("/dev/null/spool"))
        self.app = create_app(
            ledgers={"": self.ledger},
            spool=spool,
            receiving=Receiver(
                desks=[Desk(ledger=self.ledger, secrets=["s"])], publish=lambda _: None, spool=spool
            ),
            ping_broker=lambda: None,
            queued=lambda: 0,
            pages=Console(
                ledger=self.ledger,
                door=Door(password=PASSWORD, key=b"k" * 32, turns=RedisSlots(client).reserve),
                templates=lambda: self.templates,
                checks=lambda: {"ledger": "ok", "broker": "ok", "worker": "ok"},
                clock=lambda: self.clock.now / 1000,
            ),
        )
        self._pipeline = Pipeline(
            ledger=self.ledger,
            api_for=lambda _: self.api,
            templates=lambda: self.templates,
            rules=Rules(mode=Mode.SEND, max_age=timedelta(hours=72), settle=timedelta(minutes=10)),
            boot_clock=lambda: 0.0,
        )

    def cookie(self, who: str) -> dict[str, Any]:
        """Log somebody in, and return what their browser would keep."""
        client = self.app.test_client()
        page = client.get("/login").text
        token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
        client.post("/login", data={"csrf_token": token, "password": PASSWORD, "who": who})
        kept = client.get_cookie("autoreply")
        assert kept
        return {"name": kept.key, "value": kept.value, "url": self.url}

    def replies(
        self, name: str, text: str = "How much is it?", *, mail: str = "", **more: Any
    ) -> str:
        """Have a lead write, and the service work on it; return the event's key."""
        lead, mail = f"lead-{name}", mail or f"mail-{name}"
        self.api.writes(lead, text, name=mail)
        payload = {
            "event_type": "reply_received", "email_id": mail, "lead_id": lead,
            "lead_email": f"{name}@lead.example", "firstName": name.title(),
            "email_account": "sam@ours.example", "campaign_id": "q4", "reply_text": text,
            "reply_subject": "Re: Your team",
        } | more  # fmt: skip
        key = self.ledger.accept(webhook.parse(payload), json.dumps(payload)).key
        self._pipeline.answer(key)
        return key

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and have the service work on what is due."""
        self.clock.now += int(seconds * 1000)
        for key in self.ledger.take_due(50):
            self._pipeline.answer(key)

    def found(self, key: str) -> Record:
        record = self.ledger.record(key)
        assert record
        return record


def pages_of(key: str) -> dict[str, str]:
    """Return every page, by the heading that it has."""
    return {
        "Today": "/",
        "Inbox": "/inbox",
        "Events": "/events",
        "@": f"/event?key={key}&replay=1",
        "Templates": "/templates",
        "Doubts and quarantine": "/trouble",
    }

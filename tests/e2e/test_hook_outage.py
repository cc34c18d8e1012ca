"""The provider gives our webhook up while two hundred replies come in."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from e2e.system import SECRET, System, eventually, running_system

from web.sandbox.names import CAMPAIGN_ID, lead_id_of
from worker.backfill import BACKFILL
from worker.hookhealth import HOOK
from worker.ledger.memo import RedisMemo
from worker.ledger.plan import RedisPlan
from worker.ledger.redis import connect
from worker.ledger.redis_mirror import RedisMirror
from worker.mirror import REFILL

PRICE = "How much is it for 12 seats?"
STOP = "Please remove me from your list."
AWAY = "I am out of the office until Monday."


MAILBOX = "sam@tryacme.example"


def address(name: str) -> str:
    return f"{name}@northwind.example"


def names(kind: str, how_many: int) -> list[str]:
    return [f"{kind}-{number}" for number in range(how_many)]


class Provider:
    """The sandbox as its operator has it, and the clock of the chores."""

    def __init__(self, system: System) -> None:
        headers = {"Authorization": "Bearer test-key"}
        self.http = httpx.Client(base_url=system.sandbox, headers=headers, timeout=30)
        self.store = connect(system.server.url)
        self.memo, self.plan = RedisMemo(self.store), RedisPlan(self.store)
        self.mirror = RedisMirror(self.store)

    def post(self, path: str, **told: Any) -> Any:
        answer = self.http.post(path, json=told) if told else self.http.post(path)
        answer.raise_for_status()
        return answer.json()

    def pitched(self, *names: str) -> None:
        """Let the campaign have written to leads, and the mirror have seen it."""
        for name in names:
            lead = address(name)
            mail = {"ue_type": 1, "subject": "A thought", "lead": lead, "eaccount": MAILBOX}
            at = datetime.now(UTC).isoformat()
            emails = [mail | {"timestamp_created": at, "timestamp_email": at}]
            path = f"/sandbox/leads/{lead_id_of(lead, CAMPAIGN_ID)}"
            self.http.put(path, json={"emails": emails}).raise_for_status()
        asked = time.time() * 1000
        self.plan.ask(REFILL)
        eventually(lambda: self.mirror.view("").as_of > asked)

    def writes(self, name: str, text: str, **told: Any) -> str:
        written = self.post("/sandbox/inbound", lead_email=address(name), text=text, **told)
        return str(written["email"]["id"])

    def answered(self) -> Counter[str]:
        return Counter(mail["reply_to_uuid"] for mail in self.http.get("/sandbox/sent").json())

    def hook_status(self) -> str:
        return str(json.loads(self.memo.recall(HOOK) or "{}").get("status"))

    def close(self) -> None:
        self.http.close()
        self.store.close()


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with running_system(tmp_path, workers=2, AUTOREPLY_API_CONTRACT="email") as system:
        yield system


def test_two_hundred_replies_of_a_disabled_webhook_are_answered_or_explained_once_each(
    system: System,
) -> None:
    with closing(Provider(system)) as provider:
        hook = provider.post(
            "/v2/webhooks",
            target_hook_url=f"{system.web}/webhooks/instantly",
            headers={"X-Webhook-Secret": SECRET},
        )["id"]
        eventually(lambda: provider.memo.recall(BACKFILL))
        provider.plan.ask(HOOK)
        eventually(lambda: provider.hook_status() == "active")
        logged, unlogged = names("logged", 100), names("unlogged", 70)
        told, gone, out = names("told", 10), names("gone", 10), names("out", 10)
        provider.pitched(*logged, *unlogged, *told, *gone, *out)

        provider.post(f"/sandbox/webhooks/{hook}/disable")
        asked = {provider.writes(name, PRICE) for name in logged}
        asked |= {provider.writes(name, PRICE, event_types=[]) for name in unlogged}
        stopped = {provider.writes(name, STOP) for name in told}
        stopped |= {provider.writes(name, STOP, event_types=[]) for name in gone}
        away = {provider.writes(name, AWAY, is_auto_reply=1) for name in out}
        assert len(asked | stopped | away) == 200
        assert provider.answered() == Counter()

        provider.plan.ask(HOOK)  # as its time would come
        ledger = system.ledger

        def all_found() -> bool:
            provider.plan.ask(BACKFILL)
            return len(ledger.records(None, 1000)) == 200

        eventually(all_found, within=60, every=1)
        eventually(system.at_rest, within=60)

        assert provider.answered() == Counter(dict.fromkeys(asked, 1))
        ends = {r.key: (r.state.value, r.reason) for r in ledger.records(None, 1000)}
        assert {ends[key] for key in asked} == {("sent", "posted")}
        assert {ends[key] for key in stopped} == {("skipped", "opted_out")}
        assert {ends[key] for key in away} == {("skipped", "automatic_reply")}
        assert provider.http.get(f"/v2/webhooks/{hook}").json()["status"] == 1

        eventually(lambda: ledger.owed() == 0)
        blocked = provider.http.get("/v2/block-lists-entries?limit=100").json()["items"]
        assert {row["bl_value"] for row in blocked} == {address(name) for name in (*told, *gone)}

        live = provider.writes("afterwards", PRICE)
        eventually(lambda: provider.answered()[live] == 1)
        assert max(provider.answered().values()) == 1

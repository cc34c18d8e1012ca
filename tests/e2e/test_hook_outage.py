"""The provider gives our webhook up while two hundred replies come in."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from e2e.system import SECRET, System, eventually, running_system

from worker.backfill import BACKFILL
from worker.hookhealth import HOOK
from worker.ledger.memo import RedisMemo
from worker.ledger.plan import RedisPlan
from worker.ledger.redis import connect

PRICE = "How much is it for 12 seats?"
STOP = "Please remove me from your list."
AWAY = "I am out of the office until Monday."


class Provider:
    """The sandbox as its operator has it, and the clock of the chores."""

    def __init__(self, system: System) -> None:
        headers = {"Authorization": "Bearer test-key"}
        self.http = httpx.Client(base_url=system.sandbox, headers=headers, timeout=30)
        self.store = connect(system.server.url)
        self.memo, self.plan = RedisMemo(self.store), RedisPlan(self.store)

    def post(self, path: str, **told: Any) -> Any:
        answer = self.http.post(path, json=told) if told else self.http.post(path)
        answer.raise_for_status()
        return answer.json()

    def writes(self, name: str, text: str, **told: Any) -> str:
        lead = f"{name}@northwind.example"
        return str(self.post("/sandbox/inbound", lead_email=lead, text=text, **told)["email"]["id"])

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

        provider.post(f"/sandbox/webhooks/{hook}/disable")
        asked = {provider.writes(f"logged-{n}", PRICE) for n in range(100)}
        asked |= {provider.writes(f"unlogged-{n}", PRICE, event_types=[]) for n in range(70)}
        stopped = {provider.writes(f"stop-{n}", STOP) for n in range(10)}
        stopped |= {provider.writes(f"gone-{n}", STOP, event_types=[]) for n in range(10)}
        away = {provider.writes(f"away-{n}", AWAY, is_auto_reply=1) for n in range(10)}
        assert len(asked | stopped | away) == 200
        assert provider.answered() == Counter()

        provider.plan.ask(HOOK)  # as its time would come
        ledger = system.ledger
        eventually(lambda: len(ledger.records(None, 1000)) == 200, within=60)
        eventually(system.at_rest, within=60)

        assert provider.answered() == Counter(dict.fromkeys(asked, 1))
        ends = {r.key: (r.state.value, r.reason) for r in ledger.records(None, 1000)}
        assert {ends[key] for key in asked} == {("sent", "posted")}
        assert {ends[key] for key in stopped} == {("skipped", "opted_out")}
        assert {ends[key] for key in away} == {("skipped", "automatic_reply")}
        assert provider.http.get(f"/v2/webhooks/{hook}").json()["status"] == 1

        live = provider.writes("afterwards", PRICE)
        eventually(lambda: provider.answered()[live] == 1)
        assert max(provider.answered().values()) == 1

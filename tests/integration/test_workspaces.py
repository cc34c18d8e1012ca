"""Two workspaces in one service: a test tries to mix them in everything."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient
from integration.world import LEASE, RETENTION, FakeApi, HandClock, World

from web.app import create_app
from web.receiver import Desk, Receiver
from web.spool import Spool
from worker.clock import Clock
from worker.domain.progress import State
from worker.domain.rules import build
from worker.ledger.accounts import named
from worker.ledger.redis import RedisLedger

TEMPLATE = '---\nwhen: reply is mentioning("how much")\n---\nGreetings from {name}.\n'
SECRETS = {"acme": "secret-a", "beta": "secret-b"}


@dataclass
class Two:
    """A receiver and a clock for both, a world (ledger, API, templates) for each."""

    worlds: dict[str, World]
    clock: HandClock
    client: FlaskClient
    queue: list[str] = field(default_factory=list)

    def post(self, name: str, secret: str = "", **fields: Any) -> Any:
        payload = {
            "event_type": "reply_received",
            "workspace": f"ws-{name}",
            "lead_id": "lead-1",
            "email_id": "mail-1",
            "reply_text": "How much is it?",
        }
        headers = {"X-Webhook-Secret": secret or SECRETS.get(name, "")}
        return self.client.post("/webhooks/instantly", json=payload | fields, headers=headers)

    def work(self) -> None:
        """Wake what is due in either workspace, and work on it."""
        woken: list[str] = []
        wakes = Clock(
            ledgers=[(f"{name}/", world.ledger) for name, world in self.worlds.items()],
            wake=lambda keys: bool(woken.extend(keys) or True),
            queued=lambda: 0,
            threads=8,
            name="test",
        )
        self.clock.now += LEASE
        wakes.tick(0)
        for address in woken:
            name, _, key = address.partition("/")
            self.worlds[name].pipeline().answer(key)

    def sent(self, name: str) -> list[str]:
        return [draft.body for _, draft in self.worlds[name].api.sent]


@pytest.fixture
def two(redis_client: redis.Redis, tmp_path: Path) -> Two:
    clock = HandClock()
    worlds = {
        name: World(
            RedisLedger(redis_client, lease=LEASE, retention=RETENTION, name=name, now=clock),
            clock,
            FakeApi(clock),
            templates=build({"pricing.j2": TEMPLATE.format(name=name)}),
        )
        for name in SECRETS
    }
    queue: list[str] = []
    desks = [
        Desk(
            name=name,
            id=f"ws-{name}",
            ledger=world.ledger,
            secrets=[SECRETS[name]],
            prefix=f"{name}/",
        )
        for name, world in worlds.items()
    ]
    spool = Spool(tmp_path / "spool")
    receiving = Receiver(desks=desks, publish=queue.append, spool=spool)
    app = create_app(
        ledgers={name: world.ledger for name, world in worlds.items()},
        spool=spool,
        receiving=receiving,
        ping_broker=lambda: None,
        queued=lambda: 0,
    )
    return Two(worlds, clock, app.test_client(), queue)


def test_the_same_mail_in_two_workspaces_is_two_mails(two: Two) -> None:
    for name in SECRETS:
        two.worlds[name].api.writes("lead-1", "How much is it?", name="mail-1")
        assert two.post(name).json["status"] == "queued"
    assert two.queue == ["acme/mail-1", "beta/mail-1"]
    two.work()
    assert two.sent("acme") == ["Greetings from acme."]
    assert two.sent("beta") == ["Greetings from beta."]


def test_one_workspaces_secret_opens_no_other(two: Two) -> None:
    assert two.post("acme", secret="secret-b").status_code == 401
    assert two.post("acme", secret="guess").status_code == 401
    assert not two.worlds["acme"].ledger.records(None, 9)


def test_a_workspace_nobody_knows_is_kept_for_a_person(two: Two) -> None:
    answer = two.post("gamma", secret="secret-b")
    assert (answer.status_code, answer.json["reason"]) == (202, "unknown_workspace")
    [kept] = two.worlds["beta"].ledger.records(State.QUARANTINED, 9)
    assert kept.reason == "unknown_workspace"
    assert not two.worlds["acme"].ledger.records(None, 9)


def test_a_delivery_without_a_workspace_belongs_to_whose_secret_it_carries(two: Two) -> None:
    assert two.post("beta", workspace="").json["status"] == "queued"
    assert two.queue == ["beta/mail-1"]


STEERED: dict[str, Callable[[World], object]] = {
    "a pause": lambda world: world.ledger.pause("*"),
    "an opt-out": lambda world: world.ledger.suppress([named("lead-1")], "by hand"),
    "a hold of the API": lambda world: world.ledger.hold_off(10 * LEASE, "api_refused"),
    "a person forgotten": lambda world: world.ledger.forget([named("lead-1")]),
}


@pytest.mark.parametrize("what", STEERED)
def test_what_stops_one_workspace_stops_no_other(two: Two, what: str) -> None:
    for name in SECRETS:
        two.worlds[name].api.writes("lead-1", "How much is it?", name="mail-1")
        two.post(name)
    STEERED[what](two.worlds["acme"])
    two.work()
    assert two.sent("acme") == []
    assert two.sent("beta") == ["Greetings from beta."]


def test_caps_count_in_each_workspace_alone(two: Two) -> None:
    two.worlds["acme"].api.writes("lead-1", "How much is it?", name="mail-1")
    two.post("acme")
    two.work()
    two.worlds["beta"].api.writes("lead-1", "How much is it?", name="mail-2")
    two.post("beta", email_id="mail-2")
    two.work()
    assert len(two.sent("acme")) == len(two.sent("beta")) == 1


def test_a_backlog_of_one_workspace_leaves_room_for_the_other(two: Two) -> None:
    for number in range(100):
        two.post("acme", email_id=f"a-{number}", lead_id=f"lead-{number}")
    for number in range(3):
        two.post("beta", email_id=f"b-{number}", lead_id=f"lead-{number}")
    woken: list[str] = []
    clock = Clock(
        ledgers=[(f"{name}/", world.ledger) for name, world in two.worlds.items()],
        wake=lambda keys: bool(woken.extend(keys) or True),
        queued=lambda: 0,
        threads=2,
        name="test",
    )
    two.clock.now += LEASE
    clock.tick(0)
    clock.tick(1)
    assert sum(key.startswith("beta/") for key in woken) == 3
    assert len(woken) == 16


def test_the_figures_of_each_workspace_stand_apart(two: Two) -> None:
    two.post("beta")
    figures = two.client.get("/metrics").text
    assert 'autoreply_events{state="received",workspace="beta"} 1.0' in figures
    assert 'autoreply_events{state="received",workspace="acme"} 0.0' in figures

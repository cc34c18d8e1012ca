"""Yesterday's records under today's code, and tomorrow's records under it."""

import json
from pathlib import Path
from typing import Any

import pytest
import redis
from integration.world import LEASE, RETENTION, SETTLE, FakeApi, HandClock, World
from structlog.testing import capture_logs

from worker.contracts import webhook
from worker.domain.errors import NotPossible
from worker.domain.model import Direction, Message
from worker.domain.progress import FINAL, State
from worker.domain.record import RECORD_VERSION
from worker.ledger.redis import RedisLedger

RECORDS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "records-v1.json").read_text("utf-8")
)
"""State → the key, the hash and the history as version 1 left them in Redis."""

WRITTEN = 1_790_000_000_000
PREFIX = "autoreply:{default}:"


@pytest.fixture
def world(redis_client: redis.Redis) -> World:
    clock = HandClock(WRITTEN + 3_600_000)
    ledger = RedisLedger(redis_client, lease=LEASE, retention=RETENTION, now=clock)
    return World(ledger, clock, FakeApi(clock))


def restore(client: redis.Redis, name: str, **changed: str) -> str:
    """Put a record back with the indexes that its state has."""
    kept = RECORDS[name]
    key, fields = kept["key"], kept["fields"] | changed
    state, received = fields["state"], int(fields["received_at"])
    client.hset(f"{PREFIX}ev:{key}", mapping=fields)
    client.rpush(f"{PREFIX}hist:{key}", *kept["history"])
    client.zadd(f"{PREFIX}events", {key: received})
    client.zadd(f"{PREFIX}state:{state}", {key: received})
    if fields.get("due_at"):
        client.zadd(f"{PREFIX}due", {key: int(fields["due_at"])})
    if state in ("sending", "doubt"):
        client.hset(f"{PREFIX}conv:{fields['conversation']}", "open", key)
        client.set(f"{PREFIX}answered:{fields['answering']}", f"{key} {received}")
    if state in FINAL:
        client.zadd(f"{PREFIX}expiry", {key: received + RETENTION})
    return str(key)


def wrote(world: World, lead: str, name: str) -> None:
    world.api.threads[lead] = [
        Message(id=name, direction=Direction.INBOUND, text="How much is it?")
    ]


@pytest.mark.parametrize("name", ["received", "waiting"])
def test_what_waited_yesterday_is_answered_today(
    world: World, redis_client: redis.Redis, name: str
) -> None:
    key = restore(redis_client, name)
    wrote(world, f"lead-{name}", key)
    world.run()
    assert world.state(key) == (State.SENT, "posted")
    assert [lead for lead, _ in world.api.sent] == [f"lead-{name}"]


def test_a_draft_held_yesterday_goes_out_as_it_was_once_approved(
    world: World, redis_client: redis.Redis
) -> None:
    key = restore(redis_client, "held")
    wrote(world, "lead-held", key)
    world.run()
    assert world.state(key) == (State.HELD, "needs_approval")
    draft = world.ledger.approve(key, "ann").draft
    world.run()
    assert world.state(key) == (State.SENT, "posted")
    assert world.api.sent == [("lead-held", draft)]


def test_yesterdays_doubt_that_arrived_is_sent_and_not_sent_again(
    world: World, redis_client: redis.Redis
) -> None:
    key = restore(redis_client, "doubt")
    wrote(world, "lead-doubt", key)
    draft = world.ledger.record(key)
    assert draft is not None
    assert draft.draft is not None
    world.api.threads["lead-doubt"].append(
        Message(id="ours", direction=Direction.OUTBOUND, text=draft.draft.body)
    )
    world.run()
    assert world.state(key)[0] is State.SENT
    assert world.api.sent == []


def test_yesterdays_doubt_that_did_not_arrive_is_sent_once_more(
    world: World, redis_client: redis.Redis
) -> None:
    key = restore(redis_client, "doubt")
    wrote(world, "lead-doubt", key)
    world.run(steps=2 * SETTLE // LEASE * 4)
    assert world.state(key)[0] is State.SENT
    assert len(world.api.sent) == 1


def test_what_was_sent_yesterday_stays_sent(world: World, redis_client: redis.Redis) -> None:
    key = restore(redis_client, "sent")
    before = world.ledger.record(key)
    payload = RECORDS["sent"]["fields"]["delivery:reply_received"]
    again = world.ledger.accept(webhook.parse(json.loads(payload)), payload)
    assert (again.status, again.key) == ("duplicate", key)
    world.run()
    assert world.ledger.record(key) == before
    assert world.api.sent == []


def test_what_was_quarantined_yesterday_can_be_read_and_released(
    world: World, redis_client: redis.Redis
) -> None:
    key = restore(redis_client, "quarantined")
    record = world.ledger.record(key)
    assert record is not None
    assert json.loads(record.deliveries["body"])["reply_text"] == "How much is it?"
    assert json.loads(record.deliveries["headers"])["webhook-id"] == "msg_1"
    world.ledger.release(key)  # type: ignore[attr-defined]
    assert world.ledger.record(key) is None


@pytest.mark.parametrize("name", list(RECORDS))
def test_a_record_of_tomorrow_is_left_as_it_is(
    world: World, redis_client: redis.Redis, name: str
) -> None:
    key = restore(redis_client, name, v=str(RECORD_VERSION + 1), draft="in another shape")
    redis_client.zadd(f"{PREFIX}due", {key: 0})
    before = redis_client.hgetall(f"{PREFIX}ev:{key}")
    for order in (world.ledger.approve, world.ledger.skip, world.ledger.retry):
        with pytest.raises(NotPossible, match="newer"):
            order(key, "ann")
    pipeline = world.pipeline()
    with capture_logs() as logs:
        outcomes = [pipeline.answer(key) for _ in range(3)]
    assert outcomes == [f"newer {before['state']}"] * 3
    assert [(line["log_level"], line["outcome"]) for line in logs] == [("warning", outcomes[0])]
    assert redis_client.hgetall(f"{PREFIX}ev:{key}") == before
    assert world.api.sent == []

"""The small world of pipeline tests, with the ledger in memory and in Redis."""

import pytest
import redis
from integration.world import LEASE, RETENTION, FakeApi, HandClock, World

from worker.ledger.memory import MemoryLedger
from worker.ledger.redis import RedisLedger
from worker.ports import Ledger


@pytest.fixture(params=["memory", "redis"])
def world(request: pytest.FixtureRequest) -> World:
    clock = HandClock()
    ledger: Ledger = MemoryLedger(lease=LEASE, retention=RETENTION, now=clock)
    if request.param == "redis":
        client: redis.Redis = request.getfixturevalue("redis_client")
        ledger = RedisLedger(client, lease=LEASE, retention=RETENTION, now=clock)
    return World(ledger, clock, FakeApi(clock))

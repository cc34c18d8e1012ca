"""RabbitMQ as the broker: the same promises, with the ledger in its own server."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.rabbitmq import RabbitMQ, find_server
from e2e.system import eventually, running_system

from worker.settings import load
from worker.tasks import Hints, make_app

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.skipif(find_server() is None, reason="rabbitmq-server is not installed"),
]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RabbitMQ]:
    broker = RabbitMQ(tmp_path / "broker")
    try:
        broker.start()
        yield broker
    finally:
        broker.end()


def test_replies_are_answered_once_over_a_rabbitmq_that_goes_and_comes_back(
    tmp_path: Path, broker: RabbitMQ
) -> None:
    with running_system(tmp_path, AUTOREPLY_BROKER_URL=broker.url) as system:

        def asks(lead: str) -> None:
            payload = {"event_type": "reply_received", "lead_id": lead, "reply_text": "How much?"}
            assert system.deliver(payload).status_code == 202

        asks("before")
        eventually(lambda: system.sent() == {"before": 1})

        broker.stop()
        asks("meanwhile")
        assert system.sent() == {"before": 1}

        broker.start()
        eventually(lambda: system.sent() == {"before": 1, "meanwhile": 1}, within=90)
        asks("after")
        eventually(lambda: len(system.sent()) == 3, within=60)
        eventually(system.at_rest)
        assert system.states() == {"sent": 3}
        assert set(system.sent().values()) == {1}
        assert system.processes["worker-0"].poll() is None


def test_a_frozen_rabbitmq_holds_nobody_up_for_long(broker: RabbitMQ) -> None:
    hints = Hints(
        make_app(load({"AUTOREPLY_REDIS_URL": "redis://-", "AUTOREPLY_BROKER_URL": broker.url}))
    )
    assert hints.queued() == 0
    assert hints.wake(["one"])
    assert eventually(hints.queued) == 1

    broker.signal(signal.SIGSTOP)
    began = time.monotonic()
    assert hints.queued() == 0
    hints.wake(["two"])
    assert time.monotonic() - began < 20

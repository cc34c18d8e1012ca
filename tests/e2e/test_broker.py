"""Broker and ledger apart: a broker that is away costs time, never an event."""

import signal
from pathlib import Path

import pytest
from e2e.system import System, eventually

from worker.embedded import prepare
from worker.ledger.redis import connect

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("e2e")]


def test_with_the_broker_away_replies_are_accepted_and_answered_when_it_is_back(
    tmp_path: Path,
) -> None:
    broker = prepare(tmp_path / "broker")
    system = System(tmp_path, AUTOREPLY_BROKER_URL=broker.url)

    def start_broker() -> None:
        system.run("broker", *broker.command)
        eventually(lambda: connect(broker.url).ping())

    try:
        start_broker()
        system.start()
        system.signal("broker", signal.SIGKILL)
        answer = system.deliver(
            {"event_type": "reply_received", "lead_id": "lead-1", "reply_text": "How much is it?"}
        )
        assert answer.status_code == 202
        assert system.sent() == {}

        start_broker()
        eventually(system.at_rest, within=60)
        assert system.states() == {"sent": 1}
        assert system.sent() == {"lead-1": 1}
    finally:
        system.stop()

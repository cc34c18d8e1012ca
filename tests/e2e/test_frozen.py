"""A worker that is frozen past its lease and thawed finds that it has lost everything."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.system import System, eventually, running_system

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("e2e")]

QUESTION = {
    "event_type": "reply_received",
    "lead_id": "lead-1",
    "email_id": "mail-1",
    "reply_text": "How much is it?",
}


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with running_system(tmp_path, workers=1) as system:
        yield system


def has_it(system: System, state: str) -> bool:
    """Say whether the worker has claimed the event and brought it into a state."""
    record = system.ledger.record("mail-1")
    return record is not None and record.token == 1 and record.state.value == state


@pytest.mark.parametrize(
    ("call", "state"), [("thread", "received"), ("reply", "sending")], ids=["reading", "sending"]
)
def test_a_worker_frozen_past_its_lease_and_thawed_sends_nothing_more(
    system: System, call: str, state: str
) -> None:
    system.fault(on=call, kind="latency", seconds=0.8)
    system.deliver(QUESTION)
    eventually(lambda: has_it(system, state), every=0.01)
    system.signal("worker-0", signal.SIGSTOP)

    system.run_worker("worker-1")
    eventually(system.at_rest, within=40)
    assert system.states() == {"sent": 1}
    assert system.sent() == {"lead-1": 1}
    before = system.ledger.history("mail-1")

    system.signal("worker-0", signal.SIGCONT)
    log = system.folder / "worker-0.log"
    eventually(lambda: '"worked"' in log.read_text() or "lost" in log.read_text(), within=20)
    system.signal("worker-0", signal.SIGTERM)
    assert system.sent() == {"lead-1": 1}
    assert system.ledger.history("mail-1") == before

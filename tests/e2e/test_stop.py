"""An orderly stop finishes what is in hand, and says so; nothing is lost or repeated."""

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from e2e.system import System, eventually, price_question, running_system

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("e2e")]

SLOW = 1.5
"""Seconds that the API takes: long enough to stop in the middle, shorter than its deadline."""


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    patient = {"AUTOREPLY_HTTP_TIMEOUT": "3", "AUTOREPLY_LEASE": "8", "AUTOREPLY_SETTLE": "16"}
    with running_system(tmp_path, workers=2, **patient) as system:
        system.fault(on="reply", kind="latency", seconds=SLOW, times=0)
        yield system


def logged(system: System, name: str, event: str) -> dict[str, Any]:
    lines = (system.folder / f"{name}.log").read_text().splitlines()
    found = [json.loads(line) for line in lines if f'"{event}"' in line]
    return dict(found[-1]) if found else {}


def test_a_stopped_worker_finishes_what_it_has_in_hand_and_says_so(system: System) -> None:
    system.signal("worker-1", signal.SIGTERM)
    for number in range(4):
        system.deliver(price_question(number))
    eventually(lambda: system.states().get("sending") == 4, every=0.02)

    began = time.monotonic()
    system.signal("worker-0", signal.SIGTERM)
    assert time.monotonic() - began < 10
    assert logged(system, "worker-0", "worker_stops")["in_hand"] == 4
    told = logged(system, "worker-0", "worker_stopped")
    assert (told["finished"], told["left_to_the_clock"]) == (4, 0)
    assert system.states() == {"sent": 4}
    assert system.sent() == {f"lead-{number}": 1 for number in range(4)}


def test_a_rolling_restart_under_load_loses_and_repeats_nothing(system: System) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(system.deliver, price_question(number)) for number in range(30)]
        for number in (0, 1):
            eventually(lambda number=number: system.sent().total() > 4 * number)
            system.signal(f"worker-{number}", signal.SIGTERM)
            system.run_worker(f"worker-{number + 2}")
        assert {answer.result().status_code for answer in answers} == {202}
    eventually(system.at_rest, within=60)
    assert system.states() == {"sent": 30}
    assert system.sent() == {f"lead-{number}": 1 for number in range(30)}

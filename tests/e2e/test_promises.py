"""Never lost, never twice: the whole chain, with real processes that are killed."""

import random
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from e2e.system import System, eventually, price_question, running_system

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("e2e")]

EVENTS = 20
DELIVERIES = 200


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with running_system(tmp_path, workers=4) as system:
        yield system


def shuffled_deliveries() -> list[dict[str, Any]]:
    numbers = [n % EVENTS for n in range(DELIVERIES)]
    random.shuffle(numbers)
    return [price_question(number) for number in numbers]


def one_reply_each() -> dict[str, int]:
    return {f"lead-{number}": 1 for number in range(EVENTS)}


def test_two_hundred_deliveries_of_twenty_events_become_twenty_replies(system: System) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(system.deliver, shuffled_deliveries()))

    statuses = [answer.status_code for answer in answers]
    assert statuses.count(202) == EVENTS
    assert statuses.count(200) == DELIVERIES - EVENTS
    eventually(system.at_rest)
    assert system.states() == {"sent": EVENTS}
    assert system.sent() == one_reply_each()


def test_whoever_breaks_a_template_hears_of_it_though_nothing_comes_in(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "price.j2").write_text("---\nwhen: true\n---\nHi.\n", "utf-8")
    with running_system(tmp_path, AUTOREPLY_TEMPLATES=str(folder)):
        (folder / "price.j2").write_text("---\nwhen: true\n---\n{{ no end\n", "utf-8")
        log = tmp_path / "worker-0.log"
        eventually(lambda: "template_broken" in log.read_text("utf-8"))


def test_a_worker_killed_in_the_middle_loses_and_repeats_nothing(system: System) -> None:
    system.fault(on="reply", kind="latency", seconds=0.3, times=0)
    with ThreadPoolExecutor(16) as pool:
        deliveries = [pool.submit(system.deliver, p) for p in shuffled_deliveries()]
        eventually(lambda: 0 < system.sent().total() < EVENTS)
        for number in range(3):
            system.signal(f"worker-{number}", signal.SIGKILL)
        system.run_worker("worker-4")
        assert all(d.result().status_code in (200, 202) for d in deliveries)

    eventually(system.at_rest, within=60)
    assert system.states() == {"sent": EVENTS}
    assert system.sent() == one_reply_each()


def test_an_answer_cut_off_after_the_api_took_it_is_found_and_not_repeated(
    system: System,
) -> None:
    system.fault(on="reply", kind="cut_after")
    system.deliver(price_question(0))

    eventually(system.at_rest, within=40)
    record = system.ledger.record("mail-0")
    assert record is not None
    assert (record.state.value, record.reason) == ("sent", "found_in_history")
    assert record.sent_id
    assert system.sent() == {"lead-0": 1}


def test_with_the_ledger_away_webhooks_are_spooled_and_later_everything_is_finished(
    system: System,
) -> None:
    system.fault(on="reply", kind="latency", seconds=0.3, times=0)
    accepted = [system.deliver(price_question(n)) for n in range(10)]
    assert {answer.status_code for answer in accepted} == {202}

    system.signal("valkey", signal.SIGTERM)
    nameless = {name: value for name, value in price_question(12).items() if name != "email_id"}
    for payload in (price_question(9), price_question(11), price_question(11), nameless, nameless):
        answer = system.deliver(payload)
        assert (answer.status_code, answer.json()) == (202, {"status": "spooled"})
    system.signal("web", signal.SIGKILL)
    system.run("web")
    eventually(lambda: httpx.get(f"{system.web}/healthz").is_success)
    assert system.deliver(price_question(13)).json() == {"status": "spooled"}

    system.start_server()
    eventually(lambda: not list(system.folder.glob("var/spool/*.ndjson")))
    eventually(system.at_rest, within=60)
    assert system.states() == {"sent": 13}
    assert system.sent() == {f"lead-{n}": 1 for n in (*range(10), 11, 12, 13)}

"""Chaos, the short form: real processes are killed, frozen and flushed, and nothing is lost."""

import random
from pathlib import Path
from typing import Any

import pytest
from chaos.audit import compare
from chaos.mails import planned
from chaos.run import SETTINGS, WORKERS, chaos
from chaos.table import table
from e2e.system import running_system

from worker.domain.progress import State
from worker.domain.record import Record

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("e2e")]

SEED = 20
SECONDS = 40.0
LOOKED_AT_IN_VAIN = {"second_doubt", "doubt_unreadable"}


def test_nothing_is_lost_twice_or_untrue_while_everything_breaks(tmp_path: Path) -> None:
    with running_system(tmp_path, workers=WORKERS, **SETTINGS) as system:
        report = chaos(system, seconds=SECONDS, per_second=6, seed=SEED)

        found = report.findings
        assert found.are_clean, {key: system.ledger.history(key) for key in found.suspects}

    assert report.accepted == report.mails == 240
    assert report.recovery is not None
    assert report.ended == []
    assert found.count(State.SENT) + found.count(State.HELD) == report.mails
    assert set(found.reasons(State.HELD)) <= LOOKED_AT_IN_VAIN
    assert {"kill worker", "kill web", "kill valkey", "freeze", "flush"} <= report.trouble.keys()
    assert table(report).row_count > 10


def record(state: State, reason: str = "", *, sent_id: str = "") -> Record:
    return Record(key="mail-1", state=state, reason=reason, sent_id=sent_id)


def reply(name: str) -> dict[str, Any]:
    return {"lead_id": "lead-1", "id": name}


@pytest.mark.parametrize(
    ("records", "sent", "lost", "twice", "untrue"),
    [
        ([record(State.SENT, sent_id="a")], [reply("a")], 0, 0, 0),
        ([record(State.SKIPPED)], [], 0, 0, 0),
        ([record(State.HELD, "second_doubt")], [reply("a")], 0, 0, 0),
        ([record(State.DOUBT)], [reply("a")], 1, 0, 0),
        ([], [], 1, 0, 0),
        ([], [reply("a")], 1, 0, 1),
        ([record(State.SENT, sent_id="a")], [reply("a"), reply("b")], 0, 1, 0),
        ([record(State.SENT, sent_id="b")], [reply("a")], 0, 0, 1),
        ([record(State.SENT)], [reply("a")], 0, 0, 1),
        ([record(State.SKIPPED, "answered_already")], [reply("a")], 0, 0, 1),
        ([record(State.FAILED, "http_404")], [reply("a")], 0, 0, 1),
        ([record(State.HELD, "cap")], [reply("a")], 0, 0, 1),
    ],
)
def test_the_auditor_sees_what_is_wrong(
    records: list[Record], sent: list[dict[str, Any]], lost: int, twice: int, untrue: int
) -> None:
    found = compare({"mail-1"}, records, sent)

    assert (len(found.lost), len(found.twice), len(found.untrue)) == (lost, twice, untrue)
    assert found.are_clean is not bool(lost or twice or untrue)


def test_a_seed_repeats_a_plan() -> None:
    assert planned(5, 8, random.Random(1)) == planned(5, 8, random.Random(1))
    assert planned(5, 8, random.Random(1)) != planned(5, 8, random.Random(2))

"""One trace from the webhook to the API call, and logs that tell each stage and nobody's words."""

import json
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
import redis
from integration.followed import (
    API_KEY,
    GIVEN,
    PRIVATE,
    SPAN,
    TRACE,
    Place,
    listening_sandbox,
    make_place,
)
from integration.serving import client_of, running
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from worker.domain.progress import State
from worker.domain.traces import made_for, trace_id
from worker.ledger.memory import MemoryLedger
from worker.ledger.redis import RedisLedger


@pytest.fixture(params=["memory", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    ledger: MemoryLedger | RedisLedger = MemoryLedger(lease=60_000, retention=86_400_000)
    if request.param == "redis":
        client: redis.Redis = request.getfixturevalue("redis_client")
        ledger = RedisLedger(client, lease=60_000, retention=86_400_000)
    with make_place(ledger, tmp_path) as place:
        yield place


def work(place: Place, key: str) -> list[MutableMapping[str, Any]]:
    """Have an event answered; return the log lines."""
    with capture_logs(processors=[merge_contextvars]) as lines:
        assert place.pipeline.answer(key) == "sent pricing"
    return lines


def test_the_senders_trace_goes_with_every_line_and_every_call(place: Place) -> None:
    with capture_logs() as received:
        key = place.post(traceparent=GIVEN)
    assert [(line["key"], line["trace_id"]) for line in received] == [(key, TRACE)]
    lines = work(place, key)
    assert {(line["key"], line["trace_id"]) for line in lines} == {(key, TRACE)}
    assert len(place.heard) >= 2
    assert all(heard.startswith(f"00-{TRACE}-") for heard in place.heard)
    spans = {heard.split("-")[2] for heard in place.heard}
    assert len(spans | {SPAN}) == len(place.heard) + 1


def test_there_is_a_line_for_each_stage(place: Place) -> None:
    lines = work(place, place.post())
    assert [line["event"] for line in lines] == [
        "fetched", "read", "decided", "sending", "sent", "worked",
    ]  # fmt: skip
    decided = lines[2]
    assert (decided["decision"], decided["template"]) == ("reply", "pricing")
    assert lines[-1]["outcome"] == "sent pricing"


def test_each_stage_tells_its_time_and_the_last_line_the_whole(place: Place) -> None:
    lines = work(place, place.post())
    assert [stage for stage, _ in place.took] == [line["event"] for line in lines]
    *parts, (_, whole) = place.took
    assert all(seconds > 0 for _, seconds in parts)
    assert sum(seconds for _, seconds in parts) < whole


@pytest.mark.parametrize("header", [{}, {"traceparent": "zoe@wombat.example"}], ids=["none", "bad"])
def test_without_a_trace_the_event_has_one_of_its_own(place: Place, header: dict[str, str]) -> None:
    key = place.post(**header)
    record = place.ledger.record(key)
    assert record
    assert record.traceparent == ""
    own = trace_id(made_for(key, record.received_at))
    assert {line["trace_id"] for line in work(place, key)} == {own}
    assert all(heard.split("-")[1] == own for heard in place.heard)


def test_the_first_delivery_gives_the_trace(place: Place) -> None:
    key = place.post(traceparent=GIVEN)
    assert place.post(traceparent=GIVEN.replace("4bf9", "0000")) == key
    record = place.ledger.record(key)
    assert record
    assert record.traceparent == GIVEN


def test_no_line_tells_a_body_an_address_or_a_secret(place: Place) -> None:
    with capture_logs(processors=[merge_contextvars]) as lines:
        key = place.post(traceparent=GIVEN)
        place.post(traceparent=GIVEN)
        place.pipeline.answer(key)
        place.pipeline.answer(key)
    record = place.ledger.record(key)
    assert record
    assert record.state is State.SENT
    assert len(lines) > 6
    told = json.dumps(lines, default=str).casefold()
    assert [word for word in PRIVATE if word.casefold() in told] == []


def test_a_call_outside_of_any_event_carries_no_trace(place: Place) -> None:
    with running(listening_sandbox(heard := [])) as url, client_of(url, key=API_KEY) as api:
        api.get("/v2/leads/abc/emails")
    assert heard == [""]

"""OpenTelemetry with real processes: what receiver and worker export, over the wire."""

import signal
import time
from pathlib import Path

import pytest
from e2e.collector import Collector, collecting
from e2e.system import SECRET, System, eventually, price_question, running_system

from worker.embedded import free_port

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("e2e")]

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
GIVEN = f"00-{TRACE}-00f067aa0ba902b7-01"
PRIVATE = ("northwind", "thought", "seats", "e2e-secret", "test-key")
AT_ONCE = {"OTEL_BSP_SCHEDULE_DELAY": "100"}
ALL = {"receive", "work", "fetched", "read", "decided", "sending", "sent",
       "GET /v2/leads/{id}/emails", "POST /v2/emails/reply"}  # fmt: skip


def ask(system: System) -> None:
    body = price_question(1)
    headers = {"X-Webhook-Secret": SECRET, "traceparent": GIVEN}
    answer = system.sender.post(f"{system.web}/webhooks/instantly", json=body, headers=headers)
    assert answer.status_code == 202
    eventually(system.at_rest)


def names(collector: Collector) -> set[str]:
    return {span.name for span in collector.spans}


def test_one_trace_reaches_the_collector_from_all_processes(tmp_path: Path) -> None:
    with (
        collecting() as collector,
        running_system(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **AT_ONCE) as system,
    ):
        ask(system)
        eventually(lambda: names(collector) >= ALL)
        assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
        by_id = {span.span_id: span for span in collector.spans}
        assert {
            (span.name, by_id[span.parent_span_id].name if span.parent_span_id in by_id else "")
            for span in by_id.values()
        } == {("receive", ""), ("work", "receive")} | {
            (name, "work") for name in ALL - {"receive", "work"}
        }
        assert collector.services == {"autoreply"}
        assert {path for path, _ in collector.posts} == {"/v1/traces"}
        sent = b"".join(body for _, body in collector.posts).lower()
        assert [word for word in PRIVATE if word.encode() in sent] == []


def test_an_orderly_stop_hands_in_what_is_left(tmp_path: Path) -> None:
    late = {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_SERVICE_NAME": "replies"}
    with (
        collecting() as collector,
        running_system(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **late) as system,
    ):
        ask(system)
        assert collector.spans == []
        system.signal("web", signal.SIGTERM)
        system.signal("worker-0", signal.SIGTERM)
        assert names(collector) == ALL
        assert collector.services == {"replies"}


def test_a_collector_that_is_away_delays_neither_answers_nor_the_stop(tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    with running_system(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=nowhere, **AT_ONCE) as system:
        ask(system)
        assert system.sent() == {"lead-1": 1}
        began = time.monotonic()
        system.signal("web", signal.SIGTERM)
        system.signal("worker-0", signal.SIGTERM)
        assert time.monotonic() - began < 10

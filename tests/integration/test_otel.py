"""OpenTelemetry: spans from the webhook to the API call, and nothing of it unless asked for."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Request
from integration.followed import GIVEN, PRIVATE, REPLY, SECRET, SPAN, TRACE, Place, make_place
from integration.world import HandClock
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from structlog.testing import capture_logs

from web.receiver import Answer
from web.sandbox.faults import Fault, Kind
from web.traced import traced
from worker.bootstrap import make_spans
from worker.domain.errors import LedgerAway
from worker.ledger.memory import MemoryLedger
from worker.otel import OtelSpans
from worker.spans import SILENT

ROOT = Path(__file__).parents[2]
PARTS = ("worker.cli", "worker.tasks", "web.wsgi")
TOLD = "traces_not_exported"


@pytest.fixture
def memory() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def clock() -> HandClock:
    return HandClock(int(1000 * time.time()))


@pytest.fixture
def provider(memory: InMemorySpanExporter) -> TracerProvider:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    return provider


@pytest.fixture
def place(provider: TracerProvider, clock: HandClock, tmp_path: Path) -> Iterator[Place]:
    ledger = MemoryLedger(lease=60_000, retention=86_400_000, now=clock)
    with make_place(ledger, tmp_path, OtelSpans(provider)) as place:
        yield place


def named(memory: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in memory.get_finished_spans() if span.name == name]


def only(memory: InMemorySpanExporter, name: str) -> ReadableSpan:
    (found,) = named(memory, name)
    return found


def id_of(span: ReadableSpan) -> str:
    assert span.context
    return f"{span.context.span_id:016x}"


def parent_of(span: ReadableSpan) -> str:
    return f"{span.parent.span_id:016x}" if span.parent else ""


def traces_of(memory: InMemorySpanExporter) -> set[str]:
    return {f"{s.context.trace_id:032x}" for s in memory.get_finished_spans() if s.context}


def told(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def is_error(span: ReadableSpan) -> bool:
    return span.status.status_code is StatusCode.ERROR


def test_one_trace_runs_from_the_sender_to_every_call(
    place: Place, memory: InMemorySpanExporter
) -> None:
    place.pipeline.answer(place.post(traceparent=GIVEN))
    assert traces_of(memory) == {TRACE}
    receive, work = only(memory, "receive"), only(memory, "work")
    assert (parent_of(receive), parent_of(work)) == (SPAN, id_of(receive))
    parts = [span for span in memory.get_finished_spans() if span not in (receive, work)]
    assert {parent_of(span) for span in parts} == {id_of(work)}
    calls = [span for span in parts if "url.template" in told(span)]
    assert [span.name for span in calls] == [
        "GET /v2/leads/{id}/emails", "POST /v2/emails/reply",
    ]  # fmt: skip
    assert place.heard == [f"00-{TRACE}-{id_of(span)}-01" for span in calls]


def test_there_is_a_span_for_each_stage_one_after_the_other_within_the_work(
    place: Place, memory: InMemorySpanExporter
) -> None:
    place.pipeline.answer(place.post())
    work = only(memory, "work")
    stages = [only(memory, name) for name in ("fetched", "read", "decided", "sending", "sent")]
    ends = [(span.start_time or 0, span.end_time or 0) for span in stages]
    assert all(began < ended for began, ended in ends)
    assert [ended for _, ended in ends] == sorted(ended for _, ended in ends)
    assert ends[-1][1] <= (work.end_time or 0)
    assert told(stages[2])["autoreply.template"] == "pricing"


def test_spans_tell_key_outcome_and_status(place: Place, memory: InMemorySpanExporter) -> None:
    key = place.post()
    place.pipeline.answer(key)
    received, worked = told(only(memory, "receive")), told(only(memory, "work"))
    assert received == {
        "http.response.status_code": 202, "autoreply.key": key, "autoreply.status": "queued",
    }  # fmt: skip
    assert (worked["autoreply.key"], worked["autoreply.outcome"]) == (key, "sent pricing")
    call = only(memory, "POST /v2/emails/reply")
    assert told(call)["http.response.status_code"] == 200
    kinds = [only(memory, "receive").kind, only(memory, "work").kind, call.kind]
    assert kinds == [SpanKind.SERVER, SpanKind.CONSUMER, SpanKind.CLIENT]


def test_without_a_senders_trace_the_delivery_begins_one_for_all_attempts(
    place: Place, memory: InMemorySpanExporter, clock: HandClock
) -> None:
    place.sandbox.add_fault(Fault(on="thread", kind=Kind.STATUS, status=503))
    key = place.post()
    assert place.pipeline.answer(key) == "waiting api_away"
    clock.now += 60_000
    assert place.pipeline.answer(key) == "sent pricing"
    receive, *attempts = only(memory, "receive"), *named(memory, "work")
    assert [parent_of(span) for span in (receive, *attempts)] == ["", *2 * [id_of(receive)]]
    outcomes = [told(span)["autoreply.outcome"] for span in attempts]
    assert outcomes == ["waiting api_away", "sent pricing"]
    assert len(traces_of(memory)) == 1


def test_a_call_that_failed_says_how_and_its_stage_is_none(
    place: Place, memory: InMemorySpanExporter, clock: HandClock
) -> None:
    place.sandbox.add_fault(Fault(on="thread", kind=Kind.STATUS, status=503))
    place.sandbox.add_fault(Fault(on="reply", kind=Kind.CUT))
    key = place.post()
    place.pipeline.answer(key)
    call = only(memory, "GET /v2/leads/{id}/emails")
    assert (is_error(call), told(call)["error.type"]) == (True, "503")
    assert not named(memory, "fetched")
    clock.now += 60_000
    assert place.pipeline.answer(key).startswith("doubt")
    cut = only(memory, "POST /v2/emails/reply")
    assert (is_error(cut), told(cut)["error.type"]) == (True, "RemoteProtocolError")
    assert not named(memory, "sent")


def test_no_span_tells_a_body_an_address_or_a_secret(
    place: Place, memory: InMemorySpanExporter
) -> None:
    place.sandbox.add_fault(Fault(on="reply", kind=Kind.CUT))
    key = place.post(traceparent=GIVEN)
    place.pipeline.answer(key)
    place.post(traceparent=GIVEN)
    headers = {"X-Webhook-Secret": SECRET}
    for body in (json.dumps(REPLY)[:-9], json.dumps({"email_id": {"zoe": "wombat"}})):
        place.receiver.post(
            "/webhooks/instantly", data=body, headers=headers, content_type="application/json"
        )
    place.receiver.post("/webhooks/instantly", json=REPLY, headers={"X-Webhook-Secret": "zoe"})
    place.receiver.post("/webhooks/instantly", content_type="text/wombat", headers=headers)
    spans = memory.get_finished_spans()
    assert {told(span).get("error.type") for span in spans} >= {
        "BadRequest", "Unauthorized", "UnsupportedMediaType",
    }  # fmt: skip
    all_told = "\n".join(span.to_json() for span in spans).casefold()
    assert [word for word in PRIVATE if word.casefold() in all_told] == []


def test_an_answers_message_is_not_told_since_it_may_quote_the_delivery(
    provider: TracerProvider, memory: InMemorySpanExporter
) -> None:
    said = {"key": "k", "status": "quarantined", "reason": "no_identity", "message": "zoe"}
    incoming = Request.from_values(method="POST")
    answer = traced(lambda _: Answer(202, said), OtelSpans(provider))(incoming)
    assert answer.body == said
    told_of_it = told(only(memory, "receive"))
    assert told_of_it["autoreply.reason"] == "no_identity"
    assert "zoe" not in told_of_it.values()


def test_a_delivery_that_is_spooled_keeps_its_place_in_the_trace(
    place: Place, memory: InMemorySpanExporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise LedgerAway("the ledger does not answer")

    monkeypatch.setattr(place.ledger, "accept", away)
    place.receiver.post(
        "/webhooks/instantly", json=REPLY,
        headers={"X-Webhook-Secret": SECRET, "traceparent": GIVEN},
    )  # fmt: skip
    receive = only(memory, "receive")
    assert told(receive)["autoreply.status"] == "spooled"
    kept = b"".join(path.read_bytes() for path in (tmp_path / "spool").iterdir() if path.is_file())
    assert f"{TRACE}-{id_of(receive)}".encode() in kept


def test_what_the_sender_does_not_sample_is_not_exported_and_keeps_its_trace(
    place: Place, memory: InMemorySpanExporter
) -> None:
    place.pipeline.answer(place.post(traceparent=f"{GIVEN[:-2]}00"))
    assert memory.get_finished_spans() == ()
    assert [heard.split("-")[1] for heard in place.heard] == [TRACE, TRACE]
    assert {heard.split("-")[3] for heard in place.heard} == {"00"}


# The switch


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_SERVICE_NAME": "replies"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
        {"OTEL_SDK_DISABLED": "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
    ],
)
def test_spans_are_silent_unless_the_variables_say_where_they_go(environ: dict[str, str]) -> None:
    with capture_logs() as lines:
        assert make_spans(environ) is SILENT
    assert lines == []


@pytest.mark.parametrize(
    "environ",
    [
        {"OTEL_TRACES_EXPORTER": "pigeon"},
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
    ],
)
def test_an_exporter_that_is_not_there_is_told_and_stops_nothing(environ: dict[str, str]) -> None:
    with capture_logs() as lines:
        assert make_spans(environ) is SILENT
    assert [line["event"] for line in lines] == [TOLD]


def python(code: str, **environ: str) -> str:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=ours | environ, text=True, check=True,
        capture_output=True,
    ).stdout  # fmt: skip


def test_nothing_is_loaded_that_is_not_switched_on() -> None:
    loaded = python(
        f"import sys, {', '.join(PARTS)}; from worker.bootstrap import make_spans; make_spans();"
        "print(*sys.modules)"
    ).split()
    assert "worker.bootstrap" in loaded
    ours = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "google.protobuf", "worker.otel")
    assert [name for name in loaded if name.startswith(ours)] == []


def test_without_the_extra_all_runs_and_whoever_asks_for_spans_is_told() -> None:
    said = python(
        "import sys; sys.modules['opentelemetry'] = None\n"
        f"import {', '.join(PARTS)}\n"
        "from worker.bootstrap import make_spans; make_spans()",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1",
    )
    assert TOLD in said
    assert "autoreply[otel]" in said

"""Spans for OpenTelemetry, which its own `OTEL_` variables set up. Needs the extra `otel`.

An error is told by its kind alone: its text may quote a mail.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from multiprocessing.util import Finalize
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span as Recorded
from opentelemetry.trace import SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from worker import __version__
from worker.meter import route_of

_SERVICE: Final = "autoreply"
_LONGEST_END: Final = 2.0
"""Seconds for which the end of a process waits for a collector."""

_OURS: Final = "autoreply."
_ERRORS_FROM: Final = 400
_EXPORTERS: Final = "opentelemetry_traces_exporter"
"""The group of entry points under which packages offer exporters."""

_OTLP: Final = {"": "otlp_proto_http", "http/protobuf": "otlp_proto_http",
                "grpc": "otlp_proto_grpc"}  # fmt: skip
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class OtelSpan:
    """A span that is exported once it ends; see `worker.spans.Span`."""

    def __init__(self, tracer: Tracer, recorded: Recorded) -> None:
        self._tracer = tracer
        self._recorded = recorded
        self._within = set_span_in_context(recorded, Context())

    @property
    def traceparent(self) -> str:
        """See `Span.traceparent`."""
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, self._within)
        return carrier["traceparent"]

    def tell(self, **about: str | int) -> None:
        """See `Span.tell`."""
        self._recorded.set_attributes(_ours(about))

    def answered(self, status: int) -> None:
        """See `Span.answered`."""
        self._recorded.set_attribute("http.response.status_code", status)
        if status >= _ERRORS_FROM:
            _fail(self._recorded, str(status))

    def stage(self, name: str, seconds: float, **about: str | int) -> None:
        """See `Span.stage`."""
        now = time.time_ns()
        began = now - int(seconds * 1e9)
        part = self._tracer.start_span(
            name, self._within, attributes=_ours(about), start_time=began
        )
        part.end(now)

    @contextmanager
    def calling(self, method: str, path: str) -> Iterator["OtelSpan"]:
        """See `Span.calling`; the path's ids and addresses are left out."""
        route = route_of(path)
        about: dict[str, str | int] = {"http.request.method": method, "url.template": route}
        with _begun(
            self._tracer, f"{method} {route}", self._within, SpanKind.CLIENT, about
        ) as call:
            yield call


class OtelSpans:
    """Spans that are exported; see `worker.spans.Spans`."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer(_SERVICE, __version__)

    @contextmanager
    def receiving(self, parent: str) -> Iterator[OtelSpan]:
        """See `Spans.receiving`."""
        with _begun(self._tracer, "receive", _below(parent), SpanKind.SERVER, {}) as span:
            yield span

    @contextmanager
    def working(self, parent: str, key: str) -> Iterator[OtelSpan]:
        """See `Spans.working`."""
        about = _ours({"key": key})
        with _begun(self._tracer, "work", _below(parent), SpanKind.CONSUMER, about) as span:
            yield span


def make_spans(environ: Mapping[str, str]) -> OtelSpans:
    """Return spans that go where the `OTEL_` variables say.

    Raises:
        LookupError: an exporter that they name is not installed.

    """
    named = Resource.create({"service.name": _SERVICE, "service.version": __version__})
    provider = TracerProvider(
        resource=named.merge(OTELResourceDetector().detect()), shutdown_on_exit=False
    )
    for name in (environ.get("OTEL_TRACES_EXPORTER") or "otlp").split(","):
        provider.add_span_processor(BatchSpanProcessor(_exporter(name.strip(), environ)))
    _hand_in_at_the_end(provider)
    return OtelSpans(provider)


def _hand_in_at_the_end(provider: TracerProvider) -> None:
    """Export what is left when the process ends; a collector that is away must not hold it up.

    The receiver's processes are forked, and `atexit` is not for those. The thread is there
    beforehand: a process that ends starts none any more.
    """
    ends = threading.Event()

    def hand_in() -> None:
        ends.wait()
        provider.shutdown()

    def end() -> None:
        ends.set()
        last.join(_LONGEST_END)

    last = threading.Thread(target=hand_in, name="last spans", daemon=True)
    last.start()
    Finalize(None, end, exitpriority=0)


def _exporter(name: str, environ: Mapping[str, str]) -> SpanExporter:
    if name == "otlp":
        general = environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
        protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", general)
        name = _OTLP.get(protocol, f"otlp ({protocol})")
    for found in entry_points(group=_EXPORTERS, name=name):
        exporter: SpanExporter = found.load()()
        return exporter
    raise LookupError(f"no exporter {name} is installed")


@contextmanager
def _begun(
    tracer: Tracer, name: str, within: Context, kind: SpanKind, about: Mapping[str, str | int]
) -> Iterator[OtelSpan]:
    recorded = tracer.start_span(name, within, kind=kind, attributes=about)
    try:
        yield OtelSpan(tracer, recorded)
    except BaseException as error:
        _fail(recorded, type(error).__name__)
        raise
    finally:
        recorded.end()


def _below(parent: str) -> Context:
    return _PROPAGATOR.extract({"traceparent": parent}, Context())


def _ours(about: Mapping[str, str | int]) -> dict[str, str | int]:
    return {_OURS + name: value for name, value in about.items()}


def _fail(recorded: Recorded, kind: str) -> None:
    recorded.set_status(StatusCode.ERROR)
    recorded.set_attribute("error.type", kind)

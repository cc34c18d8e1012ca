"""The trace that is followed just now: in every log line, with every call, stage by stage."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, Literal

import structlog
from structlog.contextvars import bound_contextvars

from worker.domain import traces
from worker.domain.record import Record
from worker.spans import SILENT, Silent, Span, Spans

Stage = Literal["fetched", "read", "decided", "sending", "sent"]
WORKED: Final = "worked"
"""The last line of each attempt; its time is that of the whole attempt."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Attempt:
    """What is followed: its span, who hears of its times, and when its last stage ended."""

    span: Span = field(default_factory=Silent)
    took: Callable[[str, float], object] = lambda *_: None
    began: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)

    def lap(self) -> float:
        """Return the seconds since the last stage, which ends the present one."""
        before, self.last = self.last, time.monotonic()
        return self.last - before


_CURRENT: ContextVar[_Attempt | None] = ContextVar("attempt", default=None)


@contextmanager
def following(
    record: Record,
    *,
    spans: Spans = SILENT,
    took: Callable[[str, float], object] = lambda *_: None,
) -> Iterator[None]:
    """Follow an event's trace while the block runs.

    Args:
        record: the event.
        spans: tell of the trace.
        took: hears of each stage, and how many seconds it took.

    """
    parent = record.traceparent or traces.made_for(record.key, record.received_at)
    with (
        spans.working(parent, record.key) as span,
        bound_contextvars(key=record.key, trace_id=traces.trace_id(parent)),
    ):
        before = _CURRENT.set(_Attempt(span, took))
        try:
            yield
        finally:
            _CURRENT.reset(before)


def reached(stage: Stage, **about: str | int) -> None:
    """Log that an event has come through a stage, and tell how long that took."""
    _log.info(stage, **about)
    attempt = _current()
    seconds = attempt.lap()
    attempt.took(stage, seconds)
    attempt.span.stage(stage, seconds, **about)


def worked(**about: str | int) -> None:
    """Log what an attempt came to, and tell how long it took in all."""
    _log.info(WORKED, **about)
    attempt = _current()
    attempt.took(WORKED, time.monotonic() - attempt.began)
    attempt.span.tell(**about)


def calling(method: str, path: str) -> AbstractContextManager[Span]:
    """Have a call to the API as a part of the trace; outside of one it stands alone."""
    return _current().span.calling(method, path)


def headers(call: Span) -> dict[str, str]:
    """Return what a call carries; nothing outside of a trace."""
    return {"traceparent": call.traceparent} if call.traceparent else {}


def _current() -> _Attempt:
    return _CURRENT.get() or _Attempt()

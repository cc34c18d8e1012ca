"""The trace that is followed just now: in every log line, and with every call."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from structlog.contextvars import bound_contextvars

from worker.domain import traces
from worker.domain.record import Record

_SPAN_BYTES: Final = 8
_CURRENT: ContextVar[str] = ContextVar("traceparent", default="")


@contextmanager
def following(record: Record) -> Iterator[None]:
    """Follow an event's trace while the block runs."""
    parent = record.traceparent or traces.made_for(record.key, record.received_at)
    before = _CURRENT.set(parent)
    try:
        with bound_contextvars(key=record.key, trace_id=traces.trace_id(parent)):
            yield
    finally:
        _CURRENT.reset(before)


def headers() -> dict[str, str]:
    """Return what a call of the present trace carries; nothing outside of one."""
    parent = _CURRENT.get()
    if not parent:
        return {}
    return {"traceparent": traces.child(parent, secrets.token_bytes(_SPAN_BYTES))}

"""A span for each webhook: the parent of all that is done for its event."""

from collections.abc import Callable, Mapping
from typing import Final

from flask import Request

from web.receiver import Answer
from worker.domain import traces
from worker.spans import Spans

_TOLD: Final = ("key", "status", "reason")


def traced(receive: Callable[[Request], Answer], spans: Spans) -> Callable[[Request], Answer]:
    """Return what does the same as a part of the sender's trace, and puts its span in place."""

    def receive_traced(incoming: Request) -> Answer:
        with spans.receiving(traces.read(incoming.headers.get("traceparent", ""))) as span:
            if span.traceparent:  # the receiver writes into the record what the request carries
                incoming.environ["HTTP_TRACEPARENT"] = span.traceparent
            answer = receive(incoming)
            span.answered(answer.status)
            span.tell(**_told(answer.body))
            return answer

    return receive_traced


def _told(body: Mapping[str, str]) -> dict[str, str]:
    """Return what may be told of an answer: its message may quote the delivery."""
    return {name: body[name] for name in _TOLD if name in body}

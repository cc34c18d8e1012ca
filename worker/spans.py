"""Spans of a trace: how the work on an event is told to whoever collects traces.

Nobody is told of the spans here, and they cost next to nothing; `worker.otel` has those that
are exported. What a span tells is what the log tells too: identifiers, reasons and figures.
"""

import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from worker.domain import traces

_SPAN_BYTES: Final = 8


class Span(Protocol):
    """Something that is being done as a part of a trace."""

    @property
    def traceparent(self) -> str:
        """What its own parts go by; "" outside of any trace."""
        ...

    def tell(self, **about: str | int) -> None:
        """Say more of it: never a body, an address or a secret."""
        ...

    def answered(self, status: int) -> None:
        """Say which HTTP status it came to."""
        ...

    def stage(self, name: str, seconds: float, **about: str | int) -> None:
        """Tell of a part that took that long and ended just now."""
        ...

    def calling(self, method: str, path: str) -> AbstractContextManager["Span"]:
        """Have a call of the API as a part."""
        ...


class Spans(Protocol):
    """Begins spans; each lasts as long as its block, and may have a sender's span as parent."""

    def receiving(self, parent: str) -> AbstractContextManager[Span]:
        """Take a delivery; `parent` is "" where the sender named none."""
        ...

    def working(self, parent: str, key: str) -> AbstractContextManager[Span]:
        """Work on an event, once."""
        ...


@dataclass(frozen=True, slots=True)
class Silent:
    """A span that nobody is told of: only its name goes along with calls; see `Span`."""

    traceparent: str = ""

    def tell(self, **about: str | int) -> None:
        """See `Span.tell`."""

    def answered(self, status: int) -> None:
        """See `Span.answered`."""

    def stage(self, name: str, seconds: float, **about: str | int) -> None:
        """See `Span.stage`."""

    @contextmanager
    def calling(self, *_: str) -> Iterator["Silent"]:
        """See `Span.calling`."""
        own = self.traceparent and traces.child(self.traceparent, secrets.token_bytes(_SPAN_BYTES))
        yield Silent(own)


class SilentSpans:
    """Spans that nobody is told of; see `Spans`."""

    @contextmanager
    def receiving(self, parent: str) -> Iterator[Silent]:
        """See `Spans.receiving`."""
        yield Silent(parent)

    @contextmanager
    def working(self, parent: str, _: str) -> Iterator[Silent]:
        """See `Spans.working`."""
        yield Silent(parent)


SILENT: Final = SilentSpans()

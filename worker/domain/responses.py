"""Which answers made leads write back, and which made them ask us to stop."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """An answer that was sent, a reply that came, or the wish to be left alone.

    Attributes:
        at: milliseconds since the epoch.
        conversation: with whom, as the ledger names it.
        template, variant: what was sent; "" for all else.

    """

    at: int
    conversation: str
    kind: Literal["sent", "wrote", "stopped"]
    template: str = ""
    variant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """How often one text was sent, and what came of it."""

    template: str
    variant: str
    sent: int
    wrote_back: int
    stopped: int


def responses(happenings: Iterable[Happening]) -> list[Response]:
    """Count for each text how many leads wrote back; the last answer before that gets the credit.

    Whoever asks us to stop has written back, too.
    """
    waiting: dict[str, tuple[str, str]] = {}
    counts: dict[str, Counter[tuple[str, str]]] = {
        kind: Counter() for kind in ("sent", "wrote", "stopped")
    }
    for one in sorted(happenings, key=lambda one: (one.at, one.kind == "sent")):
        if one.kind == "sent":
            waiting[one.conversation] = (one.template, one.variant)
            counts["sent"][one.template, one.variant] += 1
        elif text := waiting.pop(one.conversation, None):
            counts["wrote"][text] += 1
            counts["stopped"][text] += one.kind == "stopped"
    return [
        Response(
            template=template,
            variant=variant,
            sent=sent,
            wrote_back=counts["wrote"][template, variant],
            stopped=counts["stopped"][template, variant],
        )
        for (template, variant), sent in sorted(counts["sent"].items())
    ]

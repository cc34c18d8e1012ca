"""What the operator is told of, from two looks at the ledger's counters: arithmetic only.

A notice never has an address, a name or a word of anybody in it: it goes through other
people's servers. What it is about is behind the link.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

Counts = Mapping[tuple[str, str], int]
"""(state, reason) → how often it was reached since the ledger began."""

QUIET: Final = timedelta(minutes=15)
"""After a notice of a kind, the next one of that kind gathers for so long."""

LATE: Final = timedelta(minutes=10)
"""What is due for longer than this is stuck."""

_MOST_REASONS: Final = 6
_OPT_OUTS: Final = ("opted_out", "lead_unsubscribed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to tell.

    Attributes:
        kind: what it is about; notices of one kind are rate-limited together.
        page: where on the console it is looked at.

    """

    kind: str
    title: str
    body: str = ""
    page: str = "/"


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    state: str
    reasons: tuple[str, ...]
    one: str
    several: str
    page: str

    def counted(self, new: Counts) -> dict[str, int]:
        """Return reason → how many of this kind are new."""
        return {
            reason: count
            for (state, reason), count in new.items()
            if state == self.state and (not self.reasons or reason in self.reasons)
        }


_KINDS: Final = (
    _Kind("held", "held", (), "An answer waits for a person", "{n} answers wait for a person",
          "/inbox"),
    _Kind("opt_out", "skipped", _OPT_OUTS, "A lead asked us to stop", "{n} leads asked us to stop",
          "/events?reason=opted_out"),
    _Kind("failed", "failed", (), "The API refused an answer for good",
          "The API refused {n} answers for good", "/events?state=failed"),
    _Kind("quarantined", "quarantined", (), "A webhook could not be used",
          "{n} webhooks could not be used", "/quarantine"),
)  # fmt: skip


def grown(before: Counts, now: Counts) -> dict[tuple[str, str], int]:
    """Return what was added to the counters between two looks."""
    return {key: count - before.get(key, 0) for key, count in now.items()
            if count > before.get(key, 0)}  # fmt: skip


def news(new: Counts) -> Iterator[Notice]:
    """Yield a notice for each kind of thing that happened."""
    for kind in _KINDS:
        counted = kind.counted(new)
        total = sum(counted.values())
        if total:
            title = kind.one if total == 1 else kind.several.format(n=total)
            yield Notice(kind=kind.name, title=title, body=_listed(counted), page=kind.page)


def concerns(kind: str, new: Counts) -> Counts:
    """Return those of the new counts that a kind's notice tells of."""
    found = next(k for k in _KINDS if k.name == kind)
    return {(found.state, reason): count for reason, count in found.counted(new).items()}


def _listed(counted: Mapping[str, int]) -> str:
    lines = [f"{count} × {reason}" for reason, count in
             sorted(counted.items(), key=lambda item: (-item[1], item[0]))]  # fmt: skip
    more = [f"and {len(lines) - _MOST_REASONS} other reasons"] if lines[_MOST_REASONS:] else []
    return "\n".join(lines[:_MOST_REASONS] + more)


def troubles(*, refused: str, late: timedelta) -> Iterator[Notice]:
    """Yield a notice for each thing that is wrong just now.

    Args:
        refused: why nothing may be asked of the API; "" where it may.
        late: for how long the oldest due event has been due.

    """
    if refused:
        yield Notice(
            kind="api",
            title="The API refuses us: everything waits",
            body=f"{refused}\nNothing is lost: it goes out once this is mended.",
        )
    if late > LATE:
        minutes = int(late.total_seconds() // 60)
        yield Notice(
            kind="stuck",
            title=f"Events have been due for {minutes} minutes",
            body="Is a worker running, and does it keep up? See the workers on the console.",
        )


def digest(new: Counts, waiting: Mapping[str, int]) -> Notice:
    """Return the day's summary.

    Args:
        new: what the day added to the counters.
        waiting: state → how many events are in it now.

    """
    done = {state: sum(n for (s, _), n in new.items() if s == state)
            for state in ("sent", "skipped", "held", "failed")}  # fmt: skip
    skipped = {reason: n for (state, reason), n in new.items() if state == "skipped"}
    received = sum(n for (what, _), n in new.items() if what == "received")
    lines = [
        f"{received} webhooks came in",
        *(f"{count} {state}" for state, count in done.items()),
        *([f"skipped because:\n{_listed(skipped)}"] if skipped else []),
        f"waiting for a person now: {waiting.get('held', 0)}",
    ]
    return Notice(kind="digest", title="Yesterday's replies", body="\n".join(lines))

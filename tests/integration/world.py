"""A small world for pipeline tests: an API in memory, a clock moved by hand, crashes on demand."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from worker.contracts import webhook
from worker.domain.errors import OutcomeUnknown
from worker.domain.model import Direction, Draft, Message, Mode, ReplyEvent, Thread
from worker.domain.progress import RESTING, State
from worker.domain.rules import Templates, build
from worker.pipeline import Pipeline, Rules
from worker.ports import Acceptance, Ledger

LEASE = 60_000
SETTLE = 600_000
RETENTION = 90 * 86_400_000
START = 1_790_000_000_000

PRICING = """---
when: reply is mentioning("how much")
---
Hi {{ lead.first_name | default("there") }}, it depends.
"""


class Crash(BaseException):
    """The process dies here; no handler may stop it."""


@dataclass
class HandClock:
    """Milliseconds since the epoch, moved by hand."""

    now: int = START

    def __call__(self) -> int:
        return self.now

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.now / 1000, UTC)


@dataclass
class FakeApi:
    """The provider: keeps threads and what was sent; shows replies after `lag` milliseconds.

    Its own clock is `skew` ahead of ours and may tell whole seconds only.
    """

    clock: HandClock
    lag: int = 0
    threads: dict[str, list[Message]] = field(default_factory=dict)
    sent: list[tuple[str, Draft]] = field(default_factory=list)
    hidden: list[tuple[int, str, Message]] = field(default_factory=list)
    outcome: Callable[[], str | None] = lambda: None
    skew: timedelta = timedelta()
    coarse: bool = False

    @property
    def stamp(self) -> datetime:
        told = self.clock.moment + self.skew
        return told.replace(microsecond=0) if self.coarse else told

    def thread(self, event: ReplyEvent) -> Thread:
        for due, lead, message in list(self.hidden):
            if due <= self.clock.now:
                self.threads.setdefault(lead, []).append(message)
                self.hidden.remove((due, lead, message))
        thread = self.threads.get(event.lead_id, [])
        return Thread(tuple(sorted(thread, key=lambda m: m.at or self.clock.moment)))

    def reply(self, event: ReplyEvent, draft: Draft, at_the_door: Callable[[], None]) -> str:
        at_the_door()
        number = len(self.sent) + 1
        self.sent.append((event.lead_id, draft))
        message = Message(
            id=f"sent-{number}", direction=Direction.OUTBOUND, at=self.stamp, text=draft.body
        )
        self.hidden.append((self.clock.now + self.lag, event.lead_id, message))
        if self.outcome() == "cut":
            raise OutcomeUnknown("no_answer", "cut after the request")
        return message.id

    def writes(self, lead: str, text: str, *, name: str, automatic: bool = False) -> None:
        """Put a mail of the lead into the thread."""
        self._add(lead, text, name, Direction.INBOUND, automatic=automatic)

    def colleague_writes(self, lead: str, text: str, *, name: str = "by-hand") -> None:
        """Put a mail of a colleague into the thread."""
        self._add(lead, text, name, Direction.OUTBOUND)

    def _add(
        self, lead: str, text: str, name: str, direction: Direction, *, automatic: bool = False
    ) -> None:
        message = Message(
            id=name, direction=direction, at=self.stamp, text=text, automatic=automatic
        )
        self.threads.setdefault(lead, []).append(message)


class Tripwire:
    """Counts the effects that pass, and crashes before or after the chosen one."""

    def __init__(self, at: int | None = None, *, after: bool = False) -> None:
        self.at, self.after = at, after
        self.passed: list[str] = []

    def wrap(self, target: Any) -> Any:
        return _Wired(target, self)

    def cross(self, name: str, call: Callable[[], Any]) -> Any:
        index = len(self.passed)
        self.passed.append(name)
        if index == self.at and not self.after:
            raise Crash(f"before {name}")
        result = call()
        if index == self.at and self.after:
            raise Crash(f"after {name}")
        return result


class _Wired:
    """Every method of a port is an effect, so a new one is covered without anybody thinking."""

    def __init__(self, target: Any, wire: Tripwire) -> None:
        self._target, self._wire = target, wire

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)
        return lambda *args, **kw: self._wire.cross(name, lambda: method(*args, **kw))


@dataclass
class World:
    """Ledger, API and clock, with a worker that may die and be started again."""

    ledger: Ledger
    clock: HandClock
    api: Any
    templates: Templates = field(default_factory=lambda: build({"pricing.j2": PRICING}))
    mode: Mode = Mode.SEND
    boot_clock: Callable[[], float] = lambda: 0.0
    speaks: Callable[[ReplyEvent], bool] = lambda event: bool(event.lead_id)

    def pipeline(self, wire: Tripwire | None = None) -> Pipeline:
        wire = wire or Tripwire()
        api = wire.wrap(self.api)
        return Pipeline(
            ledger=wire.wrap(self.ledger),
            api_for=lambda event: api if self.speaks(event) else None,
            templates=lambda: self.templates,
            rules=Rules(
                mode=self.mode,
                max_age=timedelta(hours=72),
                settle=timedelta(milliseconds=SETTLE),
            ),
            boot_clock=self.boot_clock,
        )

    def deliver(self, **payload: Any) -> str:
        return self.accept({"event_type": "reply_received", "lead_id": "lead-1"} | payload).key

    def accept(self, payload: dict[str, Any]) -> Acceptance:
        """Take a delivery exactly as it is."""
        return self.ledger.accept(webhook.parse(payload), json.dumps(payload))

    def asks_price(self, name: str = "mail-1") -> str:
        text = "How much is it?"
        self.api.writes("lead-1", text, name=name)
        return self.deliver(email_id=name, reply_text=text)

    def state(self, key: str) -> tuple[State, str]:
        record = self.ledger.record(key)
        assert record is not None
        return record.state, record.reason

    def run(self, wire: Tripwire | None = None, *, steps: int = 60) -> None:
        """Work on what is due, moving time on, until all is at rest or the steps are over.

        A crash ends the worker; the next one starts without a wire.
        """
        pipeline = self.pipeline(wire)
        for _ in range(steps):
            for key in self.ledger.take_due(100):
                try:
                    pipeline.answer(key)
                except Crash:
                    pipeline = self.pipeline()
            if all(r.state in RESTING for r in self.ledger.records(None, 100)):
                return
            self.clock.now += LEASE // 4


def outcomes(values: list[str | None]) -> Callable[[], str | None]:
    """Return the answers' fates, one after the other; then all goes well."""
    queue: Iterator[str | None] = iter(values)
    return lambda: next(queue, None)

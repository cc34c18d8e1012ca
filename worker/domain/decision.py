"""Decisions are values; whoever acts on one has to handle them all."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from worker.domain.model import Mode, TraceLine, stricter

if TYPE_CHECKING:
    from worker.domain.rules import Rule


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer with this rule's template.

    `foreign`: says that they write another language than the text, which a person has to
    see first; "" where nothing is known against it.
    """

    rule: "Rule"
    foreign: str = ""

    @property
    def mode(self) -> Mode:
        """What the template wants, or more caution."""
        return stricter(self.rule.front.mode, Mode.HOLD if self.foreign else Mode.SEND)

    @property
    def held_as(self) -> str:
        """The reason for which the draft waits for a person, where it does."""
        return "other_language" if self.foreign else "needs_approval"


@dataclass(frozen=True, slots=True)
class Later:
    """Decide again then (UTC): the lead is away, and this rule writes once they are back."""

    rule: "Rule"
    until: datetime


@dataclass(frozen=True, slots=True)
class Skip:
    """No answer, and nothing left to do."""

    reason: str
    detail: str = ""
    template: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """A person decides."""

    reason: str
    detail: str = ""
    template: str = ""


@dataclass(frozen=True, slots=True)
class OptOut:
    """No answer, and never write to this lead again."""

    detail: str
    template: str = ""


Decision = Reply | Later | Skip | Hold | OptOut


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with the trace that led to it."""

    decision: Decision
    trace: tuple[TraceLine, ...]

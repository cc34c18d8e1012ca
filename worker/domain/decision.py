"""Decisions are values; whoever acts on one has to handle them all."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from worker.domain.model import TraceLine

if TYPE_CHECKING:
    from worker.domain.rules import Rule


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer with this rule's template."""

    rule: "Rule"


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

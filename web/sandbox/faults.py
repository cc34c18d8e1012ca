"""Faults on demand: what they do, how one is described, and which of them strike a call."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from web.sandbox.refusal import Refusal

_LONGEST: Final = 86_400

CALLS: Final = ("thread", "reply", "email", "action")
"""Lists of e-mails, replies, a single e-mail, and everything else the provider offers."""


class Kind(StrEnum):
    """What a fault does; `…_after` does it when the call has already taken effect."""

    LATENCY = "latency"
    HISTORY_LAG = "history_lag"
    STATUS = "status"
    CUT = "cut"
    ERROR_BODY = "error_body"
    STATUS_AFTER = "status_after"
    CUT_AFTER = "cut_after"
    GARBAGE_AFTER = "garbage_after"


_DELAYS: Final = (Kind.LATENCY, Kind.HISTORY_LAG)
_STATUSES: Final = (Kind.STATUS, Kind.STATUS_AFTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault on demand.

    `on`: the call it strikes, one of `CALLS`. `seconds`: of a delay.
    `status`: the HTTP status to answer; `retry_after`: its header, None for none.
    `times`: strikes left, 0 for without end. `lead_id`: only that lead, empty for all.
    `share`: the probability of a strike, 0 to 1; a miss does not count as one of `times`.
    """

    on: str
    kind: Kind
    seconds: float = 0.0
    status: int = 0
    retry_after: float | None = None
    times: int = 1
    lead_id: str = ""
    share: float = 1.0

    @property
    def is_late(self) -> bool:
        """Say whether the call takes effect before the fault strikes."""
        return self.kind.endswith("_after")

    def concerns(self, call: str, lead_id: str) -> bool:
        """Say whether the fault may strike this call."""
        return self.on == call and self.lead_id in {"", lead_id}

    def after_strike(self) -> list["Fault"]:
        """Return what is left of the fault once it has struck: one, or none."""
        if self.times == 1:
            return []
        return [self if self.times == 0 else replace(self, times=self.times - 1)]


@dataclass(slots=True)
class Plan:
    """What befalls one call: any number of delays and at most one fault that spoils the answer.

    `latency`: seconds to sleep before anything else; `lag`: seconds a reply stays out of sight.
    """

    latency: float = 0.0
    lag: float = 0.0
    outcome: Fault | None = None

    def has_room(self, fault: Fault) -> bool:
        """Say whether the fault can strike as well."""
        return fault.kind in _DELAYS or self.outcome is None

    def add(self, fault: Fault) -> None:
        """Let the fault strike as well."""
        match fault.kind:
            case Kind.LATENCY:
                self.latency += fault.seconds
            case Kind.HISTORY_LAG:
                self.lag += fault.seconds
            case _:
                self.outcome = fault


def described(given: dict[str, Any]) -> Fault:
    """Return the fault that these `FIELDS` describe, or say what is wrong with them."""
    for name, value in given.items():
        is_right, rule = FIELDS[name]
        if not is_right(value):
            raise Refusal(400, f"{name} must be {rule}")
    for name in ("on", "kind"):
        if name not in given:
            raise Refusal(400, f"{name} is missing: it must be {FIELDS[name][1]}")
    kind = Kind(given["kind"])
    for name, kinds in _ONLY_FOR.items():
        if name in given and kind not in kinds:
            raise Refusal(400, f"{name} means nothing to {kind}")
        if name not in given and kind in kinds and name != "retry_after":
            raise Refusal(400, f"{kind} needs {name}")
    return Fault(**given | {"kind": kind})


def _one_of(*words: str) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: value in words), f"one of {', '.join(words)}"


def _number(least: int, most: int, *types: type) -> tuple[Callable[[Any], bool], str]:
    kind = "number" if float in types else "whole number"
    return (
        lambda value: type(value) in types and least <= value <= most,
        f"a {kind} from {least} to {most}",
    )


FIELDS: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "on": _one_of(*CALLS),
    "kind": _one_of(*Kind),
    "seconds": _number(0, _LONGEST, int, float),
    "status": _number(200, 599, int),
    "retry_after": _number(0, _LONGEST, int, float),
    "times": _number(0, 1_000_000_000, int),
    "lead_id": ((lambda value: isinstance(value, str) and value != ""), "a lead's id"),
    "share": _number(0, 1, int, float),
}
"""What may describe a fault: whether a value is right, and the rule in words."""

_ONLY_FOR: Final = {"seconds": _DELAYS, "status": _STATUSES, "retry_after": _STATUSES}

"""What would become of a reply: decision, trace and draft, without sending anything."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from worker.domain.deciding import decide, leaves_at
from worker.domain.decision import Decision, Hold, Later, OptOut, Reply, Skip
from worker.domain.errors import TemplateProblem
from worker.domain.guards import Policy
from worker.domain.model import Draft, Mode, TraceLine, stricter
from worker.domain.reading import Facts
from worker.domain.rendering import render
from worker.domain.rules import Rule, Templates


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The decision in words.

    Attributes:
        decision: `reply`, `wait`, `skip`, `hold`, `opt_out` or `ignore`.
        send_at: when the draft would leave (UTC); None where it would not by itself.

    """

    decision: str
    reason: str = ""
    detail: str = ""
    template: str = ""
    draft: Draft | None = None
    send_at: datetime | None = None
    trace: Sequence[TraceLine] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the outlook as plain data."""
        return {
            "decision": self.decision,
            "reason": self.reason,
            "detail": self.detail,
            "template": self.template,
            "draft": asdict(self.draft) if self.draft else None,
            "send_at": self.send_at.isoformat(timespec="seconds") if self.send_at else None,
            "trace": [line.as_json() for line in self.trace],
        }


def foresee(facts: Facts, templates: Templates, policy: Policy, mode: Mode) -> Outlook:
    """Decide and render, and leave it at that."""
    verdict = decide(facts, templates, policy)
    return replace(_described(verdict.decision, facts, templates, mode), trace=verdict.trace)


def _described(decision: Decision, facts: Facts, templates: Templates, mode: Mode) -> Outlook:
    match decision:
        case Reply(rule):
            return _reply(rule, facts, templates, mode)
        case Later(rule, until):
            shown = _reply(rule, facts, templates, mode)
            if not shown.draft:
                return shown
            return replace(shown, decision="wait", reason="until_return", send_at=until)
        case Skip(reason, detail, template):
            return Outlook(decision="skip", reason=reason, detail=detail, template=template)
        case Hold(reason, detail, template):
            return Outlook(decision="hold", reason=reason, detail=detail, template=template)
        case OptOut(detail, template):
            return Outlook(decision="opt_out", reason="by_rule", detail=detail, template=template)


def _reply(rule: Rule, facts: Facts, templates: Templates, mode: Mode) -> Outlook:
    try:
        draft = render(rule, facts, templates.settings)
    except TemplateProblem as error:
        return Outlook(
            decision="hold", reason=error.reason, detail=error.detail, template=rule.name
        )
    match stricter(mode, rule.front.mode):
        case Mode.HOLD:
            return Outlook(
                decision="hold", reason="needs_approval", template=rule.name, draft=draft
            )
        case Mode.SHADOW:
            return Outlook(decision="skip", reason="shadow", template=rule.name, draft=draft)
        case Mode.SEND:
            leaves = leaves_at(rule, facts, templates)
            return Outlook(decision="reply", template=rule.name, draft=draft, send_at=leaves)

"""From a rule and the facts to a draft: subject and text with nothing left to decide."""

import re
from collections.abc import Mapping
from traceback import walk_tb
from typing import Any, Final

from jinja2 import TemplateNotFound

from worker.domain.environment import Fields, absent
from worker.domain.errors import TemplateProblem
from worker.domain.frontmatter import Place, TemplateSettings
from worker.domain.model import Direction, Draft
from worker.domain.reading import Facts
from worker.domain.referral import Referral, referral_in
from worker.domain.rules import RENDER_ERRORS, Rule
from worker.domain.variants import draw, label
from worker.domain.words import clean

_LONGEST_SUBJECT: Final = 250
_LONGEST_BODY: Final = 64 * 1024
_REPLY_PREFIXES: Final = re.compile(
    r"^(?:\s*(?:re|aw|sv|antw|vs|odp|ynt|res|r|ref|rif|回复|答复)(?:\[\d+\])?\s*[:：])+\s*",
    re.IGNORECASE,
)
_NO_SUBJECT: Final = "your message"


def context(facts: Facts, settings: TemplateSettings) -> dict[str, Any]:
    """Return what rules and templates can reach, and nothing else."""
    event, thread = facts.event, facts.thread
    referral = referral_in(facts.words) or Referral()
    sent = [m.at for m in thread.messages if m.direction is Direction.OUTBOUND and m.at]
    account = settings.account(event.mailbox)
    return {
        "reply": Fields(
            "reply",
            {
                "text": facts.words,
                "subject": facts.subject,
                "raw": facts.raw,
                "at": facts.at,
                "labels": list(event.event_types),
                "language": facts.language,
                "intents": [intent.name for intent in facts.intents],
                "referral": Fields(
                    "reply.referral", _known({"name": referral.name, "email": referral.email})
                ),
            },
        ),
        "lead": Fields("lead", _lead(facts)),
        "thread": Fields(
            "thread",
            {
                "subject": thread_subject(facts),
                "messages": [
                    Fields("message", {"direction": m.direction.value, "text": m.text, "at": m.at})
                    for m in thread.messages
                ],
                "count": len(thread.messages),
                "answered": facts.answered_by is not None,
                "auto_replies": facts.tally.in_thread,
                "last_sent_at": max(sent, default=None),
            },
        ),
        "campaign": Fields("campaign", {"id": event.campaign_id, "name": event.campaign_name}),
        "account": Fields(
            "account",
            _known((account.model_dump() if account else {}) | {"email": event.mailbox}),
        ),
        "now": facts.now,
        "vars": Fields("vars", _known(settings.vars)),
    }


def _lead(facts: Facts) -> dict[str, Any]:
    known = {"id": facts.event.lead_id, "email": facts.event.lead_email}
    return _known(dict(facts.event.lead) | known)


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with a value; the others are undefined, so that `default(…)` works."""
    bare = {n: v.strip() if isinstance(v, str) else v for n, v in fields.items()}
    return {name: value for name, value in bare.items() if value not in ("", None)}


def thread_subject(facts: Facts) -> str:
    """Return what the conversation is about, without any `Re:`."""
    subjects = (m.subject for m in facts.thread.messages)
    subject = next(filter(None, subjects), "") or facts.subject
    return _one_line(_REPLY_PREFIXES.sub("", subject)) or _NO_SUBJECT


def render(rule: Rule, facts: Facts, settings: TemplateSettings) -> Draft:
    """Fill in a template with the variant that the lead gets.

    Raises:
        TemplateProblem: with file, line and variable, for a person to look at.

    """
    return render_variant(rule, facts, settings, draw(rule.front.variants, rule.name, facts.event))


def render_variant(rule: Rule, facts: Facts, settings: TemplateSettings, drawn: str) -> Draft:
    """Fill in a template with one of its `variants`; "" where it has none.

    Raises:
        TemplateProblem: as `render` does.

    """
    values = context(facts, settings) | ({"variant": drawn} if drawn else {})
    try:
        subject = tidy_subject(rule.subject.render(values))
    except RENDER_ERRORS as error:
        raise TemplateProblem(rule.subject_at, f"subject: {error}") from error
    try:
        body = tidy(rule.body.render(values))
    except RENDER_ERRORS as error:
        raise TemplateProblem(_where(error, rule.file), _said(error)) from error
    if not subject:
        raise TemplateProblem(rule.subject_at, "the subject is empty")
    if not body:
        raise TemplateProblem((rule.file, 1), "the text is empty")
    if len(body) > _LONGEST_BODY:
        raise TemplateProblem((rule.file, 1), f"over {_LONGEST_BODY} characters")
    variant = label(rule.variant, drawn)
    return Draft(template=rule.name, subject=subject, body=body, variant=variant)


def _said(error: Exception) -> str:
    """Say what is wrong; of a file that is absent, Jinja says nothing but the name."""
    if isinstance(error, TemplateNotFound):
        return absent([str(error.name)])
    return str(error)


def _where(error: BaseException, file: str) -> Place:
    """Return the innermost template line that failed."""
    lines = [
        (frame.f_code.co_filename, line)
        for frame, line in walk_tb(error.__traceback__)
        if frame.f_code.co_filename.endswith(".j2") and "/" not in frame.f_code.co_filename
    ]
    return lines[-1] if lines else (file, getattr(error, "lineno", 1))


def tidy_subject(text: str) -> str:
    """Return a subject on one line, with at most one `Re:`, cut on a whole character."""
    line = _one_line(text)
    bare = _REPLY_PREFIXES.sub("", line)
    subject = line if bare == line else f"Re: {bare or _NO_SUBJECT}"
    return subject[:_LONGEST_SUBJECT].rstrip()


def _one_line(text: str) -> str:
    return " ".join(filter(None, map(clean, text.split())))


def tidy(text: str) -> str:
    """Return a body without trailing blanks, gaps of several lines and control characters."""
    lines = "\n".join(line.rstrip() for line in clean(text).strip().split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines)

"""Everything that can be found out about a template folder before a mail comes."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from worker.domain import examples, names, reach, trials
from worker.domain.frontmatter import Advice, TemplateError, line_of
from worker.domain.model import JsonValue
from worker.domain.names import UnknownName
from worker.domain.rules import SETTINGS_FILE, Templates
from worker.domain.variants import is_same_language


@dataclass(frozen=True, slots=True)
class Seen:
    """What the ledger's events show of the world outside.

    `lead_fields`: the fields of leads beyond the usual ones, each with a value it had.
    `mailboxes`: the sending addresses that leads wrote to.
    """

    lead_fields: Mapping[str, JsonValue] = field(default_factory=dict)
    mailboxes: frozenset[str] = frozenset()


def inspect(templates: Templates, seen: Seen | None = None) -> list[TemplateError]:
    """Return all that is wrong in a folder by file and line, then what is hardly meant so.

    With a broken file only that is told: what the others get depends on it.
    """
    if templates.problems:
        return sorted(templates.problems, key=lambda one: (one.name, one.line))
    seen = seen or Seen()
    hidden = list(reach.unreachable(templates))
    reached = _without(templates, {one.name for one in hidden})
    unknown = list(names.problems(templates, seen.lead_fields))
    found = [
        *hidden,
        *examples.problems(reached),
        *reach.ties(reached),
        *unknown,
        *_not_told(unknown, trials.problems(templates, seen.lead_fields)),
        *untranslated(reached),
        *rowless(templates, seen.mailboxes),
    ]
    return sorted(found, key=lambda one: (isinstance(one, Advice), one.name, one.line))


def _without(templates: Templates, hidden: Container[str]) -> Templates:
    """Leave out the rules that are never chosen: what their examples get is no news."""
    kept = (rule for rule in templates.rules if rule.when_at[0] not in hidden)
    return replace(templates, rules=tuple(kept))


def _not_told(
    unknown: Iterable[TemplateError], failing: Iterable[TemplateError]
) -> Iterator[TemplateError]:
    """Leave out the failures of a name that is known to exist nowhere."""
    told = [(one.name, one.line, one.variable) for one in unknown if isinstance(one, UnknownName)]
    for one in failing:
        if not any(
            (one.name, one.line) == (file, line) and name in str(one) for file, line, name in told
        ):
            yield one


def untranslated(templates: Templates) -> Iterator[Advice]:
    """Find the answers that are missing in a language which others of the folder speak."""
    texts = [text for rule in templates.rules for text in rule.texts]
    for language, file in {text.variant: text.file for text in texts if text.variant}.items():
        lacking: dict[str, list[str]] = {}
        for rule in templates.rules:
            spoken = [text.front.language for text in rule.texts if text.front.language]
            speaks = any(is_same_language(language, one) for one in spoken)
            if rule.front.action == "reply" and not speaks:
                lacking.setdefault(_instead(templates, rule.front.language), []).append(rule.name)
        for instead, without in lacking.items():
            yield Advice(
                file, 1, f"no “{language}” text of {', '.join(sorted(without))}: {instead}"
            )


def _instead(templates: Templates, language: str) -> str:
    """Say what becomes of replies in a language that an answer is missing in."""
    if not language:
        return "the plain one answers and does not say its language; add language: en, or another"
    if templates.settings.other_language == "send":
        return f"they get “{language}” (other_language: send)"
    return "a person sees the draft first (other_language: hold)"


def rowless(templates: Templates, mailboxes: frozenset[str]) -> Iterator[Advice]:
    """Find the mailboxes that have no row in `accounts`."""
    line = line_of("accounts", templates.texts.get(SETTINGS_FILE, ""))
    for mailbox in sorted(mailboxes):
        if templates.settings.account(mailbox) is None:
            yield Advice(SETTINGS_FILE, line, f"the mailbox {mailbox} has no row in accounts")

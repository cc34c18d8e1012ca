"""Templates as rules: reading them, and choosing the one that fits."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from jinja2 import Template, TemplateSyntaxError
from jinja2 import TemplateError as JinjaError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from worker.domain.decision import Decision, Hold, OptOut, Reply, Skip, Verdict
from worker.domain.environment import bad_arguments, make_environment, recording_words
from worker.domain.frontmatter import (
    FrontMatter,
    TemplateError,
    TemplateSettings,
    line_of,
    load_yaml,
    split,
    validate,
)
from worker.domain.intents import IntentReader
from worker.domain.model import Tally, TraceLine
from worker.domain.own_intents import INTENTS_FILE, read_intents

SETTINGS_FILE: Final = "_settings.yaml"
SUFFIX: Final = ".j2"
_SEPARATOR: Final = "|"
"""Stands before a template's name where the ledger counts what was sent with it."""

Context = Mapping[str, Any]

RENDER_ERRORS: Final = (
    JinjaError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError,
    RecursionError,
)  # fmt: skip
"""What a template can raise while it runs: a mistake of its author, never of the service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One template file, ready to be asked and rendered."""

    name: str
    file: str
    front: FrontMatter
    when_line: int
    fits: Callable[[Context], bool]
    subject: Template
    body: Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """A folder of templates; `rules` in the order in which they are asked."""

    rules: tuple[Rule, ...] = ()
    settings: TemplateSettings = field(default_factory=TemplateSettings)
    intents: IntentReader = field(default_factory=IntentReader)
    problems: tuple[TemplateError, ...] = ()

    def rule(self, name: str) -> Rule | None:
        """Return the rule of that name."""
        return next((rule for rule in self.rules if rule.name == name), None)


def build(sources: Mapping[str, str]) -> Templates:
    """Read a folder given as file name → text; what cannot be used becomes a problem."""
    problems: list[TemplateError] = []
    settings, intents = TemplateSettings(), IntentReader()
    with _noted_in(problems):
        settings = _read_settings(sources.get(SETTINGS_FILE, ""))
    with _noted_in(problems):
        intents = read_intents(sources.get(INTENTS_FILE, ""))
    texts = {name: text for name, text in sources.items() if name.startswith("_")}
    parts: dict[str, tuple[str, str]] = {}
    for name in sorted(n for n in sources if n.endswith(SUFFIX) and not n.startswith("_")):
        with _noted_in(problems):
            _check_name(name)
            parts[name] = split(name, sources[name])
            texts[name] = parts[name][1]
    environment = make_environment(texts, intents)
    problems += _broken_parts(environment, texts)
    rules: list[Rule] = []
    for name, (front, _) in parts.items():
        with _noted_in(problems):
            rules.append(_build_rule(environment, settings, intents.names, name, front))
    rules.sort(key=lambda rule: (-rule.front.priority, rule.name))
    return Templates(
        rules=tuple(rules), settings=settings, intents=intents, problems=tuple(problems)
    )


@contextmanager
def _noted_in(problems: list[TemplateError]) -> Iterator[None]:
    """Go on with the next file after a broken one."""
    try:
        yield
    except TemplateError as error:
        problems.append(error)


def _check_name(name: str) -> None:
    if _SEPARATOR in name:
        raise TemplateError(name, 1, f"no {_SEPARATOR} in a template's name: rename it")


def _read_settings(text: str) -> TemplateSettings:
    data = load_yaml(SETTINGS_FILE, text or "{}")
    settings = validate(TemplateSettings, SETTINGS_FILE, data, text)
    first_line = line_of("defaults", text)
    probe = {"when": True, **settings.defaults}
    validate(FrontMatter, SETTINGS_FILE, probe, "", first_line=first_line)
    return settings


def _broken_parts(
    environment: ImmutableSandboxedEnvironment, texts: Mapping[str, str]
) -> list[TemplateError]:
    problems = []
    for name in texts:
        if name.startswith("_") and name.endswith(SUFFIX):
            try:
                environment.get_template(name)
            except TemplateSyntaxError as error:
                problems.append(TemplateError(name, error.lineno, error.message or ""))
    return problems


def _build_rule(
    environment: ImmutableSandboxedEnvironment,
    settings: TemplateSettings,
    intents: Sequence[str],
    name: str,
    front: str,
) -> Rule:
    data = settings.defaults | load_yaml(name, front)
    matter = validate(FrontMatter, name, data, front)
    if matter.hours and not settings.timezone:
        message = f"hours needs a timezone in {SETTINGS_FILE}, like timezone: Europe/Berlin"
        raise TemplateError(name, line_of("hours", front), message)
    when_line = line_of("when", front)
    return Rule(
        name=name.removesuffix(SUFFIX),
        file=name,
        front=matter,
        when_line=when_line,
        fits=_condition(environment, intents, name, matter.when, when_line),
        subject=_compile_text(environment, name, matter.subject, line_of("subject", front)),
        body=_load_text(environment, intents, name),
    )


def _condition(
    environment: ImmutableSandboxedEnvironment,
    intents: Sequence[str],
    name: str,
    when: str | bool,  # noqa: FBT001 - a condition, as YAML reads it
    line: int,
) -> Callable[[Context], bool]:
    if isinstance(when, bool):
        return lambda _: when
    try:
        expression = environment.compile_expression(when, undefined_to_none=False)
        tree = environment.parse("{{" + when + "}}")
    except TemplateSyntaxError as error:
        raise TemplateError(name, line, f"when: {error.message}") from None
    for _, message in bad_arguments(tree, intents):
        raise TemplateError(name, line, f"when: {message}")
    return lambda context: bool(expression(**context))


def _compile_text(
    environment: ImmutableSandboxedEnvironment, name: str, text: str, line: int
) -> Template:
    try:
        return environment.from_string(text)
    except TemplateSyntaxError as error:
        raise TemplateError(name, line, f"subject: {error.message}") from None


def _load_text(
    environment: ImmutableSandboxedEnvironment, intents: Sequence[str], name: str
) -> Template:
    try:
        source, *_ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]  # make_environment sets one
        for line, message in bad_arguments(environment.parse(source), intents):
            raise TemplateError(name, line, message)
        return environment.get_template(name)
    except TemplateSyntaxError as error:
        raise TemplateError(name, error.lineno, error.message or "") from None


def choose(templates: Templates, context: Context, tally: Tally) -> Verdict:
    """Ask the rules from the highest priority down; the first that fits decides."""
    trace: list[TraceLine] = []
    for rule in templates.rules:
        with recording_words() as fired:
            try:
                fits = rule.fits(context)
            except RENDER_ERRORS as error:
                detail = f"{rule.file}:{rule.when_line}: when: {error}"
                line = TraceLine(step="rule", name=rule.name, outcome="error", detail=detail)
                hold = Hold("template_error", detail, rule.name)
                return Verdict(hold, (*trace, line))
        words = ", ".join(f"“{word}”" for word in fired) if fits else ""
        outcome = "fits" if fits else "no"
        trace.append(TraceLine(step="rule", name=rule.name, outcome=outcome, detail=words))
        if fits:
            return Verdict(_decision(rule, templates, tally, words), tuple(trace))
    return Verdict(Hold("no_rule", "no template fits"), tuple(trace))


def _decision(rule: Rule, templates: Templates, tally: Tally, words: str) -> Decision:
    cap = templates.settings.caps.per_template
    used = tally.by_template.get(rule.name, 0)
    match rule.front.action:
        case "reply" if cap is not None and used >= cap:
            return Hold("cap_per_template", f"{used} of {cap}", rule.name)
        case "reply":
            return Reply(rule)
        case "skip":
            return Skip("by_rule", words, rule.name)
        case "hold":
            return Hold("by_rule", words, rule.name)
        case "opt_out":
            return OptOut(words, rule.name)

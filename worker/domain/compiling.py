"""Condition, subject and text of a template, compiled; mistakes in them have their place."""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Template, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from worker.domain.environment import mistakes
from worker.domain.frontmatter import Place, TemplateError

Context = Mapping[str, Any]
"""What a template reaches, by name."""


def compile_condition(
    environment: ImmutableSandboxedEnvironment,
    when: str | bool,  # noqa: FBT001 - a condition, as YAML reads it
    at: Place,
) -> Callable[[Context], bool]:
    """Return what tells whether a condition holds.

    Raises:
        TemplateError: it is no expression, or asks for a pattern or an intent that is none.

    """
    if isinstance(when, bool):
        return lambda _: when
    try:
        expression = environment.compile_expression(when, undefined_to_none=False)
        tree = environment.parse("{{" + when + "}}")
    except TemplateSyntaxError as error:
        raise TemplateError(*at, f"when: {error.message}") from None
    for _, message in mistakes(environment, tree):
        raise TemplateError(*at, f"when: {message}")
    return lambda context: bool(expression(**context))


def compile_subject(
    environment: ImmutableSandboxedEnvironment, subject: str, at: Place
) -> Template:
    """Return a subject as a template.

    Raises:
        TemplateError: it is none.

    """
    try:
        return environment.from_string(subject)
    except TemplateSyntaxError as error:
        raise TemplateError(*at, f"subject: {error.message}") from None


def load_text(environment: ImmutableSandboxedEnvironment, name: str) -> Template:
    """Return the text of a file that the environment knows.

    Raises:
        TemplateError: it is no template, or asks for a pattern, an intent or a file that is none.

    """
    try:
        source, *_ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]  # make_environment sets one
        for line, message in mistakes(environment, environment.parse(source)):
            raise TemplateError(name, line, message)
        return environment.get_template(name)
    except TemplateSyntaxError as error:
        raise TemplateError(name, error.lineno, error.message or "") from None


def broken_parts(
    environment: ImmutableSandboxedEnvironment, texts: Mapping[str, str]
) -> list[TemplateError]:
    """Return what is wrong with the parts among the texts, which nobody may include yet."""
    problems = []
    for name in texts:
        if name.startswith("_") and name.endswith(".j2"):
            try:
                load_text(environment, name)
            except TemplateError as error:
                problems.append(error)
    return problems

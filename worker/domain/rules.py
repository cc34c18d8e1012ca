"""Templates as rules: front matter and text, read from a folder's files."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from jinja2 import Template
from jinja2 import TemplateError as JinjaError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from worker.domain.compiling import (
    Context,
    broken_parts,
    compile_condition,
    compile_subject,
    load_text,
)
from worker.domain.environment import make_environment
from worker.domain.frontmatter import (
    FrontMatter,
    Place,
    TemplateError,
    TemplateSettings,
    line_of,
    load_yaml,
    split,
    validate,
)
from worker.domain.intents import IntentReader, shipped_intents
from worker.domain.own_intents import INTENTS_FILE, read_intents
from worker.domain.variants import is_same_language, split_name

SETTINGS_FILE: Final = "_settings.yaml"
SUFFIX: Final = ".j2"
_SEPARATOR: Final = "|"
"""Stands before a template's name where the ledger counts what was sent with it."""


RENDER_ERRORS: Final = (
    JinjaError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError,
    RecursionError,
)  # fmt: skip
"""What a template can raise while it runs: a mistake of its author, never of the service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One template file, ready to be asked and rendered.

    Attributes:
        name: what caps, records and people call the template: `pricing`.
        file: `pricing.j2`, or `pricing.de.j2` for its German text.
        variant: the language in the file's name; "" for `pricing.j2` itself.
        front: the front matter; what a translation leaves out is its template's.
        above: the front matter as written; its lines have the file's own numbers.
        when_at: file and line of the condition.
        subject_at: file and line of the subject.
        own_when: the condition stands in this very file.
        translations: the same template's texts in other languages.

    """

    name: str
    file: str
    variant: str = ""
    front: FrontMatter
    above: str = ""
    when_at: Place
    subject_at: Place
    own_when: bool = True
    fits: Callable[[Context], bool]
    subject: Template
    body: Template
    translations: tuple["Rule", ...] = ()

    @property
    def texts(self) -> tuple["Rule", ...]:
        """The template's texts in all its languages."""
        return (self, *self.translations)

    def speaking(self, language: str) -> "Rule":
        """Return the text for a language; this one where no other is nearer."""
        exact = (text for text in self.translations if text.variant == language)
        near = (text for text in self.translations if is_same_language(text.variant, language))
        return next(exact, None) or next(near, self) if language else self

    def asked(self, language: str) -> tuple["Rule", ...]:
        """Return the texts whose conditions are asked about a reply in a language.

        Of an unknown language, any text with a condition of its own may know the words.
        """
        if language:
            return (self.speaking(language),)
        return (self, *(text for text in self.translations if text.own_when))


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """A folder of templates; `rules` in the order in which they are asked.

    `texts`: file → its text without the front matter, of parts and settings the whole.
    """

    rules: tuple[Rule, ...] = ()
    settings: TemplateSettings = field(default_factory=TemplateSettings)
    intents: IntentReader = field(default_factory=shipped_intents, repr=False)
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    problems: tuple[TemplateError, ...] = ()

    def rule(self, name: str) -> Rule | None:
        """Return the rule of that name; `pricing.de` is the German text of `pricing`."""
        texts = (text for rule in self.rules for text in rule.texts)
        return next((text for text in texts if text.file == f"{name}{SUFFIX}"), None)


def build(sources: Mapping[str, str]) -> Templates:
    """Read a folder given as file name → text; what cannot be used becomes a problem."""
    problems: list[TemplateError] = []
    settings, defaults = TemplateSettings(), _Layer(SETTINGS_FILE)
    with _noted_in(problems):
        settings, defaults = _read_settings(sources.get(SETTINGS_FILE, ""))
    intents = shipped_intents()
    with _noted_in(problems):
        intents = read_intents(sources.get(INTENTS_FILE, ""))
    texts = {name: text for name, text in sources.items() if name.startswith("_")}
    files: dict[str, _Layer] = {}
    for name in sorted(n for n in sources if n.endswith(SUFFIX) and not n.startswith("_")):
        with _noted_in(problems):
            files[name], texts[name] = _read_template(name, sources)
    # A broken file is told of once: to those that include it, it is there.
    environment = make_environment(dict.fromkeys(sources, "") | texts, intents)
    problems += broken_parts(environment, texts)
    maker = _Maker(environment, settings, files, defaults)
    rules: list[Rule] = []
    for name in (name for name in files if not base_of(name)):
        with _noted_in(problems):
            rules.append(maker.rule(name, problems))
    rules.sort(key=lambda rule: (-rule.front.priority, rule.name))
    return Templates(
        rules=tuple(rules),
        settings=settings,
        intents=intents,
        texts=texts,
        problems=tuple(problems),
    )


@contextmanager
def _noted_in(problems: list[TemplateError]) -> Iterator[None]:
    """Go on with the next file after a broken one."""
    try:
        yield
    except TemplateError as error:
        problems.append(error)


def base_of(name: str) -> str:
    """Return the file whose translation this one is: `pricing.j2` of `pricing.de.j2`."""
    template, language = split_name(name.removesuffix(SUFFIX))
    return f"{template}{SUFFIX}" if language else ""


@dataclass(frozen=True, slots=True)
class _Layer:
    """Keys that a rule is made of: a file's own, its template's, or everybody's defaults."""

    file: str
    above: str = ""
    keys: Mapping[str, Any] = field(default_factory=dict)
    inside: tuple[str, ...] = ()

    def at(self, key: str) -> Place:
        """Return where a key stands."""
        return self.file, line_of((*self.inside, key), self.above)


def _read_settings(text: str) -> tuple[TemplateSettings, _Layer]:
    data = load_yaml(SETTINGS_FILE, text or "{}")
    settings = validate(TemplateSettings, SETTINGS_FILE, data, text)
    probe = {"when": True, **settings.defaults}
    validate(FrontMatter, SETTINGS_FILE, probe, text, inside=("defaults",))
    return settings, _Layer(SETTINGS_FILE, text, settings.defaults, ("defaults",))


def _read_template(name: str, sources: Mapping[str, str]) -> tuple[_Layer, str]:
    if _SEPARATOR in name:
        raise TemplateError(name, 1, f"no {_SEPARATOR} in a template's name: rename it")
    base = base_of(name)
    if base and base not in sources:
        why = f"a translation needs {base} beside it; add that, or take the dot out of the name"
        raise TemplateError(name, 1, why)
    above, text = split(name, sources[name], required=not base)
    return _Layer(name, above, load_yaml(name, above)), text


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes rules of the files of one folder."""

    environment: ImmutableSandboxedEnvironment
    settings: TemplateSettings
    files: Mapping[str, _Layer]
    defaults: _Layer

    def rule(self, name: str, problems: list[TemplateError]) -> Rule:
        """Make a rule with its translations; those that are broken become problems."""
        base = self._made((self.files[name], self.defaults))
        translations: list[Rule] = []
        for file in (file for file in self.files if base_of(file) == name):
            with _noted_in(problems):
                translations.append(self._translated(base, self.files[file]))
        return replace(base, translations=tuple(translations))

    def _translated(self, base: Rule, own: _Layer) -> Rule:
        """Make a translation; examples are in the language of their own file."""
        _, language = split_name(own.file.removesuffix(SUFFIX))
        for key, right, there in (
            ("priority", base.front.priority, base.file),
            ("language", language, "the file's name"),
        ):
            if own.keys.get(key, right) != right:
                why = f"{key} is {right}, as in {there}: remove it, or change it there"
                raise TemplateError(*own.at(key), why)
        kept = {key: v for key, v in self.files[base.file].keys.items() if key != "examples"}
        named = _Layer(own.file, own.above, {**own.keys, "language": language})
        made = self._made((named, replace(self.files[base.file], keys=kept), self.defaults))
        return replace(made, name=base.name, variant=language, own_when="when" in own.keys)

    def _made(self, layers: tuple[_Layer, ...]) -> Rule:
        """Make a rule of front matter, of which what comes first wins."""
        own = layers[0]
        keys = {key: v for layer in reversed(layers) for key, v in layer.keys.items()}
        front = validate(FrontMatter, own.file, keys, own.above)
        timed = "hours" if front.hours else "resume" if front.resume else ""
        if timed and not self.settings.timezone:
            why = f"{timed} needs a timezone in {SETTINGS_FILE}, like timezone: Europe/Berlin"
            raise TemplateError(*own.at(timed), why)
        when_at, subject_at = (_place(key, layers) for key in ("when", "subject"))
        return Rule(
            name=own.file.removesuffix(SUFFIX),
            file=own.file,
            front=front,
            above=own.above,
            when_at=when_at,
            subject_at=subject_at,
            fits=compile_condition(self.environment, front.when, when_at),
            subject=compile_subject(self.environment, front.subject, subject_at),
            body=load_text(self.environment, own.file),
        )


def _place(key: str, layers: tuple[_Layer, ...]) -> Place:
    """Return where a key's value comes from."""
    return next((layer for layer in layers if key in layer.keys), layers[0]).at(key)

"""The Jinja environment: sandboxed, strict, with the tests that rules are written in."""

import difflib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any, Final

import re2
from jinja2 import FunctionLoader, StrictUndefined, nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from worker.domain.bounds import (
    PADDING_FILTERS,
    PADDING_METHODS,
    bounded,
    bounded_format,
    largest,
    refuse_more_than_fits,
    size_of_result,
    width_of_braces,
    width_of_percent,
)
from worker.domain.intents import IntentReader, shipped_intents
from worker.domain.words import fold, mentions

_BringsIn = nodes.Include | nodes.Import | nodes.FromImport | nodes.Extends
_BRINGS_IN: Final[tuple[type[_BringsIn], ...]] = (
    nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends,
)  # fmt: skip


_fired: ContextVar[list[str] | None] = ContextVar("fired", default=None)


class Fields(SimpleNamespace):
    """A bag of attributes that templates read; knows its own name for error messages."""

    def __init__(self, _label: str, fields: Mapping[str, Any]) -> None:
        super().__init__(**fields)
        self._label = _label

    def __bool__(self) -> bool:
        """Say whether there is anything in it: `{% if reply.referral %}`."""
        return len(vars(self)) > 1

    def __str__(self) -> str:
        """Let a test be asked of the reply itself: `reply is mentioning(…)`."""
        return str(getattr(self, "text", self._label))


class Missing(StrictUndefined):
    """An undefined name that says `lead.company is undefined`."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        owner = self._undefined_obj
        if self._undefined_hint or owner is missing or not isinstance(owner, Fields):
            return super()._undefined_message
        return f"{owner._label}.{self._undefined_name} is undefined"  # noqa: SLF001 - kept from templates by its underscore


@contextmanager
def recording_words() -> Iterator[list[str]]:
    """Collect the words and patterns that fire while rules are asked."""
    fired: list[str] = []
    token = _fired.set(fired)
    try:
        yield fired
    finally:
        _fired.reset(token)


def _record(words: str) -> None:
    fired = _fired.get()
    if fired is not None:
        fired.append(words)


@lru_cache(maxsize=256)
def _folded(text: str) -> str:
    return fold(text)


def is_mentioning(value: object, *phrases: str) -> bool:
    """Say whether the text has one of the phrases: whole words, any case, accents folded."""
    folded = _folded(str(value))
    hits = [phrase for phrase in phrases if mentions(folded, phrase)]
    for hit in hits:
        _record(hit)
    return bool(hits)


@lru_cache(maxsize=512)
def _pattern(pattern: str) -> Any:  # noqa: ANN401 - the library has no types
    """Compile a pattern; a backspace is what Jinja makes of an unescaped word boundary.

    Raises:
        ValueError: when it is no regular expression.

    """
    try:
        return re2.compile(pattern.replace("\b", r"\b"), _quiet())
    except re2.error as error:
        msg = f"matching({pattern!r}): {_said(error)}"
        raise ValueError(msg) from None


def _quiet() -> Any:  # noqa: ANN401 - the library has no types
    options = re2.Options()
    options.log_errors = False
    return options


def _said(error: Exception) -> str:
    said = error.args[0] if error.args else error
    return said.decode() if isinstance(said, bytes) else str(said)


def is_matching(value: object, pattern: str) -> bool:
    """Say whether a regular expression (RE2 syntax, linear time) is found in the text."""
    found = _pattern(pattern).search(str(value))
    if found:
        _record(found[0])
    return bool(found)


def is_like(value: object, pattern: str) -> bool:
    """Say whether the whole text fits a pattern with `*` and `?`, any case."""
    return fnmatchcase(str(value).casefold(), pattern.casefold())


def _about(intents: IntentReader) -> Callable[..., bool]:
    """Return the test `about`, with the intents that the folder knows."""
    read = lru_cache(maxsize=256)(intents.read)

    def is_about(value: object, *names: str) -> bool:
        """Say whether the text has one of the intents; the words that say so are recorded.

        Raises:
            ValueError: when there is no such intent.

        """
        for name in names:
            _known_intent(name, intents.names)
        hits = [intent for intent in read(str(value)) if intent.name in names]
        for hit in hits:
            for words in hit.words:
                _record(words)
        return bool(hits)

    return is_about


def _known_intent(name: str, known: Iterable[str]) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, list(known), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        msg = f"about({name!r}): no such intent; {hint}"
        raise ValueError(msg)


class _Environment(ImmutableSandboxedEnvironment):
    """Refuses what fills the memory, as the sandbox refuses long ranges."""

    known_intents: Iterable[str] = ()
    known_files: Container[str] = ()
    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 - the base class's signature
        refuse_more_than_fits(size_of_result(operator, left, right))
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, called: Any, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the base class's signature
        if getattr(called, "__name__", "") in PADDING_METHODS:
            refuse_more_than_fits(largest((*args, *kwargs.values())))
        return super().call(context, called, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:  # noqa: ANN401 - the base class's signature
        wrapped = super().wrap_str_format(value)
        if wrapped is None:
            return None
        return bounded_format(wrapped, partial(width_of_braces, value.__self__))


def make_environment(
    sources: Mapping[str, str], intents: IntentReader | None = None
) -> ImmutableSandboxedEnvironment:
    """Return an environment whose templates come from the given texts only.

    Args:
        sources: name → text.
        intents: what `about` finds; the shipped intents where it is None.

    """

    def load(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        return (sources[name], name, lambda: True) if name in sources else None

    environment = _Environment(
        loader=FunctionLoader(load),
        undefined=Missing,
        autoescape=False,  # the result is plain text; HTML is escaped where it is made
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    reader = intents or shipped_intents()
    environment.known_intents = reader.names
    environment.known_files = sources.keys()
    filters = environment.filters
    filters |= {name: bounded(filters[name]) for name in PADDING_FILTERS}
    filters["format"] = bounded_format(filters["format"], width_of_percent)
    environment.tests |= {
        "mentioning": is_mentioning,
        "matching": is_matching,
        "like": is_like,
        "about": _about(reader),
    }
    return environment


def mistakes(
    environment: ImmutableSandboxedEnvironment, tree: nodes.Node
) -> Iterator[tuple[int, str]]:
    """Find patterns that RE2 cannot compile, unknown intents, absent files: (line, message)."""
    checks: dict[str, Callable[[str], object]] = {
        "matching": _pattern,
        "about": lambda name: _known_intent(name, getattr(environment, "known_intents", ())),
    }
    for test in tree.find_all(nodes.Test):
        for argument in test.args if test.name in checks else ():
            if isinstance(argument, nodes.Const) and isinstance(argument.value, str):
                try:
                    checks[test.name](argument.value)
                except ValueError as error:
                    yield test.lineno, str(error)
    yield from _absent(tree, getattr(environment, "known_files", ()))


def _absent(tree: nodes.Node, files: Container[str]) -> Iterator[tuple[int, str]]:
    """Find what is included and does not exist; one of several names is enough."""
    for node in tree.find_all(_BRINGS_IN):
        names = _names(node.template)
        optional = getattr(node, "ignore_missing", False)
        if names and not optional and not any(name in files for name in names):
            yield node.lineno, absent(names)


def absent(names: Iterable[str]) -> str:
    """Return what is said of files to include that are not there."""
    return f"there is no {' or '.join(names)} in the folder to include"


def _names(wanted: nodes.Expr) -> Sequence[str]:
    """Return what an include names; nothing where that is worked out as it runs."""
    try:
        found = wanted.as_const()
    except nodes.Impossible:
        return ()
    return (found,) if isinstance(found, str) else found

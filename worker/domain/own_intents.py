"""`_intents.yaml`: what a template folder makes of the shipped intents, and its own ones."""

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Final

import yaml

from worker.domain.frontmatter import TemplateError, load_yaml
from worker.domain.intents import ORDER, IntentReader
from worker.domain.lexicon import Phrases
from worker.domain.wordings import GRAMMAR, spelled

INTENTS_FILE: Final = "_intents.yaml"
_SECTIONS: Final = ("intents", "instead", "never")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}")
_ALIKE: Final = 0.85
"""From here on a new name is taken for a slip of the pen."""

Rows = dict[str, dict[str, list[str]]]


def read_intents(text: str) -> IntentReader:
    """Build the reader of a folder from its `_intents.yaml`; "" where it has none.

    Raises:
        TemplateError: naming the line of the first thing that is wrong.

    """
    load_yaml(INTENTS_FILE, text or "{}")
    tables: dict[str, Rows] = {section: {} for section in _SECTIONS}
    root = yaml.compose(text, yaml.SafeLoader)
    for section, names in _pairs(root):
        if section.value not in tables:
            raise _problem(section, f"unknown key {section.value}", section.value, _SECTIONS)
        table = tables[section.value]
        for name, rows in _pairs(names):
            _check_name(name, section.value, tables["intents"])
            table[name.value] = {code: _phrases(node) for code, node in _languages(rows)}
    return IntentReader(tables["intents"], instead=tables["instead"], never=tables["never"])


def _pairs(node: yaml.Node | None) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    """Yield key and value as they are written: YAML would read `no` as false."""
    if node is None or (isinstance(node, yaml.ScalarNode) and not node.value.strip("~")):
        return
    if not isinstance(node, yaml.MappingNode):
        raise _problem(node, "expected keys with values, like pricing: {en: [how much]}")
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _problem(key, "a key is one word")
        yield key, value


def _check_name(name: yaml.ScalarNode, section: str, own: Iterable[str]) -> None:
    known = (*ORDER, *own)
    if name.value in known:
        if section == "instead" and name.value not in ORDER:
            raise _problem(name, f"{name.value} is not shipped: it has nothing to replace")
        return
    if section != "intents":
        raise _problem(name, f"there is no intent {name.value}", name.value, known)
    if not _NAME.fullmatch(name.value) or name.value in GRAMMAR:
        raise _problem(name, f"{name.value} is no name; write one in small letters")
    near = difflib.get_close_matches(name.value, ORDER, 1, _ALIKE)
    if near:
        raise _problem(name, f"{name.value} is almost {near[0]}; choose another name")


def _languages(rows: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    for code, phrases in _pairs(rows):
        if not _LANGUAGE.fullmatch(code.value):
            raise _problem(code, f"{code.value} is no language; write two letters, like en or de")
        yield code.value, phrases


def _phrases(node: yaml.Node) -> list[str]:
    if not isinstance(node, yaml.SequenceNode):
        raise _problem(node, "expected a list of phrases, like [how much, what price]")
    return [_phrase(item) for item in node.value]


def _phrase(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _problem(node, "a phrase with signs has to stand in quotes")
    try:
        Phrases({"": spelled([node.value])}, korean_words=True)
    except ValueError as error:
        raise _problem(node, str(error)) from None
    return str(node.value)


def _problem(
    node: yaml.Node, message: str, wrong: str = "", right: Iterable[str] = ()
) -> TemplateError:
    near = difflib.get_close_matches(wrong, list(right), 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return TemplateError(INTENTS_FILE, node.start_mark.line + 1, message + hint)

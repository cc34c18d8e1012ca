"""Which variables templates read, and which of them exist nowhere."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment, nodes
from jinja2.meta import find_undeclared_variables

from worker.domain.environment import Fields
from worker.domain.examples import example_facts
from worker.domain.frontmatter import Advice, Place, TemplateError, nearest
from worker.domain.rendering import context
from worker.domain.rules import SETTINGS_FILE, SUFFIX, Rule, Templates
from worker.domain.trials import USUAL

_CLOSED: Final = frozenset({"reply", "thread", "campaign"})
"""Of these the fields are known: another name is a mistake even where a default guards it."""

_DRAWN: Final = "variant"
_GUARDS: Final = frozenset({"default", "d", "defined", "undefined"})
_VERY_NEAR: Final = 0.8
"""How much a lead's field has to look like another one to be taken for a slip of the pen."""

Field = tuple[str, str]
"""`lead.company` as ("lead", "company")."""


class UnknownName(TemplateError):  # noqa: N818 - shown to people, who call it that
    """A variable that exists nowhere; `variable` is how the template has it."""

    def __init__(self, at: Place, variable: str, message: str) -> None:
        super().__init__(*at, message)
        self.variable = variable


@dataclass(frozen=True, slots=True)
class _Piece:
    """A text, a condition or a subject: its source, and where its first line stands.

    `own`: names that are in reach of this piece only.
    """

    source: str
    at: Place
    own: frozenset[str] = frozenset()

    def place(self, line: int) -> Place:
        file, first = self.at
        return file, first + line - 1


def problems(templates: Templates, lead_fields: Iterable[str] = ()) -> Iterator[TemplateError]:
    """Find the variables that exist nowhere; `lead_fields` are those that leads do have."""
    if not templates.rules:
        return
    parser = templates.rules[0].body.environment
    known = _vocabulary(templates, lead_fields)
    for piece in _pieces(templates, parser):
        tree = parser.parse(piece.source)
        free = find_undeclared_variables(tree) - _set_in(tree) - piece.own
        yield from _unknown_names(tree, piece, free - known.keys(), known)
        yield from _unknown_fields(tree, piece, free, known)


Vocabulary = Mapping[str, frozenset[str] | None]
"""Every name in reach, with its fields; None where it is no bag of fields."""


def _vocabulary(templates: Templates, lead_fields: Iterable[str]) -> Vocabulary:
    reach = context(example_facts("Hello"), templates.settings)
    known = {
        name: frozenset(vars(value)) - {"_label"} if isinstance(value, Fields) else None
        for name, value in reach.items()
    }
    rows = (row.model_dump() for row in templates.settings.accounts.values())
    return known | {
        "lead": frozenset({"id", "email"}.union(USUAL, lead_fields)),
        "account": frozenset({"email", "timezone"}.union(*rows)),
        "vars": frozenset(templates.settings.vars),
    }


def _pieces(templates: Templates, parser: Environment) -> Iterator[_Piece]:
    texts = [text for rule in templates.rules for text in rule.texts]
    drawn = frozenset({_DRAWN} if any(text.front.variants for text in texts) else ())
    set_by_texts = frozenset[str]().union(
        *(_set_in(parser.parse(templates.texts[text.file])) for text in texts)
    )
    for text in texts:
        yield from _pieces_of(text, templates)
    broken = {problem.name for problem in templates.problems}
    for name, source in templates.texts.items():
        if name.startswith("_") and name.endswith(SUFFIX) and name not in broken:
            yield _Piece(source, (name, 1), set_by_texts | drawn)


def _pieces_of(text: Rule, templates: Templates) -> Iterator[_Piece]:
    drawn = frozenset({_DRAWN} if text.front.variants else ())
    yield _Piece(templates.texts[text.file], (text.file, 1), drawn)
    if text.subject_at[0] == text.file:
        yield _Piece(_on_one_line(text.front.subject), text.subject_at, drawn)
    if text.own_when:
        yield _Piece("{{" + _on_one_line(str(text.front.when)) + "}}", text.when_at)


def _on_one_line(value: str) -> str:
    """Return a value as one line: how YAML folds its lines says nothing of where they stand."""
    return value.replace("\n", " ")


def _set_in(tree: nodes.Template) -> frozenset[str]:
    return frozenset(name.name for name in tree.find_all(nodes.Name) if name.ctx == "store")


def _unknown_names(
    tree: nodes.Template, piece: _Piece, unknown: Iterable[str], known: Iterable[str]
) -> Iterator[TemplateError]:
    for name in sorted(unknown):
        if name == _DRAWN:
            why = "variant is in reach of text and subject, where variants: names them above"
        else:
            near = nearest(name, known)
            why = f"{name} does not exist" + (f"; did you mean {near}?" if near else "")
        yield UnknownName(piece.place(_first_line(tree, name)), name, why)


def _first_line(tree: nodes.Template, name: str) -> int:
    return next((n.lineno for n in tree.find_all(nodes.Name) if n.name == name), 1)


def _unknown_fields(
    tree: nodes.Template, piece: _Piece, free: Iterable[str], known: Vocabulary
) -> Iterator[TemplateError]:
    guarded = frozenset(_guarded(tree))
    for field, line in _fields_read(tree).items():
        fields = known.get(field[0]) if field[0] in free else None
        if fields is not None and field[1] not in fields:
            yield from _judged(field, fields, piece.place(line), guarded=field in guarded)


def _judged(
    field: Field, known: frozenset[str], place: Place, *, guarded: bool
) -> Iterator[TemplateError]:
    """Say what is wrong with an unknown field, if anything is for certain or very likely."""
    owner, name = field
    sure = owner in _CLOSED or (owner == "vars" and not guarded)
    near = nearest(name, known, 0.6 if sure else _VERY_NEAR)
    meant = f"; did you mean {owner}.{near}?" if near else ""
    if sure:
        where = f" in {SETTINGS_FILE}" if owner == "vars" else ""
        why = f"there is no {owner}.{name}{where}{meant}"
        yield UnknownName(place, f"{owner}.{name}", why)
    elif near:
        yield Advice(*place, f"nothing is known to have {owner}.{name}{meant}")


def _fields_read(tree: nodes.Template) -> dict[Field, int]:
    """Return the fields that are read, each with the first line that does."""
    found: dict[Field, int] = {}
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        if field := _field(node):
            found.setdefault(field, node.lineno)
    return found


def _field(node: nodes.Node | None) -> Field | None:
    match node:
        case nodes.Getattr(node=nodes.Name(name=owner), attr=name):
            return owner, name
        case nodes.Getitem(node=nodes.Name(name=owner), arg=nodes.Const(value=str(name))):
            return owner, name
        case _:
            return None


def _guarded(tree: nodes.Template) -> Iterator[Field]:
    """Yield the fields that some `default(…)` or `is defined` looks after."""
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        if node.name in _GUARDS and (field := _field(node.node)):
            yield field

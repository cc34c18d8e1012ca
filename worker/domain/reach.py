"""Which rules are never chosen, and which ones nobody can tell apart."""

from collections.abc import Iterator
from typing import Final, TypeGuard

from jinja2 import nodes

from worker.domain import examples
from worker.domain.compiling import Context
from worker.domain.environment import make_environment
from worker.domain.frontmatter import Advice, TemplateError
from worker.domain.rendering import context
from worker.domain.rules import RENDER_ERRORS, Rule, Templates
from worker.domain.words import UNSPACED, fold, mentions

_SPOKEN_BY_NOBODY: Final = "zxx"
"""The code for "no language at all": stands for all those that no file speaks."""


def unreachable(templates: Templates) -> Iterator[TemplateError]:
    """Find the rules that fit only where one that is asked before them fits as well."""
    logic = _Logic()
    for number, rule in enumerate(templates.rules):
        before = (r for r in templates.rules[:number] if logic.always_first(r, rule))
        if logic.is_off(rule):
            yield Advice(*rule.when_at, "never chosen: its condition never holds")
        elif winner := next(before, None):
            why = f"never chosen: {winner.file} (priority {winner.front.priority}) is asked first"
            yield TemplateError(*rule.when_at, f"{why} and fits whenever this one does")


def ties(templates: Templates) -> Iterator[TemplateError]:
    """Find the examples that two rules of one priority fit: only their names decide then."""
    told: set[tuple[str, str]] = set()
    for example in examples.of(templates):
        last = example.verdict(templates).trace[-1]
        winner = templates.rule(last.name) if last.outcome == "fits" else None
        for other in _equals(winner, templates) if winner else ():
            pair = (last.name, other.name)
            if pair not in told and _fits(other, example, templates):
                told.add(pair)
                yield TemplateError(*example.at, _tie(example.words, last.name, other))


def _equals(winner: Rule, templates: Templates) -> list[Rule]:
    """Return the rules that are asked later only because of their names."""
    same = [r for r in templates.rules if r.front.priority == winner.front.priority]
    return same[same.index(winner) + 1 :]


def _fits(rule: Rule, example: examples.Example, templates: Templates) -> bool:
    facts = example.facts(templates)
    known = context(facts, templates.settings)
    return any(_holds(text, known) for text in rule.asked(facts.language))


def _holds(text: Rule, known: Context) -> bool:
    try:
        return text.fits(known)
    except RENDER_ERRORS:  # told where examples are run
        return False


def _tie(words: str, winner: str, other: Rule) -> str:
    both = f"{winner} and {other.name}, both of priority {other.front.priority}"
    return f"the example “{words}” fits {both}: give one of them another priority"


class _Logic:
    """Tells which conditions follow from which: never wrongly, and not always."""

    def __init__(self) -> None:
        self._parser = make_environment({})
        self._known: dict[tuple[int, int], bool] = {}
        self._conditions: dict[str, nodes.Expr] = {}

    def is_off(self, rule: Rule) -> bool:
        """Say whether no text of a rule can ever fit."""
        return all(_constant(self._condition(text)) is False for text in rule.texts)

    def always_first(self, earlier: Rule, later: Rule) -> bool:
        """Say whether the earlier rule fits whenever the later one does, in any language."""
        named = {text.variant for rule in (earlier, later) for text in rule.texts}
        return all(
            any(self._gives_way(text, first) for first in earlier.asked(spoken))
            for spoken in (*named, _SPOKEN_BY_NOBODY)
            for text in later.asked(spoken)
        )

    def _gives_way(self, text: Rule, first: Rule) -> bool:
        return self._follows(self._condition(text), self._condition(first))

    def _condition(self, rule: Rule) -> nodes.Expr:
        when = str(rule.front.when)
        if when not in self._conditions:
            (output,) = self._parser.parse("{{" + when + "}}").find_all(nodes.Output)
            self._conditions[when] = output.nodes[0]
        return self._conditions[when]

    def _follows(self, a: nodes.Expr, b: nodes.Expr) -> bool:
        """Say whether b holds wherever a does."""
        key = (id(a), id(b))
        if key not in self._known:
            self._known[key] = _is_sure(a, b) or self._by_parts(a, b)
        return self._known[key]

    def _by_parts(self, a: nodes.Expr, b: nodes.Expr) -> bool:
        follows = self._follows
        match a, b:
            case nodes.Or(), _:
                return follows(a.left, b) and follows(a.right, b)
            case _, nodes.And():
                return follows(a, b.left) and follows(a, b.right)
            case nodes.Not(), nodes.Not():
                return follows(b.node, a.node)
            case _:
                narrower = (a.left, a.right) if isinstance(a, nodes.And) else ()
                wider = (b.left, b.right) if isinstance(b, nodes.Or) else ()
                return any(follows(part, b) for part in narrower) or any(
                    follows(a, part) for part in wider
                )


def _is_sure(a: nodes.Expr, b: nodes.Expr) -> bool:
    return a == b or _constant(a) is False or _constant(b) is True or _says_more(a, b)


def _constant(condition: nodes.Expr) -> bool | None:
    """Return what a condition always is; None where it depends."""
    try:
        return bool(condition.as_const())
    except nodes.Impossible:
        return None


def _says_more(a: nodes.Expr, b: nodes.Expr) -> bool:
    """Say whether each phrase of one `mentioning` has a phrase of the other in it."""
    if not (_is_mentioning(a) and _is_mentioning(b) and a.node == b.node):
        return False
    long, short = _phrases(a), _phrases(b)
    all_known = len(long) == len(a.args) and not a.dyn_args
    return all_known and all(any(_is_in(one, other) for one in short) for other in long)


def _is_mentioning(condition: nodes.Expr) -> TypeGuard[nodes.Test]:
    return isinstance(condition, nodes.Test) and condition.name == "mentioning"


def _phrases(test: nodes.Test) -> list[str]:
    """Return what a `mentioning` looks for, as far as it is written out."""
    return [str(arg.value) for arg in test.args if isinstance(arg, nodes.Const)]


def _is_in(short: str, long: str) -> bool:
    """Say whether who mentions the long phrase mentions the short one.

    A phrase without spaces is found inside of words, where one with spaces is not.
    """
    anywhere = UNSPACED.search(long) and not UNSPACED.search(short)
    return mentions(fold(long), short) and not anywhere

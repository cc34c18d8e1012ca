"""`check` finds the rules that are never chosen, and those that only their names tell apart."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain import reach
from worker.domain.environment import Fields, make_environment
from worker.domain.frontmatter import Advice, TemplateError
from worker.domain.rules import Templates, build


def template(when: str, priority: int = 50, *examples: str, **front: str) -> str:
    lines = [f"{key}: {value}" for key, value in front.items()]
    listed = f"examples: {{match: [{', '.join(map(repr, examples))}]}}"
    front_matter = "\n".join((f"priority: {priority}", *lines, listed, f"when: {when}"))
    return f"---\n{front_matter}\n---\nHello"


def folder(**files: str) -> Templates:
    templates = build({f"{name.replace('_', '.')}.j2": text for name, text in files.items()})
    assert templates.problems == ()
    return templates


def unreachable(**files: str) -> list[str]:
    return [str(error) for error in reach.unreachable(folder(**files))]


def hides(first: str, second: str) -> bool:
    """Say whether a rule of the first condition leaves nothing to one of the second."""
    found = unreachable(first=template(first, 60), second=template(second, 50))
    return any(line.startswith("second.j2:4: never chosen: first.j2 ") for line in found)


def test_below_a_rule_that_always_fits_nothing_is_chosen() -> None:
    found = unreachable(
        all=template("true", 60), low=template("lead.id", 10), high=template("thread.answered", 70)
    )
    assert found == [
        (
            "low.j2:4: never chosen: all.j2 (priority 60) is asked first "
            "and fits whenever this one does"
        )
    ]


def test_of_one_priority_the_name_decides_who_hides_whom() -> None:
    found = unreachable(b=template("true"), a=template("true"))
    assert [line.partition(": ")[0] for line in found] == ["b.j2:4"]


M = "reply is mentioning"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("true", "lead.size > 3"),
        ("1 == 1", "lead.id"),
        ("1 + 1", "lead.id"),
        ("lead.id", "lead.id"),
        ("lead.id  and (thread.answered)", "lead.id and thread.answered"),
        ("lead.id", "lead.id and thread.answered"),
        ("lead.id", "thread.answered and lead.id and true"),
        ("lead.id or thread.answered", "thread.answered"),
        ("lead.id or thread.answered", "thread.answered or lead.id"),
        ("not (lead.id and thread.answered)", "not lead.id"),
        (f'{M}("price")', f'{M}("price", "PRICE")'),
        (f'{M}("price", "cost")', f'{M}("cost")'),
        (f'{M}("price")', f'{M}("price list", "the price")'),
        (f'{M}("Café")', f'{M}("a cafe in town")'),
        (f'{M}("price")', f'{M}("price list") and not {M}("no")'),
        (f'not {M}("price list")', f'not {M}("price")'),
        (f'{M}("価格")', f'{M}("価格表")'),
    ],
)
def test_who_fits_wherever_the_other_one_does_hides_it(first: str, second: str) -> None:
    assert hides(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("lead.id and thread.answered", "lead.id"),
        ("lead.id", "lead.id or thread.answered"),
        ("lead.size > 3", "lead.size > 4"),
        ("not lead.id", "lead.id"),
        ("not lead.id", "not (lead.id and thread.answered)"),
        (f'{M}("price list")', f'{M}("price")'),
        (f'{M}("price")', f'{M}("price", "cost")'),
        (f'{M}("price")', f'{M}("prices")'),
        (f'{M}("price")', f'{M}("price", vars.words)'),
        (f'{M}("price")', f'{M}("price", *vars.words)'),
        (f'{M}("price")', 'thread.subject is mentioning("price")'),
        (f'{M}("price")', 'reply is matching("price")'),
        (f'{M}("price")', f'not {M}("price")'),
        (f'not {M}("price")', f'not {M}("price list")'),
        (f'{M}("price")', f'{M}("価格 price")'),
        ("vars.on", "true"),
    ],
)
def test_who_leaves_something_to_the_other_one_hides_nothing(first: str, second: str) -> None:
    assert not hides(first, second)


def test_conditions_with_hundreds_of_parts_are_compared_in_no_time() -> None:
    first = " and ".join(f"lead.a{n}" for n in range(60))
    second = " or ".join(f"lead.b{n}" for n in range(60))
    assert not hides(first, second)


ATOMS = (
    *(f"lead.{name}" for name in "abc"),
    "true",
    "false",
    *(f"{M}({words})" for words in ('"price"', '"price list"', '"list", "price"', '"cost"')),
)
CONDITIONS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({' '.join(t)})")
        | inner.map("(not {})".format)
    ),
    max_leaves=6,
)
WORLDS = [
    {"lead": Fields("lead", dict(zip("abc", facts, strict=True))), "reply": text}
    for facts in product((True, False), repeat=3)
    for text in ("price", "a price list", "list", "cost and price", "list price", "nothing")
]


@given(first=CONDITIONS, second=CONDITIONS)
def test_who_is_said_to_be_hidden_fits_nowhere_alone(first: str, second: str) -> None:
    if hides(first, second):
        environment = make_environment({})
        fits, other = (environment.compile_expression(when) for when in (first, second))
        assert all(fits(**world) for world in WORLDS if other(**world))


@pytest.mark.parametrize("when", ["false", "0", "1 > 2 and lead.id"])
def test_a_rule_that_is_switched_off_is_no_mistake_but_said(when: str) -> None:
    (found,) = reach.unreachable(folder(a=template(when), b=template("true")))
    assert isinstance(found, Advice)
    assert str(found) == "a.j2:4: never chosen: its condition never holds"


# Languages


def test_a_rule_is_reached_in_a_language_that_the_first_one_asks_otherwise_about() -> None:
    german = "---\nwhen: reply is mentioning('preis')\n---\nHallo"
    assert unreachable(a=template("true", 60), a_de=german, b=template("true", 0)) == []


def test_a_rule_whose_every_text_comes_second_is_never_chosen() -> None:
    german = "---\nwhen: reply is mentioning('preis')\n---\nHallo"
    found = unreachable(a=template("true", 60), b=template("lead.id", 0), b_de=german)
    assert [line.partition(": ")[0] for line in found] == ["b.j2:4"]


# Ties


def ties(**files: str) -> list[str]:
    found = list(reach.ties(folder(**files)))
    assert all(type(error) is TemplateError for error in found)
    return [str(error) for error in found]


PRICE, COST = template(f'{M}("price")', 50, "price?"), template(f'{M}("cost")', 50, "cost?")


def test_two_rules_of_one_priority_that_fit_one_example_are_named() -> None:
    both = template(f'{M}("cost", "price list")', 50, "cost?", "The price list")
    assert ties(price=PRICE, other=both) == [
        (
            "other.j2:3: the example “The price list” fits other and price, both of priority 50: "
            "give one of them another priority"
        )
    ]


def test_a_pair_is_named_once() -> None:
    both = template(f'{M}("cost", "price")', 50, "cost?", "price!", "The price")
    assert len(ties(price=PRICE, other=both)) == 1


def test_a_skip_example_shows_a_tie_too() -> None:
    both = template(f'{M}("cost", "list")').replace("match", "skip").replace("[]", "['price list']")
    assert [line.partition(":")[0] for line in ties(price=PRICE, zother=both)] == ["zother.j2"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(COST, id="they fit different examples"),
        pytest.param(template(f'{M}("price")', 49, "price?"), id="their priorities differ"),
        pytest.param(template("lead.size > 3"), id="one of them fails"),
    ],
)
def test_who_can_be_told_apart_is_no_tie(other: str) -> None:
    assert ties(price=PRICE, zother=other) == []


def test_below_a_rule_that_takes_the_example_a_tie_does_no_harm() -> None:
    both = template(f'{M}("price")', 50, "price?")
    assert ties(price=PRICE, other=both, first=template(f'{M}("price")', 60)) == []


def test_what_a_guard_decides_is_no_tie() -> None:
    one = template(f'{M}("unsubscribe")', 50, "unsubscribe")
    assert ties(a=one, b=one) == []


def test_translations_tie_in_their_language() -> None:
    german = "---\nwhen: reply is mentioning('preis')\nexamples: {match: ['Preis?']}\n---\nHallo"
    found = ties(price=PRICE, price_de=german, cost=COST, cost_de=german)
    assert [line.partition(" the")[0] for line in found] == ["cost.de.j2:3:"]

import pytest

from worker.domain import examples
from worker.domain.rules import build

from .making import folder

PRICING = 'when: reply is mentioning("price")\npriority: 60\nexamples:\n'


def wrong(front: str, body: str = "Hello") -> list[str]:
    templates = folder(body, front=front)
    assert templates.problems == ()
    return [str(error) for error in examples.problems(templates)]


def test_examples_that_hold_are_no_problem() -> None:
    assert wrong(PRICING + '  match: ["The price?"]\n  skip: ["Hello"]') == []


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('  match: ["Hello"]', "the match example “Hello” ends as no_rule: no template fits"),
        (
            '  match: ["The price? Unsubscribe me"]',
            "the match example “The price? Unsubscribe me” ends as opted_out: asked to stop",
        ),
        ('  skip: ["The price?"]', "the skip example “The price?” gets this template"),
        ('  match: [""]', "the match example “” ends as no_words"),
    ],
)
def test_an_example_that_comes_out_wrong_is_explained(lines: str, message: str) -> None:
    (found,) = wrong(PRICING + lines)
    assert found.startswith(f"answer.j2:5: {message}")


def test_an_example_is_named_with_its_own_line() -> None:
    lines = '  match:\n    - The price?\n    # none\n    - >-\n      Hello\n  skip: ["a", "price"]'
    assert [error.partition(": ")[0] for error in wrong(PRICING + lines)] == [
        "answer.j2:8",
        "answer.j2:10",
    ]


def test_it_is_said_which_template_took_an_example() -> None:
    other = "---\nwhen: true\npriority: 99\n---\nHi"
    templates = folder(front=PRICING + '  match: ["The price?"]', other_j2=other)
    (found,) = map(str, examples.problems(templates))
    assert found.endswith("gets other.j2 (priority 99) instead")


@pytest.mark.parametrize("action", ["skip", "hold", "opt_out"])
def test_rules_that_send_nothing_have_examples_too(action: str) -> None:
    front = f'action: {action}\n{PRICING}  match: ["The price?"]\n  skip: ["Hello"]'
    assert wrong(front, "Hi {{ lead.first_name }}") == []


def test_examples_are_counted() -> None:
    assert examples.count(folder(front=PRICING + '  match: ["a", "b"]\n  skip: ["c"]')) == 3


def test_the_examples_of_a_translation_are_in_its_language() -> None:
    german = (
        '---\nwhen: reply is mentioning("preis")\nexamples:\n  match: ["Preis?", "Price?"]\n---\nHi'
    )
    english = f'---\n{PRICING}  match: ["The price?", "Der Preis?"]\nlanguage: en\n---\nHi'
    found = examples.problems(build({"pricing.j2": english, "pricing.de.j2": german}))
    assert [str(error).partition(" ends")[0] for error in found] == [
        "pricing.j2:5: the match example “Der Preis?”",
        "pricing.de.j2:4: the match example “Price?”",
    ]

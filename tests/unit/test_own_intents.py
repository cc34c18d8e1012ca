import pytest

from worker.domain.frontmatter import TemplateError
from worker.domain.intents import ORDER
from worker.domain.own_intents import read_intents


def names(text: str, words: str) -> list[str]:
    return [intent.name for intent in read_intents(text).read(words)]


@pytest.mark.parametrize("text", ["", "# nothing\n", "intents:\ninstead: ~\nnever: {}\n"])
def test_a_folder_without_words_of_its_own_has_the_shipped_intents(text: str) -> None:
    assert read_intents(text).names == ORDER
    assert names(text, "How much?") == ["pricing", "question"]


def test_phrases_are_added_replaced_and_taken_away() -> None:
    text = """
intents:
  pricing: {en: [the setback], de: ["was muss ich hinlegen"]}
  integration: {en: ["integrat* with"]}
instead:
  meeting: {en: [a rendezvous]}
never:
  objection: {en: [too expensive]}
  integration: {en: ["integrate with people"]}
"""
    assert names(text, "What is the setback") == ["pricing"]
    assert names(text, "Was muss ich hinlegen") == ["pricing"]
    assert names(text, "It integrates with Outlook") == ["integration"]
    assert names(text, "I integrate with people") == []
    assert names(text, "a call, a demo") == []
    assert names(text, "a rendezvous") == ["meeting"]
    assert names(text, "too expensive") == []


def test_the_language_norwegian_is_no_truth_value() -> None:
    assert names("intents: {pricing: {no: [hvor dyrt]}}", "hvor dyrt") == ["pricing"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("intents:\n  pricing: [", "2: "),
        ("- pricing", "1: expected keys with values"),
        ("intents: {}\n\nintent: {}", "3: unknown key intent; did you mean intents?"),
        ("intents:\n  pricng: {en: [x]}", "2: pricng is almost pricing; choose another name"),
        ("intents:\n  meetings: {en: [x]}", "2: meetings is almost meeting"),
        ("intents:\n  My intent: {en: [x]}", "2: My intent is no name"),
        ("intents:\n  again: {en: [x]}", "2: again is no name"),
        ("never:\n\n  pricng: {en: [x]}", "3: there is no intent pricng; did you mean pricing?"),
        ("instead:\n  zzz: {en: [x]}", "2: there is no intent zzz"),
        ("intents: {zzz: {en: [x]}}\ninstead:\n  zzz: {en: [x]}", "3: zzz is not shipped"),
        ("intents:\n  pricing:\n    english: [x]", "3: english is no language"),
        ("intents:\n  pricing:\n    en: how much", "3: expected a list of phrases"),
        ("intents:\n  pricing:\n    en:\n    - x\n    - …", "5: '…' is no phrase"),
        ("intents:\n  pricing:\n    en: [a, [me] off]", "3: "),
        ("intents:\n  pricing:\n    en:\n    - {a: b}", "4: a phrase with signs"),
        ("intents:\n  pricing: {en: ['ab*']}", "2: 'ab*': a choice is one word"),
        ("intents:\n  pricing: {en: [x], en: [y]}", "2: en stands twice"),
        ("intents:\n  pricing: yes", "2: expected keys with values"),
        ("intents:\n  ? [a]\n  : b", "2: "),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_is_right(text: str, problem: str) -> None:
    with pytest.raises(TemplateError) as raised:
        read_intents(text)
    assert str(raised.value).startswith(f"_intents.yaml:{problem}")

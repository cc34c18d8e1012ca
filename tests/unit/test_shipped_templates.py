from pathlib import Path

import pytest

from worker.domain import examples
from worker.domain.deciding import decide
from worker.domain.decision import Reply
from worker.domain.guards import Policy
from worker.domain.model import Mode
from worker.domain.rendering import render
from worker.domain.rules import Rule, build

from .making import LEAD, MAILBOX, event, facts, said

FOLDER = Path(__file__).parents[2] / "templates"
SOURCES = {path.name: path.read_text("utf-8") for path in FOLDER.iterdir()}
SHIPPED = build(SOURCES)
EACH_RULE = pytest.mark.parametrize("rule", SHIPPED.rules, ids=lambda rule: rule.name)


def test_the_shipped_folder_has_no_problems() -> None:
    assert SHIPPED.problems == ()
    assert {rule.name for rule in SHIPPED.rules} == {
        "pricing", "meeting", "more_information", "interested", "not_now", "not_interested",
        "wrong_person", "fallback",
    }  # fmt: skip


def test_every_example_holds() -> None:
    assert [str(error) for error in examples.problems(SHIPPED)] == []


@EACH_RULE
def test_every_template_has_examples_of_both_kinds(rule: Rule) -> None:
    assert len(rule.front.examples.match) >= 5
    assert len(rule.front.examples.skip) >= 4


def test_no_two_templates_have_the_same_priority() -> None:
    assert len({rule.front.priority for rule in SHIPPED.rules}) == len(SHIPPED.rules)


@EACH_RULE
def test_a_template_makes_sense_for_a_lead_of_whom_only_the_id_is_known(rule: Rule) -> None:
    draft = render(rule, examples.example_facts("Hello"), SHIPPED.settings)
    assert draft.subject == "Re: your message"
    assert draft.body.startswith("Hi there,\n\n")
    assert draft.body.endswith("\n\nAlex Morgan\nExample Ltd")
    for broken in ("None", "{{", "{%", "[", "TODO", "undefined", "\n\n\n"):
        assert broken not in draft.body


@EACH_RULE
def test_a_template_uses_what_is_known(rule: Rule) -> None:
    account = f"\naccounts:\n  {MAILBOX}: {{name: Sam, signature: Sam of Ours}}\n"
    sources = SOURCES | {"_settings.yaml": SOURCES["_settings.yaml"] + account}
    templates = build(sources)
    same = templates.rule(rule.name)
    assert same is not None
    draft = render(same, facts(event=event(lead={"first_name": "Ann"})), templates.settings)
    assert draft.subject == "Re: Your team"
    assert draft.body.startswith("Hi Ann,\n\n")
    assert draft.body.endswith("\n\nSam of Ours")
    assert LEAD not in draft.body


@EACH_RULE
def test_answers_leave_at_once_unless_somebody_sets_a_delay(rule: Rule) -> None:
    assert rule.front.delay[1].total_seconds() == 0
    assert rule.front.hours is None


def test_a_person_looks_at_the_uncertain_ones_first() -> None:
    held = {rule.name for rule in SHIPPED.rules if rule.front.mode is Mode.HOLD}
    assert held == {"wrong_person", "fallback"}
    refusal = SHIPPED.rule("not_interested")
    assert refusal is not None
    assert refusal.front.action == "skip"


@pytest.mark.parametrize(
    "words",
    [
        "Not interested.",
        "not interested in your pricing",
        "No budget.",
        "We have no budget, otherwise I'd be interested",
        "I don't want a call.",
        "No.",
        "This is spam",
        "Your price is too high",
        "Where did you get my address?",
        "How dare you",
        "I would be interested in how you got my data",
        "We were interested once",
        "Interested? Not at all.",
        "Is this automated?",
        "I don't need more information.",
        "I'm on parental leave until May, please contact Ben",
        "Kein Interesse an Ihren Preisen",
        "Das ist uns zu teuer.",
        "Derzeit brauchen wir keine Demo.",
        "Pas intéressé par une démo.",
        "C'est du spam, où avez-vous trouvé mon adresse ?",
        "No nos interesa el precio.",
        "Non ci interessa una call.",
        "Nie jesteśmy zainteresowani ceną.",
        "İlgilenmiyoruz.",
        "興味がありません。",
        "不感兴趣",
    ],
)
def test_nobody_who_says_no_gets_a_pitch(words: str) -> None:
    decision = decide(said(words), SHIPPED, Policy()).decision
    pitches = {"pricing", "meeting", "more_information", "interested"}
    assert not (isinstance(decision, Reply) and decision.rule.name in pitches)


@pytest.mark.parametrize(
    ("words", "template"),
    [
        ("Kein Interesse.", "not_interested"),
        ("Nei takk", "not_interested"),
        ("Я не тот человек, кто этим занимается.", "wrong_person"),
        ("我不是负责人。", "wrong_person"),
    ],
)
def test_what_needs_no_answer_is_understood_in_any_language(words: str, template: str) -> None:
    decision = decide(said(words), SHIPPED, Policy()).decision
    name = decision.rule.name if isinstance(decision, Reply) else decision.template
    assert name == template


def test_the_intents_that_are_commented_out_work() -> None:
    marked = SOURCES["_intents.yaml"]
    examples = marked[marked.index("\nintents:") :].replace("\n#  ", "\n  ")
    templates = build(SOURCES | {"_intents.yaml": examples})
    assert templates.problems == ()
    assert "integration" in templates.intents.names
    assert templates.intents.read("the damage")[0].name == "pricing"
    assert templates.intents.read("Too expensive!")[0].name == "objection"
    assert templates.intents.read("We use our own tool") == ()


def test_a_draft_for_the_wrong_person_names_the_right_one() -> None:
    rule = SHIPPED.rule("wrong_person")
    assert rule is not None
    named = render(rule, said("Wrong person. Please contact Anna Meyer."), SHIPPED.settings)
    assert "I will write to Anna Meyer then" in named.body
    unnamed = render(rule, said("Wrong person."), SHIPPED.settings)
    assert "Who would be the right person" in unnamed.body


def test_the_delay_that_is_commented_out_works() -> None:
    marked = SOURCES["_settings.yaml"]
    settings = marked.replace("# delay:", "delay:").replace("# hours:", "hours:")
    assert settings != marked
    templates = build(SOURCES | {"_settings.yaml": settings})
    assert templates.problems == ()
    assert all(rule.front.delay[1] and rule.front.hours for rule in templates.rules)

from dataclasses import replace

import pytest

from worker.domain.choosing import choose
from worker.domain.decision import Hold, OptOut, Reply, Skip, Verdict
from worker.domain.frontmatter import TemplateSettings
from worker.domain.model import Tally
from worker.domain.rules import Templates, build

from .making import folder, problem, said


def template(when: str, **front: object) -> str:
    lines = [f"when: {when}", *(f"{key}: {value}" for key, value in front.items())]
    return "\n".join(["---", *lines, "---", "Hello"])


def ask(templates: Templates, words: str, tally: Tally = Tally()) -> Verdict:  # noqa: B008 - frozen
    assert templates.problems == ()
    return choose(templates, replace(said(words), tally=tally))


TWO = {
    "low.j2": template('reply is mentioning("price")', priority=1),
    "high.j2": template('reply is mentioning("price", "seats")', priority=2),
}


def test_the_highest_priority_that_fits_wins() -> None:
    verdict = ask(build(TWO), "The price for 3 seats?")
    assert isinstance(verdict.decision, Reply)
    assert verdict.decision.rule.name == "high"


def test_the_trace_tells_who_was_asked_and_which_words_fired() -> None:
    swapped = {"low.j2": TWO["high.j2"], "high.j2": TWO["low.j2"]}
    verdict = ask(build(swapped), "For 3 seats")
    assert [line.as_json() for line in verdict.trace] == [
        {"step": "rule", "name": "low", "outcome": "fits", "detail": "“seats”"}
    ]
    missed = ask(build(TWO), "Hello")
    assert [(line.name, line.outcome) for line in missed.trace] == [("high", "no"), ("low", "no")]


def test_an_intent_of_the_folder_is_known_to_its_rules() -> None:
    own = 'intents: {integration: {en: ["integrat* with"]}}'
    templates = folder(front="when: reply is about('integration')", _intents=own)
    verdict = ask(templates, "Does it integrate with Outlook?")
    assert verdict.trace[-1].detail == "“integrate with”"
    assert templates.intents.names.index("integration") == 5


def test_a_broken_intents_file_leaves_the_shipped_ones() -> None:
    built = build({**TWO, "_intents.yaml": "intents: {pricing: 5}", "c.j2": template("true")})
    assert [str(error) for error in built.problems] == [
        "_intents.yaml:1: expected keys with values, like pricing: {en: [how much]}"
    ]
    assert len(built.rules) == 3
    assert built.intents.read("How much?")[0].name == "pricing"


def test_equal_priorities_are_asked_by_name() -> None:
    rules = build({"b.j2": template("true"), "a.j2": template("true")}).rules
    assert [rule.name for rule in rules] == ["a", "b"]


def test_where_no_rule_fits_a_person_decides() -> None:
    assert ask(build(TWO), "Hello").decision == Hold("no_rule", "no template fits")
    assert ask(build({}), "Hello").decision == Hold("no_rule", "no template fits")


@pytest.mark.parametrize(
    ("action", "decision"),
    [
        ("skip", Skip("by_rule", "“price”", "answer")),
        ("hold", Hold("by_rule", "“price”", "answer")),
        ("opt_out", OptOut("“price”", "answer")),
    ],
)
def test_a_rule_can_do_other_things_than_reply(action: str, decision: object) -> None:
    templates = folder(front=f'when: reply is mentioning("price")\naction: {action}')
    assert ask(templates, "price?").decision == decision


def test_a_template_is_used_as_often_as_its_cap_allows() -> None:
    used = Tally(by_template={"answer": 1})
    assert ask(folder(), "Hi", used).decision == Hold("cap_per_template", "1 of 1", "answer")
    assert isinstance(ask(folder(), "Hi", Tally(by_template={"other": 9})).decision, Reply)
    free = folder(_settings="caps: {per_template: off}")
    assert isinstance(ask(free, "Hi", used).decision, Reply)


@pytest.mark.parametrize(
    ("when", "said_so"),
    [
        ("lead.industry == 'x'", "lead.industry is undefined"),
        ("reply is matching(vars.pattern)", "matching('('): missing )"),
        ("reply is mentioning(5)", "attribute"),
        ("1 / 0", "division by zero"),
        ("lead.__class__", "unsafe"),
        ("('x' is bogus) if reply.text else false", "bogus"),
        ("reply.text + 1", "str"),
        ("vars.bomb * 1000000000", "characters"),
    ],
)
def test_a_condition_that_fails_holds_with_file_and_line(when: str, said_so: str) -> None:
    templates = folder(
        front=f"priority: 1\nwhen: {when}", _settings="vars: {pattern: '(', bomb: x}"
    )
    verdict = ask(templates, "Hello")
    assert isinstance(verdict.decision, Hold)
    assert verdict.decision.reason == "template_error"
    assert verdict.decision.detail.startswith("answer.j2:3: when: ")
    assert said_so in verdict.decision.detail
    assert verdict.trace[-1].outcome == "error"


@pytest.mark.parametrize(
    ("front", "body", "message"),
    [
        ("when: reply is mentoning('x')", "Hi", "answer.j2:2: when: No test named 'mentoning'"),
        ("when: reply is mentioning('x'", "Hi", "answer.j2:2: when: "),
        ('when: ""', "Hi", "answer.j2:2: when: "),
        ("mode: hold\nwhen: reply is matching('(')", "Hi", "answer.j2:3: when: matching('(')"),
        ("when: reply is matching('a(?=b)')", "Hi", "answer.j2:2: when: matching("),
        ("when: true\nsubject: '{{ thread.'", "Hi", "answer.j2:3: subject: "),
        ("when: reply is about('prices')", "Hi", "answer.j2:2: when: about('prices')"),
        ("when: true", "Hi\n{% if reply is about('x') %}{% endif %}", "answer.j2:5: about('x')"),
        ("when: true", "Hi\n{% if %}", "answer.j2:5: "),
        ("when: true", "Hi\n\n{{ lead.name | defalt('x') }}", "answer.j2:6: No filter named"),
        ("when: true", "Hi\n{% if reply is matching('[') %}{% endif %}", "answer.j2:5: matching("),
        ("when: true\nhours: Mon 09:00-10:00", "Hi", "answer.j2:3: hours needs a timezone"),
    ],
)
def test_mistakes_are_found_before_any_mail_comes(front: str, body: str, message: str) -> None:
    assert problem(body, front=front).startswith(message)


def test_a_broken_file_does_not_take_the_others_with_it() -> None:
    built = build({**TWO, "broken.j2": "no front matter", "_part.j2": "{% if %}"})
    assert [rule.name for rule in built.rules] == ["high", "low"]
    assert {error.name for error in built.problems} == {"broken.j2", "_part.j2"}


def test_broken_settings_leave_the_plain_ones() -> None:
    built = build({**TWO, "_settings.yaml": "caps: ["})
    assert built.settings == TemplateSettings()
    assert [error.name for error in built.problems] == ["_settings.yaml"]
    assert len(built.rules) == 2


def test_defaults_hold_for_every_template_and_yield_to_its_own() -> None:
    defaults = "defaults: {mode: hold, priority: 7}"
    shared = folder(_settings=defaults).rules[0].front
    own = folder(front="when: true\npriority: 8", _settings=defaults).rules[0].front
    assert (shared.mode.value, shared.priority) == ("hold", 7)
    assert (own.mode.value, own.priority) == ("hold", 8)


def test_a_mistake_in_the_defaults_is_named_once_and_there() -> None:
    settings = "timezone: UTC\ndefaults: {prioritty: 7}"
    built = folder(_settings=settings)
    assert str(built.problems[0]).startswith("_settings.yaml:2: unknown key prioritty")
    assert len(built.problems) == 1


def test_files_that_begin_with_an_underscore_are_no_rules() -> None:
    built = build({**TWO, "_part.j2": "Hello", "notes.txt": "Hello"})
    assert [rule.file for rule in built.rules] == ["high.j2", "low.j2"]
    assert built.rule("high") is built.rules[0]
    assert built.rule("_part") is None

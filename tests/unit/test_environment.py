import time
from typing import Any

import pytest
from jinja2 import UndefinedError
from jinja2.exceptions import SecurityError

from worker.domain.environment import Fields, make_environment, recording_words

CONTEXT = {
    "reply": Fields("reply", {"text": "How much is the Café plan, for 12 seats?"}),
    "lead": Fields("lead", {"id": "lead-1", "tags": ["a", "b"]}),
    "campaign": Fields("campaign", {"name": "Q4 Launch"}),
    "vars": Fields("vars", {"pattern": "[unclosed"}),
}


def ask(expression: str) -> bool:
    compiled = make_environment({}).compile_expression(expression, undefined_to_none=False)
    return bool(compiled(**CONTEXT))


def render(text: str, **sources: str) -> str:
    return make_environment(sources).from_string(text).render(CONTEXT)


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("reply is mentioning('how much')", True),
        ("reply is mentioning('HOW MUCH')", True),
        ("reply is mentioning('cafe')", True),
        ("reply is mentioning('how mu')", False),
        ("reply is mentioning('price', 'seats')", True),
        ("reply is mentioning('price')", False),
        ("reply is not mentioning('price')", True),
        ("reply is mentioning()", False),
        ("reply.text is mentioning('plan')", True),
        (r"reply is matching('\\d+ seats')", True),
        (r"reply is matching('\\bplan\\b')", True),
        (r"reply is matching('\bplan\b')", True),
        (r"reply is matching('\bpla\b')", False),
        (r"reply is matching('HOW')", False),
        (r"reply is matching('(?i)HOW')", True),
        (r"reply is matching('^How.*\\?$')", True),
        ("reply is about('pricing')", True),
        ("reply is about('meeting')", False),
        ("reply is about('meeting', 'question')", True),
        ("reply is about()", False),
        ("'Kein Interesse' is about('not_interested')", True),
        ("campaign.name is about('question')", False),
        ("campaign.name is like('q4*')", True),
        ("campaign.name is like('Q4')", False),
        ("campaign.name is like('Q? launch')", True),
        ("reply is mentioning('how much') and not lead.company is defined", True),
    ],
)
def test_rules_are_written_in_four_tests(expression: str, *, holds: bool) -> None:
    assert ask(expression) is holds


def test_the_words_that_fired_are_recorded() -> None:
    with recording_words() as fired:
        ask(r"reply is mentioning('seats', 'price', 'Café') and reply is matching('1\\d')")
    assert fired == ["seats", "Café", "12"]
    with recording_words() as fired:
        pass
    ask("reply is mentioning('seats')")
    assert fired == []


def test_the_words_of_an_intent_are_recorded() -> None:
    with recording_words() as fired:
        ask("reply is about('pricing', 'meeting', 'question')")
    assert fired == ["How much", "How much is the Café plan, for 12 seats"]
    with recording_words() as fired:
        ask("reply is about('meeting')")
    assert fired == []


def test_an_unknown_intent_that_only_shows_when_it_runs_is_said() -> None:
    with pytest.raises(ValueError, match=r"about\('prices'\).*did you mean 'pricing'"):
        ask("reply is about('prices')")
    with pytest.raises(ValueError, match="there are unsubscribe, complaint"):
        ask("reply is about('zzz')")


def test_an_empty_bag_of_fields_is_false() -> None:
    assert not Fields("reply.referral", {})
    assert Fields("reply.referral", {"name": "Ann"})


def test_a_pattern_takes_linear_time() -> None:
    context = {"reply": Fields("reply", {"text": "a" * 50_000 + "!"})}
    compiled = make_environment({}).compile_expression("reply is matching('(a+)+$')")
    started = time.perf_counter()
    assert not compiled(**context)
    assert time.perf_counter() - started < 5  # seconds; exponential would take for ever


def test_a_bad_pattern_that_only_shows_when_it_runs_is_said() -> None:
    with pytest.raises(ValueError, match=r"matching.*missing"):
        ask("reply is matching(vars.pattern)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ lead.company }}", "lead.company is undefined"),
        ("{{ lead['company'] }}", "lead.company is undefined"),
        ("{{ lead.company.name }}", "lead.company is undefined"),
        ("{{ company }}", "'company' is undefined"),
        ("{% if lead.company %}x{% endif %}", "lead.company is undefined"),
        ("{{ lead.company ~ 'x' }}", "lead.company is undefined"),
        ("{% for x in lead.company %}{% endfor %}", "lead.company is undefined"),
        ("{{ lead.company is mentioning('x') }}", "lead.company is undefined"),
        ("{{ lead.tags[9] }}", "list object has no element 9"),
        ("{{ lead.id.name }}", "has no attribute 'name'"),
    ],
)
def test_an_undefined_name_is_an_error_that_names_it(text: str, message: str) -> None:
    with pytest.raises(UndefinedError, match=r"undefined|no element|no attribute") as raised:
        render(text)
    assert message in str(raised.value)


def test_an_undefined_name_can_have_a_default() -> None:
    assert render("{{ lead.company | default('you') }}") == "you"
    assert render("{% if lead.company is defined %}x{% endif %}") == ""


ESCAPES = [
    "{{ lead.__class__ }}",
    "{{ lead['__class__'] }}",
    "{{ lead|attr('__class__') }}",
    "{{ lead._label }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ '{0.__class__}'.format(lead) }}",
    "{{ '{x.__class__}'.format_map({'x': lead}) }}",
    "{{ ''.format.__globals__ }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ lipsum.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ [].append.__self__ }}",
    "{{ lead.tags.append('c') }}",
    "{{ lead.tags.clear() }}",
    "{{ {}.update({'a': 1}) }}",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_a_template_cannot_reach_behind_its_data(text: str) -> None:
    with pytest.raises((SecurityError, UndefinedError)):
        render(text)


@pytest.mark.parametrize("text", ["{{ open('x') }}", "{{ __import__('os') }}", "{{ config }}"])
def test_the_functions_of_the_language_are_out_of_reach(text: str) -> None:
    with pytest.raises(UndefinedError):
        render(text)


def test_only_the_given_texts_can_be_included() -> None:
    assert render("{% include '_part.j2' %}", **{"_part.j2": "part"}) == "part"
    with pytest.raises(LookupError):
        render("{% include '../making.py' %}")


def test_text_from_outside_is_data_and_never_a_template() -> None:
    lead = Fields("lead", {"name": "{{ 7 * 7 }}{% include 'x' %}<b>"})
    template = make_environment({}).from_string("Hi {{ lead.name }}")
    assert template.render(lead=lead) == "Hi {{ 7 * 7 }}{% include 'x' %}<b>"


def test_fields_with_odd_names_do_no_harm() -> None:
    odd: dict[str, Any] = {"self": 1, "_label": 2, "__class__": 3, "first name": 4, "text": "t"}
    fields = Fields("lead", odd)
    text = "{{ lead.self }}{{ lead['first name'] }}{{ lead }}"
    assert make_environment({}).from_string(text).render(lead=fields) == "14t"

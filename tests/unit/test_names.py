"""`check` finds the variables that exist nowhere, with the nearest right name."""

import pytest

from worker.domain import names
from worker.domain.frontmatter import Advice

from .making import folder

SETTINGS = (
    "vars: {booking_link: https://x.example, words: [a]}\naccounts: {a@b.example: {phone: 1}}"
)


def found(
    body: str = "Hello", *, front: str = "when: true", fields: tuple[str, ...] = (), **files: str
) -> list[str]:
    templates = folder(body, front=front, **{"_settings": SETTINGS} | files)
    assert templates.problems == ()
    return [
        f"{'note: ' if isinstance(error, Advice) else ''}{error}"
        for error in names.problems(templates, fields)
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{{ lad.first_name }}", "answer.j2:4: lad does not exist; did you mean lead?"),
        ("Hi\n\n{{ xyzzy }}", "answer.j2:6: xyzzy does not exist"),
        ("{{ foo | default('x') }}", "answer.j2:4: foo does not exist"),
        ("{{ reply.txt }}", "answer.j2:4: there is no reply.txt; did you mean reply.text?"),
        ("{{ reply['txt'] }}", "answer.j2:4: there is no reply.txt; did you mean reply.text?"),
        ("{{ thread.subjekt | default('') }}", "answer.j2:4: there is no thread.subjekt; did you"),
        ("{{ campaign.nmae }}", "answer.j2:4: there is no campaign.nmae; did you mean"),
        ("{% if reply.foo is defined %}x{% endif %}", "answer.j2:4: there is no reply.foo"),
        (
            "\n{{ vars.booking_lnk }}",
            (
                "answer.j2:5: there is no vars.booking_lnk in _settings.yaml; "
                "did you mean vars.booking_link?"
            ),
        ),
        (
            "{{ vars.booking_lnk | default('') }}",
            (
                "note: answer.j2:4: nothing is known to have vars.booking_lnk; "
                "did you mean vars.booking_link?"
            ),
        ),
        (
            "{{ lead.frist_name | default('you') }}",
            (
                "note: answer.j2:4: nothing is known to have lead.frist_name; "
                "did you mean lead.first_name?"
            ),
        ),
        (
            "{{ account.phne | default('') }}",
            "note: answer.j2:4: nothing is known to have account.phne; did you mean account.phone?",
        ),
        ("{{ variant }}", "answer.j2:4: variant is in reach of text and subject, where variants:"),
        ("{% if x %}{% endif %}{% for y in zs %}{{ y }}{% endfor %}{{ x }}", "answer.j2:4: x does"),
        ("{{ [reply.txt] | join(lead.id) }}", "answer.j2:4: there is no reply.txt"),
    ],
)
def test_what_exists_nowhere_is_named_with_what_was_meant(body: str, said: str) -> None:
    assert found(body)[0].startswith(said)


@pytest.mark.parametrize(
    "body",
    [
        "{{ lead.first_name }} {{ lead.email }} {{ lead.id }} {{ lead.favourite_colour }}",
        "{{ reply.text }} {{ reply.raw }} {{ reply.subject }} {{ reply.at }} {{ reply.language }}",
        "{{ thread.messages[0].text }} {{ thread.count }} {{ now.year }} {{ now.hour }}",
        "{{ vars.booking_link }} {{ vars.words[0] }} {{ account.phone }} {{ account.email }}",
        "{{ vars.other | default('') }}{% if vars.more is defined %}{{ vars.more }}{% endif %}",
        "{% set price = 12 %}{{ price }}{% if price %}{% set tip = 1 %}{% endif %}{{ tip }}",
        "{% for m in thread.messages %}{{ loop.index }} {{ m.text }}{% endfor %}",
        "{% for n in range(3) %}{{ n }}{% endfor %}{% set ns = namespace(a=1) %}{{ ns.a }}",
        "{% macro hi(name) %}Hi {{ name }}{% endmacro %}{{ hi('Ann') }}",
        "{% set reply = {'x': 1} %}{{ reply.x }}",
        "{% with %}{% set reply = {'x': 1} %}{{ reply.x }}{% endwith %}",
        "{{ reply is mentioning('x') }}{{ lead.size is matching('x') }}",
        "{% raw %}{{ nothing }}{% endraw %}{# {{ nothing }} #}",
    ],
)
def test_what_exists_or_may_exist_is_no_problem(body: str) -> None:
    assert found(body) == []


def test_without_any_vars_each_one_that_is_read_is_missing() -> None:
    assert found("{{ vars.company }}", _settings="timezone: UTC") == [
        "answer.j2:4: there is no vars.company in _settings.yaml"
    ]


def test_fields_that_leads_do_have_are_known() -> None:
    body = "{{ lead.shoe_sise | default(1) }}"
    assert found(body) == []
    assert found(body, fields=("shoe_size",)) == [
        "note: answer.j2:4: nothing is known to have lead.shoe_sise; did you mean lead.shoe_size?"
    ]
    assert found("{{ lead.frist_name | default(1) }}", fields=("frist_name",)) == []


def test_condition_and_subject_are_read_too() -> None:
    front = 'subject: "{{ thread.subjet }}"\nwhen: >-\n  lead.id\n  and repyl.text'
    assert found(front=front) == [
        "answer.j2:2: there is no thread.subjet; did you mean thread.subject?",
        "answer.j2:3: repyl does not exist; did you mean reply?",
    ]


def test_the_variant_is_in_reach_where_there_are_some_and_never_of_the_condition() -> None:
    front = 'when: variant == "a"\nvariants: [a, b]\nsubject: "{{ variant }}"'
    assert [line.partition(" is in")[0] for line in found("{{ variant }}", front=front)] == [
        "answer.j2:2: variant"
    ]


def test_a_part_is_read_with_what_the_texts_set_for_it() -> None:
    part = "\n{{ closing }}\n{{ nothing }}\n{{ variant }}"
    body = "{% set closing = 'Bye' %}{% include '_part.j2' %}"
    front = "when: true\nvariants: [a, b]"
    assert found(body, front=front, _part_j2=part) == ["_part.j2:3: nothing does not exist"]


def test_a_broken_part_has_its_problem_already() -> None:
    templates = folder("Hi", _part_j2="{% if %}")
    assert len(templates.problems) == 1
    assert list(names.problems(templates)) == []


def test_a_translation_is_read_where_it_has_something_of_its_own() -> None:
    body = "{{ reply.text }}"
    german = "---\nsubject: '{{ thread.subjet }}'\n---\n{{ reply.txt }}"
    front = "when: reply.txet == 'x'"
    assert found(body, front=front, **{"answer.de_j2": german}) == [
        "answer.j2:2: there is no reply.txet; did you mean reply.text?",
        "answer.de.j2:4: there is no reply.txt; did you mean reply.text?",
        "answer.de.j2:2: there is no thread.subjet; did you mean thread.subject?",
    ]


def test_a_folder_without_rules_has_no_unknown_names() -> None:
    assert list(names.problems(folder(front="no: when"))) == []

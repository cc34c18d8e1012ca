from collections import Counter

import pytest

from worker.domain.rendering import render
from worker.domain.variants import draw, is_same_language, label, parse_language, split_name

from .making import event, facts, folder, problem


@pytest.mark.parametrize(
    ("stem", "parts"),
    [
        ("pricing", ("pricing", "")),
        ("pricing.de", ("pricing", "de")),
        ("pricing.pt-BR", ("pricing", "pt-br")),
        ("q4.2026.de", ("q4.2026", "de")),
        ("q4.2026", ("q4.2026", "")),
        ("follow-up", ("follow-up", "")),
        (".de", (".de", "")),
    ],
)
def test_the_language_stands_behind_the_last_dot(stem: str, parts: tuple[str, str]) -> None:
    assert split_name(stem) == parts


@pytest.mark.parametrize(
    ("value", "code"),
    [("de", "de"), ("DE", "de"), ("pt_BR", "pt-br"), ("zh-hant-tw", "zh-hant-tw"), (False, "no")],
)
def test_a_language_is_written_as_its_code(value: object, code: str) -> None:
    assert parse_language(value) == code


@pytest.mark.parametrize("value", ["german", "d", "", True, 49, "de!", "de-"])
def test_what_is_no_code_is_no_language(value: object) -> None:
    with pytest.raises(ValueError, match="write its code, like en, de or pt-br"):
        parse_language(value)


def test_a_language_is_the_same_wherever_it_is_spoken() -> None:
    assert is_same_language("pt", "pt-br")
    assert is_same_language("en-gb", "en-us")
    assert not is_same_language("de", "den")


def test_a_text_is_called_by_its_language_and_what_was_drawn() -> None:
    assert [label("", ""), label("de", ""), label("", "b"), label("de", "b")] == [
        "", "de", "b", "de/b",
    ]  # fmt: skip


# A/B: variants


def drawn_by(shares: dict[str, int], leads: int) -> Counter[str]:
    return Counter(draw(shares, "pricing", event(lead_id=f"lead-{n}")) for n in range(leads))


def test_a_lead_gets_the_same_variant_however_often_it_writes() -> None:
    shares = {"a": 1, "b": 1}
    for number in range(20):
        lead = f"lead-{number}"
        drawn = {draw(shares, "pricing", event(key=k, lead_id=lead)) for k in "xyz"}
        assert len(drawn) == 1


def test_a_lead_without_an_id_is_known_by_its_address() -> None:
    shares = dict.fromkeys("abcdefgh", 1)
    same = {draw(shares, "t", event(key=key, lead_id="")) for key in "pqrstuvw"}
    assert len(same) == 1
    other = {draw(shares, "t", event(lead_id="", lead_email=f"{n}@x.example")) for n in range(40)}
    assert len(other) > 1


def test_the_variants_of_two_templates_are_drawn_apart() -> None:
    shares = {"a": 1, "b": 1}
    leads = [event(lead_id=f"lead-{n}") for n in range(40)]
    pairs = {(draw(shares, "pricing", lead), draw(shares, "meeting", lead)) for lead in leads}
    assert len(pairs) == 4


def test_variants_get_the_shares_that_were_written() -> None:
    even = drawn_by({"a": 1, "b": 1}, 2000)
    assert 900 < even["a"] < 1100
    uneven = drawn_by({"a": 3, "b": 1}, 2000)
    assert 1400 < uneven["a"] < 1600
    assert uneven["a"] + uneven["b"] == 2000


def test_a_template_without_variants_draws_none() -> None:
    assert draw({}, "pricing", event()) == ""


def test_text_and_subject_know_which_variant_was_drawn() -> None:
    templates = folder(
        '{% if variant == "short" %}Twelve.{% else %}It is twelve.{% endif %}',
        front='when: true\nvariants: [short, long]\nsubject: "{{ variant }}"',
    )
    drafts = [
        render(templates.rules[0], facts(event=event(lead_id=f"lead-{n}")), templates.settings)
        for n in range(20)
    ]
    assert {(d.variant, d.subject, d.body) for d in drafts} == {
        ("short", "short", "Twelve."),
        ("long", "long", "It is twelve."),
    }
    assert {d.template for d in drafts} == {"answer"}


@pytest.mark.parametrize(
    ("variants", "said"),
    [
        ("[a]", "are no two names; write them like [a, b], or {a: 3, b: 1}"),
        ("[a, a]", "are no two names"),
        ("a", "are no two names"),
        ("[yes, no]", "True is no name; use letters and digits, and quotes around yes and no"),
        ("['a/b', c]", "'a/b' is no name"),
        ("['a|b', c]", "'a|b' is no name"),
        ("{a: 1, b: 0}", "b: 0 is no share"),
        ("{a: 1, b: half}", "b: 'half' is no share"),
        ("{a: {subject: Hi}, b: 1}", "is no share"),
        ("[[a], b]", "is no"),
    ],
)
def test_variants_that_are_none_are_named_with_their_line(variants: str, said: str) -> None:
    found = problem(front=f"when: true\nvariants: {variants}")
    assert found.startswith("answer.j2:3: variants: ")
    assert said in found

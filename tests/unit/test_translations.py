"""`pricing.de.j2` beside `pricing.j2`: which text answers, and what becomes of the others."""

from dataclasses import replace

import pytest

from worker.domain.choosing import choose
from worker.domain.decision import Hold, Reply, Verdict
from worker.domain.model import Mode, Tally
from worker.domain.rendering import render
from worker.domain.rules import Rule, Templates, build

from .making import said

ENGLISH = '---\nwhen: reply is mentioning("price")\nlanguage: en\nmode: hold\n---\nIt costs 12.\n'
GERMAN = "---\nmode: send\n---\nEs kostet 12.\n"
OWN_WORDS = '---\nwhen: reply is mentioning("preis")\n---\nEs kostet 12.\n'


def texts(german: str = GERMAN, english: str = ENGLISH, **more: str) -> Templates:
    named = {name.replace("_", ".") + ".j2": text for name, text in more.items()}
    return build({"pricing.j2": english, "pricing.de.j2": german} | named)


def ask(templates: Templates, words: str, language: str, **known: Tally) -> Verdict:
    assert templates.problems == ()
    return choose(templates, replace(said(words), language=language, **known))


def chosen(templates: Templates, words: str, language: str) -> Rule:
    decision = ask(templates, words, language).decision
    assert isinstance(decision, Reply)
    return decision.rule


def problem(german: str, english: str = ENGLISH) -> str:
    (found,) = texts(german, english).problems
    return str(found)


@pytest.mark.parametrize(
    ("language", "file"),
    [("de", "pricing.de.j2"), ("en", "pricing.j2"), ("", "pricing.j2"), ("fr", "pricing.j2")],
)
def test_the_text_in_the_replys_language_answers(language: str, file: str) -> None:
    assert chosen(texts(), "The price?", language).file == file


def test_a_translation_is_no_rule_of_its_own() -> None:
    assert [rule.name for rule in texts().rules] == ["pricing"]
    assert [text.file for text in texts().rules[0].texts] == ["pricing.j2", "pricing.de.j2"]


def test_draft_record_and_caps_know_the_template_by_one_name() -> None:
    templates = texts()
    text = chosen(templates, "The price?", "de")
    draft = render(text, said("The price?"), templates.settings)
    assert (draft.template, draft.variant, draft.body) == ("pricing", "de", "Es kostet 12.")
    used = Tally(by_template={"pricing": 1})
    held = ask(templates, "The price?", "de", tally=used).decision
    assert held == Hold("cap_per_template", "1 of 1", "pricing")


def test_the_trace_shows_which_text_was_chosen() -> None:
    (line,) = ask(texts(), "The price?", "de").trace
    assert line.as_json() == {
        "step": "rule", "name": "pricing", "outcome": "fits", "detail": "“price”", "variant": "de",
    }  # fmt: skip
    (plain,) = ask(texts(), "The price?", "en").trace
    assert "variant" not in plain.as_json()


def test_the_trace_shows_language_and_variant() -> None:
    english = ENGLISH.replace("mode: hold", "variants: [a, b]")
    (line,) = ask(texts(english=english), "The price?", "de").trace
    assert line.variant in ("de/a", "de/b")


def test_a_translation_inherits_what_it_does_not_say_and_wins_where_it_does() -> None:
    base, german = texts().rules[0].texts
    assert (base.front.mode, german.front.mode) == (Mode.HOLD, Mode.SEND)
    assert german.front.when == base.front.when
    assert (base.front.language, german.front.language) == ("en", "de")


def test_a_translation_has_examples_of_its_own_only() -> None:
    english = ENGLISH.replace("---\nIt", "examples: {match: ['The price?']}\n---\nIt")
    base, german = texts(english=english).rules[0].texts
    assert base.front.examples.match == ("The price?",)
    assert german.front.examples.match == ()


def test_a_translation_may_be_nothing_but_text() -> None:
    assert chosen(texts("Es kostet 12.\n"), "The price?", "de").body.render() == "Es kostet 12."


def test_the_defaults_reach_a_translation_too() -> None:
    settings = {"_settings.yaml": "defaults: {delay: 5m, language: fr}"}
    templates = build({"a.j2": "---\nwhen: true\n---\nPrix", "a.de.j2": "Preis"} | settings)
    base, german = templates.rules[0].texts
    assert base.front.delay == german.front.delay != ()
    assert (base.front.language, german.front.language) == ("fr", "de")


# A condition of its own


@pytest.mark.parametrize(
    ("words", "language", "file"),
    [
        ("Der Preis?", "de", "pricing.de.j2"),
        ("The price?", "en", "pricing.j2"),
        ("Der Preis?", "", "pricing.de.j2"),
        ("The price?", "", "pricing.j2"),
    ],
)
def test_a_condition_of_its_own_is_asked_for_its_language(
    words: str, language: str, file: str
) -> None:
    assert chosen(texts(OWN_WORDS), words, language).file == file


@pytest.mark.parametrize(
    ("words", "language"), [("The price?", "de"), ("Der Preis?", "en"), ("Der Preis?", "fr")]
)
def test_a_condition_is_not_asked_about_a_language_that_is_not_its_own(
    words: str, language: str
) -> None:
    assert ask(texts(OWN_WORDS), words, language).decision == Hold("no_rule", "no template fits")


def test_of_an_unknown_language_every_condition_that_was_asked_is_in_the_trace() -> None:
    trace = ask(texts(OWN_WORDS, pricing_fr="Ça coûte 12."), "Hello", "").trace
    assert [(line.name, line.variant, line.outcome) for line in trace] == [
        ("pricing", "", "no"), ("pricing", "de", "no"),
    ]  # fmt: skip


def test_a_condition_that_fails_is_named_where_it_stands() -> None:
    own = ask(texts("---\n\nwhen: lead.size > 3\n---\nHallo"), "Hi", "de")
    assert own.trace[-1].detail == "pricing.de.j2:3: when: lead.size is undefined"
    assert own.trace[-1].variant == "de"
    english = "---\nmode: hold\nwhen: lead.size > 3\n---\nHello"
    shared = ask(texts("Hallo", english), "Hi", "de")
    assert shared.trace[-1].detail == "pricing.j2:3: when: lead.size is undefined"


# Regions


def test_the_exact_region_wins_over_another_one_of_the_language() -> None:
    templates = texts(pricing_pt="Custa 12.", **{"pricing_pt-br": "Sai por 12."})
    assert chosen(templates, "price", "pt-br").file == "pricing.pt-br.j2"
    assert chosen(templates, "price", "pt").file == "pricing.pt.j2"


def test_another_region_is_nearer_than_another_language() -> None:
    templates = texts(**{"pricing_pt-br": "Sai por 12."})
    assert chosen(templates, "price", "pt").file == "pricing.pt-br.j2"
    assert chosen(templates, "price", "pt-pt").file == "pricing.pt-br.j2"


# Nobody speaks it


def test_where_no_text_speaks_their_language_a_person_sees_the_draft() -> None:
    english = ENGLISH.replace("mode: hold\n", "")
    decision = ask(texts(english=english), "The price?", "fr").decision
    assert isinstance(decision, Reply)
    assert decision.foreign == "they write “fr”, pricing.j2 is “en”"
    assert (decision.mode, decision.held_as) == (Mode.HOLD, "other_language")


@pytest.mark.parametrize("language", ["", "en", "en-gb", "de"])
def test_a_language_that_is_unknown_or_spoken_holds_nothing(language: str) -> None:
    english = ENGLISH.replace("mode: hold\n", "")
    decision = ask(texts(english=english), "The price?", language).decision
    assert isinstance(decision, Reply)
    assert (decision.foreign, decision.mode, decision.held_as) == ("", Mode.SEND, "needs_approval")


def test_a_text_that_does_not_say_its_language_answers_everybody() -> None:
    english = ENGLISH.replace("language: en\nmode: hold\n", "")
    decision = ask(texts(english=english), "The price?", "fr").decision
    assert isinstance(decision, Reply)
    assert decision.foreign == ""


def test_it_may_be_sent_all_the_same() -> None:
    english = ENGLISH.replace("mode: hold\n", "")
    sources = {"pricing.j2": english, "_settings.yaml": "other_language: send"}
    decision = ask(build(sources), "The price?", "fr").decision
    assert isinstance(decision, Reply)
    assert (decision.foreign, decision.mode) == ("", Mode.SEND)


def test_more_caution_than_hold_is_kept() -> None:
    english = ENGLISH.replace("mode: hold", "mode: shadow")
    decision = ask(texts(english=english), "The price?", "fr").decision
    assert isinstance(decision, Reply)
    assert decision.mode is Mode.SHADOW


# Mistakes


@pytest.mark.parametrize(
    ("german", "said_so"),
    [
        ("---\npriority: 9\n---\nHallo", "pricing.de.j2:2: priority is 50, as in pricing.j2"),
        ("---\n\nlanguage: fr\n---\nHallo", "pricing.de.j2:3: language is de, as in the"),
        ("---\nprioritty: 9\n---\nHallo", "pricing.de.j2:2: unknown key prioritty; did you mean"),
        ("---\nwhen: (\n---\nHallo", "pricing.de.j2:2: when: "),
        ("---\nwhen: true\n---\n{% if %}", "pricing.de.j2:4: "),
        ("Hallo\n\n{{ lead.", "pricing.de.j2:3: "),
        ("---\nsubject: '{{ x'\n---\nHallo", "pricing.de.j2:2: subject: "),
    ],
)
def test_a_mistake_in_a_translation_is_named_there(german: str, said_so: str) -> None:
    assert problem(german).startswith(said_so)


@pytest.mark.parametrize("key", ["priority: 50", "language: de"])
def test_a_copied_key_that_says_the_same_is_no_mistake(key: str) -> None:
    assert texts(f"---\n{key}\n---\nHallo").problems == ()


def test_a_broken_translation_leaves_the_template_and_the_other_ones() -> None:
    templates = texts("{% if %}", pricing_fr="Ça coûte 12.")
    assert [text.file for text in templates.rules[0].texts] == ["pricing.j2", "pricing.fr.j2"]


def test_a_broken_template_is_one_problem_however_many_translations_it_has() -> None:
    assert problem(GERMAN, english="---\npriority: 1\n---\nHi") == "pricing.j2:1: when is missing"


def test_a_translation_of_nothing_is_a_mistake() -> None:
    (found,) = build({"pricing.de.j2": OWN_WORDS}).problems
    assert str(found).startswith("pricing.de.j2:1: a translation needs pricing.j2 beside it")


def test_a_dot_that_is_followed_by_no_language_is_part_of_the_name() -> None:
    assert [rule.name for rule in build({"q4.2026.j2": ENGLISH}).rules] == ["q4.2026"]


def test_a_text_is_found_by_its_name_with_and_without_a_language() -> None:
    templates = texts()
    assert templates.rule("pricing") is templates.rules[0]
    assert templates.rule("pricing.de") is templates.rules[0].translations[0]
    assert templates.rule("pricing.fr") is None


def test_the_replys_language_is_in_reach_of_rules_and_texts() -> None:
    source = '---\nwhen: reply.language == "de"\n---\n{{ reply.language }}'
    templates = build({"a.j2": source})
    assert isinstance(ask(templates, "Hallo", "de").decision, Reply)
    assert isinstance(ask(templates, "Hallo", "fr").decision, Hold)
    draft = render(templates.rules[0], replace(said("Hallo"), language="de"), templates.settings)
    assert draft.body == "de"

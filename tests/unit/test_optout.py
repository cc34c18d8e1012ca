"""The wish to be left alone: found in 73 languages, and not where only its words stand."""

import json
import re
from pathlib import Path

import pytest

from worker.domain.lexicon import shipped
from worker.domain.optout import opt_out_subject, opt_out_words
from worker.domain.words import squeeze

from .effort import takes_less_than

LANGUAGES = shipped("optout")
with (Path(__file__).parents[1] / "data" / "optouts.jsonl").open(encoding="utf-8") as lines:
    SAMPLES = [json.loads(line) for line in lines]


def samples(language: str, *, opt_out: bool) -> list[str]:
    """Return what we wrote in a language: wishes, or what only looks like one."""
    rows = (row for row in SAMPLES if row["language"] == language)
    return [row["text"] for row in rows if row["opt_out"] is opt_out]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_wish_is_understood_in(language: str) -> None:
    assert [text for text in samples(language, opt_out=True) if not opt_out_words(text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_other_words_are_no_wish_in(language: str) -> None:
    said = {text: opt_out_words(text) for text in samples(language, opt_out=False)}
    assert {text: words for text, words in said.items() if words} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_hits_and_a_near_miss_that_uses_their_words(language: str) -> None:
    hits, misses = (
        {squeezed[at : at + 4] for at in range(len(squeezed) - 3)}
        for squeezed in (
            squeeze(" ".join(samples(language, opt_out=opt_out))) for opt_out in (True, False)
        )
    )
    assert len(samples(language, opt_out=True)) >= 2
    assert hits & misses


def test_no_sample_is_of_a_language_without_phrases() -> None:
    assert {row["language"] for row in SAMPLES} == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_name_for_wordings_is_used_in(language: str) -> None:
    table = LANGUAGES[language]
    phrases = " ".join(p for name in ("alone", "wish", "harmless") for p in table[name])
    assert set(table.get("words", {})) == set(re.findall(r"\$(\w+)", phrases))


def test_the_words_that_were_understood_are_named() -> None:
    assert opt_out_words("Hi,\nplease TAKE me off.") == "take me off"


def test_words_are_named_as_people_read_them() -> None:
    assert opt_out_words("메일 그만 보내세요.") == "메일 그만"


@pytest.mark.parametrize(
    "words",
    [
        "stop",
        "STOP!",
        "Hi Anna, stop. Thanks",
        "No thanks, remove",
        "Not for us - unsubscribe",
        "Hello,\n\nstop\n\nBob Miller\nCEO",
        "Bitte abmelden",
    ],
)
def test_a_lone_word_counts_where_it_is_a_line_a_sentence_or_a_part(words: str) -> None:
    assert opt_out_words(words)


@pytest.mark.parametrize(
    "words", ["Stop?", "Can it add, edit and remove?", "stop gap", "We will stop tomorrow"]
)
def test_a_lone_word_does_not_count_in_a_question_or_among_others(words: str) -> None:
    assert opt_out_words(words) == ""


@pytest.mark.parametrize(
    "word",
    [
        "unsubcribe",
        "unsuscribe",
        "unsubscribe",
        "unsubscirbe",
        "unsubscribr",
        "unsubsribe",
        "un-subscribe",
        "Unsubscibe",
        "unsubscrib",
        "unsub me",
    ],
)
def test_a_slip_of_the_finger_does_not_hide_the_wish(word: str) -> None:
    assert opt_out_words(f"hello, {word} thx, i have no use for this")


@pytest.mark.parametrize(
    "words",
    ["don't email me", "dont e-mail me", "don’t mail me", "DO NOT E‑MAIL ME", "do not e mail me"],
)
def test_spellings_do_not_matter(words: str) -> None:
    assert opt_out_words(f"Please {words}")


@pytest.mark.parametrize(
    "words",
    [
        "Never mind. Contact me on Monday.",
        "Better not! Email me the price.",
        "I would rather not.\n\nReceive my best regards",
    ],
)
def test_no_wish_reaches_from_one_sentence_into_the_next(words: str) -> None:
    assert opt_out_words(words) == ""


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ("What is your unsubscribe rate?", ""),
        ("Where is the unsubscribe link?", "where is the unsubscribe link"),
        ("Please do not remove me.", ""),
        ("Please do not remove me. Unsubscribe Bob.", "unsubscribe"),
    ],
)
def test_what_takes_a_wish_back_covers_it(words: str, wish: str) -> None:
    assert opt_out_words(words) == wish


def test_both_ends_of_an_endless_mail_are_read() -> None:
    endless = "We sell shoes. " * 5000
    assert opt_out_words(f"Take me off your list. {endless}")
    assert opt_out_words(f"{endless} Take me off your list.")
    assert opt_out_words("What is your unsubscribe rate? We sell shoes. " * 5000) == ""


@pytest.mark.parametrize(
    "subject",
    [
        "unsubscribe",
        "Unsubscribe!",
        "STOP",
        "Please remove",
        "remove me from your list",
        "Abmelden",
        "désinscription",
        "BAJA",
        "退订",
        "配信停止",
        "отписаться",
        "إلغاء الاشتراك",
    ],
)
def test_a_subject_of_only_that_wish_counts(subject: str) -> None:
    assert opt_out_subject(subject)


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "Re: stop",
        "Stop wasting ad money",
        "Re: Your team",
        "Re: unsubscribe",
        "Unsubscribe rates in 2026",
        "AW: abmelden",
        "Don't unsubscribe",
    ],
)
def test_other_subjects_may_quote_our_own(subject: str) -> None:
    assert opt_out_subject(subject) == ""


@pytest.mark.parametrize(
    "hostile",
    [
        "unsubscribe rate ",
        "do not want to receive ",
        "a. ",
        "!",
        "\n",
        "不要退订率客户",
        "can't ",
        "보내지 목록 메일 ",
        "nicht mehr bitte mich ",
        "if you ",
        "e-",
        "لا ترسل رسائل ",
    ],
)
def test_a_megabyte_of_malice_takes_no_time(hostile: str) -> None:
    text = (hostile * (1_000_000 // len(hostile)))[:1_000_000] + "x"
    opt_out_words("")  # what is read once
    assert takes_less_than(1, lambda: opt_out_words(text))  # a tenth of that, usually

"""What people want, in many languages: samples with a near miss beside each hit."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.intents import ORDER, Intent, IntentReader
from worker.domain.wordings import shipped_languages

from .effort import takes_less_than

FILE = Path(__file__).parents[1] / "data" / "intents.jsonl"
SAMPLES: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
LANGUAGES = shipped_languages()
READER = IntentReader()
EACH_LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)


def names(words: str, reader: IntentReader = READER, opt_out: str = "") -> list[str]:
    return [intent.name for intent in reader.read(words, opt_out)]


def samples(language: str) -> Iterator[dict[str, Any]]:
    return (sample for sample in SAMPLES if sample["lang"] == language)


@EACH_LANGUAGE
def test_every_sample_is_read_as_it_is_meant(language: str) -> None:
    wrong = [
        (sample["words"], sample["intents"], found)
        for sample in samples(language)
        if (found := names(sample["words"])) != sample["intents"]
    ]
    assert wrong == []


FRAMES = {
    "en": "Hi Alex,\n\nthanks for your email. {}\n\nBest regards,\nJane Miller\nHead of Marketing",
    "de": "Guten Tag Herr Morgan,\n\nvielen Dank für Ihre Mail. {}\n\nViele Grüße\nJana",
    "fr": "Bonjour Alex,\n\nMerci pour votre message. {}\n\nCordialement,\nJeanne Martin",
    "es": "Hola Alex:\n\nGracias por su correo. {}\n\nUn saludo,\nJuana Pérez",
    "it": "Buongiorno,\n\ngrazie per la sua mail. {}\n\nCordiali saluti\nGianna Rossi",
    "nl": "Beste Alex,\n\nbedankt voor je mail. {}\n\nMet vriendelijke groet,\nJanna de Vries",
    "pl": "Dzień dobry,\n\ndziękuję za wiadomość. {}\n\nZ poważaniem\nJanina Kowalska",
    "ru": "Здравствуйте!\n\nСпасибо за письмо. {}\n\nС уважением,\nАнна Иванова",
    "ja": "モーガン様\n\nお世話になっております。{}\n\nよろしくお願いいたします。\n田中",
    "ar": "مرحباً أليكس،\n\nشكراً على رسالتك. {}\n\nمع التحية\nسارة أحمد",
}


@pytest.mark.parametrize("language", FRAMES)
def test_greeting_thanks_and_signature_change_nothing(language: str) -> None:
    frame = FRAMES[language]
    wrong = [
        (sample["words"], found)
        for sample in samples(language)
        if (found := names(frame.format(sample["words"]))) != sample["intents"]
    ]
    assert wrong == []


@EACH_LANGUAGE
def test_every_list_of_wordings_is_needed_by_a_sample(language: str) -> None:
    """Without the list, a sample is read otherwise: none is untested, none is idle."""
    idle = []
    for intent in ORDER[1:]:  # the wish to be left alone has words of its own
        without = IntentReader(instead={intent: {language: ()}})
        hits = (s for s in samples(language) if intent in s["intents"])
        if all(intent in names(sample["words"], without) for sample in hits):
            idle.append(intent)
    assert idle == []


@EACH_LANGUAGE
@pytest.mark.parametrize("intent", ["interested", "pricing", "meeting", "complaint"])
def test_there_are_near_misses_in_every_language(language: str, intent: str) -> None:
    near = [sample for sample in samples(language) if sample.get("near") == intent]
    assert near
    assert all(intent not in names(sample["words"]) for sample in near)


def test_every_intent_that_looks_like_something_has_a_near_miss() -> None:
    near = {sample["near"] for sample in SAMPLES if "near" in sample}
    assert near == set(ORDER) - {"unsubscribe", "question"}


def test_there_are_more_than_a_hundred_words_to_say_it_in_fifteen_languages() -> None:
    assert len(SAMPLES) > 2000
    assert len(LANGUAGES) == 23


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "Hello.\nhow MUCH is it? Thanks",
            {"pricing": ("how MUCH",), "question": ("how MUCH is it",)},
        ),
        ("Kein Interesse!", {"not_interested": ("Kein Interesse",)}),
        ("관심 있습니다.", {"interested": ("관심 있습니다",)}),
        ("Not\nreally interested", {"not_interested": ("Not really interested",)}),
    ],
)
def test_the_words_that_say_so_are_kept_as_they_were_written(
    words: str, said: dict[str, tuple[str, ...]]
) -> None:
    assert {intent.name: intent.words for intent in READER.read(words)} == said


def test_only_a_few_short_words_are_kept() -> None:
    (pricing, *_) = READER.read("how much. price. cost. a quote. your fees. the rates. ballpark")
    assert len(pricing.words) == 5
    (question,) = READER.read("is " + "very " * 60 + "fine?")
    assert len(question.words[0]) <= 81


def test_the_strongest_intent_comes_first() -> None:
    words = "I'm interested, but not now. How much is it? Could you send more info?"
    assert names(words) == ["not_now", "pricing", "more_information", "interested", "question"]


def test_an_opt_out_is_the_strongest_of_all() -> None:
    assert names("Yes, interested in pricing", opt_out="remove me")[0] == "unsubscribe"
    assert READER.read("Hello", "remove me") == (Intent("unsubscribe", ("remove me",)),)


def test_a_yes_beside_a_refusal_is_no_interest() -> None:
    assert names("Yes, I got your mails. I'm the wrong person.") == ["wrong_person"]
    assert "interested" not in names("Yes, I saw it.", opt_out="stop")
    assert names("Yes. But not now.") == ["not_now", "interested"]
    words = "Yes, send me the details. I'm the wrong person for it."
    assert names(words) == ["wrong_person", "more_information"]


@pytest.mark.parametrize("words", ["Yes, I know you.", "Sure, whatever", "Yes?", "Great. Ok."])
def test_a_yes_to_something_else_is_no_interest(words: str) -> None:
    assert "interested" not in names(words)


@pytest.mark.parametrize(
    "words", ["Yes", "Sure!", "Ja gerne", "Yes, please", "ok, sounds good", "はい"]
)
def test_a_bare_yes_is_interest(words: str) -> None:
    assert names(words) == ["interested"]


@pytest.mark.parametrize(
    "words", ["No", "Nope.", "Thanks, but no.", "Nein", "Sorry, no.", "いいえ"]
)
def test_a_bare_no_is_a_refusal(words: str) -> None:
    assert names(words) == ["not_interested"]


def test_a_no_to_something_else_is_no_refusal() -> None:
    assert names("No, we have no supplier yet. How much is it?") == ["pricing", "question"]


@pytest.mark.parametrize(
    "words", ["", "  \n", "Thanks.", "See attached", "Ok, thank you", "¿", "…"]
)
def test_where_nothing_is_wanted_nothing_is_found(words: str) -> None:
    assert names(words) == []


@pytest.mark.parametrize("mark", ["?", "？", "؟", "?!", " ?", "??", '?"'])
def test_a_question_mark_asks(mark: str) -> None:
    assert names(f"The thing{mark} Yes we can") == ["question"]


@pytest.mark.parametrize(
    "words", ["see https://x.example/?a=pricing now", "Best; Tom", "mail price@x.example"]
)
def test_what_stands_in_an_address_is_no_word_and_no_question(words: str) -> None:
    assert names(words) == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("That is not at all too expensive.", []),
        ("This is not what they told us when we asked, too expensive.", ["objection"]),
        ("I don't have the hours for a call but send me the pricing", ["pricing"]),
        ("We do not need a chat or a call or a demo", []),
        ("I'm not sure that the price is right for a call", []),
    ],
)
def test_a_not_reaches_as_far_as_it_is_meant(words: str, found: list[str]) -> None:
    assert names(words) == found


def test_a_line_that_a_program_wrapped_is_one_sentence() -> None:
    german = (
        "Danke für Ihre Nachricht vom Montag, wir haben kein\nInteresse an einer Zusammenarbeit."
    )
    assert names(german) == ["not_interested"]
    wrapped = "Thank you for your message from yesterday but we do not really\nneed a demo."
    assert names(wrapped) == []
    assert names("Hi Alex,\nNot interested\nTom") == ["not_interested"]


def test_english_words_count_in_any_language() -> None:
    assert names("Kein Problem, let's schedule a call nächste Woche.") == ["meeting"]
    german = "Ich habe das mit der Leitung und mit dem Team von uns und auch bei den anderen "
    german += "besprochen, und es wird wie bei den Kollegen in der Zentrale gemacht: "
    assert names(german + "quick call?") == ["meeting", "question"]
    assert names("Wir brauchen keine Demo und keinen Call.") == []


def test_the_small_words_of_another_language_do_not_count() -> None:
    assert names("Podemos agendar no próximo mês uma reunião?")[0] == "meeting"
    assert names("Pouvez-vous me recontacter en septembre ?")[0] == "not_now"


def test_a_folder_can_add_phrases_and_intents_of_its_own() -> None:
    reader = IntentReader(
        {"pricing": {"en": ["the setback"]}, "integration": {"en": ["integrat* with"]}}
    )
    assert names("What is the setback", reader) == ["pricing"]
    assert names("What is the setback") == []
    words = "Not now, but does it integrate with Outlook? We could have a call."
    assert names(words, reader) == ["not_now", "integration", "meeting", "question"]
    assert names("We don't need it integrated with anything", reader) == ["not_interested"]


def test_a_folder_can_replace_phrases_of_one_language_only() -> None:
    reader = IntentReader(instead={"pricing": {"en": ["the setback"]}})
    assert names("How much? The setback please", reader) == ["pricing", "question"]
    assert names("How much", reader) == []
    assert names("Was kostet das", reader) == ["pricing"]


def test_a_folder_can_say_that_words_mean_nothing() -> None:
    reader = IntentReader(never={"pricing": {"en": ["price of oil"]}})
    assert names("The price of oil is high", reader) == []
    assert names("The price please", reader) == ["pricing"]


def test_a_folder_can_have_words_for_opt_outs_and_other_languages() -> None:
    reader = IntentReader({"unsubscribe": {"is": ["taktu mig af"]}})
    assert names("Taktu mig af lista", reader) == ["unsubscribe"]


@given(st.text(max_size=300))
def test_any_text_is_read_the_same_way_twice(words: str) -> None:
    first = READER.read(words)
    assert first == READER.read(words)
    ranks = [ORDER.index(intent.name) for intent in first]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize(
    "words", ["no ", "not interested ", "how much? ", "no. ", "не ", "a@", "-"]
)
def test_a_hostile_mail_takes_no_time(words: str) -> None:
    hostile = words * (1_000_000 // len(words))
    assert takes_less_than(1, lambda: READER.read(hostile))  # a twentieth of that, usually

"""The language of a reply: none rather than a wrong one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.language import language_of

from .effort import takes_less_than

with (Path(__file__).parents[1] / "data" / "languages.jsonl").open(encoding="utf-8") as lines:
    SAMPLES = [json.loads(line) for line in lines]


def test_no_sample_is_taken_for_another_language() -> None:
    said = [(row["text"], row["language"], language_of(row["text"])) for row in SAMPLES]
    assert [row for row in said if row[2] not in {"", row[1]}] == []


def test_nearly_all_samples_are_told() -> None:
    told = [row for row in SAMPLES if row["language"] and language_of(row["text"])]
    assert len(told) >= 0.94 * sum(bool(row["language"]) for row in SAMPLES)


@pytest.mark.parametrize("language", sorted({row["language"] for row in SAMPLES} - {""}))
def test_some_sample_is_told_in(language: str) -> None:
    assert language in {language_of(row["text"]) for row in SAMPLES}


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "Yes",
        "ok",
        "Stop",
        "Ja",
        "Si",
        "No!",
        "👍🙏",
        "42",
        "?!",
        "Acme GmbH",
        "Nej tack",
        "https://example.com/was-kostet-das",
        "anna.mueller@example.com",
        "+49 170 1234567",
    ],
)
def test_what_says_too_little_has_no_language(text: str) -> None:
    assert language_of(text) == ""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Ναι", "el"),
        ("כן", "he"),
        ("はい", "ja"),
        ("ครับ", "th"),
        ("네", "ko"),
        ("好", "zh"),
        ("კი", "ka"),
        ("Այո", "hy"),
        ("ஆம்", "ta"),
    ],
)
def test_a_script_of_one_language_needs_a_single_word(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("資料を送付願います", "ja"),
        ("資料請求", "zh"),
        ("我们用的是 HubSpot, 请发 pricing 给 Anna Miller", "zh"),
        ("HubSpot 연동이 되나요? Thanks, Kim", "ko"),
        ("We work with 株式会社 Acme in Tokyo and would like to know more", "en"),
        ("Was kostet das? Mehr unter https://example.com/pricing-for-your-whole-team", "de"),
    ],
)
def test_most_of_the_text_decides(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Мы больше не работаем с этим", "ru"),
        ("Ми більше не працюємо з цим", "uk"),
        ("Мы больш не працуем з гэтым, дзякуй", "be"),
        ("Ми више не радимо са тим, хвала", "sr"),
        ("Вече не работим с това, благодаря", "bg"),
    ],
)
def test_letters_tell_cyrillic_languages_apart(text: str, language: str) -> None:
    assert language_of(text) == language


@given(st.text(st.characters()))
def test_any_text_has_some_language_or_none(text: str) -> None:
    assert len(language_of(f"{text} ыј")) in {0, 2}


def test_capitals_do_not_matter() -> None:
    assert language_of("BITTE RUFEN SIE MICH NÄCHSTE WOCHE AN") == "de"


def test_the_same_text_always_has_the_same_language() -> None:
    text = "Jeg er ikke den rette person, men spør gjerne Anna."
    assert len({language_of(text) for _ in range(20)}) == 1


def test_a_mail_takes_less_than_two_milliseconds_however_long() -> None:
    mail = "Vielen Dank für Ihre Nachricht, wir haben leider kein Budget dafür. " * 15_000
    language_of(mail)  # the first one loads the model
    assert takes_less_than(0.1, lambda: [language_of(mail) for _ in range(50)])


def test_nothing_is_loaded_before_a_text_needs_it() -> None:
    code = (
        "import sys; from worker.domain.language import language_of; language_of('はい');"
        "sys.exit('numpy' in sys.modules or 'py3langid' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

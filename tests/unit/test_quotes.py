import time

import pytest

from worker.domain.quotes import READ_AT_MOST, newest_words

HISTORY = [
    "On Tue, 2 June 2026 at 10:12, Sam <sam@ours.example> wrote:\n> Hello Ann",
    "On Tue, 2 June 2026 at 10:12, Sam Longlastname <sam@ours.example>\nwrote:\n> Hello Ann",
    "Am Di., 2. Juni 2026 um 10:12 Uhr schrieb Sam <sam@ours.example>:\n> Hallo Ann",
    "Le mar. 2 juin 2026 à 10:12, Sam <sam@ours.example> a écrit :\n> Bonjour Ann",
    "El mar, 2 jun 2026 a las 10:12, Sam escribió:\n> Hola Ann",
    "Il giorno mar 2 giu 2026 alle ore 10:12 Sam ha scritto:\n> Ciao Ann",
    "Op di 2 jun 2026 om 10:12 schreef Sam <sam@ours.example>:\n> Hallo Ann",
    "Em ter., 2 de jun. de 2026, Sam escreveu:\n> Olá Ann",
    "-----Original Message-----\nFrom: Sam\n\nHello Ann",
    "---------- Forwarded message ---------\nFrom: Sam <sam@ours.example>",
    "________________________________\nFrom: Sam <sam@ours.example>\nSent: Tuesday",
    "From: Sam <sam@ours.example>\nSent: Tuesday, June 2, 2026 10:12\nTo: Ann\n\nHello",
    "*From:* Sam <sam@ours.example>\n*Date:* Tuesday\n\nHello",
    "Von: Sam <sam@ours.example>\nGesendet: Dienstag\nAn: Ann\n\nHallo",
    "> Hello Ann\n> > older",
    "-- \nAnn Lead, CEO",
    "--\nAnn Lead, CEO",
    "Sent from my iPhone",
]


@pytest.mark.parametrize("history", HISTORY)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_the_mail_program_adds_is_not_read(history: str, end: str) -> None:
    mail = f"How much is it?\n\n{history}".replace("\n", end)
    assert newest_words(mail) == "How much is it?"


@pytest.mark.parametrize(
    "words",
    [
        "On Monday we talked and Sam wrote a note.\nHow much is it?",
        "From: the whole team, thank you!\nHow much is it?",
        "He wrote:\nHow much is it?",
        "Dear Sam,\n\nOn second thoughts, yes.\n\nAnn",
        "- one\n-- two\n- three",
        "Sent from my phone while walking, and it is freezing here, so briefly: yes",
    ],
)
def test_prose_that_looks_like_history_survives(words: str) -> None:
    assert newest_words(words) == words


def test_a_short_line_above_the_attribution_is_theirs() -> None:
    mail = "On it!\nOn Tue, 2 June 2026, Sam <sam@ours.example> wrote:\n> Hello"
    assert newest_words(mail) == "On it!"


def test_answers_between_quoted_lines_are_all_read() -> None:
    assert newest_words("> Which plan?\nThe big one.\n> How many?\n12") == "The big one.\n12"


def test_a_mail_of_nothing_but_quotes_has_no_words() -> None:
    assert newest_words("> Hello Ann\n> Sam") == ""


@pytest.mark.parametrize(
    "hostile",
    ["On " * 40_000, " " * 200_000, "-" * 200_000, "From: " + "x" * 200_000, "On a\n" * 50_000],
    ids=["on", "blanks", "dashes", "header", "lines"],
)
def test_a_hostile_mail_is_read_in_bounded_time(hostile: str) -> None:
    started = time.perf_counter()
    assert len(newest_words(hostile)) <= READ_AT_MOST
    assert time.perf_counter() - started < 5  # seconds; far above what it takes

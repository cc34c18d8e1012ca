import json
from pathlib import Path
from typing import Any

import pytest
from corpora.quotes import scores
from corpora.score import FOLDER, Score
from hypothesis import example, given, settings
from hypothesis import strategies as st

from worker.domain.quotes import (
    LINES_AT_MOST,
    READ_AT_MOST,
    is_capped,
    newest_part,
    newest_words,
)
from worker.domain.words import html_to_text

from .effort import seconds_of, takes_less_than

SAMPLES = Path(__file__).parents[1] / "data" / "quotes.jsonl"

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


def samples() -> list[Any]:
    lines = SAMPLES.read_text("utf-8").splitlines()
    return [pytest.param(row, id=row["id"]) for row in map(json.loads, lines)]


def without_blank_lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line]


@pytest.mark.parametrize("sample", samples())
def test_samples_of_mail_programs_and_people_come_out_right(sample: dict[str, Any]) -> None:
    text = sample.get("text") or html_to_text(sample["html"])
    ours = sample.get("ours", ())
    wanted = sample["words"], sample.get("part", sample["words"])
    found = newest_words(text, ours), newest_part(text, ours)
    assert [*map(without_blank_lines, found)] == [*map(without_blank_lines, wanted)]


def test_the_samples_speak_many_languages() -> None:
    languages = {row.values[0]["lang"] for row in samples()}
    assert len(languages) >= 40


@pytest.mark.skipif(not FOLDER.exists(), reason="third-party cases are not beside this checkout")
@pytest.mark.parametrize("number", range(3))
def test_third_party_cases_come_out_right(number: int) -> None:
    score: Score = scores()[number]
    assert score.enough, score.misses


PITCH = (
    "Hi Ann,\n\nwe help teams like yours to cut the time for invoices by half.\n"
    "Would a short call on Tuesday suit you?\n\nBest, Sam\nReply stop to unsubscribe."
)
UNMARKED = st.lists(st.text(st.sampled_from("aeinorst ÄЖñ中12.,!?'"), max_size=60), max_size=30)
"""Words without anything that a mail program writes."""


@given(UNMARKED)
def test_a_mail_without_marks_survives_whole(lines: list[str]) -> None:
    text = "\n".join(line.rstrip() for line in lines).strip()
    assert newest_words(text) == text
    assert newest_words(text, [PITCH]) == text


PROSE = [
    "Hi Sam,", "Please contact Bob <bob@lead.example> instead:", "Not interested, remove me.",
    "His address is bob@lead.example.", "Call me on 3.3.2026 at 10:00:", "My boss wrote: no.",
    "We met on 5 May 2025, and he wrote to us.", "Our CTO wrote:", "Anna napisał(a) dobrze.",
    "He said on Monday at 10:30:", "1. What does it cost?", "- price", "Von: Montag",
    "On 3 March 2026 we have time.", "Le mardi 3 mars nous convient.", "To: Friday", "Regards",
    "The meeting is on 2026-03-03 10:00", "Re: your offer of 03/03/2026", "--- see below ---",
    "Sent from my heart", "Von meinem Chef gesendet", "We need >50 seats", "P.S. call me",
    'What do you mean by "reply stop"?', "Original message: see the attachment", "Stop.",
    "3 марта 2026 г. в 10:12:", "В марте 2026 г. в 10:00 можно.", "2026年3月3日可以吗？",
    "at 10:00 on 3/3/26, ok?", "Ok - 12 seats @ 5 EUR", "(see our site)", "yes", "Max: no",
]  # fmt: skip
"""Lines that people write about mails, days and colleagues."""


@settings(max_examples=500)
@given(st.lists(st.sampled_from(PROSE), min_size=1, max_size=6), st.sampled_from(["\n", "\n\n"]))
def test_what_people_write_about_mails_survives_whole(lines: list[str], end: str) -> None:
    assert newest_words(end.join(lines)) == end.join(lines)


@given(UNMARKED)
@example(["Let us meet on 3.3.2026 at 10:12."])
@example(["No thanks"])
@example(["On it!"])
def test_words_above_a_history_survive_whole(lines: list[str]) -> None:
    text = "\n".join(line.rstrip() for line in lines).strip()
    quoted = PITCH.replace("\n", "\n> ")
    history = f"On Tue, 2 June 2026 at 10:12, Sam <sam@ours.example> wrote:\n\n> {quoted}"
    assert newest_words(f"{text}\n\n{history}") == text
    assert newest_words(f"{text}\n\n{history}", [PITCH]) == text


@given(st.integers(20, 200), st.sampled_from(["", "> ", ">> ", " > "]))
def test_what_we_sent_is_found_however_wrapped_and_marked(width: int, mark: str) -> None:
    words, lines = PITCH.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    quoted = "\n".join(mark + line for line in lines)
    assert newest_words(f"Stop writing to me.\n\n{quoted}", [PITCH]) == "Stop writing to me."
    assert newest_words(quoted, [PITCH]) == ""


def test_what_we_sent_later_than_a_mail_is_for_the_caller_to_leave_out() -> None:
    assert newest_words(PITCH, ["Thanks for your mail, Ann!"]) == PITCH


@pytest.mark.parametrize(
    ("text", "capped"),
    [
        ("a" * READ_AT_MOST, False),
        ("a" * (READ_AT_MOST + 1), True),
        ("a\n" * (LINES_AT_MOST - 1), False),
        ("a\n" * LINES_AT_MOST + "b", True),
    ],
    ids=["as long", "longer", "as many lines", "more lines"],
)
def test_a_mail_longer_than_what_is_read_is_told(text: str, *, capped: bool) -> None:
    assert is_capped(text) is capped
    assert (newest_words(text) != text.strip()) is capped


HOSTILE = [
    "a", "\n", "a\n", ">", "> > a\n", "On ", " ", "-", "On a\n", "停", "<a", "[a", "From: ",
    "From: a@b.cd\n", "a@b.cd wrote: ", "On 1.1.2026 10:12 a@b.cd wrote:\n", "1 10:12:\n",
    "From: a@b.cd To: b Sent: c ", "-- a --\n", "_____\n> a\n", "we help teams like yours ",
    "a: " * 40 + "2026 10:12: b\n", "From: To: Sent: " * 8 + "\n",
    "A" * 150 + " a@b.cd 1.1.2026 10:12 wrote: b\n", "2026-01-01 a" + "@" * 200 + ":\n",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_mail_is_read_in_bounded_time(piece: str) -> None:
    hostile = piece * (1_000_000 // len(piece))
    assert len(newest_words(hostile, [PITCH])) <= READ_AT_MOST
    assert takes_less_than(0.5, lambda: newest_words(hostile, [PITCH]))  # a tenth, usually


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=6))
def test_time_grows_with_the_mail_and_not_with_its_malice(pieces: list[str]) -> None:
    def seconds(size: int) -> float:
        piece = "".join(pieces)
        hostile = piece * (size // len(piece) + 1)
        return seconds_of(lambda: newest_words(hostile[:size], [PITCH]))

    assert seconds(32_000) < 30 * max(seconds(4_000), 0.01)

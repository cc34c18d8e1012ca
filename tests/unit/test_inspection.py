"""What `check` says of a whole folder."""

import pytest

from worker.domain.frontmatter import Advice
from worker.domain.inspection import Seen, inspect
from worker.domain.rules import build

from .test_shipped_templates import SOURCES

GOOD = "---\nwhen: reply is mentioning('price')\nlanguage: en\n---\nHello"


def said(sources: dict[str, str], seen: Seen | None = None) -> list[str]:
    return [
        f"{'note: ' if isinstance(one, Advice) else ''}{one}"
        for one in inspect(build(sources), seen)
    ]


def test_the_shipped_folder_passes_without_a_word() -> None:
    assert said(SOURCES) == []


def test_everything_is_listed_by_file_and_line_and_notes_come_last() -> None:
    sources = {
        "_settings.yaml": "vars: {link: x}",
        "b.j2": "---\nwhen: lead.x == 1\npriority: 90\n---\n{{ lead.frist_name|d(1) }}{{ vars.l }}",
        "a.j2": "---\nexamples:\n  match:\n    - hello\n    - bye\nwhen: lead.id\n---\nHi",
    }
    assert [line.partition(": ")[0] for line in said(sources)] == [
        "a.j2:4", "a.j2:5", "b.j2:5", "note",
    ]  # fmt: skip


def test_with_a_broken_file_nothing_is_told_that_may_come_of_it() -> None:
    sources = {
        "a.j2": "---\nwhen: reply is mentioning('price')\npriority: 90\n---\n{{ broken",
        "b.j2": "---\nwhen: true\nexamples:\n  skip: ['What is the price?']\n---\nHello",
    }
    assert [line.partition(": ")[0] for line in said(sources)] == ["a.j2:5"]


def test_broken_settings_are_one_mistake_whoever_has_written_to_us() -> None:
    sources = {"_settings.yaml": "foo: [\nvars: {}", "a.j2": GOOD}
    lines = said(sources, Seen(mailboxes=frozenset({"sam@ours.example"})))
    assert [line.partition(": ")[0] for line in lines] == ["_settings.yaml:2"]


@pytest.mark.parametrize(
    "text",
    [
        "{% include '_gone.j2' %}",
        "{% include ['_gone.j2'] %}",
        "{% from '_gone.j2' import x %}",
        "{% import '_gone.j2' as x %}",
    ],
)
def test_what_is_included_and_does_not_exist_is_named_where_it_is_included(text: str) -> None:
    assert said({"a.j2": f"{GOOD}\n{text}"}) == [
        "a.j2:6: there is no _gone.j2 in the folder to include"
    ]
    assert said({"a.j2": f"{GOOD}\n{{% include '_p.j2' %}}", "_p.j2": f"Hi\n{text}"}) == [
        "_p.j2:2: there is no _gone.j2 in the folder to include"
    ]


def test_what_is_included_only_where_it_exists_need_not_exist() -> None:
    for text in (
        "{% include '_gone.j2' ignore missing %}",
        "{% include ['_gone.j2', '_here.j2'] %}",
    ):
        assert said({"a.j2": f"{GOOD}\n{text}", "_here.j2": "x"}) == []


def test_a_broken_file_that_is_included_is_one_mistake() -> None:
    sources = {"a.j2": GOOD + "{% include 'b.j2' %}", "b.j2": "no front matter"}
    assert [line.partition(": ")[0] for line in said(sources)] == ["b.j2:1"]


def test_a_line_with_a_name_that_does_not_exist_is_not_tried_once_more() -> None:
    assert said({"a.j2": "---\nwhen: true\n---\n{{ vars.link }}"}) == [
        "a.j2:4: there is no vars.link in _settings.yaml"
    ]


def test_a_note_hides_no_mistake_on_its_line() -> None:
    lines = said({"a.j2": "---\nwhen: true\n---\n{{ lead.frist_name }}"})
    assert [line.partition(" ")[0] for line in lines] == ["a.j2:4:", "note:"]


def test_a_line_may_have_two_mistakes() -> None:
    lines = said({"a.j2": "---\nwhen: true\n---\n{{ lead.company }}{{ vars.link }}"})
    assert [line.partition(" in _")[0].partition(";")[0] for line in lines] == [
        "a.j2:4: there is no vars.link",
        "a.j2:4: with a lead of whom only the id is known: lead.company is undefined",
    ]


def test_a_rule_that_is_never_chosen_is_one_mistake_whatever_its_examples_get() -> None:
    copy = GOOD.replace("---\nHello", "examples: {match: [price, a price]}\n---\nHello")
    lines = said({"a.j2": copy, "b.j2": copy})
    assert [line.partition(":")[0] for line in lines] == ["b.j2"]


def test_a_rule_that_is_switched_off_need_not_get_its_examples() -> None:
    off = "---\nwhen: false\nexamples: {match: [price]}\n---\nHello"
    assert said({"a.j2": off}) == ["note: a.j2:2: never chosen: its condition never holds"]


# Missing languages


def test_an_answer_without_the_language_of_the_others_is_named() -> None:
    meeting = GOOD.replace("price", "meeting")
    sources = {"price.j2": GOOD, "price.de.j2": "Hallo", "meeting.j2": meeting}
    assert said(sources) == [
        (
            "note: price.de.j2:1: no “de” text of meeting: "
            "a person sees the draft first (other_language: hold)"
        )
    ]
    sent = said(sources | {"_settings.yaml": "other_language: send"})
    assert sent[0].endswith("they get “en” (other_language: send)")


def test_the_missing_texts_of_a_language_are_one_note() -> None:
    others = {f"{word}.j2": GOOD.replace("price", word) for word in ("meeting", "demo")}
    sources = {"price.j2": GOOD, "price.de.j2": "Hallo", "price.fr.j2": "Salut"} | others
    assert [line.partition(": a")[0] for line in said(sources)] == [
        "note: price.de.j2:1: no “de” text of demo, meeting",
        "note: price.fr.j2:1: no “fr” text of demo, meeting",
    ]


def test_an_answer_that_does_not_say_its_language_is_asked_for_it() -> None:
    silent = GOOD.replace("language: en\n", "").replace("price", "meeting")
    (line,) = said({"price.j2": GOOD, "price.de.j2": "Hallo", "meeting.j2": silent})
    assert "no “de” text of meeting" in line
    assert "does not say its language; add language: en" in line


def test_what_sends_nothing_or_speaks_it_itself_needs_no_translation() -> None:
    skip = GOOD.replace("language: en", "action: skip").replace("price", "no")
    german = GOOD.replace("language: en", "language: de-at").replace("price", "preis")
    assert said({"a.j2": GOOD, "a.de.j2": "Hallo", "no.j2": skip, "preis.j2": german}) == []


def test_without_any_translation_none_is_missing() -> None:
    assert said({"a.j2": GOOD}) == []


# Mailboxes


def test_a_mailbox_without_a_row_is_named() -> None:
    sources = {"a.j2": GOOD, "_settings.yaml": "vars: {}\naccounts: {Sam@ours.example: {}}"}
    seen = Seen(mailboxes=frozenset({"sam@ours.example", "kim@ours.example"}))
    assert said(sources, seen) == [
        "note: _settings.yaml:2: the mailbox kim@ours.example has no row in accounts"
    ]
    assert said({"a.j2": GOOD}, seen)[0].startswith("note: _settings.yaml:1: the mailbox kim@")


def test_the_fields_of_leads_that_were_seen_are_used() -> None:
    sources = {"a.j2": GOOD + "{{ lead.seats | default(1) + 1 }}"}
    assert said(sources) == []
    assert len(said(sources, Seen(lead_fields={"seats": "12"}))) == 1

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.errors import TemplateProblem
from worker.domain.model import Draft, JsonValue
from worker.domain.reading import Facts
from worker.domain.rendering import context, render, thread_subject, tidy_subject

from .making import (
    LEAD,
    MAILBOX,
    ago,
    campaign_mail,
    event,
    facts,
    folder,
    inbound,
    outbound,
    said,
)

FOLDED = [
    "\r\nBcc: all@lead.example",
    "\n",
    "\r",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x85",
    "\u2028",
    "\u2029",
]


def drawn(
    body: str = "Hello", *, front: str = "when: true", known: Facts | None = None, **files: str
) -> Draft:
    templates = folder(body, front=front, **files)
    assert templates.problems == ()
    return render(templates.rules[0], known or facts(), templates.settings)


def failure(body: str = "Hello", *, front: str = "when: true", **files: str) -> str:
    with pytest.raises(TemplateProblem) as raised:
        drawn(body, front=front, known=None, **files)
    assert raised.value.reason == "template_error"
    return raised.value.detail


def subject_of(subject: str) -> str:
    messages = [campaign_mail(subject=subject), inbound(subject=f"AW: {subject}")]
    return drawn(known=facts(messages=messages)).subject


@pytest.mark.parametrize(
    "subject",
    [
        "Your team", "Re: Your team", "RE: re: Re: Your team", "Re[2]: Your team", "AW: Your team",
        "Sv: Antw: Your team", "回复：Your team", "re :Your team", "  Re:  Your   team ",
    ],
)  # fmt: skip
def test_a_subject_has_exactly_one_re(subject: str) -> None:
    assert subject_of(subject) == "Re: Your team"


@pytest.mark.parametrize("subject", ["Regarding: us", "Reply: us", "Results: up 3 %", "Resume"])
def test_words_that_begin_like_re_are_part_of_the_subject(subject: str) -> None:
    assert subject_of(subject) == f"Re: {subject}"


@pytest.mark.parametrize("subject", ["", "Re:", "Re: Re:", "\n"])
def test_a_mail_without_a_subject_gets_a_sensible_one(subject: str) -> None:
    assert subject_of(subject) == "Re: your message"
    assert drawn(known=facts(event=event(subject=subject), messages=[])).subject == (
        "Re: your message"
    )


def test_the_subject_is_that_of_the_threads_first_mail() -> None:
    assert thread_subject(facts()) == "Your team"
    other = facts(messages=[campaign_mail(subject=""), inbound(subject="Re: Mine")])
    assert thread_subject(other) == "Mine"
    assert thread_subject(facts(event=event(subject="Re: Told"), messages=[])) == "Told"


def test_a_template_can_have_a_subject_of_its_own() -> None:
    own = "when: true\nsubject: 'For {{ lead.id }}'"
    assert drawn(front=own).subject == "For lead-1"
    doubled = "when: true\nsubject: 'Re: Re: {{ reply.subject }}'"
    assert drawn(front=doubled).subject == "Re: Your team"


@pytest.mark.parametrize("fold", FOLDED)
def test_no_line_break_from_outside_enters_a_subject(fold: str) -> None:
    known = facts(
        event=event(lead={"first_name": f"Ann{fold}Lead"}, subject=f"Re: Your{fold}team"),
        messages=[],
    )
    named = drawn(
        front="when: true\nsubject: '{{ lead.first_name }}: {{ reply.subject }}'", known=known
    )
    for draft in (named, drawn(known=known)):
        assert draft.subject.splitlines() == [draft.subject]
        assert draft.subject.isprintable()


@given(st.text())
def test_any_subject_becomes_one_short_line_and_stays_so(text: str) -> None:
    subject = tidy_subject(text)
    assert len(subject.splitlines()) <= 1
    assert len(subject) <= 250
    assert tidy_subject(subject) == subject
    assert not any(character < " " for character in subject)


@given(st.text())
def test_any_thread_gets_one_re(text: str) -> None:
    known = facts(event=event(subject=text), messages=[])
    subject = tidy_subject(f"Re: {thread_subject(known)}")
    assert subject.startswith("Re: ")
    assert not subject[4:].lower().startswith("re:")


def test_a_long_subject_is_cut() -> None:
    assert tidy_subject("Re: " + "é" * 300) == "Re: " + "é" * 246


def test_a_body_is_tidy() -> None:
    body = "\n\nHi  \n\n\n\n{% if false %}\nx\n{% endif %}\n\nBye \t\n\n"
    assert drawn(body).body == "Hi\n\nBye"


def test_text_from_outside_cannot_bring_control_characters_into_a_body() -> None:
    known = facts(event=event(lead={"first_name": "An\x00n\r\nX\x1b"}))
    assert drawn("Hi {{ lead.first_name }}", known=known).body == "Hi Ann\nX"


@pytest.mark.parametrize("empty", ["", " ", "\n", None])
def test_an_empty_field_takes_the_default(empty: str | None) -> None:
    known = facts(event=event(lead={"first_name": empty}))
    assert drawn("Hi {{ lead.first_name | default('there') }},", known=known).body == "Hi there,"


def test_a_field_is_used_without_the_blanks_around_it() -> None:
    known = facts(event=event(lead={"first_name": " Ann "}))
    assert drawn("Hi {{ lead.first_name }},", known=known).body == "Hi Ann,"


@pytest.mark.parametrize("kept", [0, False, 7, "0"])
def test_zero_and_no_are_values(kept: JsonValue) -> None:
    known = facts(event=event(lead={"seats": kept}))
    assert drawn("{{ lead.seats | default('?') }}", known=known).body == str(kept)


def test_an_empty_account_or_variable_takes_the_default_too() -> None:
    settings = f"vars: {{link: }}\naccounts: {{{MAILBOX}: {{name: }}}}"
    body = "{{ account.name | default('Sam') }} {{ vars.link | default('-') }}"
    assert drawn(body, _settings=settings).body == "Sam -"


def test_every_template_knows_the_same_things() -> None:
    known = facts(
        event=event(campaign_id="c-1", campaign_name="Q4", lead={"first_name": "Ann", "seats": 12}),
        messages=[campaign_mail(), inbound()],
    )
    body = (
        "{{ reply.text }}|{{ reply.subject }}|{{ reply.raw }}|{{ reply.at }}|{{ reply.labels }}\n"
        "{{ lead.id }}|{{ lead.email }}|{{ lead.first_name }}|{{ lead.seats }}\n"
        "{{ thread.subject }}|{{ thread.count }}|{{ thread.answered }}|{{ thread.auto_replies }}\n"
        "{{ thread.messages[0].direction }}|{{ thread.last_sent_at }}\n"
        "{{ campaign.id }}|{{ campaign.name }}|{{ account.email }}|{{ account.name }}\n"
        "{{ now.year }}|{{ vars.link }}"
    )
    settings = f"vars: {{link: L}}\naccounts: {{{MAILBOX}: {{name: Sam}}}}"
    assert drawn(body, known=known, _settings=settings).body.split("\n") == [
        f"How much is it?|Re: Your team|How much is it?|{ago(minutes=2)}|['reply_received']",
        f"lead-1|{LEAD}|Ann|12",
        "Your team|2|False|0",
        f"outbound|{ago(days=1)}",
        f"c-1|Q4|{MAILBOX}|Sam",
        "2026|L",
    ]


def test_a_template_knows_what_they_want_and_whom_they_point_to() -> None:
    body = (
        "{{ reply.intents }} {{ reply.referral.name }} "
        "{{ reply.referral.email | default('no address') }}"
    )
    known = said("Not my area. Please contact Anna Meyer, how much is it?")
    expected = "['wrong_person', 'pricing', 'question'] Anna Meyer no address"
    assert drawn(body, known=known).body == expected


def test_where_nobody_is_named_there_is_no_referral() -> None:
    body = "{% if reply.referral.name is defined %}{{ reply.referral.name }}{% else %}-{% endif %}"
    assert drawn(body, known=said("How much?")).body == "-"


def test_the_last_mail_of_ours_is_told_by_its_time() -> None:
    known = facts(messages=[campaign_mail(), outbound(at=ago(hours=3)), inbound()])
    assert context(known, folder().settings)["thread"].last_sent_at == ago(hours=3)
    assert context(facts(messages=[]), folder().settings)["thread"].last_sent_at is None


def test_an_error_names_file_line_and_variable() -> None:
    assert failure("Hi\n\n{{ lead.company }}") == "answer.j2:6: lead.company is undefined"


def test_an_error_inside_an_include_names_that_file() -> None:
    part = "one\ntwo\n{{ lead.company }}"
    assert failure("Hi\n{% include '_part.j2' %}", _part_j2=part) == (
        "_part.j2:3: lead.company is undefined"
    )


def test_an_error_inside_a_macro_names_the_macros_line() -> None:
    body = "{% macro m() %}\n{{ lead.company }}\n{% endmacro %}\nHi\n{{ m() }}"
    assert failure(body) == "answer.j2:5: lead.company is undefined"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("Hi\n{% include lead.id ~ '.j2' %}", "answer.j2:5: there is no lead-1.j2 in the folder"),
        ("{{ 1 / 0 }}", "answer.j2:4: division by zero"),
        ("{{ lead.id + 1 }}", "answer.j2:4: "),
        ("{{ ('x' * 90000) * 90000 }}", "answer.j2:4: this would make"),
        ("{{ lead.__class__ }}", "answer.j2:4: access to attribute '__class__'"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "answer.j2:4: maximum recursion"),
        ("{% if false %}x{% endif %}", "answer.j2:1: the text is empty"),
        ("{{ 'x' * 70000 }}", "answer.j2:1: over 65536 characters"),
    ],
)
def test_whatever_a_template_does_wrong_is_its_own_problem(body: str, detail: str) -> None:
    assert failure(body).startswith(detail)


def test_an_error_in_a_subject_is_said_to_be_there() -> None:
    front = "when: true\nsubject: '{{ lead.company }}'"
    assert failure(front=front) == "answer.j2:3: subject: lead.company is undefined"


def test_a_subject_that_comes_out_empty_is_a_problem() -> None:
    front = "when: true\nsubject: '{% if false %}x{% endif %}'"
    assert failure(front=front) == "answer.j2:3: the subject is empty"

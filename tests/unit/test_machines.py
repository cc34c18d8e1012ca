"""Who wrote it: the project's own mails, and what each kind of evidence is worth."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.machines import Kind, judge

from .effort import seconds_of

_MAILS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "machines.jsonl")
    .read_text("utf-8")
    .split("\n")
    if line
]


def kind(subject: str = "Re: Idea", words: str = "Yes, how much is it?", **told: Any) -> Kind:
    return judge(subject=subject, words=words, **told).kind


@pytest.mark.parametrize("mail", [pytest.param(mail, id=mail["id"]) for mail in _MAILS])
def test_the_mail_is_what_it_is(mail: dict[str, str]) -> None:
    judged = judge(subject=mail["subject"], words=mail["words"])
    assert judged.kind == mail["kind"], judged.because
    assert bool(judged.because) is (judged.kind is not Kind.PERSON)


def test_the_mails_are_of_many_languages_with_people_beside_machines() -> None:
    languages = {mail["id"].split("-")[0] for mail in _MAILS}
    both = [
        {mail["kind"] == "person" for mail in _MAILS if mail["id"].split("-")[0] == language}
        for language in languages
    ]
    assert len(languages) >= 30
    assert sum(len(kinds) == 2 for kinds in both) >= 25


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Auto-Submitted": "auto-replied"}, Kind.AUTO_REPLY),
        ({"auto-submitted": "Auto-Generated; owner-email=a@b.test"}, Kind.AUTO_REPLY),
        ({"Auto-Submitted": "(vacation (Sieve)) auto-replied"}, Kind.AUTO_REPLY),
        ({"Auto-Submitted": ["no", "auto-notified"]}, Kind.AUTO_REPLY),
        ({"Auto-Submitted": "no"}, Kind.PERSON),
        ({"Auto-Submitted": "no (a person (me) wrote this)"}, Kind.PERSON),
        ({"Auto-Submitted": "NO; really"}, Kind.PERSON),
        ({"Return-Path": "<>"}, Kind.AUTO_REPLY),
        ({"Return-Path": "<kim@acme.test>"}, Kind.PERSON),
        ({"Return-Path": "<MAILER-DAEMON>"}, Kind.BOUNCE),
        ({"Content-Type": "multipart/report; report-type=delivery-status"}, Kind.BOUNCE),
        ({"Content-Type": 'multipart/report; report-type="feedback-report"'}, Kind.BOUNCE),
        (
            {"Content-Type": "multipart/report; Report-Type=disposition-notification"},
            Kind.RECEIPT,
        ),
        ({"Content-Type": "multipart/alternative"}, Kind.PERSON),
        ({"X-Failed-Recipients": "kim@acme.test"}, Kind.BOUNCE),
        ({"X-Auto-Response-Suppress": "All"}, Kind.AUTO_REPLY),
        ({"X-Auto-Response-Suppress": "None"}, Kind.PERSON),
        ({"X-Autoreply": "yes"}, Kind.AUTO_REPLY),
        ({"X-Autorespond": ""}, Kind.AUTO_REPLY),
        ({"X-FC-MachineGenerated": "true"}, Kind.AUTO_REPLY),
        ({"X-FC-MachineGenerated": "false"}, Kind.PERSON),
        ({"X-POST-MessageClass": "9; Autoresponder"}, Kind.AUTO_REPLY),
        ({"X-POST-MessageClass": "1; Mail"}, Kind.PERSON),
        ({"X-MS-Exchange-Inbox-Rules-Loop": "kim@acme.test"}, Kind.AUTO_REPLY),
        ({"Precedence": "auto_reply"}, Kind.AUTO_REPLY),
        ({"Precedence": "Bulk"}, Kind.LIST),
        ({"Precedence": "junk"}, Kind.LIST),
        ({"Precedence": "first-class"}, Kind.PERSON),
        ({"List-Unsubscribe": "<mailto:off@acme.test>"}, Kind.LIST),
        ({"X-List": "no such header"}, Kind.PERSON),
        ({"From": "Mail Delivery System <MAILER-DAEMON@mx.test>"}, Kind.BOUNCE),
        ({"From": "Acme <no-reply@acme.test>"}, Kind.AUTO_REPLY),
        ({"From": "Noreen Plymouth <noreen@acme.test>"}, Kind.PERSON),
        ({}, Kind.PERSON),
        (None, Kind.PERSON),
    ],
)
def test_headers_tell_in_any_case_and_number(
    headers: dict[str, object] | None, expected: Kind
) -> None:
    assert kind(headers=headers) is expected


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("mailer-daemon@mx.test", Kind.BOUNCE),
        ("postmaster@acme.test", Kind.BOUNCE),
        ("bounces+4711=kim@mail.test", Kind.BOUNCE),
        ("NoReply@acme.test", Kind.AUTO_REPLY),
        ("noreply-crm@acme.test", Kind.AUTO_REPLY),
        ("crm.no-reply@acme.test", Kind.AUTO_REPLY),
        ("nepasrepondre@acme.test", Kind.AUTO_REPLY),
        ("nicht-antworten@acme.test", Kind.AUTO_REPLY),
        ("sales-request@lists.test", Kind.LIST),
        ("owner-sales@lists.test", Kind.LIST),
        ("kim@noreply.test", Kind.PERSON),
        ("bouncer@club.test", Kind.PERSON),
        ("norbert.owner@acme.test", Kind.PERSON),
        ("", Kind.PERSON),
    ],
)
def test_machines_have_addresses_that_say_so(sender: str, expected: Kind) -> None:
    assert kind(sender=sender) is expected


@pytest.mark.parametrize(
    ("event_type", "expected"),
    [
        ("email_bounced", Kind.BOUNCE),
        ("lead_out_of_office", Kind.OUT_OF_OFFICE),
        ("auto_reply_received", Kind.AUTO_REPLY),
        ("reply_received", Kind.PERSON),
    ],
)
def test_what_the_provider_announces_counts(event_type: str, expected: Kind) -> None:
    judged = judge(subject="Re: Idea", words="Yes", event_types=["reply_received", event_type])
    assert judged.kind is expected
    assert (event_type in judged.because) is (expected is not Kind.PERSON)


def test_the_providers_flag_counts_and_the_words_say_what_it_is() -> None:
    assert kind(words="x", flagged=True) is Kind.AUTO_REPLY
    away = judge(subject="", words="I am on annual leave until 4 May.", flagged=True)
    assert away.kind is Kind.OUT_OF_OFFICE


def test_a_bounce_comes_before_everything_that_it_may_look_like() -> None:
    headers = {
        "Auto-Submitted": "auto-replied",
        "Precedence": "bulk",
        "Content-Type": "multipart/report; report-type=delivery-status",
    }
    words = "I am out of the office until Monday."
    assert kind("Automatic reply: Idea", words, headers=headers) is Kind.BOUNCE


@pytest.mark.parametrize(
    ("subject", "ours", "expected"),
    [
        ("Automatic reply handling", "Automatic reply handling", Kind.PERSON),
        ("Out of office", "Out of office", Kind.PERSON),
        ("[EXT] Out of office", "Out of office", Kind.PERSON),
        ("Undeliverable: what it costs", "Undeliverable: what it costs", Kind.PERSON),
        ("Re: Undeliverable: what it costs", "", Kind.PERSON),
        ("Automatic reply: Out of office", "Out of office", Kind.OUT_OF_OFFICE),
        ("Undeliverable: Out of office", "Out of office", Kind.BOUNCE),
        ("Out of office", "", Kind.OUT_OF_OFFICE),
        ("***SPAM*** Automatic reply: Idea", "", Kind.OUT_OF_OFFICE),
        ("Automatic replying made easy", "", Kind.PERSON),
        ("Out of office until 4 May", "", Kind.OUT_OF_OFFICE),
        ("Out of office politics", "", Kind.PERSON),
        ("Kim Lee is out of the office", "", Kind.OUT_OF_OFFICE),
        ("Re: Kim Lee is out of the office", "", Kind.PERSON),
        ("Read: Idea", "", Kind.RECEIPT),
    ],
)
def test_only_the_beginning_of_a_subject_counts_and_never_our_own(
    subject: str, ours: str, expected: Kind
) -> None:
    assert kind(subject, "", our_subject=ours) is expected


def test_a_person_may_begin_a_subject_with_read() -> None:
    assert kind("Read: this is what we need", "Here is our list of wishes.") is Kind.PERSON


def test_what_mail_gateways_put_before_a_subject_does_not_hide_it() -> None:
    assert kind("[External] Automatic reply: Idea", "") is Kind.OUT_OF_OFFICE
    assert kind("EXTERNAL: Undeliverable: Idea", "") is Kind.BOUNCE


def test_an_automatic_reply_that_acknowledges_is_no_absence() -> None:
    words = "We have received your request. Our team will respond within one business day."
    assert kind("Automatic reply: Idea", words) is Kind.AUTO_REPLY
    assert kind("Automatic reply: Idea", "Hello.") is Kind.OUT_OF_OFFICE


def test_the_gender_that_a_note_leaves_open_does_not_hide_it() -> None:
    assert kind(words="Je suis absent(e) du bureau.") is Kind.OUT_OF_OFFICE
    assert kind(words="Jestem nieobecny/a do piątku.") is Kind.OUT_OF_OFFICE


def test_a_question_in_a_link_is_none() -> None:
    words = "Away until May, see https://acme.test/?who=anna"
    assert kind(words=words) is Kind.OUT_OF_OFFICE


@pytest.mark.parametrize("hostile", ["i am ", "((", "a", "休", "out of office? ", "(e)", "5.1.1 "])
def test_a_megabyte_is_judged_as_fast_as_a_page(hostile: str) -> None:
    def seconds(size: int) -> float:
        text = (hostile * size)[:size]
        return seconds_of(
            lambda: judge(
                subject=text, words=text, our_subject=text, headers={"Auto-Submitted": text}
            )
        )

    assert seconds(1_000_000) < 20 * max(seconds(10_000), 0.005)


@given(st.text(), st.text(), st.dictionaries(st.text(), st.text() | st.lists(st.text())))
def test_no_mail_is_too_strange_to_be_judged(
    subject: str, words: str, headers: dict[str, object]
) -> None:
    judged = judge(subject=subject, words=words, headers=headers, our_subject=words)
    assert bool(judged.because) is (judged.kind is not Kind.PERSON)

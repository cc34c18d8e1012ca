"""What would become of a reply, with its text and its time, before anything is done."""

from dataclasses import replace
from datetime import timedelta

import pytest

from worker.domain.guards import Policy
from worker.domain.model import Mode
from worker.domain.outcome import Outcome, Timing, foresee

from .making import MAILBOX, NOW, folder, said


def outcome(
    front: str = "when: true",
    body: str = "Hello",
    *,
    words: str = "Hi",
    mode: Mode = Mode.SEND,
    settings: str = "timezone: UTC",
    language: str = "",
    **lead: str,
) -> Outcome:
    templates = folder(body, front=front, _settings=settings)
    assert templates.problems == ()
    facts = replace(said(words, lead=lead), language=language)
    return foresee(facts, templates, Policy(), mode)


def timing(front: str, settings: str = "timezone: UTC", **lead: str) -> Timing:
    found = outcome(f"when: true\n{front}", settings=settings, **lead).timing
    assert found
    return found


def test_an_answer_has_draft_time_and_trace() -> None:
    found = outcome()
    assert (found.decision, found.reason, found.template) == ("reply", "", "answer")
    assert found.draft
    assert found.draft.body == "Hello"
    assert found.timing
    assert found.timing.at == NOW
    assert found.trace[-1].outcome == "fits"


@pytest.mark.parametrize(
    ("front", "mode", "decision", "reason"),
    [
        ("mode: hold", Mode.SEND, "hold", "needs_approval"),
        ("mode: send", Mode.HOLD, "hold", "needs_approval"),
        ("mode: shadow", Mode.HOLD, "skip", "shadow"),
        ("language: en", Mode.SEND, "hold", "other_language"),
        ("language: en", Mode.SHADOW, "skip", "shadow"),
    ],
)
def test_an_answer_that_does_not_leave_by_itself_has_a_draft_and_no_time(
    front: str, mode: Mode, decision: str, reason: str
) -> None:
    found = outcome(f"when: true\n{front}", mode=mode, language="de")
    assert (found.decision, found.reason) == (decision, reason)
    assert found.draft
    assert found.timing is None


@pytest.mark.parametrize(
    ("front", "words", "decision", "reason", "template"),
    [
        ("when: true", "Unsubscribe", "skip", "opted_out", ""),
        ("when: false", "Hi", "hold", "no_rule", ""),
        ("when: true\naction: skip", "Hi", "skip", "by_rule", "answer"),
        ("when: true\naction: hold", "Hi", "hold", "by_rule", "answer"),
        ("when: true\naction: opt_out", "Hi", "opt_out", "by_rule", "answer"),
        ("when: lead.size", "Hi", "hold", "template_error", "answer"),
    ],
)
def test_what_is_no_answer_has_its_reason(
    front: str, words: str, decision: str, reason: str, template: str
) -> None:
    found = outcome(front, words=words)
    assert (found.decision, found.reason, found.template) == (decision, reason, template)
    assert found.draft is None


def test_a_text_that_cannot_be_filled_in_would_be_held_with_the_place() -> None:
    found = outcome(body="Hi {{ lead.company }}")
    assert (found.decision, found.reason) == ("hold", "template_error")
    assert found.detail == "answer.j2:4: lead.company is undefined"


def test_the_variant_is_told() -> None:
    found = outcome("when: true\nvariants: [a, b]")
    assert found.variant in ("a", "b")
    assert found.trace[-1].variant == found.variant


# When, on whose clock, and why


ACCOUNT = f"timezone: UTC\naccounts: {{{MAILBOX}: {{timezone: Asia/Tokyo}}}}"


def test_the_time_is_on_the_clock_that_counts() -> None:
    team = timing("")
    assert (team.whose, str(team.at.tzinfo), team.at.hour) == ("team", "UTC", 12)
    mailbox = timing("", ACCOUNT)
    assert (mailbox.whose, str(mailbox.at.tzinfo), mailbox.at.hour) == ("mailbox", "Asia/Tokyo", 21)
    lead = timing("", ACCOUNT, timezone="America/New_York")
    assert (lead.whose, lead.at.hour) == ("lead", 8)
    assert mailbox.at == lead.at == NOW


def test_without_any_zone_it_is_nobodys() -> None:
    nobody = timing("", settings="vars: {}")
    assert (nobody.whose, str(nobody.at.tzinfo)) == ("", "UTC")


def test_an_answer_that_leaves_at_once_says_so() -> None:
    assert timing("").why == "neither delay nor hours are set"


def test_a_delay_is_told_with_what_was_drawn() -> None:
    assert timing("delay: 5m").why == "5m after the mail (delay 5m)"
    drawn = timing("delay: 1m..90m")
    assert drawn.why.endswith(" after the mail (delay 1m to 1h 30m)")
    assert timedelta(minutes=1) <= drawn.at - NOW <= timedelta(minutes=90)


@pytest.mark.parametrize(
    ("front", "why"),
    [
        ("hours: Mon-Fri 09:00-17:30", "no delay, within Mon-Fri 09:00-17:30"),
        ("hours: Sat 09:00-12:00", "no delay, then at the next opening of Sat 09:00-12:00"),
        (
            "hours: Mon-Fri 09:00-12:30\ndelay: 20m",
            "20m after the mail (delay 20m), within Mon-Fri 09:00-12:30",
        ),
        (
            "hours: Mon-Fri 09:00-12:30\ndelay: 40m",
            "40m after the mail (delay 40m), then at the next opening of Mon-Fri 09:00-12:30",
        ),
    ],
)
def test_hours_say_whether_they_were_waited_for(front: str, why: str) -> None:
    assert timing(front).why == why

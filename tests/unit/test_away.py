"""What follows an out-of-office note: nothing, or one answer after the return."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from worker.domain.away import may_resume
from worker.domain.deciding import decide, leaves_at
from worker.domain.decision import Decision, Hold, Later, Reply, Skip, Verdict
from worker.domain.examples import _chosen
from worker.domain.guards import Policy
from worker.domain.model import Sent, Tally
from worker.domain.reading import Facts
from worker.domain.rules import Templates, build

from .making import LEAD, NOW, ago, campaign_mail, event, facts, inbound, outbound

BACK = date(2026, 6, 10)
"""A Wednesday, a week after now."""

THURSDAY = datetime(2026, 6, 11, 9, tzinfo=UTC)
WELCOME = "---\nwhen: true\nresume: true\n{}---\nWelcome back!"
PRICING = "---\nwhen: true\n---\nIt depends."
ZONED = "timezone: UTC\n"


def folder(front: str = "", settings: str = ZONED) -> Templates:
    sources = {
        "welcome.j2": WELCOME.format(front),
        "pricing.j2": PRICING,
        "_settings.yaml": settings,
    }
    templates = build(sources)
    assert templates.problems == ()
    return templates


def note(back: date | None = BACK, **given: Any) -> Facts:
    """Return the facts about an out-of-office note that came two minutes ago."""
    return replace(facts(**given), kind="out_of_office", return_day=back)


def decided(known: Facts, templates: Templates | None = None) -> Decision:
    return decide(known, templates or folder(), Policy()).decision


def told_later(known: Facts, at: datetime = THURSDAY) -> Facts:
    """Return the same facts when the time has come."""
    return replace(known, now=at)


def test_a_note_waits_for_the_business_day_after_the_return() -> None:
    verdict = decide(note(), folder(), Policy())
    assert isinstance(verdict.decision, Later)
    assert (verdict.decision.rule.name, verdict.decision.until) == ("welcome", THURSDAY)
    last = verdict.trace[-1]
    assert (last.step, last.name, last.outcome) == ("away", "welcome", "waits")
    assert last.detail == "back on 2026-06-10"


def test_then_the_template_answers_at_once() -> None:
    templates = folder()
    verdict = decide(told_later(note()), templates, Policy())
    assert isinstance(verdict.decision, Reply)
    assert verdict.decision.rule.name == "welcome"
    assert leaves_at(verdict.decision.rule, told_later(note()), templates) == THURSDAY


def test_asked_again_before_its_time_a_note_waits_for_the_same_time() -> None:
    for waited in (timedelta(0), timedelta(days=3), THURSDAY - NOW - timedelta(seconds=1)):
        verdict = decided(told_later(note(), NOW + waited))
        assert isinstance(verdict, Later)
        assert verdict.until == THURSDAY


@pytest.mark.parametrize(
    ("lead", "front", "settings", "until"),
    [
        ({"timezone": "America/New_York"}, "", ZONED, "2026-06-11 13:00"),
        ({}, "hours: Mon-Fri 14:00-16:00\n", ZONED, "2026-06-11 14:00"),
        ({}, "delay: 90m\n", ZONED, "2026-06-11 10:30"),
        ({}, "hours: Wed 09:00-09:30\ndelay: 1h\n", ZONED, "2026-06-24 09:00"),
        ({}, "", f"{ZONED}holidays: PT", "2026-06-11 09:00"),
        ({"country": "Poland"}, "", ZONED, "2026-06-11 09:00"),
    ],
)
def test_the_lead_s_clock_and_the_template_s_hours_and_delay_count(
    lead: dict[str, str], front: str, settings: str, until: str
) -> None:
    verdict = decided(note(event=event(lead=lead)), folder(front, settings))
    assert isinstance(verdict, Later)
    assert verdict.until.strftime("%Y-%m-%d %H:%M") == until


def test_a_holiday_is_no_business_day() -> None:
    corpus_christi_eve = note(date(2026, 6, 3))
    here = decided(corpus_christi_eve)
    there = decided(corpus_christi_eve, folder("", f"{ZONED}holidays: PL"))
    assert isinstance(here, Later)
    assert isinstance(there, Later)
    assert (here.until.day, there.until.day) == (4, 5)


SKIPPED = Skip("automatic_reply", "an out-of-office note")


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(note(None), id="no day of return"),
        pytest.param(replace(note(), kind="auto_reply"), id="another machine's mail"),
        pytest.param(note(date(2026, 6, 2)), id="back before it was written"),
        pytest.param(note(date(2026, 9, 2)), id="away for more than 90 days"),
        pytest.param(note(messages=[inbound(sender="bob@lead.example")]), id="of somebody else"),
        pytest.param(
            note(tally=Tally(sent=(Sent(template="pricing", at=ago(minutes=3)),))),
            id="set off by our own automatic answer",
        ),
        pytest.param(
            note(tally=Tally(sent=(Sent(template="welcome", at=THURSDAY - timedelta(days=6)),))),
            id="answered such a note within seven days",
        ),
        pytest.param(note(tally=Tally(by_template={"welcome": 1})), id="had that template already"),
    ],
)
def test_other_notes_are_skipped_as_ever(known: Facts) -> None:
    assert decided(known) in (SKIPPED, Skip("automatic_reply", "an automatic reply"))


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(note(date(2026, 6, 3)), id="back today"),
        pytest.param(note(date(2026, 9, 1)), id="away for 90 days"),
        pytest.param(note(event=event(lead_email=LEAD)), id="of the lead"),
        pytest.param(note(event=event(lead_email="")), id="of whoever the lead is"),
        pytest.param(
            note(tally=Tally(sent=(Sent(template="pricing", at=ago(minutes=3), automatic=False),))),
            id="after an answer that a person approved",
        ),
        pytest.param(
            note(tally=Tally(sent=(Sent(template="welcome", at=THURSDAY - timedelta(days=7)),))),
            id="answered such a note seven days before",
        ),
        pytest.param(
            note(tally=Tally(sent=(Sent(template="pricing", at=ago(hours=1)),), to_lead_today=1)),
            id="today's answers do not count against another day",
        ),
        pytest.param(note(event=event(automatic=True)), id="flagged by the provider"),
        pytest.param(
            note(event=event(event_types=("reply_received", "lead_out_of_office"))),
            id="and labelled",
        ),
    ],
)
def test_near_misses_still_wait(known: Facts) -> None:
    assert isinstance(decided(known), Later)


def test_without_a_template_that_resumes_a_note_is_skipped() -> None:
    assert decided(note(), build({"pricing.j2": PRICING})) == SKIPPED


def test_a_template_that_resumes_may_ask_for_more() -> None:
    asks = WELCOME.replace("when: true", 'when: campaign.name is like("Q4*")').format("")
    templates = build({"welcome.j2": asks, "_settings.yaml": ZONED})
    assert decided(note(event=event(campaign_name="Q3")), templates) == SKIPPED
    assert isinstance(decided(note(event=event(campaign_name="Q4")), templates), Later)


def test_a_template_that_resumes_answers_nothing_else() -> None:
    verdict = decided(facts())
    assert isinstance(verdict, Reply)
    assert verdict.rule.name == "pricing"
    only = build({"welcome.j2": WELCOME.format(""), "_settings.yaml": ZONED})
    assert decided(facts(), only) == Hold("no_rule", "no template fits")


def test_a_mistake_in_its_condition_is_a_person_s_to_see() -> None:
    broken = WELCOME.replace("when: true", "when: lead.shoe_size > 40").format("")
    verdict = decide(note(), build({"welcome.j2": broken, "_settings.yaml": ZONED}), Policy())
    assert isinstance(verdict.decision, Hold)
    assert verdict.decision.reason == "template_error"
    assert next(line.step for line in verdict.trace if line.step != "read") == "guard"


def test_it_needs_the_team_s_clock_as_hours_do() -> None:
    (problem,) = build({"welcome.j2": WELCOME.format("")}).problems
    assert str(problem).startswith("welcome.j2:3: resume needs a timezone in _settings.yaml")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"suppressed": True}, "opted_out"),
        ({"messages": [campaign_mail(), inbound(), outbound()]}, "answered_already"),
        ({"messages": [inbound(), inbound(id="in-2", text="I am back")]}, "superseded"),
        (
            {"messages": [inbound(), inbound(id="in-2", text="Away longer", automatic=True)]},
            "superseded",
        ),
        ({"tally": Tally(in_thread=3)}, "cap_per_thread"),
        ({"tally": Tally(to_lead_today=1)}, "cap_per_lead_day"),
    ],
)
def test_what_has_happened_since_decides(changes: dict[str, Any], reason: str) -> None:
    decision = decided(told_later(note(**changes)))
    assert isinstance(decision, Skip | Hold)
    assert decision.reason == reason


def test_however_long_it_waits_a_note_does_not_get_too_old() -> None:
    away = note(date(2026, 8, 31), received=NOW)
    assert isinstance(decided(told_later(away, datetime(2026, 9, 1, 9, tzinfo=UTC))), Reply)


def test_a_note_that_was_too_old_when_it_came_does_not_wait() -> None:
    decision = decided(note(messages=[inbound(at=ago(days=4))]))
    assert isinstance(decision, Skip)
    assert decision.reason == "too_old"


def test_the_day_of_the_return_is_read_on_the_lead_s_calendar() -> None:
    late = {"messages": [inbound(at=datetime(2026, 6, 3, 11, tzinfo=UTC))]}
    there = note(date(2026, 6, 3), event=event(lead={"timezone": "Pacific/Kiritimati"}), **late)
    assert not may_resume(there, folder())  # it is the fourth there
    assert may_resume(note(date(2026, 6, 3), **late), folder())


def test_the_decision_names_its_template_for_examples() -> None:
    verdict = Verdict(decided(note()), ())
    assert _chosen(verdict.decision) == "welcome"

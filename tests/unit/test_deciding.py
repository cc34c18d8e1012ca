from datetime import UTC, datetime, timedelta

import pytest

from worker.domain.deciding import decide, leaves_at, policy_of
from worker.domain.decision import Hold, Reply, Skip
from worker.domain.guards import GUARDS, Policy
from worker.domain.model import Caps

from .making import MAILBOX, NOW, event, facts, folder, said


def test_the_guards_are_asked_before_the_rules() -> None:
    verdict = decide(said("Unsubscribe"), folder(), Policy())
    assert isinstance(verdict.decision, Skip)
    assert [line.step for line in verdict.trace] == ["guard"]


def test_the_trace_has_every_guard_and_then_the_rules() -> None:
    verdict = decide(said("Hello"), folder(), Policy())
    assert isinstance(verdict.decision, Reply)
    names = [line.name for line in verdict.trace]
    assert names == [*(guard.reason for guard in GUARDS), "answer"]


def test_where_nothing_fits_a_person_decides() -> None:
    verdict = decide(said("Hello"), folder(front="when: false"), Policy())
    assert verdict.decision == Hold("no_rule", "no template fits")


def test_the_policy_comes_from_the_settings() -> None:
    settings = (
        "caps: {per_thread: 9, per_lead_day: off}\nexclude: ['@rival.example']\n"
        "accounts: {Sam@Ours.example: {}}"
    )
    assert policy_of(folder(_settings=settings), timedelta(hours=1)) == Policy(
        max_age=timedelta(hours=1),
        caps=Caps(per_thread=9, per_lead_day=None),
        exclude=("@rival.example",),
        own_mailboxes=frozenset({"sam@ours.example"}),
    )
    assert policy_of(folder(), Policy().max_age) == Policy()


def leaves(front: str, *, lead: dict[str, str] | None = None, settings: str = "") -> datetime:
    templates = folder(front=f"when: true\n{front}", _settings=f"timezone: UTC\n{settings}")
    known = facts(event=event(lead=lead or {}), messages=[])
    return leaves_at(templates.rules[0], known, templates)


def test_without_delay_and_hours_an_answer_leaves_at_once() -> None:
    assert leaves("") == NOW


def test_a_delay_is_the_same_however_often_it_is_asked() -> None:
    first = leaves("delay: 3m..9m")
    assert NOW + timedelta(minutes=3) <= first <= NOW + timedelta(minutes=9)
    assert leaves("delay: 3m..9m") == first


ACCOUNT = f"accounts: {{{MAILBOX}: {{timezone: America/New_York}}}}"


@pytest.mark.parametrize(
    ("lead", "settings", "utc_hour"),
    [
        pytest.param({"timezone": "Asia/Tokyo"}, ACCOUNT, 5, id="the lead's clock"),
        pytest.param({"time_zone": "Asia/Tokyo"}, ACCOUNT, 5, id="under its other name"),
        pytest.param({"timezone": "Tokyo time"}, ACCOUNT, 18, id="unreadable: the mailbox's"),
        pytest.param({}, ACCOUNT, 18, id="the mailbox's"),
        pytest.param({}, "", 14, id="the team's"),
    ],
)
def test_hours_are_on_the_clock_that_is_known_best(
    lead: dict[str, str], settings: str, utc_hour: int
) -> None:
    at = leaves("hours: Mon-Fri 14:00-15:00", lead=lead, settings=settings)
    assert at.astimezone(UTC).hour == utc_hour

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from worker.domain.deciding import decide, leaves_at, policy_of
from worker.domain.decision import Hold, Reply, Skip
from worker.domain.guards import GUARDS, Policy
from worker.domain.model import Caps

from .making import MAILBOX, NOW, event, facts, folder, said


def test_the_guards_are_asked_before_the_rules() -> None:
    verdict = decide(said("Unsubscribe"), folder(), Policy())
    assert isinstance(verdict.decision, Skip)
    steps = [line.step for line in verdict.trace]
    assert list(dict.fromkeys(steps)) == ["read", "guard"]
    assert verdict.trace[-1].name == "opted_out"


def test_the_trace_has_every_guard_and_then_the_rules() -> None:
    verdict = decide(said("Hello"), folder(), Policy())
    assert isinstance(verdict.decision, Reply)
    names = [line.name for line in verdict.trace if line.step != "read"]
    assert names == [*(guard.reason for guard in GUARDS), "answer"]


def test_where_nothing_fits_a_person_decides() -> None:
    verdict = decide(said("Hello"), folder(front="when: false"), Policy())
    assert verdict.decision == Hold("no_rule", "no template fits")


def test_the_policy_comes_from_the_settings() -> None:
    settings = (
        "caps: {per_thread: 9, per_lead_day: off}\nexclude: ['@rival.example']\n"
        "accounts: {Sam@Ours.example: {}}\nopt_out: domain"
    )
    assert policy_of(folder(_settings=settings), timedelta(hours=1)) == Policy(
        max_age=timedelta(hours=1),
        caps=Caps(per_thread=9, per_lead_day=None),
        exclude=("@rival.example",),
        own_mailboxes=frozenset({"sam@ours.example"}),
        whole_domains=True,
    )
    assert policy_of(folder(), Policy().max_age) == Policy()


def leaves(
    front: str,
    *,
    lead: dict[str, str] | None = None,
    settings: str = "",
    shown: datetime | None = None,
    **known: Any,
) -> datetime:
    templates = folder(front=f"when: true\n{front}", _settings=f"timezone: UTC\n{settings}")
    assert templates.problems == ()
    campaign = {"campaign_id": "c-1", "campaign_name": "Q4 Asia"}
    told = facts(event=event(lead=lead or {}, **campaign), messages=[], **known)
    return leaves_at(templates.rules[0], told, templates, shown)


def test_without_delay_and_hours_an_answer_leaves_at_once() -> None:
    assert leaves("") == NOW


def test_a_delay_is_the_same_however_often_it_is_asked() -> None:
    first = leaves("delay: 3m..9m")
    assert NOW + timedelta(minutes=3) <= first <= NOW + timedelta(minutes=9)
    assert leaves("delay: 3m..9m") == first


def test_an_answer_that_could_leave_at_once_waits_for_the_undo_window() -> None:
    assert leaves("undo: 30s") == NOW + timedelta(seconds=30)


def test_an_undo_window_counts_from_when_the_answer_could_first_be_seen() -> None:
    seen = NOW - timedelta(seconds=20)
    assert leaves("undo: 30s", shown=seen) == seen + timedelta(seconds=30)
    assert leaves("undo: 30s", shown=seen - timedelta(hours=1)) == NOW
    late = {"received": NOW - timedelta(days=1)}
    assert leaves("undo: 30s", **late) == NOW + timedelta(seconds=30)


def test_the_longer_one_of_delay_and_undo_window_counts() -> None:
    assert leaves("delay: 5m\nundo: 30s") == NOW + timedelta(minutes=5)
    assert leaves("delay: 10s\nundo: 30s") == NOW + timedelta(seconds=30)


def test_the_undo_window_may_be_set_for_all() -> None:
    assert leaves("", settings="defaults: {undo: 2m}") == NOW + timedelta(minutes=2)
    assert leaves("undo: 0", settings="defaults: {undo: 2m}") == NOW


UNITY_DAY = datetime(2026, 10, 3, 10, tzinfo=UTC)
"""A Saturday, and a holiday in Germany."""

GERMAN_MAILBOX = f"accounts: {{{MAILBOX}: {{holidays: DE}}}}"


def closed_on(day: datetime, **given: Any) -> bool:
    """Say whether an answer that could leave on a day waits for the next one."""
    at = leaves("hours: Mon-Sun 00:00-24:00", received=day, now=day, **given)
    assert at in (day, day.replace(hour=0) + timedelta(days=1))
    return at > day


@pytest.mark.parametrize(
    ("lead", "settings", "closed"),
    [
        pytest.param({}, "", False, id="nobody said anything of holidays"),
        pytest.param({}, "holidays: DE", True, id="the team's"),
        pytest.param({}, "holidays: US", False, id="the team's are others"),
        pytest.param({}, "holidays: [US, DE-BY]", True, id="one of the team's"),
        pytest.param({}, GERMAN_MAILBOX, True, id="the mailbox's"),
        pytest.param(
            {}, f"holidays: DE\naccounts: {{{MAILBOX}: {{holidays: US}}}}", False,
            id="the mailbox's before the team's",
        ),
        pytest.param({}, "campaigns: {c-1: {holidays: DE}}", True, id="the campaign's"),
        pytest.param(
            {}, f"campaigns: {{q4 asia: {{holidays: JP}}}}\n{GERMAN_MAILBOX}", False,
            id="the campaign's, by its name, before the mailbox's",
        ),
        pytest.param({"country": "DE"}, "", True, id="the lead's country"),
        pytest.param({"country": "Germany"}, "", True, id="by its name"),
        pytest.param({"country_code": "deu"}, "", True, id="in another field"),
        pytest.param({"country": "DE"}, "holidays: US", True, id="the lead's before the team's"),
        pytest.param({"country": "US"}, "holidays: DE", False, id="and instead of them"),
        pytest.param({"country": "Deutschland"}, "holidays: US", False, id="no exact name"),
        pytest.param({"country": "Deutschland"}, "holidays: DE", True, id="then the team's"),
        pytest.param({"company": "Germany Ltd"}, "", False, id="nothing is guessed from a name"),
        pytest.param({"country": "DE"}, "holidays: []", False, id="none are wanted"),
    ],
)  # fmt: skip
def test_holidays_are_those_that_are_known_best(
    lead: dict[str, str], settings: str, *, closed: bool
) -> None:
    assert closed_on(UNITY_DAY, lead=lead, settings=settings) == closed


def test_without_hours_an_answer_leaves_on_a_holiday_too() -> None:
    known = {"received": UNITY_DAY, "now": UNITY_DAY}
    assert leaves("", settings="holidays: DE", **known) == UNITY_DAY


def test_the_lead_s_clock_says_when_a_holiday_begins() -> None:
    evening = datetime(2026, 10, 2, 23, tzinfo=UTC)  # it is the third in Berlin already
    given: dict[str, Any] = {"received": evening, "now": evening, "settings": "holidays: DE"}
    berlin = leaves("hours: Mon-Sun 00:00-24:00", lead={"timezone": "Europe/Berlin"}, **given)
    assert berlin == datetime(2026, 10, 3, 22, tzinfo=UTC)
    assert leaves("hours: Mon-Sun 00:00-24:00", **given) == evening


ACCOUNT = f"accounts: {{{MAILBOX}: {{timezone: America/New_York}}}}"

CAMPAIGN = "campaigns: {Q4 asia: {timezone: Asia/Tokyo}}"


@pytest.mark.parametrize(
    ("lead", "settings", "utc_hour"),
    [
        pytest.param({"timezone": "Asia/Tokyo"}, ACCOUNT, 5, id="the lead's clock"),
        pytest.param({"time_zone": "Asia/Tokyo"}, ACCOUNT, 5, id="under its other name"),
        pytest.param({"timezone": "Tokyo time"}, ACCOUNT, 18, id="unreadable: the mailbox's"),
        pytest.param({}, f"{ACCOUNT}\n{CAMPAIGN}", 5, id="the campaign's"),
        pytest.param({"timezone": "UTC"}, f"{ACCOUNT}\n{CAMPAIGN}", 14, id="not the campaign's"),
        pytest.param({}, ACCOUNT, 18, id="the mailbox's"),
        pytest.param({}, "", 14, id="the team's"),
    ],
)
def test_hours_are_on_the_clock_that_is_known_best(
    lead: dict[str, str], settings: str, utc_hour: int
) -> None:
    at = leaves("hours: Mon-Fri 14:00-15:00", lead=lead, settings=settings)
    assert at.astimezone(UTC).hour == utc_hour

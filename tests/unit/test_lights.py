"""Lights: when a part is called well, and what the operator is told where it is not."""

import pytest

from worker.domain import lights
from worker.domain.durations import span
from worker.domain.lights import LATE_MS

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("quiet_ms", "status", "colour", "told"),
    [
        (60_000, "active", "good", "last one 1 minute ago"),
        (60_000, "", "good", "last one 1 minute ago"),
        (60_000, "unknown", "good", "last one 1 minute ago"),
        (DAY_MS, "active", "good", "last one 1 day ago"),
        (DAY_MS + 1, "active", "fair", "last one 1 day ago"),
        (None, "active", "fair", "point Instantly at"),
        (None, "missing", "bad", "webhook register"),
        (60_000, "disabled", "bad", "webhook list"),
    ],
)
def test_a_webhook_is_well_where_deliveries_come_and_the_provider_does_not_object(
    quiet_ms: int | None, status: str, colour: str, told: str
) -> None:
    light = lights.webhook(quiet_ms, status)
    assert light.colour == colour
    assert told in light.told


def test_an_api_that_is_left_alone_is_not_well() -> None:
    assert lights.api(0).colour == "good"
    assert lights.api(90_000).colour == "bad"
    assert "1 minute" in lights.api(90_000).told


def test_only_what_is_really_late_is_called_late() -> None:
    assert lights.due(3, LATE_MS).told == "3 planned, none late"
    late = lights.due(3, LATE_MS + 1)
    assert (late.colour, late.told) == ("bad", "the oldest is 2 minutes late: start more workers")


def test_the_first_problem_of_the_templates_is_told() -> None:
    assert lights.templates([], 7).told == "7 in use"
    light = lights.templates(["pricing.j2:3: no such name", "another"], 7)
    assert (light.colour, light.told) == ("bad", "pricing.j2:3: no such name")


def test_a_part_that_says_what_is_wrong_with_it_is_not_well() -> None:
    assert lights.checked("ledger", "ok").colour == "good"
    light = lights.checked("broker", "refused")
    assert (light.name, light.colour, light.told) == ("Broker", "bad", "refused")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0 s"), (59.9, "59 s"), (60, "1 minute"), (7199, "1 hour"), (172_800, "2 days")],
)
def test_a_length_of_time_is_told_in_one_unit(seconds: float, words: str) -> None:
    assert span(seconds) == words

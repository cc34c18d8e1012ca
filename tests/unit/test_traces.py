"""Names of traces: read as the W3C recommendation has it, made where there is none."""

import re

import pytest

from worker.domain import traces

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
GIVEN = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    "header", [GIVEN, f" {GIVEN} ", f"01-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01-what-comes"]
)
def test_a_trace_is_read_whatever_its_version(header: str) -> None:
    assert traces.read(header) == GIVEN


@pytest.mark.parametrize(
    "header",
    [
        "", "ann@lead.example", GIVEN.upper(), GIVEN[:-1], f"{GIVEN}-more", f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE[:-1]}g-{SPAN}-01",
    ],
)  # fmt: skip
def test_what_is_no_trace_is_left_out(header: str) -> None:
    assert traces.read(header) == ""


def test_an_event_without_a_trace_has_one_of_its_own_that_stays() -> None:
    made = traces.made_for("mail-1", 1)
    assert traces.read(made) == made
    assert traces.made_for("mail-1", 1) == made
    assert (
        len({traces.trace_id(traces.made_for(*of)) for of in (("a", 1), ("b", 1), ("a", 2))}) == 3
    )


def test_a_call_is_a_span_of_its_own_within_the_trace() -> None:
    header = traces.child(GIVEN, bytes(range(8)))
    assert header == f"00-{TRACE}-0001020304050607-01"
    assert re.fullmatch(r"[0-9a-f-]{55}", header)

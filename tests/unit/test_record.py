from worker.domain.model import Draft, TraceLine
from worker.domain.progress import State
from worker.domain.record import RECORD_VERSION, draft_fields, from_fields, trace_field

TRACE = (TraceLine(step="rule", name="pricing", outcome="fits", detail="“how much”"),)
DRAFT = Draft(template="pricing", subject="Re: Your team", body="Hi Ann,\n12 €")


def test_a_record_is_read_back_as_it_was_written() -> None:
    record = from_fields(
        "event-1",
        {
            "state": "waiting", "v": "1", "due_at": "1700000000000", "token": "3", "tries": "2",
            "lead_id": "lead-1", "delivery:reply_received": "{}", "delivery:lead_interested": "[]",
            "seen": '["out-1"]', "trace": trace_field(TRACE), **draft_fields(DRAFT),
        },
    )  # fmt: skip
    assert record.state is State.WAITING
    assert (record.due_at, record.token, record.tries) == (1_700_000_000_000, 3, 2)
    assert record.lead_id == "lead-1"
    assert record.deliveries == {"reply_received": "{}", "lead_interested": "[]"}
    assert record.seen == frozenset({"out-1"})
    assert record.draft == DRAFT
    assert record.trace == (
        {"step": "rule", "name": "pricing", "outcome": "fits", "detail": "“how much”"},
    )


def test_a_bare_record_has_plain_defaults() -> None:
    record = from_fields("event-1", {"state": "received", **draft_fields(None)})
    assert record.version == RECORD_VERSION
    assert record.due_at is None
    assert record.draft is None
    assert (record.tries, record.seen, record.trace, record.deliveries) == (0, frozenset(), (), {})


def test_due_at_once_is_not_the_same_as_nothing_planned() -> None:
    assert from_fields("event-1", {"state": "waiting", "due_at": "0"}).due_at == 0


def test_fields_of_a_later_version_are_passed_over() -> None:
    assert from_fields("event-1", {"state": "sent", "v": "9", "mood": "good"}).version == 9


def test_a_trace_line_is_stored_without_empty_fields() -> None:
    line = TraceLine(step="guard", name="too_old", outcome="passed")
    assert line.as_json() == {"step": "guard", "name": "too_old", "outcome": "passed"}

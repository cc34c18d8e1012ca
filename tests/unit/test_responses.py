from typing import Literal

from worker.domain.responses import Happening, Response, responses


def sent(at: int, variant: str = "a", lead: str = "ann", template: str = "pricing") -> Happening:
    return Happening(at=at, conversation=lead, kind="sent", template=template, variant=variant)


def came(at: int, lead: str = "ann", kind: Literal["wrote", "stopped"] = "wrote") -> Happening:
    return Happening(at=at, conversation=lead, kind=kind)


def counts(*happenings: Happening) -> list[tuple[str, str, int, int, int]]:
    return [
        (one.template, one.variant, one.sent, one.wrote_back, one.stopped)
        for one in responses(happenings)
    ]


def test_who_writes_after_an_answer_has_written_back() -> None:
    assert responses([came(1), sent(2), came(3)]) == [
        Response(template="pricing", variant="a", sent=1, wrote_back=1, stopped=0)
    ]


def test_the_mail_that_was_answered_is_no_response() -> None:
    assert counts(came(1), sent(2)) == [("pricing", "a", 1, 0, 0)]


def test_of_one_moment_the_mail_comes_before_its_answer() -> None:
    assert counts(sent(1), came(1)) == [("pricing", "a", 1, 0, 0)]


def test_a_lead_that_writes_twice_has_written_back_once() -> None:
    assert counts(sent(1), came(2), came(3)) == [("pricing", "a", 1, 1, 0)]


def test_the_last_answer_gets_the_credit() -> None:
    assert counts(sent(1, "a"), sent(2, "b"), came(3)) == [
        ("pricing", "a", 1, 0, 0),
        ("pricing", "b", 1, 1, 0),
    ]


def test_another_lead_is_another_conversation() -> None:
    assert counts(sent(1), came(2, "ben")) == [("pricing", "a", 1, 0, 0)]


def test_who_asks_to_stop_has_written_back_too() -> None:
    assert counts(sent(1), came(2, kind="stopped")) == [("pricing", "a", 1, 1, 1)]


def test_the_order_in_which_they_are_told_does_not_matter() -> None:
    assert counts(came(3), sent(2), came(1)) == [("pricing", "a", 1, 1, 0)]


def test_texts_are_counted_apart_and_listed_by_name() -> None:
    found = counts(sent(1, "b"), sent(2, "a"), sent(3, "b"), sent(4, "", template="meeting"))
    assert found == [
        ("meeting", "", 1, 0, 0),
        ("pricing", "a", 1, 0, 0),
        ("pricing", "b", 2, 0, 0),
    ]


def test_where_nothing_was_sent_there_is_nothing_to_count() -> None:
    assert counts(came(1)) == []

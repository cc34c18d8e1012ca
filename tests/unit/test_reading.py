from datetime import timedelta

import pytest

from worker.domain.model import Direction, Tally

from .making import NOW, ago, campaign_mail, event, facts, inbound, outbound


def test_the_own_mail_is_found_by_its_id() -> None:
    older, own = inbound(id="in-0", at=ago(hours=1)), inbound()
    known = facts(messages=[campaign_mail(), older, own])
    assert known.mail is own
    assert known.later == ()


def test_an_id_counts_even_where_the_words_differ() -> None:
    known = facts(event=event(text="short"), messages=[inbound(text="the whole text")])
    assert known.words == "the whole text"


def test_the_own_mail_is_found_by_its_words_where_the_webhook_has_no_id() -> None:
    own = inbound(id="in-7", text="How much\nis it?\n\nOn Tue, 2 June 2026, Sam wrote:\n> Hello")
    known = facts(event=event(mail_id=""), messages=[campaign_mail(), own])
    assert known.mail is own
    assert known.words == "How much\nis it?"


def test_the_newest_of_several_mails_with_the_same_words_is_meant() -> None:
    first, second = inbound(id="in-6", at=ago(hours=2)), inbound(id="in-7")
    assert facts(event=event(mail_id=""), messages=[first, second]).mail is second


@pytest.mark.parametrize("told_at", [ago(minutes=1), None])
def test_the_same_word_of_a_month_ago_is_another_mail(told_at: object) -> None:
    old = inbound(id="in-0", text="Yes", at=ago(days=30))
    known = facts(
        event=event(mail_id="", text="Yes", at=told_at),
        messages=[campaign_mail(at=ago(days=31)), old, outbound(at=ago(days=29))],
    )
    assert known.mail is None
    assert known.answered_by is None


def test_the_same_words_without_any_time_are_taken_as_the_mail() -> None:
    own = inbound(at=None)
    assert facts(event=event(mail_id=""), messages=[own]).mail is own


def test_a_webhook_without_words_means_the_newest_mail() -> None:
    first, second = inbound(id="in-6", text="Hello"), inbound(id="in-7", text="Price?")
    known = facts(event=event(mail_id="", text=""), messages=[first, second])
    assert known.mail is second
    assert known.words == "Price?"


def test_the_words_of_the_webhook_stand_in_while_the_history_lags() -> None:
    known = facts(messages=[campaign_mail()])
    assert known.mail is None
    assert known.words == "How much is it?"
    assert known.subject == "Re: Your team"
    assert known.later == ()


def test_while_the_history_lags_what_came_after_is_told_by_the_clock() -> None:
    before = outbound(id="out-0", at=ago(minutes=2))
    after = outbound(id="out-1", at=ago(seconds=30))
    known = facts(messages=[before, after])
    assert known.later == (after,)
    assert known.answered_by is after


def test_an_outgoing_mail_after_theirs_is_an_answer() -> None:
    answer = outbound()
    assert facts(messages=[campaign_mail(), inbound(), answer]).answered_by is answer


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([outbound(), inbound()], id="before theirs"),
        pytest.param([inbound(), campaign_mail(at=NOW)], id="the campaign's next step"),
        pytest.param([inbound(), outbound(direction=Direction.UNKNOWN)], id="writer unknown"),
    ],
)
def test_other_outgoing_mails_are_no_answer(messages: list[object]) -> None:
    assert facts(messages=messages).answered_by is None  # type: ignore[arg-type]  # mails


def test_a_newer_mail_of_the_lead_supersedes() -> None:
    newer, newest = inbound(id="in-2", text="PS"), inbound(id="in-3", text="PPS")
    assert facts(messages=[inbound(), newer, newest]).superseded_by is newest


def test_a_machine_does_not_supersede_a_person() -> None:
    away = inbound(id="in-2", automatic=True)
    assert facts(messages=[inbound(), away]).superseded_by is None


@pytest.mark.parametrize(
    ("subject", "words", "later"),
    [
        ("Re: Your team", "Please remove me.", []),
        ("Unsubscribe", "", []),
        ("Re: Your team", "How much?", [inbound(id="in-2", text="Forget it, unsubscribe me")]),
    ],
)
def test_an_opt_out_is_heeded_wherever_it_stands(
    subject: str, words: str, later: list[object]
) -> None:
    own = inbound(subject=subject, text=words)
    messages = [campaign_mail(), own, *later]
    known = facts(event=event(text=words), messages=messages)  # type: ignore[arg-type]  # mails
    assert known.opt_out


@pytest.mark.parametrize(
    "messages",
    [
        [inbound(text="How much?\n\nOn Tue, 2 June 2026, Sam wrote:\n> Reply stop to unsubscribe")],
        [inbound(), outbound(text="To unsubscribe, say so")],
    ],
)
def test_our_own_footer_is_no_opt_out(messages: list[object]) -> None:
    assert facts(messages=messages).opt_out == ""  # type: ignore[arg-type]  # mails


PITCH = "Hello Ann, we help teams like yours with their invoices.\nReply stop to unsubscribe."


def test_what_we_sent_is_taken_out_though_nothing_marks_it() -> None:
    own = inbound(text=f"Sounds good.\n\n{PITCH}")
    known = facts(messages=[campaign_mail(text=PITCH), own])
    assert known.words == known.part == "Sounds good."
    assert known.opt_out == ""


def test_what_we_sent_is_taken_out_of_their_other_mails_too() -> None:
    other = inbound(id="in-2", text=f"One more thing.\n\n{PITCH}")
    assert facts(messages=[campaign_mail(text=PITCH), inbound(), other]).opt_out == ""


def test_a_mail_of_ours_that_came_later_takes_no_words_of_theirs() -> None:
    own = inbound(text="Please remove me from your list, I have asked you before.")
    quoting = outbound(id="out-9", text=f"Sorry about that.\n\n{own.text}")
    known = facts(messages=[campaign_mail(), own, quoting])
    assert known.words == own.text
    assert known.opt_out


def test_a_reader_sees_what_an_answer_is_an_answer_to() -> None:
    known = facts(messages=[campaign_mail(), inbound(text="> Which plan?\nThe big one.")])
    assert known.words == "The big one."
    assert known.part == "> Which plan?\nThe big one."


def test_the_time_of_a_mail_is_the_best_that_is_known() -> None:
    assert facts().at == ago(minutes=2)
    assert facts(messages=[]).at == ago(minutes=1)
    assert facts(event=event(at=None), messages=[]).at == NOW


def test_what_the_ledger_knows_is_passed_on() -> None:
    known = facts(suppressed=True, tally=Tally(in_thread=2), received=NOW - timedelta(hours=1))
    assert (known.suppressed, known.tally.in_thread) == (True, 2)
    assert known.received == ago(hours=1)


def test_the_words_of_a_mail_are_kept_out_of_logs() -> None:
    assert "How much" not in repr(facts())

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from worker.domain.decision import Hold, Skip
from worker.domain.guards import GUARDS, REASONS, Policy, check
from worker.domain.model import Caps, Direction, Message, Sent, Tally
from worker.domain.reading import Facts

from .making import LEAD, MAILBOX, NOW, ago, campaign_mail, event, facts, inbound, outbound

EXCLUDED = Policy(exclude=("@rival.example", "*.gov.example", "Boss@lead.example"))
OURS = Policy(own_mailboxes=frozenset({"kim@ours.example"}))
WHOLE = Policy(whole_domains=True)
CAPPED = Policy(caps=Caps(per_thread=3, per_lead_day=2, per_mailbox_hour=10))


def written_by(address: str) -> Facts:
    return facts(event=event(lead_email=address), messages=[inbound(sender=address)])


def counted(**counts: Any) -> Facts:
    return facts(tally=Tally(**counts))


def of_kind(kind: str) -> Facts:
    return replace(facts(), kind=kind)


def marked(**known: Any) -> Facts:
    return replace(facts(), **known)


def answered_at(at: datetime, *, automatic: bool = True, **known: Any) -> Facts:
    """Return the facts where an answer of ours went out at that time."""
    tally = Tally(sent=(Sent(template="pricing", at=at, automatic=automatic),))
    return facts(tally=tally, **known)


def told_again(*between: Message, words: str = "how much is it", **changes: Any) -> Facts:
    """Return the facts where the lead wrote the same words an hour before, and what followed."""
    before = inbound(**{"id": "in-0", "text": words, "at": ago(hours=1), **changes})
    return facts(messages=[campaign_mail(), before, *between, inbound()])


HITS = [
    ("opted_out", facts(suppressed=True), Policy()),
    ("opted_out", facts(event=event(text="Unsubscribe"), messages=[]), Policy()),
    ("opted_out", marked(domain_suppressed=True), WHOLE),
    ("excluded", written_by("joe@rival.example"), EXCLUDED),
    ("excluded", written_by("joe@tax.gov.example"), EXCLUDED),
    ("excluded", written_by("boss@lead.example"), EXCLUDED),
    ("too_old", facts(messages=[inbound(at=ago(hours=73))]), Policy()),
    ("bounce", of_kind("bounce"), Policy()),
    ("bounce", of_kind("receipt"), Policy()),
    ("automatic_reply", of_kind("out_of_office"), Policy()),
    ("automatic_reply", of_kind("auto_reply"), Policy()),
    ("automatic_reply", of_kind("list"), Policy()),
    ("automatic_reply", facts(event=event(event_types=("auto_reply_received",))), Policy()),
    (
        "automatic_reply",
        facts(event=event(event_types=("reply_received", "lead_out_of_office"))),
        Policy(),
    ),
    ("automatic_reply", facts(event=event(automatic=True)), Policy()),
    ("automatic_reply", facts(messages=[inbound(automatic=True)]), Policy()),
    ("machine_address", written_by("mailer-daemon@lead.example"), Policy()),
    ("machine_address", written_by("no-reply@lead.example"), Policy()),
    ("machine_address", written_by("list-request@lead.example"), Policy()),
    ("machine_address", written_by("bounce+123@lead.example"), Policy()),
    ("machine_address", written_by("bitte-nicht-antworten@lead.example"), Policy()),
    ("machine_address", written_by("kim@ours.example"), OURS),
    ("machine_address", written_by(MAILBOX), Policy()),
    ("other_sender", facts(messages=[inbound(sender="bob@lead.example")]), Policy()),
    ("answers_elsewhere", facts(messages=[inbound(reply_to="bob@lead.example")]), Policy()),
    ("answers_elsewhere", facts(messages=[inbound(reply_to="ann@other.example")]), Policy()),
    ("not_to_us", facts(messages=[inbound(recipients=("team@ours.example",))]), Policy()),
    ("not_to_us", facts(messages=[inbound(recipients=("ann@lead.example", "x@y.example"))]), OURS),
    (
        "not_to_us",
        facts(
            event=event(mailbox=""),
            messages=[campaign_mail(), inbound(recipients=("team@ours.example",))],
        ),
        Policy(),
    ),
    ("answered_already", facts(messages=[inbound(), outbound()]), Policy()),
    ("answered_already", facts(answers={"sent-1": "in-1"}), Policy()),
    ("answered_already", facts(messages=[], answers={"sent-1": "in-1"}), Policy()),
    (
        "unclear_history",
        facts(messages=[inbound(), outbound(direction=Direction.UNKNOWN)]),
        Policy(),
    ),
    ("superseded", facts(messages=[inbound(), inbound(id="in-2", text="PS")]), Policy()),
    ("no_words", facts(event=event(text=""), messages=[]), Policy()),
    ("no_words", facts(messages=[inbound(text="> only quotes")]), Policy()),
    ("cap_per_thread", counted(in_thread=3), CAPPED),
    ("cap_per_lead_day", counted(to_lead_today=2), CAPPED),
    ("cap_per_mailbox_hour", counted(from_mailbox_this_hour=10), CAPPED),
    ("loop", answered_at(ago(minutes=2, seconds=30)), Policy()),
    ("loop", answered_at(ago(minutes=4)), Policy()),
    ("loop", answered_at(ago(minutes=2) + timedelta(seconds=0.9)), Policy()),
    ("loop", answered_at(ago(seconds=30), messages=[inbound(at=ago(hours=-1))]), Policy()),
    ("loop", told_again(outbound(at=ago(minutes=50))), Policy()),
    ("loop", told_again(campaign_mail(id="step-2", at=ago(minutes=50))), Policy()),
    (
        "loop",
        told_again(outbound(at=ago(minutes=50)), words="How  MUCH\nis\nit?!"),
        Policy(),
    ),
    (
        "loop",
        facts(messages=[inbound(id="in-0", at=ago(days=2)), inbound()], tally=Tally(in_thread=1)),
        Policy(),
    ),
]

NEAR_MISSES = [
    (
        "opted_out",
        facts(messages=[inbound(text="How much?\n> Reply stop to unsubscribe")]),
        Policy(),
    ),
    ("opted_out", marked(domain_suppressed=True), Policy()),
    ("opted_out", facts(), WHOLE),
    ("excluded", written_by("joe@notrival.example"), EXCLUDED),
    ("excluded", written_by("joe@gov.example"), EXCLUDED),
    ("excluded", written_by("bigboss@lead.example"), EXCLUDED),
    ("excluded", facts(event=event(lead_email=""), messages=[]), Policy(exclude=("*",))),
    ("too_old", facts(messages=[inbound(at=ago(hours=72))]), Policy()),
    ("too_old", facts(now=NOW + timedelta(days=30)), Policy()),
    ("bounce", of_kind("person"), Policy()),
    ("automatic_reply", of_kind("person"), Policy()),
    ("automatic_reply", facts(event=event(event_types=("lead_interested",))), Policy()),
    ("machine_address", written_by("noreplies@lead.example"), Policy()),
    ("machine_address", written_by("norma.reply@lead.example"), Policy()),
    ("machine_address", written_by("kim@lead.example"), OURS),
    ("machine_address", facts(event=event(lead_email="", mailbox=""), messages=[]), Policy()),
    ("other_sender", written_by(LEAD), Policy()),
    (
        "other_sender",
        facts(event=event(lead_email=""), messages=[inbound(sender="bob@lead.example")]),
        Policy(),
    ),
    ("answers_elsewhere", facts(messages=[inbound(reply_to=LEAD)]), Policy()),
    ("answers_elsewhere", facts(messages=[inbound(reply_to="")]), Policy()),
    (
        "answers_elsewhere",
        facts(event=event(lead_email=""), messages=[inbound(reply_to=LEAD)]),
        Policy(),
    ),
    (
        "answers_elsewhere",
        facts(event=event(lead_email=""), messages=[inbound(sender="", reply_to="x@y.example")]),
        Policy(),
    ),
    ("not_to_us", facts(messages=[inbound(recipients=("x@y.example", MAILBOX))]), Policy()),
    ("not_to_us", facts(messages=[inbound(recipients=("sam+q4@ours.example",))]), Policy()),
    ("not_to_us", facts(messages=[inbound(recipients=("kim@ours.example",))]), OURS),
    ("not_to_us", facts(messages=[inbound(recipients=())]), Policy()),
    (
        "not_to_us",
        facts(
            event=event(mailbox=""),
            messages=[campaign_mail(), inbound(recipients=(MAILBOX,))],
        ),
        Policy(),
    ),
    (
        "not_to_us",
        facts(event=event(mailbox=""), messages=[inbound(recipients=("x@y.example",))]),
        Policy(),
    ),
    ("answered_already", facts(answers={"sent-1": "in-0"}), Policy()),
    (
        "answered_already",
        facts(event=event(mail_id=""), messages=[], answers={"sent-1": ""}),
        Policy(),
    ),
    ("answered_already", facts(messages=[inbound(), campaign_mail()]), Policy()),
    (
        "unclear_history",
        facts(messages=[outbound(direction=Direction.UNKNOWN), inbound()]),
        Policy(),
    ),
    (
        "superseded",
        facts(messages=[inbound(), inbound(id="in-2", automatic=True)]),
        Policy(),
    ),
    ("no_words", facts(messages=[]), Policy()),
    ("cap_per_thread", counted(in_thread=2), CAPPED),
    ("cap_per_thread", counted(in_thread=99), Policy(caps=Caps(per_thread=None))),
    ("cap_per_lead_day", counted(to_lead_today=1), CAPPED),
    ("cap_per_mailbox_hour", counted(from_mailbox_this_hour=9), CAPPED),
    ("cap_per_mailbox_hour", counted(from_mailbox_this_hour=999), Policy()),
    ("loop", answered_at(ago(minutes=4, seconds=1)), Policy()),
    ("loop", answered_at(ago(minutes=1, seconds=59)), Policy()),
    ("loop", answered_at(ago(minutes=3), automatic=False), Policy()),
    ("loop", told_again(), Policy()),
    ("loop", told_again(outbound(at=ago(minutes=50)), words="How much was it?"), Policy()),
    ("loop", told_again(outbound(at=ago(minutes=50)), at=ago(days=30)), Policy()),
]


@pytest.mark.parametrize(("reason", "known", "policy"), HITS)
def test_a_guard_that_holds_ends_the_matter(reason: str, known: Facts, policy: Policy) -> None:
    decision, trace = check(known, policy)
    guard = next(guard for guard in GUARDS if guard.reason == reason)
    assert isinstance(decision, guard.outcome)
    assert decision.reason == reason
    assert decision.detail
    assert trace[-1].name == reason
    assert trace[-1].outcome in ("skip", "hold")
    assert {line.outcome for line in trace[:-1]} <= {"passed"}


@pytest.mark.parametrize(("reason", "known", "policy"), NEAR_MISSES)
def test_a_guard_lets_near_misses_pass(reason: str, known: Facts, policy: Policy) -> None:
    decision, trace = check(known, policy)
    assert decision is None
    assert reason in {line.name for line in trace if line.outcome == "passed"}


def test_every_guard_has_a_hit_a_near_miss_and_words_for_people() -> None:
    reasons = {guard.reason for guard in GUARDS}
    assert reasons == {reason for reason, *_ in HITS}
    assert reasons == {reason for reason, *_ in NEAR_MISSES}
    assert reasons < set(REASONS)


def test_an_opt_out_comes_before_everything_else() -> None:
    old_and_automatic = facts(
        event=event(automatic=True, text="Unsubscribe", at=ago(days=30)), messages=[]
    )
    decision, trace = check(old_and_automatic, Policy())
    assert isinstance(decision, Skip)
    assert decision.reason == "opted_out"
    assert len(trace) == 1


def test_an_automatic_reply_is_skipped_even_where_somebody_else_wrote_it() -> None:
    away = inbound(sender="bob@lead.example", automatic=True)
    decision, _ = check(facts(messages=[away]), Policy())
    assert isinstance(decision, Skip)
    assert decision.reason == "automatic_reply"
    assert decision.detail.startswith("an automatic reply: ")


def test_caps_and_doubtful_senders_hold_and_do_not_drop() -> None:
    holding = {guard.reason for guard in GUARDS if guard.outcome is Hold}
    assert holding == {
        "other_sender", "answers_elsewhere", "not_to_us", "unclear_history", "no_words",
        "cap_per_thread", "cap_per_lead_day", "cap_per_mailbox_hour", "loop",
    }  # fmt: skip


@pytest.mark.parametrize(("reason", "known", "policy"), HITS)
def test_approval_lifts_all_but_what_a_person_cannot_know(
    reason: str, known: Facts, policy: Policy
) -> None:
    decision, trace = check(known, policy, approved=True)
    stays = reason in ("opted_out", "answered_already", "superseded")
    assert (decision is not None) == stays
    assert {line.name for line in trace} <= {"opted_out", "answered_already", "superseded"}


def test_the_guards_are_asked_in_the_order_of_the_design() -> None:
    assert [guard.reason for guard in GUARDS] == [
        "opted_out", "excluded", "too_old", "bounce", "automatic_reply", "machine_address",
        "other_sender", "answers_elsewhere", "not_to_us", "answered_already", "unclear_history",
        "superseded", "no_words", "cap_per_thread", "cap_per_lead_day", "cap_per_mailbox_hour",
        "loop",
    ]  # fmt: skip


def test_a_bounce_is_told_from_an_out_of_office_note_even_where_the_provider_is_not_sure() -> None:
    flagged = replace(facts(event=event(automatic=True)), kind="bounce", because="")
    assert check(flagged, Policy())[0] == Skip("bounce", "a bounce")


def test_an_out_of_office_note_may_say_the_same_every_time() -> None:
    note = replace(told_again(outbound(at=ago(minutes=50))), kind="out_of_office")
    assert check(note, Policy(), lifted="automatic_reply")[0] is None


def test_a_guard_that_is_lifted_is_not_asked() -> None:
    _, trace = check(of_kind("out_of_office"), Policy(), lifted="automatic_reply")
    assert "automatic_reply" not in {line.name for line in trace}


def test_a_trace_names_the_age_in_words() -> None:
    hours, _ = check(
        facts(messages=[inbound(at=ago(hours=30))]), Policy(max_age=timedelta(hours=1))
    )
    days, _ = check(facts(messages=[inbound(at=ago(days=30))]), Policy())
    assert hours == Skip("too_old", "30 hours old when it arrived")
    assert days == Skip("too_old", "30 days old when it arrived")

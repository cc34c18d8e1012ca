"""What every ledger promises, told once and run on the stand-in and on a real server.

The clock is driven by hand. Where the server counts a time to live by its own clock, moving
the hand shortens what is left of it by as much.
"""

import json
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest
import redis

from worker.domain.errors import LeaseLost, LedgerAway, NotPossible
from worker.domain.model import (
    Caps,
    Direction,
    Draft,
    EventClass,
    Message,
    ReplyEvent,
    Sent,
    Tally,
    TraceLine,
    moment,
)
from worker.domain.progress import AT_RISK, FINAL, LEGAL, RESTING, State
from worker.domain.record import RECORD_VERSION, Record
from worker.domain.search import Page, Query
from worker.domain.timing import BOUNDS
from worker.ledger import accounts
from worker.ledger.memory import MemoryLedger
from worker.ledger.redis import RedisLedger, connect
from worker.ports import Acceptance, Attempt, Claim, Ledger, NotNow

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LEASE = MINUTE
RETENTION = 90 * DAY
START = 1_760_000_000_000
NO_CAPS = Caps(per_thread=None, per_template=None, per_lead_day=None, per_mailbox_hour=None)
DRAFT = Draft(template="pricing", subject="Re: hello", body="It costs 5 €.")
CONVERSATION = (
    Message(
        id="out-1", direction=Direction.OUTBOUND, at=moment(START), sender="me@own.example",
        subject="hello", text="Interested?", campaign_step=True,
    ),
    Message(id="mail-1", direction=Direction.INBOUND, text="How much?", automatic=True),
)  # fmt: skip


@dataclass
class HandClock:
    """Milliseconds that pass only when somebody says so."""

    ms: int = START
    age: Callable[[int], None] = field(default=lambda _: None)

    def __call__(self) -> int:
        return self.ms

    def advance(self, by: int) -> None:
        self.ms += by
        self.age(by)


@dataclass
class Store:
    """One ledger, its clock, and a way to change a row behind its back."""

    ledger: Ledger
    clock: HandClock
    poke: Callable[[str, dict[str, str]], Any]


def memory_store() -> Store:
    clock = HandClock()
    ledger = MemoryLedger(lease=LEASE, retention=RETENTION, now=clock)
    return Store(ledger, clock, lambda key, fields: ledger._rows[key].update(fields))


def redis_store(client: Any) -> Store:
    def age(by: int) -> None:
        for key in client.scan_iter(count=1000):
            left = client.pttl(key)
            if 0 <= left <= by:
                client.delete(key)
            elif left > by:
                client.pexpire(key, left - by)

    def poke(key: str, fields: dict[str, str]) -> None:
        client.hset(f"autoreply:{{default}}:ev:{key}", mapping=fields)

    clock = HandClock(age=age)
    ledger = RedisLedger(client, lease=LEASE, retention=RETENTION, now=clock)
    return Store(ledger, clock, poke)


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return memory_store()
    return redis_store(request.getfixturevalue("redis_client"))


@pytest.fixture
def ledger(store: Store) -> Ledger:
    return store.ledger


@pytest.fixture
def clock(store: Store) -> HandClock:
    return store.clock


def reply(key: str = "mail-1", **more: Any) -> ReplyEvent:
    given = {
        "key": key,
        "event_class": EventClass.REPLY,
        "event_types": ("reply_received",),
        "workspace": "ws",
        "campaign_id": "camp",
        "lead_id": "lead-1",
        "lead_email": "ann@example.com",
        "mailbox": "me@own.example",
        "mail_id": key,
        "text": f"Yes, about {key}",
    }
    return ReplyEvent(**{**given, **more})


def label(key: str = "mail-1", **more: Any) -> ReplyEvent:
    about = {"event_class": EventClass.LABEL, "event_types": ("lead_interested",)}
    return reply(key, **{**about, **more})


def other(key: str, **more: Any) -> ReplyEvent:
    about = {"event_class": EventClass.OTHER, "event_types": ("email_opened",)}
    return reply(key, **{**about, **more})


def unknown(key: str, **more: Any) -> ReplyEvent:
    about = {"event_class": EventClass.UNKNOWN, "event_types": ("brand_new_type",)}
    return reply(key, **{**about, **more})


def signal(key: str = "signal-1", **more: Any) -> ReplyEvent:
    about = {"event_class": EventClass.SIGNAL, "event_types": ("lead_unsubscribed",)}
    return reply(key, **{"mail_id": "", **about, **more})


def without_id(text: str = "Yes", **more: Any) -> ReplyEvent:
    about = {"lasting": False, "mail_id": "", "text": text}
    return reply(accounts.hashed(text), **{**about, **more})


def attempt(mail: str = "mail-1", **more: Any) -> Attempt:
    given = {"draft": DRAFT, "mail": mail, "seen": frozenset({"out-1"}), "caps": NO_CAPS}
    return Attempt(**{"mailbox": "me@own.example", **given, **more})


def claimed(ledger: Ledger, key: str = "mail-1") -> Claim:
    claim = ledger.claim(key)
    assert isinstance(claim, Claim), claim
    return claim


def refused(ledger: Ledger, key: str = "mail-1") -> str:
    answer = ledger.claim(key)
    assert isinstance(answer, NotNow), answer
    return answer.reason


def found(ledger: Ledger, key: str = "mail-1") -> Record:
    record = ledger.record(key)
    assert record is not None
    return record


def opened(ledger: Ledger, key: str = "mail-1", **more: Any) -> Claim:
    """Accept a reply and claim it."""
    assert ledger.accept(reply(key, **more), "{}").status == "queued"
    return claimed(ledger, key)


def posting(ledger: Ledger, key: str = "mail-1", **more: Any) -> Claim:
    """Accept a reply and bring it as far as the request."""
    claim = opened(ledger, key, **more)
    assert ledger.sending(claim, attempt(key)) is None
    return claim


def sent(ledger: Ledger, key: str = "mail-1", **more: Any) -> None:
    ledger.close(posting(ledger, key, **more), State.SENT, "posted", sent_id=f"out-{key}")


def bring(ledger: Ledger, state: State) -> Claim:
    """Bring an event into a state; return the claim of whoever brought it there."""
    if state is State.QUARANTINED:
        return Claim(record=found(ledger, ledger.quarantine("{}", "no_lead", {})), token=0)
    if state in AT_RISK or state is State.SENT:
        claim = posting(ledger)
        if state is State.DOUBT:
            ledger.doubt(claim, "timeout", look_at=0)
        if state is State.SENT:
            ledger.close(claim, State.SENT, "posted")
        return claim
    claim = opened(ledger)
    if state is State.WAITING:
        ledger.wait(claim, "scheduled", until=0)
    elif state is not State.RECEIVED:
        ledger.close(claim, state, "why")
    return claim


def force(ledger: Any, claim: Claim, to: State) -> None:
    """Ask the lowest step of the store for any state at all."""
    ledger._advance(claim, to, "forged", {})


def view(ledger: Ledger, *keys: str) -> tuple[Any, ...]:
    """Return all that can be seen of the ledger."""
    rows = [(ledger.record(key), ledger.history(key)) for key in keys]
    seen = (ledger.counts(), ledger.outcomes(), ledger.due(), ledger.pauses(), ledger.workers())
    figures = (
        ledger.hourly(48),
        ledger.answer_times(),
        ledger.size(Query(state=State.HELD)),
        ledger.held_off(),
    )
    return (*rows, *seen, *figures, ledger.records(None, 500))


# Accepting


def test_a_new_reply_is_queued_and_comes_back_by_itself_after_the_lease(store: Store) -> None:
    answer = store.ledger.accept(reply(), '{"a": 1}')
    assert answer == Acceptance(key="mail-1", status="queued")
    assert store.ledger.take_due(10) == []
    store.clock.advance(LEASE)
    assert store.ledger.take_due(10) == ["mail-1"]


def test_a_new_record_holds_what_the_event_told(ledger: Ledger) -> None:
    ledger.accept(reply(), '{"a": 1}')
    assert found(ledger) == Record(
        key="mail-1",
        state=State.RECEIVED,
        conversation=accounts.conversation_of(reply()),
        workspace="ws",
        campaign_id="camp",
        lead_id="lead-1",
        lead_email="ann@example.com",
        mailbox="me@own.example",
        mail_id="mail-1",
        deliveries={"reply_received": '{"a": 1}'},
        received_at=START,
        changed_at=START,
        due_at=0,
    )


def test_any_text_is_kept_as_it_came(ledger: Ledger) -> None:
    payload = json.dumps({"text": "naïve 🎉 \x00 \\ \" ' %s @FINAL@ ]]"}, ensure_ascii=False)
    ledger.accept(reply(), payload)
    assert found(ledger).deliveries == {"reply_received": payload}


def test_the_same_delivery_again_is_a_duplicate_and_changes_nothing(ledger: Ledger) -> None:
    ledger.accept(reply(), "first")
    before = (found(ledger), ledger.history("mail-1"), ledger.due())
    assert ledger.accept(reply(), "again") == Acceptance(key="mail-1", status="duplicate")
    assert (found(ledger), ledger.history("mail-1"), ledger.due()) == before


def test_a_label_is_merged_into_its_mail_and_wakes_it(store: Store) -> None:
    claim = opened(store.ledger)
    store.ledger.wait(claim, "scheduled", until=START + DAY)
    assert store.ledger.accept(label(), "label").status == "duplicate"
    assert found(store.ledger).deliveries == {"reply_received": "{}", "lead_interested": "label"}
    assert store.ledger.take_due(10) == ["mail-1"]
    assert claimed(store.ledger).record.state is State.WAITING


def test_a_label_tells_what_the_reply_left_out_and_overwrites_nothing(ledger: Ledger) -> None:
    ledger.accept(reply(mailbox="", campaign_id="first"), "{}")
    ledger.accept(label(mailbox="me@own.example", campaign_id="second"), "{}")
    assert (found(ledger).mailbox, found(ledger).campaign_id) == ("me@own.example", "first")


def test_a_label_opens_the_event_and_the_reply_joins_it(ledger: Ledger) -> None:
    assert ledger.accept(label(), "label").status == "queued"
    assert ledger.accept(reply(), "reply") == Acceptance(key="mail-1", status="duplicate")
    assert found(ledger).deliveries == {"lead_interested": "label", "reply_received": "reply"}
    assert ledger.take_due(10) == ["mail-1"]


def test_a_label_without_mail_and_text_is_ignored(ledger: Ledger) -> None:
    answer = ledger.accept(label("label-1", mail_id="", text=""), "{}")
    assert (answer.status, answer.reason) == ("ignored", "label_without_mail")


def test_a_late_label_is_a_fact_and_wakes_nothing_that_is_finished(ledger: Ledger) -> None:
    sent(ledger)
    assert ledger.accept(label(), "{}").status == "duplicate"
    assert "lead_interested" in found(ledger).deliveries
    assert refused(ledger) == "resting"
    assert ledger.due() == (0, 0)


def test_a_label_that_comes_while_a_worker_has_the_event_waits_for_it(store: Store) -> None:
    claim = opened(store.ledger)
    store.ledger.accept(label(), "{}")
    assert store.ledger.take_due(10) == ["mail-1"]
    assert refused(store.ledger) == "busy"
    assert store.ledger.sending(claim, attempt()) is None


def test_the_same_words_without_id_are_one_mail_within_ten_minutes(store: Store) -> None:
    first = store.ledger.accept(without_id(), "{}")
    store.clock.advance(9 * MINUTE)
    again = store.ledger.accept(without_id(), "{}")
    assert (again.status, again.key) == ("duplicate", first.key)


def test_the_same_words_without_id_are_a_new_mail_after_ten_minutes(store: Store) -> None:
    first = store.ledger.accept(without_id(), "{}")
    store.clock.advance(11 * MINUTE)
    again = store.ledger.accept(without_id(), "{}")
    assert again.status == "queued"
    assert again.key != first.key


def test_an_exact_duplicate_does_not_stretch_the_ten_minutes(store: Store) -> None:
    for _ in range(3):
        store.ledger.accept(without_id(), "{}")
        store.clock.advance(4 * MINUTE)
    assert store.ledger.accept(without_id(), "{}").status == "queued"


def test_a_mail_first_told_without_id_and_then_with_one_is_one_event(store: Store) -> None:
    first = store.ledger.accept(without_id(), "{}")
    second = store.ledger.accept(label("mail-9", text="yes!\n\n> old words"), "{}")
    assert (second.status, second.key) == ("duplicate", first.key)
    assert found(store.ledger, first.key).mail_id == "mail-9"
    store.clock.advance(HOUR)
    assert store.ledger.accept(reply("mail-9", text="Yes"), "{}").key == first.key


def test_a_mail_first_told_with_id_and_then_without_is_one_event(ledger: Ledger) -> None:
    ledger.accept(reply("mail-9", text="Yes"), "{}")
    assert ledger.accept(without_id("Yes"), "{}").key == "mail-9"


def test_the_same_words_under_two_ids_are_two_mails(ledger: Ledger) -> None:
    ledger.accept(reply("mail-1", text="Yes"), "{}")
    assert ledger.accept(reply("mail-2", text="Yes"), "{}").status == "queued"


def test_the_same_words_of_two_leads_are_two_mails(ledger: Ledger) -> None:
    ledger.accept(reply("a", mail_id="", text="Yes"), "{}")
    assert ledger.accept(reply("b", mail_id="", text="Yes", lead_id="bob"), "{}").key == "b"


@pytest.mark.parametrize("kind", ["lead_unsubscribed", "email_bounced"])
def test_a_signal_suppresses_its_lead_and_is_closed_at_once(ledger: Ledger, kind: str) -> None:
    answer = ledger.accept(signal(event_types=(kind,)), "{}")
    assert answer == Acceptance(key="signal-1", status="ignored", reason=kind)
    record = found(ledger, "signal-1")
    assert (record.state, record.reason, record.due_at) == (State.SKIPPED, kind, None)
    assert ledger.due() == (0, 0)
    assert opened(ledger).suppressed


def test_a_signal_told_twice_is_recorded_once(ledger: Ledger) -> None:
    ledger.accept(signal(), "{}")
    assert ledger.accept(signal(), "{}").status == "duplicate"
    assert ledger.counts()[State.SKIPPED] == 1


@pytest.mark.parametrize("make", [reply, label, without_id])
def test_who_asks_to_stop_is_suppressed_when_the_mail_is_accepted(
    ledger: Ledger, make: Callable[..., ReplyEvent]
) -> None:
    claim = opened(ledger)
    ledger.accept(make(text="Stop!") if make is without_id else make("mail-2", text="Stop!"), "{}")
    assert ledger.sending(claim, attempt()) == "opted_out"


def test_who_asks_to_stop_leaves_a_mark_on_their_company(ledger: Ledger) -> None:
    ledger.accept(reply(text="Please unsubscribe me"), "{}")
    colleague = opened(ledger, "mail-2", lead_id="bob", lead_email="bob@example.com")
    assert (colleague.suppressed, colleague.domain_suppressed) == (False, True)
    stranger = opened(ledger, "mail-3", lead_id="cem", lead_email="cem@other.example")
    assert (stranger.suppressed, stranger.domain_suppressed) == (False, False)


def test_a_signal_that_somebody_unsubscribed_marks_their_company_and_a_bounce_does_not(
    ledger: Ledger,
) -> None:
    ledger.accept(signal("bounce-1", event_types=("email_bounced",)), "{}")
    assert not opened(ledger, "mail-2", lead_id="bob", lead_email="b@example.com").domain_suppressed
    ledger.accept(signal("signal-2"), "{}")
    assert opened(ledger, "mail-3", lead_id="cem", lead_email="c@example.com").domain_suppressed


def test_who_has_a_free_mailbox_stands_for_nobody_else(ledger: Ledger) -> None:
    ledger.accept(reply(text="Please unsubscribe me", lead_email="ann@gmail.com"), "{}")
    assert not opened(ledger, "mail-2", lead_id="bob", lead_email="b@gmail.com").domain_suppressed


def test_nothing_is_sent_to_a_company_where_its_people_are_asked_for(ledger: Ledger) -> None:
    claim = opened(ledger, lead_id="bob", lead_email="bob@example.com")
    ledger.accept(signal(), "{}")
    company = accounts.companies_of("bob@example.com")
    assert ledger.sending(claim, attempt(people=company)) == "opted_out"
    assert ledger.sending(claim, attempt()) is None


def test_the_mark_of_a_company_can_be_taken_back(store: Store) -> None:
    store.ledger.accept(signal(), "{}")
    store.clock.advance(1)
    assert store.ledger.lift(accounts.companies_of("ann@example.com")) == 1
    bob = opened(store.ledger, "mail-2", lead_id="bob", lead_email="bob@example.com")
    assert (bob.domain_suppressed, bob.lifted) == (False, 0)


def test_a_company_that_a_later_delivery_tells_of_is_known_too(ledger: Ledger) -> None:
    ledger.accept(reply(lead_email=""), "{}")
    ledger.accept(label(lead_email="ann@example.com"), "{}")
    ledger.accept(signal(lead_id="bob", lead_email="bob@example.com"), "{}")
    assert claimed(ledger).domain_suppressed


@pytest.mark.parametrize("make", [other, unknown])
def test_words_that_are_not_the_leads_own_reply_suppress_nobody(
    ledger: Ledger, make: Callable[..., ReplyEvent]
) -> None:
    claim = opened(ledger)
    ledger.accept(make("x-1", text="Stop!"), "{}")
    assert ledger.sending(claim, attempt()) is None


@pytest.mark.parametrize("told", [{"lead_id": ""}, {"lead_email": "", "lead_id": "LEAD-1"}])
def test_a_signal_under_one_name_of_the_lead_is_enough(
    ledger: Ledger, told: dict[str, str]
) -> None:
    ledger.accept(signal(**told), "{}")
    assert opened(ledger).suppressed


def test_a_name_learned_from_a_later_delivery_is_suppressed_too(ledger: Ledger) -> None:
    ledger.accept(reply(lead_id=""), "{}")
    ledger.accept(label(lead_email=""), "{}")
    ledger.accept(signal(lead_email=""), "{}")
    assert claimed(ledger).suppressed
    ledger.suppress([accounts.person("address", "ann@example.com")], "by hand")


def test_a_signal_is_never_taken_for_a_mail(ledger: Ledger) -> None:
    ledger.accept(signal(mail_id="mail-1", text="Yes"), "{}")
    assert ledger.accept(reply(lead_id="bob", text="Yes"), "{}").status == "queued"


@pytest.mark.parametrize(
    ("event", "reason"),
    [(other("o-1"), "not_a_reply"), (unknown("u-1"), "unknown_event_type")],
    ids=["other", "unknown"],
)
def test_what_is_no_reply_is_recorded_as_ignored(
    ledger: Ledger, event: ReplyEvent, reason: str
) -> None:
    answer = ledger.accept(event, "{}")
    assert answer == Acceptance(key=event.key, status="ignored", reason=reason)
    assert found(ledger, event.key).state is State.SKIPPED
    assert refused(ledger, event.key) == "resting"


@pytest.mark.parametrize("make", [other, unknown])
def test_what_is_no_reply_never_shadows_the_reply_to_the_same_mail(
    ledger: Ledger, make: Callable[..., ReplyEvent]
) -> None:
    ledger.accept(make("x-1", mail_id="mail-1", text="Yes"), "{}")
    assert ledger.accept(reply(text="Yes"), "{}") == Acceptance(key="mail-1", status="queued")


def test_an_unknown_type_joins_the_event_of_its_mail_as_a_fact(ledger: Ledger) -> None:
    ledger.accept(reply(), "{}")
    answer = ledger.accept(unknown("u-1", mail_id="mail-1"), "new")
    assert answer == Acceptance(key="mail-1", status="duplicate")
    assert found(ledger).deliveries["brand_new_type"] == "new"
    assert ledger.record("u-1") is None


def test_another_type_stays_apart_from_the_event_of_its_mail(ledger: Ledger) -> None:
    ledger.accept(reply(), "{}")
    assert ledger.accept(other("o-1", mail_id="mail-1"), "{}").status == "ignored"


def test_a_delivery_that_cannot_be_used_is_kept_and_later_released(ledger: Ledger) -> None:
    key = ledger.quarantine("{bad", "no_lead", {"X-Sig": "1"})
    record = found(ledger, key)
    assert (record.state, record.reason) == (State.QUARANTINED, "no_lead")
    assert record.deliveries == {"body": "{bad", "headers": '{"X-Sig": "1"}'}
    assert ledger.quarantine("{bad", "no_lead", {}) == key
    assert ledger.counts()[State.QUARANTINED] == 1
    assert refused(ledger, key) == "resting"
    ledger.release(key)
    assert (ledger.record(key), ledger.history(key)) == (None, [])
    assert ledger.counts()[State.QUARANTINED] == 0


def test_only_what_is_quarantined_can_be_released(ledger: Ledger) -> None:
    ledger.accept(reply(), "{}")
    ledger.release("mail-1")
    ledger.release("nothing")
    assert found(ledger).state is State.RECEIVED


def test_a_mail_is_known_by_every_name_that_its_event_has(store: Store) -> None:
    assert not store.ledger.knows("mail-1")
    store.ledger.accept(reply(), "{}")
    store.ledger.accept(reply("hook-7", mail_id="", text="How much?", lead_id="bob"), "{}")
    assert store.ledger.bind(claimed(store.ledger, "hook-7"), "mail-7") == "hook-7"
    assert store.ledger.knows("mail-1")
    assert store.ledger.knows("mail-7")
    assert not store.ledger.knows("mail-2")


def test_a_mail_stays_known_when_its_event_has_expired(store: Store) -> None:
    sent(store.ledger)
    store.clock.advance(RETENTION + DAY)
    store.ledger.sweep()
    assert store.ledger.record("mail-1") is None
    assert store.ledger.knows("mail-1")


# Holding


def test_a_claim_tells_all_that_is_known(ledger: Ledger) -> None:
    claim = opened(ledger)
    assert claim == Claim(record=found(ledger), token=1, now=START)


def test_an_event_that_never_was_is_gone(ledger: Ledger) -> None:
    assert ledger.claim("nothing") == NotNow("gone")


@pytest.mark.parametrize("state", sorted(RESTING))
def test_what_is_finished_or_a_persons_turn_is_left_alone(ledger: Ledger, state: State) -> None:
    key = bring(ledger, state).record.key
    assert ledger.claim(key) == NotNow("resting", state)
    assert ledger.due() == (0, 0)


def test_a_claimed_event_cannot_be_claimed_again_until_the_lease_runs_out(store: Store) -> None:
    opened(store.ledger)
    assert store.ledger.claim("mail-1") == NotNow("busy", State.RECEIVED)
    store.clock.advance(LEASE - 1)
    assert refused(store.ledger) == "busy"
    store.clock.advance(1)
    assert store.ledger.take_due(10) == ["mail-1"]
    assert claimed(store.ledger).token == 2


def test_one_conversation_is_worked_on_by_one_worker(ledger: Ledger) -> None:
    ledger.accept(reply("mail-2"), "{}")
    opened(ledger)
    assert refused(ledger, "mail-2") == "busy"
    assert claimed_elsewhere(ledger).token == 1


def claimed_elsewhere(ledger: Ledger) -> Claim:
    return opened(ledger, "mail-3", lead_id="bob", lead_email="bob@example.com")


def test_the_busy_event_is_due_at_once_when_the_first_lets_go(store: Store) -> None:
    first = opened(store.ledger)
    store.ledger.accept(reply("mail-2"), "{}")
    assert refused(store.ledger, "mail-2") == "busy"
    assert store.ledger.take_due(10) == []
    store.ledger.wait(first, "scheduled", until=START + DAY)
    assert store.ledger.take_due(10) == ["mail-2"]
    claimed(store.ledger, "mail-2")


def test_a_busy_event_that_had_its_turn_keeps_to_its_own_time(store: Store) -> None:
    opened(store.ledger)
    store.ledger.accept(reply("mail-2"), "{}")
    assert refused(store.ledger, "mail-2") == "busy"
    store.clock.advance(LEASE)
    second = claimed(store.ledger, "mail-2")
    store.ledger.wait(second, "scheduled", until=START + DAY)
    assert found(store.ledger, "mail-2").due_at == START + DAY
    assert refused(store.ledger, "mail-2") == "early"


def test_every_claim_raises_the_token(store: Store) -> None:
    tokens: list[int] = []
    for _ in range(3):
        tokens.append((claimed if tokens else opened)(store.ledger).token)
        store.clock.advance(LEASE)
    assert tokens == [1, 2, 3]


HOLDERS: dict[str, Callable[[Ledger, Claim], object]] = {
    "bind": lambda ledger, claim: ledger.bind(claim, "mail-1"),
    "wait": lambda ledger, claim: ledger.wait(claim, "later", until=0),
    "close": lambda ledger, claim: ledger.close(claim, State.SKIPPED, "why"),
    "sending": lambda ledger, claim: ledger.sending(claim, attempt()),
    "doubt": lambda ledger, claim: ledger.doubt(claim, "timeout", look_at=0),
}


@pytest.mark.parametrize("method", HOLDERS)
def test_an_older_token_has_lost_the_lease(store: Store, method: str) -> None:
    older = opened(store.ledger)
    store.clock.advance(LEASE)
    claimed(store.ledger)
    before = view(store.ledger, "mail-1")
    with pytest.raises(LeaseLost):
        HOLDERS[method](store.ledger, older)
    assert view(store.ledger, "mail-1") == before


@pytest.mark.parametrize("method", HOLDERS)
def test_a_person_takes_the_event_from_whoever_works_on_it(ledger: Ledger, method: str) -> None:
    claim = opened(ledger)
    ledger.skip("mail-1", "ann")
    with pytest.raises(LeaseLost):
        HOLDERS[method](ledger, claim)
    assert found(ledger).state is State.SKIPPED


def test_a_worker_that_dies_while_sending_leaves_a_doubt(store: Store) -> None:
    posting(store.ledger)
    store.clock.advance(LEASE)
    assert store.ledger.take_due(10) == ["mail-1"]
    record = claimed(store.ledger).record
    assert (record.state, record.reason, record.doubts) == (State.DOUBT, "worker_lost", 1)
    assert (record.doubt_at, record.seen) == (START + LEASE, frozenset({"out-1"}))
    assert record.draft == DRAFT


@pytest.mark.parametrize("state", sorted(AT_RISK))
def test_the_rest_of_the_conversation_waits_while_one_may_be_on_its_way(
    store: Store, state: State
) -> None:
    bring(store.ledger, state)
    store.ledger.accept(reply("mail-2"), "{}")
    store.clock.advance(LEASE)
    assert store.ledger.claim("mail-2") == NotNow("busy", State.RECEIVED)
    assert found(store.ledger, "mail-2").reason == "conversation_busy"
    claimed(store.ledger)
    store.clock.advance(RETENTION + DAY)
    assert store.ledger.claim("mail-2") == NotNow("busy", State.WAITING)
    store.ledger.close(claimed(store.ledger), State.SENT, "found_in_history")
    assert "mail-2" in store.ledger.take_due(10)
    claimed(store.ledger, "mail-2")


def test_a_claim_before_its_time_is_refused(store: Store) -> None:
    store.ledger.wait(opened(store.ledger), "scheduled", until=START + HOUR)
    store.clock.advance(HOUR - 1)
    assert store.ledger.claim("mail-1") == NotNow("early", State.WAITING)
    assert store.ledger.take_due(10) == []
    store.clock.advance(1)
    assert store.ledger.take_due(10) == ["mail-1"]
    claimed(store.ledger)


def test_a_record_of_a_newer_version_is_left_alone(store: Store) -> None:
    store.ledger.accept(reply(), "{}")
    store.poke("mail-1", {"v": str(RECORD_VERSION + 1), "new_field": "x"})
    before = view(store.ledger, "mail-1")
    assert store.ledger.claim("mail-1") == NotNow("newer", State.RECEIVED)
    assert view(store.ledger, "mail-1") == before


@pytest.mark.parametrize("state", ["held", "failed", "received", "snoozed"])
def test_nobody_steers_a_record_of_a_newer_version(store: Store, state: str) -> None:
    store.ledger.accept(reply(), "{}")
    newer = {"v": str(RECORD_VERSION + 1), "state": state, "draft": "in another shape"}
    store.poke("mail-1", newer)
    before = view(store.ledger, "mail-1")
    for order in (store.ledger.approve, store.ledger.skip, store.ledger.retry):
        with pytest.raises(NotPossible, match="newer"):
            order("mail-1", "ann")
    known = State(state) if state in list(State) else None
    assert store.ledger.claim("mail-1") == NotNow("newer", known)
    assert view(store.ledger, "mail-1") == before


def test_a_newer_record_in_an_unknown_state_is_shown_as_waiting(store: Store) -> None:
    store.ledger.accept(reply(), "{}")
    store.poke("mail-1", {"v": str(RECORD_VERSION + 1), "state": "snoozed", "trace": "?"})
    shown = found(store.ledger, "mail-1")
    assert (shown.state, shown.reason) == (State.WAITING, "newer")
    assert "snoozed" in shown.detail
    assert store.ledger.records(None, 10) == [shown]


def test_an_event_is_tied_to_its_mail(ledger: Ledger) -> None:
    key = ledger.accept(without_id(), "{}").key
    assert ledger.bind(claimed(ledger, key), "mail-9") == key
    assert found(ledger, key).mail_id == "mail-9"
    assert ledger.accept(reply("mail-9", text="Yes, other"), "{}").key == key


def test_a_mail_that_has_an_event_already_stays_with_it(ledger: Ledger) -> None:
    opened(ledger, "mail-9", lead_id="bob")
    key = ledger.accept(without_id("Yes"), "{}").key
    assert ledger.bind(claimed(ledger, key), "mail-9") == "mail-9"
    assert found(ledger, key).mail_id == ""


def test_a_mail_whose_event_has_no_pointer_is_found_by_its_key(ledger: Ledger) -> None:
    ledger.accept(reply("mail-9", mail_id="", lead_id="bob"), "{}")
    claim = opened(ledger)
    assert ledger.bind(claim, "mail-9") == "mail-9"


def test_a_workspace_wide_hold_off_is_told_with_every_claim(store: Store) -> None:
    assert store.ledger.hold_off(0, "too_many_requests")
    assert store.ledger.hold_off(10 * SECOND, "unauthorized")
    assert not store.ledger.hold_off(5 * SECOND, "unauthorized")
    assert opened(store.ledger).hold_off == 10 * SECOND
    store.clock.advance(LEASE)
    assert claimed(store.ledger).hold_off == 0


def test_the_same_reason_to_hold_off_is_news_again_after_an_hour(store: Store) -> None:
    store.ledger.hold_off(SECOND, "unauthorized")
    store.clock.advance(HOUR)
    assert store.ledger.hold_off(SECOND, "unauthorized")


# Waiting and pausing


def test_what_was_decided_is_kept_while_it_waits(ledger: Ledger) -> None:
    trace = [TraceLine(step="rule", name="pricing", outcome="fits")]
    ledger.wait(
        opened(ledger), "scheduled", until=START + 5, detail="at nine", draft=DRAFT, trace=trace
    )
    record = found(ledger)
    assert (record.state, record.reason, record.detail) == (State.WAITING, "scheduled", "at nine")
    assert (record.due_at, record.draft, record.template) == (START + 5, DRAFT, "pricing")
    assert record.trace == ({"step": "rule", "name": "pricing", "outcome": "fits"},)


def test_only_what_counts_makes_the_next_wait_longer(ledger: Ledger) -> None:
    ledger.wait(opened(ledger), "api_away", until=0, counts=True)
    ledger.wait(claimed(ledger), "rate_limited", until=0)
    ledger.wait(claimed(ledger), "api_away", until=0, counts=True)
    assert found(ledger).tries == 2


@pytest.mark.parametrize("scope", ["*", "camp"])
def test_what_waits_for_a_pause_comes_back_when_it_ends(store: Store, scope: str) -> None:
    store.ledger.pause(scope)
    claim = opened(store.ledger)
    assert claim.paused == scope
    store.ledger.wait(claim, "paused", until=START + DAY, parked=f"pause:{scope}")
    assert store.ledger.take_due(10) == []
    assert store.ledger.resume(scope) == 1
    assert store.ledger.take_due(10) == ["mail-1"]
    assert claimed(store.ledger).paused == ""


def test_what_a_pause_let_go_of_before_it_was_parked_comes_back_too(store: Store) -> None:
    store.ledger.pause("*")
    claim = opened(store.ledger)
    assert store.ledger.resume("*") == 0
    store.ledger.wait(claim, "paused", until=START + DAY, parked="pause:*")
    assert found(store.ledger).due_at == 0
    assert store.ledger.take_due(10) == ["mail-1"]


def test_a_pause_of_another_campaign_is_none(ledger: Ledger) -> None:
    ledger.pause("elsewhere")
    assert opened(ledger).paused == ""


def test_the_pause_of_everything_covers_that_of_a_campaign(ledger: Ledger) -> None:
    ledger.pause("camp")
    ledger.pause("*")
    assert ledger.pauses() == ["*", "camp"]
    assert opened(ledger).paused == "*"
    ledger.resume("*")
    assert ledger.pauses() == ["camp"]


def test_the_end_of_a_pause_wakes_nothing_that_is_finished(ledger: Ledger) -> None:
    ledger.pause("*")
    ledger.wait(opened(ledger), "paused", until=START + DAY, parked="pause:*")
    ledger.skip("mail-1", "ann")
    assert ledger.resume("*") == 0
    assert ledger.due() == (0, 0)


def test_what_waits_for_the_mirror_comes_back_when_it_is_filled_or_its_time_is_over(
    store: Store,
) -> None:
    until = START + 5 * SECOND
    store.ledger.wait(opened(store.ledger), "mirror_behind", until=until, parked="mirror")
    assert store.ledger.take_due(10) == []
    assert store.ledger.unpark("mirror") == 1
    assert store.ledger.take_due(10) == ["mail-1"]
    store.ledger.wait(claimed(store.ledger), "mirror_behind", until=until, parked="mirror")
    store.clock.advance(5 * SECOND)
    assert store.ledger.take_due(10) == ["mail-1"]


def test_what_waits_for_something_else_goes_on_waiting(ledger: Ledger) -> None:
    ledger.wait(opened(ledger), "mirror_behind", until=START + DAY, parked="mirror")
    assert ledger.unpark("elsewhere") == 0
    assert ledger.take_due(10) == []


# The table of steps

PAIRS = [(before, after) for before in State for after in State]


@pytest.mark.parametrize(
    ("before", "after"),
    [(b, a) for b, a in PAIRS if a not in LEGAL[b] or a is State.SENDING],
)
def test_a_step_that_the_table_does_not_have_or_only_sending_makes_is_refused(
    ledger: Ledger, before: State, after: State
) -> None:
    claim = bring(ledger, before)
    seen = view(ledger, claim.record.key)
    with pytest.raises((RuntimeError, redis.ResponseError), match=f"ILLEGAL {before} to {after}"):
        force(ledger, claim, after)
    assert view(ledger, claim.record.key) == seen


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (before, after)
        for before, after in PAIRS
        if after in LEGAL[before] - {State.SENDING} and before is not State.QUARANTINED
    ],
)
def test_a_step_that_the_table_has_is_taken(ledger: Ledger, before: State, after: State) -> None:
    claim = bring(ledger, before)
    force(ledger, claim, after)
    assert found(ledger).state is after
    assert ledger.counts() == {state: int(state is after) for state in State}
    last = ledger.history("mail-1")[-1]
    assert (last.before, last.after, last.reason) == (before, after, "forged")


# Sending


def test_the_intent_is_written_down_before_the_deed(store: Store) -> None:
    claim = opened(store.ledger)
    store.clock.advance(LEASE - 1)
    assert store.ledger.sending(claim, attempt("mail-7", mailbox="new@own.example")) is None
    record = found(store.ledger)
    assert (record.state, record.reason, record.draft) == (State.SENDING, "pricing", DRAFT)
    assert (record.template, record.seen) == ("pricing", frozenset({"out-1"}))
    assert (record.mail_id, record.mailbox) == ("mail-1", "new@own.example")
    assert record.due_at is None


def test_the_intent_renews_the_lease(store: Store) -> None:
    claim = opened(store.ledger)
    store.clock.advance(LEASE - 1)
    store.ledger.sending(claim, attempt())
    store.clock.advance(LEASE - 1)
    assert store.ledger.take_due(10) == []
    assert refused(store.ledger) == "busy"
    store.clock.advance(1)
    assert claimed(store.ledger).record.state is State.DOUBT


def test_what_was_sent_is_final(store: Store) -> None:
    claim = posting(store.ledger)
    store.clock.advance(SECOND)
    store.ledger.close(claim, State.SENT, "posted", sent_id="out-2")
    record = found(store.ledger)
    assert (record.state, record.sent_id, record.sent_at) == (
        State.SENT, "out-2", START + SECOND,
    )  # fmt: skip
    assert record.due_at is None
    assert store.ledger.due() == (0, 0)


def test_an_answer_that_arrives_after_the_lease_is_still_written_down(store: Store) -> None:
    claim = posting(store.ledger)
    store.clock.advance(10 * LEASE)
    store.ledger.close(claim, State.SENT, "posted")
    assert found(store.ledger).state is State.SENT


def test_nothing_is_sent_after_the_lease_ran_out(store: Store) -> None:
    claim = opened(store.ledger)
    store.clock.advance(LEASE)
    with pytest.raises(LeaseLost):
        store.ledger.sending(claim, attempt())
    assert found(store.ledger).state is State.RECEIVED


def test_nothing_is_sent_when_the_conversation_went_to_another_event(store: Store) -> None:
    claim = opened(store.ledger)
    store.clock.advance(LEASE)
    opened(store.ledger, "mail-2")
    with pytest.raises(LeaseLost):
        store.ledger.sending(claim, attempt())


def test_nothing_is_sent_to_whoever_opted_out_since(ledger: Ledger) -> None:
    claim = opened(ledger)
    ledger.suppress([accounts.person("address", "Ann@Example.com")], "by hand")
    assert ledger.sending(claim, attempt()) == "opted_out"
    assert found(ledger).state is State.RECEIVED


@pytest.mark.parametrize("scope", ["*", "camp"])
def test_nothing_is_sent_under_a_pause_that_began_since(ledger: Ledger, scope: str) -> None:
    claim = opened(ledger)
    ledger.pause(scope)
    assert ledger.sending(claim, attempt()) == "paused"
    ledger.resume(scope)
    assert ledger.sending(claim, attempt()) is None


def test_a_mail_is_answered_once_whatever_event_speaks_of_it(store: Store) -> None:
    sent(store.ledger)
    claim = opened(store.ledger, "mail-2")
    assert store.ledger.sending(claim, attempt("mail-1")) == "answered_already"
    assert store.ledger.sending(claim, attempt("mail-2")) is None


def test_that_a_mail_was_answered_outlives_its_record(store: Store) -> None:
    sent(store.ledger)
    store.clock.advance(RETENTION + MINUTE)
    claim = opened(store.ledger)
    assert store.ledger.sending(claim, attempt()) == "answered_already"
    store.clock.advance(accounts.ANSWERED_FOR_MS)
    assert store.ledger.sending(claimed(store.ledger), attempt()) is None


CAPS = ["per_thread", "per_template", "per_lead_day", "per_mailbox_hour"]


@pytest.mark.parametrize("cap", CAPS)
def test_a_cap_that_is_reached_refuses(ledger: Ledger, cap: str) -> None:
    sent(ledger)
    caps = replace(NO_CAPS, **{cap: 1})
    claim = opened(ledger, "mail-2")
    assert ledger.sending(claim, attempt("mail-2", caps=caps)) == "cap"
    assert found(ledger, "mail-2").state is State.RECEIVED
    assert ledger.sending(claim, attempt("mail-2", caps=replace(NO_CAPS, **{cap: 2}))) is None


@pytest.mark.parametrize("cap", CAPS)
def test_a_cap_does_not_count_the_event_itself(ledger: Ledger, cap: str) -> None:
    ledger.wait(posting(ledger), "refused", until=0)
    assert ledger.sending(claimed(ledger), attempt(caps=replace(NO_CAPS, **{cap: 1}))) is None


@pytest.mark.parametrize(("cap", "after"), [("per_lead_day", DAY), ("per_mailbox_hour", HOUR)])
def test_a_cap_of_a_time_ends_with_it(store: Store, cap: str, after: int) -> None:
    sent(store.ledger)
    last = attempt("mail-2", caps=replace(NO_CAPS, **{cap: 1}))
    store.clock.advance(after)
    claim = opened(store.ledger, "mail-2")
    assert store.ledger.sending(claim, last) == "cap"
    store.clock.advance(1)
    assert store.ledger.sending(claim, last) is None


def test_a_cap_looks_at_its_own_template_lead_and_mailbox(ledger: Ledger) -> None:
    sent(ledger)
    caps = Caps(per_thread=2, per_template=1, per_lead_day=1, per_mailbox_hour=1)
    strange = attempt("mail-2", caps=caps, mailbox="else@own.example")
    assert ledger.sending(opened(ledger, "mail-2", lead_id="bob"), strange) is None
    draft = Draft(template="other", subject="", body="")
    free = Caps(per_thread=2, per_template=1, per_lead_day=None, per_mailbox_hour=None)
    assert (
        ledger.sending(opened(ledger, "mail-3"), attempt("mail-3", caps=free, draft=draft)) is None
    )


def test_the_mailbox_that_only_the_thread_shows_has_its_cap(ledger: Ledger) -> None:
    sent(ledger, mailbox="")
    claim = opened(ledger, "mail-2", lead_id="bob", mailbox="")
    caps = replace(NO_CAPS, per_mailbox_hour=1)
    assert ledger.sending(claim, attempt("mail-2", caps=caps)) == "cap"


def test_a_claim_tells_how_many_answers_went_out(ledger: Ledger) -> None:
    sent(ledger, "mail-1")
    sent(ledger, "mail-2")
    sent(ledger, "mail-3", lead_id="bob")
    tally = opened(ledger, "mail-4").tally
    assert replace(tally, sent=()) == Tally(
        in_thread=2, to_lead_today=2, from_mailbox_this_hour=3, by_template={"pricing": 2}
    )


def test_a_claim_tells_what_went_out_to_the_lead_and_when(store: Store) -> None:
    ledger = store.ledger
    sent(ledger, "mail-1")
    store.clock.advance(HOUR)
    welcome = replace(DRAFT, template="welcome")
    assert ledger.sending(opened(ledger, "mail-2"), attempt("mail-2", draft=welcome)) is None
    sent(ledger, "mail-3", lead_id="bob")
    store.clock.advance(LEASE)
    ledger.doubt(claimed(ledger, "mail-2"), "worker_lost", look_at=0)
    ledger.wait(claimed(ledger, "mail-2"), "never_arrived", until=store.clock() + DAY)
    assert opened(ledger, "mail-4").tally.sent == (
        Sent(template="pricing", at=moment(START)),
        Sent(template="welcome", at=moment(START + HOUR)),
    )


def test_answers_of_one_moment_are_told_in_one_order(ledger: Ledger) -> None:
    for key in ("mail-b", "mail-c", "mail-a"):
        draft = replace(DRAFT, template=f"for {key}")
        claim = opened(ledger, key)
        assert ledger.sending(claim, attempt(key, draft=draft)) is None
        ledger.close(claim, State.SENT, "posted")
    told = [each.template for each in opened(ledger, "mail-4").tally.sent]
    assert told == ["for mail-a", "for mail-b", "for mail-c"]


def test_an_answer_that_a_person_approved_is_told_as_such(ledger: Ledger) -> None:
    held(ledger)
    ledger.approve("mail-1", "ann")
    claim = claimed(ledger)
    assert ledger.sending(claim, attempt()) is None
    ledger.close(claim, State.SENT, "posted")
    sent(ledger, "mail-2")
    assert [each.automatic for each in opened(ledger, "mail-3").tally.sent] == [False, True]


def test_the_event_s_own_answer_is_not_told_among_the_others(ledger: Ledger) -> None:
    ledger.doubt(posting(ledger), "timeout", look_at=0)
    assert claimed(ledger).tally.sent == ()


def test_a_claim_tells_which_of_our_mails_answers_which_of_theirs(ledger: Ledger) -> None:
    sent(ledger, "mail-1")
    ledger.close(posting(ledger, "mail-2"), State.SENT, "posted", sent_id="")
    ledger.close(posting(ledger, "mail-3"), State.FAILED, "http_422")
    sent(ledger, "mail-4", lead_id="bob")
    assert opened(ledger, "mail-5").answers == {"out-mail-1": "mail-1"}


@pytest.mark.parametrize("end", ["wait", "close"])
def test_what_was_surely_not_sent_counts_for_no_cap(ledger: Ledger, end: str) -> None:
    claim = posting(ledger)
    if end == "wait":
        ledger.wait(claim, "refused", until=START + DAY)
    else:
        ledger.close(claim, State.FAILED, "bad_request")
    assert opened(ledger, "mail-2").tally == Tally()


def test_what_may_have_been_sent_counts_for_the_caps(ledger: Ledger) -> None:
    ledger.doubt(posting(ledger), "timeout", look_at=0)
    ledger.wait(claimed(ledger), "never_arrived", until=START + DAY)
    assert opened(ledger, "mail-2").tally.in_thread == 1


def test_what_was_approved_by_a_person_has_no_caps(ledger: Ledger) -> None:
    sent(ledger)
    ledger.close(opened(ledger, "mail-2"), State.HELD, "cap", draft=DRAFT)
    ledger.approve("mail-2", "ann")
    last = attempt("mail-2", caps=replace(NO_CAPS, per_thread=1))
    assert ledger.sending(claimed(ledger, "mail-2"), last) is None


def test_a_doubt_is_looked_at_again_in_its_time(store: Store) -> None:
    store.ledger.doubt(posting(store.ledger), "timeout", look_at=START + SECOND, detail="read")
    assert refused(store.ledger) == "early"
    store.clock.advance(SECOND)
    claim = claimed(store.ledger)
    record = claim.record
    assert (record.state, record.reason, record.detail) == (State.DOUBT, "timeout", "read")
    assert (record.doubts, record.doubt_at) == (1, START)
    store.ledger.doubt(claim, "timeout", look_at=START + HOUR)
    record = found(store.ledger)
    assert (record.doubts, record.doubt_at, record.due_at) == (1, START, START + HOUR)


def test_a_second_doubt_is_counted(ledger: Ledger) -> None:
    ledger.doubt(posting(ledger), "timeout", look_at=0)
    ledger.wait(claimed(ledger), "never_arrived", until=0)
    claim = claimed(ledger)
    ledger.sending(claim, attempt())
    ledger.doubt(claim, "timeout", look_at=0)
    assert found(ledger).doubts == 2


def test_a_mail_in_doubt_stays_with_its_owner(ledger: Ledger) -> None:
    ledger.doubt(posting(ledger), "timeout", look_at=0)
    ledger.wait(claimed(ledger), "never_arrived", until=0)
    stranger = opened(ledger, "mail-2")
    assert ledger.sending(stranger, attempt("mail-1")) == "answered_already"
    ledger.wait(stranger, "later", until=START + DAY)
    assert ledger.sending(claimed(ledger), attempt()) is None


def test_a_mail_whose_answer_was_refused_for_good_may_be_answered(ledger: Ledger) -> None:
    ledger.close(posting(ledger), State.FAILED, "bad_request")
    assert ledger.sending(opened(ledger, "mail-2"), attempt("mail-1")) is None


# A person's word


def held(ledger: Ledger, draft: Draft | None = DRAFT) -> Record:
    ledger.close(opened(ledger), State.HELD, "needs_approval", detail="look", draft=draft)
    return found(ledger)


def test_an_approved_draft_goes_out_at_once(ledger: Ledger) -> None:
    held(ledger)
    record = ledger.approve("mail-1", "ann")
    assert (record.state, record.reason, record.detail) == (State.WAITING, "approved", "")
    assert (record.approved_by, record.draft, record.due_at) == ("ann", DRAFT, 0)
    assert record == found(ledger)
    assert ledger.take_due(10) == ["mail-1"]
    assert ledger.history("mail-1")[-1].by == "ann"


def test_a_person_may_write_the_answer(ledger: Ledger) -> None:
    held(ledger, None)
    mine = Draft(template="by hand", subject="s", body="b")
    record = ledger.approve("mail-1", "ann", mine)
    assert (record.draft, record.template) == (mine, "by hand")


def test_nothing_is_approved_twice(ledger: Ledger) -> None:
    held(ledger)
    ledger.approve("mail-1", "ann")
    with pytest.raises(NotPossible, match="waiting"):
        ledger.approve("mail-1", "bob")
    assert found(ledger).approved_by == "ann"


def test_of_two_who_decide_on_the_same_draft_the_second_is_told(ledger: Ledger) -> None:
    seen = held(ledger).token
    ledger.approve("mail-1", "ann", seen=seen)
    with pytest.raises(NotPossible, match="waiting"):
        ledger.approve("mail-1", "bob", seen=seen)
    with pytest.raises(NotPossible, match="changed"):
        ledger.skip("mail-1", "bob", seen=seen)
    assert (found(ledger).approved_by, found(ledger).state) == ("ann", State.WAITING)


def test_nobody_approves_or_skips_another_draft_than_the_one_they_saw(ledger: Ledger) -> None:
    seen = held(ledger).token
    ledger.approve("mail-1", "ann")
    ledger.take_back("mail-1", "ann")
    for order in (ledger.approve, ledger.skip):
        with pytest.raises(NotPossible, match="changed"):
            order("mail-1", "bob", seen=seen)
    assert ledger.approve("mail-1", "bob", seen=found(ledger).token).approved_by == "bob"


def test_an_approved_draft_may_wait_and_be_taken_back_before_it_leaves(store: Store) -> None:
    held(store.ledger)
    record = store.ledger.approve("mail-1", "ann", after=10 * SECOND)
    assert record.due_at == START + 10 * SECOND
    assert store.ledger.take_due(10) == []
    record = store.ledger.take_back("mail-1", "ann")
    assert (record.state, record.approved_by, record.draft) == (State.HELD, "", DRAFT)
    store.clock.advance(MINUTE)
    assert store.ledger.take_due(10) == []


def test_who_takes_an_answer_back_takes_it_from_the_worker_that_has_it(ledger: Ledger) -> None:
    claim = opened(ledger)
    ledger.wait(claim, "scheduled", until=0, draft=DRAFT)
    claim = claimed(ledger)
    ledger.take_back("mail-1", "ann")
    with pytest.raises(LeaseLost):
        ledger.sending(claim, attempt())


def test_the_conversation_is_kept_beside_the_draft(ledger: Ledger) -> None:
    ledger.wait(opened(ledger), "scheduled", until=0, draft=DRAFT, thread=CONVERSATION)
    assert found(ledger).thread == CONVERSATION
    later = (*CONVERSATION, Message(id="mail-2", direction=Direction.INBOUND, text="x" * 9000))
    ledger.close(claimed(ledger), State.HELD, "why", draft=DRAFT, thread=later)
    assert [len(m.text) for m in found(ledger).thread] == [11, 9, 4000]
    many = tuple(replace(CONVERSATION[0], id=str(number)) for number in range(30))
    ledger.close(opened(ledger, "mail-3", lead_id="l-3"), State.HELD, "why", thread=many)
    assert [m.id for m in found(ledger, "mail-3").thread] == [str(n) for n in range(10, 30)]


def test_nothing_is_approved_without_a_draft(ledger: Ledger) -> None:
    held(ledger, None)
    with pytest.raises(NotPossible, match="no_draft"):
        ledger.approve("mail-1", "ann")
    assert found(ledger).state is State.HELD


ORDERS: dict[str, Callable[[Ledger, str], Record]] = {
    "approve": lambda ledger, key: ledger.approve(key, "ann", DRAFT),
    "take_back": lambda ledger, key: ledger.take_back(key, "ann"),
    "skip": lambda ledger, key: ledger.skip(key, "ann"),
    "retry": lambda ledger, key: ledger.retry(key, "ann"),
}
ALLOWED = {
    "approve": {State.HELD: State.WAITING},
    "take_back": {State.WAITING: State.HELD},
    "skip": dict.fromkeys(
        (State.RECEIVED, State.WAITING, State.HELD, State.QUARANTINED), State.SKIPPED
    ),
    "retry": dict.fromkeys((State.FAILED, State.SKIPPED), State.RECEIVED),
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("order", ORDERS)
def test_a_person_may_do_what_the_state_allows(ledger: Ledger, order: str, state: State) -> None:
    key = bring(ledger, state).record.key
    after = ALLOWED[order].get(state)
    if after:
        assert ORDERS[order](ledger, key).state is after
        return
    before = view(ledger, key)
    with pytest.raises(NotPossible, match=state):
        ORDERS[order](ledger, key)
    assert view(ledger, key) == before


@pytest.mark.parametrize("order", ORDERS)
def test_an_event_that_is_not_there_takes_no_orders(ledger: Ledger, order: str) -> None:
    with pytest.raises(NotPossible, match="unknown"):
        ORDERS[order](ledger, "nothing")


def test_a_skipped_event_frees_its_conversation(ledger: Ledger) -> None:
    opened(ledger)
    ledger.accept(reply("mail-2"), "{}")
    assert refused(ledger, "mail-2") == "busy"
    ledger.skip("mail-1", "ann")
    assert ledger.take_due(10) == ["mail-2"]
    claimed(ledger, "mail-2")


def test_a_retried_event_starts_again(ledger: Ledger) -> None:
    ledger.wait(opened(ledger), "api_away", until=0, counts=True)
    claim = claimed(ledger)
    ledger.sending(claim, attempt())
    ledger.close(claim, State.FAILED, "bad_request", detail="400")
    record = ledger.retry("mail-1", "ann")
    assert (record.state, record.tries, record.doubts, record.detail) == (
        State.RECEIVED, 0, 0, "",
    )  # fmt: skip
    assert ledger.take_due(10) == ["mail-1"]
    assert claimed(ledger).token == claim.token + 2


# The clock


def test_what_is_due_is_taken_oldest_first_and_moves_on_by_the_lease(store: Store) -> None:
    for number in range(3):
        store.ledger.accept(reply(f"mail-{number}", lead_id=f"lead-{number}"), "{}")
        store.clock.advance(SECOND)
    store.clock.advance(LEASE)
    assert store.ledger.take_due(2) == ["mail-0", "mail-1"]
    assert store.ledger.take_due(2) == ["mail-2"]
    assert store.ledger.take_due(2) == []
    store.clock.advance(LEASE)
    assert len(store.ledger.take_due(9)) == 3


def test_two_takers_never_get_the_same(store: Store) -> None:
    keys = [f"mail-{number}" for number in range(120)]
    for key in keys:
        store.ledger.accept(reply(key), "{}")
    store.clock.advance(LEASE)
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: store.ledger.take_due(7), range(24)))
    assert sorted(key for batch in batches for key in batch) == sorted(keys)


def test_of_many_workers_one_gets_the_conversation(ledger: Ledger) -> None:
    keys = [f"mail-{number}" for number in range(16)]
    for key in keys:
        ledger.accept(reply(key), "{}")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ledger.claim, keys * 4))
    assert sum(isinstance(answer, Claim) for answer in answers) == 1


def test_of_many_deliveries_one_opens_the_event(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ledger.accept(reply(), "{}").status, range(32)))
    assert sorted(answers) == ["duplicate"] * 31 + ["queued"]


def test_the_oldest_lateness_is_told(store: Store) -> None:
    assert store.ledger.due() == (0, 0)
    store.ledger.accept(reply(), "{}")
    store.ledger.accept(reply("mail-2"), "{}")
    assert store.ledger.due() == (2, 0)
    store.clock.advance(LEASE + 7)
    assert store.ledger.due() == (2, 7)


# Seeing


def test_every_step_is_remembered_with_its_reason(store: Store) -> None:
    claim = opened(store.ledger)
    store.clock.advance(5)
    store.ledger.close(claim, State.HELD, "no_rule")
    store.ledger.skip("mail-1", "ann")
    steps = [
        (line.at, line.before, line.after, line.reason, line.by)
        for line in store.ledger.history("mail-1")
    ]
    assert steps == [
        (START, "", "received", "reply_received", ""),
        (START + 5, "received", "held", "no_rule", ""),
        (START + 5, "held", "skipped", "by_hand", "ann"),
    ]


def test_looking_again_for_the_same_reason_is_remembered_once(ledger: Ledger) -> None:
    ledger.accept(reply(), "{}")
    for _ in range(3):
        ledger.wait(claimed(ledger), "api_away", until=0)
    assert len(ledger.history("mail-1")) == 2


def test_the_newest_records_are_listed_of_one_state_or_of_all(store: Store) -> None:
    for number in range(4):
        store.ledger.accept(reply(f"mail-{number}", lead_id=f"lead-{number}"), "{}")
        store.clock.advance(SECOND)
    store.ledger.skip("mail-1", "ann")
    assert [r.key for r in store.ledger.records(None, 2)] == ["mail-3", "mail-2"]
    assert [r.key for r in store.ledger.records(State.RECEIVED, 9)] == [
        "mail-3", "mail-2", "mail-0",
    ]  # fmt: skip
    assert [r.key for r in store.ledger.records(State.SKIPPED, 9)] == ["mail-1"]
    assert store.ledger.records(None, 0) == []


def test_what_was_accepted_since_a_moment_is_listed_oldest_first(store: Store) -> None:
    start = store.clock.ms
    for number in range(3):
        store.ledger.accept(reply(f"mail-{number}", lead_id=f"lead-{number}"), "{}")
        store.clock.advance(SECOND)
    assert store.ledger.keys_since(start) == ["mail-0", "mail-1", "mail-2"]
    assert store.ledger.keys_since(start + SECOND) == ["mail-1", "mail-2"]
    assert store.ledger.keys_since(start + 3 * SECOND) == []


def test_rows_are_found_by_key_without_those_that_are_gone(ledger: Ledger) -> None:
    for number in range(2):
        ledger.accept(reply(f"mail-{number}", lead_id=f"lead-{number}"), "{}")
    assert [row.key for row in ledger.rows(["mail-1", "absent", "mail-0"])] == ["mail-1", "mail-0"]
    assert ledger.rows([]) == []


def test_what_was_sent_is_counted_by_variant(ledger: Ledger) -> None:
    for number, variant in enumerate(("a", "b", "de/b", "b", "")):
        key, draft = f"mail-{number}", replace(DRAFT, variant=variant)
        claim = opened(ledger, key, lead_id=f"lead-{number}")
        assert ledger.sending(claim, attempt(key, draft=draft)) is None
        ledger.close(claim, State.SENT, "posted")
    assert ledger.variants() == {("pricing", "a"): 1, ("pricing", "b"): 2, ("pricing", "de/b"): 1}
    assert found(ledger, "mail-2").variant == "de/b"


def test_a_variant_that_was_never_sent_is_not_counted(ledger: Ledger) -> None:
    claim = opened(ledger)
    ledger.close(claim, State.HELD, "needs_approval", draft=replace(DRAFT, variant="b"))
    assert ledger.variants() == {}
    draft = found(ledger).draft
    assert draft
    assert draft.variant == "b"


def test_an_answer_of_ones_own_has_no_variant(ledger: Ledger) -> None:
    claim = opened(ledger)
    ledger.close(claim, State.HELD, "needs_approval", draft=replace(DRAFT, variant="b"))
    ledger.approve("mail-1", "ann", DRAFT)
    assert found(ledger).variant == ""


def test_states_and_outcomes_are_counted(ledger: Ledger) -> None:
    sent(ledger)
    ledger.accept(reply(), "{}")
    ledger.accept(other("o-1"), "{}")
    counts = dict.fromkeys(State, 0) | {State.SENT: 1, State.SKIPPED: 1}
    assert ledger.counts() == counts
    assert ledger.outcomes() == {
        ("received", "reply_received"): 1,
        ("received", "email_opened"): 1,
        ("duplicate", "reply_received"): 1,
        ("sending", "pricing"): 1,
        ("sent", "posted"): 1,
        ("skipped", "not_a_reply"): 1,
    }


@pytest.mark.parametrize(
    ("took", "below"), [(0, 5), (60 * SECOND, 60), (60 * SECOND + 1, 120), (25 * HOUR, None)]
)
def test_how_long_answers_took_is_counted(store: Store, took: int, below: int | None) -> None:
    store.ledger.accept(reply(), "{}")
    store.clock.advance(took)
    claim = claimed(store.ledger)
    assert store.ledger.sending(claim, attempt()) is None
    store.ledger.close(claim, State.SENT, "posted")
    times = store.ledger.answer_times()
    assert (times.count, times.seconds) == (1, took / 1000)
    assert times.below == {bound: int(below is not None and bound >= below) for bound in BOUNDS}


def test_what_happens_is_counted_by_the_hour(store: Store) -> None:
    store.clock.ms = START - START % HOUR
    sent(store.ledger)
    store.clock.advance(2 * HOUR)
    store.ledger.accept(signal(), "{}")
    store.ledger.accept(signal(), "{}")
    store.ledger.quarantine("{", "no_lead", {})
    hours = store.ledger.hourly(3)
    begin = START - START % HOUR
    assert list(hours) == [begin, begin + HOUR, begin + 2 * HOUR]
    assert hours[begin] == {
        ("received", "reply_received"): 1, ("sending", "pricing"): 1, ("sent", "posted"): 1,
    }  # fmt: skip
    assert hours[begin + HOUR] == {}
    assert hours[begin + 2 * HOUR] == {
        ("received", "lead_unsubscribed"): 1,
        ("duplicate", "lead_unsubscribed"): 1,
        ("skipped", "lead_unsubscribed"): 1,
        ("quarantined", "no_lead"): 1,
    }


def test_how_long_the_api_is_left_alone_is_told(store: Store) -> None:
    assert store.ledger.held_off() == 0
    store.ledger.hold_off(MINUTE, "unauthorized")
    store.clock.advance(SECOND)
    assert store.ledger.held_off() == 59 * SECOND
    store.clock.advance(MINUTE)
    assert store.ledger.held_off() == 0


def test_events_are_counted_without_being_read(store: Store) -> None:
    sent(store.ledger)
    store.clock.advance(HOUR)
    opened(store.ledger, "mail-2", lead_id="bob", campaign_id="other")
    sizes = {
        Query(): 2,
        Query(state=State.SENT): 1,
        Query(campaign="other"): 1,
        Query(template="pricing"): 1,
        Query(since=START + HOUR): 1,
        Query(until=START + HOUR): 1,
        Query(reason="nothing"): 0,
    }
    assert {query: store.ledger.size(query) for query in sizes} == sizes


def test_workers_are_there_for_half_a_minute(store: Store) -> None:
    store.ledger.seen_alive("one")
    store.clock.advance(20 * SECOND)
    store.ledger.seen_alive("two")
    assert store.ledger.workers() == ["one", "two"]
    store.clock.advance(11 * SECOND)
    assert store.ledger.workers() == ["two"]


def test_a_ledger_that_is_there_answers(ledger: Ledger) -> None:
    ledger.ping()


# Forgetting


@pytest.mark.parametrize("state", sorted(FINAL))
def test_what_is_finished_is_forgotten_after_the_retention_time(store: Store, state: State) -> None:
    bring(store.ledger, state)
    store.clock.advance(RETENTION - MINUTE)
    assert store.ledger.sweep() == 0
    assert found(store.ledger).state is state
    store.clock.advance(MINUTE)
    assert store.ledger.record("mail-1") is None
    assert store.ledger.history("mail-1") == []
    assert store.ledger.records(None, 9) == []
    assert store.ledger.sweep() == 1
    assert set(store.ledger.counts().values()) == {0}
    assert store.ledger.sweep() == 0


@pytest.mark.parametrize("state", sorted(set(State) - FINAL))
def test_what_is_not_finished_is_kept(store: Store, state: State) -> None:
    key = bring(store.ledger, state).record.key
    store.clock.advance(2 * RETENTION)
    assert store.ledger.sweep() == 0
    assert found(store.ledger, key).state is state
    assert store.ledger.counts()[state] == 1


def test_a_retried_event_is_kept_again(store: Store) -> None:
    bring(store.ledger, State.FAILED)
    store.ledger.retry("mail-1", "ann")
    store.clock.advance(2 * RETENTION)
    assert store.ledger.sweep() == 0
    assert store.ledger.history("mail-1")


def test_a_mail_told_again_before_the_sweep_is_not_swept_with_its_old_record(
    store: Store,
) -> None:
    bring(store.ledger, State.SKIPPED)
    store.clock.advance(RETENTION + MINUTE)
    assert store.ledger.accept(reply(), "{}").status == "queued"
    assert store.ledger.sweep() == 0
    assert found(store.ledger).state is State.RECEIVED
    assert store.ledger.counts()[State.SKIPPED] == 0


# What only a server can do wrong


def snapshot(client: Any) -> dict[str, Any]:
    read: dict[str, Callable[[str], Any]] = {
        "string": client.get,
        "hash": client.hgetall,
        "set": client.smembers,
        "list": lambda key: client.lrange(key, 0, -1),
        "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
    }
    return {key: read[client.type(key)](key) for key in client.scan_iter(count=1000)}


def without_stats(client: Any) -> dict[str, Any]:
    return {
        k: v for k, v in snapshot(client).items() if not k.endswith(":stats") and ":hour:" not in k
    }


WITH_OP = {"advance", "sending", "order"}


class Twice:
    """Runs a script again with the same arguments, as a client does that lost the answer."""

    def __init__(self, name: str, script: Any, client: Any, ran: set[str]) -> None:
        self._name, self._script, self._client, self._ran = name, script, client, ran

    def __call__(self, **given: Any) -> Any:
        first = self._script(**given)
        before = snapshot(self._client), without_stats(self._client)
        second = self._script(**given)
        if self._name == "accept":  # each delivery is counted, and nothing else changes
            assert without_stats(self._client) == before[1]
            assert second[:2] == ["duplicate", first[1]]
        else:
            assert snapshot(self._client) == before[0]
        if self._name in WITH_OP:
            assert second == first
        self._ran.add(self._name)
        return first


def whole_life(ledger: Any, clock: HandClock) -> None:
    """Do everything a ledger can do, in a sensible order."""
    ledger.pause("camp")
    claim = opened(ledger)
    ledger.bind(claim, "mail-1")
    assert ledger.sending(claim, attempt()) == "paused"
    ledger.wait(claim, "paused", until=clock() + DAY, parked="pause:camp", counts=True)
    assert ledger.resume("camp") == 1
    assert ledger.take_due(5) == ["mail-1"]
    ledger.wait(claimed(ledger), "mirror_behind", until=clock() + DAY, parked="mirror")
    assert ledger.unpark("mirror") == 1
    ledger.accept(label(), "{}")
    claim = claimed(ledger)
    ledger.accept(reply("mail-2"), "{}")
    assert refused(ledger, "mail-2") == "busy"
    ledger.sending(claim, attempt())
    ledger.doubt(claim, "timeout", look_at=0)
    ledger.doubt(claimed(ledger), "timeout", look_at=0)
    ledger.wait(claimed(ledger), "never_arrived", until=0)
    claim = claimed(ledger)
    ledger.sending(claim, attempt())
    clock.advance(LEASE)
    assert refused(ledger, "mail-2") == "busy"
    ledger.close(claimed(ledger), State.HELD, "second_doubt")
    ledger.approve("mail-1", "ann")
    claim = claimed(ledger)
    ledger.sending(claim, attempt())
    ledger.close(claim, State.FAILED, "bad_request", deeds=("read",))
    deed = ledger.take_deed()
    ledger.put_off_deed(deed, 0)
    ledger.end_deed(deed, "done", "write-back: done")
    ledger.retry("mail-1", "ann")
    ledger.skip("mail-1", "ann")
    ledger.accept(signal(), "{}")
    ledger.suppress(["lead:x"], "by hand")
    ledger.lift(["lead:x"])
    ledger.hold_off(SECOND, "unauthorized")
    ledger.release(ledger.quarantine("{", "no_lead", {}))
    assert ledger.claim("nothing") == NotNow("gone")
    opened(ledger, "mail-3", lead_id="lead-3", lead_email="")
    assert ledger.forget(["lead:" + accounts.hashed("lead-3")]) == (1, 0)
    clock.advance(RETENTION)
    assert ledger.sweep() == 2


def test_a_script_that_runs_twice_does_no_harm(redis_client: redis.Redis) -> None:
    store, ran = redis_store(redis_client), set[str]()
    ledger: Any = store.ledger
    names = set(ledger._scripts)
    ledger._scripts = {
        name: Twice(name, script, redis_client, ran) for name, script in ledger._scripts.items()
    }
    whole_life(ledger, store.clock)
    assert ran == names
    assert found(ledger, "mail-2").doubts == 0


def test_finished_records_get_a_time_to_live_and_others_none(redis_client: Any) -> None:
    ledger = redis_store(redis_client).ledger
    row, lines = (f"autoreply:{{default}}:{kind}:mail-1" for kind in ("ev", "hist"))
    bring(ledger, State.SKIPPED)
    for key in (row, lines):
        assert RETENTION - MINUTE < redis_client.pttl(key) <= RETENTION
    ledger.retry("mail-1", "ann")
    assert (redis_client.pttl(row), redis_client.pttl(lines)) == (-1, -1)


def test_two_workspaces_keep_apart(redis_client: redis.Redis) -> None:
    one, two = (
        RedisLedger(redis_client, lease=LEASE, retention=RETENTION, name=name) for name in "ab"
    )
    one.accept(reply(), "{}")
    assert two.record("mail-1") is None
    assert two.accept(reply(), "{}").status == "queued"


def test_without_a_clock_of_its_own_the_ledger_goes_by_the_servers(
    redis_client: redis.Redis,
) -> None:
    seconds, _ = redis_client.time()
    ledger = RedisLedger(redis_client, lease=LEASE, retention=RETENTION)
    claim = opened(ledger)
    assert 0 <= claim.now - seconds * 1000 < MINUTE
    ledger.seen_alive("one")
    assert ledger.workers() == ["one"]
    assert ledger.due() == (1, 0)


def test_the_stand_in_goes_by_the_machines_clock() -> None:
    ledger = MemoryLedger(lease=LEASE, retention=RETENTION)
    assert opened(ledger).now > START


STRANGER = Claim(record=Record(key="mail-1", state=State.RECEIVED), token=1)


def about(ledger: Ledger, do: Callable[[Ledger, Any], object], what: Any) -> object:
    return do(ledger, what)


EVERY_METHOD: dict[str, Callable[[Ledger], object]] = {
    **{name: partial(about, do=do, what=STRANGER) for name, do in HOLDERS.items()},
    **{name: partial(about, do=do, what="mail-1") for name, do in ORDERS.items()},
    "accept": lambda ledger: ledger.accept(reply("mail-5"), "{}"),
    "quarantine": lambda ledger: ledger.quarantine("{", "no_lead", {}),
    "release": lambda ledger: ledger.release("mail-1"),
    "claim": lambda ledger: ledger.claim("mail-1"),
    "suppress": lambda ledger: ledger.suppress(["lead:x"], "by hand"),
    "lift": lambda ledger: ledger.lift(["lead:x"]),
    "hold_off": lambda ledger: ledger.hold_off(SECOND, "unauthorized"),
    "hold_reason": lambda ledger: ledger.hold_reason(),
    "take_due": lambda ledger: ledger.take_due(1),
    "unpark": lambda ledger: ledger.unpark("mirror"),
    "pause": lambda ledger: ledger.pause("*"),
    "resume": lambda ledger: ledger.resume("*"),
    "pauses": lambda ledger: ledger.pauses(),
    "record": lambda ledger: ledger.record("mail-1"),
    "history": lambda ledger: ledger.history("mail-1"),
    "knows": lambda ledger: ledger.knows("mail-1"),
    "records": lambda ledger: ledger.records(None, 1),
    "search": lambda ledger: ledger.search(Query(reason="posted"), 1),
    "forget": lambda ledger: ledger.forget(["lead:x"]),
    "keys_since": lambda ledger: ledger.keys_since(0),
    "rows": lambda ledger: ledger.rows(["mail-1"]),
    "counts": lambda ledger: ledger.counts(),
    "outcomes": lambda ledger: ledger.outcomes(),
    "variants": lambda ledger: ledger.variants(),
    "answer_times": lambda ledger: ledger.answer_times(),
    "hourly": lambda ledger: ledger.hourly(24),
    "size": lambda ledger: ledger.size(Query(reason="posted")),
    "held_off": lambda ledger: ledger.held_off(),
    "due": lambda ledger: ledger.due(),
    "seen_alive": lambda ledger: ledger.seen_alive("one"),
    "workers": lambda ledger: ledger.workers(),
    "sweep": lambda ledger: ledger.sweep(),
    "ping": lambda ledger: ledger.ping(),
}


def test_every_method_is_in_the_table() -> None:
    assert set(EVERY_METHOD) == {name for name in vars(Ledger) if not name.startswith("_")}


@pytest.mark.parametrize("method", EVERY_METHOD)
@pytest.mark.parametrize("now", [None, HandClock()], ids=["server's clock", "own clock"])
def test_a_server_that_is_gone_is_named_so(
    dead_url: str, method: str, now: HandClock | None
) -> None:
    with closing(connect(dead_url)) as client, pytest.raises(LedgerAway):
        EVERY_METHOD[method](RedisLedger(client, lease=LEASE, retention=RETENTION, now=now))


@contextmanager
def setting(client: Any, name: str, value: int) -> Iterator[None]:
    """Change a setting of the server for a while."""
    client.config_set(name, value)
    try:
        yield
    finally:
        client.config_set(name, 0)


GROWING: dict[str, tuple[State, Callable[[Ledger, Claim], object]]] = {
    "accept": (State.SENT, lambda ledger, _: ledger.accept(reply("mail-5"), "{}")),
    "accept label": (State.RECEIVED, lambda ledger, _: ledger.accept(label(), "{}")),
    "accept signal": (State.SENT, lambda ledger, _: ledger.accept(signal(), "{}")),
    "claim": (State.WAITING, lambda ledger, _: ledger.claim("mail-1")),
    "wait": (State.SENDING, HOLDERS["wait"]),
    "sent": (State.SENDING, lambda ledger, claim: ledger.close(claim, State.SENT, "posted")),
    "failed": (State.SENDING, lambda ledger, claim: ledger.close(claim, State.FAILED, "bad")),
    "sending": (State.RECEIVED, HOLDERS["sending"]),
    "doubt": (State.SENDING, HOLDERS["doubt"]),
    "bind": (State.RECEIVED, lambda ledger, claim: ledger.bind(claim, "mail-8")),
    "approve": (State.HELD, lambda ledger, _: ledger.approve("mail-1", "ann", DRAFT)),
    "retry": (State.FAILED, lambda ledger, _: ledger.retry("mail-1", "ann")),
    "skip": (State.HELD, lambda ledger, _: ledger.skip("mail-1", "ann")),
    "quarantine": (State.SENT, lambda ledger, _: ledger.quarantine("{", "no_lead", {})),
    "pause": (State.SENT, lambda ledger, _: ledger.pause("*")),
    "hold_off": (State.SENT, lambda ledger, _: ledger.hold_off(SECOND, "unauthorized")),
    "suppress": (State.SENT, lambda ledger, _: ledger.suppress(["lead:x"], "by hand")),
    "take_due": (State.WAITING, lambda ledger, _: ledger.take_due(1)),
}


@pytest.mark.parametrize("method", GROWING)
@pytest.mark.parametrize("name", ["maxmemory", "min-replicas-to-write"])
def test_a_server_that_takes_no_more_is_named_so_and_writes_nothing_half(
    redis_client: redis.Redis, method: str, name: str
) -> None:
    ledger = redis_store(redis_client).ledger
    state, do = GROWING[method]
    claim = bring(ledger, state)
    before = snapshot(redis_client)
    with setting(redis_client, name, 1), pytest.raises(LedgerAway):
        do(ledger, claim)
    assert snapshot(redis_client) == before


def test_an_expired_record_is_not_half_replaced_by_a_full_server(
    redis_client: redis.Redis,
) -> None:
    store = redis_store(redis_client)
    bring(store.ledger, State.SKIPPED)
    store.clock.advance(RETENTION)
    before = snapshot(redis_client)
    with setting(redis_client, "maxmemory", 1), pytest.raises(LedgerAway):
        store.ledger.accept(reply(), "{}")
    assert snapshot(redis_client) == before


# Both at once


class Dice:
    """Throws steps at a ledger; two with the same seed throw the same ones."""

    def __init__(self, seed: int, store: Store) -> None:
        self._random = random.Random(seed)
        self._store, self._ledger = store, store.ledger
        self._claims: list[Claim] = []
        self._keys = ["nothing"]

    def throw(self) -> tuple[str, Any]:
        step = self._random.choice([self._tell, self._claim, self._work, self._work, self._person])
        try:
            answer = step()
        except (LeaseLost, NotPossible) as error:
            answer = repr(error)
        except (RuntimeError, redis.ResponseError) as error:
            answer = str(error).split(" script:", maxsplit=1)[0]
        return step.__name__, answer

    def _one(self, *choices: Any) -> Any:
        return self._random.choice(choices)

    def _key(self) -> str:
        return self._random.choice(self._keys)

    def _tell(self) -> object:
        make = self._one(reply, reply, label, unknown, other, signal, without_id)
        lead = self._one("lead-1", "lead-2", "")
        name = self._one("mail-1", "mail-2", "mail-3")
        prefix = "" if make in (reply, label) else make.__name__
        mail = {} if make in (reply, label) else {"mail_id": self._one("", "mail-1")}
        mailbox = self._one("", "me@own.example")
        answer = self._ledger.accept(
            make(f"{prefix}{name}", lead_id=lead, mailbox=mailbox, **mail), "{}"
        )
        self._keys.append(answer.key)
        return answer

    def _claim(self) -> object:
        answer = self._ledger.claim(self._key())
        if isinstance(answer, Claim):
            self._claims.append(answer)
        return answer

    def _work(self) -> object:
        if not self._claims:
            return None
        ledger, claim = self._ledger, self._random.choice(self._claims[-3:])
        until = self._store.clock() + self._one(-1, 0, SECOND, HOUR)
        mail = self._one("mail-1", "mail-2", "mail-3", claim.record.key)
        last = attempt(mail, caps=self._one(NO_CAPS, Caps(), Caps(per_mailbox_hour=1)))
        step: Callable[[], object] = self._one(
            lambda: ledger.sending(claim, last),
            lambda: ledger.sending(claim, last),
            lambda: ledger.doubt(claim, "timeout", look_at=until),
            lambda: ledger.wait(
                claim, "later", until=until, counts=True, draft=DRAFT, thread=CONVERSATION
            ),
            lambda: ledger.wait(claim, "paused", until=until, parked="pause:*"),
            lambda: ledger.wait(claim, "mirror_behind", until=until, parked="mirror"),
            lambda: ledger.close(claim, State.SENT, "posted"),
            lambda: ledger.close(claim, self._one(*State), "why"),
            lambda: ledger.bind(claim, mail),
        )
        return step()

    def _person(self) -> object:
        ledger, key = self._ledger, self._key()
        time = self._one(1, SECOND, LEASE, 11 * MINUTE, 2 * HOUR, DAY, RETENTION)
        step: Callable[[], object] = self._one(
            lambda: self._store.clock.advance(time),
            lambda: self._store.clock.advance(LEASE),
            lambda: ledger.take_due(3),
            lambda: ledger.approve(key, "ann"),
            lambda: ledger.approve(key, "bob", seen=self._one(1, 2, 3), after=self._one(0, HOUR)),
            lambda: ledger.take_back(key, "ann"),
            lambda: ledger.skip(key, "ann"),
            lambda: ledger.retry(key, "ann"),
            lambda: ledger.pause(self._one("*", "camp")),
            lambda: ledger.resume(self._one("*", "camp")),
            lambda: ledger.hold_off(self._one(0, MINUTE, HOUR), "busy"),
            lambda: ledger.quarantine(key, "no_lead", {}),
            lambda: ledger.unpark("mirror"),
            ledger.sweep,
        )
        return step()


@pytest.mark.parametrize("seed", range(15))
def test_the_stand_in_and_the_server_cannot_be_told_apart(
    redis_client: redis.Redis, seed: int
) -> None:
    one, two = memory_store(), redis_store(redis_client)
    left, right = Dice(seed, one), Dice(seed, two)
    for _ in range(80):
        assert left.throw() == right.throw()
        keys = sorted(set(left._keys))
        assert view(one.ledger, *keys) == view(two.ledger, *keys)


# Taking a suppression back


def test_a_suppression_that_is_taken_back_lets_answers_out_again(ledger: Ledger) -> None:
    claim = opened(ledger)
    people = [accounts.person("lead", "lead-1")]
    ledger.suppress(people, "asked to stop")
    assert ledger.sending(claim, attempt()) == "opted_out"
    assert ledger.lift(people) == 1
    assert ledger.lift(people) == 0
    assert ledger.sending(claim, attempt()) is None


def test_the_claim_knows_since_when_a_suppression_is_taken_back(
    ledger: Ledger, clock: HandClock
) -> None:
    ledger.lift([accounts.person("lead", "lead-1")])
    assert opened(ledger).lifted == clock.ms


def test_nobody_gets_an_answer_who_is_suppressed_under_a_name_only_the_history_knows(
    ledger: Ledger,
) -> None:
    claim = opened(ledger)
    ledger.suppress([accounts.person("address", "other@lead.example")], "asked to stop")
    to_other = replace(attempt(), people=[accounts.person("address", "other@lead.example")])
    assert ledger.sending(claim, to_other) == "opted_out"
    assert ledger.sending(claim, attempt()) is None


# What is claimed again and again


def test_an_event_that_is_claimed_again_and_again_without_a_step_is_held(
    ledger: Ledger, clock: HandClock
) -> None:
    opened(ledger)
    for _ in range(accounts.MOST_STUMBLES - 1):
        clock.advance(LEASE)
        assert isinstance(ledger.claim("mail-1"), Claim)
    clock.advance(LEASE)
    assert ledger.claim("mail-1") == NotNow("resting", State.HELD)
    assert (found(ledger).state, found(ledger).reason) == (State.HELD, "stumbled")
    assert ledger.due() == (0, 0)


def test_every_step_forgives_the_claims_before_it(ledger: Ledger, clock: HandClock) -> None:
    opened(ledger)
    for _ in range(2 * accounts.MOST_STUMBLES):
        clock.advance(LEASE)
        claim = ledger.claim("mail-1")
        assert isinstance(claim, Claim)
        ledger.wait(claim, "api_away", until=clock.ms)


# Deliveries


def test_deliveries_are_kept_in_the_order_in_which_they_came(ledger: Ledger) -> None:
    kinds = ["lead_neutral", "reply_received", "auto_reply_received", "lead_interested"]
    for kind in kinds:
        told = ReplyEvent(
            key="mail-1", event_class=EventClass.REPLY, event_types=(kind,), lead_id="lead-1",
            mail_id="mail-1",
        )  # fmt: skip
        ledger.accept(told, json.dumps({"event_type": kind, "pad": "x" * 200}))
    assert list(found(ledger).deliveries) == kinds


def test_the_same_type_again_with_the_words_that_were_missing_is_kept_and_wakes(
    ledger: Ledger, clock: HandClock
) -> None:
    bare = reply(text="")
    ledger.accept(bare, "{}")
    clock.advance(1)
    ledger.accept(replace(bare, text="How much?"), '{"reply_text": "How much?"}')
    assert found(ledger).deliveries["reply_received"] == '{"reply_text": "How much?"}'
    assert ledger.take_due(1) == ["mail-1"]
    ledger.accept(replace(bare, text="Other words"), '{"reply_text": "Other words"}')
    assert found(ledger).deliveries["reply_received"] == '{"reply_text": "How much?"}'


# Looking for events.


def keys(page: Page) -> list[str]:
    return [record.key for record in page.records]


def all_pages(ledger: Ledger, query: Query, most: int) -> list[str]:
    found, after = [], ""
    while True:
        page = ledger.search(query, most, after)
        found += keys(page)
        after = page.following
        if not after:
            return found


@pytest.fixture
def varied(ledger: Ledger, clock: HandClock) -> Ledger:
    """Six events: three campaigns, two leads; four of them are finished one way or another."""
    for number in range(6):
        clock.advance(MINUTE)
        about = {
            "campaign_id": f"camp-{number % 3}",
            "lead_id": f"lead-{number % 2}",
            "lead_email": f"Lead{number % 2}@example.com".casefold(),
        }
        claim = opened(ledger, f"mail-{number}", **about)
        if number < 2:
            assert ledger.sending(claim, attempt(f"mail-{number}")) is None
            ledger.close(claim, State.SENT, "posted")
        elif number < 4:
            ledger.close(claim, State.HELD, "no_rule", template="fallback")
        else:
            ledger.wait(claim, "scheduled", until=clock() + DAY)
    return ledger


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({}, [5, 4, 3, 2, 1, 0]),
        ({"state": State.HELD}, [3, 2]),
        ({"reason": "posted"}, [1, 0]),
        ({"template": "fallback"}, [3, 2]),
        ({"campaign": "camp-1"}, [4, 1]),
        ({"person": accounts.named("LEAD1@example.com")}, [5, 3, 1]),
        ({"person": accounts.named("lead-0")}, [4, 2, 0]),
        ({"person": accounts.named("lead-0"), "state": State.SENT}, [0]),
        ({"campaign": "camp-2", "reason": "no_rule"}, [2]),
        ({"since": START + 2 * MINUTE, "until": START + 4 * MINUTE}, [2, 1]),
        ({"campaign": "camp"}, []),
        ({"reason": "received"}, []),
    ],
)
def test_events_are_found_by_what_is_asked_for(
    varied: Ledger, asked: dict[str, Any], numbers: list[int]
) -> None:
    expected = [f"mail-{number}" for number in numbers]
    assert all_pages(varied, Query(**asked), 100) == expected
    assert all_pages(varied, Query(**asked), 1) == expected


def test_a_page_goes_on_where_the_last_one_ended_whatever_came_since(
    varied: Ledger, clock: HandClock
) -> None:
    first = varied.search(Query(), 2)
    clock.advance(MINUTE)
    opened(varied, "newcomer", lead_id="lead-9")
    assert keys(varied.search(Query(), 2, first.following)) == ["mail-3", "mail-2"]


def test_events_of_one_moment_are_all_found_page_by_page(ledger: Ledger) -> None:
    told = {f"mail-{number}" for number in range(7)}
    for key in told:
        opened(ledger, key, lead_id=key, lead_email="")
    found = all_pages(ledger, Query(campaign="camp"), 3)
    assert sorted(found) == sorted(told)


def test_an_event_moves_from_list_to_list_with_its_reason(ledger: Ledger) -> None:
    claim = opened(ledger)
    ledger.wait(claim, "rate_limited", until=0)
    assert keys(ledger.search(Query(reason="rate_limited"), 9)) == ["mail-1"]
    ledger.close(claimed(ledger), State.SKIPPED, "too_old")
    assert not keys(ledger.search(Query(reason="rate_limited"), 9))
    assert keys(ledger.search(Query(reason="too_old"), 9)) == ["mail-1"]


def test_a_cursor_that_is_none_is_refused(varied: Ledger) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        varied.search(Query(), 1, "nonsense")


def test_what_expired_is_found_no_more(varied: Ledger, clock: HandClock) -> None:
    clock.advance(RETENTION + HOUR)
    varied.sweep()
    assert all_pages(varied, Query(campaign="camp-0"), 9) == ["mail-3"]


def test_a_person_who_wants_to_be_forgotten_leaves_no_event(varied: Ledger) -> None:
    assert varied.forget([accounts.named("lead1@example.com")]) == (3, 0)
    assert all_pages(varied, Query(), 9) == ["mail-4", "mail-2", "mail-0"]
    assert varied.record("mail-5") is None
    assert varied.history("mail-5") == []
    assert varied.counts()[State.HELD] == 1
    assert not all_pages(varied, Query(person=accounts.named("lead-1")), 9)


def test_forgetting_leaves_what_a_request_is_out_for(ledger: Ledger) -> None:
    posting(ledger)
    assert ledger.forget([accounts.named("lead-1")]) == (0, 1)
    assert found(ledger).state is State.SENDING


def test_a_mail_that_was_answered_is_not_answered_again_after_forgetting(
    ledger: Ledger, clock: HandClock
) -> None:
    sent(ledger)
    assert ledger.forget([accounts.named("lead-1")]) == (1, 0)
    clock.advance(MINUTE)
    again = opened(ledger)
    assert ledger.sending(again, attempt()) == "answered_already"


def test_whoever_waits_for_a_forgotten_event_goes_on(ledger: Ledger) -> None:
    opened(ledger, "first", lead_email="other@example.com")
    ledger.accept(reply("second", lead_email=""), "{}")
    assert refused(ledger, "second") == "busy"
    assert ledger.forget([accounts.named("other@example.com")]) == (1, 0)
    assert isinstance(ledger.claim("second"), Claim)


def test_why_the_api_is_left_alone_is_told_for_as_long_as_it_is(
    ledger: Ledger, clock: HandClock
) -> None:
    assert ledger.hold_reason() == ("", "")
    ledger.hold_off(MINUTE, "api_refused", "the API key is wrong")
    assert ledger.hold_reason() == ("api_refused", "the API key is wrong")
    ledger.hold_off(SECOND, "rate_limited")
    assert ledger.hold_reason() == ("api_refused", "the API key is wrong")
    clock.advance(MINUTE)
    assert ledger.hold_reason() == ("", "")

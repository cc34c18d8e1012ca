"""What every ledger promises about what is owed to the provider, in memory and on a real server."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis
from integration.world import LEASE, RETENTION, START, HandClock

from worker.contracts import webhook
from worker.deeds import Deed
from worker.domain import deeds
from worker.domain.model import Caps, Draft
from worker.domain.progress import State
from worker.ledger.accounts import person
from worker.ledger.memory import MemoryLedger
from worker.ledger.redis import RedisLedger
from worker.ports import Attempt, Claim

Store = MemoryLedger | RedisLedger
DRAFT = Draft(template="pricing", subject="Re: hello", body="It depends.")
ATTEMPT = Attempt(draft=DRAFT, mail="mail-1", seen=frozenset(), mailbox="", caps=Caps())


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=["memory", "redis"])
def ledger(request: pytest.FixtureRequest, clock: HandClock) -> Store:
    if request.param == "memory":
        return MemoryLedger(lease=LEASE, retention=RETENTION, now=clock)
    client: redis.Redis = request.getfixturevalue("redis_client")
    return RedisLedger(client, lease=LEASE, retention=RETENTION, now=clock)


def accept(ledger: Store, text: str = "How much?", key: str = "mail-1", **more: Any) -> str:
    payload = {
        "event_type": "reply_received", "email_id": key, "email_account": "sam@ours.example",
        "lead_email": "ann@lead.example", "reply_text": text,
    } | more  # fmt: skip
    return ledger.accept(webhook.parse(payload), json.dumps(payload)).key


def claimed(ledger: Store, key: str = "mail-1") -> Claim:
    claim = ledger.claim(key)
    assert isinstance(claim, Claim)
    return claim


def taken(ledger: Store) -> list[tuple[str, str]]:
    """Take all that is due; return (event, what)."""
    found = iter(ledger.take_deed, None)
    return [(deed.key, deed.name) for deed in found]


def told(ledger: Store, key: str = "mail-1") -> list[str]:
    return [line.reason for line in ledger.history(key)]


def test_an_end_owes_what_goes_with_it_once(ledger: Store) -> None:
    accept(ledger)
    claim = claimed(ledger)
    assert ledger.sending(claim, ATTEMPT) is None
    assert ledger.owed() == 0
    ledger.close(claim, State.SENT, "posted", deeds=("read", "interest:1"))
    assert ledger.owed() == 2
    assert sorted(taken(ledger)) == [("mail-1", "interest:1"), ("mail-1", "read")]


def test_a_wait_owes_what_goes_with_it(ledger: Store) -> None:
    accept(ledger)
    ledger.wait(claimed(ledger), "until_return", until=START + 1, deeds=("interest:0",))
    assert taken(ledger) == [("mail-1", "interest:0")]


def test_an_opt_out_is_owed_with_the_delivery_that_tells_it(ledger: Store) -> None:
    accept(ledger, "Please remove me from your list.")
    assert sorted(taken(ledger)) == sorted(("mail-1", name) for name in deeds.OPT_OUT)


def test_who_presses_unsubscribe_is_owed_an_opt_out_and_who_bounces_is_not(ledger: Store) -> None:
    gone = accept(ledger, event_type="email_bounced", email_id="")
    assert taken(ledger) == []
    left = accept(ledger, event_type="lead_unsubscribed", email_id="")
    assert {key for key, _ in taken(ledger)} == {left} != {gone}


def test_an_opt_out_that_a_label_tells_of_later_is_owed(ledger: Store) -> None:
    accept(ledger, "")
    accept(ledger, "Please remove me from your list.", event_type="lead_not_interested")
    assert len(taken(ledger)) == len(deeds.OPT_OUT)


def test_an_opt_out_that_was_taken_back_is_not_owed_again(ledger: Store, clock: HandClock) -> None:
    ledger.lift([person("address", "ann@lead.example")])
    past = clock.moment.timestamp() - 60
    accept(ledger, "Please remove me from your list.", timestamp=past)
    assert taken(ledger) == []


def test_what_is_owed_or_was_done_is_not_owed_again(ledger: Store) -> None:
    accept(ledger, "Please remove me from your list.")
    for deed in list(iter(ledger.take_deed, None)):
        ledger.end_deed(deed, "done", "write-back: done")
    ledger.close(claimed(ledger), State.SKIPPED, "opted_out", deeds=deeds.OPT_OUT)
    assert ledger.owed() == 0


def test_suppressing_by_hand_owes_nothing(ledger: Store) -> None:
    ledger.suppress(["lead:x"], "by hand")
    assert ledger.owed() == 0


def test_a_deed_that_was_taken_and_not_ended_comes_back_after_the_lease(
    ledger: Store, clock: HandClock
) -> None:
    accept(ledger)
    ledger.close(claimed(ledger), State.SKIPPED, "by_rule", deeds=("interest:1",))
    assert ledger.take_deed() == Deed(key="mail-1", name="interest:1")
    assert ledger.take_deed() is None
    clock.now += LEASE
    assert ledger.take_deed() == Deed(key="mail-1", name="interest:1")


def test_tries_are_counted_where_they_count(ledger: Store, clock: HandClock) -> None:
    accept(ledger)
    ledger.close(claimed(ledger), State.SKIPPED, "by_rule", deeds=("interest:1",))
    for counts, tries in ((True, 0), (False, 1), (True, 1), (True, 2)):
        deed = ledger.take_deed()
        assert deed == Deed(key="mail-1", name="interest:1", tries=tries)
        ledger.put_off_deed(deed, 1000, counts=counts)
        assert ledger.take_deed() is None
        clock.now += 1000


@pytest.mark.parametrize("outcome", ["done", "failed"])
def test_what_became_of_it_is_told_and_the_event_stays_as_it_is(
    ledger: Store, outcome: Any
) -> None:
    accept(ledger)
    ledger.close(claimed(ledger), State.SKIPPED, "by_rule", deeds=("interest:1",))
    before = ledger.record("mail-1")
    deed = ledger.take_deed()
    assert deed
    ledger.end_deed(deed, outcome, f"write-back: {outcome}")
    ledger.end_deed(deed, outcome, f"write-back: {outcome}")
    assert told(ledger)[-2:] == ["by_rule", f"write-back: {outcome}"]
    assert ledger.record("mail-1") == before
    assert ledger.outcomes()["write_back", f"interest_{outcome}"] == 1
    assert ledger.owed() == 0


def test_what_is_left_out_is_neither_told_nor_counted(ledger: Store) -> None:
    accept(ledger)
    ledger.close(claimed(ledger), State.SKIPPED, "by_rule", deeds=("interest:1",))
    deed = ledger.take_deed()
    assert deed
    ledger.end_deed(deed, "left_out")
    assert told(ledger)[-1] == "by_rule"
    assert not [what for what, _ in ledger.outcomes() if what == "write_back"]
    assert ledger.owed() == 0


Late = Callable[[Store, Deed], None]


@pytest.mark.parametrize(
    "late",
    [
        lambda ledger, deed: ledger.end_deed(deed, "done", "write-back: done"),
        lambda ledger, deed: ledger.put_off_deed(deed, 1000),
    ],
)
def test_the_deed_of_an_event_that_was_forgotten_leaves_nothing_behind(
    ledger: Store, late: Late
) -> None:
    accept(ledger, "Please remove me from your list.")
    found = list(iter(ledger.take_deed, None))
    ledger.forget([person("address", "ann@lead.example")])
    for deed in found:
        late(ledger, deed)
    assert ledger.record("mail-1") is None
    assert ledger.history("mail-1") == []


def test_a_deed_of_a_key_with_odd_characters_finds_its_event(ledger: Store) -> None:
    odd = "a|b:{c}%d"
    accept(ledger, key=odd)
    ledger.close(claimed(ledger, odd), State.SKIPPED, "by_rule", deeds=("interest:-2",))
    assert taken(ledger) == [(odd, "interest:-2")]

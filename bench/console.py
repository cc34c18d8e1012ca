"""How long the console's pages and `/metrics` take with many events: medians, server time.

    python -m bench.console [EVENTS]

Fills a server of its own with events in the shares that a year of replies has, then asks each
page through the WSGI app, without the network in between.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from flask.testing import FlaskClient

from bench import sample
from bench.showing import PASSWORD, a_server, make_app
from worker.contracts import webhook
from worker.domain.model import Caps, Direction, Draft, Message, TraceLine
from worker.domain.progress import State
from worker.ledger.redis import RedisLedger, connect
from worker.ports import Attempt, Claim

_EVENTS: Final = 100_000
_ROUNDS: Final = 40
_OVER_MS: Final = 80 * 86_400_000
_SHARES: Final = {"sent": 62, "skipped": 33, "held": 2, "failed": 1, "waiting": 1, "doubt": 1}
_TEMPLATES: Final = ("pricing", "meeting", "interested", "more_information", "not_now")
_REASONS: Final = ("automatic_reply", "opted_out", "answered_already", "by_rule", "too_old")
_TEXT: Final = "Hello Sam,\n\n" + "this is what a reply of ordinary length looks like. " * 12
_DRAFT: Final = "Hi there,\n\n" + "this is what an answer of ordinary length looks like. " * 8
_NO_CAPS: Final = Caps(per_thread=None, per_template=None, per_lead_day=None)
_TRACE: Final = tuple(
    TraceLine(step="guard", name=f"guard_{number}", outcome="passed") for number in range(17)
)
_THREAD: Final = tuple(
    Message(id=f"m-{number}", direction=Direction.INBOUND, sender="ann@lead.example", text=_TEXT)
    for number in range(3)
)
PAGES: Final = {
    "events": "/events",
    "events, a page in the middle": "",
    "events of one lead": "/events?lead=lead-77@customer-77.example",
    "events by state and reason": "/events?state=skipped&reason=too_old",
    "events by campaign and template": "/events?campaign=campaign-3&template=pricing",
    "events of a day": "/events?day=2026-10-20",
    "today": "/",
    "inbox": "/inbox",
    "templates": "/templates",
    "doubts": "/trouble",
    "one event": "/event?key=mail-500",
    "metrics": "/metrics",
}


def main() -> int:
    """Fill, ask, print; 1 where a page is over its limit."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else _EVENTS
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = stack.enter_context(a_server(Path(folder)))
        client = stack.enter_context(closing(connect(url, timeout=30)))
        stage = sample.Stage(now=sample.NOW - _OVER_MS)
        ledger = RedisLedger(client, lease=60_000, retention=90 * 86_400_000, now=stage)
        began = time.perf_counter()
        _fill(ledger, stage, events)
        took = time.perf_counter() - began
        memory = client.info("memory")["used_memory"] / 2**20
        print(f"{events} events in {took:.0f} s, {memory:.0f} MiB in the server")
        return _measure(make_app(client, ledger).test_client(), ledger)


def _fill(ledger: RedisLedger, stage: sample.Stage, events: int) -> None:
    dice = random.Random(1)
    kinds = dice.choices(list(_SHARES), list(_SHARES.values()), k=events)
    for number, kind in enumerate(kinds):
        stage.now += _OVER_MS // events
        key = _accept(ledger, number, dice)
        claim = ledger.claim(key)
        if isinstance(claim, Claim):
            _end(ledger, claim, kind, dice)


def _accept(ledger: RedisLedger, number: int, dice: random.Random) -> str:
    payload = {
        "event_type": "reply_received", "email_id": f"mail-{number}", "lead_id": f"lead-{number}",
        "lead_email": f"lead-{number % 40_000}@customer-{number % 40_000}.example",
        "campaign_id": f"campaign-{dice.randrange(12)}", "email_account": "sam@ours.example",
        "reply_subject": "Re: A thought", "reply_text": f"{_TEXT} {number}", "firstName": "Ann",
    }  # fmt: skip
    return ledger.accept(webhook.parse(payload), json.dumps(payload)).key


def _end(ledger: RedisLedger, claim: Claim, kind: str, dice: random.Random) -> None:
    draft = Draft(template=dice.choice(_TEMPLATES), subject="Re: A thought", body=_DRAFT)
    match kind:
        case "held":
            ledger.close(claim, State.HELD, "needs_approval", draft=draft, trace=_TRACE,
                         thread=_THREAD)  # fmt: skip
        case "waiting":
            ledger.wait(claim, "scheduled", until=sample.NOW + 3_600_000, draft=draft,
                        trace=_TRACE, thread=_THREAD)  # fmt: skip
        case "skipped":
            ledger.close(claim, State.SKIPPED, dice.choice(_REASONS), trace=_TRACE)
        case _:
            mail = claim.record.key
            attempt = Attempt(draft=draft, mail=mail, seen=frozenset(), mailbox="sam@ours.example",
                              caps=_NO_CAPS, trace=_TRACE)  # fmt: skip
            ledger.sending(claim, attempt)
            if kind == "doubt":
                ledger.doubt(claim, "no_answer", look_at=sample.NOW + 60_000)
            else:
                ledger.close(claim, State(kind), "posted" if kind == "sent" else "not_found")


def _measure(client: FlaskClient, ledger: RedisLedger) -> int:
    token = client.get("/login").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    client.post("/login", data={"password": PASSWORD, "csrf_token": token})
    middle = sample.NOW - _OVER_MS // 2
    pages = PAGES | {"events, a page in the middle": f"/events?after={middle}-mail"}
    limits = {"events": 150.0, "metrics": 50.0}
    over = 0
    print(f"{len(ledger.records(None, 10))} newest are there; {_ROUNDS} rounds each")
    for name, path in pages.items():
        times = [_timed(lambda path=path: client.get(path)) for _ in range(_ROUNDS)]
        middle_ms, p95 = median(times), quantiles(times, n=20)[-1]
        late = middle_ms > limits.get(name, float("inf"))
        over += late
        print(f"  {name:34} {middle_ms:7.1f} ms   p95 {p95:7.1f} ms{'  TOO SLOW' if late else ''}")
    return 1 if over else 0


def _timed(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    answer = ask()
    taken = (time.perf_counter() - began) * 1000
    if answer.status_code != 200:  # type: ignore[attr-defined]  # noqa: PLR2004
        msg = f"unexpected answer: {answer}"
        raise RuntimeError(msg)
    return taken


if __name__ == "__main__":
    sys.exit(main())

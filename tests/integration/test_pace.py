"""The client and the pace: when a call asks for its turn, and what a 429 does to the others."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import pytest
from integration.serving import running

from web.sandbox import Sandbox, create_app
from worker.domain.errors import GiveUp, Paced, TryLater
from worker.domain.rates import parse_rates
from worker.http import ApiClient, Effect
from worker.ledger.slots import MemorySlots
from worker.limiter import Limiter
from worker.pace import Kind

START = 1_790_000_000.0
DRAFT = {"lead_id": "lead-1", "body": "Hello", "subject": "Re: hello"}


@dataclass
class Notes:
    """A pace that writes down what it is asked; `late` raises."""

    asked: list[str] = field(default_factory=list)
    late: bool = False

    def acquire(self, kind: Kind) -> None:
        self.asked.append(kind)
        if self.late:
            raise Paced("busy", 7.0)

    def hold(self, kind: Kind, seconds: float) -> None:
        self.asked.append(f"hold {kind} {seconds:g}")


class Client(ApiClient):
    """Remembers what it opens, so that the end of a test closes it."""

    opened: list[httpx.Client]

    def _client(self, effect: Effect) -> httpx.Client:
        client = super()._client(effect)
        self.opened.append(client)
        return client


@dataclass
class Api:
    client: Client
    notes: Notes
    sandbox: httpx.Client

    def fault(self, **fault: object) -> None:
        self.sandbox.post("/sandbox/faults", json=fault).raise_for_status()

    def calls(self) -> dict[str, int]:
        counted: dict[str, int] = self.sandbox.get("/sandbox/requests").json()
        return counted

    def reply(self, at_the_door: object = None) -> None:
        self.client.post("/v2/emails/reply", DRAFT, at_the_door or (lambda: None))  # type: ignore[arg-type]


@pytest.fixture
def url() -> Iterator[str]:
    with running(create_app()) as address:
        yield address


@pytest.fixture
def api(url: str) -> Iterator[Api]:
    notes = Notes()
    client = Client(url, "k3y", deadline=10.0, pace=notes)
    client.opened = []
    with httpx.Client(base_url=url, trust_env=False) as sandbox:
        yield Api(client, notes, sandbox)
    for opened in client.opened:
        opened.close()


def test_every_call_asks_for_its_turn_by_what_it_is(api: Api) -> None:
    api.client.get("/v2/emails", {"limit": "1"})
    api.client.get("/v2/emails", {"search": "thread:none"})
    with pytest.raises(GiveUp):
        api.client.get("/v2/emails", {"starting_after": "nowhere"})
    api.client.get("/v2/leads/lead-1/emails")
    api.client.ask("/v2/leads/list", {})
    api.reply()
    assert api.notes.asked == ["list", "look", "page", "other", "other", "reply"]


def test_an_answers_turn_comes_before_the_last_check_and_nothing_between_that_and_it(
    api: Api,
) -> None:
    api.reply(lambda: api.notes.asked.append("door"))
    assert api.notes.asked == ["reply", "door"]


def test_a_call_whose_turn_is_far_away_does_not_leave(api: Api) -> None:
    api.notes.late = True
    for call in (api.reply, lambda: api.client.get("/v2/emails")):
        with pytest.raises(TryLater) as caught:
            call()
        assert (caught.value.wait, caught.value.everyone) == (7.0, False)
    assert api.calls() == {}


def test_a_refused_answer_slows_everybody(api: Api) -> None:
    api.fault(on="reply", kind="status", status=429, retry_after=9)
    with pytest.raises(TryLater) as caught:
        api.reply()
    assert (caught.value.reason, caught.value.wait) == ("rate_limited", 9.0)
    assert caught.value.everyone
    assert api.notes.asked == ["reply", "hold reply 9"]


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("list", {}),
        ("look", {"lead": "ana@northwind.example"}),
        ("page", {"lead": "ana@northwind.example", "starting_after": ""}),
    ],
)
def test_a_refused_list_slows_lists_alone(api: Api, kind: str, asked: dict[str, str]) -> None:
    api.fault(on="thread", kind="status", status=429, retry_after=9)
    with pytest.raises(TryLater) as caught:
        api.client.get("/v2/emails", asked)
    assert not caught.value.everyone
    assert api.notes.asked == [kind, f"hold {kind} 9"]


def test_no_other_answer_slows_anybody(api: Api) -> None:
    api.fault(on="thread", kind="status", status=503)
    with pytest.raises(TryLater):
        api.client.get("/v2/leads/lead-1/emails")
    assert api.notes.asked == ["other"]


def test_the_providers_published_limits_refuse_no_call_and_nearly_all_lists_are_used() -> None:
    """Time is a number here, on both sides: who would sleep moves it on."""
    now = [START]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    limiter = Limiter(
        MemorySlots(now=lambda: 1000 * now[0]),
        parse_rates("100/s,6000/m"),
        lease=60.0,
        sleep=sleep,
        clock=lambda: now[0],
    )
    app = create_app(Sandbox(clock=lambda: datetime.fromtimestamp(now[0], UTC)))
    with running(app) as url, httpx.Client(base_url=url, trust_env=False) as sandbox:
        sandbox.put("/sandbox/limits", json={}).raise_for_status()
        client = Client(url, "k3y", deadline=10.0, pace=limiter)
        client.opened = []
        while now[0] < START + 300:
            client.get("/v2/leads/lead-1/emails")
            try:
                client.get("/v2/emails")
            except Paced as error:
                sleep(error.wait or 0.0)
        calls = sandbox.get("/sandbox/requests").json()
    for opened in client.opened:
        opened.close()
    assert not [call for call in calls if call.endswith("429")]
    assert calls["GET /v2/emails 200"] >= 0.98 * 100

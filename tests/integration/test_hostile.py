"""Hostile input: never a 500, never a hang, never a genuine event that is lost."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from integration.world import LEASE, RETENTION, FakeApi, HandClock, World
from werkzeug.test import TestResponse

from web.app import create_app
from web.receiver import MOST_BYTES, Desk, Receiver
from web.spool import Spool
from worker.contracts import webhook
from worker.contracts.history import items_of, read_thread
from worker.contracts.lenient import json_value
from worker.domain.errors import MalformedEvent, TryLater
from worker.domain.model import Direction, Message, ReplyEvent
from worker.domain.progress import State
from worker.domain.rules import build
from worker.ledger.memory import MemoryLedger
from worker.ledger.redis import RedisLedger
from worker.ports import Ledger

HOOK = "/webhooks/instantly"
SECRET = "s3cret"
KEY = {"X-Webhook-Secret": SECRET}
SOON = 5.0
TAKEN = {"queued", "ignored", "duplicate", "quarantined"}
REPLY = {"event_type": "reply_received", "lead_id": "lead-1", "reply_text": "How much is it?"}
FIELDS = (
    "event_type", "timestamp", "workspace", "campaign_id", "campaign_name", "lead_id",
    "lead_email", "email_account", "email_id", "reply_subject", "reply_text", "reply_html",
    "reply_text_snippet", "is_auto_reply", "firstName", "step", "email",
)  # fmt: skip
DEEP: Any = json.loads("[" * 90 + "]" * 90)
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**150, 1e308, -1e308, "", " ", "\0", "a\0b", "\ud800", "x\udfff",
    "\r\n\r\n", "{{ 7*7 }}", "<" * 5000, "@" * 5000, "1" * 300, "9" * 5000,
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "\u202e", "٣", [], {}, [None], {"a": {"b": []}}, ["\ud800"], DEEP,
)  # fmt: skip

texts = st.text(st.characters(), max_size=40) | st.sampled_from(
    [o for o in ODD if isinstance(o, str)]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
types = st.sampled_from(sorted(webhook.CLASSES)) | texts
payloads = st.fixed_dictionaries(
    {}, optional={**dict.fromkeys(FIELDS, values), "event_type": types, "extra\ud800": values}
)
few = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def client_of(ledger: Ledger, folder: Path) -> FlaskClient:
    spool = Spool(folder / "spool")
    receiving = Receiver(
        desks=[Desk(ledger=ledger, secrets=[SECRET])], publish=lambda _: None, spool=spool
    )
    app = create_app(
        ledgers={"": ledger},
        spool=spool,
        receiving=receiving,
        ping_broker=lambda: None,
        queued=lambda: 0,
    )
    return app.test_client()


@pytest.fixture(params=["memory", "redis"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "memory":
        return MemoryLedger(lease=LEASE, retention=RETENTION)
    client: redis.Redis = request.getfixturevalue("redis_client")
    return RedisLedger(client, lease=LEASE, retention=RETENTION)


@pytest.fixture
def client(ledger: Ledger, tmp_path: Path) -> FlaskClient:
    return client_of(ledger, tmp_path)


def timed(call: Callable[[], Any]) -> Any:
    began = time.monotonic()
    result = call()
    assert time.monotonic() - began < SOON
    return result


def post(client: FlaskClient, body: bytes, **headers: str) -> TestResponse:
    named = KEY | {name.replace("_", "-"): value for name, value in headers.items()}
    response: TestResponse = timed(
        lambda: client.post(HOOK, data=body, content_type="application/json", headers=named)
    )
    assert response.status_code < 500
    return response


def taken(ledger: Ledger, response: TestResponse) -> str:
    """Check that a genuine delivery is in the ledger, whole; return its status."""
    told = response.get_json()
    assert response.status_code in (200, 202), told
    assert told["status"] in TAKEN
    record = ledger.record(told["key"])
    assert record is not None
    if told["status"] in ("queued", "duplicate"):
        webhook.merge(record.key, record.deliveries.values())
    if told["status"] == "quarantined":
        retried(record.deliveries)
    return str(told["status"])


def retried(deliveries: Mapping[str, str]) -> None:
    """Do what a retry does: it reads, or says in words why it still cannot."""
    headers = json.loads(deliveries["headers"])
    with suppress(MalformedEvent):
        webhook.parse(json_value(deliveries["body"]), headers.get("webhook-id", ""))


# The receiver


@few
@given(
    payload=payloads | values,
    name=st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=300),
)
def test_any_json_is_taken(
    payload: Any, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ledger = MemoryLedger(lease=LEASE, retention=RETENTION)
    client = client_of(ledger, tmp_path_factory.getbasetemp())
    body = json.dumps(payload).replace("NaN", "0").replace("Infinity", "1e999").encode()
    status = taken(ledger, post(client, body, webhook_id=name))
    again = taken(ledger, post(client, body, webhook_id=name))
    assert again == {"quarantined": status, "ignored": again}.get(status, "duplicate")


@settings(few, max_examples=300)
@given(body=st.binary(max_size=200) | texts.map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_any_bytes_get_an_answer(body: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    ledger = MemoryLedger(lease=LEASE, retention=RETENTION)
    response = post(client_of(ledger, tmp_path_factory.getbasetemp()), body)
    assert response.status_code == 400 or taken(ledger, response)


def test_every_field_may_hold_anything(ledger: Ledger, client: FlaskClient) -> None:
    for field in FIELDS:
        for value in ODD:
            payload = REPLY | {"lead_email": "ann@lead.example", field: value}
            taken(ledger, post(client, json.dumps(payload).encode()))


@pytest.mark.parametrize(
    "body",
    [
        b'{"event_type":"reply_received","lead_id":"a","reply_text":"caf\xe9"}',
        b'{"event_type":"reply_received","lead_id":"a","reply_text":"\xed\xa0\x80"}',
        b'{"event_type":"reply_received","lead_id":"a","reply_text":"\\ud800\\u0000 yes"}',
        b'{"event_type":"reply_received","lead_id":"\\ud800a","email_id":"\\udfff"}',
        b'{"event_type":"reply_received","lead_id":"a","n":' + b"1" * 5000 + b"}",
        b'{"event_type":"reply_received","lead_id":"a","n":1e999,"timestamp":-1e999}',
        b'{"event_type":"x","event_type":"reply_received","lead_id":"","lead_id":"a"}',
        b'\xef\xbb\xbf{"event_type":"reply_received","lead_id":"a"}',
        json.dumps(REPLY).encode("utf-16"),
        json.dumps(REPLY | {"x": DEEP}).encode(),
        json.dumps(REPLY | {"reply_html": "<div>" * 100_000}).encode(),
        json.dumps(REPLY | {"reply_text": "> " * 400_000}).encode(),
        json.dumps(REPLY | {f"f{n}": n for n in range(40_000)}).encode(),
    ],
    ids=lambda body: repr(body[:60]),
)
def test_a_genuine_reply_with_something_odd_is_queued(
    ledger: Ledger, client: FlaskClient, body: bytes
) -> None:
    assert taken(ledger, post(client, body)) == "queued"
    assert taken(ledger, post(client, body)) == "duplicate"


@pytest.mark.parametrize("value", [[], "x", 5, {}, {"event_type": "reply_received"}, "digits"])
def test_what_cannot_be_used_is_kept(ledger: Ledger, client: FlaskClient, value: Any) -> None:
    body = b"1" * 6000 if value == "digits" else json.dumps(value).encode()
    assert taken(ledger, post(client, body)) == "quarantined"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b" " * (MOST_BYTES + 1), 413), (b"[" * 900_000, 400), (b'{"a":' * 150_000, 400), (b"{", 400)],
)
def test_what_is_refused_is_refused_at_once(client: FlaskClient, body: bytes, status: int) -> None:
    assert post(client, body).status_code == status


@pytest.mark.parametrize(
    "name",
    [
        "webhook-id",
        "User-Agent",
        "Content-Type",
        "Authorization",
        "X-Forwarded-For",
        "Content-Length",
        "Content-Encoding",
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        "",
        "\x7f\xff",
        "a" * 20_000,
        "-1",
        "{{ 7*7 }}",
        "Bearer",
        "application/json; charset=nonsense",
    ],
)
def test_no_header_brings_it_down(client: FlaskClient, name: str, value: str) -> None:
    response = timed(lambda: client.post(HOOK, data=json.dumps(REPLY), headers=KEY | {name: value}))
    assert response.status_code in (200, 202, 400, 401, 413, 415)


def test_a_signed_delivery_that_is_replayed_is_a_duplicate(
    ledger: Ledger, client: FlaskClient
) -> None:
    body, stamp = json.dumps(REPLY).encode(), str(int(time.time()))

    def send(name: str, body: bytes, stamp: str = stamp) -> TestResponse:
        headers = {
            "webhook-id": name,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{mark}",
        }
        return client.post(HOOK, data=body, content_type="application/json", headers=headers)

    signed = hmac.digest(SECRET.encode(), f"msg_1.{stamp}.".encode() + body, hashlib.sha256)
    mark = base64.b64encode(signed).decode()
    assert taken(ledger, send("msg_1", body)) == "queued"
    assert [taken(ledger, send("msg_1", body)) for _ in range(3)] == ["duplicate"] * 3
    assert send("msg_2", body).status_code == 401
    assert send("msg_1", body + b" ").status_code == 401
    assert send("msg_1", body, str(int(stamp) + 1)).status_code == 401
    assert len(ledger.records(None, 10)) == 1


# The history

EVENT = webhook.parse(REPLY | {"lead_email": "ann@lead.example"})


@few
@given(
    answer=st.lists(
        st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "body",
                    "text",
                    "html",
                    "subject",
                    "direction",
                    "ue_type",
                    "from",
                    "timestamp",
                    "eaccount",
                ]
            )
            | texts,
            values,
            max_size=8,
        ),
        max_size=5,
    )
    | values
)
def test_any_history_is_read_or_waited_for(answer: Any) -> None:
    read_or_not(answer, EVENT)


def read_or_not(answer: Any, event: ReplyEvent) -> None:
    with suppress(TryLater):
        thread = timed(lambda: read_thread(items_of(answer), event))
        json.dumps([m.text + m.id + m.sender + m.subject for m in thread.messages]).encode()


@pytest.mark.parametrize(
    ("field", "piece"),
    [
        *((field, "x") for field in ("id", "subject", "from", "timestamp", "direction")),
        *(("text", piece) for piece in ("é", "> a\n", "\0", "\ud800")),
        *(("body", piece) for piece in ("<p>", "<a ", "\ud83d\ude00")),
        ("html", "<div>"), ("from", "<@"),
    ],
)  # fmt: skip
def test_ten_megabytes_in_one_field_of_a_history_are_read_in_time(field: str, piece: str) -> None:
    huge = piece * (10_000_000 // len(piece))
    read_or_not([{field: huge}, {"id": "ok", "text": "Hello"}], EVENT)


# What templates make of it

GREETS = """---
when: reply is mentioning("how much")
subject: "Re: {{ thread.subject }} {{ lead.first_name }}"
---
Hi {{ lead.first_name }} of {{ lead.company }}: {{ reply.text }}
"""


def answered(name: str, subject: str, text: str) -> tuple[str, str]:
    clock = HandClock()
    world = World(MemoryLedger(lease=LEASE, retention=RETENTION, now=clock), clock, FakeApi(clock))
    world.templates = build({"greets.j2": GREETS})
    world.api.threads["lead-1"] = [
        Message(id="m1", direction=Direction.INBOUND, subject=subject, text=text)
    ]
    key = world.deliver(email_id="m1", reply_text=text, firstName=name, companyName=name)
    world.run()
    assert world.state(key)[0] is State.SENT
    ((_, draft),) = world.api.sent
    return draft.subject, draft.body


@pytest.mark.parametrize(
    "jinja",
    [
        "{{ 7*7 }}",
        "{% for x in range(9) %}",
        "{# gone #}",
        "{{ vars }}",
        "{{ ''.__class__ }}",
        "<b>Ann</b>",
    ],
)
def test_text_from_outside_stays_text(jinja: str) -> None:
    subject, body = answered(jinja, f"About {jinja}", f"How much? {jinja}")
    assert subject == f"Re: About {jinja} {jinja}"
    assert body == f"Hi {jinja} of {jinja}: How much? {jinja}"


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\u2028", "\x0b", "\x85", "\0\r\n"])
def test_no_name_or_subject_breaks_the_subject_line(end: str) -> None:
    subject, _ = answered(
        f"Ann{end}Bcc: x@evil.example", f"Hi{end}Bcc: y@evil.example", "How much?"
    )
    assert subject.replace("AnnBcc", "Ann Bcc").replace("HiBcc", "Hi Bcc") == (
        "Re: Hi Bcc: y@evil.example Ann Bcc: x@evil.example"
    )
    assert len(subject.splitlines()) == 1


def test_a_template_whose_name_would_confuse_the_counting_is_refused() -> None:
    built = build({"a|b.j2": GREETS, "good.j2": GREETS})
    assert [rule.name for rule in built.rules] == ["good"]
    assert [str(problem) for problem in built.problems] == [
        "a|b.j2:1: no | in a template's name: rename it"
    ]

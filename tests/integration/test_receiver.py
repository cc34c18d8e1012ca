"""The receiver's app, over the ledger in memory: every status, every error, every page."""

import base64
import io
import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from standardwebhooks import Webhook
from werkzeug.test import TestResponse

from web import health, receiver
from web.app import create_app
from web.publisher import Publisher
from web.spool import Spool
from worker.domain.errors import LedgerAway
from worker.domain.progress import State
from worker.ledger.memory import MemoryLedger
from worker.ledger.redis import RedisLedger

SECRET = "s3cret"
SIGNING = "whsec_" + base64.b64encode(b"twenty-four bytes of key").decode()
HOOK = "/webhooks/instantly"
SMALLEST = {"event_type": "reply_received", "lead_id": "abc123", "reply_text": "How much is it?"}
KEY = {"X-Webhook-Secret": SECRET}
MOST = receiver.MOST_BYTES


class Parts:
    """What the app is made of, for tests to look into and to break."""

    def __init__(self) -> None:
        self.ledger: MemoryLedger | RedisLedger = MemoryLedger(lease=60_000, retention=86_400_000)
        self.spool = Spool(Path(os.devnull) / "spool")  # where nothing can be written
        self.queue: list[str] = []
        self.broker_problem = ""

    def ping_broker(self) -> None:
        if self.broker_problem:
            raise OSError(self.broker_problem)

    def app(self) -> Flask:
        receiving = receiver.Receiver(
            desks=[receiver.Desk(ledger=self.ledger, secrets=[SECRET, "second", SIGNING])],
            publish=self.queue.append,
            spool=self.spool,
        )
        return create_app(
            ledgers={"": self.ledger},
            spool=self.spool,
            receiving=receiving,
            ping_broker=self.ping_broker,
            queued=lambda: len(self.queue),
        )

    def lose_the_ledger(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(*_: object, **__: object) -> NoReturn:
            msg = "the ledger does not answer: refused"
            raise LedgerAway(msg)

        for name in ("accept", "quarantine", "outcomes", "counts", "due", "workers", "ping"):
            monkeypatch.setattr(self.ledger, name, away)


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
def client(parts: Parts) -> FlaskClient:
    return parts.app().test_client()


class Unread(io.RawIOBase):
    """A body that nobody may read."""

    def readable(self) -> bool:
        return True

    def readinto(self, _: object) -> NoReturn:
        raise AssertionError("the body was read")


class Long(io.RawIOBase):
    """A body of blanks that counts what was read of it."""

    def __init__(self, length: int) -> None:
        self.left = length
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), self.left)
        buffer[:size] = b" " * size
        self.left -= size
        self.taken += size
        return size


def post(client: FlaskClient, payload: object = SMALLEST, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = json.dumps(payload)
    return client.post(HOOK, data=body, content_type="application/json", headers=KEY | named)


def post_stream(
    client: FlaskClient, body: io.BufferedIOBase, length: object, headers: dict[str, str]
) -> TestResponse:
    """Post a body that only the receiver reads; without a length it comes in chunks."""
    chunked = {} if length is not None else {"Transfer-Encoding": "chunked"}
    return client.open(
        HOOK,
        method="POST",
        content_type="application/json",
        headers=headers | chunked,
        environ_overrides={
            "wsgi.input": body, "CONTENT_LENGTH": "" if length is None else str(length),
        },
    )  # fmt: skip


def post_raw(
    client: FlaskClient, body: bytes, kind: str | None = "application/json"
) -> TestResponse:
    return client.post(HOOK, data=body, content_type=kind, headers=KEY)


def said(response: TestResponse) -> Any:
    assert response.mimetype == "application/json"
    return response.get_json()


def error(response: TestResponse) -> tuple[int, str]:
    body = said(response)
    assert set(body) == {"error", "message"}
    assert body["message"]
    return response.status_code, body["error"]


def signed(body: bytes, secret: str = SIGNING, at: datetime | None = None) -> dict[str, str]:
    now = at or datetime.now(UTC)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", now, body.decode()),
        "Content-Type": "application/json",
    }


# What is taken


def test_a_genuine_reply_is_recorded_queued_and_answered(parts: Parts, client: FlaskClient) -> None:
    response = post(client)
    key = said(response)["key"]
    assert (response.status_code, said(response)) == (202, {"key": key, "status": "queued"})
    assert parts.queue == [key]
    record = parts.ledger.record(key)
    assert record
    assert (record.state, record.lead_id) == (State.RECEIVED, "abc123")
    assert [json.loads(body) for body in record.deliveries.values()] == [SMALLEST]


def test_the_same_delivery_again_is_a_duplicate_of_the_first(
    parts: Parts, client: FlaskClient
) -> None:
    first, again = post(client), post(client)
    assert (again.status_code, said(again)) == (
        200, {"key": said(first)["key"], "status": "duplicate"},
    )  # fmt: skip
    assert len(parts.queue) == 1


def test_a_label_of_a_known_mail_is_told_the_first_ones_key(client: FlaskClient) -> None:
    mail = SMALLEST | {"email_id": "mail-1"}
    assert said(post(client, mail)) == {"key": "mail-1", "status": "queued"}
    label = {"event_type": "lead_interested", "lead_id": "abc123", "email_id": "mail-1"}
    assert said(post(client, label)) == {"key": "mail-1", "status": "duplicate"}


def test_the_deliverys_id_is_the_key_without_a_mail_id(client: FlaskClient) -> None:
    assert said(post(client, webhook_id=" msg_1 "))["key"] == "msg_1"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"event_type": "email_opened", "lead_email": "ann@lead.example"}, "not_a_reply"),
        ({"event_type": "something_new", "lead_id": "abc123"}, "unknown_event_type"),
        ({"event_type": "lead_unsubscribed", "lead_id": "abc123"}, "lead_unsubscribed"),
        ({"event_type": "lead_interested", "lead_id": "abc123"}, "label_without_mail"),
    ],
)
def test_what_opens_nothing_is_recorded_as_ignored(
    parts: Parts, client: FlaskClient, payload: dict[str, str], reason: str
) -> None:
    response = post(client, payload)
    body = said(response)
    assert (response.status_code, body["status"], body["reason"]) == (202, "ignored", reason)
    assert parts.queue == []
    assert parts.ledger.record(body["key"])


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"lead_id": "abc123"}, "no_event_type"),
        ({"event_type": "reply_received"}, "no_identity"),
        ([SMALLEST], "not_an_object"),
        ("hello", "not_an_object"),
        (None, "not_an_object"),
    ],
)
def test_genuine_json_that_cannot_be_used_is_kept_in_quarantine(
    parts: Parts, client: FlaskClient, payload: object, reason: str
) -> None:
    response = post(client, payload, webhook_id="msg_1")
    body = said(response)
    assert (response.status_code, body["status"], body["reason"]) == (202, "quarantined", reason)
    assert body["message"]
    record = parts.ledger.record(body["key"])
    assert record
    assert record.state is State.QUARANTINED
    assert json.loads(record.deliveries["body"]) == payload
    assert json.loads(record.deliveries["headers"])["webhook-id"] == "msg_1"
    assert SECRET not in record.deliveries["headers"]
    assert parts.queue == []


@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON",
     "application/cloudevents+json", None, ""],
)  # fmt: skip
def test_json_is_taken_under_its_usual_names(client: FlaskClient, kind: str | None) -> None:
    assert post_raw(client, json.dumps(SMALLEST).encode(), kind).status_code == 202


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_is_taken_in_the_encodings_it_may_have(client: FlaskClient, encoding: str) -> None:
    text = json.dumps(SMALLEST | {"lead_id": "Zoë"}, ensure_ascii=False)
    assert post_raw(client, text.encode(encoding)).status_code == 202


def test_a_body_of_exactly_the_limit_is_taken(client: FlaskClient) -> None:
    body = json.dumps(SMALLEST).encode()
    assert post_raw(client, body + b" " * (MOST - len(body))).status_code == 202


def test_a_body_without_a_length_is_taken(client: FlaskClient) -> None:
    body = io.BytesIO(json.dumps(SMALLEST).encode())
    assert post_stream(client, body, None, KEY).status_code == 202


def test_no_more_is_read_than_the_length_says(client: FlaskClient) -> None:
    body = json.dumps(SMALLEST).encode()
    stream = io.BytesIO(body + b"GET / HTTP/1.1")
    assert post_stream(client, stream, len(body), KEY).status_code == 202
    assert stream.read() == b"GET / HTTP/1.1"


# Genuine or not


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Webhook-Secret": SECRET},
        {"x-webhook-secret": "second"},
        {"Authorization": f"Bearer {SECRET}"},
        {"Authorization": f"bEARER {SECRET}"},
        {"Authorization": f"Bearer {SECRET}", "X-Webhook-Secret": "wrong"},
        {"X-Webhook-Secret": SECRET, "webhook-signature": "v1,wrong"},
    ],
)
def test_any_right_secret_is_enough(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.post(HOOK, json=SMALLEST, headers=headers).status_code == 202


def test_a_right_signature_is_enough(client: FlaskClient) -> None:
    body = json.dumps(SMALLEST).encode()
    assert client.post(HOOK, data=body, headers=signed(body)).status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Webhook-Secret": ""},
        {"X-Webhook-Secret": "wrong"},
        {"X-Webhook-Secret": f"{SECRET},second"},
        {"X-Webhook-Secret": "schlüssel"},
        {"X_Webhook_Secret": SECRET + "\u00a0"},
        {"Authorization": SECRET},
        {"Authorization": f"Basic {SECRET}"},
        {"Authorization": "Bearer"},
        {"webhook-id": "msg_1", "webhook-timestamp": "1"},
        {"webhook-signature": ""},
        {"X-Forwarded-For": "127.0.0.1", "X-Http-Method-Override": "GET"},
    ],
)
def test_without_a_secret_the_body_is_not_even_read(
    parts: Parts, client: FlaskClient, headers: dict[str, str]
) -> None:
    response = post_stream(client, io.BufferedReader(Unread()), 100, headers)
    assert error(response) == (401, "unauthorized")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert SECRET not in response.text
    assert parts.ledger.records(None, 10) == []


def test_a_wrong_signature_is_refused(client: FlaskClient) -> None:
    body = json.dumps(SMALLEST).encode()
    right = signed(body)
    old = signed(body, at=datetime(2026, 1, 1, tzinfo=UTC))
    for headers in (right | {"webhook-id": "msg_2"}, right | {"webhook-signature": "garbage"}, old):
        assert error(client.post(HOOK, data=body, headers=headers)) == (401, "unauthorized")
    changed = client.post(HOOK, data=body + b" ", headers=right)
    assert error(changed) == (401, "unauthorized")


def test_a_secret_in_the_address_or_the_body_counts_for_nothing(client: FlaskClient) -> None:
    response = client.post(f"{HOOK}?secret={SECRET}", json=SMALLEST | {"secret": SECRET})
    assert error(response) == (401, "unauthorized")


def test_a_stranger_learns_nothing_about_type_or_size(client: FlaskClient) -> None:
    for body, kind in ((b"x" * (MOST + 1), "application/json"), (b"{}", "text/plain")):
        assert error(client.post(HOOK, data=body, content_type=kind)) == (401, "unauthorized")


# What is refused


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"{", b"{'a': 1}", b"event_type=reply_received", b'{"a": 1} x', b'{"a": "\n"}',
     b'{"lead_id": NaN}', b'{"lead_id": Infinity}', b'{"lead_id": -Infinity}',
     b"\xff\xfe\xfd", b"\x00"],
    ids=lambda body: repr(body)[:30],
)  # fmt: skip
def test_what_is_no_json_is_refused(parts: Parts, client: FlaskClient, body: bytes) -> None:
    assert error(post_raw(client, body)) == (400, "bad_request")
    assert parts.ledger.records(None, 10) == []


@pytest.mark.parametrize("depth", [101, 900, 950, 980, 990, 1000, 5000, 500_000])
@pytest.mark.parametrize("where", ["lead_id", "timestamp", "is_auto_reply", "custom"])
def test_json_nested_too_deeply_is_refused(client: FlaskClient, depth: int, where: str) -> None:
    body = json.dumps(SMALLEST | {where: "DEEP"}).replace('"DEEP"', "[" * depth + "]" * depth)
    response = post_raw(client, body.encode())
    assert error(response) == (400, "bad_request")
    assert "nested" in said(response)["message"]


def test_json_of_many_lists_side_by_side_is_taken(client: FlaskClient) -> None:
    wide: list[object] = [[{"a": []}] for _ in range(10_000)]
    assert post(client, SMALLEST | {"custom": wide}).status_code == 202


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"]
)
def test_another_type_is_refused_by_its_name(client: FlaskClient, kind: str) -> None:
    response = post_raw(client, json.dumps(SMALLEST).encode(), kind)
    assert error(response) == (415, "unsupported_media_type")
    assert kind in said(response)["message"]


@pytest.mark.parametrize("headers", [KEY, {"webhook-signature": "v1,x"}])
@pytest.mark.parametrize("known", [True, False])
def test_a_body_over_the_limit_is_drained_and_refused(
    client: FlaskClient, headers: dict[str, str], *, known: bool
) -> None:
    body = Long(MOST + 100_000)
    length = body.left if known else None
    response = post_stream(client, io.BufferedReader(body), length, headers)
    assert error(response) == (413, "request_entity_too_large")
    assert body.left == 0


def test_no_more_than_eight_mebibytes_are_drained(client: FlaskClient) -> None:
    body = Long(64 * MOST)
    response = post_stream(client, io.BufferedReader(body), body.left, KEY)
    assert error(response) == (413, "request_entity_too_large")
    assert body.taken <= 10 * MOST


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_another_method_is_refused_with_the_right_one(client: FlaskClient, method: str) -> None:
    response = client.open(HOOK, method=method.upper())
    assert error(response) == (405, "method_not_allowed")
    assert "POST" in response.headers["Allow"]


@pytest.mark.parametrize("path", ["/webhooks", "/webhooks/other", f"{HOOK}/", "/nothing", "//"])
def test_another_path_is_not_found(client: FlaskClient, path: str) -> None:
    assert error(client.post(path, json=SMALLEST, headers=KEY)) == (404, "not_found")


@pytest.mark.parametrize("payload", [SMALLEST, {"lead_id": "abc123"}])
def test_nothing_is_promised_while_ledger_and_disk_are_away(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, client: FlaskClient, payload: object
) -> None:
    parts.lose_the_ledger(monkeypatch)
    response = post(client, payload)
    assert error(response) == (503, "service_unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert parts.queue == []


def test_a_mistake_of_ours_is_told_without_its_inside(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, client: FlaskClient
) -> None:
    def broken(*_: object) -> NoReturn:
        raise RuntimeError("inside")

    monkeypatch.setattr(parts.ledger, "accept", broken)
    response = post(client)
    assert error(response) == (500, "internal_server_error")
    assert "inside" not in response.text


# Whatever is in it


@pytest.mark.parametrize(
    "payload",
    [
        SMALLEST | {"reply_text": "a\x00b \ud800 \U0001f642"},
        SMALLEST | {"lead_id": "\ud800", "email_id": "\x00"},
        SMALLEST | {"email_id": {"a": [1]}, "timestamp": [1], "lead_email": 7},
        SMALLEST | {"lead_id": 10**4000},
        {f"field {n}": "x" for n in range(5000)} | SMALLEST,
    ],
    ids=["hostile text", "hostile ids", "wrong types", "huge number", "many fields"],
)
def test_hostile_values_are_recorded_like_any_other(
    parts: Parts, client: FlaskClient, payload: dict[str, Any]
) -> None:
    response = post(client, payload)
    assert response.status_code == 202
    (record,) = parts.ledger.records(None, 10)
    assert record.key == said(response)["key"]


def test_numbers_beyond_every_measure_are_recorded(client: FlaskClient) -> None:
    body = json.dumps(SMALLEST).replace('"abc123"', '"abc123", "seats": 1e999, "timestamp": -1e999')
    assert post_raw(client, body.encode()).status_code == 202


@pytest.mark.parametrize("name", ["webhook-id", "webhook-signature", "User-Agent", "Accept"])
@pytest.mark.parametrize("value", ["", "é\xff", "x" * 60_000, "%00", "{{7*7}}", "' OR 1=1"])
def test_no_header_can_break_a_genuine_delivery(client: FlaskClient, name: str, value: str) -> None:
    for payload in (SMALLEST, {}):
        response = client.post(HOOK, json=payload, headers=KEY | {name: value})
        assert response.status_code in (200, 202)


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", ""])
def test_a_length_that_is_none_breaks_nothing(client: FlaskClient, length: str) -> None:
    body = io.BytesIO(json.dumps(SMALLEST).encode())
    assert post_stream(client, body, length, KEY).status_code in (202, 400)


# Health


def test_the_process_is_healthy_whatever_else_is_away(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, client: FlaskClient
) -> None:
    parts.lose_the_ledger(monkeypatch)
    response = client.get("/healthz")
    assert (response.status_code, said(response)) == (200, {"status": "ok"})


def test_the_service_is_ready_once_everything_answers(parts: Parts, client: FlaskClient) -> None:
    parts.ledger.seen_alive("worker-1")
    response = client.get("/readyz")
    assert (response.status_code, said(response)) == (
        200, {"ready": True, "ledger": "ok", "broker": "ok", "worker": "ok"},
    )  # fmt: skip


def no_worker(_: Parts, __: pytest.MonkeyPatch) -> None:
    """Nothing has said that it is alive."""


def no_broker(parts: Parts, _: pytest.MonkeyPatch) -> None:
    parts.broker_problem = "refused"


def no_ledger(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    parts.lose_the_ledger(monkeypatch)


@pytest.mark.parametrize(
    ("lose", "part"), [(no_worker, "worker"), (no_broker, "broker"), (no_ledger, "ledger")]
)
def test_what_is_missing_is_named_where_the_service_is_not_ready(
    parts: Parts,
    monkeypatch: pytest.MonkeyPatch,
    client: FlaskClient,
    lose: Callable[[Parts, pytest.MonkeyPatch], None],
    part: str,
) -> None:
    if lose is not no_worker:
        parts.ledger.seen_alive("worker-1")
    lose(parts, monkeypatch)
    response = client.get("/readyz")
    assert (response.status_code, said(response)["ready"]) == (503, False)
    assert said(response)[part] != "ok"


def test_a_problem_without_words_is_named_by_its_kind() -> None:
    class Silent(Parts):
        def ping_broker(self) -> None:
            raise TimeoutError

    assert said(Silent().app().test_client().get("/readyz"))["broker"] == "TimeoutError"


def samples(client: FlaskClient) -> Iterator[tuple[str, dict[str, str], float]]:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.mimetype == "text/plain"
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def value(client: FlaskClient, name: str, **labels: str) -> float:
    found = [v for n, have, v in samples(client) if n == name and labels.items() <= have.items()]
    return sum(found)


def test_every_name_among_the_figures_is_our_own(client: FlaskClient) -> None:
    post(client)
    names = {name for name, _, _ in samples(client)}
    assert all(name.startswith("autoreply_") for name in names)
    assert len(names) > 6
    text = client.get("/metrics").text
    assert all(line.split()[2].startswith("autoreply_") for line in re.findall("# HELP.*", text))


def test_the_figures_tell_what_happened(parts: Parts, client: FlaskClient) -> None:
    parts.ledger.seen_alive("worker-1")
    post(client)
    post(client)
    post(client, {})
    client.post(HOOK, json=SMALLEST)
    assert value(client, "autoreply_ledger_up") == 1
    assert value(client, "autoreply_deliveries_total", status="received") == 1
    assert value(client, "autoreply_deliveries_total", status="duplicate") == 1
    assert value(client, "autoreply_steps_total", state="quarantined", reason="no_event_type") == 1
    assert value(client, "autoreply_events", state="received") == 1
    assert value(client, "autoreply_events", state="quarantined") == 1
    assert value(client, "autoreply_due") == 1
    assert value(client, "autoreply_workers") == 1
    assert value(client, "autoreply_queue_length") == 1
    for status, count in (("202", 2), ("200", 1), ("401", 1)):
        assert value(client, "autoreply_webhook_answers_total", status=status) == count


def test_the_figures_tell_which_variants_were_sent(
    parts: Parts, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = {("pricing", "a"): 3, ("pricing", "de/b"): 2}
    monkeypatch.setattr(parts.ledger, "variants", lambda: sent)
    assert value(client, "autoreply_variants_total", template="pricing", variant="a") == 3
    assert value(client, "autoreply_variants_total", template="pricing") == 5


def test_the_figures_answer_while_the_ledger_is_away(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, client: FlaskClient
) -> None:
    parts.lose_the_ledger(monkeypatch)
    post(client)
    assert value(client, "autoreply_ledger_up") == 0
    assert value(client, "autoreply_webhook_answers_total", status="503") == 1
    assert all(name.startswith("autoreply_") for name, _, _ in samples(client))


def test_hostile_event_types_leave_the_figures_readable(client: FlaskClient) -> None:
    post(client, SMALLEST | {"event_type": 'new "type"\\\n{}'})
    assert value(client, "autoreply_ledger_up") == 1


def test_two_apps_count_for_themselves() -> None:
    one, other = Parts().app().test_client(), Parts().app().test_client()
    post(one)
    assert value(one, "autoreply_webhook_answers_total") == 1
    assert value(other, "autoreply_webhook_answers_total") == 0


def test_a_check_that_passes_says_so() -> None:
    parts = Parts()
    parts.ledger.seen_alive("worker-1")
    states = health.Checks({"": parts.ledger}, parts.ping_broker).run()
    assert set(states.values()) == {"ok"}


def test_the_front_page_names_the_others(client: FlaskClient) -> None:
    page = said(client.get("/"))
    assert all(client.get(path).status_code in (200, 503) for path in page["health"])


# Queueing


def test_keys_are_passed_on_in_batches() -> None:
    class Enough(BaseException):  # ends the endless loop, which no failure does
        pass

    batches: list[list[str]] = []

    def send(keys: Any) -> None:
        batches.append(list(keys))
        if sum(map(len, batches)) == 250:
            raise Enough

    publisher = Publisher(send)
    for number in range(250):
        publisher.publish(str(number))
    with pytest.raises(Enough):
        publisher.run()
    assert [len(batch) for batch in batches] == [100, 100, 50]
    assert [key for batch in batches for key in batch] == [str(n) for n in range(250)]


def test_a_full_queue_never_makes_a_sender_wait() -> None:
    publisher = Publisher(lambda _: None)
    for number in range(10_100):
        publisher.publish(str(number))


def test_a_full_ledger_is_told_to_the_sender_and_nothing_is_written_anywhere(
    redis_client: redis.Redis, tmp_path: Path
) -> None:
    parts = Parts()
    parts.ledger = RedisLedger(redis_client, lease=60_000, retention=86_400_000)
    parts.spool = Spool(tmp_path / "spool")
    client = parts.app().test_client()
    redis_client.config_set("maxmemory", 1)
    try:
        refused = post(client)
    finally:
        redis_client.config_set("maxmemory", 0)
    assert error(refused) == (503, "service_unavailable")
    assert "full" in refused.get_json()["message"]
    assert int(refused.headers["Retry-After"]) > 0
    assert redis_client.dbsize() == 0
    assert parts.spool.size() == 0
    assert post(client).status_code == 202

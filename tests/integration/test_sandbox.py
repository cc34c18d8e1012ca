"""The sandbox on real sockets: what it answers, what it takes, and how it fails on demand."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from integration.serving import running

from web.sandbox import Sandbox, create_app, invented_thread, serve

REPLY = {"lead_id": "abc", "subject": "Re: Hello", "body": "Hi <Dana>,\n\n12 seats & more"}
FAULTS_AFTER = (
    {"kind": "status_after", "status": 502},
    {"kind": "cut_after"},
    {"kind": "garbage_after"},
)
FAULTS_BEFORE = ({"kind": "status", "status": 500}, {"kind": "cut"}, {"kind": "error_body"})


class Hands:
    """The test's own clock and dice."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)
        self.dice = 0.5


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def url(hands: Hands) -> Iterator[str]:
    sandbox = Sandbox(clock=lambda: hands.now, dice=lambda: hands.dice)
    with running(create_app(sandbox)) as address:
        yield address


@pytest.fixture
def api(url: str) -> Iterator[httpx.Client]:
    key = {"Authorization": "Bearer any"}
    with httpx.Client(base_url=url, headers=key, timeout=5, trust_env=False) as client:
        yield client


def emails(api: httpx.Client, lead_id: str = "abc") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get(f"/v2/leads/{lead_id}/emails").json()["items"]
    return items


def sent(api: httpx.Client) -> list[dict[str, Any]]:
    replies: list[dict[str, Any]] = api.get("/sandbox/sent").json()
    return replies


def fault(api: httpx.Client, on: str = "reply", **fields: object) -> None:
    api.post("/sandbox/faults", json={"on": on, **fields}).raise_for_status()


def outcome(api: httpx.Client, **changes: str) -> int | str:
    """Post a reply; say its status, `garbage`, or `cut`."""
    try:
        answer = api.post("/v2/emails/reply", json=REPLY | changes)
        answer.json()
    except httpx.RemoteProtocolError:
        return "cut"
    except ValueError:
        return "garbage"
    return answer.status_code


# What it answers.


def test_an_unknown_lead_has_one_campaign_mail_of_yesterday(
    api: httpx.Client, hands: Hands
) -> None:
    [mail] = emails(api)

    assert mail["ue_type"] == 1
    assert mail["from_address_email"] == mail["eaccount"] == "sam@tryacme.example"
    assert mail["to_address_email_list"] == mail["lead"]
    assert mail["lead_id"] == "abc"
    assert datetime.fromisoformat(mail["timestamp_created"]) == hands.now - timedelta(days=1)


def test_mails_have_the_fields_of_the_provider(api: httpx.Client) -> None:
    assert set(emails(api)[0]) == {
        "id", "timestamp_created", "timestamp_email", "message_id", "subject",
        "from_address_email", "to_address_email_list", "cc_address_email_list",
        "bcc_address_email_list", "reply_to", "body", "organization_id", "campaign_id",
        "subsequence_id", "list_id", "lead", "lead_id", "eaccount", "ue_type", "step", "is_unread",
        "is_auto_reply", "reminder_ts", "ai_interest_value", "ai_assisted", "is_focused",
        "i_status", "thread_id", "content_preview", "attachment_json", "from_address_json",
        "to_address_json", "cc_address_json", "ai_agent_id",
    }  # fmt: skip
    assert set(emails(api)[0]["body"]) == {"text", "html"}


def test_an_invented_thread_depends_on_the_id_alone(hands: Hands) -> None:
    once, again = (invented_thread("abc", hands.now) for _ in range(2))
    later = invented_thread("abc", hands.now + timedelta(days=3))

    assert once == again
    assert once.mails[0].fields["id"] == later.mails[0].fields["id"]
    assert (once.lead, once.thread_id) == (later.lead, later.thread_id)


def test_different_leads_have_different_addresses_mails_and_threads(hands: Hands) -> None:
    threads = [invented_thread(f"lead-{number}", hands.now) for number in range(500)]

    assert len({thread.lead for thread in threads}) == 500
    assert len({thread.thread_id for thread in threads}) == 500
    assert len({thread.mails[0].fields["id"] for thread in threads}) == 500


@pytest.mark.parametrize("lead_id", ["a b", "ü%", "7", "a//b", "x" * 500, "../up?x=1#y"])
def test_any_lead_id_works(api: httpx.Client, lead_id: str) -> None:
    quoted = "".join(f"%{byte:02X}" for byte in lead_id.encode())

    assert emails(api, quoted)[0]["lead_id"] == lead_id
    assert outcome(api, lead_id=lead_id) == 200
    assert len(emails(api, quoted)) == 2


def test_half_a_surrogate_pair_is_a_lead_id_like_any_other(api: httpx.Client) -> None:
    body = b'{"lead_id": "\\ud800", "subject": "s", "body": "b"}'
    answer = api.post(
        "/v2/emails/reply", content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 200


def test_ids_that_start_with_unknown_are_not_found(api: httpx.Client) -> None:
    answer = api.get("/v2/leads/unknown-1/emails")

    assert answer.status_code == 404
    assert answer.json() == {
        "statusCode": 404,
        "error": "Not Found",
        "message": "Resource not found",
    }
    assert outcome(api, lead_id="unknown-1") == 404
    assert sent(api) == []


def test_a_reply_appears_in_the_thread_and_among_the_sent(api: httpx.Client, hands: Hands) -> None:
    answer = api.post("/v2/emails/reply", json=REPLY).json()

    assert emails(api)[-1] == answer
    assert answer["ue_type"] == 3
    assert answer["body"] == {
        "text": "",
        "html": "Hi &lt;Dana&gt;,<br/><br/>12 seats &amp; more",
    }
    assert answer["to_address_email_list"] == answer["lead"]
    at = hands.now.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert sent(api) == [{"id": answer["id"], "at": at, **REPLY}]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "body must be object"),
        ({}, "body must have required property 'lead_id'"),
        ({"lead_id": "abc", "body": "x"}, "body must have required property 'subject'"),
        (REPLY | {"body": {"html": "x"}}, "body/body must be string"),
        (REPLY | {"subject": None}, "body/subject must be string"),
        (REPLY | {"lead_id": 7}, "body/lead_id must be string"),
        (REPLY | {"body": " \n"}, "body/body must NOT have fewer than 1 characters"),
        (REPLY | {"eaccount": "x"}, "body must NOT have additional properties"),
    ],
)
def test_a_reply_takes_exactly_three_texts(api: httpx.Client, body: object, message: str) -> None:
    answer = api.post("/v2/emails/reply", json=body)

    assert answer.status_code == 400
    assert answer.json() == {"statusCode": 400, "error": "Bad Request", "message": message}
    assert sent(api) == []


def test_a_reply_that_is_no_json_is_a_bad_request(api: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}

    assert api.post("/v2/emails/reply", content=b"{", headers=headers).status_code == 400
    assert api.post("/v2/emails/reply", data=REPLY).status_code == 400


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("", 401),
        ("any", 401),
        ("Bearer", 401),
        ("Basic YTpi", 401),
        ("Bearer wrong-key", 401),
        ("Bearer no-plan", 402),
        ("Bearer no-scope", 403),
        ("Bearer anything else", 200),
    ],
)
def test_every_call_needs_a_key(url: str, header: str | None, status: int) -> None:
    headers = {} if header is None else {"Authorization": header}
    thread = httpx.get(f"{url}/v2/leads/abc/emails", headers=headers, trust_env=False)
    reply = httpx.post(f"{url}/v2/emails/reply", headers=headers, json=REPLY, trust_env=False)

    assert thread.status_code == reply.status_code == status
    assert status == 200 or reply.json()["statusCode"] == status
    assert len(httpx.get(f"{url}/sandbox/sent", trust_env=False).json()) == (status == 200)


def test_twenty_threads_post_twenty_replies(api: httpx.Client) -> None:
    def post(number: int) -> str:
        lead = f"lead-{number % 2}"
        answer = api.post("/v2/emails/reply", json=REPLY | {"lead_id": lead})
        return str(answer.json()["id"])

    with ThreadPoolExecutor(20) as pool:
        ids = set(pool.map(post, range(20)))

    assert len(ids) == 20
    assert {reply["id"] for reply in sent(api)} == ids
    assert len(emails(api, "lead-0")) == len(emails(api, "lead-1")) == 11


# Faults.


@pytest.mark.parametrize("kind", FAULTS_BEFORE, ids=lambda fields: fields["kind"])
def test_a_fault_before_accepting_sends_nothing(api: httpx.Client, kind: dict[str, Any]) -> None:
    fault(api, **kind)

    assert outcome(api) == {"status": 500, "cut": "cut", "error_body": 200}[kind["kind"]]
    assert sent(api) == []
    assert len(emails(api)) == 1


@pytest.mark.parametrize("kind", FAULTS_AFTER, ids=lambda fields: fields["kind"])
def test_a_fault_after_accepting_sends_once(api: httpx.Client, kind: dict[str, Any]) -> None:
    fault(api, **kind)

    expected = {"status_after": 502, "cut_after": "cut", "garbage_after": "garbage"}
    assert outcome(api) == expected[kind["kind"]]
    assert len(sent(api)) == 1
    assert emails(api)[-1]["id"] == sent(api)[0]["id"]


def test_an_error_body_is_a_200_with_an_error(api: httpx.Client) -> None:
    fault(api, kind="error_body")

    answer = api.post("/v2/emails/reply", json=REPLY)

    assert (answer.status_code, answer.json()) == (200, {"error": "ACC_AUTH_ERROR"})


def test_a_status_has_the_shape_of_the_provider_and_may_say_when_to_retry(
    api: httpx.Client,
) -> None:
    fault(api, "thread", kind="status", status=429, retry_after=7)

    answer = api.get("/v2/leads/abc/emails")

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "7"
    assert answer.json() == {
        "statusCode": 429,
        "error": "Too Many Requests",
        "message": "Rate limit exceeded",
    }


@pytest.mark.parametrize("kind", ["cut", "cut_after"])
def test_a_thread_can_be_cut_too(api: httpx.Client, kind: str) -> None:
    fault(api, "thread", kind=kind)

    with pytest.raises(httpx.RemoteProtocolError):
        emails(api)
    assert len(emails(api)) == 1


def test_latency_makes_a_client_give_up_on_a_reply_that_arrives(api: httpx.Client) -> None:
    fault(api, kind="latency", seconds=0.3)

    with pytest.raises(httpx.ReadTimeout):
        api.post("/v2/emails/reply", json=REPLY, timeout=0.1)

    deadline = time.monotonic() + 5
    while not sent(api) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(sent(api)) == 1


def test_a_lagging_history_shows_a_reply_later(api: httpx.Client, hands: Hands) -> None:
    fault(api, kind="history_lag", seconds=30)

    assert [outcome(api), outcome(api)] == [200, 200]
    assert len(sent(api)) == 2
    assert [mail["id"] for mail in emails(api)][1:] == [sent(api)[1]["id"]]
    hands.now += timedelta(seconds=29)
    assert len(emails(api)) == 2
    hands.now += timedelta(seconds=1)
    assert len(emails(api)) == 3


def test_a_lag_on_the_thread_hides_young_replies_and_nothing_else(
    api: httpx.Client, hands: Hands
) -> None:
    outcome(api)
    api.post("/sandbox/leads/abc/inbound", json={"text": "And?"})
    fault(api, "thread", kind="history_lag", seconds=30, times=0)

    assert [mail["ue_type"] for mail in emails(api)] == [1, 2]
    hands.now += timedelta(seconds=30)
    assert [mail["ue_type"] for mail in emails(api)] == [1, 3, 2]


def test_a_cut_and_a_lag_strike_the_same_reply(api: httpx.Client, hands: Hands) -> None:
    fault(api, kind="cut_after")
    fault(api, kind="history_lag", seconds=30)

    assert outcome(api) == "cut"
    assert (len(sent(api)), len(emails(api))) == (1, 1)
    hands.now += timedelta(seconds=30)
    assert len(emails(api)) == 2


def test_faults_strike_as_often_as_they_say_and_in_order(api: httpx.Client) -> None:
    fault(api, kind="status", status=500, times=2)
    fault(api, kind="cut")

    assert [outcome(api) for _ in range(4)] == [500, 500, "cut", 200]


def test_a_fault_without_end_strikes_until_it_is_cleared(api: httpx.Client) -> None:
    fault(api, kind="status", status=503, times=0)

    assert [outcome(api) for _ in range(5)] == [503] * 5
    api.delete("/sandbox/faults").raise_for_status()
    assert outcome(api) == 200


def test_a_fault_strikes_its_call_and_its_lead_only(api: httpx.Client) -> None:
    fault(api, kind="status", status=500, lead_id="abc")

    assert len(emails(api)) == 1
    assert outcome(api, lead_id="other") == 200
    assert outcome(api) == 500


def test_a_share_is_a_probability_and_a_miss_uses_nothing_up(
    api: httpx.Client, hands: Hands
) -> None:
    fault(api, kind="status", status=500, share=0.3)

    hands.dice = 0.3
    assert [outcome(api), outcome(api)] == [200, 200]
    hands.dice = 0.29
    assert [outcome(api), outcome(api)] == [500, 200]


def test_a_refused_request_uses_no_fault_up(api: httpx.Client) -> None:
    fault(api, kind="status", status=500)

    assert outcome(api, body="") == 400
    assert outcome(api, lead_id="unknown-1") == 404
    assert api.post("/v2/emails/reply", headers={"Authorization": ""}).status_code == 401
    assert outcome(api) == 500


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], "send a JSON object"),
        ({}, "on is missing"),
        ({"on": "thread"}, "kind is missing"),
        ({"on": "both", "kind": "cut"}, "on must be one of thread, reply"),
        ({"on": "reply", "kind": "explode"}, "kind must be one of latency"),
        ({"on": "reply", "kind": ["cut"]}, "kind must be one of latency"),
        ({"on": "reply", "kind": "latency"}, "latency needs seconds"),
        ({"on": "reply", "kind": "status"}, "status needs status"),
        ({"on": "reply", "kind": "status", "status": 99}, "status must be a whole number"),
        ({"on": "reply", "kind": "status", "status": "500"}, "status must be a whole number"),
        ({"on": "reply", "kind": "latency", "seconds": -1}, "seconds must be a number from 0"),
        ({"on": "reply", "kind": "cut", "seconds": 1}, "seconds means nothing to cut"),
        ({"on": "reply", "kind": "cut", "times": True}, "times must be a whole number"),
        ({"on": "reply", "kind": "cut", "share": 1.5}, "share must be a number from 0 to 1"),
        ({"on": "reply", "kind": "cut", "lead_id": ""}, "lead_id must be a lead's id"),
        ({"on": "reply", "kind": "cut", "time": 1}, "unknown field time"),
    ],
)
def test_a_wrong_fault_is_refused_with_what_is_wrong(
    api: httpx.Client, wrong: object, message: str
) -> None:
    answer = api.post("/sandbox/faults", json=wrong)

    assert answer.status_code == 400
    assert answer.json()["message"].startswith(message)
    assert outcome(api) == 200


# Steering.


def test_a_thread_can_be_replaced_and_what_lacks_is_filled_in(api: httpx.Client) -> None:
    mails = [
        {"direction": "out", "subject": "Hello", "lead": "ann@b.example"},
        {"direction": "in", "body": "Yes &\nno", "id": "m2", "message_id": "<x@y>"},
        {"ue_type": 3, "body": {"html": "<p>ok</p>"}, "ai_agent_id": "robot", "subject": "Other"},
    ]
    answer = api.put("/sandbox/leads/abc", json={"emails": mails})
    first, second, third = emails(api)

    assert answer.json()["items"] == [first, second, third]
    assert (first["ue_type"], second["ue_type"], third["ue_type"]) == (3, 2, 3)
    assert second["from_address_email"] == first["to_address_email_list"] == "ann@b.example"
    assert second["body"] == {"text": "Yes &\nno", "html": "Yes &amp;<br/>no"}
    assert (second["id"], second["message_id"]) == ("m2", "<x@y>")
    assert second["subject"] == "Re: Hello"
    assert third["body"] == {"text": "", "html": "<p>ok</p>"}
    assert third["ai_agent_id"] == "robot"
    assert first["timestamp_created"] < second["timestamp_created"] < third["timestamp_created"]


def test_a_replaced_thread_is_put_in_order(api: httpx.Client) -> None:
    days = ("2026-11-03", "2026-11-01T10:00:00Z", "2026-11-02T10:00:00+02:00")
    mails = [{"direction": "in", "timestamp_created": day, "id": day} for day in days]
    api.put("/sandbox/leads/abc", json={"emails": mails}).raise_for_status()

    assert [mail["id"] for mail in emails(api)] == [days[1], days[2], days[0]]


def test_an_unknown_lead_is_known_once_it_was_given_a_thread(api: httpx.Client) -> None:
    api.put("/sandbox/leads/unknown-1", json={"emails": []}).raise_for_status()

    assert emails(api, "unknown-1") == []
    assert outcome(api, lead_id="unknown-1") == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"emails": {}},
        {"emails": [1]},
        {"emails": [{}]},
        {"emails": [{"ue_type": 9}]},
        {"emails": [{"ue_type": [2]}]},
        {"emails": [{"direction": "sideways"}]},
        {"emails": [{"direction": "in", "timestamp_email": "yesterday"}]},
        {"emails": [{"direction": "in", "body": 7}]},
    ],
)
def test_a_wrong_thread_is_refused_and_changes_nothing(api: httpx.Client, wrong: object) -> None:
    before = emails(api)

    assert api.put("/sandbox/leads/abc", json=wrong).status_code == 400
    assert emails(api) == before


def test_a_lead_can_write(api: httpx.Client) -> None:
    told = {"text": "How much?\nDana", "subject": "Price", "id": "mail-7"}
    answer = api.post("/sandbox/leads/abc/inbound", json=told)
    plain = api.post("/sandbox/leads/abc/inbound", json={"text": "Hello?"})

    assert emails(api)[1:] == [answer.json(), plain.json()]
    assert (answer.json()["id"], answer.json()["subject"]) == ("mail-7", "Price")
    assert answer.json()["ue_type"] == 2
    assert answer.json()["from_address_email"] == answer.json()["lead"]
    assert plain.json()["subject"] == "Re: Quick question about Northwind's onboarding"
    assert sent(api) == []


@pytest.mark.parametrize("wrong", [{}, {"text": ""}, {"text": 1}, {"text": "x", "id": 7}])
def test_a_wrong_inbound_mail_is_refused(api: httpx.Client, wrong: object) -> None:
    assert api.post("/sandbox/leads/abc/inbound", json=wrong).status_code == 400
    assert len(emails(api)) == 1


def test_requests_are_counted_by_method_route_and_status(api: httpx.Client) -> None:
    fault(api, kind="cut")
    for lead in ("a", "b", "unknown-1"):
        api.get(f"/v2/leads/{lead}/emails")
    outcome(api)
    outcome(api)
    api.get("/v2/nothing")

    assert api.get("/sandbox/requests").json() == {
        "GET (no such route) 404": 1,
        "GET /v2/leads/{lead_id}/emails 200": 2,
        "GET /v2/leads/{lead_id}/emails 404": 1,
        "POST /v2/emails/reply 200": 1,
        "POST /v2/emails/reply 444": 1,
    }


def test_a_reset_forgets_everything(api: httpx.Client) -> None:
    outcome(api)
    fault(api, kind="cut", times=0)
    api.post("/sandbox/reset").raise_for_status()

    assert (sent(api), api.get("/sandbox/requests").json()) == ([], {})
    assert len(emails(api)) == 1
    assert outcome(api) == 200


def test_steering_needs_no_key_and_the_index_names_every_route(url: str) -> None:
    routes = httpx.get(url, trust_env=False).json()["routes"]

    assert {"GET /v2/leads/{lead_id}/emails", "POST /sandbox/faults"} < set(routes)
    assert all(routes.values())


# The wire.


def test_a_connection_carries_many_requests(url: str) -> None:
    head = b"GET /v2/leads/a/emails HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n\r\n"
    chunked = (
        b"POST /sandbox/reset HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n0\r\n\r\n"
    )
    unread = b"POST /sandbox/reset HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nGET "
    last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0), timeout=5) as wire:
        wire.sendall(head + chunked + unread + last)
        answers = b"".join(iter(lambda: wire.recv(65536), b""))

    assert answers.count(b"HTTP/1.1 200 OK") == 4


def test_a_request_that_breaks_off_sends_nothing_and_prints_nothing(
    url: str, api: httpx.Client, capfd: pytest.CaptureFixture[str]
) -> None:
    head = (
        b"POST /v2/emails/reply HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n"
        b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0), timeout=5) as wire:
        wire.sendall(head)
        wire.shutdown(socket.SHUT_WR)
        assert wire.recv(100) == b""

    assert sent(api) == []
    assert capfd.readouterr() == ("", "")


def test_a_taken_port_is_an_error_for_the_caller() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="in use"),
    ):
        serve("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_served_sandbox_is_quiet_and_stops_at_a_signal(number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code = f"from web.sandbox import serve; serve('127.0.0.1', {port})"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    key = {"Authorization": "Bearer k"}
    with process, httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        try:
            await_index(client)
            fault(client, kind="cut")
            assert outcome(client) == 401
            client.headers.update(key)
            assert [outcome(client), outcome(client)] == ["cut", 200]
            process.send_signal(number)
            output, _ = process.communicate(timeout=5)
        finally:
            process.kill()

    assert (process.returncode, output) == (0, b"")


def await_index(client: httpx.Client) -> None:
    """Wait until the process serves."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.ConnectError):
            client.get("/")
            return
        time.sleep(0.05)
    pytest.fail("the sandbox never answered")

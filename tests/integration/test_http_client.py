"""The client and the contract `lead` against a real server on the loopback."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpcore
import httpx
import pytest
from integration.serving import Client

from worker.contracts.lead.api import LeadApi
from worker.contracts.sent import sent_id
from worker.domain.errors import (
    AutoreplyError,
    ConfigurationError,
    GiveUp,
    OutcomeUnknown,
    TryLater,
)
from worker.domain.model import Draft, EventClass, ReplyEvent
from worker.http import ApiClient, _knock

DRAFT = Draft(
    template="pricing", subject="Re: Your team – ünïcode", body="Hi Ann,\n\n12 seats & more 🙂"
)
LONG = 30.0


class Server(ThreadingHTTPServer):
    """Answers each request with the next of `answers`; the last one is for all further ones."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Callable[[Handler], None]] = [json_answer({})]
        self.seen: list[dict[str, Any]] = []
        self.clients: list[httpx.Client] = []
        self.over = threading.Event()
        """Set when the test ends: nothing waits any longer."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what these tests are about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.server.seen.append(
            {
                "method": self.command,
                "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "body": self.rfile.read(length),
                "client": self.client_address[1],
            }
        )
        answers = self.server.answers
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the library's names

    def begin(self, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


Answer = Callable[[Handler], None]


def json_answer(data: object, status: int = 200, **headers: str) -> Answer:
    def answer(handler: Handler) -> None:
        content = json.dumps(data).encode()
        handler.begin(status, Content_Length=str(len(content)), **headers)
        handler.wfile.write(content)

    return answer


def cut(handler: Handler) -> None:
    """End the connection with a reset, without a word."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def cut_in_the_middle(handler: Handler) -> None:
    handler.begin(Content_Length="100")
    handler.wfile.write(b'{"id": ')
    handler.wfile.flush()
    handler.close_connection = True


def drip(handler: Handler) -> None:
    """Send a byte now and then, for ever: no single wait is long."""
    handler.begin(Content_Length="1000000")
    while not handler.server.over.wait(0.02):
        handler.wfile.write(b" ")


def silence(handler: Handler) -> None:
    handler.server.over.wait(LONG)
    handler.close_connection = True


def late_then_silent(seconds: float) -> Answer:
    def answer(handler: Handler) -> None:
        handler.server.over.wait(seconds)
        handler.begin(Content_Length="10")
        silence(handler)

    return answer


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        loop = threading.Thread(target=running.serve_forever, args=(0.01,))
        loop.start()
        yield running
        running.over.set()
        for client in running.clients:
            client.close()
        running.shutdown()
        loop.join()


def client_of(server: Server, deadline: float = 10.0) -> ApiClient:
    return Client(server.url + "/", server.clients, deadline=deadline)


def api(server: Server) -> LeadApi:
    return LeadApi(client_of(server))


def event(lead_id: str = "abc123") -> ReplyEvent:
    return ReplyEvent(
        key="event-1",
        event_class=EventClass.REPLY,
        event_types=("reply_received",),
        lead_id=lead_id,
        lead_email="ann@lead.example",
    )


def mails(*names: str, **more: Any) -> Answer:
    items = [{"id": name, "direction": "inbound", "text": name} for name in names]
    return json_answer({"items": items, **more})


def paths(server: Server) -> list[str]:
    return [request["path"] for request in server.seen]


def error_of(call: Callable[[], object]) -> AutoreplyError:
    with pytest.raises(AutoreplyError) as caught:
        call()
    return caught.value


# The two calls


def test_the_history_is_asked_for_with_exactly_these_words(server: Server) -> None:
    server.answers = [mails("a")]
    api(server).thread(event())
    (request,) = server.seen
    assert (request["method"], request["path"]) == ("GET", "/api/v2/leads/abc123/emails")
    assert request["headers"]["authorization"] == "Bearer k3y"
    assert request["headers"]["accept"] == "application/json"
    assert request["body"] == b""


def test_the_reply_is_posted_with_exactly_these_words(server: Server) -> None:
    server.answers = [json_answer({"id": "mail-9"})]
    assert api(server).reply(event(), DRAFT, lambda: None) == "mail-9"
    (request,) = server.seen
    assert (request["method"], request["path"]) == ("POST", "/api/v2/emails/reply")
    assert request["headers"]["authorization"] == "Bearer k3y"
    assert request["headers"]["content-type"] == "application/json"
    assert json.loads(request["body"]) == {
        "lead_id": "abc123",
        "body": DRAFT.body,
        "subject": DRAFT.subject,
    }


@pytest.mark.parametrize(
    ("lead_id", "quoted"),
    [
        ("a/b", "a%2Fb"),
        ("a b", "a%20b"),
        ("a?b=c#d", "a%3Fb%3Dc%23d"),
        ("100%25", "100%2525"),
        ("../emails", "..%2Femails"),
        ("ann@lead.example", "ann%40lead.example"),
        ("Zoë", "Zo%C3%AB"),
        ("a+b&c", "a%2Bb%26c"),
    ],
)
def test_a_lead_id_stays_one_part_of_the_path(server: Server, lead_id: str, quoted: str) -> None:
    server.answers = [mails()]
    api(server).thread(event(lead_id))
    assert paths(server) == [f"/api/v2/leads/{quoted}/emails"]


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ({"id": "a"}, "a"),
        ({"email_id": 7}, "7"),
        ({"email": {"id": "a"}}, "a"),
        ({"data": {"message_id": "a"}}, "a"),
        ({"item": {"uuid": "a"}, "status": "ok"}, "a"),
        ({"reply": {"reply_id": "a"}}, "a"),
        ({"id": "outer", "email": {"id": "inner"}}, "outer"),
        ({"status": "ok"}, ""),
        ({"email": "sent", "data": ["a"]}, ""),
        ({}, ""),
        ([], ""),
        ("done", ""),
        (None, ""),
    ],
)
def test_the_answers_id_is_found_wherever_it_is(answer: object, name: str) -> None:
    assert sent_id(answer) == name


def test_no_redirect_is_followed(server: Server) -> None:
    server.answers = [json_answer({}, 307, Location=f"{server.url}/elsewhere")]
    assert isinstance(
        error_of(lambda: api(server).reply(event(), DRAFT, lambda: None)), OutcomeUnknown
    )
    assert paths(server) == ["/api/v2/emails/reply"]


def test_an_error_of_the_api_reaches_the_caller_by_its_name(server: Server) -> None:
    server.answers = [json_answer({"message": "no such lead"}, 404)]
    error = error_of(lambda: api(server).thread(event()))
    assert isinstance(error, GiveUp)
    assert str(error) == "http_404: HTTP 404: no such lead"


def test_the_wait_after_too_many_calls_comes_from_the_answer(server: Server) -> None:
    server.answers = [json_answer({}, 429, Retry_After="17")]
    error = error_of(lambda: api(server).reply(event(), DRAFT, lambda: None))
    assert isinstance(error, TryLater)
    assert error.wait == 17.0


# Pages


def names(server: Server) -> list[str]:
    return [message.id for message in api(server).thread(event()).messages]


def test_the_cursor_is_followed_to_the_last_page(server: Server) -> None:
    server.answers = [
        mails("a", next_starting_after="cursor 1&"),
        mails("b", next_starting_after="c2"),
        mails("c"),
    ]
    assert names(server) == ["a", "b", "c"]
    path = "/api/v2/leads/abc123/emails"
    assert paths(server) == [
        path, f"{path}?starting_after=cursor+1%26", f"{path}?starting_after=c2",
    ]  # fmt: skip


@pytest.mark.parametrize("cursor", [None, "", [], {}, True])
def test_a_page_without_a_cursor_is_the_last(server: Server, cursor: object) -> None:
    server.answers = [mails("a", next_starting_after=cursor)]
    assert names(server) == ["a"]
    assert len(server.seen) == 1


def test_a_page_that_tells_nothing_new_is_the_last(server: Server) -> None:
    server.answers = [mails("a", "b", next_starting_after="same")]
    assert names(server) == ["a", "b"]
    assert len(server.seen) == 2


def test_pages_without_end_are_read_up_to_a_limit(server: Server) -> None:
    server.answers = [mails(f"mail-{n}", next_starting_after=f"{n}") for n in range(100)]
    assert len(names(server)) == 10
    assert len(server.seen) == 10


def test_pages_that_overlap_show_each_mail_once(server: Server) -> None:
    server.answers = [mails("a", "b", next_starting_after="1"), mails("b", "c")]
    assert names(server) == ["a", "b", "c"]


def test_a_page_that_fails_leaves_no_half_a_history(server: Server) -> None:
    server.answers = [mails("a", next_starting_after="1"), json_answer({}, 503)]
    assert isinstance(error_of(lambda: api(server).thread(event())), TryLater)


# Connections and deadlines


def test_a_thread_keeps_its_connection(server: Server) -> None:
    client = client_of(server)
    for _ in range(3):
        client.get("/v2/x")
    assert len({request["client"] for request in server.seen}) == 1


def test_every_thread_has_a_connection_of_its_own(server: Server) -> None:
    client = client_of(server)
    together = threading.Barrier(3)

    def twice() -> None:
        together.wait(LONG)
        client.get("/v2/x")
        together.wait(LONG)  # nobody's connection is free for another
        client.get("/v2/x")

    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(twice) for _ in range(3)]:
            done.result()
    used = [request["client"] for request in server.seen]
    assert sorted(used.count(one) for one in set(used)) == [2, 2, 2]


def test_a_connection_that_went_stale_is_made_anew(server: Server) -> None:
    server.answers = [json_answer({}, Connection="close"), json_answer({"id": "a"})]
    client = client_of(server)
    client.get("/v2/x")
    assert client.get("/v2/x") == {"id": "a"}


@pytest.mark.parametrize(
    "answer", [drip, silence, late_then_silent(0.2)], ids=["drip", "silence", "late"]
)
def test_the_deadline_is_kept(server: Server, answer: Answer) -> None:
    server.answers = [answer]
    client = client_of(server, deadline=0.4)
    began = time.monotonic()
    error = error_of(lambda: client.post("/v2/x", {}, lambda: None))
    assert (type(error), error.reason) == (OutcomeUnknown, "no_answer")
    assert "ReadTimeout" in error.detail
    assert time.monotonic() - began < LONG / 3
    assert isinstance(error_of(lambda: client.get("/v2/x")), TryLater)


def test_the_parts_of_a_call_share_one_deadline(server: Server) -> None:
    server.answers = [late_then_silent(1.6)]
    began = time.monotonic()
    error_of(lambda: client_of(server, deadline=2.0).get("/v2/x"))
    assert time.monotonic() - began < 3.0


@pytest.mark.parametrize("answer", [cut, cut_in_the_middle])
def test_a_cut_connection_leaves_a_sends_outcome_unknown(server: Server, answer: Answer) -> None:
    server.answers = [answer]
    client = client_of(server)
    assert isinstance(error_of(lambda: client.post("/v2/x", {}, lambda: None)), OutcomeUnknown)
    assert isinstance(error_of(lambda: client.get("/v2/x")), TryLater)


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda client: client.ask("/v2/x", {}), TryLater),
        (lambda client: client.post("/v2/x"), OutcomeUnknown),
        (lambda client: client.patch("/v2/x", {}), OutcomeUnknown),
        (lambda client: client.delete("/v2/x"), OutcomeUnknown),
    ],
    ids=["ask", "post", "patch", "delete"],
)
def test_only_a_question_without_an_answer_is_surely_without_effect(
    server: Server, call: Callable[[ApiClient], object], kind: type[AutoreplyError]
) -> None:
    server.answers = [cut]
    assert type(error_of(lambda: call(client_of(server)))) is kind


def test_a_request_without_a_body_says_nothing_of_one(server: Server) -> None:
    client = client_of(server)
    client.post("/v2/x")
    client.delete("/v2/x")
    assert [request["method"] for request in server.seen] == ["POST", "DELETE"]
    for request in server.seen:
        assert (request["body"], request["headers"].get("content-type")) == (b"", None)


def test_nothing_is_sent_twice_by_itself(server: Server) -> None:
    server.answers = [json_answer({}), cut]
    client = client_of(server)
    client.get("/v2/x")
    error_of(lambda: client.post("/v2/x", {}, lambda: None))
    assert len(server.seen) == 2


def test_an_answer_without_end_is_given_up_before_it_fills_the_memory(server: Server) -> None:
    def flood(handler: Handler) -> None:
        handler.begin(Content_Length=str(1 << 40))
        while not handler.server.over.is_set():
            handler.wfile.write(b" " * 65536)

    server.answers = [flood]
    error = error_of(lambda: client_of(server, deadline=LONG).get("/v2/x"))
    assert "has more than" in error.detail


@pytest.mark.parametrize("body", [b"\x1f\x8b garbage", b"plain"])
def test_an_answer_that_cannot_be_unpacked_is_named(server: Server, body: bytes) -> None:
    def packed(handler: Handler) -> None:
        handler.begin(Content_Encoding="gzip", Content_Length=str(len(body)))
        handler.wfile.write(body)

    server.answers = [packed]
    assert isinstance(
        error_of(lambda: client_of(server).post("/v2/x", {}, lambda: None)), OutcomeUnknown
    )


def test_a_refused_connection_was_surely_no_reply() -> None:
    opened: list[httpx.Client] = []
    with closing(socket.socket()) as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        client = Client(f"http://127.0.0.1:{taken.getsockname()[1]}", opened, deadline=5.0)
        error = error_of(lambda: client.post("/v2/x", {}, lambda: None))
    opened[0].close()
    assert (type(error), error.reason) == (TryLater, "api_away")


@pytest.mark.parametrize("key", ["schlüssel", "k3y\n", "“k3y”", "k\x00y"])
def test_a_key_that_no_header_can_carry_stops_the_start(key: str) -> None:
    with pytest.raises(ConfigurationError, match="AUTOREPLY_API_KEY") as caught:
        ApiClient("https://api.example", key, deadline=5.0)
    assert key not in str(caught.value)


@pytest.mark.parametrize("url", ["", "api.example", "ftp://api.example", "/v2"])
def test_an_address_that_is_none_stops_the_start(url: str) -> None:
    with pytest.raises(ConfigurationError, match="AUTOREPLY_API_URL"):
        ApiClient(url, "k3y", deadline=5.0)


# At the door


def test_the_last_check_is_made_on_an_open_connection_before_a_byte_is_written(
    server: Server,
) -> None:
    connections: list[int] = []
    server.verify_request = lambda *_: connections.append(1) or True  # type: ignore[method-assign]
    at_the_door: list[tuple[int, int]] = []

    def look() -> None:
        while not connections:  # the server's thread has to take the connection first
            server.over.wait(0.001)
        at_the_door.append((len(connections), len(server.seen)))

    client_of(server).post("/v2/x", {}, look)
    assert at_the_door == [(1, 0)]
    assert len(server.seen) == 1


def test_what_the_last_check_raises_keeps_the_request_from_leaving(server: Server) -> None:
    def refuse() -> None:
        raise TryLater("time_lost")

    with pytest.raises(TryLater, match="time_lost"):
        client_of(server).post("/v2/x", {"lead_id": "a"}, refuse)
    client_of(server).get("/v2/after")
    assert [request["method"] for request in server.seen] == ["GET"]


def test_every_send_has_a_fresh_connection(server: Server) -> None:
    client = client_of(server)
    for _ in range(3):
        client.post("/v2/x", {}, lambda: None)
    assert len({request["client"] for request in server.seen}) == 3


def test_a_proxy_that_is_asked_for_the_way_is_not_the_door() -> None:
    calls: list[str] = []
    trace = _knock(lambda: calls.append("door"))
    for method in (b"CONNECT", b"POST"):
        request = httpcore.Request(method, "https://api.example/v2/x")
        trace("http11.send_request_headers.started", {"request": request})
    assert calls == ["door"]


def test_each_call_that_left_is_told_with_what_it_came_to(server: Server, dead_url: str) -> None:
    told: list[tuple[str, str, str]] = []
    client = ApiClient(server.url, "k3y", deadline=5.0, called=lambda *about: told.append(about))
    server.answers = [json_answer({}), json_answer({}, 404)]
    client.get("/v2/emails")
    with pytest.raises(GiveUp):
        client.post("/v2/emails/reply", {})
    client.close()
    nowhere = dead_url.replace("redis", "http").removesuffix("/0")
    away = ApiClient(nowhere, "k3y", deadline=5.0, called=lambda *about: told.append(about))
    with pytest.raises(TryLater):
        away.get("/v2/emails")
    away.close()
    assert told == [
        ("GET", "/v2/emails", "200"),
        ("POST", "/v2/emails/reply", "404"),
        ("GET", "/v2/emails", "ConnectError"),
    ]

"""Notifications: told once, grouped, not too often, and through a real address."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime, time, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner
from integration.world import World

from worker.cli import main
from worker.domain.errors import ConfigurationError, TryLater
from worker.domain.notices import QUIET, Notice
from worker.domain.progress import State
from worker.ledger.memo import RedisMemo
from worker.notify import Messenger, Watch, until
from worker.ports import Claim


class Hearing:
    """Collects what is told, or takes nothing."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.is_deaf = False

    def __call__(self, notice: Notice) -> None:
        if self.is_deaf:
            raise TryLater("not_notified")
        self.titles.append(notice.title)


@pytest.fixture
def hearing() -> Hearing:
    return Hearing()


@pytest.fixture
def watch(world: World, redis_client: redis.Redis, hearing: Hearing) -> Watch:
    return Watch(world.ledger, RedisMemo(redis_client), hearing, lambda: world.clock.now / 1000)


def hold(world: World, key: str) -> None:
    world.deliver(email_id=key, lead_id=key, reply_text="Hello?")
    claim = world.ledger.claim(key)
    assert isinstance(claim, Claim)
    world.ledger.close(claim, State.HELD, "no_rule")


def test_what_was_before_the_first_look_is_no_news(
    world: World, watch: Watch, hearing: Hearing
) -> None:
    hold(world, "old")
    watch.look()
    assert hearing.titles == []


def test_news_is_told_once_and_then_gathers(world: World, watch: Watch, hearing: Hearing) -> None:
    watch.look()
    hold(world, "one")
    for _ in range(3):
        watch.look()
    assert hearing.titles == ["An answer waits for a person"]

    hold(world, "two")
    hold(world, "three")
    watch.look()
    assert len(hearing.titles) == 1
    world.clock.now += int(QUIET.total_seconds() * 1000)
    watch.look()
    assert hearing.titles[1:] == ["2 answers wait for a person"]


def test_what_was_not_taken_is_told_at_the_next_look(
    world: World, watch: Watch, hearing: Hearing
) -> None:
    watch.look()
    hold(world, "one")
    hearing.is_deaf = True
    with pytest.raises(TryLater):
        watch.look()
    hearing.is_deaf = False
    watch.look()
    assert hearing.titles == ["An answer waits for a person"]


def test_a_refusal_of_the_api_is_told_once_while_it_lasts(
    world: World, watch: Watch, hearing: Hearing
) -> None:
    for _ in range(3):
        world.ledger.hold_off(60_000, "api_refused", "the API key is wrong")
        watch.look()
        world.clock.now += 30_000
    assert hearing.titles == ["The API refuses us: everything waits"]


def test_a_rate_limit_is_nothing_to_wake_anybody_for(
    world: World, watch: Watch, hearing: Hearing
) -> None:
    world.ledger.hold_off(60_000, "rate_limited", "HTTP 429")
    watch.look()
    assert hearing.titles == []


def test_the_day_is_summed_up_every_day(world: World, watch: Watch, hearing: Hearing) -> None:
    watch.sum_up()
    hold(world, "one")
    assert 0 < watch.sum_up() <= 86_400
    assert hearing.titles == ["Yesterday's replies"]


@pytest.mark.parametrize(
    ("now", "seconds"),
    [((7, 30), 1800.0), ((8, 0), 86_400.0), ((9, 0), 23 * 3600.0)],
)
def test_the_digest_comes_at_its_time(now: tuple[int, int], seconds: float) -> None:
    moment = datetime(2026, 11, 25, *now, tzinfo=timezone(timedelta(hours=1)))
    assert until(time(8), moment) == seconds


@pytest.fixture
def inbox() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A web server that takes Apprise's JSON notifications."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200 if self.path == "/in" else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"json://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()


def test_a_notice_reaches_every_address_with_a_link(inbox: tuple[str, list[Any]]) -> None:
    url, got = inbox
    messenger = Messenger(f"{url}/in, {url}/in?x=1", console="https://h.example/", workspace="acme")
    messenger.send(Notice(kind="held", title="2 wait", body="why", page="/inbox"))
    assert [mail["title"] for mail in got] == ["[autoreply acme] 2 wait"] * 2
    assert got[0]["message"] == "why\n\nhttps://h.example/inbox"


def test_an_address_that_refuses_is_no_success(inbox: tuple[str, list[Any]]) -> None:
    with pytest.raises(TryLater):
        Messenger(f"{inbox[0]}/out", console="").send(Notice(kind="x", title="x"))


@pytest.mark.parametrize("urls", ["nonsense://x", "mailto://"])
def test_an_address_that_is_none_stops_the_start_without_showing_it(urls: str) -> None:
    with pytest.raises(ConfigurationError, match="address 1 is none"):
        Messenger(urls, console="")


@pytest.mark.parametrize(
    "urls",
    [
        "mailto://user:pass@smtp.example.com?to=ops@example.com",
        "sendgrid://SG.abcdefghijklmnop.abcdef:from@example.com/ops@example.com",
        "mailgun://user@mail.example.com/12345678901234567890123456789012-12345678-12345678/ops@example.com",
        "mailersend://user:mlsn.1234567890@example.com/ops@example.com",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops",
        "workflows://prod-00.westeurope.logic.azure.com:443/643e69f83c8944/AbCdEf",
        "tgram://123456789:abcdefg_hijklmnop/12315544/",
        "jsons://hooks.example.com/in",
    ],
)
def test_the_services_that_teams_use_are_known(urls: str) -> None:
    assert Messenger(urls, console="").count == 1


def test_a_test_is_sent_from_the_command_line(
    inbox: tuple[str, list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url, got = inbox
    done = CliRunner().invoke(main, ["notify", "--test"], env={"AUTOREPLY_NOTIFY": f"{url}/in"})
    assert done.output == "sent to 1 address\n"
    assert got[0]["title"] == "[autoreply] This is a test"
    failed = CliRunner().invoke(main, ["notify", "--test"], env={"AUTOREPLY_NOTIFY": f"{url}/out"})
    assert failed.exit_code == 1
    unset = CliRunner().invoke(main, ["notify", "--test"], env={"AUTOREPLY_NOTIFY": ""})
    assert (unset.exit_code, "AUTOREPLY_NOTIFY" in unset.stderr) == (2, True)

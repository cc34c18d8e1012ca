"""`backtest`, on records that the pipeline made itself, in a real server."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result
from integration.world import LEASE, RETENTION, FakeApi, HandClock, World

from worker.cli import main
from worker.domain.errors import TryLater
from worker.domain.rules import build
from worker.ledger.redis import RedisLedger
from worker.settings import PREFIX

PRICING = """---
when: reply is mentioning("how much")
---
Hi, it depends.
"""
FALLBACK = "---\nwhen: true\nmode: hold\npriority: 0\n---\nThank you.\n"
OLD = {"pricing.j2": PRICING, "fallback.j2": FALLBACK}

Backtest = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "templates", OLD)
    return tmp_path


def write(folder: Path, files: dict[str, str]) -> str:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return str(folder)


@pytest.fixture
def past(redis_client: redis.Redis) -> Iterator[World]:
    """Return a world whose clock runs an hour behind, so that all in it was lately."""
    clock = HandClock(time.time_ns() // 1_000_000 - 3_600_000)
    with closing(redis_client):
        ledger = RedisLedger(redis_client, lease=LEASE, retention=RETENTION, now=clock)
        yield World(ledger, clock, FakeApi(clock), templates=build(OLD))


def wrote(world: World, number: int, text: str, **more: Any) -> str:
    """Let a lead of its own write, and the service work on it."""
    name, lead = f"mail-{number}", f"lead-{number}"
    world.api.writes(lead, text, name=name)
    address = f"{lead}@lead.example"
    told = {"email_id": name, "lead_id": lead, "reply_text": text, "lead_email": address}
    key = world.deliver(**{**told, "timestamp": world.clock.moment.isoformat(), **more})
    world.pipeline().answer(key)
    return key


@pytest.fixture
def backtest(folder: Path, valkey_url: str) -> Backtest:
    def run(*arguments: str, **environ: str) -> Result:
        named = {"redis_url": valkey_url, **environ}
        env = {PREFIX + name.upper(): value for name, value in named.items()}
        return CliRunner().invoke(main, ["backtest", *arguments], env=env)

    return run


def found(result: Result) -> Any:
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return json.loads(result.stdout)


def test_the_same_templates_change_nothing(past: World, backtest: Backtest) -> None:
    wrote(past, 1, "How much is it?")
    wrote(past, 2, "Hello there")
    wrote(past, 3, "Please unsubscribe me")
    report = found(backtest("--json"))
    assert (report["replies"], report["same"], report["different"]) == (3, 3, 0)
    assert report["differences"] == []
    shown = backtest().stdout
    assert "3 replies since" in shown
    assert "3 as before" in shown
    assert "Nothing was sent." in shown


def test_other_templates_show_what_would_be_sent_and_which_words_did_it(
    past: World, backtest: Backtest, folder: Path
) -> None:
    wrote(past, 1, "How much is it?")
    key = wrote(past, 2, "Hello there, do you have an API?")
    api = PRICING.replace("how much", "an API").replace("it depends", "we have one")
    other = write(folder / "other", OLD | {"api.j2": api})
    report = found(backtest("--templates", other, "--json"))
    (one,) = report["differences"]
    assert (one["key"], one["lead_email"]) == (key, "lead-2@lead.example")
    assert one["words"] == "Hello there, do you have an API?"
    assert (one["was"]["decision"], one["was"]["template"]) == ("hold", "fallback")
    assert (one["would_be"]["decision"], one["would_be"]["template"]) == ("reply", "api")
    assert one["would_be"]["because"] == "“an API”"
    assert one["draft"]["body"] == "Hi, we have one."
    assert one["trace"][-1]["outcome"] == "fits"
    counts = {(c["decision"], c["template"]): (c["was"], c["would_be"]) for c in report["counts"]}
    assert counts == {
        ("reply", "api"): (0, 1),
        ("reply", "pricing"): (1, 1),
        ("hold", "fallback"): (1, 0),
    }


def test_people_see_the_counts_then_each_difference(
    past: World, backtest: Backtest, folder: Path
) -> None:
    wrote(past, 1, "Hello there [b]\n\nBest, Ann")
    other = write(folder / "other", {"all.j2": FALLBACK.replace("mode: hold\n", "")})
    shown = backtest("--templates", other).stdout
    for part in (
        "1 different",
        "hold fallback needs_approval → reply all",
        "“Hello there [b] Best, Ann”",
        "lead-1@lead.example",
        "mail-1",
    ):
        assert part in shown
    assert shown.index("would be") < shown.index("1 different") < shown.index("“Hello")


def test_many_differences_are_cut_short_for_people_only(
    past: World, backtest: Backtest, folder: Path
) -> None:
    for number in range(3):
        wrote(past, number, f"Hello number {number}")
    other = write(folder / "other", {"all.j2": FALLBACK.replace("mode: hold\n", "")})
    shown = backtest("--templates", other, "--limit", "1").stdout
    assert "… and 2 older ones" in shown
    assert "Hello number 2" in shown
    assert "Hello number 0" not in shown
    assert "“" not in backtest("--templates", other, "--limit", "0").stdout
    assert len(found(backtest("--templates", other, "--limit", "1", "--json"))["differences"]) == 3


def test_nothing_is_sent_and_nothing_changes(
    past: World, backtest: Backtest, folder: Path, redis_client: redis.Redis
) -> None:
    wrote(past, 1, "Hello there")
    dump = {key: redis_client.dump(key) for key in redis_client.scan_iter()}
    sent = len(past.api.sent)
    other = write(folder / "other", {"all.j2": FALLBACK.replace("mode: hold\n", "")})
    backtest("--templates", other)
    assert {key: redis_client.dump(key) for key in redis_client.scan_iter()} == dump
    assert len(past.api.sent) == sent


def test_only_what_came_since_then_is_decided_again(past: World, backtest: Backtest) -> None:
    wrote(past, 1, "How much is it?")
    past.clock.now += 1_800_000
    wrote(past, 2, "How much is it now?")
    assert found(backtest("--since", "45m", "--json"))["replies"] == 1
    assert found(backtest("--since", "2h", "--json"))["replies"] == 2
    assert found(backtest("--since", "1s", "--json"))["replies"] == 0
    assert "0 replies since" in backtest("--since", "1s").stdout


def test_what_is_no_reply_is_left_out(past: World, backtest: Backtest) -> None:
    past.deliver(event_type="email_opened", email_id="x")
    past.deliver(event_type="lead_unsubscribed", lead_id="lead-9")
    past.ledger.quarantine("{}", "no_identity", {})
    report = found(backtest("--json"))
    assert (report["replies"], report["gone"]) == (0, 0)


def test_what_is_no_longer_kept_is_counted(
    past: World, backtest: Backtest, redis_client: redis.Redis
) -> None:
    wrote(past, 1, "How much is it?")
    emptied, lost = wrote(past, 2, "Hello"), wrote(past, 3, "Hello again")
    redis_client.hdel(f"autoreply:{{default}}:ev:{emptied}", "delivery:reply_received")
    redis_client.delete(f"autoreply:{{default}}:ev:{lost}")
    report = found(backtest("--json"))
    assert (report["replies"], report["gone"]) == (1, 2)
    assert "2 left out: what they wrote is no longer kept" in backtest().stdout


def test_what_a_colleague_answered_stays_as_it_was(past: World, backtest: Backtest) -> None:
    past.api.writes("lead-1", "How much is it?", name="mail-1")
    past.clock.now += 1000
    past.api.colleague_writes("lead-1", "Twelve.")
    past.pipeline().answer(past.deliver(email_id="mail-1", reply_text="How much is it?"))
    report = found(backtest("--json"))
    assert (report["kept"], report["different"]) == (1, 0)


def test_what_a_person_approved_is_told_with_their_name(
    past: World, backtest: Backtest, folder: Path
) -> None:
    key = wrote(past, 1, "Hello there")
    past.ledger.approve(key, "ann")
    past.pipeline().answer(key)
    report = found(backtest("--json"))
    assert report["same"] == 1
    assert [(one["decision"], one["template"], one["was"], one["would_be"])
            for one in report["counts"]] == [("hold", "fallback", 1, 1)]  # fmt: skip
    other = write(folder / "other", {"all.j2": FALLBACK.replace("mode: hold\n", "")})
    assert "hold, then ann → reply all" in backtest("--templates", other).stdout


# Conversations from the API


def test_conversations_are_fetched_where_it_is_asked(
    past: World, backtest: Backtest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrote(past, 1, "How much is it?")
    monkeypatch.setattr("worker.cli.backtest.contract_for", lambda _: lambda _: past.api)
    seen = PRICING.replace('reply is mentioning("how much")', "thread.count == 1")
    other = write(folder / "other", {"seen.j2": seen})
    without = found(backtest("--templates", other, "--json", api_key="k"))
    assert without["differences"][0]["would_be"]["reason"] == "no_rule"
    fetched = found(backtest("--templates", other, "--fetch", "--json", api_key="k"))
    assert fetched["differences"][0]["would_be"]["template"] == "seen"
    assert fetched["unfetched"] == 0


def test_a_conversation_that_cannot_be_read_is_counted(
    past: World, backtest: Backtest, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        def thread(self, _: object) -> None:
            raise TryLater("api_away")

    wrote(past, 1, "How much is it?")
    monkeypatch.setattr("worker.cli.backtest.contract_for", lambda _: lambda _: Away())
    report = found(backtest("--fetch", "--json", api_key="k"))
    assert (report["replies"], report["same"], report["unfetched"]) == (1, 1, 1)


def test_fetching_needs_a_key(past: World, backtest: Backtest) -> None:
    result = backtest("--fetch")
    assert result.exit_code == 2
    assert "AUTOREPLY_API_KEY is not set" in result.stderr


# The page


class Page(HTMLParser):
    """Collects what a page would load or run, and its visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_page_has_everything_in_it_and_runs_nothing(
    past: World, backtest: Backtest, folder: Path
) -> None:
    wrote(past, 1, "Hello <script>alert(1)</script> & co")
    other = write(folder / "other", {"all.j2": FALLBACK.replace("mode: hold\n", "")})
    result = backtest("--templates", other, "--html", "page.html")
    assert "the whole report is in page.html" in result.stdout
    file = folder / "page.html"
    page = Page(file.read_text("utf-8"))
    assert "script" not in page.tags
    assert not {"src", "onclick", "onload"} & page.attributes
    assert "http" not in file.read_text("utf-8")
    assert 'name="viewport"' in file.read_text("utf-8")
    for part in ("1 different", "Hello <script>alert(1)</script> & co", "reply all", "Thank you."):
        assert part in page.words
    assert file.stat().st_mode & 0o077 == 0


def test_a_page_may_come_with_json(past: World, backtest: Backtest, folder: Path) -> None:
    wrote(past, 1, "Hello")
    assert found(backtest("--json", "--html", "page.html"))["replies"] == 1
    assert "1 as before" in (folder / "page.html").read_text("utf-8")


# What came of the variants


@pytest.fixture
def variants(folder: Path, valkey_url: str) -> Backtest:
    def run(*arguments: str) -> Result:
        env = {f"{PREFIX}REDIS_URL": valkey_url}
        return CliRunner().invoke(main, ["variants", *arguments], env=env)

    return run


def test_who_wrote_back_is_counted_by_variant(past: World, variants: Backtest) -> None:
    past.templates = build({"pricing.j2": PRICING.replace("when:", "variants: [a, b]\nwhen:")})
    for number in range(12):
        wrote(past, number, "How much is it?")
    drawn = {r.lead_id: r.variant for r in past.ledger.records(None, 99)}
    assert set(drawn.values()) == {"a", "b"}
    past.clock.now += 60_000
    for lead, variant in drawn.items():
        if variant == "b":
            wrote(past, 100 + len(lead), "Thank you!", email_id=f"again-{lead}", lead_id=lead)
    past.deliver(email_id="new", lead_id="lead-1", reply_text="Not read yet")
    counts = {one["variant"]: one for one in json.loads(variants("--json").stdout)}
    many = list(drawn.values()).count("b")
    assert (counts["b"]["sent"], counts["b"]["wrote_back"], counts["b"]["stopped"]) == (
        many,
        many,
        0,
    )
    assert (counts["a"]["sent"], counts["a"]["wrote_back"]) == (12 - many, 0)
    people = variants().stdout
    assert "100 %" in people
    assert people.count("pricing") == 2


def test_an_automatic_reply_is_not_writing_back_and_an_opt_out_is(
    past: World, variants: Backtest
) -> None:
    for number in (1, 2):
        wrote(past, number, "How much is it?")
    past.clock.now += 60_000
    wrote(past, 3, "I am away", lead_id="lead-1", event_type="auto_reply_received")
    past.deliver(event_type="lead_unsubscribed", lead_id="lead-2")
    (one,) = json.loads(variants("--json").stdout)
    assert (one["template"], one["sent"], one["wrote_back"], one["stopped"]) == ("pricing", 2, 1, 1)


def test_where_nothing_was_sent_it_says_so(past: World, variants: Backtest) -> None:
    assert "nothing was sent" in variants().stdout
    assert json.loads(variants("--json").stdout) == []


# Wrong usage


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--since", "lately"], 2, "'lately' is no duration; write 90s, 5m, 2h or 7d"),
        (["--limit", "-1"], 2, "-1 is not in the range"),
        (["--templates", "absent"], 2, "'--templates': Directory 'absent' does not exist"),
        (["--html", "absent/page.html"], 0, ""),
        (["--html", "/proc/page.html"], 1, "page"),
    ],
)
def test_what_cannot_be_done_is_told_on_one_line(
    past: World, backtest: Backtest, arguments: list[str], code: int, said: str
) -> None:
    result = backtest(*arguments)
    assert result.exit_code == code, result.output
    assert said in result.stderr
    assert result.stderr.count("\n") == (1 if code else 0)


def test_broken_templates_are_named_and_nothing_is_decided(
    past: World, backtest: Backtest, folder: Path
) -> None:
    other = write(folder / "other", {"a.j2": "---\npriority: 1\n---\nHi"})
    result = backtest("--templates", other)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "a.j2:1: when is missing" in result.stderr


def test_without_a_ledger_it_says_what_to_set(backtest: Backtest) -> None:
    result = backtest(redis_url="")
    assert result.exit_code == 2
    assert "AUTOREPLY_REDIS_URL is not set" in result.stderr

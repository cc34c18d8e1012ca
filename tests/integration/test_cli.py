"""The command line: exit codes, one line for an error, and what is printed for whom."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from click.testing import CliRunner, Result
from integration.serving import running as serving

from web.sandbox import create_app
from worker import running
from worker.bootstrap import make_ledger
from worker.cli import live, main
from worker.contracts.webhook import parse
from worker.domain.model import Caps, Draft
from worker.domain.progress import State
from worker.ledger.redis import RedisLedger, connect
from worker.ledger.redis_mirror import RedisMirror
from worker.mails import KeptMail
from worker.ports import Attempt, Claim
from worker.settings import PREFIX, load

TEMPLATES = {
    "pricing.j2": """---
when: reply is mentioning("how much")
examples:
  match: ["How much is it?"]
  skip: ["Thanks."]
---
Hi {{ lead.first_name | default("there") }},

it depends on {{ vars.what }}.
""",
    "fallback.j2": "---\nwhen: true\nmode: hold\npriority: 0\n---\nThank you.\n",
    "_settings.yaml": "vars: {what: the seats}\n",
}
EVENT: dict[str, Any] = {
    "event_type": "reply_received",
    "lead_id": "lead-1",
    "lead_email": "ann@lead.example",
    "email_account": "sam@ours.example",
    "email_id": "mail-1",
    "reply_subject": "Re: Your team",
    "reply_text": "How much is it?",
    "firstName": "Ann",
}

TWO = ("acme", "beta")

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder with a few templates, and with no setting at all."""
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "templates").mkdir()
    for name, text in TEMPLATES.items():
        (tmp_path / "templates" / name).write_text(text, "utf-8")
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    def autoreply(*arguments: str, text: str = "", **environ: str) -> Result:
        named = {PREFIX + name.upper(): value for name, value in environ.items()}
        return CliRunner().invoke(main, arguments, input=text, env=named)

    return autoreply


def event_file(folder: Path, **changes: Any) -> str:
    moment = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    path = folder / "event.json"
    path.write_text(json.dumps(EVENT | {"timestamp": moment} | changes), "utf-8")
    return str(path)


def thread_file(folder: Path, *items: dict[str, Any]) -> str:
    path = folder / "thread.json"
    path.write_text(json.dumps({"items": items}), "utf-8")
    return str(path)


def line(result: Result, code: int) -> str:
    """Return the one line on standard error of a command that failed."""
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.stderr.endswith("\n")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output
    return result.stderr.strip()


# The whole


def test_without_a_command_the_commands_are_shown(run: Run) -> None:
    shown = run("--help")
    assert shown.exit_code == 0
    assert all(name in shown.stdout for name in main.commands)
    assert run("--version").stdout.startswith("autoreply")


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_says_what_it_does(run: Run, name: str) -> None:
    shown = run(name, "-h")
    assert (shown.exit_code, shown.stderr) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["--nothing"],
        ["events", "nothing"],
        ["events", "show"],
        ["events", "list", "--limit", "0"],
        ["events", "list", "--state", "tired"],
        ["preview"],
        ["preview", "absent.json"],
        ["suppress", "nobody"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("autoreply: ")
    assert result.stderr.count("\n") == 1
    assert "--help" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        (["events", "list"], {}, "AUTOREPLY_REDIS_URL is not set: set AUTOREPLY_REDIS_URL, or"),
        (["pause"], {}, "AUTOREPLY_REDIS_URL is not set"),
        (["web"], {}, "AUTOREPLY_WEBHOOK_SECRET is not set"),
        (["web"], {"webhook_secret": "s"}, "AUTOREPLY_REDIS_URL is not set"),
        (["worker"], {}, "AUTOREPLY_REDIS_URL is not set"),
        (["worker"], {"redis_url": "redis://127.0.0.1:1"}, "AUTOREPLY_API_KEY is not set"),
        (["flower"], {}, "AUTOREPLY_REDIS_URL is not set"),
        (["events", "list"], {"redis_url": "nowhere"}, "begin it with one of redis, rediss"),
        (["events", "list"], {"port": "many"}, "AUTOREPLY_PORT='many'"),
        (["check"], {"prot": "1"}, "did you mean AUTOREPLY_PORT?"),
        (["check"], {"http_timeout": "60"}, "must be shorter than"),
    ],
)
def test_a_wrong_setting_ends_with_2_and_one_line(
    run: Run, arguments: list[str], environ: dict[str, str], said: str
) -> None:
    assert said in line(run(*arguments, **environ), 2)


def test_a_folder_that_is_not_there_is_named_with_its_setting(run: Run) -> None:
    said = "templates: absent: no such folder; set AUTOREPLY_TEMPLATES"
    assert said in run("check", templates="absent").stdout


def test_a_workspace_that_there_is_none_of_is_told_in_whole_sentences(run: Run) -> None:
    said = line(run("--workspace", "acm", "events", "list"), 2)
    assert "there is no workspace 'acm'. Set AUTOREPLY_WORKSPACE, or give --workspace NAME" in said
    assert not os.environ.get("AUTOREPLY_WORKSPACE")


def test_a_worker_beside_up_is_told_how_there_are_more(run: Run, folder: Path) -> None:
    beside = running.Running(redis_url="redis://x", webhook_secret="s", web_url="http://x")
    with running.only_one(folder / "var"):
        running.write(folder / "var", beside)
        said = line(run("worker", api_key="k"), 2)
    assert "the server that `autoreply up` brought is for its own parts" in said
    assert "AUTOREPLY_CONCURRENCY" in said


def test_a_ledger_that_is_away_ends_with_1_and_one_line(run: Run, dead_url: str) -> None:
    for arguments in (["events", "list"], ["events", "show", "x"], ["pause"], ["resume"]):
        assert "does not answer" in line(run(*arguments, redis_url=dead_url), 1)


def test_verbose_shows_where_an_error_comes_from(run: Run, dead_url: str) -> None:
    result = run("--verbose", "events", "list", redis_url=dead_url)
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("autoreply: ")


def test_a_demo_needs_a_running_service(run: Run) -> None:
    assert "autoreply up" in line(run("demo"), 1)


# check


def healthy(url: str) -> dict[str, str]:
    return {"redis_url": url, "api_key": "k", "webhook_secret": "s"}


def test_a_check_finds_nothing_where_all_is_well(run: Run, valkey_url: str) -> None:
    result = run("check", **healthy(valkey_url))
    assert (result.exit_code, result.stderr) == (0, "")
    for part in ("✓ settings", "✓ redis", "✓ templates", "2 templates, 2 examples"):
        assert part in result.stdout


def test_a_check_names_file_and_line_of_a_broken_template(
    run: Run, folder: Path, valkey_url: str
) -> None:
    broken = "---\nwhen: true\n---\nHi\n\nthe price {{ is broken\n"
    (folder / "templates" / "broken.j2").write_text(broken, "utf-8")
    result = run("check", **healthy(valkey_url))
    assert "1 to mend" in line(result, 1)
    assert "✗ templates" in result.stdout
    assert "broken.j2:6: " in result.stdout


def test_a_check_runs_the_examples(run: Run, folder: Path, valkey_url: str) -> None:
    wrong = TEMPLATES["pricing.j2"].replace('"How much is it?"', '"Hello."')
    (folder / "templates" / "pricing.j2").write_text(wrong, "utf-8")
    result = run("check", **healthy(valkey_url))
    line(result, 1)
    assert "pricing.j2:" in result.stdout
    assert "Hello." in result.stdout


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "zz.j2",
            '---\nwhen: reply is mentioning("price")\npriority: -1\n---\nHi\n',
            "zz.j2:2: never chosen: fallback.j2 (priority 0) is asked first",
        ),
        (
            "zz.j2",
            '---\nwhen: reply is mentioning("how much", "fee")\n---\nHi\n',
            "pricing.j2:4: the example “How much is it?” fits pricing and zz, both of priority 50",
        ),
        (
            "zz.j2",
            "---\nwhen: reply.text == 'x'\n---\nHi\n{{ lead.company }}\n",
            "zz.j2:5: with a lead of whom only the id is known: lead.company is undefined",
        ),
        (
            "zz.j2",
            "---\nwhen: reply.text == 'x'\n---\n{{ vars.waht }}\n",
            "zz.j2:4: there is no vars.waht in _settings.yaml; did you mean vars.what?",
        ),
    ],
)
def test_a_check_finds_what_would_go_wrong_with_a_mail(
    run: Run, folder: Path, valkey_url: str, name: str, text: str, said: str
) -> None:
    (folder / "templates" / name).write_text(text, "utf-8")
    result = run("check", **healthy(valkey_url))
    assert "1 to mend" in line(result, 1)
    assert said in result.stdout


def test_a_note_of_a_check_is_no_failure(
    run: Run, folder: Path, ledger: RedisLedger, valkey_url: str
) -> None:
    accepted(ledger, seatsWanted=12)
    (folder / "templates" / "pricing.de.j2").write_text("{{ lead.seats_wantd | default(1) }}")
    result = run("check", **healthy(valkey_url))
    assert (result.exit_code, result.stderr) == (0, "")
    for part in (
        "✓ templates  2 templates, 2 examples",
        "note: _settings.yaml:1: the mailbox sam@ours.example has no row in accounts",
        "note: pricing.de.j2:1: no “de” text of fallback: the plain one answers",
        "note: pricing.de.j2:1: nothing is known to have lead.seats_wantd; did you mean lead.seats",
    ):
        assert part in result.stdout


def test_a_check_lists_everything_that_is_wrong(run: Run, dead_url: str) -> None:
    result = run("check", redis_url=dead_url, templates="absent")
    assert "3 to mend" in line(result, 1)
    for part in ("AUTOREPLY_API_KEY", "does not answer", "absent"):
        assert part in result.stdout


def test_a_check_takes_what_up_brings_for_no_failure(run: Run) -> None:
    result = run("check")
    assert (result.exit_code, result.stderr) == (0, "")
    for part in (
        "– redis: none set; `autoreply up` brings one",
        "– API key: none set; `autoreply up` brings a sandbox instead",
        "– webhook secret: none set; `autoreply up` makes one",
        "✓ settings",
        "✓ templates",
    ):
        assert part in result.stdout
    with_key = run("check", api_key="k").stdout
    assert "API key" not in with_key
    assert "✗" not in with_key


def test_a_check_tries_the_addresses_of_notifications(run: Run) -> None:
    result = run("check", notify="json://localhost, blah://hidden-7")
    assert "1 to mend" in line(result, 1)
    assert "✗ notifications" in result.stdout
    assert "AUTOREPLY_NOTIFY: address 2 is none that can be used" in result.stdout
    assert "hidden-7" not in result.output
    assert "✓ notifications  1 address\n" in run("check", notify="json://localhost").stdout


def test_a_check_of_broken_settings_of_templates_names_the_line_beside_a_known_mailbox(
    run: Run, folder: Path, ledger: RedisLedger, valkey_url: str
) -> None:
    accepted(ledger)
    (folder / "templates" / "_settings.yaml").write_text("foo: [\n", "utf-8")
    result = run("check", **healthy(valkey_url))
    assert "1 to mend" in line(result, 1)
    assert "_settings.yaml:2: " in result.stdout
    assert "note: the examples are judged once that is mended" in result.stdout


def test_a_live_check_asks_the_sandbox_that_runs_beside_it(
    run: Run, folder: Path, valkey_url: str
) -> None:
    with serving(create_app()) as sandbox, running.only_one(folder / "var"):
        beside = running.Running(
            redis_url=valkey_url, webhook_secret="s", web_url="http://x", sandbox_url=sandbox
        )
        running.write(folder / "var", beside)
        shown = run("check", "--live").stdout
        assert "no webhook leads to a receiver" in shown
        assert shown.count("✗") == 1
        run("webhook", "register", "http://127.0.0.1:1/webhooks/instantly")
        well = run("check", "--live")
    assert (well.exit_code, well.stderr) == (0, "")
    assert "✓ api  the sandbox" in well.stdout


def test_a_check_warns_of_a_server_that_forgets(
    run: Run, valkey_url: str, redis_client: redis.Redis
) -> None:
    redis_client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        result = run("check", **healthy(valkey_url))
    finally:
        redis_client.config_set("maxmemory-policy", "noeviction")
    line(result, 1)
    assert "maxmemory-policy is allkeys-lru" in result.stdout


def test_a_live_check_tries_the_api(run: Run, valkey_url: str) -> None:
    result = run("check", "--live", **healthy(valkey_url), api_url="http://127.0.0.1:1")
    line(result, 1)
    assert "✗ api" in result.stdout
    assert "does not answer" in result.stdout


# preview


def preview(run: Run, folder: Path, *arguments: str, **changes: Any) -> Any:
    result = run("preview", event_file(folder, **changes), "--json", *arguments)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return json.loads(result.stdout)


def test_a_preview_tells_machines_decision_trace_and_draft(run: Run, folder: Path) -> None:
    shown = preview(run, folder)
    assert (shown["decision"], shown["template"]) == ("reply", "pricing")
    assert shown["draft"] == {
        "template": "pricing",
        "subject": "Re: Your team",
        "body": "Hi Ann,\n\nit depends on the seats.",
    }
    assert datetime.fromisoformat(shown["send_at"]).tzinfo
    assert shown["trace"][-1]["outcome"] == "fits"


def test_a_preview_is_readable_for_people(run: Run, folder: Path) -> None:
    result = run("preview", event_file(folder))
    assert result.exit_code == 0
    for part in ("reply  pricing", "leaves ", "Re: Your team", "it depends on the seats.", "fits"):
        assert part in result.stdout


def test_a_preview_tells_people_when_it_leaves_on_whose_clock_and_why(
    run: Run, folder: Path
) -> None:
    path = folder / "templates" / "pricing.j2"
    path.write_text(TEMPLATES["pricing.j2"].replace("when:", "delay: 3h\nwhen:"), "utf-8")
    shown = run("preview", event_file(folder, timezone="Asia/Tokyo")).stdout
    assert "It would be answered without anybody's doing." in shown
    assert "Asia/Tokyo (the lead's clock), in 3h" in shown
    assert "3h after the mail (delay 3h)" in shown
    assert "How much is it?" in shown


def test_a_preview_tells_machines_when_it_leaves_on_whose_clock_and_why(
    run: Run, folder: Path
) -> None:
    shown = preview(run, folder, timezone="Asia/Tokyo")
    assert list(shown) == [
        "decision", "reason", "detail", "template", "variant", "language", "draft", "send_at",
        "send_at_local", "zone", "zone_of", "why_then", "trace",
    ]  # fmt: skip
    assert (shown["zone"], shown["zone_of"]) == ("Asia/Tokyo", "lead")
    assert shown["send_at_local"].endswith("+09:00")
    at, local = map(datetime.fromisoformat, (shown["send_at"], shown["send_at_local"]))
    assert at == local
    assert shown["why_then"] == "neither delay nor hours are set"
    nothing = preview(run, folder, reply_text="Unsubscribe")
    assert (nothing["send_at"], nothing["zone"], nothing["why_then"]) == (None, None, None)


def test_a_preview_may_take_the_reply_to_be_in_another_language(run: Run, folder: Path) -> None:
    (folder / "templates" / "pricing.de.j2").write_text("Es kommt darauf an.", "utf-8")
    shown = preview(run, folder, "--language", "de")
    assert (shown["template"], shown["variant"], shown["language"]) == ("pricing", "de", "de")
    assert shown["draft"]["body"] == "Es kommt darauf an."
    people = run("preview", event_file(folder), "--language", "DE").stdout
    assert "reply  pricing (de)" in people
    assert "they wrote (de)" in people
    assert "pricing (de)" in people.rpartition("outcome")[2]
    wrong = run("preview", event_file(folder), "--language", "german")
    assert (wrong.exit_code, "'german' is no language" in wrong.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Unsubscribe", "It would get no answer: they asked us to stop."),
        ("Thanks.", "A person would decide: answers of this kind are approved first."),
    ],
)
def test_a_preview_says_in_a_sentence_what_it_comes_to(
    run: Run, folder: Path, words: str, said: str
) -> None:
    assert said in run("preview", event_file(folder, reply_text=words)).stdout


def test_a_preview_reads_standard_input(run: Run, folder: Path) -> None:
    text = Path(event_file(folder)).read_text("utf-8")
    result = run("preview", "-", "--json", text=text)
    assert json.loads(result.stdout)["decision"] == "reply"


def test_a_preview_takes_the_thread_into_account(run: Run, folder: Path) -> None:
    now = datetime.now(UTC)
    got = {"id": "mail-1", "direction": "inbound", "text": "How much is it?"}
    answer = {"id": "mail-2", "direction": "outbound", "text": "Twelve."}
    times = [{"timestamp": (now - timedelta(minutes=n)).isoformat()} for n in (3, 2)]
    thread = thread_file(folder, got | times[0], answer | times[1])
    shown = preview(run, folder, "--thread", thread)
    assert (shown["decision"], shown["reason"]) == ("skip", "answered_already")
    assert shown["draft"] is None


@pytest.mark.parametrize(
    ("changes", "environ", "decision", "reason"),
    [
        ({"reply_text": "Please remove me from your list."}, {}, "skip", "opted_out"),
        ({"reply_text": "Thanks."}, {}, "hold", "needs_approval"),
        ({}, {"mode": "shadow"}, "skip", "shadow"),
        ({}, {"mode": "hold"}, "hold", "needs_approval"),
        ({"timestamp": "2020-01-01T00:00:00Z"}, {}, "skip", "too_old"),
        ({"event_type": "auto_reply_received"}, {}, "skip", "automatic_reply"),
    ],
)
def test_a_preview_gives_its_reason(
    run: Run,
    folder: Path,
    changes: dict[str, str],
    environ: dict[str, str],
    decision: str,
    reason: str,
) -> None:
    result = run("preview", event_file(folder, **changes), "--json", **environ)
    shown = json.loads(result.stdout)
    assert (shown["decision"], shown["reason"]) == (decision, reason)


def test_a_preview_shows_a_template_error_with_its_line(run: Run, folder: Path) -> None:
    other = folder / "other"
    other.mkdir()
    (other / "a.j2").write_text("---\nwhen: true\n---\nHi\n{{ lead.shoe_size }}\n", "utf-8")
    shown = preview(run, folder, "--templates", str(other))
    assert (shown["decision"], shown["reason"]) == ("hold", "template_error")
    assert "a.j2:5" in shown["detail"]
    assert "shoe_size" in shown["detail"]


def test_a_preview_with_broken_templates_names_file_and_line(run: Run, folder: Path) -> None:
    (folder / "templates" / "broken.j2").write_text("---\npriority: 1\n---\nHi\n", "utf-8")
    assert "broken.j2:1: when is missing" in line(run("preview", event_file(folder)), 1)


@pytest.mark.parametrize("front", ["when: 2026-02-30", "when: \x00", "when: !!x/y z", "when: [*b]"])
def test_an_error_of_several_lines_is_told_on_one(run: Run, folder: Path, front: str) -> None:
    (folder / "templates" / "a.j2").write_text(f"---\n{front}\n---\nHi\n", "utf-8")
    assert "a.j2:" in line(run("preview", event_file(folder)), 1)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ("{}", "event_type is missing"),
        ("[]", "expected a JSON object"),
        ('{"event_type": "x"}', "neither lead_id, lead_email nor email_id"),
    ],
)
def test_a_preview_of_what_is_no_event_says_why(
    run: Run, folder: Path, payload: str, said: str
) -> None:
    assert said in line(run("preview", "-", text=payload), 1)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\xfd", b"[" * 100_000])
def test_a_file_that_is_no_json_is_wrong_usage(run: Run, folder: Path, content: bytes) -> None:
    (folder / "event.json").write_bytes(content)
    result = run("preview", "event.json")
    assert result.exit_code == 2
    assert "event.json is no JSON" in result.stderr


def test_a_thread_without_a_list_is_told_on_one_line(run: Run, folder: Path) -> None:
    (folder / "thread.json").write_text("{}", "utf-8")
    result = run("preview", event_file(folder), "--thread", "thread.json")
    assert "the answer has no list" in line(result, 1)


def test_what_a_lead_writes_is_shown_as_it_is(run: Run, folder: Path) -> None:
    hostile = "[/b] [bold]How much[/i] :smile: is it?"
    other = folder / "other"
    other.mkdir()
    echo = '---\nwhen: reply is mentioning("how much")\n---\nYou wrote: {{ reply.text }}\n'
    (other / "echo.j2").write_text(echo, "utf-8")
    event = event_file(folder, reply_text=hostile, reply_subject=f"Re: {hostile}")
    result = run("preview", event, "--templates", str(other))
    assert result.exit_code == 0, result.exception
    assert f"Re: {hostile}" in result.stdout
    assert f"You wrote: {hostile}" in result.stdout


# events, on a real server


@pytest.fixture
def ledger(valkey_url: str, redis_client: redis.Redis) -> Iterator[RedisLedger]:
    found = make_ledger(load({"AUTOREPLY_REDIS_URL": valkey_url}))
    with closing(found._redis):
        yield found


@pytest.fixture
def events(run: Run, valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("AUTOREPLY_REDIS_URL", valkey_url)
    return lambda *arguments, **more: run("events", *arguments, **more)


def accepted(ledger: RedisLedger, **changes: Any) -> str:
    payload = EVENT | changes
    return ledger.accept(parse(payload), json.dumps(payload)).key


def claimed(ledger: RedisLedger, key: str) -> Claim:
    claim = ledger.claim(key)
    assert isinstance(claim, Claim)
    return claim


def held(ledger: RedisLedger, draft: Draft | None = None, **changes: Any) -> str:
    key = accepted(ledger, **changes)
    ledger.close(claimed(ledger, key), State.HELD, "no_rule", draft=draft)
    return key


DRAFT = Draft(template="pricing", subject="Re: Your team", body="Twelve a month.")


def state(ledger: RedisLedger, key: str) -> State:
    record = ledger.record(key)
    assert record
    return record.state


def test_an_empty_ledger_is_an_empty_list(events: Run, ledger: RedisLedger) -> None:
    assert json.loads(events("list", "--json").stdout) == []
    assert events("list").stdout == "no events yet\n"
    assert events("list", "--state", "sent").stdout == "no such events\n"


def test_machines_get_every_event_with_every_field(events: Run, ledger: RedisLedger) -> None:
    key = held(ledger)
    (found,) = json.loads(events("list", "--json").stdout)
    assert {
        "key", "state", "reason", "lead_id", "lead_email", "template", "sent_id", "received_at",
        "due_at",
    } <= set(found)  # fmt: skip
    assert (found["key"], found["state"], found["reason"]) == (key, "held", "no_rule")
    assert (found["lead_id"], found["lead_email"]) == ("lead-1", "ann@lead.example")
    assert datetime.fromisoformat(found["received_at"]).tzinfo
    assert found["due_at"] is None


def test_people_get_a_table_and_the_numbers(events: Run, ledger: RedisLedger) -> None:
    held(ledger)
    accepted(ledger, email_id="mail-2", lead_id="lead-2", lead_email="bea@lead.example")
    shown = events("list").stdout
    for part in (
        "ann@lead.example",
        "bea@lead.example",
        "no_rule",
        "mail-1",
        "1 held",
        "1 received",
    ):
        assert part in shown


@pytest.mark.parametrize("name", ["held", "HELD", "Held"])
def test_the_list_may_show_one_state_in_any_case(
    events: Run, ledger: RedisLedger, name: str
) -> None:
    key = held(ledger)
    accepted(ledger, email_id="mail-2", lead_id="lead-2", reply_text="Other")
    assert [one["key"] for one in json.loads(events("list", "--json", "--state", name).stdout)] == [
        key
    ]


def test_the_list_may_be_short(events: Run, ledger: RedisLedger) -> None:
    for number in range(3):
        accepted(ledger, email_id=f"m{number}", lead_id=f"l{number}", reply_text=f"Text {number}")
    assert len(json.loads(events("list", "--json", "--limit", "2").stdout)) == 2


def test_one_event_is_shown_with_its_history(events: Run, ledger: RedisLedger) -> None:
    key = held(ledger, DRAFT)
    shown = json.loads(events("show", key, "--json").stdout)
    assert (shown["key"], shown["state"], shown["draft"]["body"]) == (key, "held", DRAFT.body)
    assert [(step["from"], step["to"]) for step in shown["history"]] == [
        (None, "received"), ("received", "held"),
    ]  # fmt: skip
    assert shown["event_types"] == ["reply_received"]
    people = events("show", key).stdout
    for part in ("held", "How much is it?", DRAFT.body, "received → held", "no_rule"):
        assert part in people


def test_hostile_words_are_shown_as_they_are(events: Run, ledger: RedisLedger) -> None:
    hostile = "[/b] [red]How[/x] :smile:"
    draft = replace(DRAFT, subject=f"Re: {hostile}", body=hostile)
    key = held(ledger, draft, reply_text=hostile, lead_email="[/b]@lead.example")
    shown = events("show", key)
    assert shown.exit_code == 0, shown.exception
    assert shown.stdout.count(hostile) == 3
    assert "[/b]@lead.example" in events("list").stdout


@pytest.mark.parametrize("command", ["show", "retry", "approve", "skip"])
def test_an_unknown_key_is_told_on_one_line(events: Run, ledger: RedisLedger, command: str) -> None:
    assert "there is no event nobody" in line(events(command, "nobody"), 1)


def test_a_held_answer_is_approved(events: Run, ledger: RedisLedger) -> None:
    key = held(ledger, DRAFT)
    assert events("approve", key).stdout == f"{key}: waiting\n"
    record = ledger.record(key)
    assert record
    assert (record.state, record.draft, bool(record.approved_by)) == (State.WAITING, DRAFT, True)


def test_while_all_is_paused_an_approved_answer_is_said_to_wait(
    events: Run, ledger: RedisLedger
) -> None:
    key = held(ledger, DRAFT)
    ledger.pause("*")
    assert events("approve", key).stdout == f"{key}: waiting, and goes on when resumed\n"


def test_what_a_pause_keeps_is_due_when_it_is_resumed(events: Run, ledger: RedisLedger) -> None:
    key = accepted(ledger)
    ledger.pause("*")
    in_an_hour = int(1000 * (datetime.now(UTC) + timedelta(seconds=3630)).timestamp())
    ledger.wait(claimed(ledger, key), "paused", until=in_an_hour, parked="pause:*")
    for shown in (events("list").stdout, events("show", key).stdout):
        assert "when resumed" in shown
        assert "in 60m" not in shown
    ledger.resume("*")
    ledger.wait(claimed(ledger, key), "api_away", until=in_an_hour)
    for shown in (events("list").stdout, events("show", key).stdout):
        assert "in 60m" in shown


def test_what_no_api_can_answer_is_not_approved(events: Run, ledger: RedisLedger) -> None:
    key = held(ledger, DRAFT, lead_id="", email_account="")
    for more in ((), ("--template", "pricing")):
        said = line(events("approve", key, *more), 1)
        assert "answer it from the mailbox" in said
        assert f"`autoreply events skip {key}`" in said
    assert state(ledger, key) is State.HELD
    assert events("skip", key).exit_code == 0


def test_without_a_draft_approving_needs_one(events: Run, ledger: RedisLedger) -> None:
    key = held(ledger)
    said = line(events("approve", key), 1)
    assert "--template NAME or --text FILE" in said
    assert state(ledger, key) is State.HELD


def test_another_template_may_be_approved(events: Run, ledger: RedisLedger) -> None:
    key = held(ledger)
    assert events("approve", key, "--template", "pricing").exit_code == 0
    record = ledger.record(key)
    assert record
    assert record.draft
    assert (record.draft.template, record.draft.subject) == ("pricing", "Re: Your team")
    assert "it depends on the seats" in record.draft.body


def test_a_translation_may_be_approved_by_its_name_and_is_shown_with_it(
    events: Run, ledger: RedisLedger, folder: Path
) -> None:
    (folder / "templates" / "pricing.de.j2").write_text("Es kommt darauf an.", "utf-8")
    key = held(ledger)
    assert events("approve", key, "--template", "pricing.de").exit_code == 0
    shown = json.loads(events("show", key, "--json").stdout)
    assert (shown["template"], shown["variant"]) == ("pricing", "de")
    assert shown["draft"]["body"] == "Es kommt darauf an."
    assert "pricing (de): Re: Your team" in events("show", key).stdout


def test_a_template_that_is_none_is_told_with_those_there_are(
    events: Run, ledger: RedisLedger
) -> None:
    key = held(ledger)
    said = line(events("approve", key, "--template", "pricign"), 1)
    assert "no template pricign" in said
    assert "pricing" in said


def test_a_persons_own_words_may_be_approved(
    events: Run, ledger: RedisLedger, folder: Path
) -> None:
    key = held(ledger, DRAFT)
    assert (
        events("approve", key, "--text", "-", "--subject", "Hi", text="My\nwords\n").exit_code == 0
    )
    record = ledger.record(key)
    assert record
    assert record.draft == Draft(template="by_hand", subject="Hi", body="My\nwords")


def test_empty_words_and_two_sources_are_refused(events: Run, ledger: RedisLedger) -> None:
    key = held(ledger, DRAFT)
    assert "the text is empty" in line(events("approve", key, "--text", "-", text=" \n"), 1)
    both = events("approve", key, "--text", "-", "--template", "pricing", text="x")
    assert both.exit_code == 2
    assert state(ledger, key) is State.HELD


def test_words_that_are_no_text_are_refused_on_one_line(
    events: Run, ledger: RedisLedger, folder: Path
) -> None:
    (folder / "words").write_bytes(b"caf\xe9")
    key = held(ledger, DRAFT)
    result = events("approve", key, "--text", "words")
    assert (result.exit_code, "words is no text" in result.stderr) == (2, True)
    assert state(ledger, key) is State.HELD


def test_an_event_is_skipped_and_tried_again(events: Run, ledger: RedisLedger) -> None:
    key = held(ledger)
    assert events("skip", key).stdout == f"{key}: skipped\n"
    assert "skipped" in line(events("skip", key), 1)
    assert events("retry", key).stdout == f"{key}: received\n"
    who = [step["by"] for step in json.loads(events("show", key, "--json").stdout)["history"]]
    assert all(who[-2:])


@pytest.mark.parametrize(
    ("command", "said"),
    [("retry", "can only retry what failed or was skipped"), ("approve", "only held answers")],
)
def test_an_order_that_does_not_fit_says_why(
    events: Run, ledger: RedisLedger, command: str, said: str
) -> None:
    key = accepted(ledger)
    assert said in line(events(command, key), 1)
    assert state(ledger, key) is State.RECEIVED


def test_what_is_being_sent_cannot_be_skipped(events: Run, ledger: RedisLedger) -> None:
    key = accepted(ledger)
    claim = claimed(ledger, key)
    attempt = Attempt(
        draft=DRAFT, mail="mail-1", seen=frozenset(), mailbox="", caps=Caps()
    )  # fmt: skip
    assert ledger.sending(claim, attempt) is None
    assert "its request is out" in line(events("skip", key), 1)
    assert state(ledger, key) is State.SENDING


def test_what_is_in_quarantine_is_taken_in_after_a_fix(events: Run, ledger: RedisLedger) -> None:
    body = json.dumps(EVENT | {"email_id": ""})
    key = ledger.quarantine(body, "no_identity", {"webhook-id": "msg_1"})
    assert "How much is it?" in events("show", key).stdout
    assert events("retry", key).stdout == "msg_1: queued\n"
    assert ledger.record(key) is None
    assert state(ledger, "msg_1") is State.RECEIVED


@pytest.mark.parametrize("body", ["{}", "[]", "\ufffd\x00{", ""])
def test_what_is_still_unusable_stays_in_quarantine(
    events: Run, ledger: RedisLedger, body: str
) -> None:
    key = ledger.quarantine(body, "no_event_type", {})
    line(events("retry", key), 1)
    assert state(ledger, key) is State.QUARANTINED


# Switches


def test_a_pause_is_ended_by_hand(run: Run, ledger: RedisLedger, valkey_url: str) -> None:
    assert "paused everything" in run("pause", redis_url=valkey_url).stdout
    assert "campaign c-1" in run("pause", "--campaign", "c-1", redis_url=valkey_url).stdout
    assert sorted(ledger.pauses()) == ["*", "c-1"]
    shown = run("resume", redis_url=valkey_url).stdout
    assert "resumed everything" in shown
    assert "still paused: campaign c-1" in shown
    assert run("resume", "--campaign", "c-1", redis_url=valkey_url).exit_code == 0
    assert ledger.pauses() == []


def test_of_several_workspaces_all_are_paused_unless_one_is_named(
    run: Run, folder: Path, redis_client: redis.Redis, valkey_url: str
) -> None:
    rows = {name: {"id": f"ws-{name}", "api_key": "k", "webhook_secret": name} for name in TWO}
    (folder / "rows.yaml").write_text(json.dumps(rows), "utf-8")
    ledgers = {n: RedisLedger(redis_client, lease=1, retention=1, name=n) for n in TWO}

    def steer(*arguments: str) -> dict[str, list[str]]:
        result = run(*arguments, redis_url=valkey_url, workspaces="rows.yaml")
        assert result.exit_code == 0, result.stderr
        return {name: ledger.pauses() for name, ledger in ledgers.items()}

    assert steer("pause") == {"acme": ["*"], "beta": ["*"]}
    assert steer("--workspace", "beta", "resume") == {"acme": ["*"], "beta": []}
    assert steer("resume") == {"acme": [], "beta": []}
    assert steer("--workspace", "acme", "pause") == {"acme": ["*"], "beta": []}
    shown = run("pause", redis_url=valkey_url, workspaces="rows.yaml").stdout
    assert "paused everything of beta" in shown


def test_commands_find_the_service_that_runs_on_the_same_data(
    run: Run, folder: Path, ledger: RedisLedger, valkey_url: str
) -> None:
    key = accepted(ledger)
    beside = running.Running(redis_url=valkey_url, webhook_secret="s", web_url="http://x")
    with running.only_one(folder / "var"):
        running.write(folder / "var", beside)
        assert (folder / "var" / "running.json").stat().st_mode & 0o077 == 0
        assert [one["key"] for one in json.loads(run("events", "list", "--json").stdout)] == [key]
        assert run("check").exit_code == 0
    assert "AUTOREPLY_REDIS_URL is not set" in line(run("events", "list"), 2)  # as after a crash
    running.remove(folder / "var")
    assert "AUTOREPLY_REDIS_URL is not set" in line(run("events", "list"), 2)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"redis_url": 1}', "null", "[1]"])
def test_a_damaged_note_of_a_running_service_is_no_note(folder: Path, content: str) -> None:
    (folder / "running.json").write_text(content, "utf-8")
    assert running.find(folder) is None


def test_preview_says_of_a_signal_that_there_is_nothing_to_answer(run: Run, folder: Path) -> None:
    signal = {"event_type": "lead_unsubscribed", "lead_email": "a@b.example"}
    (folder / "signal.json").write_text(json.dumps(signal))
    shown = json.loads(run("preview", "signal.json", "--json").stdout)
    assert (shown["decision"], shown["reason"]) == ("ignore", "lead_unsubscribed")


@pytest.mark.parametrize(
    "address", ["Jane Roe <jane@x.example>", "JANE@x.example", " jane@x.example "]
)
def test_an_address_is_suppressed_however_it_is_written(
    run: Run, ledger: RedisLedger, valkey_url: str, address: str
) -> None:
    done = run("suppress", address, redis_url=valkey_url)
    assert done.stdout == "jane@x.example gets no more answers\n"
    assert claimed(ledger, accepted(ledger, lead_email="jane@x.example")).suppressed


def test_taking_a_suppression_back_takes_back_the_mark_on_the_company_too(
    run: Run, ledger: RedisLedger, valkey_url: str
) -> None:
    stop = {"event_type": "lead_unsubscribed", "lead_id": "jane", "lead_email": "jane@x.example"}
    ledger.accept(parse(stop), json.dumps(stop))
    bob = accepted(ledger, lead_email="bob@x.example")
    first = claimed(ledger, bob)
    assert (first.suppressed, first.domain_suppressed) == (False, True)
    ledger.wait(first, "later", until=0)
    done = run("suppress", "--undo", "jane@x.example", redis_url=valkey_url)
    assert done.stdout == "jane@x.example may be answered again\n"
    assert not claimed(ledger, bob).domain_suppressed


@pytest.mark.parametrize("mode", ["send", "hold", "shadow"])
def test_preview_says_when_somebody_who_is_away_is_written_to(
    run: Run, folder: Path, mode: str
) -> None:
    back = datetime.now(UTC).date() + timedelta(days=5)
    note = f"I am out of the office until {back:%-d %B %Y}."
    welcome = "---\nwhen: true\nresume: true\n---\nWelcome back."
    (folder / "templates" / "welcome.j2").write_text(welcome, "utf-8")
    settings = "timezone: UTC\nvars: {what: the seats}"
    (folder / "templates" / "_settings.yaml").write_text(settings, "utf-8")
    event = event_file(folder, reply_text=note)
    shown = json.loads(run("preview", event, "--json", mode=mode).stdout)
    assert (shown["decision"], shown["reason"]) == ("wait", "until_return")
    assert (shown["template"], shown["draft"]["body"]) == ("welcome", "Welcome back.")
    assert back < datetime.fromisoformat(shown["send_at"]).date() <= back + timedelta(days=3)
    assert shown["trace"][-1]["detail"] == f"back on {back}"


@pytest.mark.parametrize("address", ["@x.example", "jane@", "jane", "jane@x"])
def test_what_is_no_address_is_not_suppressed(run: Run, address: str) -> None:
    result = run("suppress", address)
    assert result.exit_code == 2
    assert "is no mail address" in result.stderr


def test_a_person_is_forgotten_under_the_address_and_the_lead_it_belongs_to(
    run: Run, ledger: RedisLedger, valkey_url: str
) -> None:
    accepted(ledger, lead_email="jane@x.example")
    accepted(ledger, email_id="mail-2", lead_email="", lead_id="lead-1", reply_text="And?")
    accepted(ledger, email_id="mail-3", lead_email="joe@x.example", lead_id="lead-2")
    mirror = RedisMirror(connect(valkey_url))
    mirror.keep([KeptMail(id="m", thread="t", created=1, content='{"lead": "jane@x.example"}')])

    done = run("forget", "Jane@X.example", text="y\n", redis_url=valkey_url)

    assert "2 events erased" in done.stdout
    assert not mirror.view("m").mails
    assert [record.key for record in ledger.records(None, 9)] == ["mail-3"]


def test_nobody_is_forgotten_without_a_yes(run: Run, ledger: RedisLedger, valkey_url: str) -> None:
    accepted(ledger, lead_email="jane@x.example")
    assert run("forget", "jane@x.example", text="n\n", redis_url=valkey_url).exit_code != 0
    assert len(ledger.records(None, 9)) == 1


def test_events_are_listed_by_lead_campaign_and_reason(
    run: Run, ledger: RedisLedger, valkey_url: str
) -> None:
    accepted(ledger, campaign_id="q4")
    accepted(ledger, email_id="mail-2", lead_email="joe@x.example", lead_id="lead-2")

    def keys(*options: str) -> list[str]:
        result = run("events", "list", "--json", *options, redis_url=valkey_url)
        return [event["key"] for event in json.loads(result.stdout)]

    assert keys() == ["mail-2", "mail-1"]
    assert keys("--lead", "Joe@x.example") == ["mail-2"]
    assert keys("--lead", "lead-1") == ["mail-1"]
    found = run("events", "list", "--lead", "joe", redis_url=valkey_url)
    assert (found.stdout, found.exit_code) == ("no such events\n", 0)
    assert "wants the whole address or lead id" in found.stderr
    assert keys("--campaign", "q4") == ["mail-1"]
    assert keys("--reason", "posted") == []


@pytest.mark.parametrize(
    ("status", "body", "is_well"),
    [
        (200, {"items": []}, True),
        (404, {"statusCode": 404, "error": "Not Found", "message": "Resource not found"}, True),
        (404, {"error": "no such lead"}, True),
        (404, {"error": "not_found", "message": "The requested URL was not found."}, False),
        (404, "<h1>not found</h1>", False),
        (401, {"statusCode": 401, "error": "Unauthorized", "message": "no"}, False),
        (500, {}, False),
    ],
)
def test_a_live_check_knows_the_api_from_another_server(
    monkeypatch: pytest.MonkeyPatch, status: int, body: object, *, is_well: bool
) -> None:
    monkeypatch.setattr("httpx.Client.get", _answering(lambda _: (status, body)))
    settings = load({"AUTOREPLY_API_KEY": "k", "AUTOREPLY_API_URL": "http://x"} | BY_LEAD)
    assert (list(live.problems(settings)) == []) is is_well


BY_LEAD = {"AUTOREPLY_API_CONTRACT": "lead"}
OUR_HOOK = {"id": "1", "target_hook_url": "https://h.example/webhooks/instantly", "status": 1}


def _answering(
    answer: Callable[[str], tuple[int, object]], **headers: str
) -> Callable[..., httpx.Response]:
    def get(_: httpx.Client, path: str, **__: object) -> httpx.Response:
        status, body = answer(path)
        request = httpx.Request("GET", f"http://x{path}")
        return httpx.Response(status, json=body, headers=headers, request=request)

    return get


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, []),
        ({"/v2/emails": (401, {})}, ["the API key is wrong"]),
        ({"/v2/emails": (403, {})}, ["the key needs emails:read"]),
        ({"/v2/webhook-events": (403, {})}, ["the key needs webhook_events:read"]),
        ({"/v2/webhooks": (200, {"items": []})}, ["no webhook leads to a receiver"]),
        ({"/v2/webhooks": (200, {"items": [OUR_HOOK | {"status": -1}]})}, ["gave up"]),
        ({"/v2/emails": (404, {})}, ["HTTP 404"]),
    ],
)
def test_a_live_check_names_scope_hook_and_key(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, tuple[int, object]], said: list[str]
) -> None:
    def answer(path: str) -> tuple[int, object]:
        usual = {"/v2/webhooks": (200, {"items": [OUR_HOOK]}), live._BY_LEAD: (404, "html")}
        return (usual | changed).get(path, (200, {"items": []}))

    monkeypatch.setattr("httpx.Client.get", _answering(answer))
    found = list(live.problems(load({"AUTOREPLY_API_KEY": "k", "AUTOREPLY_API_URL": "http://x"})))
    assert len(found) == len(said)
    assert all(words in problem for words, problem in zip(said, found, strict=True))


def test_a_live_check_tells_of_a_clock_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    get = _answering(lambda _: (200, {"items": []}), date="Wed, 25 Nov 2020 12:00:00 GMT")
    monkeypatch.setattr("httpx.Client.get", get)
    settings = load({"AUTOREPLY_API_KEY": "k", "AUTOREPLY_API_URL": "http://x"} | BY_LEAD)
    [problem] = live.problems(settings)
    assert "clock is" in problem


def test_a_live_check_without_a_key_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("httpx.Client.get")
    assert "AUTOREPLY_API_KEY is not set" in next(live.problems(load({})))


def test_check_says_of_a_server_that_is_no_redis_that_it_is_none(run: Run) -> None:
    def talk(server: socket.socket) -> None:
        with server.accept()[0] as caller:
            caller.sendall(b"HTTP/1.1 400 no\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        talking = threading.Thread(target=talk, args=(server,))
        talking.start()
        result = run("check", **healthy(f"redis://127.0.0.1:{server.getsockname()[1]}/0"))
        talking.join()
    assert result.exit_code == 1
    assert "✗ redis" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_check_asks_a_broker_of_its_own(run: Run, valkey_url: str, dead_url: str) -> None:
    result = run("check", **healthy(valkey_url), broker_url=dead_url)
    assert result.exit_code == 1
    assert "✗ broker" in result.stdout
    assert "AUTOREPLY_BROKER_URL" in result.stdout
    assert "✓ broker" in run("check", **healthy(valkey_url), broker_url=valkey_url).stdout

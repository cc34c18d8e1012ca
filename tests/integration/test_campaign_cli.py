"""The commands that call the API by hand, against the sandbox on a real socket."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from click.testing import CliRunner, Result

from web.sandbox import Sandbox, create_app, listening
from worker.cli import calling, campaigns, main
from worker.contracts.zones import ZONES, nearest
from worker.domain.errors import NotPossible, TryLater
from worker.settings import PREFIX

PLAN = """\
name: Q4 outreach
mailboxes: [alex@mail.example.com]
timezone: Europe/Belgrade
hours: Mon-Fri 08:30-17:00
steps:
  - {day: 3, subject: "", body: "Did you see my mail?"}
  - {day: 0, subject: A thought, body: Hi}
"""
LEADS = "Email,First Name,Company,Seats\nann@x.example,Ann,Fjord,12\nBob <bob@x.example>,Bob,,\n"
HOOK = "http://127.0.0.1:9/webhooks/instantly"

Run = Callable[..., Result]


@pytest.fixture
def url() -> Iterator[str]:
    server = listening("127.0.0.1", 0, create_app(Sandbox()))
    loop = threading.Thread(target=server.serve_forever, args=(0.01,))
    loop.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    loop.join()


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(calling.time, "sleep", lambda _: None)
    (tmp_path / "plan.yaml").write_text(PLAN, "utf-8")
    (tmp_path / "leads.csv").write_text(LEADS, "utf-8")
    settings = {"api_url": url, "api_key": "key", "webhook_secret": "hook-secret"}

    def autoreply(*arguments: str, **environ: str) -> Result:
        named = {PREFIX + name.upper(): value for name, value in (settings | environ).items()}
        return CliRunner().invoke(main, arguments, env=named)

    return autoreply


def requests(url: str) -> dict[str, int]:
    counted: dict[str, int] = httpx.get(f"{url}/sandbox/requests").json()
    return counted


def made(run: Run) -> dict[str, Any]:
    campaign: dict[str, Any] = json.loads(run("campaign", "create", "plan.yaml", "--json").stdout)
    return campaign


def test_a_campaign_is_made_started_and_stopped(run: Run) -> None:
    campaign = made(run)
    assert (campaign["name"], campaign["status"]) == ("Q4 outreach", "draft")
    assert run("campaign", "activate", campaign["id"]).stdout.split()[-1] == "active"
    assert run("campaign", "pause", campaign["id"]).stdout.split()[-1] == "paused"
    assert "Q4 outreach" in run("campaign", "show", campaign["id"]).stdout


def test_both_contracts_make_campaigns_and_take_leads(run: Run, url: str) -> None:
    for contract in ("lead", "email"):
        options = ("--contract", contract)
        created = run("campaign", "create", "plan.yaml", "--json", *options)
        campaign_id = json.loads(created.stdout)["id"]
        added = run("campaign", "add-leads", campaign_id, "leads.csv", *options)
        assert added.exit_code == 0, added.stderr
    called = requests(url)
    assert called["POST /v2/leads/add 200"] == 1
    assert called["POST /v2/campaigns/{id}/leads 200"] == 1


def test_a_dry_run_calls_nobody(run: Run, url: str) -> None:
    assert json.loads(run("campaign", "create", "plan.yaml", "--dry-run").stdout)["steps"]
    said = run("campaign", "add-leads", "any", "leads.csv", "--dry-run").stdout
    assert "2 leads in 1 calls" in said
    assert "'custom_variables': {'seats': '12'}" in said
    assert requests(url) == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("Europe/Belgrade", "Europe/Paris"), "as Europe/Belgrade"),
        (("Europe/Belgrade", "America/New_York"), "as America/Detroit"),
        (("Europe/Belgrade", "Europe/Belgrad"), "as Europe/Belgrade"),
        (("name:", "nmae:"), "name"),
        (("08:30-17:00", "8-17"), "hours"),
        (("[alex@mail.example.com]", "[]"), "mailboxes"),
        (("body: Hi", "body: [Hi]"), "steps.1.body"),
        ((PLAN, "- a list"), "plan.yaml"),
    ],
)
def test_a_plan_with_a_mistake_says_which(
    run: Run, tmp_path: Path, url: str, change: tuple[str, str], message: str
) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN.replace(*change), "utf-8")
    result = run("campaign", "create", "plan.yaml")
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert requests(url) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Name\nAnn\n", "line 2: no mail address"),
        ("email\na@x.example\nA@x.example\n", "line 3: a@x.example stands in line 2 already"),
        ("email\n", "it has no leads"),
    ],
)
def test_a_file_of_leads_with_a_mistake_adds_nobody(
    run: Run, tmp_path: Path, url: str, text: str, message: str
) -> None:
    (tmp_path / "leads.csv").write_text(text, "utf-8")
    result = run("campaign", "add-leads", "any", "leads.csv")
    assert result.exit_code == 1
    assert message in result.stderr
    assert requests(url) == {}


def test_a_long_list_goes_out_in_chunks_and_says_where_it_stopped(
    run: Run, tmp_path: Path, url: str
) -> None:
    rows = [json.dumps({"email": f"lead{number}@x.example"}) for number in range(2_300)]
    (tmp_path / "leads.jsonl").write_text("\n".join(rows), "utf-8")
    campaign_id = made(run)["id"]

    added = run("campaign", "add-leads", campaign_id, "leads.jsonl", "--json")
    assert json.loads(added.stdout)["added"] == 2_300
    assert requests(url)["POST /v2/leads/add 200"] == 3

    refused = run("campaign", "add-leads", "nobody", "leads.jsonl", "--from-line", "1001")
    assert refused.exit_code == 1
    assert "go on with --from-line 1001" in refused.stderr


def test_a_refused_key_is_said_at_once(run: Run, url: str) -> None:
    result = run("campaign", "show", "any", api_key="wrong-key")
    assert result.exit_code == 1
    assert "the API key is wrong" in result.stderr
    assert requests(url) == {"GET /v2/campaigns/{id} 401": 1}


def test_without_a_key_the_way_to_set_one_is_named(run: Run) -> None:
    result = run("campaign", "show", "any", api_key="")
    assert result.exit_code == 2
    assert "AUTOREPLY_API_KEY_FILE" in result.stderr


def test_a_call_without_effect_is_made_again_and_a_patient_one_gives_up() -> None:
    tries: list[str] = []

    def call() -> str:
        tries.append("once")
        if len(tries) < 3:
            raise TryLater("rate_limited", wait=0.0)
        return "done"

    assert calling.patiently(call) == "done"
    with pytest.raises(NotPossible, match="api_away"):
        calling.patiently(_never)


def _never() -> None:
    raise TryLater("api_away", wait=0.0)


def test_a_webhook_is_registered_once_with_our_secret(run: Run, url: str) -> None:
    assert run("webhook", "list").stdout.startswith("no webhooks")
    for _ in range(2):
        assert HOOK in run("webhook", "register", HOOK).stdout
    hooks = httpx.get(f"{url}/v2/webhooks", headers={"Authorization": "Bearer k"}).json()["items"]
    assert [hook["headers"] for hook in hooks] == [{"X-Webhook-Secret": "hook-secret"}]


def test_a_disabled_webhook_is_shown_and_resumed(run: Run, url: str) -> None:
    run("webhook", "register", HOOK)
    [hook] = json.loads(run("webhook", "list", "--json").stdout)
    httpx.post(f"{url}/sandbox/webhooks/{hook['id']}/disable").raise_for_status()
    assert "disabled since" in run("webhook", "list").stdout
    assert "active" in run("webhook", "resume").stdout
    assert run("webhook", "resume").stdout == "no webhook is disabled\n"


def test_a_webhook_that_reaches_nobody_fails_its_test(run: Run) -> None:
    run("webhook", "register", HOOK)
    [hook] = json.loads(run("webhook", "list", "--json").stdout)
    assert run("webhook", "test", hook["id"]).exit_code == 1


def test_an_address_that_is_none_is_not_registered(run: Run) -> None:
    assert run("webhook", "register", "my-host/webhooks/instantly").exit_code == 2
    assert "must lead there" in run("webhook", "register", "https://x.example/hook").stderr


def test_a_leads_emails_are_shown_in_both_contracts(run: Run) -> None:
    by_lead = json.loads(run("lead", "emails", "lead-1", "--json").stdout)
    assert by_lead[0]["direction"] == "outbound"
    assert by_lead[0]["subject"] in run("lead", "emails", "lead-1").stdout
    assert "no e-mails with" in run("lead", "emails", "nobody@x.example").stdout


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Europe/Paris", "Europe/Belgrade"),
        ("America/New_York", "America/Detroit"),
        ("Europe/London", "Europe/Isle_of_Man"),
        ("Asia/Tokyo", "Asia/Chita"),
        ("UTC", "Africa/Abidjan"),
        ("Nowhere/AtAll", ""),
    ],
)
def test_the_nearest_zone_of_the_closed_list_shows_the_same_time(name: str, zone: str) -> None:
    found = nearest(name, year=2026)
    if zone:
        assert _clock(found) == _clock(name)
        assert found.partition("/")[0] == zone.partition("/")[0] or name == "UTC"
    else:
        assert found == "" or found in ZONES


def _clock(name: str) -> list[object]:
    return [datetime(2026, m, 1, tzinfo=UTC).astimezone(ZoneInfo(name)).utcoffset()
            for m in (1, 7)]  # fmt: skip


def test_contract_lead_gets_its_three_fields_only() -> None:
    lead = {"email": "a@x.example", "first_name": "Ann", "custom_variables": {"seats": 12}}
    assert campaigns._plain([lead]) == [{"email": "a@x.example", "first_name": "Ann"}]

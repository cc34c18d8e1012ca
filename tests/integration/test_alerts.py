"""Alert rules and the dashboard: Prometheus reads them, and each alert fires where it should."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

DOCS = Path(__file__).parents[2] / "docs"
RULES = DOCS / "prometheus" / "alerts.yml"
GUIDE = (DOCS / "operations.md").read_text("utf-8")
DASHBOARD: dict[str, Any] = json.loads((DOCS / "grafana" / "autoreply.json").read_text("utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
KNOWN = set(re.findall(r"^\| `(autoreply_\w+)` \|", GUIDE, re.MULTILINE))
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    for rule in group["rules"]
}

DAY = 1440
STATE = 'autoreply_events{{workspace="w",state="{}"}}'
HOOK = 'autoreply_webhook_state{{workspace="w",state="{}"}}'
HOLD = 'autoreply_api_hold_seconds{{workspace="w",reason="{}"}}'
HEARD = 'autoreply_deliveries_total{workspace="w",event_type="reply_received",status="received"}'
FAILED = 'autoreply_steps_total{workspace="w",state="failed",reason="http_404"}'
UNTOLD = 'autoreply_steps_total{workspace="w",state="write_back",reason="block_failed"}'
LATE = 'autoreply_due_late_seconds{workspace="w"}'
OWED = 'autoreply_deeds_owed{workspace="w"}'

FIRES = [
    ("AutoreplyDown", 'up{job="autoreply",instance="a"}', "0x60", 30),
    ("AutoreplyLedgerAway", "autoreply_ledger_up", "0x60", 30),
    ("AutoreplyNoWorker", 'autoreply_workers{workspace="w"}', "0x60", 30),
    ("AutoreplyLate", LATE, "301x60", 30),
    ("AutoreplyApiHold", HOLD.format("api_refused"), "50x60", 30),
    ("AutoreplyWebhookDisabled", HOOK.format("disabled"), "1x60", 30),
    ("AutoreplyWebhookDisabled", HOOK.format("missing"), "1x60", 30),
    ("AutoreplyQuiet", HEARD, f"7x{2 * DAY}", DAY + 120),
    ("AutoreplyDoubts", STATE.format("doubt"), "1x90", 80),
    ("AutoreplyFailed", FAILED, "3x10 4x60", 30),
    ("AutoreplyQuarantine", STATE.format("quarantined"), "1x60", 30),
    ("AutoreplyHeldTooLong", STATE.format("held"), f"2x{2 * DAY}", DAY + 120),
    ("AutoreplyTemplates", 'autoreply_template_problems{workspace="w"}', "1x60", 30),
    ("AutoreplyWriteBack", OWED, "2x200", 150),
    ("AutoreplyWriteBack", UNTOLD, "3x10 4x60", 30),
    ("AutoreplySpool", 'autoreply_spool_bytes{instance="a"}', "900x60", 30),
]
KEEPS_STILL = [
    ('up{job="autoreply",instance="a"}', "1x60", 30),
    ("autoreply_ledger_up", "1x60", 30),
    ('autoreply_workers{workspace="w"}', "1x20 0 1x40", 21),
    (LATE, "299x60", 30),
    (HOLD.format(""), "0x60", 30),
    (HOLD.format("rate_limited"), "50x60", 30),
    (HOOK.format("active"), "1x60", 30),
    (HOOK.format("unknown"), "1x60", 30),
    (HEARD, f"0+1x{2 * DAY}", DAY + 120),
    (STATE.format("doubt"), "1x30 0 1x40", 69),
    (STATE.format("sent"), "100x60", 30),
    (FAILED, "3x100", 80),
    (STATE.format("held"), f"2x{DAY} 0 2x{DAY}", 2 * DAY - 30),
    ('autoreply_template_problems{workspace="w"}', "0x60", 30),
    (OWED, "2x90 0 2x90", 150),
    (UNTOLD, "3x100", 80),
    ("autoreply_spool_bytes", "0x60", 30),
]


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian's package prometheus)")
    return found


def run(promtool: str, *arguments: str | Path) -> None:
    done = subprocess.run(
        [promtool, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def fires(promtool: str, folder: Path, series: str, values: str, at: int, *names: str) -> None:
    """Let Prometheus evaluate the rules over one series, a value a minute."""
    told = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in names]
    case = {
        "interval": "1m",
        "input_series": [{"series": series, "values": values}],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": f"{at}m",
                "exp_samples": told,
            }
        ],
    }
    about = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}
    (folder / "test.yml").write_text(yaml.safe_dump(about), "utf-8")
    run(promtool, "test", "rules", folder / "test.yml")


def test_prometheus_reads_the_rules(promtool: str) -> None:
    run(promtool, "check", "rules", RULES)


@pytest.mark.parametrize(("name", "series", "values", "at"), FIRES)
def test_an_alert_fires_where_something_is_wrong(
    promtool: str, tmp_path: Path, name: str, series: str, values: str, at: int
) -> None:
    fires(promtool, tmp_path, series, values, at, name)


@pytest.mark.parametrize(("series", "values", "at"), KEEPS_STILL)
def test_no_alert_fires_where_all_is_well(
    promtool: str, tmp_path: Path, series: str, values: str, at: int
) -> None:
    fires(promtool, tmp_path, series, values, at)


def test_every_alert_is_tried_and_explained() -> None:
    assert {name for name, *_ in FIRES} == set(ALERTS)
    assert set(re.findall(r"^\| `(Autoreply\w+)` \|", GUIDE, re.MULTILINE)) == set(ALERTS)


def figures_in(expression: str) -> set[str]:
    """Return the names of the figures that a query asks for."""
    found = re.findall(r"\bautoreply_\w+", expression)
    return {re.sub(r"(_seconds)_(bucket|sum|count)$", r"\1", name) for name in found}


def expressions() -> list[str]:
    return [target["expr"] for panel in PANELS for target in panel["targets"]]


def test_alerts_and_panels_ask_for_figures_that_are_there() -> None:
    asked = [*expressions(), *(rule["expr"] for rule in ALERTS.values())]
    assert {name for expression in asked for name in figures_in(expression)} <= KNOWN


def test_the_dashboard_shows_every_figure() -> None:
    assert {name for expression in expressions() for name in figures_in(expression)} == KNOWN


def test_prometheus_understands_every_query_of_the_dashboard(promtool: str, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel_{number}", "expr": expression.replace("$workspace", ".*")}
        for number, expression in enumerate(expressions())
    ]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), "utf-8")
    run(promtool, "check", "rules", path)


def test_panels_have_a_place_and_a_number_of_their_own() -> None:
    everything = DASHBOARD["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    taken: set[tuple[int, int]] = set()
    for panel in everything:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells

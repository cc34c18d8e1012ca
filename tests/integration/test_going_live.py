"""Every command and setting that the guide to going live names exists."""

import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from worker.cli import main
from worker.domain.rules import build
from worker.settings import load

GUIDE = (Path(__file__).parents[2] / "docs" / "going-live.md").read_text("utf-8")
CODE = re.findall(r"```\w+\n(.*?)```|`([^`\n]+)`", GUIDE, re.DOTALL)
LINES = [line.strip() for block, inline in CODE for line in (block or inline).splitlines()]
COMMANDS = sorted({line for line in LINES if line.startswith("autoreply ")})


def test_the_guide_names_commands() -> None:
    assert len(COMMANDS) > 10


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_guide_exists_with_its_options(command: str) -> None:
    words = command.split()[1:]
    options = [word for word in words if word.startswith("--")]
    names = [word for word in words if re.fullmatch(r"[a-z-]+", word) and word not in options]
    names = names[: 1 + (names[0] in ("events", "webhook"))]
    result = CliRunner().invoke(main, [*names, "--help"], prog_name="autoreply")
    assert result.exit_code == 0, result.output
    assert f"autoreply {' '.join(names)}" in " ".join(result.output.split())
    assert all(option in result.output for option in options)


def test_its_settings_are_settings() -> None:
    given = dict(line.split("=", 1) for line in LINES if re.match(r"AUTOREPLY_\w+=", line))
    assert load(given).mode.value == "send"
    for name in set(re.findall(r"AUTOREPLY_[A-Z_]+", GUIDE)):
        assert name.removeprefix("AUTOREPLY_").lower() in type(load({})).model_fields


def test_its_settings_file_is_one() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    assert yaml.safe_load(text)
    assert build({"_settings.yaml": text, "a.j2": "---\nwhen: true\n---\nHi"}).problems == ()

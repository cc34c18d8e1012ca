"""The file of several workspaces: each row is settings of its own."""

from datetime import timedelta
from pathlib import Path

import pytest

from worker.domain.errors import ConfigurationError
from worker.domain.model import Mode
from worker.settings import Settings, load
from worker.workspaces import chosen, workspaces_of

ROWS = """\
acme:
  id: ws-acme
  api_key: key-a
  webhook_secret: secret-a
  templates: acme
  mode: hold
  max_age: 24h
beta:
  id: 17
  api_key_file: beta.key
  webhook_secret: [secret-b, older-b]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "beta.key").write_text("key-b\n", "utf-8")
    path = tmp_path / "rows.yaml"
    path.write_text(ROWS, "utf-8")
    return path


def settings(file: Path, **more: str) -> Settings:
    return load({"AUTOREPLY_WORKSPACES": str(file), "AUTOREPLY_LEASE": "90s"} | more)


def test_without_a_file_one_row_serves_every_workspace() -> None:
    common = load({})
    [row] = workspaces_of(common)
    assert (row.id, row.prefix, row.settings) == ("", "", common)


def test_rows_have_their_own_settings_and_share_the_rest(file: Path) -> None:
    acme, beta = workspaces_of(settings(file))
    assert acme.settings.api_key.get_secret_value() == "key-a"
    assert beta.settings.api_key.get_secret_value() == "key-b"
    assert (acme.id, beta.id) == ("ws-acme", "17")
    assert acme.settings.templates == file.parent / "acme"
    assert (acme.settings.mode, beta.settings.mode) == (Mode.HOLD, Mode.SEND)
    assert acme.settings.max_age == timedelta(hours=24)
    assert acme.settings.lease == beta.settings.lease == timedelta(seconds=90)
    assert [s.get_secret_value() for s in beta.settings.webhook_secret] == ["secret-b", "older-b"]


def test_the_service_own_key_and_secrets_are_no_rows(file: Path) -> None:
    file.write_text(ROWS.replace("  api_key: key-a\n", ""), "utf-8")
    with pytest.raises(ConfigurationError, match="acme: api_key is missing"):
        workspaces_of(settings(file, AUTOREPLY_API_KEY="everybody's"))


def test_an_address_leads_to_its_row_and_no_other(file: Path) -> None:
    rows = workspaces_of(settings(file))
    assert rows.split("beta/mail-1")[0].name == "beta"
    assert rows.split("acme/a/b")[1] == "a/b"
    with pytest.raises(LookupError):
        rows.split("mail-1")
    assert workspaces_of(load({})).split("beta/mail-1")[1] == "beta/mail-1"


def test_a_command_names_the_row_it_is_about(file: Path) -> None:
    assert chosen(settings(file, AUTOREPLY_WORKSPACE="beta")).workspace == "beta"
    for wrong in ({}, {"AUTOREPLY_WORKSPACE": "gamma"}):
        with pytest.raises(ConfigurationError, match="acme, beta"):
            chosen(settings(file, **wrong))
    with pytest.raises(ConfigurationError, match="no file of workspaces"):
        chosen(load({"AUTOREPLY_WORKSPACE": "acme"}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("id: 17", "id: ws-acme"), "stands in another row"),
        (("beta:", "Beta:"), "is no name"),
        (("mode: hold", "mode: held"), "acme: AUTOREPLY_MODE"),
        (("mode: hold", "modes: hold"), "did you mean mode"),
        (("mode: hold", "lease: 5"), "unknown key lease"),
        (("beta.key", "gamma.key"), "beta: api_key_file: cannot read"),
        (("  webhook_secret: secret-a\n", ""), "acme: webhook_secret is missing"),
        ((ROWS, ""), "it has no rows"),
        ((ROWS, "acme: 5"), "expected keys"),
        ((ROWS, "a: [b"), "AUTOREPLY_WORKSPACES"),
    ],
)
def test_a_wrong_row_is_named_with_what_is_right(
    file: Path, change: tuple[str, str], said: str
) -> None:
    file.write_text(ROWS.replace(*change), "utf-8")
    with pytest.raises(ConfigurationError, match=said):
        workspaces_of(settings(file))


def test_a_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        workspaces_of(settings(tmp_path / "none.yaml"))

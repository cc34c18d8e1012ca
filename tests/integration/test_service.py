"""What `up` would start, and what it says; nothing is started here."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from worker import service
from worker.domain.errors import ConfigurationError
from worker.embedded import free_port
from worker.service import Plan, make_plan
from worker.settings import PREFIX, Settings, load

TEMPLATE = "---\nwhen: true\n---\nHello"
ROWS = "acme: {id: ws-a, api_key: k, webhook_secret: acmes, templates: templates}\n"

Configured = Callable[..., Settings]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configured:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.j2").write_text(TEMPLATE, "utf-8")
    (tmp_path / "rows.yaml").write_text(ROWS, "utf-8")
    ports = {name: str(free_port()) for name in ("port", "flower_port", "sandbox_port")}

    def make(**given: str) -> Settings:
        wanted = {name: value for name, value in (ports | given).items() if value}
        return load({PREFIX + name.upper(): value for name, value in wanted.items()})

    return make


def refusal(settings: Settings) -> str:
    with pytest.raises(ConfigurationError) as refused:
        make_plan(settings)
    return str(refused.value)


def names(plan: Plan) -> list[str]:
    return [part.name for part in plan.parts]


def said(settings: Settings) -> str:
    return service._welcome(make_plan(settings), settings)


def test_a_wrong_address_of_notifications_stops_the_start(settings: Configured) -> None:
    assert "AUTOREPLY_NOTIFY: address 1 is none" in refusal(settings(notify="blah://x"))
    assert names(make_plan(settings(notify="json://localhost")))


@pytest.mark.parametrize("name", ["port", "flower_port", "sandbox_port"])
def test_a_port_that_is_taken_is_refused_with_its_setting(settings: Configured, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        message = refusal(settings(**{name: port}))
    assert f"port {port} on 127.0.0.1 is taken; set {PREFIX}{name.upper()} to another" in message


def test_the_sandbox_has_a_port_of_its_own_where_there_is_one(settings: Configured) -> None:
    assert "AUTOREPLY_SANDBOX_PORT is 8000" in refusal(settings(port="8000", sandbox_port="8000"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        plan = make_plan(settings(api_key="k", sandbox_port=str(taken.getsockname()[1])))
    assert "sandbox" not in names(plan)


def test_where_nobody_set_its_port_the_sandbox_takes_another_and_that_is_said(
    settings: Configured,
) -> None:
    given = settings(port="8001", sandbox_port="")
    assert not make_plan(given).running.sandbox_url.endswith(":8001")
    assert "port 8001 is taken, so it has another" in said(given)


def test_with_the_sandbox_a_demo_and_a_question_are_there_to_try(settings: Configured) -> None:
    text = said(settings())
    assert "autoreply demo" in text
    assert "How much is it?" in text
    assert Path("var/webhook_secret").read_text("utf-8").strip() in text


def test_with_a_real_api_only_what_is_never_answered_is_there_to_try(settings: Configured) -> None:
    text = said(settings(api_key="k"))
    assert "autoreply demo" not in text
    assert "reply_received" not in text
    assert '{"event_type":"webhook_test"' in text
    assert Path("var/webhook_secret").read_text("utf-8").strip() in text


def test_of_several_workspaces_each_has_its_own_secret_and_none_is_made(
    settings: Configured,
) -> None:
    text = said(settings(workspaces="rows.yaml"))
    assert "autoreply demo" not in text
    assert "X-Webhook-Secret: YOUR-SECRET" in text
    assert "kept in var/: admin_password" in text
    assert not Path("var/webhook_secret").exists()

"""`autoreply up`: the whole service in one process tree."""

import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import click
import httpx

from worker import embedded, running
from worker.bootstrap import contract_for, make_messenger
from worker.domain.errors import ConfigurationError
from worker.ledger.redis import answers
from worker.library import Library
from worker.running import Running
from worker.settings import Settings
from worker.supervisor import Part, Supervisor
from worker.workspaces import workspaces_of

_UP_WITHIN: Final = 60.0
_LOOPBACK: Final = "127.0.0.1"
_QUESTION: Final = (
    '{"event_type":"reply_received","lead_id":"lead-1","reply_text":"How much is it?"}'
)
_PROBE: Final = '{"event_type":"webhook_test","lead_email":"test@example.com"}'
_ANYWHERE: Final = ("0.0.0.0", "::", "")  # noqa: S104 - recognised, not bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What runs, under which addresses, with which settings."""

    parts: tuple[Part, ...]
    running: Running
    flower_url: str
    admin_password: str


def up(settings: Settings) -> None:
    """Run everything until told to stop.

    Raises:
        ConfigurationError: a port is taken, a setting is wrong, a template is broken, or
            the data folder is in use.

    """
    with running.only_one(settings.data):
        plan = make_plan(settings)
        running.write(settings.data, plan.running)
        threading.Thread(target=_announce, args=(plan, settings), daemon=True).start()
        try:
            Supervisor(plan.parts).run()
        finally:
            running.remove(settings.data)
            click.echo("autoreply is down; whatever waits goes on at the next start")


def make_plan(settings: Settings) -> Plan:
    """Work out what has to run.

    Raises:
        ConfigurationError: see `up`.

    """
    for row in workspaces_of(settings):
        contract_for(row.settings)
        Library(row.settings.templates)
    if settings.notify:
        make_messenger(settings)
    _free(settings, "port", settings.host)
    _free(settings, "flower_port", settings.host)
    in_sandbox = not (settings.api_key.get_secret_value() or settings.workspaces)
    parts: list[Part] = []
    given: dict[str, str] = {}
    if not settings.redis_url:
        server = embedded.prepare(settings.data)
        given["AUTOREPLY_REDIS_URL"] = server.url
        parts.append(Part(name="valkey", command=server.command, ready=lambda: answers(server.url)))
    secret, password = _made_secrets(settings)
    given |= {"AUTOREPLY_WEBHOOK_SECRET": secret, "AUTOREPLY_ADMIN_PASSWORD": password}
    given |= {"AUTOREPLY_LOG": settings.log or ("console" if sys.stdout.isatty() else "json")}
    sandbox_url = ""
    if in_sandbox:
        port = _sandbox_port(settings)
        sandbox_url = _url(_LOOPBACK, port)
        given |= {"AUTOREPLY_API_URL": sandbox_url, "AUTOREPLY_API_KEY": running.SANDBOX_KEY}
        at = {"AUTOREPLY_HOST": _LOOPBACK, "AUTOREPLY_SANDBOX_PORT": str(port)}
        parts.append(_part("sandbox", at))
    grace = settings.lease.total_seconds()
    parts += [_part("web", given), _part("worker", given, grace=grace), _part("flower", given)]
    return Plan(
        parts=tuple(parts),
        running=Running(
            redis_url=given.get("AUTOREPLY_REDIS_URL", settings.redis_url),
            webhook_secret=secret.split(",")[0],
            web_url=_url(settings.host, settings.port),
            sandbox_url=sandbox_url,
        ),
        flower_url=_url(settings.host, settings.flower_port),
        admin_password=password,
    )


def _part(name: str, environment: Mapping[str, str], *, grace: float = 10.0) -> Part:
    environment = {"PYTHONUNBUFFERED": "1", **environment}
    command = (sys.executable, "-m", "worker", name)
    return Part(name=name, command=command, environment=environment, grace=grace)


def _free(settings: Settings, name: str, host: str) -> int:
    port: int = getattr(settings, name)
    if trouble := embedded.trouble_with(host, port):
        raise ConfigurationError(f"{trouble}; set AUTOREPLY_{name.upper()} to another")
    return port


def _sandbox_port(settings: Settings) -> int:
    """Return the port that is set, or the usual one, or another where that is taken."""
    port, others = settings.sandbox_port, (settings.port, settings.flower_port)
    if "sandbox_port" not in settings.model_fields_set:
        is_free = port not in others and not embedded.trouble_with(_LOOPBACK, port)
        return port if is_free else embedded.free_port()
    if port in others:
        msg = f"AUTOREPLY_SANDBOX_PORT is {port}, as another port is; change one"
        raise ConfigurationError(msg)
    return _free(settings, "sandbox_port", _LOOPBACK)


def _made_secrets(settings: Settings) -> tuple[str, str]:
    """Return webhook secrets and admin password; what is not set is made once and kept.

    Several workspaces have webhook secrets of their own: for them none is made.
    """
    secret = ",".join(secret.get_secret_value() for secret in settings.webhook_secret)
    if not (secret or settings.workspaces):
        secret = running.made_once(settings.data / "webhook_secret")
    password = settings.admin_password.get_secret_value()
    return secret, password or running.made_once(settings.data / "admin_password")


def _url(host: str, port: int) -> str:
    shown = _LOOPBACK if host in _ANYWHERE else host
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _announce(plan: Plan, settings: Settings) -> None:
    """Say that the service is up, once it is; or what is missing."""
    ends = time.monotonic() + _UP_WITHIN
    state = "no answer yet"
    while time.monotonic() < ends:
        state = _readiness(plan.running.web_url)
        if state == "ready":
            click.echo(_welcome(plan, settings))
            return
        time.sleep(0.3)
    click.echo(f"not ready after {_UP_WITHIN:g} s: {state}", err=True)


def _readiness(web_url: str) -> str:
    try:
        answer = httpx.get(f"{web_url}/readyz", timeout=5).json()
    except (httpx.HTTPError, ValueError) as error:
        return str(error)
    wrong = [f"{name}: {state}" for name, state in answer.items() if state not in ("ok", False)]
    return "ready" if answer.get("ready") else "; ".join(wrong)


def _welcome(plan: Plan, settings: Settings) -> str:
    web = plan.running.web_url
    made = _made(settings)
    password = plan.admin_password if "admin_password" in made else "as you set it"
    lines = [
        "",
        click.style("autoreply is up", bold=True),
        f"  console   {web}/  (password {password})",
        f"  webhooks  POST {web}/webhooks/instantly",
        f"  health    {web}/readyz  {web}/metrics",
        f"  Flower    {plan.flower_url}  (user admin, password {password})",
    ]
    if plan.running.sandbox_url:
        lines += [
            f"  sandbox   {plan.running.sandbox_url}/sandbox/sent  shows what was sent",
            *_elsewhere(plan.running.sandbox_url, settings.sandbox_port),
            "            (no AUTOREPLY_API_KEY is set: nothing leaves this machine)",
        ]
    if made:
        lines += [f"  secrets   made once, kept in {settings.data}/: {', '.join(made)}"]
    return "\n".join([*lines, *_to_try(plan.running, made), ""])


def _elsewhere(url: str, usual: int) -> list[str]:
    is_usual = url == _url(_LOOPBACK, usual)
    return [] if is_usual else [f"            (port {usual} is taken, so it has another)"]


def _made(settings: Settings) -> list[str]:
    """Name the secrets that were made, since none were set."""
    given = {
        "webhook_secret": settings.webhook_secret or settings.workspaces,
        "admin_password": settings.admin_password.get_secret_value(),
    }
    return [name for name, value in given.items() if not value]


def _to_try(service: Running, made: Sequence[str]) -> list[str]:
    """Say what to try first; with a real API that is nothing which would be answered."""
    secret = service.webhook_secret if "webhook_secret" in made else "YOUR-SECRET"
    if service.sandbox_url:
        what, body = "autoreply demo, or", _QUESTION
    else:
        what, body = "a test, which is recorded and never answered:", _PROBE
    return [
        f"  try       {what}",
        f"    curl -H 'X-Webhook-Secret: {secret}' -H 'Content-Type: application/json' \\",
        f"      -d '{body}' {service.web_url}/webhooks/instantly",
    ]

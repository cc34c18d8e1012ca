"""What every call of the provider's API goes through."""

import time
from collections.abc import Callable
from typing import Final

from flask import Response, request
from flask.typing import ResponseReturnValue

from web.sandbox.answers import problem, spoiled
from web.sandbox.names import JsonObject
from web.sandbox.state import Sandbox

Answer = JsonObject | tuple[JsonObject, int]
Route = tuple[str, str, Callable[..., ResponseReturnValue]]
"""Method, path and view; the view takes the sandbox first."""

LIST: Final = "/v2/emails"
"""The path whose `GET` has a limit of its own."""

_KEYS: Final = {"": 401, "wrong-key": 401, "no-plan": 402, "no-scope": 403}


def admit(sandbox: Sandbox) -> Response | None:
    """Refuse a call of the provider's API that has no right key, or comes too often."""
    if not request.path.startswith("/v2/"):
        return None
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    status = _KEYS.get(key.strip()) if scheme.casefold() == "bearer" else 401
    if status:
        return problem(status)
    is_list = (request.method, request.path) == ("GET", LIST)
    wait = sandbox.limits.take(key.strip(), is_list=is_list, now=sandbox.clock())
    return problem(429) if wait else None


def perform(
    sandbox: Sandbox, call: str, lead_id: str, deed: Callable[[float], Answer]
) -> ResponseReturnValue:
    """Do what a call asks for, with the faults that strike it; `deed` takes the lag."""
    plan = sandbox.draw(call, lead_id)
    time.sleep(plan.latency)
    if plan.outcome and not plan.outcome.is_late:
        return spoiled(plan.outcome)
    done = deed(plan.lag)
    return spoiled(plan.outcome) if plan.outcome else done


def action(sandbox: Sandbox, view: Callable[..., Answer], **path: str) -> ResponseReturnValue:
    """Do what any other call asks for, with the faults that strike those."""
    return perform(sandbox, "action", "", lambda _lag: view(sandbox, **path))

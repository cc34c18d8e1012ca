"""`check --live`: does the API take the key, may it do what we need, does the hook work?

Only reads: whether the key may also write shows with the first answer, and until then it waits.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from worker.contracts.email.hooks import PATH, hook_of, our_hooks
from worker.contracts.history import items_of
from worker.domain.errors import AutoreplyError
from worker.http import understand
from worker.settings import Settings, missing

_BY_LEAD: Final = "/v2/leads/autoreply-check/emails"
"""The e-mails of a lead that does not exist: only the way to the API and the key are judged."""

_EMAILS: Final = "/v2/emails"
_HOOKS: Final = "/v2/webhooks"
_SCOPES: Final = {
    _EMAILS: "emails:read",
    _HOOKS: "webhooks:read",
    "/v2/webhook-events": "webhook_events:read",
    "/v2/campaigns": "campaigns:read",
    "/v2/block-lists-entries": "block_list_entries:read",
}
"""What contract `email` reads, and the scope that the key needs for it."""

_MOST_SKEW: Final = 30.0
_NOT_FOUND: Final = httpx.codes.NOT_FOUND


def problems(settings: Settings) -> Iterator[str]:
    """Call the API; yield what its answers show to be wrong."""
    key = settings.api_key.get_secret_value()
    if not key:
        yield f"nothing to ask with: {missing('api_key')}"
        return
    with httpx.Client(
        base_url=settings.api_url.rstrip("/"),
        headers={"Authorization": f"Bearer {key}"},
        timeout=settings.http_timeout.total_seconds(),
    ) as client:
        try:
            yield from _problems(client, settings.api_contract)
        except httpx.HTTPError as error:
            yield f"{settings.api_url} does not answer: {error}; see AUTOREPLY_API_URL"


def _problems(client: httpx.Client, contract: str) -> Iterator[str]:
    first = client.get(_BY_LEAD) if contract == "lead" else client.get(_EMAILS, params={"limit": 1})
    yield from _skew(first)
    if contract == "auto" and first.status_code == _NOT_FOUND:
        contract, first = "lead", client.get(_BY_LEAD)
    if contract == "lead":
        if not (first.status_code == _NOT_FOUND and _is_the_providers(first)):
            yield from _refusal(first)
        return
    refused = list(_refusal(first, _SCOPES[_EMAILS]))
    yield from refused
    if first.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.PAYMENT_REQUIRED):
        return
    for path, scope in _SCOPES.items():
        if path != _EMAILS:
            answer = client.get(path, params={"limit": 100 if path == _HOOKS else 1})
            found = list(_refusal(answer, scope))
            yield from found or (_hooks(answer) if path == _HOOKS else ())


def _refusal(answer: httpx.Response, scope: str = "") -> Iterator[str]:
    try:
        understand("read", answer.status_code, answer.headers, answer.content)
    except AutoreplyError as error:
        needs = f"; the key needs {scope}" if answer.status_code == httpx.codes.FORBIDDEN else ""
        hint = needs or "; see AUTOREPLY_API_URL and AUTOREPLY_API_KEY"
        yield f"{answer.url.copy_with(query=None)}: {error.detail}{hint}"


def _hooks(answer: httpx.Response) -> Iterator[str]:
    ours = our_hooks(map(hook_of, items_of(answer.json())))
    if not ours:
        yield f"no webhook leads to a receiver; `autoreply webhook register https://…{PATH}`"
    for hook in ours:
        if hook.disabled:
            yield f"the provider gave up delivering to {hook.url}; `autoreply webhook resume`"


def _skew(answer: httpx.Response) -> Iterator[str]:
    """Tell of a clock that is wrong: ages and business hours are read from it."""
    with suppress(KeyError, ValueError):
        there = parsedate_to_datetime(answer.headers["date"])
        apart = (datetime.now(UTC) - there).total_seconds()
        if abs(apart) > _MOST_SKEW:
            yield f"this machine's clock is {apart:+.0f} s off the API's; set it by NTP"


def _is_the_providers(answer: httpx.Response) -> bool:
    """Say whether a 404 is about the lead: another server's 404 has another shape."""
    try:
        said: Any = answer.json()
    except ValueError:
        return False
    return isinstance(said, Mapping) and ("statusCode" in said or set(said) == {"error"})

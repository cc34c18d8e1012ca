"""`check --live`: is the API there, and does it take the key? Only reads."""

from collections.abc import Iterator
from typing import Any, Final

import httpx

from worker.domain.errors import AutoreplyError
from worker.http import understand
from worker.settings import Settings, missing

_NOBODY: Final = "autoreply-check"
"""A lead that does not exist: only the way to the API and the key are judged."""


def problems(settings: Settings) -> Iterator[str]:
    """Ask for the e-mails of nobody; yield what the answer shows to be wrong."""
    key = settings.api_key.get_secret_value()
    if not key:
        yield f"nothing to ask with: {missing('api_key')}"
        return
    url = f"{settings.api_url.rstrip('/')}/v2/leads/{_NOBODY}/emails"
    try:
        answer = httpx.get(
            url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=settings.http_timeout.total_seconds(),
        )
    except httpx.HTTPError as error:
        yield f"{url} does not answer: {error}"
        return
    if answer.status_code == httpx.codes.NOT_FOUND and _is_the_providers(answer):
        return
    try:
        understand("read", answer.status_code, answer.headers, answer.content)
    except AutoreplyError as error:
        yield f"{url}: {error.detail}; see AUTOREPLY_API_URL and AUTOREPLY_API_KEY"


def _is_the_providers(answer: httpx.Response) -> bool:
    """Say whether a 404 is about the lead: another server's 404 has another shape."""
    try:
        said: Any = answer.json()
    except ValueError:
        return False
    return isinstance(said, dict) and ("statusCode" in said or set(said) == {"error"})

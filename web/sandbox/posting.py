"""Posting to a webhook's address."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import SplitResult, urlsplit

from web.sandbox.names import JsonObject

_PATIENCE: Final = 10.0
"""Seconds for which an answer is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What came of it. `status`: of HTTP, None for no answer; `took`: milliseconds."""

    status: int | None
    error: str
    took: int

    @property
    def success(self) -> bool:
        """Say whether the other side took it."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's classes


def post(url: str, payload: JsonObject, headers: Mapping[str, str]) -> Posted:
    """Post a payload as JSON; never raises for what the other side does."""
    began = time.monotonic()
    try:
        status, error = _status(urlsplit(url), json.dumps(payload).encode(), headers), ""
    except (OSError, HTTPException, ValueError) as problem:
        status, error = None, f"{type(problem).__name__}: {problem}"
    return Posted(status=status, error=error, took=round((time.monotonic() - began) * 1000))


def _status(url: SplitResult, body: bytes, headers: Mapping[str, str]) -> int:
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = kind(url.netloc, timeout=_PATIENCE)
    try:
        path = f"{url.path or '/'}{'?' if url.query else ''}{url.query}"
        connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()

"""Reading foreign JSON: whatever the type of a field, get the value or nothing."""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from worker.domain.words import clean

_LONGEST_ID: Final = 200
_LONGEST_TEXT: Final = 1024 * 1024
"""Characters: as much as a webhook may have in all; more than any mail has in words."""

_LONGEST_HEADER: Final = 64 * 1024
_NOT_IN_ADDRESSES: Final = re.compile(r"[\s<>,;:\"()\[\]]+")
"""Splitting is linear, and deep brackets are none to it: the standard library recurses."""

_TOO_LARGE: Final = 10**_LONGEST_ID
_MILLISECONDS_FROM: Final = 1e11
"""Epoch numbers above are milliseconds; as seconds they would lie past the year 5000."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def json_value(body: bytes | str) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON; bytes that are no text, and numbers that fit no number, cost only themselves.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.

    """
    if isinstance(body, bytes):
        body = body.decode(json.detect_encoding(body), "replace")
    return json.loads(body, parse_int=_whole, parse_float=_broken, parse_constant=_no_constant)


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_ID else digits


def _broken(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


def _no_constant(name: str) -> None:
    msg = f"{name} is no JSON value"
    raise ValueError(msg)


def text(data: Mapping[str, Any], *names: str) -> str:
    """Return the first of the fields that has text in it."""
    for name in names:
        value = data.get(name)
        if isinstance(value, str) and value.strip():
            return clean(value[:_LONGEST_TEXT])
    return ""


def identity(data: Mapping[str, Any], *names: str) -> str:
    """Return the first of the fields that has an id, a number's digits included."""
    for name in names:
        value = data.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _TOO_LARGE:
            return str(value)
        if isinstance(value, str) and 0 < len(value.strip()) <= _LONGEST_ID:
            return clean(value.strip()).replace("\n", "")
    return ""


def whole(data: Mapping[str, Any], name: str) -> int:
    """Return a whole number; 0 where the field has none."""
    digits = identity(data, name)
    return int(digits) if digits.removeprefix("-").isdecimal() else 0


def is_uuid(value: str) -> bool:
    """Say whether an id has the one form that the published API takes in paths and filters."""
    return _UUID.fullmatch(value) is not None


def address(data: Mapping[str, Any], *names: str) -> str:
    """Return the first of the fields that has a mail address, in lower case, bare."""
    for name in names:
        value = data.get(name)
        if isinstance(value, str) and "@" in value:
            value = value[:_LONGEST_TEXT]
            bare = value[value.rfind("<") + 1 :].split(">")[0]
            return clean(bare.strip()).casefold()[:_LONGEST_ID]
    return ""


def addresses(data: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    """Return all mail addresses of the fields, in lower case, bare.

    Each field is a header's text (`Ann <ann@b.example>, c@d.example`), or a list of such.
    """
    values = (data.get(name) for name in names)
    texts = [text for value in values for text in (value if isinstance(value, list) else [value])]
    parts = [
        clean(part).strip("'").casefold()[:_LONGEST_ID]
        for text in texts
        if isinstance(text, str)
        for part in _NOT_IN_ADDRESSES.split(text[:_LONGEST_HEADER])
    ]
    return tuple(dict.fromkeys(part for part in parts if "@" in part[1:-1]))


def flag(data: Mapping[str, Any], name: str) -> bool:
    """Return whether a flag is set: `true`, `1`, `"1"`, `"true"`, `"yes"`."""
    value = data.get(name)
    return str(value).strip().casefold() in ("1", "1.0", "true", "yes")


def moment(data: Mapping[str, Any], *names: str) -> datetime | None:
    """Return the first of the fields that has a time (ISO 8601 or epoch), in UTC."""
    for name in names:
        found = _moment(data.get(name))
        if found is not None:
            return found
    return None


def _moment(value: object) -> datetime | None:
    try:
        if isinstance(value, str) and not value.strip().isdecimal():
            parsed = datetime.fromisoformat(value.strip())
            return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, bool) or value is None:
            return None
        number = float(str(value))
        if not math.isfinite(number):
            return None
        seconds = number / 1000 if number > _MILLISECONDS_FROM else number
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None

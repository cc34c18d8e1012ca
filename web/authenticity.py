"""Is a delivery genuine? Judged on the raw bytes, in constant time, against every secret."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

TOLERANCE: Final = 300
"""Seconds by which a signed timestamp may be off (Standard Webhooks, `webhook-timestamp`)."""

_SIGNATURE: Final = "webhook-signature"


class Headers(Protocol):
    """A request's headers, whatever the case of their names."""

    def get(self, key: str, default: str) -> str:
        """Return a header's value."""
        ...


def has_secret(headers: Headers, secrets: Sequence[str]) -> bool:
    """Say whether a header carries one of the secrets: `X-Webhook-Secret` or a bearer."""
    scheme, _, bearer = headers.get("Authorization", "").partition(" ")
    given = [headers.get("X-Webhook-Secret", "")]
    given += [bearer.strip()] if scheme.casefold() == "bearer" else []
    return _any_equal(filter(None, given), secrets)


def _any_equal(given: Iterable[str], wanted: Sequence[str]) -> bool:
    """Compare everything with everything: the time taken tells nothing about the secrets."""
    pairs = [hmac.compare_digest(_bytes(one), _bytes(other)) for one in given for other in wanted]
    return sum(pairs) > 0


def _bytes(text: str) -> bytes:
    """Encode anything, lone surrogates included: no header and no secret may raise."""
    return text.encode("utf-8", "backslashreplace")


def is_signed(headers: Headers) -> bool:
    """Say whether a delivery claims a signature, which needs its body to be judged."""
    return bool(headers.get(_SIGNATURE, ""))


def has_signature(headers: Headers, body: bytes, secrets: Sequence[str], now: float) -> bool:
    """Say whether a Standard Webhooks signature is right (standardwebhooks.com, version 1).

    Args:
        headers: `webhook-id`, `webhook-timestamp` and `webhook-signature`.
        body: the raw bytes.
        secrets: as text, or base64 behind `whsec_`.
        now: seconds since the epoch.

    """
    name, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not name or not stamp.isascii() or not stamp.isdecimal() or len(stamp) > len("1" * 12):
        return False
    if abs(now - int(stamp)) > TOLERANCE:
        return False
    signed = _bytes(f"{name}.{stamp}.") + body
    wanted = [
        base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        for secret in secrets
        for key in _keys(secret)
    ]
    pairs = (part.partition(",") for part in headers.get(_SIGNATURE, "").split())
    return _any_equal((value for version, _, value in pairs if version == "v1"), wanted)


def _keys(secret: str) -> list[bytes]:
    """Return the keys a secret may stand for: its text, and what it decodes to; no empty one."""
    text = secret.removeprefix("whsec_")
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    return [key for key in (_bytes(secret), decoded) if key and text]

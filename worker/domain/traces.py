"""Names of traces (W3C Trace Context): one from the webhook to the answer."""

import hashlib
import re
from typing import Final

_PARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_RESERVED: Final = "ff"
_FIRST: Final = "00"


def read(header: str) -> str:
    """Return a sender's `traceparent` as version 00 writes it; "" where it is none."""
    found = _PARENT.fullmatch(header.strip())
    if found is None or found[1] == _RESERVED or (found[1] == _FIRST and found[5]):
        return ""
    if not (found[2].strip("0") and found[3].strip("0")):
        return ""
    return f"{_FIRST}-{found[2]}-{found[3]}-{found[4]}"


def made_for(key: str, accepted: int) -> str:
    """Return the trace of an event that came without one: the same each time it is asked for.

    `accepted`: when it was (milliseconds), since a key may come again once it was forgotten.
    """
    digest = hashlib.sha256(f"{key}\n{accepted}".encode()).hexdigest()
    return f"{_FIRST}-{digest[:32]}-{digest[32:48]}-01"


def trace_id(traceparent: str) -> str:
    """Return what all lines and calls of a trace have in common."""
    return traceparent.split("-")[1]


def child(traceparent: str, span: bytes) -> str:
    """Return the header for a call within a trace; the span is eight bytes of its own."""
    version, trace, _, flags = traceparent.split("-")
    return f"{version}-{trace}-{span.hex()}-{flags}"

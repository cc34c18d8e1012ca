"""A delivery as it is kept on disk: one line that tells whether it is whole."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

DONE_AT: Final = len(b'{"done":')
"""Where in a line its flag stands: 0, or 1 once the delivery is recorded elsewhere."""

DONE: Final = b"1"
_LINE: Final = re.compile(
    rb'\{"done":([01]),"sha256":"([0-9a-f]{64})","delivery":(.*)\}\n', re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A genuine delivery, as far as it is kept.

    Attributes:
        body: the raw bytes, JSON in any of its encodings.
        headers: those by which it is known; never a secret.

    """

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def webhook_id(self) -> str:
        """The delivery's own id, "" where it has none."""
        return self.headers.get("webhook-id", "").strip()


def to_line(delivery: Delivery) -> bytes:
    """Return the line that keeps a delivery, byte for byte."""
    body = delivery.body.decode("utf-8", "surrogateescape")
    inner = json.dumps({"headers": dict(delivery.headers), "body": body}).encode()
    digest = hashlib.sha256(inner).hexdigest().encode()
    return b'{"done":0,"sha256":"%s","delivery":%s}\n' % (digest, inner)


def from_line(line: bytes) -> tuple[Delivery, bool] | None:
    """Read a line back: the delivery, and whether it is done; None where it is damaged."""
    found = _LINE.fullmatch(line)
    if found is None or hashlib.sha256(found[3]).hexdigest().encode() != found[2]:
        return None
    inner = json.loads(found[3])
    body = inner["body"].encode("utf-8", "surrogateescape")
    return Delivery(body, inner["headers"]), found[1] == DONE

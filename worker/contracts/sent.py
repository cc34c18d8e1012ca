"""Reading the answer to a reply."""

from collections.abc import Mapping

from worker.contracts.lenient import identity


def sent_id(answer: object) -> str:
    """Return the provider's id of the answer that was sent; "" where it tells none."""
    if not isinstance(answer, Mapping):
        return ""
    inner = [answer.get(name) for name in ("email", "data", "item", "reply")]
    parts = [part for part in (answer, *inner) if isinstance(part, Mapping)]
    ids = (identity(part, "id", "email_id", "message_id", "uuid", "reply_id") for part in parts)
    return next(filter(None, ids), "")

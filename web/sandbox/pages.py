"""Lists in pages, as the provider cuts them."""

from collections.abc import Sequence
from typing import Final

from flask import request

from web.sandbox.names import JsonObject
from web.sandbox.refusal import Refusal

_USUAL: Final = 10
_MOST: Final = 100


def page_by_query(items: Sequence[JsonObject]) -> JsonObject:
    """Return the page that the query string asks for."""
    limit = request.args.get("limit", str(_USUAL))
    if not limit.isdecimal():
        raise Refusal(400, "querystring/limit must be integer")
    return page(items, int(limit), request.args.get("starting_after", ""), "querystring")


def page(
    items: Sequence[JsonObject], limit: int = _USUAL, after: str = "", where: str = "body"
) -> JsonObject:
    """Return the items that follow one; a page with items has a cursor, the last one too."""
    if not 1 <= limit <= _MOST:
        least_or_most = f">= {1}" if limit < 1 else f"<= {_MOST}"
        raise Refusal(400, f"{where}/limit must be {least_or_most}")
    ids = [item["id"] for item in items]
    if after and after not in ids:
        raise Refusal(400, f"{where}/starting_after names no item of this list")
    start = ids.index(after) + 1 if after else 0
    found = list(items[start : start + limit])
    return {"items": found} | ({"next_starting_after": found[-1]["id"]} if found else {})

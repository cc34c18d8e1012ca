"""Following the provider's cursors."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from worker.contracts.history import items_of
from worker.contracts.lenient import identity

Page = list[Mapping[str, Any]]


def pages(
    fetch: Callable[[str], object], what: str = "e-mails", *, full: int = 0
) -> Iterator[Page]:
    """Yield the pages of a list until one tells nothing new; the last may carry a cursor too.

    Args:
        fetch: asks for what follows a cursor; "" asks for the first page.
        what: what it lists, in words.
        full: a page with fewer items is known to be the last one.

    Raises:
        TryLater: an answer has no list, or could not be had.

    """
    cursor, page = "", Page()
    while True:
        answer, before = fetch(cursor), page
        page = items_of(answer, what)
        new = [item for item in page if item not in before]
        if new:
            yield new
        cursor = identity(answer, "next_starting_after") if isinstance(answer, Mapping) else ""
        if not (new and cursor) or len(page) < full:
            return


def after(cursor: str) -> dict[str, str]:
    """Return what asks for the page after a cursor."""
    return {"starting_after": cursor} if cursor else {}

"""`/trouble`: doubts, failures and webhooks that nobody can read, with what settles each."""

from typing import Final

from flask import Blueprint, render_template

from web.console.parts import Console
from web.console.words import reason_words
from worker.domain.progress import State
from worker.domain.record import Record
from worker.domain.search import Query

_MOST_SHOWN: Final = 50
_HELD_DOUBTS: Final = ("second_doubt", "doubt_unreadable", "doubt_several", "doubt_held")


def add(pages: Blueprint, console: Console) -> None:
    """Add the page."""

    def found(query: Query) -> list[Record]:
        return list(console.ledger.search(query, _MOST_SHOWN).records)

    @pages.get("/trouble")
    def trouble() -> str:
        asked = [
            record
            for reason in _HELD_DOUBTS
            for record in found(Query(state=State.HELD, reason=reason))
        ]
        return render_template(
            "console/trouble.html",
            asked=asked,
            doubts=found(Query(state=State.DOUBT)),
            failed=found(Query(state=State.FAILED)),
            quarantined=found(Query(state=State.QUARANTINED)),
            why=reason_words,
        )

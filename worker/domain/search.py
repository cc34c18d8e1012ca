"""Looking for events: what is asked, and how both ledgers answer it page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from worker.domain.progress import State
from worker.domain.record import Record, known_state


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which events are looked for; what is left out does not matter.

    Attributes:
        person: the hashed name of a lead's address or id (`worker.ledger.accounts.named`).
        since: received at this time or later (milliseconds).
        until: received before this time (milliseconds).

    """

    state: State | None = None
    reason: str = ""
    template: str = ""
    campaign: str = ""
    person: str = ""
    since: int = 0
    until: int | None = None

    @property
    def lists(self) -> list[str]:
        """The ledger's lists that hold every event asked for."""
        asked = {
            "campaign_id": self.campaign,
            "reason": self.reason,
            "template": self.template,
            "person": self.person,
        }
        by = [f"by:{name}:{value}" for name, value in asked.items() if value]
        return [*([f"state:{self.state}"] if self.state else []), *by]

    def fits(self, row: Mapping[str, str]) -> bool:
        """Say whether a row is one of those asked for, whatever list it was found in."""
        return (
            self.state in (None, known_state(row.get("state", "")))
            and self.reason in ("", row.get("reason"))
            and self.template in ("", row.get("template"))
            and self.campaign in ("", row.get("campaign_id"))
            and (not self.person or f'"{self.person}"' in row.get("people", ""))
        )

    def finds(self, row: Mapping[str, str]) -> bool:
        """Say whether a row fits and was received in the time asked for."""
        return self.fits(row) and self.covers(int(row["received_at"]))

    def covers(self, received_at: int) -> bool:
        """Say whether an event was received in the time asked for (milliseconds)."""
        return self.since <= received_at and (self.until is None or received_at < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some events, the newest first; `following` asks for those after them, "" for the end."""

    records: Sequence[Record]
    following: str = ""


Place = tuple[int, str]
"""When an event was received (milliseconds), and its key: where it stands in every list."""


def cursor(last: Place | None) -> str:
    """Return the words for a place, which newer events do not move; "" for the beginning."""
    return f"{last[0]}-{last[1]}" if last else ""


def place(cursor: str) -> Place | None:
    """Read a cursor; None for the beginning.

    Raises:
        ValueError: it is none.

    """
    if not cursor:
        return None
    received_at, _, key = cursor.partition("-")
    return int(received_at), key

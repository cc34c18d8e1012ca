"""E-mails as a mirror keeps them: the seam between who fills it, who reads it, and its store."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMail:
    """One e-mail.

    Attributes:
        id: the provider's id.
        thread: the provider's id of its conversation.
        created: when the provider got it, by its own clock; milliseconds, 0 where unknown.
        content: the API's object as JSON text.
        reply: a lead of a campaign wrote it, so that a webhook should tell of it.

    """

    id: str
    thread: str
    created: int
    content: str = field(repr=False)
    reply: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where the next page of the list of all e-mails begins.

    Attributes:
        at: the moment by the store's clock, milliseconds.
        since: e-mails that the provider got after this, by its own clock; milliseconds.
        cursor: what follows the page before; "" for the first one.
        era: of which beginning of the mirror this speaks.
        full: how many e-mails a full page has; 0: not known yet.
        short: how many the page before had, where it is followed to find that out.

    """

    at: int
    since: int
    cursor: str
    era: int
    full: int = 0
    short: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What was found out about a page of the list.

    Attributes:
        cursor: what follows it; "" where nothing does: the list is read to its end.
        full, short: as in `Start`, for the next page.

    """

    cursor: str = ""
    full: int = 0
    short: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the mirror shows of a conversation. Times in milliseconds, by the store's clock.

    Attributes:
        now: the moment.
        as_of: when those e-mails were asked for that are the newest here; 0 for never.
        filled: when their answer was here; 0 for never.
        off: the provider does not list e-mails: the mirror stays as it is for a while.
        thread: the provider's id of the conversation, "" where the mirror has no such mail.
        whole: all of it was read, once; its first mails may be older than the mirror.
        wrote: when an answer of ours left in it; 0 for never.
        full: how many e-mails a full page of a list has; 0: not known yet.
        mails: the API's objects as JSON texts, in no order.

    """

    now: int
    as_of: int = 0
    filled: int = 0
    off: bool = False
    thread: str = ""
    whole: bool = False
    wrote: int = 0
    full: int = 0
    mails: Sequence[str] = field(default=(), repr=False)


class Mirror(Protocol):
    """The recent e-mails of a workspace. Every method is one atomic step.

    All of them may be repeated, and come late, without harm: e-mails are only ever added,
    and times only move forward.
    """

    def start(self) -> Start:
        """Return where to go on reading.

        Pages overlap: e-mails that turn up late, with a time that is past, are found as
        long as few others are newer. A mirror that nobody filled for long begins again.
        """
        ...

    def fill(self, mails: Sequence[KeptMail], start: Start, page: Page) -> None:
        """Add a page of the list of all e-mails."""
        ...

    def keep(self, mails: Sequence[KeptMail], *, thread: str = "") -> None:
        """Add e-mails that came another way; `thread`: these are all that it has."""
        ...

    def wrote(self, mail_id: str) -> None:
        """Remember that an answer to this mail may have left just now."""
        ...

    def forget(self, address: str) -> int:
        """Erase the conversations in which an address occurs; return how many those were.

        Unlike the others it takes several steps: what comes in meanwhile may stay.
        """
        ...

    def off(self, milliseconds: int) -> None:
        """Remember that the provider does not list e-mails, for a while."""
        ...

    def view(self, mail_id: str) -> View:
        """Return the conversation of an e-mail."""
        ...

    def replies(self, *, age: int, most: int) -> list[str]:
        """Return ids of replies that came in at least `age` milliseconds ago, oldest first.

        A reply stays among them until it is checked off.
        """
        ...

    def check_off(self, mail_id: str) -> None:
        """Take a reply off: an event knows it, or none ever shall."""
        ...


def mentions(content: str, address: str) -> bool:
    """Say whether an address occurs in an e-mail's JSON text, however it is written."""
    return address.casefold() in content.casefold()

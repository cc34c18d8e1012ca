"""What a lead thinks of us, in the provider's words."""

from difflib import get_close_matches
from enum import IntEnum


class Interest(IntEnum):
    """The provider's words for what a lead thinks of us; custom labels are other numbers."""

    NO_SHOW = -4
    LOST = -3
    WRONG_PERSON = -2
    NOT_INTERESTED = -1
    OUT_OF_OFFICE = 0
    INTERESTED = 1
    MEETING_BOOKED = 2
    MEETING_COMPLETED = 3
    WON = 4


def parse_interest(value: object) -> int:
    """Read `interested`, `meeting_booked`, …, or a custom label's number.

    Raises:
        ValueError: it is neither; the message names the nearest right word.

    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    words = [interest.name.lower() for interest in Interest]
    word = str(value).strip().casefold().replace(" ", "_").replace("-", "_")
    if word in words:
        return Interest[word.upper()]
    near = get_close_matches(word, words, 1)
    hint = f"did you mean {near[0]}?" if near else f"write one of {', '.join(words)}, or a number"
    msg = f"{value!r} is no interest; {hint}"
    raise ValueError(msg)


def interest_word(value: int) -> str:
    """Return how an interest reads: its word, or a custom label's number."""
    known = {interest.value: interest.name.lower() for interest in Interest}
    return known.get(value, str(value))

"""What the provider does in a run: which mails arrive, and how often each is announced."""

import random
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]

_WORDS: Final = (
    "How much is it for {n} seats?",
    "Looks useful. What would the price be for a team of {n}?",
    "Could we set up a call about {n} seats?",
    "Please send me more information, we are {n} people.",
    "I'm interested. There are {n} of us.",
)
_TYPES: Final = ("reply_received", "reply_received", "lead_interested", "lead_neutral")
_ANNOUNCED_WITHIN: Final = 3.0
"""Seconds in which the deliveries of one mail follow each other."""


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """One call by the provider: `at` seconds after the start; `lead` is set for the history."""

    at: float
    mail: str
    number: int
    payload: Json
    lead: str = ""


def planned(seconds: float, per_second: float, dice: random.Random) -> list[Call]:
    """Return all calls of a run: one mail for each lead, announced one to three times.

    A delivery is the reply itself or a label for it, in any order. Every second mail is in
    the provider's history as well; for the others the webhook's words are all there is.
    """
    calls: list[Call] = []
    for n in range(int(seconds * per_second)):
        at = n / per_second
        words = dice.choice(_WORDS).format(n=n + 2)
        in_history = dice.random() < 0.5  # noqa: PLR2004 - every second one
        if in_history:
            told = {"text": words, "id": f"mail-{n}"}
            calls.append(Call(at, f"mail-{n}", 0, told, f"lead-{n}"))
        for number in range(1, dice.randint(1, 3) + 1):
            later = at + (number > 1) * dice.random() * _ANNOUNCED_WITHIN
            payload = _webhook(n, dice.choice(_TYPES), words, in_history=in_history)
            calls.append(Call(later, f"mail-{n}", number, payload))
    return sorted(calls)


def _webhook(n: int, event_type: str, words: str, *, in_history: bool) -> Json:
    address = {} if in_history else {"lead_email": f"lead{n}@northwind.example"}
    return address | {
        "event_type": event_type,
        "lead_id": f"lead-{n}",
        "email_id": f"mail-{n}",
        "reply_subject": "Re: A thought",
        "reply_text": words,
    }

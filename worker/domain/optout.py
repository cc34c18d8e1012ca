"""Does the person ask us to stop? Read in their own newest words only."""

from typing import Final

from worker.domain.words import fold, mentions

_PHRASES: Final = (
    "unsubscribe", "unsubscribe me", "remove me", "remove my email", "remove my address",
    "remove us from", "take me off", "take us off", "delete my email", "delete my address",
    "delete my data", "opt out", "opt me out", "stop emailing", "stop e mailing",
    "stop mailing me", "stop contacting", "stop sending", "stop messaging", "stop writing to me",
    "do not contact", "don t contact", "dont contact", "do not email", "don t email",
    "dont email", "do not e mail", "don t e mail", "do not write", "don t write to me",
    "never contact", "never email", "never write to me", "no more emails", "no more e mails",
    "no further emails", "no further contact", "no longer wish to receive",
    "do not wish to be contacted", "don t want to receive", "do not want to receive",
    "don t want any more emails", "leave me alone", "cease and desist", "lose my email",
)  # fmt: skip
_WHOLE_MESSAGES: Final = frozenset(
    {"stop", "remove", "please stop", "please remove", "remove please", "stop please", "optout"}
)
_ASKED_ABOUT_US: Final = (
    "do not unsubscribe", "don t unsubscribe", "did not opt out",
    "don t opt me out", "do not remove me", "don t remove me", "don t take me off",
    "unsubscribe rate", "unsubscribe link in your", "unsubscribe feature",
)  # fmt: skip


_SUBJECTS: Final = _WHOLE_MESSAGES | {"unsubscribe", "remove me", "opt out"}
"""What mail programs and people put there alone; `Re: stop` quotes our own subject."""


def opt_out_subject(subject: str) -> str:
    """Return the subject where it is nothing but the wish to be left alone."""
    folded = fold(subject)
    return folded if folded in _SUBJECTS else ""


def opt_out_words(newest: str) -> str:
    """Return the words that ask to be left alone; "" where there are none."""
    folded = fold(newest)
    if folded in _WHOLE_MESSAGES:
        return folded
    for harmless in _ASKED_ABOUT_US:
        folded = folded.replace(harmless, "")
    return next((phrase for phrase in _PHRASES if mentions(folded, phrase)), "")

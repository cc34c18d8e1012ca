"""Did a person write this mail, or a machine: an absence note, an acknowledgement, a bounce?

The provider and the headers are asked first, where they speak. Mostly they do not, so the
words have to tell: a note is made of parts (absent, until when, whom to ask instead, thanks
for the message …), of which one proves little and two are enough; whoever answers us, asks
or apologises is a person, on holiday or not.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from worker.domain.machine_headers import Headers, automatic, bulk, machine_address, report
from worker.domain.machine_subject import Subject
from worker.domain.machine_words import Words


class Kind(StrEnum):
    """Who or what wrote a mail."""

    PERSON = "person"
    OUT_OF_OFFICE = "out_of_office"
    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"
    LIST = "list"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The kind of a mail, and the words or the header that told; "" for a person."""

    kind: Kind
    because: str = ""


def judge(
    *,
    subject: str,
    words: str,
    headers: Mapping[str, object] | None = None,
    sender: str = "",
    event_types: Collection[str] = (),
    flagged: bool = False,
    our_subject: str = "",
) -> Judgement:
    """Judge who or what wrote a mail.

    Args:
        subject: of the mail.
        words: its newest words, without what it quotes.
        headers: where the mail has some: name (in any case) → value, or list of values.
        sender: its address; where not given, that of the From header.
        event_types: what the provider announced the mail as.
        flagged: the provider says that it is automatic.
        our_subject: of the mail that it answers; quoting it proves nothing.

    """
    mail = _Mail(
        subject=Subject(subject, our_subject),
        words=Words(words),
        headers=Headers(headers),
        sender=sender,
        event_types=frozenset(event_types),
        flagged=flagged,
    )
    told = ((kind, tells(mail)) for kind, tells in _EVIDENCE)
    return next((Judgement(kind, because) for kind, because in told if because), _A_PERSON)


_A_PERSON: Final = Judgement(Kind.PERSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mail:
    """What is known of a mail."""

    subject: Subject
    words: Words
    headers: Headers
    sender: str
    event_types: frozenset[str]
    flagged: bool


_Evidence = Callable[[_Mail], str]
"""Returns what tells, "" where it does not."""


def _announced(event_type: str) -> _Evidence:
    return lambda mail: f"the provider sent {event_type}" if event_type in mail.event_types else ""


def _reported(kind: str) -> _Evidence:
    def tells(mail: _Mail) -> str:
        found, because = report(mail.headers)
        return because if found == kind else ""

    return tells


def _address(kind: str) -> _Evidence:
    def tells(mail: _Mail) -> str:
        found, address = machine_address(mail.sender, mail.headers)
        return f"a machine's address: {address}" if found == kind else ""

    return tells


def _opens(section: str) -> _Evidence:
    def tells(mail: _Mail) -> str:
        words = mail.subject.opens(section)
        return f"the subject begins with “{words}”" if words else ""

    return tells


def _subject_says(mail: _Mail) -> str:
    words = mail.subject.says("subject_says")
    return f"the subject says “{words}”" if words else ""


def _flagged(mail: _Mail) -> str:
    return "the provider flagged it as automatic" if mail.flagged else ""


def _receipt_subject(mail: _Mail) -> str:
    """A person may begin a subject with “Read:”, and then has something to say."""
    return "" if mail.words.folded else _opens("subject_receipt")(mail)


_EVIDENCE: Final[tuple[tuple[Kind, _Evidence], ...]] = (
    (Kind.BOUNCE, _announced("email_bounced")),
    (Kind.BOUNCE, _reported("bounce")),
    (Kind.RECEIPT, _reported("receipt")),
    (Kind.BOUNCE, _opens("subject_bounce")),
    (Kind.BOUNCE, _address("bounce")),
    (Kind.BOUNCE, lambda mail: mail.words.bounced()),
    (Kind.OUT_OF_OFFICE, _announced("lead_out_of_office")),
    (Kind.OUT_OF_OFFICE, lambda mail: mail.words.away()),
    (Kind.RECEIPT, lambda mail: mail.words.confirms_reading()),
    (Kind.AUTO_REPLY, lambda mail: mail.words.answers()),
    (Kind.OUT_OF_OFFICE, _opens("subject_away")),
    (Kind.OUT_OF_OFFICE, _subject_says),
    (Kind.AUTO_REPLY, _opens("subject_auto")),
    (Kind.RECEIPT, _receipt_subject),
    (Kind.AUTO_REPLY, _announced("auto_reply_received")),
    (Kind.AUTO_REPLY, _flagged),
    (Kind.AUTO_REPLY, lambda mail: automatic(mail.headers)),
    (Kind.AUTO_REPLY, _address("auto_reply")),
    (Kind.LIST, lambda mail: bulk(mail.headers)),
    (Kind.LIST, _address("list")),
    (Kind.LIST, lambda mail: mail.words.listed()),
)
"""Asked from the top; what stands higher says more exactly what the mail is."""

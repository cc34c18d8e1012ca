"""From an event and its thread to the facts that guards and rules decide on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from worker.domain.intents import Intent, IntentReader, shipped_intents
from worker.domain.language import language_of
from worker.domain.machines import Judgement, Kind, judge
from worker.domain.model import (
    Direction,
    EventClass,
    Message,
    ReplyEvent,
    Tally,
    Thread,
    TraceLine,
)
from worker.domain.optout import opt_out_subject, opt_out_words
from worker.domain.quotes import is_capped, newest_part, newest_words
from worker.domain.returning import read_return
from worker.domain.words import fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that is known about a reply when it is decided on.

    Attributes:
        mail: the event's own e-mail in the thread; None while the history lags.
        later: what came after it in the thread.
        words: the newest words of the person.
        raw: the whole text of the mail.
        opt_out: the words that ask us to stop; "" where there are none.
        kind: a person or which machine wrote it (`worker.domain.machines.Kind`).
        because: the words or the header that tell a machine; "" for a person.
        intents: what the person wants, the strongest first.
        return_day: when the lead says to be back, where an out-of-office note tells it surely.
        suppressed: the lead or its address is on the list of those who asked us to stop.
        domain_suppressed: somebody at the lead's company is on it.
        language: what the words are written in, as a code like `de`; "" where unknown.
        answers: our own mails in the conversation → the inbound mail that each answers.
        received: when the service accepted the event (UTC).
        now: the present moment (UTC).

    """

    event: ReplyEvent
    thread: Thread
    mail: Message | None
    later: tuple[Message, ...]
    words: str = field(repr=False)
    raw: str = field(repr=False)
    subject: str = field(repr=False)
    opt_out: str = ""
    kind: Kind = Kind.PERSON
    because: str = field(default="", repr=False)
    intents: tuple[Intent, ...] = field(default=(), repr=False)
    return_day: date | None = None
    suppressed: bool = False
    domain_suppressed: bool = False
    language: str = ""
    tally: Tally = field(default_factory=Tally)
    answers: Mapping[str, str] = field(default_factory=dict)
    received: datetime
    now: datetime

    @property
    def at(self) -> datetime:
        """When the mail was written, as far as anybody says."""
        return _written_at(self.mail, self.event, self.received)

    @property
    def mailbox(self) -> str:
        """Which of our mailboxes got the mail, and answers it."""
        return (self.mail.mailbox if self.mail else "") or self.event.mailbox

    @property
    def part(self) -> str:
        """The newest part as a reader wants to see it; decide on `words` only."""
        return newest_part(self.raw, _sent_before(self.thread, self.later))

    @property
    def trace(self) -> tuple[TraceLine, ...]:
        """What was understood, and by which words, for whoever asks why."""
        said = [
            ("kind", str(self.kind), self.because),
            *([("opt_out", "yes", self.opt_out)] if self.opt_out else []),
            *([("return_day", self.return_day.isoformat(), "")] if self.return_day else []),
            *([("language", self.language, "")] if self.language else []),
            *(("intent", intent.name, "; ".join(intent.words)) for intent in self.intents),
            *([("length", "capped", "only the beginning was read")] if is_capped(self.raw) else []),
        ]
        return tuple(
            TraceLine(step="read", name=name, outcome=outcome, detail=words)
            for name, outcome, words in said
        )

    @property
    def answered_by(self) -> Message | None:
        """The first mail of our side after theirs that is more than a campaign step.

        What the service itself sent to another of their mails is no answer to this one.
        """
        own = self.mail.id if self.mail else ""
        others = {m.id for m in self.thread.messages if m.direction is Direction.INBOUND} - {own}
        answers = (
            m
            for m in self.later
            if m.direction is Direction.OUTBOUND
            and not m.campaign_step
            and self.answers.get(m.id) not in others
        )
        return next(answers, None)

    @property
    def superseded_by(self) -> Message | None:
        """The newest mail of the lead after this one; a machine's counts after a machine's."""
        machines = self.kind == "out_of_office"
        newer = [
            m
            for m in self.later
            if m.direction is Direction.INBOUND and (machines or not m.automatic)
        ]
        return newer[-1] if newer else None

    @property
    def repeats(self) -> Message | None:
        """An earlier mail of theirs with the same words, after which we wrote to them.

        Machines answer each mail of ours alike; people ask again what we left unanswered, and
        say "Yes" again a month later. An out-of-office note is the same every time, and meant so.
        """
        if not self.words or self.kind == "out_of_office":
            return None
        since = {m.id for m in self.later} | {self.mail.id if self.mail else ""}
        before = [m for m in self.thread.messages if m.id not in since]
        ours = [index for index, m in enumerate(before) if m.direction is Direction.OUTBOUND]
        answered = before if self.tally.in_thread else before[: max(ours, default=0)]
        wanted = fingerprint(self.words)
        same = (
            m
            for m in reversed(answered)
            if m.direction is Direction.INBOUND
            and (m.at is None or self.at - m.at < _SAME_WORDS_FOR)
            and fingerprint(newest_words(m.text)) == wanted
        )
        return next(same, None)


def read(
    event: ReplyEvent,
    thread: Thread,
    *,
    received: datetime,
    now: datetime,
    suppressed: bool = False,
    tally: Tally | None = None,
    answers: Mapping[str, str] | None = None,
    heeded_until: datetime | None = None,
    intents: IntentReader | None = None,
    zone: ZoneInfo | None = None,
) -> Facts:
    """Put event and thread together.

    Where the history does not show the event's own mail yet, the words of the webhook
    stand in for it.

    Args:
        event: what the webhooks tell.
        thread: what the API tells.
        received: when the service accepted the event (UTC).
        now: the present moment (UTC).
        suppressed: the lead asked us to stop earlier.
        tally: what was sent automatically already.
        answers: our own mails → the inbound mail that each answers.
        heeded_until: opt-outs written before this were taken back by a person.
        intents: knows the template folder's own wordings; the shipped ones where not given.
        zone: the lead's clock, by which "back tomorrow" is read; UTC where not given.

    """
    mail, later = _place(event, thread, received)
    raw = (mail.text if mail else "") or event.text
    words = newest_words(raw, _sent_before(thread, later))
    subject = (mail.subject if mail else "") or event.subject
    at = _written_at(mail, event, received)
    opt_out = _own_opt_out(words, subject, at, heeded_until)
    judged = _judged(event, mail, thread, subject, words)
    language = language_of(words)
    return Facts(
        event=event,
        thread=thread,
        mail=mail,
        later=later,
        words=words,
        raw=raw,
        subject=subject,
        opt_out=opt_out or _opt_out_in(thread.messages, heeded_until),
        kind=judged.kind,
        because=judged.because,
        return_day=_return_day(judged, words, subject, at, language, zone),
        language=language,
        intents=(intents or shipped_intents()).read(words, opt_out),
        suppressed=suppressed,
        tally=tally or Tally(),
        answers=answers or {},
        received=received,
        now=now,
    )


def warm_up() -> None:
    """Load the words of all languages: once, before several threads need them at the same time."""
    now = datetime.now(UTC)
    text = "Thanks. I am away until Monday: what does it cost?"
    event = ReplyEvent(key="", event_class=EventClass.REPLY, event_types=(), text=text)
    read(event, Thread(), received=now, now=now)


def _judged(
    event: ReplyEvent, mail: Message | None, thread: Thread, subject: str, words: str
) -> Judgement:
    ours = (m.subject for m in reversed(thread.messages) if m.direction is Direction.OUTBOUND)
    return judge(
        subject=subject,
        words=words,
        headers=mail.headers if mail else None,
        event_types=event.event_types,
        flagged=event.automatic or bool(mail and mail.automatic),
        our_subject=next(filter(None, ours), ""),
    )


def _return_day(
    judged: Judgement, words: str, subject: str, at: datetime, language: str, zone: ZoneInfo | None
) -> date | None:
    """Read when they are back, as of the day of writing: a relative day must not move."""
    if judged.kind is not Kind.OUT_OF_OFFICE:
        return None
    return read_return(words, now=at, subject=subject, language=language, zone=zone).day


def _written_at(mail: Message | None, event: ReplyEvent, received: datetime) -> datetime:
    return (mail and mail.at) or event.at or received


def _own_opt_out(words: str, subject: str, at: datetime, heeded_until: datetime | None) -> str:
    if heeded_until and at <= heeded_until:
        return ""
    return opt_out_words(words) or opt_out_subject(subject)


def _opt_out_in(messages: Sequence[Message], heeded_until: datetime | None) -> str:
    found = (
        opt_out_words(newest_words(m.text, _sent(messages[:index])))
        for index, m in enumerate(messages)
        if m.direction is Direction.INBOUND
        and not (heeded_until and (m.at is None or m.at <= heeded_until))
    )
    return next(filter(None, found), "")


def _sent_before(thread: Thread, later: Sequence[Message]) -> list[str]:
    return _sent(thread.messages[: len(thread.messages) - len(later)])


def _sent(messages: Sequence[Message]) -> list[str]:
    """Return what we wrote: a mail can only quote what stands before it."""
    return [m.text for m in messages if m.direction is Direction.OUTBOUND]


def _place(
    event: ReplyEvent, thread: Thread, received: datetime
) -> tuple[Message | None, tuple[Message, ...]]:
    """Find the event's own mail and what came after it."""
    index = _index_of(event, thread, received)
    if index is not None:
        return thread.messages[index], thread.messages[index + 1 :]
    since = event.at or received
    return None, tuple(m for m in thread.messages if m.at is not None and m.at > since)


def _index_of(event: ReplyEvent, thread: Thread, received: datetime) -> int | None:
    inbound = [
        (index, m)
        for index, m in reversed(list(enumerate(thread.messages)))
        if m.direction is Direction.INBOUND
    ]
    by_id = [index for index, m in inbound if event.mail_id and m.id == event.mail_id]
    if by_id:
        return by_id[0]
    words = newest_words(event.text)
    if not words:
        return inbound[0][0] if inbound and not event.mail_id else None
    wanted = fingerprint(words)
    told_at = event.at or received
    apart = _OTHER_ID_APART if event.mail_id else _NO_ID_APART
    same = (
        index
        for index, m in inbound
        if (m.at is None or abs(told_at - m.at) < apart)
        and fingerprint(newest_words(m.text)) == wanted
    )
    return next(same, None)


_SAME_WORDS_FOR = timedelta(days=14)
"""How long the same words again look like a machine's: it answers each step of a campaign."""

_NO_ID_APART = timedelta(days=1)
"""A webhook follows its mail within a day: the same "Yes" a month ago is another mail."""

_OTHER_ID_APART = timedelta(minutes=10)
"""Some histories name mails otherwise than webhooks do; then time and words must agree."""

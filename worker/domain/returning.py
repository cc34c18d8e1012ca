"""When is the writer of an out-of-office note back? Read where it stands, and never guessed."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from worker.domain.absences import CUES, Part, Said, When, phrases
from worker.domain.days import Mention, mentions, next_weekday
from worker.domain.lexicon import shipped
from worker.domain.words import clean, fold, plain

READ_AT_MOST: Final = 4096
"""Characters read from the top: a note says early when its writer is back."""

_MOST_DAYS: Final = 32
"""A note that names more is a timetable."""

_WORDS_SHOWN: Final = 120
_DAY: Final = re.compile(r" Q(\d+)(?:DAY|END) ")
_ENDS: Final = re.compile(r"(?<!\b[^\W\d_])\.+\s+|[!?]+\s+|[。！？]|\n+")
_PART: Final = re.compile(
    r"[,(](?!\s*(?:ambos|inclu|einschl|inkl|włącz|включ|compres))|[;)，、；（）]|\s[-–—|]\s"
    r"|\sund\s(?!mit\s)",
    re.IGNORECASE,
)
_DASH: Final = re.compile(r"\s*[-–—~〜～]\s*")
_SPACES: Final = re.compile(r"[^\S\n]+")
_LINE: Final = 60
"""Characters of a line that was wrapped, not ended."""


@dataclass(frozen=True, slots=True)
class Return:
    """The day somebody is back, and the words that say so; None where no day can be read."""

    day: date | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class _Claim:
    """What one part of the note says: back on a day, or away until one."""

    mention: Mention
    back: bool
    days_later: int
    words: str

    def day(self, today: date) -> date | None:
        day = self.mention.day(today)
        return day and day + timedelta(days=self.days_later)


def read_return(
    text: str,
    *,
    now: datetime,
    subject: str = "",
    language: str = "",
    zone: ZoneInfo | None = None,
) -> Return:
    """Return the day from which the writer of an out-of-office note is back.

    Args:
        text: the note, without what it quotes.
        now: when it came (aware): what “Monday” and a date without a year count from.
        subject: its subject, which often names the day.
        language: its language (ISO 639-1) where known; else its own words tell.
        zone: the writer's time zone, for what “today” is there; that of `now` where unknown.

    """
    today = (now.astimezone(zone) if zone else now).date()
    heading, body = _tidy(subject.replace(":", ".", 1)), _tidy(text)
    note = f"{heading}\n{body}"
    told = _votes(body) or _votes(heading)
    chief = frozenset({language}) if language in shipped("returning") else _chief(told)
    spoken = chief | told.keys() | _votes(heading).keys()
    found = mentions(plain(note), today=today, languages=chief)[:_MOST_DAYS]
    claims = list(_claims(note, found, spoken))
    return _settled(claims, found, today)


def _tidy(text: str) -> str:
    """Return the top of a text with its wrapped lines joined."""
    lines = [_SPACES.sub(" ", line).strip() for line in clean(text[:READ_AT_MOST]).split("\n")]
    tidy = lines[0]
    for above, line in pairwise(lines):
        wrapped = line and above[-1:].isalnum() and len(above) > _LINE
        going_on = line[:1].islower() or (line[:1].isdigit() and above[-1:].isalpha())
        tidy += (" " if wrapped or going_on else "\n") + line
    return unicodedata.normalize("NFC", tidy)


def _votes(note: str) -> Counter[str]:
    """Count by language the words for being away and back."""
    hits = phrases().find(fold(plain(note)))
    told = {(hit.start, hit.name) for hit in hits}
    names = (name.split() for _, name in told)
    return Counter(language for language, means in names if means in ("away", "back"))


def _chief(votes: Counter[str]) -> frozenset[str]:
    most = max(votes.values(), default=0)
    return frozenset(language for language, count in votes.items() if count == most)


def _claims(note: str, found: Sequence[Mention], spoken: frozenset[str]) -> Iterator[_Claim]:
    above: Part | None = None
    for sentence in _sentences(_marked(note, found)):
        parts = [Part(words, spoken) for words in _PART.split(sentence)]
        for index, part in enumerate(parts):
            before = parts[index - 1] if index else above
            after = next((p for p in parts[index + 1 :] if p.states and not p.days), None)
            for said in part.said(before, after, alone=len(parts) == 1):
                words = _shown(part.text, note, found)
                claim = _claim(said, found[said.number], words)
                if claim:
                    yield claim
        above = parts[-1]


def _claim(said: Said, mention: Mention, words: str) -> _Claim | None:
    until = not said.back and said.when is When.UNTIL
    if mention.week and until:  # the whole week, or only up to it?
        return None
    later = (7 if mention.week else 1) if said.when is When.THROUGH else 0
    return _Claim(mention, said.back, later, words)


def _settled(claims: Sequence[_Claim], found: Sequence[Mention], today: date) -> Return:
    """Choose: “back on” beats “away until”, a date beats a weekday, and two days are none."""
    back = [c for c in claims if c.back and c.mention.weekday is None]
    until = [c for c in claims if not c.back]
    weekday = [c for c in claims if c.back and c.mention.weekday is not None]
    if back:
        return _the_one([(c.day(today), c.words) for c in back])
    if weekday:
        return _the_one([(_on_weekday(c, until, found, today), c.words) for c in weekday])
    return _the_one([(c.day(today), c.words) for c in until])


def _the_one(days: Sequence[tuple[date | None, str]]) -> Return:
    known = [Return(day, words) for day, words in days if day is not None]
    return known[0] if len({r.day for r in known}) == 1 else Return()


def _on_weekday(
    claim: _Claim, until: Sequence[_Claim], found: Sequence[Mention], today: date
) -> date | None:
    """Return the weekday after the day until which they are away, the next one where none is told.

    Where the note names other days to come, nobody can tell which week is meant.
    """
    if until:
        last = _the_one([(c.day(today), "") for c in until]).day
        return last and next_weekday(claim.mention.weekday or 0, last)
    others = (m for m in found if m.weekday is None)
    ahead = any(day is None or day > today for day in (m.day(today) for m in others))
    return None if ahead else claim.day(today)


def _marked(note: str, found: Sequence[Mention]) -> str:
    """Put a word for each day, so that its dots and commas end no sentence."""
    pieces: list[str] = []
    at = 0
    for number, mention in enumerate(found):
        between = note[at : mention.start]
        pieces.append(" " if number and _DASH.fullmatch(between) else between)
        pieces.append(f" Q{number}{'END' if mention.closes else 'DAY'} ")
        at = mention.end
        if note[at - 1] == "." and _begins_sentence(note[at : at + 20]):
            pieces.append(". ")
    return "".join([*pieces, note[at:]])


def _begins_sentence(text: str) -> bool:
    """Tell the dot of “4.9. Bis zum …” from that of “4.9. Urlaub”."""
    hits = phrases().find(fold(plain(text)))
    cue = any(not hit.start and hit.name.split()[1] in CUES for hit in hits)
    return cue and text.lstrip()[:1].isupper()


def _sentences(text: str) -> Iterator[str]:
    start = 0
    for match in _ENDS.finditer(text):
        if not text[match.end() : match.end() + 1].islower():
            yield text[start : match.end()]
            start = match.end()
    yield text[start:]


def _shown(text: str, note: str, found: Sequence[Mention]) -> str:
    """Return the words as they were written."""

    def written(match: re.Match[str]) -> str:
        mention = found[int(match[1])]
        return note[mention.start : mention.end]

    return " ".join(_DAY.sub(written, text).split())[:_WORDS_SHOWN]

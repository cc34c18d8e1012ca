"""Third-party mails: which ones a machine wrote, and when their writers are back."""

from datetime import datetime
from typing import Any

from corpora.score import FOLDER, Score, count, rows

from worker.domain.machines import Judgement, Kind, judge
from worker.domain.quotes import newest_words
from worker.domain.returning import read_return

_AUTOMATIC = ("ooo", "auto_reply", "bounce")
_MAY_MISS = 2
_RETURNS_WANTED = 20
_TOLD_BY_HEADERS_ALONE = ("sisimai-rfc3834-05",)
"""Two words and an address: nothing in its text says that a machine wrote them."""


def scores() -> list[Score]:
    """Score with headers and without: the provider's API mostly hands over none."""
    mails = list(rows(FOLDER / "automatic_mail.jsonl"))
    machines = [mail for mail in mails if mail["label"] in _AUTOMATIC]
    bare = [{**m, "headers": {}} for m in machines if m["id"] not in _TOLD_BY_HEADERS_ALONE]
    people = [mail for mail in mails if mail["label"] == "human"]
    bulk = [mail for mail in mails if mail["label"] == "bulk"]
    returns = list(rows(FOLDER / "return_dates.jsonl"))
    return [
        count("automatic mail", machines, _missed, len(machines) - _MAY_MISS),
        count("automatic mail, no headers", bare, _missed, len(bare) - _MAY_MISS),
        count("automatic mail: bulk", bulk, _missed, len(bulk)),
        count("automatic mail: people", people, _lost, len(people)),
        count("return dates", returns, _not_read, _RETURNS_WANTED),
        count("return dates: none wrong", returns, _wrong, len(returns)),
    ]


def _judged(mail: dict[str, Any]) -> Judgement:
    words = newest_words(mail["body"])
    return judge(subject=mail["subject"], words=words, headers=mail["headers"])


def _missed(mail: dict[str, Any]) -> str:
    kind = _judged(mail).kind
    return "taken for a person" if kind is Kind.PERSON else ""


def _lost(mail: dict[str, Any]) -> str:
    judged = _judged(mail)
    return "" if judged.kind is Kind.PERSON else f"{judged.kind}, {judged.because}"


def _read(note: dict[str, Any]) -> str | None:
    now = datetime.fromisoformat(note["now"])
    day = read_return(note["body"], now=now, subject=note["subject"]).day
    return day.isoformat() if day else None


def _not_read(note: dict[str, Any]) -> str:
    day = _read(note)
    return "" if day == note["expected_return_date"] else f"{day} was read"


def _wrong(note: dict[str, Any]) -> str:
    day = _read(note)
    return "" if day in (None, note["expected_return_date"]) else f"{day} was read"

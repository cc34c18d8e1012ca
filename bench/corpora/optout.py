"""Wishes to be left alone, in the third-party cases beside the checkout."""

from typing import Any

from corpora.score import FOLDER, Score, count, rows

from worker.domain.optout import opt_out_subject, opt_out_words
from worker.domain.quotes import newest_words

_WANTED = 46


def scores() -> list[Score]:
    """Read each mail as the service does: their own words, then the subject."""
    return [count("optout", rows(FOLDER / "optout.jsonl"), _wrong, _WANTED)]


def _wrong(case: dict[str, Any]) -> str:
    said = opt_out_words(newest_words(case["body"])) or opt_out_subject(case["subject"])
    if bool(said) == (case["label"] == "unsubscribe"):
        return ""
    return f"“{said}” is no opt-out" if said else "missed"

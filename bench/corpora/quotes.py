"""What people wrote, without history: third-party cases, and how many come out right."""

from typing import Any

from corpora.score import FOLDER, Score, count, rows

from worker.domain.quotes import newest_part

_TRIMMER = FOLDER / "email_reply_trimmer"
_MULTILANG = FOLDER / "quote_strip_multilang.jsonl"
_PARSER = FOLDER / "mail_parser_reply"
_FIRST_BODY = "mail.replies[0].body"


def scores() -> list[Score]:
    """Read all the cases; line ends and blanks do not count."""
    return [
        count("email_reply_trimmer", rows(_TRIMMER / "cases.jsonl"), _wrongly_trimmed, 60),
        count("quote_strip_multilang", rows(_MULTILANG), _wrongly_stripped, 24),
        count("mail_parser_reply", rows(_PARSER / "cases.jsonl"), _wrongly_parsed, 37),
    ]


def _folded(text: str) -> str:
    return " ".join(text.split())


def _wrongly_trimmed(case: dict[str, Any]) -> str:
    text = (_TRIMMER / case["input"]).read_text("utf-8")
    expected = (_TRIMMER / case["expected_file"]).read_text("utf-8")
    return _differs(newest_part(text), expected)


def _wrongly_stripped(case: dict[str, Any]) -> str:
    part = newest_part(case["input"])
    if "expected" in case:
        return _differs(part, case["expected"])
    kept = _folded(part).startswith(_folded(case["expected_prefix"]))
    left = [words for words in case["must_not_contain"] if words in part]
    return "" if kept and not left else f"{_folded(part)[:80]!r} still has {left}"


def _wrongly_parsed(case: dict[str, Any]) -> str:
    part = newest_part((_PARSER / case["input"]).read_text("utf-8"))
    wanted = [text for where, text in case["contains"] if where == _FIRST_BODY]
    unwanted = [text for where, text in case["not_contains"] if where == _FIRST_BODY]
    lost = [text for text in wanted if _folded(text) not in _folded(part)]
    left = [text for text in unwanted if _folded(text) in _folded(part)]
    return f"lost {lost}, left {left}" if lost or left else ""


def _differs(part: str, expected: str) -> str:
    said, wanted = _folded(part), _folded(expected)
    return "" if said == wanted else f"{said[:80]!r} is not {wanted[:80]!r}"

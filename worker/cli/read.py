"""`read`: what the service understands of mails; needs no settings, no secrets and no server."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

import click

from worker.contracts.lenient import moment, text
from worker.domain.errors import NotPossible
from worker.domain.model import Direction, EventClass, Message, ReplyEvent, Thread
from worker.domain.reading import Facts
from worker.domain.reading import read as read_facts
from worker.domain.schedule import parse_zone
from worker.domain.words import html_to_text

_KEY = "read"


@click.command()
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
def read(file: TextIO) -> None:
    """Say what is understood of each mail in FILE (JSONL; standard input without one).

    \b
    in:   subject, body, and where known html, headers, our_text, now, tz
    out:  text, kind, opt_out, intents, language, return_date, trace

    A line that is no JSON object gives an object with its error, and exit code 1 at the end.
    """  # noqa: D301 - \b keeps click from wrapping these lines
    wrong = 0
    for number, line in enumerate(file, 1):
        if line.strip():
            understood = _understood(number, line)
            wrong += "error" in understood
            click.echo(json.dumps(understood, ensure_ascii=False))
    if wrong:
        raise NotPossible("unreadable_lines", f"{wrong} lines are no JSON objects")


def _understood(number: int, line: str) -> dict[str, Any]:
    try:
        mail = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"error": f"line {number} is no JSON: {error}"}
    if not isinstance(mail, Mapping):
        return {"error": f"line {number} is no JSON object"}
    return _as_json(_facts(mail))


def _facts(mail: Mapping[str, Any]) -> Facts:
    """Read a mail as if the API had shown it, after what we wrote."""
    now = moment(mail, "now") or datetime.now(UTC)
    headers = mail.get("headers")
    html = text(mail, "html")
    theirs = Message(
        id=_KEY,
        direction=Direction.INBOUND,
        at=now,
        subject=text(mail, "subject"),
        text=text(mail, "body") or (html_to_text(html) if html else ""),
        headers=headers if isinstance(headers, Mapping) else {},
    )
    ours = text(mail, "our_text")
    before = (Message(id="ours", direction=Direction.OUTBOUND, text=ours),) if ours else ()
    event = ReplyEvent(
        key=_KEY,
        mail_id=_KEY,
        event_class=EventClass.REPLY,
        event_types=("reply_received",),
    )
    zone = parse_zone(text(mail, "tz"))
    return read_facts(event, Thread((*before, theirs)), received=now, now=now, zone=zone)


def _as_json(facts: Facts) -> dict[str, Any]:
    return {
        "text": facts.part,
        "kind": facts.kind.value,
        "opt_out": bool(facts.opt_out),
        "intents": [intent.name for intent in facts.intents],
        "language": facts.language,
        "return_date": facts.return_day.isoformat() if facts.return_day else None,
        "trace": [line.as_json() for line in facts.trace],
    }

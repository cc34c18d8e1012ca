"""Every button: a person's word, passed on to the ledger, and said back in one sentence."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from flask import Blueprint, abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from web.console.parts import UNDO_MS, Console
from web.console.security import me
from web.console.words import STATES, lead_of, sentence, zone_of
from worker import drafting, steering
from worker.domain.errors import MalformedEvent, NotPossible, TemplateProblem
from worker.domain.model import Draft
from worker.domain.progress import State
from worker.domain.record import Record
from worker.domain.rendering import tidy, tidy_subject

_WHY_NOT: Final = {
    "unknown": "That event is gone.",
    "newer": "A newer version wrote this event: upgrade this one to steer it.",
    "changed": "It has changed since you opened it. Have another look.",
    "no_draft": "There is no text to send. Write one, or choose a template.",
    "no_text": "The text is empty. Write one, or skip.",
    "no_contract": "This cannot be sent from here. Answer it from the mailbox, then skip it.",
}
_TOO_LATE: Final[Mapping[str, str]] = {
    State.SENT: "Too late: it has left.",
    State.SENDING: "Too late: it is just leaving.",
    State.DOUBT: "Too late: it has left, and whether it arrived is being looked into.",
}
"""What is said to whoever wants to stop an answer that left in its own time."""


def add(pages: Blueprint, console: Console) -> None:
    """Add the buttons."""
    orders = {
        "approve": _approve,
        "skip": _skip,
        "suppress": _suppress,
        "take_back": _take_back,
        "retry": _retry,
    }

    @pages.post("/orders/<name>")
    def order(name: str) -> Response:
        give = orders.get(name) or abort(404)
        record = console.ledger.record(request.form.get("key", ""))
        if record is None:
            flash(_WHY_NOT["unknown"], "warn")
            return _back()
        try:
            give(console, record)
        except NotPossible as error:
            flash(_why_not(console, name, record.key, error), "warn")
        except (MalformedEvent, TemplateProblem) as error:
            flash(f"That does not work: {error.detail or error.reason}", "warn")
        return _back()

    @pages.post("/switch")
    def switch() -> Response:
        scope = request.form.get("scope", "").strip()
        if not scope:
            flash("Name a campaign's id.", "warn")
        elif request.form.get("on") == "1":
            console.ledger.pause(scope)
            flash(f"Paused {steering.named(scope)}. Replies are recorded, and wait.")
        else:
            woken = console.ledger.resume(scope)
            flash(f"Resumed {steering.named(scope)}. {woken} waiting events go on.")
        return redirect(url_for("console.today"))


def _back() -> Response:
    """Return to the page whose button it was."""
    following = request.form.get("following", "")
    to: dict[str, Callable[[], str]] = {
        "inbox": lambda: url_for("console.inbox", key=following or None),
        "event": lambda: url_for("console.event", key=request.form.get("key", "")),
        "trouble": lambda: url_for("console.trouble"),
    }
    return redirect(to.get(request.form.get("from", ""), lambda: url_for("console.inbox"))())


def _why_not(console: Console, name: str, key: str, error: NotPossible) -> str:
    if error.reason in _WHY_NOT:
        return _WHY_NOT[error.reason]
    if error.reason not in set(State):
        return f"That does not work: {error.detail or error.reason}"
    if name in ("take_back", "skip") and error.reason in _TOO_LATE:
        return _TOO_LATE[error.reason]
    who = next((line.by for line in reversed(console.ledger.history(key)) if line.by), "")
    decided = "That is decided" if who == me() else "Somebody else has decided"
    state = _is(STATES[State(error.reason)])
    by = f" by {who}" if who else ""
    return f"{decided} already: it {state}{by}. Nothing was done twice."


def _is(state: str) -> str:
    return state if state.startswith(("is ", "waits", "just", "needs")) else f"is {state}"


def _seen() -> int | None:
    text = request.form.get("seen", "")
    return int(text) if text.isdecimal() else None


def _approve(console: Console, record: Record) -> None:
    steering.refuse_unanswerable(record, console.speaks)
    draft = _wanted(console, record)
    approved = console.ledger.approve(record.key, me(), draft, seen=_seen(), after=UNDO_MS)
    scope = steering.pause_over(approved, console.ledger.pauses())
    if scope:
        why = f"{sentence(steering.named(scope))} is paused: the answer to {lead_of(record)}"
        flash(f"Approved. {why} leaves when resumed.", f"undo::{record.key}")
        return
    when = f"in {UNDO_MS // 1000} seconds, at {_leaves(console)}"
    said = f"Approved. The answer to {lead_of(record)} leaves {when}."
    flash(said, f"undo:{UNDO_MS // 1000}:{record.key}")


def _leaves(console: Console) -> str:
    """Return on the team's clock when the time to undo ends: where no script runs, it tells."""
    zone = zone_of(console.templates().settings.timezone)
    return f"{datetime.fromtimestamp((console.now_ms() + UNDO_MS) / 1000, zone):%H:%M:%S}"


def _wanted(console: Console, record: Record) -> Draft | None:
    """Return what stands in the form, under its template's name where it is that text."""
    if "body" not in request.form:
        return None
    body, subject = tidy(request.form["body"]), tidy_subject(request.form.get("subject", ""))
    name = request.form.get("template", "")
    if name:
        offered: Draft | None = drafting.from_template(record, console.templates(), name)
    else:
        offered = record.draft
    if offered and (offered.body, offered.subject) == (body, subject):
        return offered
    return drafting.from_text(record, body, subject)


def _skip(console: Console, record: Record) -> None:
    if record.state is State.QUARANTINED:
        console.ledger.skip(record.key, me())
        flash("Put aside. It stays in the events, as not answered.")
        return
    console.ledger.skip(record.key, me(), seen=_seen())
    flash(f"Skipped. {lead_of(record)} gets no answer to this mail.")


def _suppress(console: Console, record: Record) -> None:
    steering.suppress_lead(console.ledger, record, me())
    if record.state in (State.RECEIVED, State.WAITING, State.HELD):
        console.ledger.skip(record.key, me())
    flash(f"{lead_of(record)} gets no answer ever again.")


def _take_back(console: Console, record: Record) -> None:
    console.ledger.take_back(record.key, me())
    flash(f"Taken back. The answer to {lead_of(record)} is in the inbox again.")


def _retry(console: Console, record: Record) -> None:
    if record.state is State.QUARANTINED:
        accepted = steering.retry_quarantined(console.ledger, record)
        console.wake(accepted.key)
        flash(f"Read at last: it is event {accepted.key} now ({accepted.status}).")
        return
    console.ledger.retry(record.key, me())
    console.wake(record.key)
    flash("Started again.")

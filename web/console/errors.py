"""What a page says when something went wrong: what it is, and what to do."""

from flask import Blueprint, render_template
from werkzeug.exceptions import HTTPException

from worker.domain.errors import LedgerAway


def add(pages: Blueprint) -> None:
    """Answer errors of the console with pages."""

    @pages.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[str, int]:
        page = render_template("console/error.html", title=error.name, told=error.description)
        return page, error.code or 500

    @pages.errorhandler(LedgerAway)
    def away(error: LedgerAway) -> tuple[str, int]:
        told = f"{error}. Webhooks are kept on disk meanwhile; this page comes back with it."
        page = render_template("console/error.html", title="The ledger is away", told=told)
        return page, 503

"""The operator's pages: they show the ledger and pass a person's word on; they decide nothing."""

from flask import Blueprint, Flask

from web.console import errors, events, inbox, orders, playground, security, today, trouble, words
from web.console.parts import Console
from web.console.security import Door

__all__ = ["Console", "Door", "install"]


def install(app: Flask, console: Console) -> None:
    """Add the pages to an app, behind their login."""
    pages = Blueprint(
        "console",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/static/console",
    )
    security.guard(app, pages, console.door)
    errors.add(pages)
    words.add(pages, console)
    for page in (today, inbox, events, playground, trouble, orders):
        page.add(pages, console)
    app.register_blueprint(pages)

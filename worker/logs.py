"""Structured logs: identifiers and reasons, never a body, an address or a secret."""

import logging
import sys
from typing import Final, Literal

import structlog
from structlog.typing import Processor

_QUIET: Final = {
    "celery.worker.strategy": logging.WARNING,  # each message's arrival
    "celery.app.trace": logging.WARNING,  # each message's end: ours says more
    "httpx": logging.WARNING,  # addresses of calls, which hold lead ids
    "tornado.access": logging.WARNING,
    "flower": logging.ERROR,  # what it finds out, and each worker that does not answer in time
}


def configure(style: Literal["json", "console", ""]) -> None:
    """Send every log line, our own and the libraries', to standard output.

    Args:
        style: one JSON object a line, or text for people; "" is text in a terminal.

    """
    readable = style == "console" or (not style and sys.stdout.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
        if readable
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)

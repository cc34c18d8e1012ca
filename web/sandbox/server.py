"""The wire: a server that keeps connections open, stops at a signal and prints nothing."""

import signal
import socket
from contextlib import suppress
from io import BytesIO
from types import FrameType

from flask import Flask
from werkzeug.exceptions import ClientDisconnected
from werkzeug.serving import (
    BaseWSGIServer,
    WSGIRequestHandler,
    make_server,
    select_address_family,
)
from werkzeug.wrappers import Response
from werkzeug.wsgi import get_input_stream

from web.sandbox.routes import create_app


def serve(host: str, port: int) -> None:
    """Serve a fresh sandbox until SIGTERM or SIGINT, as the last thing that the process does.

    To be called from the main thread. A port that is taken raises `OSError`.
    """
    server = listening(host, port, create_app())
    with suppress(KeyboardInterrupt):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)
        server.serve_forever()


def _stop(_number: int, _frame: FrameType | None) -> None:
    """Stop at the first signal; those that follow must not disturb the end."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def listening(host: str, port: int, app: Flask) -> BaseWSGIServer:
    """Return a server that listens already; port 0 picks a free one (`server.port`)."""
    family = select_address_family(host, port)
    with socket.create_server((host, port), family=family, backlog=128) as ours:
        return make_server(
            host, port, app, threaded=True, request_handler=KeepAliveHandler, fd=ours.fileno()
        )


class KeepAliveHandler(WSGIRequestHandler):
    """Says nothing, and keeps connections open, which werkzeug's own handler never does."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 75
    """Seconds after which an idle connection is closed."""

    def run_wsgi(self) -> None:
        """Read the whole request before it is answered: what follows it is the next one."""
        environ = self.make_environ()
        try:
            body = get_input_stream(environ).read()
        except (ClientDisconnected, OSError):
            self.close_connection = True
            return
        environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        answer = Response.from_app(self.server.app, environ, buffered=True)
        self.send_response(answer.status_code, answer.status.partition(" ")[2])
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.get_data())

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing."""

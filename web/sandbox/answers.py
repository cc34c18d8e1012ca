"""Answers other than the right one: errors in the provider's shape, and what faults leave."""

import socket
from contextlib import suppress
from typing import Final

from flask import Response, jsonify, request
from werkzeug.http import HTTP_STATUS_CODES

from web.sandbox.faults import Fault, Kind

_NOTHING_ANSWERED: Final = 444
"""How a cut connection appears among the counted requests."""

_MESSAGES: Final = {
    401: "Invalid API key",
    402: "Workspace does not have an active paid plan",
    403: "The API key lacks the scope for this call",
    404: "Resource not found",
    429: "Rate limit exceeded",
}


def problem(status: int, message: str = "") -> Response:
    """Return an error in the provider's shape; without a message, with the usual one."""
    name = HTTP_STATUS_CODES.get(status, "Error")
    message = message or _MESSAGES.get(status, name)
    answer = jsonify({"statusCode": status, "error": name, "message": message})
    answer.status_code = status
    return answer


def spoiled(fault: Fault) -> Response:
    """Return the answer that a fault, other than a delay, puts in the place of the right one."""
    match fault.kind:
        case Kind.STATUS | Kind.STATUS_AFTER:
            answer = problem(fault.status)
            if fault.retry_after is not None:
                answer.headers["Retry-After"] = str(fault.retry_after)
            return answer
        case Kind.CUT | Kind.CUT_AFTER:
            return _cut()
        case Kind.GARBAGE_AFTER:
            return Response("<html><body>Welcome to the proxy</body></html>", mimetype="text/html")
        case _:
            return jsonify({"error": "ACC_AUTH_ERROR"})


def _cut() -> Response:
    """Close the connection under the answer; the client never sees what is returned here."""
    with suppress(OSError):
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    return Response(status=_NOTHING_ANSWERED)

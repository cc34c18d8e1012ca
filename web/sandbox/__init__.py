"""The sandbox: a stand-in for the provider's API, in both contracts, with faults on demand.

Every non-empty key is right, but `wrong-key` is answered 401, `no-plan` 402, `no-scope` 403.
Contract `lead`: every lead id has a thread, but those that start with `unknown-` are answered 404.
Contract `email`: only what was made exists, by the API's own calls or `POST /sandbox/inbound`.
`GET /` lists the routes; those under `/sandbox/` steer the sandbox and need no key.
"""

from web.sandbox.mails import invented_thread
from web.sandbox.routes import create_app
from web.sandbox.server import listening, serve
from web.sandbox.state import Sandbox

__all__ = ["Sandbox", "create_app", "invented_thread", "listening", "serve"]

"""The sandbox: a stand-in for the provider's API (contract `lead`), with faults on demand.

Every non-empty key is right, but `wrong-key` is answered 401, `no-plan` 402, `no-scope` 403.
Every lead id has a thread, but those that start with `unknown-` are answered 404.
`GET /` lists the routes; those under `/sandbox/` steer the sandbox and need no key.
"""

from web.sandbox.mails import invented_thread
from web.sandbox.routes import create_app
from web.sandbox.server import listening, serve
from web.sandbox.state import Sandbox

__all__ = ["Sandbox", "create_app", "invented_thread", "listening", "serve"]

"""HTTP on the loopback, for as long as a test needs it: an application, and a client."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from flask import Flask

from web.sandbox import listening
from worker.http import ApiClient, Effect


@contextmanager
def running(app: Flask) -> Iterator[str]:
    """Serve an application; yield its address."""
    server = listening("127.0.0.1", 0, app)
    loop = threading.Thread(target=server.serve_forever, args=(0.01,))
    loop.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        loop.join()


class Client(ApiClient):
    """Remembers what it opens, in whatever thread, so that the end of a test closes it."""

    def __init__(
        self, url: str, opened: list[httpx.Client], *, key: str = "k3y", deadline: float = 10.0
    ) -> None:
        super().__init__(url, key, deadline=deadline)
        self._opened = opened

    def _client(self, effect: Effect) -> httpx.Client:
        client = super()._client(effect)
        self._opened.append(client)
        return client


@contextmanager
def client_of(url: str, deadline: float = 10.0, key: str = "k3y") -> Iterator[ApiClient]:
    """Yield a client of an API, and close in the end what it opened."""
    opened: list[httpx.Client] = []
    try:
        yield Client(url, opened, key=key, deadline=deadline)
    finally:
        for client in opened:
            client.close()

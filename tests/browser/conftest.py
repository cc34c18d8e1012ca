"""Chromium, the real app over HTTP, and a real server; skipped where there is no Chromium."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from browser.place import Place
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bench.screenshots import FLAGS
from web.sandbox import listening

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def served(app: Any) -> Iterator[str]:
    server = listening("127.0.0.1", 0, app)
    loop = threading.Thread(target=server.serve_forever, args=(0.01,))
    loop.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        loop.join()


@pytest.fixture
def place(redis_client: redis.Redis) -> Iterator[Place]:
    found = Place(redis_client)
    with served(found.app) as url:
        found.url = url
        yield found


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return SIZES[request.param]


class Visitors:
    """Opens browsers for people, each with cookies of their own; watches what they load."""

    def __init__(self, browser: Browser, place: Place, size: tuple[int, int]) -> None:
        self._browser, self._place, self._size = browser, place, size
        self._open: list[BrowserContext] = []
        self.trouble: list[str] = []

    def new(self, who: str = "Sam", **options: Any) -> Page:
        """Return a page of somebody who has logged in."""
        page = self.stranger(**options)
        page.context.add_cookies([self._place.cookie(who)])  # type: ignore[list-item]  # a cookie
        return page

    def stranger(self, **options: Any) -> Page:
        width, height = self._size
        context = self._browser.new_context(
            viewport={"width": width, "height": height}, base_url=self._place.url, **options
        )
        context.set_default_timeout(10_000)
        self._open.append(context)
        page = context.new_page()
        page.on("request", lambda r: self._watch(r.url))
        page.on("pageerror", lambda error: self.trouble.append(f"script error: {error}"))
        page.on("dialog", self._dialog)
        page.on("console", lambda m: m.type == "error" and self._told(m.text))
        return page

    def _watch(self, url: str) -> None:
        if not url.startswith(self._place.url):
            self.trouble.append(f"asked elsewhere: {url}")

    def _dialog(self, dialog: Any) -> None:
        self.trouble.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _told(self, text: str) -> None:
        if "Failed to load resource" not in text:  # an answer like 401 is the test's own matter
            self.trouble.append(f"console: {text}")

    def close(self) -> None:
        for context in self._open:
            context.close()


@pytest.fixture
def visitors(chromium: Browser, place: Place, size: tuple[int, int]) -> Iterator[Visitors]:
    found = Visitors(chromium, place, size)
    yield found
    found.close()
    assert found.trouble == []


@pytest.fixture
def page(visitors: Visitors) -> Page:
    return visitors.new()

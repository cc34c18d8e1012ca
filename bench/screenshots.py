"""Pictures of every page with sample data, for `docs/img`: `make screenshots`.

Needs Chromium (Debian: `apt-get install chromium`) and the test tools.
"""

import shutil
import sys
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from bench.showing import PASSWORD, a_server, log_in, serving
from worker.ledger.redis import connect

FOLDER = Path(__file__).parents[1] / "docs" / "img"
WIDTHS = {"desktop": (1280, 800), "phone": (390, 844)}
PAGES = {
    "today": "/",
    "inbox": "/inbox",
    "events": "/events",
    "event": "/event?key=0198f3a2-0022-7c1e",
    "templates": "/templates",
    "trouble": "/trouble",
}
_MOST_BYTES = 150 * 1024
_TALLEST = {
    "events-desktop": 750,
    "inbox-desktop": 750,
    "inbox-dark-desktop": 750,
    "templates-desktop": 1360,
}
_OTHERS = 1500
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def main() -> int:
    """Write the pictures; return 1 where Chromium is missing."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        print("no Chromium here; on Debian: apt-get install chromium")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = stack.enter_context(a_server(Path(folder)))
        site = stack.enter_context(serving(stack.enter_context(closing(connect(url)))))
        play = stack.enter_context(sync_playwright())
        browser = play.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                _photograph(browser, site, width, scheme)
        browser.close()
    return 0


def _photograph(browser: Browser, site: str, width: str, scheme: str) -> None:
    wide, high = WIDTHS[width]
    context = browser.new_context(
        viewport={"width": wide, "height": high},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-GB",
    )
    page = context.new_page()
    page.goto(f"{site}/login")
    if scheme == "light":
        _shoot(page, FOLDER / f"login-{width}.png")
    log_in(page, PASSWORD)
    wanted = PAGES if scheme == "light" else {"today": "/", "inbox": "/inbox"}
    for name, path in wanted.items():
        page.goto(f"{site}{path}")
        if name == "templates":
            _play(page)
        dark = "-dark" if scheme == "dark" else ""
        _shoot(page, FOLDER / f"{name}{dark}-{width}.png")
    context.close()


def _play(page: Page) -> None:
    page.get_by_label("Their reply").fill("What would it cost for 30 of us?")
    page.get_by_label("First name").fill("Mara")
    page.get_by_role("button", name="Try it").click()
    page.get_by_text("would be answered").wait_for()


def _shoot(page: Page, path: Path) -> None:
    high = min(
        page.evaluate("document.documentElement.scrollHeight"), _TALLEST.get(path.stem, _OTHERS)
    )
    clip = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": high}
    page.screenshot(path=path, full_page=True, clip=clip, animations="disabled")
    size = path.stat().st_size
    print(f"{path.name}: {size // 1024} KB{'  TOO LARGE' if size > _MOST_BYTES else ''}")


if __name__ == "__main__":
    sys.exit(main())

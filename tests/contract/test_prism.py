"""A mock that Prism makes of the published API's document takes every request of the product."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from contract.calls import CALLS, DRAFT, Known, calls
from contract.published import DOCUMENT, REASON
from integration.serving import client_of

from worker.domain.errors import GiveUp
from worker.embedded import free_port

NPM = shutil.which("npm")
PRISM = "@stoplight/prism-cli@5.16.0"
INSTALL = ("install", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=0",
           "--logs-max=0", PRISM)  # fmt: skip

pytestmark = [
    pytest.mark.skipif(not DOCUMENT.is_file(), reason=REASON),
    pytest.mark.skipif(NPM is None, reason="npm is not installed"),
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("prism"),
]


@pytest.fixture(scope="module")
def program(request: pytest.FixtureRequest) -> Path:
    """Install Prism once, into pytest's own cache."""
    folder = Path(request.config.cache.mkdir("prism")) / PRISM.rpartition("@")[2]
    program = folder / "node_modules/.bin/prism"
    if not program.exists():
        install(folder)
    return program


def install(folder: Path) -> None:
    """Install beside the place and move there, so that half an installation never counts."""
    unfinished = folder.with_name(f"{folder.name}-{os.getpid()}")
    try:
        subprocess.run(
            [str(NPM), "--prefix", unfinished, *INSTALL],
            check=True, capture_output=True, text=True, timeout=150,
        )  # fmt: skip
        unfinished.rename(folder)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = str(error.stderr or error).strip().splitlines()[:1]
        pytest.skip(f"npm could not install {PRISM}: {''.join(said)[:200]}")
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@pytest.fixture(scope="module")
def url(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port, log = free_port(), tmp_path_factory.mktemp("prism") / "log"
    command = [str(program), "mock", "--port", str(port), str(DOCUMENT)]
    with (
        log.open("w") as out,
        subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process,
    ):
        try:
            await_answer(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}/api"
        finally:
            process.terminate()


def await_answer(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(url, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("Prism never answered")


@pytest.mark.parametrize("name", CALLS)
def test_prism_takes_the_request(name: str, url: str) -> None:
    with client_of(url) as client:
        calls(client, Known())[name]()


def test_prism_refuses_what_the_document_does_not_allow(url: str) -> None:
    with client_of(url) as client, pytest.raises(GiveUp, match="http_422"):
        client.post("/v2/emails/reply", {"lead_id": "abc", "body": DRAFT.body, "subject": "Re"})

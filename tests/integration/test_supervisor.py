"""The supervisor with parts that end: which are started again, and which end everything."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker import supervisor
from worker.domain.errors import ConfigurationError
from worker.supervisor import Part, Supervisor

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in NUMBERS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def part(name: str, code: str) -> Part:
    return Part(name=name, command=(sys.executable, "-c", code))


def counted(folder: Path, then: str) -> str:
    """Return a program that leaves a line for each of its starts, and then ends somehow."""
    path = str(folder / "starts")
    return f"import os, sys, time\nopen({path!r}, 'a').write('x\\n')\n{then}"


def starts(folder: Path) -> int:
    return len((folder / "starts").read_text().splitlines())


def test_a_part_that_refuses_its_settings_ends_everything_with_what_it_said(
    tmp_path: Path,
) -> None:
    refuse = counted(tmp_path, "print('starting')\nprint('autoreply: X is wrong')\nsys.exit(2)")
    other = part("web", "import time; time.sleep(60)")
    parts = Supervisor([other, part("worker", refuse)])
    with pytest.raises(ConfigurationError, match=r"^worker cannot start: X is wrong$"):
        parts.run()
    assert starts(tmp_path) == 1
    assert all(child.process is None or child.process.poll() is not None
               for child in parts._children)  # fmt: skip


@pytest.mark.parametrize(("code", "steady"), [(1, 10.0), (2, 0.0)])
def test_a_part_that_crashes_or_ran_well_before_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, steady: float
) -> None:
    monkeypatch.setattr(supervisor, "_STEADY", steady)
    third = f"import signal; os.kill({'os.getppid()'}, signal.SIGTERM); time.sleep(60)"
    again = f"n = len(open({str(tmp_path / 'starts')!r}).readlines())\n"
    program = counted(tmp_path, f"{again}if n > 2:\n    {third}\nsys.exit({code})")
    Supervisor([part("worker", program)]).run()
    assert starts(tmp_path) == 3

"""Runs processes: prefixed output, restarts after a crash, an orderly end."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Final

import click

from worker.domain.errors import ConfigurationError
from worker.processes import tied

_STEADY: Final = 10.0
"""Seconds after which a process counts as running well, and its next crash as the first."""

_WRONG_SETTING: Final = 2
"""The exit code of a part that refuses its settings: starting it again changes nothing."""

_LONGEST_PAUSE: Final = 30.0
_LOOK_EVERY: Final = 0.2
_START_WITHIN: Final = 20.0
_COLOURS: Final = ("cyan", "green", "magenta", "blue", "yellow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One process of the service.

    Attributes:
        name: the prefix of its output.
        command: program and arguments.
        environment: added to our own.
        grace: seconds it gets to end after SIGTERM.
        ready: says when the parts after it may start; None where they need not wait.

    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    grace: float = 10.0
    ready: Callable[[], bool] | None = None


class _Child:
    """A part that runs, or is about to run again."""

    def __init__(self, part: Part, colour: str, width: int) -> None:
        self.part = part
        self._prefix = click.style(f"{part.name:<{width}} │ ", fg=colour)
        self._crashes = 0
        self._start_at = 0.0
        self._started = 0.0
        self._ran_well = False
        self._last_line = ""
        self._reader: threading.Thread | None = None
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the process; must run on the main thread, whose end ends it (prctl(2))."""
        self._started = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - our own commands
            tied(*self.part.command),
            env={**os.environ, **self.part.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # keeps the terminal's Ctrl-C for us: we stop them in order
        )
        assert self.process.stdout is not None  # noqa: S101 - a pipe was asked for
        self._reader = threading.Thread(target=self._copy, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def _copy(self, output: IO[str]) -> None:
        with output:
            for line in output:
                self._last_line = line.rstrip("\n")
                self.say(self._last_line)

    def say(self, line: str) -> None:
        """Print one line behind the part's name."""
        click.echo(f"{self._prefix}{line}")

    def look(self, now: float) -> None:
        """Start the process again, after a pause that grows, should it have ended.

        Raises:
            ConfigurationError: it never ran, since it refuses its settings.

        """
        if self.process is None:
            if now >= self._start_at:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        steady = now - self._started > _STEADY
        self._ran_well = self._ran_well or steady
        # What ran well is started again whatever it says: a file that is being edited at the
        # moment of a crash must not end the receiver too.
        if code == _WRONG_SETTING and not self._ran_well:
            raise ConfigurationError(f"{self.part.name} cannot start: {self._complaint()}")
        self._crashes = 1 if steady else self._crashes + 1
        pause = min(0.5 * 2 ** (self._crashes - 1), _LONGEST_PAUSE)
        self.say(f"ended with {_code(code)}; starts again in {pause:g} s")
        self.process, self._start_at = None, now + pause

    def _complaint(self) -> str:
        """Return the last line that the process wrote, once all of it is read."""
        if self._reader:
            self._reader.join(1)
        return self._last_line.removeprefix("autoreply: ")

    def stop(self) -> None:
        """End the process, gently first."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(self.part.grace)
        except subprocess.TimeoutExpired:
            self.say(f"did not end within {self.part.grace:g} s; killed")
            self.process.kill()
            self.process.wait()


def _code(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


class Supervisor:
    """Runs parts in order, keeps them running, and ends them in reverse order."""

    def __init__(self, parts: Sequence[Part]) -> None:
        width = max(len(part.name) for part in parts)
        self._children = [
            _Child(part, _COLOURS[index % len(_COLOURS)], width) for index, part in enumerate(parts)
        ]
        self._over = threading.Event()

    def run(self) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP, then stop every part.

        Raises:
            ConfigurationError: a part refuses its settings; the others are stopped.

        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._over.set())
        try:
            for child in self._children:
                self._start(child)
            while not self._over.wait(_LOOK_EVERY):
                for child in self._children:
                    child.look(time.monotonic())
        finally:
            self.stop()

    def _start(self, child: _Child) -> None:
        if self._over.is_set():
            return
        child.start()
        ready, ends = child.part.ready, time.monotonic() + _START_WITHIN
        while ready and not ready() and time.monotonic() < ends and not self._over.wait(0.05):
            child.look(time.monotonic())

    def stop(self) -> None:
        """Stop every part, the last one first."""
        for child in reversed(self._children):
            child.stop()

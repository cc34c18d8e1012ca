"""Processes that never outlive the one that started them.

`python -m worker.processes PROGRAM [ARGUMENT …]` becomes that program, tied to its parent.
A program of its own does it, and not a function between fork and exec: with threads
around, Python code there can wait for ever for a lock that nobody holds any more.
"""

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends (prctl(2)).

    Elsewhere than on Linux there is no such call: children then end when they are told to.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def tied(*command: str) -> tuple[str, ...]:
    """Return the command that runs a program as a process tied to this one."""
    return (sys.executable, "-m", "worker.processes", str(os.getpid()), *command)


def _become(parent: int, program: str, *arguments: str) -> None:
    die_with_parent()
    if os.getppid() != parent:
        sys.exit("the parent ended before its child began")
    os.execv(program, (program, *arguments))  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    _become(int(sys.argv[1]), *sys.argv[2:])

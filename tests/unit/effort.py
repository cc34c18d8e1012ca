"""What a call costs the processor: the quickest of a few runs, since some collect garbage."""

import time
from collections.abc import Callable
from typing import Final

_RUNS: Final = 3


def seconds_of(call: Callable[[], object]) -> float:
    """Return the seconds of the processor that one run of a call takes."""
    return min(_one(call) for _ in range(_RUNS))


def takes_less_than(seconds: float, call: Callable[[], object]) -> bool:
    """Say whether a run of a call stays below a bound; what does at once is run once."""
    return any(_one(call) < seconds for _ in range(_RUNS))


def _one(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began

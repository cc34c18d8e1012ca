"""How much a template may make at once: a slip of its author must not fill the memory."""

import re
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Final

_MOST: Final = 100_000
"""Characters, list items or decimal digits: far above any mail."""

PADDING_METHODS: Final = frozenset({"ljust", "rjust", "center", "zfill", "expandtabs"})
PADDING_FILTERS: Final = ("center", "indent", "wordwrap", "batch", "slice")
_PERCENT: Final = re.compile(r"%(?:\(\w*\))?[-+ #0]*(\d+|\*)?(?:\.(\d+|\*))?")
_BRACES: Final = re.compile(r"\{[^{}:]*:([^{}]*)(\{)?")
_DIGITS: Final = re.compile(r"\d+")


def refuse_more_than_fits(size: int) -> None:
    """Stop a template that would make more than a mail can need.

    Raises:
        OverflowError: always, where it is more.

    """
    if size > _MOST:
        msg = f"this would make {size} characters; at most {_MOST} are allowed"
        raise OverflowError(msg)


def largest(values: Iterable[object]) -> int:
    """Return the largest whole number among the arguments of a call, 0 without any."""
    return max((value for value in values if isinstance(value, int)), default=0)


def bounded(fill: Callable[..., Any]) -> Callable[..., Any]:
    """Let a filter pad and fill only up to what fits."""

    @wraps(fill)
    def checked(value: object, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - as the filter
        refuse_more_than_fits(largest((*args, *kwargs.values())))
        return fill(value, *args, **kwargs)

    return checked


def bounded_format(fill: Callable[..., Any], width: Callable[..., int]) -> Callable[..., Any]:
    """Let a way to format text take widths only up to what fits."""

    @wraps(fill)
    def checked(*args: object, **kwargs: object) -> Any:  # noqa: ANN401 - as what it wraps
        refuse_more_than_fits(width(*args, *kwargs.values()))
        return fill(*args, **kwargs)

    return checked


def width_of_percent(layout: object, *values: object) -> int:
    """Return the greatest width or precision in `%5d`, or among the values for `%*d`."""
    asked = [width for found in _PERCENT.findall(str(layout)) for width in found]
    return max(largest(values) if "*" in asked else 0, _number(asked))


def width_of_braces(layout: object, *values: object) -> int:
    """Return the greatest width or precision in `{:>5}`, or among the values for `{:{}}`."""
    found = _BRACES.findall(str(layout))
    asked = [digits for spec, _ in found for digits in _DIGITS.findall(spec)]
    return max(largest(values) if any(nested for _, nested in found) else 0, _number(asked))


def _number(asked: Iterable[str]) -> int:
    return max((int(digits[:9]) for digits in asked if digits.isdecimal()), default=0)


def size_of_result(sign: str, left: object, right: object) -> int:
    """Estimate the length of an operation's result before it is made."""
    if sign == "%":
        values = right if isinstance(right, tuple) else (right,)
        return width_of_percent(left, *values) if isinstance(left, str) else 0
    if isinstance(left, int) and isinstance(right, int):
        digits = left.bit_length() * (abs(right) if sign == "**" else 1)
        return digits // 3
    for many, times in ((left, right), (right, left)):
        if isinstance(many, str | list | tuple | bytes) and isinstance(times, int):
            return len(many) * times
    return 0

"""Which text of a template a lead gets: the one in its language, and the one it drew."""

import re
from collections.abc import Mapping
from typing import Final

from worker.domain.model import ReplyEvent
from worker.domain.schedule import dice

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")
_NAME: Final = re.compile(r"\w[\w-]{0,39}")
_TWO: Final = 2


def parse_language(value: object) -> str:
    """Read a language's code (`de`, `pt-BR`); YAML takes the Norwegian `no` for a false.

    Raises:
        ValueError: when it is none.

    """
    text = "no" if value is False else str(value).replace("_", "-").lower()
    if value is True or not _LANGUAGE.fullmatch(text):
        msg = f"{value!r} is no language; write its code, like en, de or pt-br"
        raise ValueError(msg)
    return text


def parse_shares(value: object) -> Mapping[str, int]:
    """Read the names of `variants`: `[a, b]` in equal shares, `{a: 3, b: 1}` three to one.

    Raises:
        ValueError: when they are fewer than two, or no names, or no shares.

    """
    pairs: list[tuple[object, object]] = []
    if isinstance(value, list | dict):
        pairs = list(value.items()) if isinstance(value, dict) else [(name, 1) for name in value]
    if len({str(name) for name, _ in pairs}) < _TWO:
        msg = f"{value!r} are no two names; write them like [a, b], or {{a: 3, b: 1}}"
        raise ValueError(msg)
    return {_variant_name(name): _share(name, share) for name, share in pairs}


def _variant_name(name: object) -> str:
    if isinstance(name, bool) or not _NAME.fullmatch(str(name)):
        msg = f"{name!r} is no name; use letters and digits, and quotes around yes and no"
        raise ValueError(msg)
    return str(name)


def _share(name: object, share: object) -> int:
    if isinstance(share, bool) or not isinstance(share, int) or share < 1:
        msg = f"{name}: {share!r} is no share; write a whole number, like {{a: 3, b: 1}}"
        raise ValueError(msg)
    return share


def split_name(stem: str) -> tuple[str, str]:
    """Return the template and the language that a file name without its ending tells of.

    `pricing.de` is the German text of `pricing`; a name without a dot has no language.
    """
    template, _, language = stem.rpartition(".")
    is_one = bool(template and _LANGUAGE.fullmatch(language.lower()))
    return (template, language.lower()) if is_one else (stem, "")


def is_same_language(one: str, other: str) -> bool:
    """Say whether two codes are the same language, wherever it is spoken."""
    return one.partition("-")[0] == other.partition("-")[0]


def draw(shares: Mapping[str, int], template: str, event: ReplyEvent) -> str:
    """Return the variant a lead gets of a template: the same as long as `variants` stays.

    "" where the template has none.
    """
    lead = event.lead_id or event.lead_email or event.key
    left = dice(f"{template} {lead}") * sum(shares.values())
    for name, share in shares.items():
        left -= share
        if left < 0:
            return name
    return ""


def label(language: str, drawn: str) -> str:
    """Return how a text is called among those of its template: `de`, `b`, `de/b`."""
    return "/".join(filter(None, (language, drawn)))

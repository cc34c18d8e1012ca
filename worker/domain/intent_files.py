"""`_intents.yaml`: what a template folder makes of the shipped wordings."""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from worker.domain.frontmatter import TemplateError, load_yaml, validate
from worker.domain.intents import IntentReader, shipped_intents

INTENTS_FILE: Final = "_intents.yaml"

Phrases = tuple[str, ...]


class _IntentsFile(BaseModel):
    """Intent → language → phrases, for each of three purposes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    intents: dict[str, dict[str, Phrases]] = Field(default_factory=dict)
    instead: dict[str, dict[str, Phrases]] = Field(default_factory=dict)
    never: dict[str, dict[str, Phrases]] = Field(default_factory=dict)


def read_intents(sources: Mapping[str, str]) -> IntentReader:
    """Return what reads intents for a folder; the shipped wordings alone without the file.

    Raises:
        TemplateError: with what is wrong in the file.

    """
    text = sources.get(INTENTS_FILE, "")
    data = load_yaml(INTENTS_FILE, text or "{}")
    if not data:
        return shipped_intents()
    told = validate(_IntentsFile, INTENTS_FILE, data, text)
    try:
        return IntentReader(told.intents, instead=told.instead, never=told.never)
    except ValueError as error:
        raise TemplateError(INTENTS_FILE, _line_of(error, text), str(error)) from None


def _line_of(error: ValueError, text: str) -> int:
    """Return the line of the phrase that an error quotes, 1 where it quotes none."""
    _, _, rest = str(error).partition("'")
    phrase = rest.partition("'")[0]
    lines = text.split("\n")
    return next((n for n, line in enumerate(lines, 1) if phrase and phrase in line), 1)

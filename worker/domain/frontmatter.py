"""What may stand above a template's text and in `_settings.yaml`, and what it means."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, TypeVar

import yaml
from frontmatter.default_handlers import YAMLHandler
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from worker.domain.calendars import Holidays
from worker.domain.durations import parse_duration, parse_range
from worker.domain.interest import parse_interest
from worker.domain.model import Caps, Mode
from worker.domain.schedule import Hours, parse_zone
from worker.domain.variants import parse_language, parse_shares

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str, int]
"""A file and a line in it."""


class TemplateError(Exception):
    """A file that cannot be used, and where: `name:line: message`."""

    def __init__(self, name: str, line: int, message: str) -> None:
        super().__init__(f"{name}:{line}: {message}")
        self.name = name
        self.line = line


class Advice(TemplateError):  # noqa: N818 - shown to people, who call it that
    """What works, but is hardly meant so: shown, and no failure."""


def _hours(value: object) -> Hours | None:
    return None if value in (None, False, "off") else Hours.parse(str(value))


def _interest(value: object) -> int | None:
    return None if value is None else parse_interest(value)


def _holidays(value: object) -> Holidays | None:
    return None if value is None else Holidays.parse(value)


def _cap(value: object) -> int | None:
    """YAML reads a bare `off` as false."""
    if value in ("off", None) or value is False:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        msg = f"{value!r} is no cap; write a whole number, or off"
        raise ValueError(msg)
    return value


def _zone(value: object) -> str:
    if value and parse_zone(str(value)) is None:
        msg = f"{value!r} is no time zone; write one like Europe/Berlin"
        raise ValueError(msg)
    return str(value or "")


Delay = Annotated[tuple[timedelta, timedelta], BeforeValidator(parse_range)]
Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
SetInterest = Annotated[int | None, BeforeValidator(_interest)]
OpenHours = Annotated[Hours | None, BeforeValidator(_hours)]
Cap = Annotated[int | None, BeforeValidator(_cap)]
Zone = Annotated[str, BeforeValidator(_zone)]
Calendar = Annotated[Holidays | None, BeforeValidator(_holidays)]
Language = Annotated[str, BeforeValidator(parse_language)]
Shares = Annotated[Mapping[str, int], BeforeValidator(parse_shares)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Examples(_Strict):
    """Replies that must, and must not, get this template."""

    match: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()


class FrontMatter(_Strict):
    """The rule above a template's text."""

    when: str | bool
    priority: int = 50
    subject: str = "Re: {{ thread.subject }}"
    action: Literal["reply", "skip", "hold", "opt_out"] = "reply"
    mode: Mode = Mode.SEND
    delay: Delay = (timedelta(0), timedelta(0))
    undo: Duration = timedelta(0)
    hours: OpenHours = None
    resume: bool = False
    language: Language = ""
    variants: Shares = Field(default_factory=dict)
    set_interest: SetInterest = None
    examples: Examples = Examples()

    @field_validator("resume")
    @classmethod
    def _resume_replies(cls, resume: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic calls it so
        if resume and info.data.get("action") != "reply":
            msg = "only an answer can resume; set action: reply"
            raise ValueError(msg)
        return resume


class Account(BaseModel):
    """One sending mailbox; whatever else stands in its row is in reach as `account.…`."""

    model_config = ConfigDict(extra="allow", frozen=True)
    timezone: Zone = ""
    holidays: Calendar = Field(None, exclude=True)


class Campaign(_Strict):
    """What is known of all leads of one campaign."""

    timezone: Zone = ""
    holidays: Calendar = None


_CAPS: Final = Caps()


class CapTable(_Strict):
    """`caps:` as the file has them."""

    per_thread: Cap = _CAPS.per_thread
    per_template: Cap = _CAPS.per_template
    per_lead_day: Cap = _CAPS.per_lead_day
    per_mailbox_hour: Cap = _CAPS.per_mailbox_hour


class TemplateSettings(_Strict):
    """`_settings.yaml`."""

    defaults: dict[str, Any] = Field(default_factory=dict)
    vars: dict[str, Any] = Field(default_factory=dict)
    caps: CapTable = CapTable()
    exclude: tuple[str, ...] = ()
    doubt: Literal["resend", "hold"] = "resend"
    opt_out: Literal["address", "domain"] = "address"
    other_language: Literal["hold", "send"] = "hold"
    write_back: bool = True
    timezone: Zone = ""
    holidays: Calendar = None
    accounts: dict[str, Account] = Field(default_factory=dict)
    campaigns: dict[str, Campaign] = Field(default_factory=dict)

    def account(self, mailbox: str) -> Account | None:
        """Return the row of a mailbox, whatever the case of its address."""
        rows = {address.casefold(): row for address, row in self.accounts.items()}
        return rows.get(mailbox.casefold())

    def campaign(self, campaign_id: str, name: str) -> Campaign | None:
        """Return the row of a campaign, by its id or by its name in any case."""
        rows = {known.casefold(): row for known, row in self.campaigns.items()}
        return rows.get(campaign_id.casefold()) or rows.get(name.strip().casefold())


def split(name: str, source: str, *, required: bool = True) -> tuple[str, str]:
    """Part a file into its front matter and its text.

    Both keep their line numbers: empty lines stand for what was before them.

    Raises:
        TemplateError: where there is no front matter, and it is required.

    """
    handler = YAMLHandler()
    if not handler.detect(source):
        if not required:
            return "", source
        raise TemplateError(name, 1, "no front matter; begin the file with ---, when: …, ---")
    try:
        front, text = handler.split(source)
    except ValueError:
        raise TemplateError(name, 1, "the front matter never ends; close it with ---") from None
    above_text = source[: len(source) - len(text)].count("\n")
    above_front = len(source) - len(source.lstrip("-").lstrip())
    return "\n" * source.count("\n", 0, above_front) + front.lstrip(), "\n" * above_text + text


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice: the first one's value would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - the library's signature
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for (key, _), name in zip(node.value, keys, strict=False):
            if keys.count(name) > 1:
                problem = f"{name} stands twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
        return super().construct_mapping(node, deep)


def load_yaml(name: str, text: str, *, first_line: int = 1) -> dict[str, Any]:
    """Read a mapping.

    Raises:
        TemplateError: when it is no YAML, or no mapping.

    """
    try:
        data = yaml.load(text, _Loader)  # noqa: S506 - a safe loader, with one check more
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = first_line + (mark.line if mark else 0)
        hint = "; put the value in quotes" if "mapping values" in str(error.problem) else ""
        raise TemplateError(name, line, f"{error.problem}{hint}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a day like 2026-02-30
        raise TemplateError(name, first_line, str(error)) from None
    data = {} if data is None else data
    if not isinstance(data, dict):
        raise TemplateError(name, first_line, "expected keys with values, like when: true")
    return data


def validate(
    model: type[Model],
    name: str,
    data: Mapping[str, Any],
    text: str,
    *,
    inside: Sequence[str] = (),
) -> Model:
    """Check a mapping against its model; a key without a value counts as absent.

    Args:
        model: what the mapping has to be.
        name: the file, for the error.
        data: the mapping.
        text: the YAML it comes from, for the line.
        inside: the keys in the text below which the mapping stands.

    Raises:
        TemplateError: naming the first thing that is wrong, with the nearest right key.

    """
    try:
        return model.model_validate({k: v for k, v in data.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        path = [str(part) for part in first["loc"]]
        message = _explain(model, path, first["type"], first["msg"])
        raise TemplateError(name, line_of((*inside, *path), text), message) from None


def _explain(model: type[BaseModel], path: list[str], kind: str, message: str) -> str:
    where = ".".join(path)
    if kind == "missing":
        return f"{where} is missing"
    if kind == "extra_forbidden":
        near = nearest(path[-1], _known_keys(model, path[:-1]))
        return f"unknown key {where}" + (f"; did you mean {near}?" if near else "")
    return f"{where}: {message.removeprefix('Value error, ')}"


def nearest(name: str, known: Iterable[str], alike: float = 0.6) -> str:
    """Return the known name that is most like another one, "" where none is near enough."""
    return next(iter(difflib.get_close_matches(name, sorted(known), 1, alike)), "")


def _known_keys(model: type[BaseModel], path: list[str]) -> list[str]:
    for part in path:
        inner = model.model_fields[part].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)


def line_of(path: str | Sequence[str], text: str) -> int:
    """Return the line of a key, or of what stands below it, as far as the path leads.

    `("examples", "match", "2")` is the third reply that must match; 1 where nothing is found.
    """
    node, line = yaml.compose(text, yaml.SafeLoader), 1
    for part in (path,) if isinstance(path, str) else path:
        found = _below(node, part)
        if found is None:
            break
        mark, node = found
        line = mark.start_mark.line + 1
    return line


def _below(node: yaml.Node | None, part: str) -> tuple[yaml.Node, yaml.Node] | None:
    """Return where a part of a mapping or a list begins, and what it holds."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and part.isdecimal() and int(part) < len(node.value):
        return node.value[int(part)], node.value[int(part)]
    return None

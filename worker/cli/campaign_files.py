"""Files that people write for campaigns: the plan of one, and the leads for it."""

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from worker.contracts.campaign import Plan, Step
from worker.contracts.lenient import address
from worker.contracts.webhook import field_name
from worker.contracts.zones import UTC_ZONE, ZONES, nearest
from worker.domain.errors import NotPossible
from worker.domain.schedule import Hours

_OWN_FIELDS: Final = frozenset(
    {"email", "first_name", "last_name", "company_name", "job_title", "phone", "website",
     "personalization"}
)  # fmt: skip
"""What a lead has at the provider; every other column is one of its custom variables."""

_USUAL: Final = {"company": "company_name", "e_mail": "email", "email_address": "email"}
_MOST_SHOWN: Final = 10


def _zone(name: str) -> str:
    if name in ZONES:
        return name
    near = nearest(name, year=datetime.now(UTC).year)
    hint = f"; the same clock is there as {near}" if near else ""
    msg = f"the provider does not take {name}{hint}"
    raise ValueError(msg)


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid")
    subject: str
    body: str
    day: int = Field(0, ge=0)


class _PlanFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1)
    mailboxes: Annotated[list[str], BeforeValidator(_several)] = Field(
        min_length=1, validation_alias=AliasChoices("mailboxes", "email_list", "email_account_id")
    )
    steps: list[_Step] = Field(min_length=1, validation_alias=AliasChoices("steps", "sequence"))
    timezone: Annotated[str, AfterValidator(_zone)] = UTC_ZONE
    hours: str = "Mon-Fri 09:00-17:00"


def read_plan(path: Path) -> Plan:
    """Read a campaign's plan from YAML or JSON.

    Raises:
        NotPossible: with what is wrong in it.

    """
    try:
        given = _PlanFile.model_validate(yaml.safe_load(path.read_text("utf-8-sig")))
        window = Hours.parse(given.hours).windows
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        raise NotPossible("bad_file", f"{path}: {_explained(error)}") from None
    if len(window) > 1:
        raise NotPossible("bad_file", f"{path}: hours: a campaign has one span of hours")
    ends = window[0].end
    return Plan(
        name=given.name,
        mailboxes=given.mailboxes,
        steps=[Step(**step.model_dump()) for step in sorted(given.steps, key=lambda s: s.day)],
        timezone=given.timezone,
        begins=f"{window[0].start:%H:%M}",
        ends=f"{ends:%H:%M}" if ends else "23:59",
        days=frozenset((day + 1) % 7 for day in window[0].days),
    )


def _explained(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return " ".join(str(error).split())
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"


def read_leads(path: Path) -> list[tuple[int, dict[str, object]]]:
    """Read leads from CSV (with a line of headings) or JSONL: line number → lead.

    Raises:
        NotPossible: naming the lines that are wrong; nothing of the file is to be used then.

    """
    wrong: list[str] = []
    leads: dict[str, tuple[int, dict[str, object]]] = {}
    try:
        for line, row in _rows(path):
            lead = _lead(row)
            email = str(lead.get("email", ""))
            if not email:
                wrong.append(f"line {line}: no mail address in a column named email")
            elif email in leads:
                wrong.append(f"line {line}: {email} stands in line {leads[email][0]} already")
            else:
                leads[email] = line, lead
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise NotPossible("bad_file", f"{path}: {error}") from None
    if wrong or not leads:
        more = f" and {len(wrong) - _MOST_SHOWN} more" if len(wrong) > _MOST_SHOWN else ""
        said = "; ".join(wrong[:_MOST_SHOWN]) + more if wrong else "it has no leads"
        raise NotPossible("bad_file", f"{path}: {said}")
    return list(leads.values())


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix in (".jsonl", ".ndjson", ".json"):
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, _object(number, line)
        else:
            reader = csv.DictReader(file, restkey="")
            for row in reader:
                yield reader.line_num, row


def _object(number: int, line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        msg = f"line {number} is no JSON: {error}"
        raise ValueError(msg) from None
    if not isinstance(found, dict):
        msg = f"line {number} is no JSON object"
        raise ValueError(msg)  # noqa: TRY004 - one kind of error for what is wrong in a file
    return found


def _lead(row: Mapping[str, Any]) -> dict[str, object]:
    """Return a lead as the provider takes it, whatever the headings' case and spaces."""
    named = {_USUAL.get(name, name): value for raw, value in row.items()
             if (name := field_name(str(raw or "")))}  # fmt: skip
    fields = {n: v.strip() if isinstance(v, str) else v for n, v in named.items()}
    fields = {n: v for n, v in fields.items() if isinstance(v, str | int | float) and v != ""}
    fields["email"] = address(named, "email")
    own = {name: value for name, value in fields.items() if name in _OWN_FIELDS and value}
    custom = {name: value for name, value in fields.items() if name not in _OWN_FIELDS}
    return own | ({"custom_variables": custom} if custom else {})

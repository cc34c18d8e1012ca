"""Several workspaces in one service: each has a key, secrets and rules of its own.

The file named by AUTOREPLY_WORKSPACES has a row for each (YAML):

    acme:
      id: 45e9442f-842d-55ac-a0a1-1f74c9aa30f4   # `workspace` in its webhooks
      api_key_file: /run/secrets/acme_key
      webhook_secret_file: /run/secrets/acme_hook
      templates: acme/templates

A row is nothing but other settings: whatever is made from them (ledger, caps, rates, pages)
is the workspace's own. Without a file there is one row, which serves every workspace.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import yaml

from worker.domain.errors import ConfigurationError
from worker.settings import SECRETS, Settings, read_secret, validated

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")
_NEEDED: Final = ("id", "api_key", "webhook_secret")
_OWN: Final = (
    "api_key", "webhook_secret", "templates", "mode", "api_url", "api_contract", "api_rate",
    "max_age",
)  # fmt: skip
"""Settings that a row may have; the others are the whole service's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One row.

    Attributes:
        name: "" where the service has no file of workspaces.
        id: the workspace's id at the provider; "" stands for every one.
        settings: all that holds for it.

    """

    name: str = ""
    id: str = ""
    settings: Settings

    @property
    def prefix(self) -> str:
        """What stands before its events' keys where those of all workspaces meet."""
        return f"{self.name}/" if self.name else ""


class Workspaces:
    """The rows of a service, the first one first."""

    def __init__(self, rows: Sequence[Workspace]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[Workspace]:
        """Yield the rows."""
        return iter(self._rows)

    def named(self, name: str) -> Workspace:
        """Return the row of a name; without one, the only row.

        Raises:
            ConfigurationError: there are several, or none of that name.

        """
        found = [row for row in self._rows if name in ("", row.name)]
        if len(found) == 1:
            return found[0]
        known = ", ".join(row.name for row in self._rows) or "there is no file of workspaces"
        said = f"there is no workspace {name!r}." if name else "which workspace?"
        msg = f"{said} Set AUTOREPLY_WORKSPACE, or give --workspace NAME: {known}"
        raise ConfigurationError(msg)

    def asked_for(self, name: str) -> list[Workspace]:
        """Return the row of a name; without one, every row.

        Raises:
            ConfigurationError: there is none of that name.

        """
        return [self.named(name)] if name else list(self._rows)

    def split(self, address: str) -> tuple[Workspace, str]:
        """Return the row and the key that an address (prefix and key) means.

        Raises:
            LookupError: no row has such events.

        """
        for row in self._rows:
            if address.startswith(row.prefix):
                return row, address.removeprefix(row.prefix)
        raise LookupError(address)


def workspaces_of(settings: Settings) -> Workspaces:
    """Return the rows of a service.

    Raises:
        ConfigurationError: the file cannot be read, or a row is wrong.

    """
    if settings.workspaces is None:
        return Workspaces([Workspace(settings=settings)])
    rows = [_row(name, given, settings) for name, given in _load(settings.workspaces).items()]
    ids = [row.id for row in rows]
    twice = next((row for row in rows if ids.count(row.id) > 1), None)
    if twice:
        raise _wrong(settings.workspaces, f"{twice.name}: id {twice.id} stands in another row too")
    return Workspaces(rows)


def chosen(settings: Settings) -> Settings:
    """Return the settings of the workspace that a command is about (`AUTOREPLY_WORKSPACE`).

    Raises:
        ConfigurationError: there are several, and none or a wrong one is named.

    """
    return workspaces_of(settings).named(settings.workspace).settings


def _load(path: Path) -> Mapping[str, Any]:
    try:
        rows = yaml.safe_load(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _wrong(path, " ".join(str(error).split())) from None
    if not isinstance(rows, dict) or not rows:
        raise _wrong(path, "it has no rows; write a name, and below it id, api_key_file, …")
    return rows


def _row(name: object, given: object, settings: Settings) -> Workspace:
    path = settings.workspaces
    assert path is not None  # noqa: S101 - the caller has read it
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _wrong(path, f"{name!r} is no name; use small letters, digits and -")
    if not isinstance(given, dict):
        raise _wrong(path, f"{name}: expected keys with values, like id: …")
    values = dict(_values(path, name, given))
    missing = [key for key in _NEEDED if not values.get(key)]
    if missing:
        raise _wrong(path, f"{name}: {missing[0]} is missing")
    workspace_id = str(values.pop("id"))
    common = {key: getattr(settings, key) for key in settings.model_fields_set}
    try:
        own = validated(common | {"webhook_secret": (), **values, "workspace": name})
    except ConfigurationError as error:
        raise _wrong(path, f"{name}: {error}") from None
    return Workspace(name=name, id=workspace_id, settings=own)


def _values(path: Path, name: str, given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield a row's settings; paths in it begin at the file's own folder."""
    for key, value in given.items():
        bare = key.removesuffix("_file")
        if key in ("id", *_OWN):
            yield key, path.parent / str(value) if key == "templates" else value
        elif key.endswith("_file") and bare in SECRETS and bare in _OWN:
            yield bare, read_secret(f"{name}: {key}", str(path.parent / str(value)))
        else:
            known = ["id", *_OWN, *(f"{own}_file" for own in _OWN if own in SECRETS)]
            near = get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; one of {', '.join(known)}"
            raise _wrong(path, f"{name}: unknown key {key}{hint}")


def _wrong(path: Path, said: str) -> ConfigurationError:
    return ConfigurationError(f"AUTOREPLY_WORKSPACES={str(path)!r}: {said}")

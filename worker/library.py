"""Template files → rules, read again when they change, the last good version kept."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog

from worker.domain.errors import ConfigurationError
from worker.domain.frontmatter import TemplateError
from worker.domain.own_intents import INTENTS_FILE
from worker.domain.rules import SETTINGS_FILE, SUFFIX, Templates, build

_YAML: Final = (SETTINGS_FILE, INTENTS_FILE)
_LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the folder."""

_log = structlog.get_logger(__name__)

Signature = tuple[tuple[str, int, int], ...]


def read_folder(folder: Path) -> dict[str, str]:
    """Return file name → text of everything a template folder holds.

    Raises:
        ConfigurationError: the folder or a file in it cannot be read.

    """
    try:
        return {path.name: path.read_text("utf-8-sig") for path in _files(folder)}
    except OSError as error:
        raise _unreadable(error) from None
    except UnicodeDecodeError as error:
        msg = f"cannot read the templates in {folder}: {error}"
        raise ConfigurationError(msg) from None


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise NotADirectoryError(20, "no such folder; set AUTOREPLY_TEMPLATES", str(folder))
    wanted = (p for p in folder.iterdir() if p.suffix == SUFFIX or p.name in _YAML)
    return sorted(p for p in wanted if p.is_file() and not p.name.startswith("."))


def _signature(folder: Path) -> Signature:
    stats = ((path.name, path.stat()) for path in _files(folder))
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


class Library:
    """The templates of a folder, always the newest that work.

    Args:
        folder: where the files are.
        clock: seconds, monotonic; says when to look again.

    Raises:
        ConfigurationError: when the folder has a mistake in it to begin with.

    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._signature = _signature_or_stop(folder)
        self._good = read_folder(folder)
        self._templates = build(self._good)
        self._looked = clock()
        if self._templates.problems:
            raise ConfigurationError("; ".join(map(str, self._templates.problems)))

    def current(self) -> Templates:
        """Return the rules as they are now; `problems` names the changes that do not work."""
        with self._lock:
            if self._clock() - self._looked >= _LOOK_EVERY:
                self._looked = self._clock()
                self._look()
            return self._templates

    def _look(self) -> None:
        try:
            signature = _signature(self._folder)
            if signature == self._signature:
                return
            self._signature = signature
            sources = read_folder(self._folder)
        except (OSError, ConfigurationError) as error:
            _log.warning("templates_unreadable", problem=str(error))
            return
        self._templates, self._good = rebuild(sources, self._good)
        for problem in self._templates.problems:
            _log.error("template_broken", problem=str(problem), kept="the last good version")
        _log.info("templates_reloaded", rules=len(self._templates.rules))


class Showcase:
    """The templates of a folder for people to look at, even where they never worked so far.

    Args:
        folder: where the files are.

    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._library: Library | None = None

    def current(self) -> Templates:
        """Return the rules as the workers have them; `problems` names what does not work."""
        try:
            self._library = self._library or Library(self._folder)
        except ConfigurationError as error:
            return self._as_far_as_it_goes(error)
        return self._library.current()

    def _as_far_as_it_goes(self, error: ConfigurationError) -> Templates:
        try:
            return build(read_folder(self._folder))
        except ConfigurationError:
            return Templates(problems=(TemplateError(self._folder.name, 1, str(error)),))

    def changes(self) -> dict[str, float]:
        """Return when each file was changed last (seconds since the epoch)."""
        try:
            return {path.name: path.stat().st_mtime for path in _files(self._folder)}
        except OSError:
            return {}


def rebuild(
    sources: Mapping[str, str], good: Mapping[str, str]
) -> tuple[Templates, dict[str, str]]:
    """Build changed sources; what is broken in them stays as it was last time it worked.

    Returns:
        The templates, with the problems of the change, and the sources they come from.

    """
    problems: dict[str, TemplateError] = {}
    kept = dict(sources)
    for _ in range(len(sources) + 1):
        built = build(kept)
        problems |= {str(problem): problem for problem in built.problems}
        broken = {problem.name for problem in built.problems}
        if not broken:
            return replace(built, problems=tuple(problems.values())), kept
        kept = {
            name: good[name] if name in broken else text
            for name, text in kept.items()
            if name not in broken or name in good
        }
    # What was good does not go with the rest of the change: nothing of it is taken.
    return replace(build(good), problems=tuple(problems.values())), dict(good)


def _signature_or_stop(folder: Path) -> Signature:
    try:
        return _signature(folder)
    except OSError as error:
        raise _unreadable(error) from None


def _unreadable(error: OSError) -> ConfigurationError:
    return ConfigurationError(f"cannot read the templates: {error.filename}: {error.strerror}")

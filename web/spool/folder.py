"""Deliveries on disk while the ledger is away: nothing but files.

Each receiver appends to a file of its own, and holds it under an exclusive flock for as long
as it lives. A file that nobody holds gets no more lines: whoever drains it takes its flock,
ticks off each line that is recorded elsewhere, and removes the file after the last one.
"""

import errno
import fcntl
import os
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

import structlog

from web.spool import files
from web.spool.delivery import DONE, DONE_AT, Delivery, from_line, to_line

MOST_BYTES: Final = 64 * 1024 * 1024
_SUFFIX: Final = ".ndjson"
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_OVER: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
_log = structlog.get_logger(__name__)


class Spool:
    """A folder of deliveries that wait for the ledger; made when it is first needed.

    Args:
        folder: shared by all receivers of this machine.
        most: bytes that may wait in all.

    """

    def __init__(self, folder: Path, most: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most = most
        self._alone = threading.Lock()
        self._own: int | None = None
        self._end = 0
        self.written = 0

    def write(self, delivery: Delivery) -> None:
        """Keep a delivery: it is on disk when this returns, and not at all where this raises.

        Raises:
            OSError: the disk is full or failing, or the spool is full.

        """
        line = to_line(delivery)
        with self._alone:
            if self.size() + len(line) > self._most:
                raise OSError(errno.EDQUOT, "the spool is full")
            if self._own is None:
                self._own, self._end = self._create(), 0
            self._append(self._own, line)
            self.written += 1

    def size(self) -> int:
        """Return how many bytes wait."""
        return sum(map(files.size, self._files()))

    def drain(self, take: Callable[[Delivery], bool]) -> bool:
        """Hand over every delivery that no other receiver holds; return whether all were taken.

        Args:
            take: true once the delivery is recorded elsewhere, false where it has to stay;
                what it raises ends the draining.

        Raises:
            OSError: the disk is failing.

        """
        taken = self._drain_files(take)
        if self._let_go():
            taken &= self._drain_files(take)
        return taken

    def _create(self) -> int:
        """Open a file of our own, held before its first line, with a name that lasts."""
        for folder in (self._folder.parent, self._folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        while True:
            name = f"{time.time_ns():020d}-{uuid.uuid4().hex}{_SUFFIX}"
            own = os.open(self._folder / name, _NEW, 0o600)
            try:
                fcntl.flock(own, fcntl.LOCK_EX)
                files.sync_folder(self._folder)
                files.sync_folder(self._folder.parent)
                if os.fstat(own).st_nlink:
                    return own
            except OSError:
                os.close(own)
                raise
            os.close(own)  # a drain took it, still empty, before we held it

    def _append(self, own: int, line: bytes) -> None:
        try:
            if os.pwrite(own, line, self._end) != len(line):
                raise OSError(errno.ENOSPC, "a short write")  # noqa: TRY301 - undone like the others
            files.sync(own)
        except OSError:
            self._undo(own)
            raise
        self._end += len(line)

    def _undo(self, own: int) -> None:
        """Cut a half-written line off; where that fails, it stays the last one of its file."""
        try:
            os.ftruncate(own, self._end)
        except OSError:
            self._own = None
            os.close(own)

    def _let_go(self) -> bool:
        """Close our own file, so that it can be drained; the next delivery opens another."""
        with self._alone:
            own, self._own = self._own, None
        if own is not None:
            os.close(own)
        return own is not None

    def _files(self) -> list[Path]:
        try:
            return sorted(path for path in self._folder.iterdir() if path.suffix == _SUFFIX)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _drain_files(self, take: Callable[[Delivery], bool]) -> bool:
        taken = [self._drain_file(path, take) for path in self._files()]
        return all(taken)

    def _drain_file(self, path: Path, take: Callable[[Delivery], bool]) -> bool:
        with files.held(path) as file:
            if file is None:
                return True
            taken = [self._settle(path.stem, file, *found, take) for found in files.lines(file)]
            if not all(taken):
                return False
            path.unlink()
            return True

    def _settle(
        self, name: str, file: BinaryIO, at: int, line: bytes, take: Callable[[Delivery], bool]
    ) -> bool:
        found = from_line(line)
        if found is None:
            self._set_aside(f"{name}-{at}", line)
            return True
        delivery, done = found
        if not done and not take(delivery):
            return False
        os.pwrite(file.fileno(), DONE, at + DONE_AT)
        return True

    def _set_aside(self, name: str, line: bytes) -> None:
        """Keep what cannot be read, once: a line cut off before its answer, or a bad disk."""
        kept = self._folder / "damaged" / name
        if kept.exists():
            return
        kept.parent.mkdir(exist_ok=True, mode=0o700)
        draft = kept.with_suffix(".new")
        with os.fdopen(os.open(draft, _OVER, 0o600), "wb", buffering=0) as file:
            file.write(line)
            files.sync(file.fileno())
        draft.replace(kept)
        files.sync_folder(kept.parent)
        _log.error("spool_damaged", file=name, bytes=len(line))

"""What the spool asks of the file system: locks, lines, and what outlasts a power cut."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def held(path: Path) -> Iterator[BinaryIO | None]:
    """Open a file and take its flock; None where its owner lives, or it is gone."""
    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CLOEXEC), "r+b")
    except FileNotFoundError:
        yield None
        return
    with file:
        yield file if _lock(file.fileno()) and os.fstat(file.fileno()).st_nlink else None


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield each line with its place in the file."""
    at = 0
    for line in file:
        yield at, line
        at += len(line)


def size(path: Path) -> int:
    """Return a file's length in bytes; of one that is gone, 0."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def sync(file: int) -> None:
    """Wait until what was written to a file is on disk."""
    getattr(os, "fdatasync", os.fsync)(file)  # macOS has no fdatasync


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on disk."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

"""The file operations a store makes, in one small object, so that tests can let any of them fail."""

from __future__ import annotations

import os
from pathlib import Path

from bot.core.errors import StoreError


def must_be_writable(directory: Path) -> None:
    """Raises StoreError, naming path and uid, when the directory, or the one it would be made in, is read-only: by
    its mode, which the superuser could ignore but somebody has set, or for this user."""
    at = directory
    while not at.exists() and at != at.parent:
        at = at.parent
    if not at.is_dir():
        raise StoreError(f"{directory} cannot be a data directory: {at} is a file")
    mode = at.stat().st_mode & 0o777
    if not mode & 0o222 or not os.access(at, os.W_OK | os.X_OK):
        raise StoreError(
            f"{at} cannot be written by uid {os.getuid()} (mode {mode:04o}); "
            "give the bot's user the directory, or another one with --data"
        )


class Disk:
    """Thin over the system calls. Every method raises OSError as they do."""

    def open_append(self, path: Path) -> int:
        """A file descriptor for reading and appending; the file is made when it is not there."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, fd: int, data: bytes) -> None:
        """All of it; a short write is continued."""
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]

    def sync(self, fd: int) -> None:
        os.fdatasync(fd) if hasattr(os, "fdatasync") else os.fsync(fd)

    def truncate(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)

    def close(self, fd: int) -> None:
        os.close(fd)

    def replace(self, source: Path, target: Path) -> None:
        """Atomic, and on the disk when it returns."""
        os.replace(source, target)
        self.sync_directory(target.parent)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def sync_directory(self, directory: Path) -> None:
        fd = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

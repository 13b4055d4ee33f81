"""The file operations a store makes, in one small object, so that tests can let any of them fail."""

from __future__ import annotations

import os
from pathlib import Path


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

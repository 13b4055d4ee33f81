"""Past decisions in an append-only file, found by offset, so that memory need not hold them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from bot.stores import records
from bot.stores.disk import Disk


class ColdFile:
    """Records of one file. Its length is kept in the journal beside the offsets; what lies beyond is cut off."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path
        self._disk = disk
        self._fd = -1
        self.length = 0

    def open(self, length: int) -> None:
        """length: bytes the journal knows of. A new file has its name on the disk before the journal speaks of it."""
        new = not self.path.exists()
        self._fd = self._disk.open_append(self.path)
        if new:
            self._disk.sync_directory(self.path.parent)
        size = os.fstat(self._fd).st_size
        self.length = min(length, size)
        if size > self.length:
            self._disk.truncate(self._fd, self.length)

    def append(self, documents: Iterable[bytes]) -> list[int]:
        """Durable when it returns; the offset of each. Raises OSError, and then holds what it held."""
        if os.fstat(self._fd).st_size != self.length:
            self._disk.truncate(self._fd, self.length)  # what a failed attempt has left
        offsets, chunks, at = [], [], self.length
        for document in documents:
            record = records.encode_raw(document)
            offsets.append(at)
            chunks.append(record)
            at += len(record)
        try:
            self._disk.write(self._fd, b"".join(chunks))
            self._disk.sync(self._fd)
        except OSError:
            self._disk.truncate(self._fd, self.length)
            raise
        self.length = at
        return offsets

    def get(self, offset: int) -> bytes | None:
        """The document at an offset, None when it is not whole there."""
        if not 0 <= offset < self.length:
            return None
        record = b""
        while b"\n" not in record:
            more = os.pread(self._fd, 8192, offset + len(record))
            if not more:
                return None
            record += more
        return records.raw(record.split(b"\n", 1)[0])

    def scan(self) -> Iterator[tuple[int, bytes]]:
        """Every whole document with its offset, oldest first; those written again since are among them."""
        at = 0
        with self.path.open("rb") as file:
            for line in file:
                document = records.raw(line.rstrip(b"\n"))
                if document is not None:
                    yield at, document
                at += len(line)

    def close(self) -> None:
        if self._fd >= 0:
            self._disk.close(self._fd)
            self._fd = -1

"""State on disk: a snapshot and a journal of what came after it; one append and one sync a transaction."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import orjson
import structlog

from bot.core.errors import Full, Locked, StoreError
from bot.stores import records
from bot.stores.disk import Disk, must_be_writable
from bot.stores.generations import Row, Rows, Tables, path_of, replaced, snapshot_records
from bot.stores.loading import Found, load
from bot.stores.migrations import migrate

__all__ = ["Journal", "Ops", "Row", "Rows"]

log = structlog.get_logger("store")
Ops = dict[str, dict[int, Row | None]]
"""table -> doc_id -> new row, or None to remove it."""

ROTATE_BYTES = 8 * 1024 * 1024
KEEP = 3
_HELD = "holds data"
"""Stands in the lock file from the first commit on: a directory that has it and no journal has lost one."""


def must_be_free(directory: Path) -> None:
    """Raises Locked when a process works in it; changes nothing."""
    with _in_view(directory):
        pass


def view(directory: Path) -> Found:
    """What is there, for whoever only reads: no file is made, changed or removed, so the directory may be read-only.
    Raises Locked, Corrupt, TooNew, StoreError."""
    try:
        with _in_view(directory) as held:
            return load(directory, held=held)
    except OSError as error:
        raise StoreError(f"{error.filename or directory} cannot be read: {error.strerror}") from error


@contextmanager
def _in_view(directory: Path) -> Iterator[bool]:
    """The lock, where there is one, kept meanwhile; whether it says that data was held. Raises Locked."""
    try:
        fd = os.open(directory / "lock", os.O_RDONLY)
    except OSError:  # none yet; or it is told what is wrong when the store is opened
        yield False
        return
    try:
        yield _HELD in _take(fd, directory)
    finally:
        os.close(fd)


class Journal:
    """Tables of rows, durable. Files: `<generation>.snapshot`, `<generation>.journal`, `lock`.

    The state is the newest whole snapshot plus every journal from its generation on. A commit appends one record to
    the newest journal and syncs it before anything is visible. A rotation starts a new journal at once and writes the
    snapshot it begins with in a thread; older generations are kept so that a lost snapshot costs nothing.
    """

    def __init__(self, directory: Path, disk: Disk | None = None, rotate_bytes: int = ROTATE_BYTES) -> None:
        self.directory = directory
        self.tables: Tables = {}
        self._disk = disk or Disk()
        self._rotate_bytes = rotate_bytes
        self._generation = 0
        self._fd = -1
        self._length = 0
        self._broken = False
        self._lock_fd = -1
        self._held = False
        self._writer: threading.Thread | None = None

    def open(self) -> None:
        """Lock, load, bring to this schema, and make ready to append. Raises Locked, Corrupt, TooNew, StoreError."""
        must_be_writable(self.directory)
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self.lock()
        except OSError as error:
            who = f"uid {os.getuid()}"
            raise StoreError(f"{self.directory} cannot be written by {who}: {error.strerror}") from error
        try:
            schema = self._load()
            if schema < records.SCHEMA:
                self._disk.close(self._fd)
                self._fd = -1
                migrate(self.directory, self._disk, self.tables, schema)
                self._load()
            self._mark_held()
        except OSError as error:
            self.close()
            raise StoreError(f"{self.directory} cannot be read or made ready: {error.strerror}") from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Idempotent; waits for a snapshot being written."""
        if self._writer:
            self._writer.join()
            self._writer = None
        for name in ("_fd", "_lock_fd"):
            if getattr(self, name) >= 0:
                os.close(getattr(self, name))
                setattr(self, name, -1)

    def commit(self, ops: Ops) -> None:
        """Append, sync, then apply. Raises Full; then neither disk nor memory has changed."""
        record = records.encode(
            {
                t: {i: orjson.Fragment(r) if isinstance(r, bytes) else r for i, r in rows.items()}
                for t, rows in ops.items()
            }
        )
        self._append(record)
        self._apply(ops)
        self._mark_held()

    @property
    def wants_rotation(self) -> bool:
        return self._length > self._rotate_bytes and not (self._writer and self._writer.is_alive())

    def rotate(self, *, wait: bool = False) -> None:
        """Begin a new generation from the tables as they are now; its snapshot is written in the background."""
        if self._writer:
            self._writer.join()
        generation = self._generation + 1
        fd = self._new_journal(generation, of=self._generation)
        if self._fd >= 0:
            self._disk.close(self._fd)
        self._fd, self._generation = fd, generation
        tables = {name: dict(rows) for name, rows in self.tables.items()}
        self._writer = threading.Thread(target=self._write_snapshot, args=(generation, tables), name="snapshot")
        self._writer.start()
        if wait:
            self._writer.join()

    def _append(self, record: bytes) -> None:
        if self._broken:
            self._mend()
        try:
            self._disk.write(self._fd, record)
            self._disk.sync(self._fd)
        except OSError as error:
            self._broken = True
            raise Full(
                f"{self._path('journal', self._generation)} cannot be written: {error.strerror}. Nothing was changed; "
                "free some space, it goes on by itself"
            ) from error
        self._length += len(record)

    def _mend(self) -> None:
        """After a failed write nobody knows what is in the file: cut it back, through a new descriptor."""
        path = self._path("journal", self._generation)
        try:
            fd = self._disk.open_append(path)
            try:
                self._disk.truncate(fd, self._length)
                self._disk.sync(fd)
            except OSError:
                self._disk.close(fd)
                raise
        except OSError as error:
            raise Full(f"{path} still cannot be written: {error.strerror}") from error
        self._disk.close(self._fd)
        self._fd, self._broken = fd, False

    def _apply(self, ops: Mapping[str, Mapping[int, Row | None]]) -> None:
        for table, changed in ops.items():
            rows = self.tables.setdefault(table, {})
            for number, row in changed.items():
                if row is None:
                    rows.pop(number, None)
                else:
                    rows[number] = row

    def lock(self) -> None:
        """Raises Locked when another process has it."""
        self._lock_fd = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            said = _take(self._lock_fd, self.directory)
        except Locked:
            os.close(self._lock_fd)
            self._lock_fd = -1
            raise
        self._held = _HELD in said
        self._write_lock()

    def _write_lock(self) -> None:
        os.ftruncate(self._lock_fd, 0)
        os.pwrite(self._lock_fd, f"{os.getpid()}\n{_HELD if self._held else ''}\n".encode(), 0)

    def _mark_held(self) -> None:
        if not self._held and any(self.tables.values()):
            self._held = True
            self._write_lock()

    def _load(self) -> int:
        """The schema of what was read; the newest journal is then ready to be appended to."""
        self._broken = False
        for stale in self.directory.glob("*.tmp"):
            self._disk.remove(stale)
        found = load(self.directory, held=self._held)
        self.tables = found.tables
        for path in found.stillborn:
            self._disk.remove(path)
        self._generation = max(found.generation, 1)
        if not found.whole:
            self._fd = self._new_journal(self._generation, of=found.base)
            return found.schema
        path = self._path("journal", self._generation)
        self._fd, self._length = self._disk.open_append(path), found.whole
        if found.torn:
            log.warning("the last write was cut off by a crash and is left out", file=str(path), bytes=found.torn)
            self._disk.truncate(self._fd, found.whole)
            self._disk.sync(self._fd)
        return found.schema

    def _new_journal(self, generation: int, *, of: int) -> int:
        """of: the generation whose end, or (its own) whose snapshot, it goes on from; 0 for nothing."""
        path = self._path("journal", generation)
        record = records.encode(records.header("journal", generation, needs=of))
        try:
            self._disk.remove(path)  # what an attempt before this one may have left
            fd = self._disk.open_append(path)
            try:
                self._disk.write(fd, record)
                self._disk.sync(fd)
                self._disk.sync_directory(self.directory)
            except OSError:
                self._disk.close(fd)
                raise
        except OSError as error:
            raise Full(f"{path} cannot be made: {error.strerror}") from error
        self._length = len(record)
        return fd

    def _write_snapshot(self, generation: int, tables: Mapping[str, Rows]) -> None:
        target = self._path("snapshot", generation)
        try:
            replaced(self._disk, target, snapshot_records(generation, tables))
            for kind in ("snapshot", "journal"):
                for old in range(generation - KEEP - 2, generation - KEEP + 1):
                    self._disk.remove(self._path(kind, old))
        except OSError as error:
            # The journals hold everything; the next rotation tries again.
            log.error("a snapshot could not be written", file=str(target), error=error.strerror)

    def _path(self, kind: str, generation: int) -> Path:
        return path_of(self.directory, kind, generation)


def _take(fd: int, directory: Path) -> str:
    """Lock the open lock file, and what it says. Raises Locked when another process has it."""
    said = os.read(fd, 80).decode(errors="replace")
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = said.split("\n", 1)[0].strip()
        holder = int(pid) if pid.isdecimal() else 0
        raise Locked(f"{directory} is in use: already running (pid {pid or 'unknown'})", pid=holder) from None
    return said

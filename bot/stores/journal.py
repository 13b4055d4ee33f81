"""State on disk: a snapshot and a journal of what came after it; one append and one sync a transaction."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import structlog

from bot.core.errors import Corrupt, Full, Locked, StoreError
from bot.stores import records
from bot.stores.disk import Disk, must_be_writable
from bot.stores.generations import Row, Rows, Tables, absorb, is_whole, path_of, present, replaced, snapshot_records
from bot.stores.migrations import migrate

__all__ = ["Journal", "Ops", "Row", "Rows"]

log = structlog.get_logger("store")
Ops = dict[str, dict[int, Row | None]]
"""table -> doc_id -> new row, or None to remove it."""

ROTATE_BYTES = 8 * 1024 * 1024
KEEP = 3
REPAIR = "python -m bot db repair --data"
_HELD = "holds data"
"""Stands in the lock file from the first commit on: a directory that has it and no journal has lost one."""


def must_be_free(directory: Path) -> None:
    """Raises Locked when a process works in it; changes nothing."""
    try:
        fd = os.open(directory / "lock", os.O_RDONLY)
    except OSError:
        return  # none yet; or it is told what is wrong when the store is opened
    try:
        _take(fd, directory)
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
        self._schema = records.SCHEMA
        self._short: dict[int, int] = {}
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
            self._load()
            if self._schema < records.SCHEMA:
                self._disk.close(self._fd)
                self._fd = -1
                migrate(self.directory, self._disk, self.tables, self._schema)
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

    def _load(self) -> None:
        self.tables, self._broken, self._schema, self._short = {}, False, records.SCHEMA, {}
        for stale in self.directory.glob("*.tmp"):
            self._disk.remove(stale)
        journals, snapshots = present(self.directory, "journal"), present(self.directory, "snapshot")
        base = next((g for g in reversed(snapshots) if self._load_snapshot(g)), 0)
        replay = [g for g in journals if g >= max(base, 1)]
        self._must_be_complete(base, replay, snapshots)
        while len(replay) > 1 and self._stillborn(replay[-1]):
            if replay[-1] in snapshots:
                log.error("a journal is empty though it was begun; what it held is lost", generation=replay[-1])
            self._disk.remove(self._path("journal", replay.pop()))
        for generation in replay:
            self._replay(generation, base, last=generation == replay[-1])
        self._generation = max(replay[-1] if replay else 0, base)
        if self._fd < 0:
            self._generation = max(self._generation, 1)
            self._fd = self._new_journal(self._generation, of=base)

    def _must_be_complete(self, base: int, replay: list[int], snapshots: list[int]) -> None:
        """Raises Corrupt when what is there is only a part of what was."""
        if not replay and not base and not snapshots:
            self._must_be_new()
        elif not base and replay != list(range(1, 1 + len(replay))):
            raise self._lacking("snapshot", replay[0])
        elif not replay:
            raise self._lacking("journal", base) if base else self._lacking("snapshot", snapshots[-1])
        else:
            expected = range(max(base, 1), max(base, 1) + len(replay))
            gap = next((wanted for wanted, found in zip(expected, replay, strict=True) if wanted != found), None)
            if gap is not None:
                raise self._lacking("journal", gap)

    def _must_be_new(self) -> None:
        """An empty directory is a first start; one that has held data and lost it is not."""
        archive = next(iter(sorted(self.directory.glob("archive-*.records"))), None)
        if self._held or archive:
            sign = f"{archive.name} is there" if archive else "its lock file says that it held some"
            raise Corrupt(
                f"{self._path('journal', 1)} is missing or empty, so {self.directory} has lost its data: {sign}. "
                "Nothing was changed. Restore a backup; to begin anew, move the directory away"
            )

    def _lacking(self, kind: str, generation: int) -> Corrupt:
        cut = self._short.get(generation) if kind == "snapshot" else None
        what = "is missing" if cut is None else f"is cut off at byte {cut}"
        return Corrupt(
            f"{self._path(kind, generation)} {what}, and without it {self.directory} is only a part of what was kept; "
            f"nothing was changed. Restore a backup, or keep what is left with: {REPAIR} {self.directory}"
        )

    def _load_snapshot(self, generation: int) -> bool:
        """True when it was whole. A short one (power lost before it was on the disk) is passed over, loudly."""
        path = self._path("snapshot", generation)
        tables: Tables = {}

        def spend(value: Any) -> Any:
            absorb(tables, value)
            return value if isinstance(value, dict) and value.keys() & {"format", "end"} else None

        values, whole, torn = records.read(path, f"{REPAIR} {self.directory}", spend)
        if values:
            self._note_schema(records.check_header(values[0], path))
        if torn or not is_whole(values):
            self._short[generation] = whole
            log.error("a snapshot is not whole; falling back to the one before it and its journals", file=str(path))
            return False
        self.tables = tables
        return True

    def _note_schema(self, schema: int) -> None:
        self._schema = min(self._schema, schema)

    def _stillborn(self, generation: int) -> bool:
        """Whether a journal was begun and not even its header got whole: then the one before it went on."""
        started = self._path("journal", generation).read_bytes().rstrip(b"\0")
        forms = [records.header("journal", generation, needs=n) for n in (None, generation - 1, generation)]
        return any(len(started) < len(h) and h.startswith(started) for h in map(records.encode, forms))

    def _replay(self, generation: int, base: int, *, last: bool) -> None:
        path = self._path("journal", generation)
        values, whole, torn = records.read(path, f"{REPAIR} {self.directory}")
        if values:
            self._note_schema(records.check_header(values[0], path))
            if generation != base and self._needs(values[0], generation) == generation:
                raise self._lacking("snapshot", generation)
        if torn and not last:
            raise Corrupt(
                f"{path} is damaged at byte {whole}, and a later journal goes on; nothing was changed. "
                f"Keep a copy, then run: {REPAIR} {self.directory}"
            )
        for value in values[1:]:
            absorb(self.tables, value)
        if last:
            self._go_on(path, generation, base, values, whole, torn)

    def _needs(self, header: dict[str, int], generation: int) -> int:
        """Journals of before this was recorded: only a repair wrote a snapshot for the first."""
        first = 1 if self._path("snapshot", 1).exists() else 0
        return header.get("from", generation - 1 if generation > 1 else first)

    def _go_on(self, path: Path, generation: int, base: int, values: list[Any], whole: int, torn: int) -> None:
        """Make the newest journal ready to be appended to."""
        if not values:
            if not self._stillborn(generation):
                records.check_header(None, path)
            if base:
                log.error("the journal is empty: what was kept after its snapshot is lost", file=str(path))
            elif self._path("snapshot", generation).exists():
                raise self._lacking("snapshot", generation)
            else:
                self._must_be_new()
            self._fd = self._new_journal(generation, of=base)
            return
        self._fd, self._length = self._disk.open_append(path), whole
        if torn:
            log.warning("the last write was cut off by a crash and is left out", file=str(path), bytes=torn)
            self._disk.truncate(self._fd, whole)
            self._disk.sync(self._fd)

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

"""State on disk: a snapshot and a journal of what came after it; one append and one sync a transaction."""

from __future__ import annotations

import base64
import fcntl
import os
import threading
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import structlog

from bot.core.errors import Corrupt, Full, Locked, StoreError
from bot.stores import records
from bot.stores.disk import Disk

log = structlog.get_logger("store")
Row = bytes | int
"""A document as JSON bytes, or, for the document {"at": n}, just n: a million of them must fit in memory."""
Rows = dict[int, Row]
Ops = dict[str, dict[int, Row | None]]
"""table -> doc_id -> new row, or None to remove it."""

ROTATE_BYTES = 8 * 1024 * 1024
KEEP = 3
_CHUNK = 20_000
REPAIR = "python -m bot db repair --data"


class Journal:
    """Tables of rows, durable. Files: `<generation>.snapshot`, `<generation>.journal`, `lock`.

    The state is the newest whole snapshot plus every journal from its generation on. A commit appends one record to
    the newest journal and syncs it before anything is visible. A rotation starts a new journal at once and writes the
    snapshot it begins with in a thread; older generations are kept so that a lost snapshot costs nothing.
    """

    def __init__(self, directory: Path, disk: Disk | None = None, rotate_bytes: int = ROTATE_BYTES) -> None:
        self.directory = directory
        self.tables: dict[str, Rows] = {}
        self._disk = disk or Disk()
        self._rotate_bytes = rotate_bytes
        self._generation = 0
        self._fd = -1
        self._length = 0
        self._broken = False
        self._lock_fd = -1
        self._writer: threading.Thread | None = None

    def open(self) -> None:
        """Lock, load, and make ready to append. Raises Locked, Corrupt, TooNew, StoreError."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self.lock()
        except OSError as error:
            who = f"uid {os.getuid()}"
            raise StoreError(f"{self.directory} cannot be written by {who}: {error.strerror}") from error
        try:
            self._load()
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

    @property
    def wants_rotation(self) -> bool:
        return self._length > self._rotate_bytes and not (self._writer and self._writer.is_alive())

    def rotate(self, *, wait: bool = False) -> None:
        """Begin a new generation from the tables as they are now; its snapshot is written in the background."""
        if self._writer:
            self._writer.join()
        generation = self._generation + 1
        fd = self._new_journal(generation)
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
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(self._lock_fd, 20).decode(errors="replace").strip()
            os.close(self._lock_fd)
            self._lock_fd = -1
            holder = int(pid) if pid.isdecimal() else 0
            raise Locked(f"{self.directory} is in use: already running (pid {pid or 'unknown'})", pid=holder) from None
        os.ftruncate(self._lock_fd, 0)
        os.pwrite(self._lock_fd, f"{os.getpid()}\n".encode(), 0)

    def _load(self) -> None:
        self.tables, self._broken = {}, False
        for stale in self.directory.glob("*.tmp"):
            self._disk.remove(stale)
        generations = self._generations("journal")
        snapshots = self._generations("snapshot")[::-1]
        base = next((g for g in snapshots if self._load_snapshot(g)), 0)
        replay = [g for g in generations if g >= max(base, 1)]
        if ((snapshots or generations) and replay != list(range(max(base, 1), max(base, 1) + len(replay)))) or (
            snapshots and not replay
        ):
            raise Corrupt(
                f"{self.directory} lacks part of its data: whole snapshot {base or 'none'}, journals {generations}; "
                f"nothing was changed. Restore a backup, or run: {REPAIR} {self.directory}"
            )
        while len(replay) > 1 and self._stillborn(replay[-1]):
            self._disk.remove(self._path("journal", replay.pop()))
        for generation in replay:
            self._replay(generation, last=generation == replay[-1])
        self._generation = max(replay[-1] if replay else 0, base)
        if self._fd < 0:
            self._generation = max(self._generation, 1)
            self._fd = self._new_journal(self._generation)

    def _generations(self, kind: str) -> list[int]:
        """Ascending; files whose names only resemble ours are not ours."""
        numbers = (int(p.stem) for p in self.directory.glob(f"*.{kind}") if p.stem.isdecimal())
        return sorted({n for n in numbers if self._path(kind, n).exists()})

    def _load_snapshot(self, generation: int) -> bool:
        """True when it was whole. A short one (power lost before it was on the disk) is passed over, loudly."""
        path = self._path("snapshot", generation)
        values, _, torn = records.read(path, f"{REPAIR} {self.directory}")
        if values:
            records.check_header(values[0], path)
        if torn or not values or values[-1] != {"end": len(values)}:
            log.error("a snapshot is not whole; falling back to the one before it and its journals", file=str(path))
            return False
        self.tables = {}
        for value in values[1:-1]:
            absorb(self.tables, value)
        return True

    def _stillborn(self, generation: int) -> bool:
        """Whether a journal was begun and not even its header got whole: then the one before it went on."""
        started = self._path("journal", generation).read_bytes().rstrip(b"\0")
        header = records.encode(records.header("journal", generation))
        return len(started) < len(header) and header.startswith(started)

    def _replay(self, generation: int, *, last: bool) -> None:
        path = self._path("journal", generation)
        values, whole, torn = records.read(path, f"{REPAIR} {self.directory}")
        if values:
            records.check_header(values[0], path)
        if torn and not last:
            raise Corrupt(
                f"{path} is damaged at byte {whole}, and a later journal goes on; nothing was changed. "
                f"Keep a copy, then run: {REPAIR} {self.directory}"
            )
        for value in values[1:]:
            absorb(self.tables, value)
        if not last:
            return
        if not values:
            if not self._stillborn(generation):
                records.check_header(None, path)
            self._disk.remove(path)
            self._fd = self._new_journal(generation)
            return
        self._fd, self._length = self._disk.open_append(path), whole
        if torn:
            log.warning("the last write was cut off by a crash and is left out", file=str(path), bytes=torn)
            self._disk.truncate(self._fd, whole)
            self._disk.sync(self._fd)

    def _new_journal(self, generation: int) -> int:
        path = self._path("journal", generation)
        record = records.encode(records.header("journal", generation))
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
        temporary = target.with_suffix(".tmp")
        try:
            self._disk.remove(temporary)
            fd = self._disk.open_append(temporary)
            try:
                for record in snapshot_records(generation, tables):
                    self._disk.write(fd, record)
                self._disk.sync(fd)
            finally:
                self._disk.close(fd)
            self._disk.replace(temporary, target)
            for kind in ("snapshot", "journal"):
                for old in range(generation - KEEP - 2, generation - KEEP + 1):
                    self._disk.remove(self._path(kind, old))
        except OSError as error:
            # The journals hold everything; the next rotation tries again.
            log.error("a snapshot could not be written", file=str(target), error=error.strerror)

    def _path(self, kind: str, generation: int) -> Path:
        return self.directory / f"{generation:08d}.{kind}"


def snapshot_records(generation: int, tables: Mapping[str, Rows]) -> Iterator[bytes]:
    """A snapshot's lines: header, chunks of rows, and a count that proves it is whole."""
    yield records.encode(records.header("snapshot", generation))
    count = 1
    for name, rows in tables.items():
        numbers = [(i, r) for i, r in rows.items() if isinstance(r, int)]
        documents = [(i, r) for i, r in rows.items() if not isinstance(r, int)]
        for start in range(0, len(numbers), _CHUNK):
            ids, values = zip(*numbers[start : start + _CHUNK], strict=True)
            yield records.encode({"table": name, "ids": _packed(ids), "numbers": _packed(values)})
            count += 1
        for start in range(0, len(documents), 500):
            chunk = {i: orjson.Fragment(r) for i, r in documents[start : start + 500]}
            yield records.encode({"table": name, "rows": chunk})
            count += 1
        if not rows:
            yield records.encode({"table": name, "rows": {}})
            count += 1
    yield records.encode({"end": count + 1})


def absorb(tables: dict[str, Rows], value: Any) -> None:
    """Put what one record of a snapshot or journal says into tables; headers and ends say nothing."""
    if not isinstance(value, dict) or "format" in value or "end" in value:
        return
    if "table" in value:
        tables.setdefault(value["table"], {}).update(_unpacked(value))
        return
    for table, rows in value.items():
        kept = tables.setdefault(table, {})
        for number, document in rows.items():
            if document is None:
                kept.pop(int(number), None)
            else:
                kept[int(number)] = _row(document)


def _packed(numbers: tuple[int, ...]) -> str:
    return base64.b64encode(array("q", numbers).tobytes()).decode()


def _unpacked(value: Mapping[str, Any]) -> Iterator[tuple[int, Row]]:
    if "rows" in value:
        yield from ((int(i), _row(d)) for i, d in value["rows"].items())
        return
    ids, numbers = array("q"), array("q")
    ids.frombytes(base64.b64decode(value["ids"]))
    numbers.frombytes(base64.b64decode(value["numbers"]))
    same: dict[int, int] = {}  # one object for equal times: most of a million keys share few
    yield from ((i, same.setdefault(n, n)) for i, n in zip(ids, numbers, strict=True))


def _row(document: Any) -> Row:
    return document if isinstance(document, int) else orjson.dumps(document)

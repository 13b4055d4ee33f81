"""The disk fails, or the machine stops, at each operation in turn: a commit is there whole or not at all."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.core.errors import Full, StoreError
from bot.stores.disk import Disk
from bot.stores.generations import replaced
from bot.stores.tinydb import TinyStore
from tests.faults.scripts import commit_number, remembered, whole_commits

COMMITS = 7
ROTATE = 3000


class Crash(BaseException):
    """The machine stops here."""


class FaultyDisk(Disk):
    """Acts at the n-th write-like operation; `steps` counts them."""

    def __init__(self, at: int, act: Callable[[], None], *, lasting: int = 1) -> None:
        self.at = at
        self.act = act
        self.lasting = lasting
        self.steps = 0

    def _step(self) -> None:
        self.steps += 1
        if self.at <= self.steps < self.at + self.lasting:
            self.act()

    def write(self, fd: int, data: bytes) -> None:
        if self.at <= self.steps + 1 < self.at + self.lasting and len(data) > 1:
            super().write(fd, data[: len(data) // 2])
        self._step()
        super().write(fd, data)

    def sync(self, fd: int) -> None:
        self._step()
        super().sync(fd)

    def truncate(self, fd: int, size: int) -> None:
        self._step()
        super().truncate(fd, size)

    def replace(self, source: Path, target: Path) -> None:
        self._step()
        super().replace(source, target)

    def remove(self, path: Path) -> None:
        self._step()
        super().remove(path)


def fails(number: int) -> Callable[[], None]:
    def act() -> None:
        raise OSError(number, os.strerror(number))

    return act


def crashes() -> None:
    raise Crash


async def live(directory: Path, disk: Disk) -> tuple[int, int]:
    """Commit until all are in or the store gives up; returns how many were acknowledged, and how many refused."""
    acknowledged = refused = 0
    store = TinyStore(directory, disk=disk, rotate_bytes=ROTATE)
    try:
        for _ in range(COMMITS):
            try:
                await store.open()
                break
            except StoreError:
                refused += 1
        number = 1
        while number <= COMMITS:
            try:
                await store.commit(commit_number(number))
            except Full:
                refused += 1
                assert refused < 40
                assert await whole_commits(store, number) == acknowledged, "a refused commit changes nothing"
                continue
            acknowledged = number
            number += 1
            if store.journal._writer:
                store.journal._writer.join()  # so that operations come in the same order each time
    finally:
        await store.close()
    return acknowledged, refused


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("lasting", [1, 3])
async def test_an_error_at_every_operation(tmp_path: Path, number: int, lasting: int) -> None:
    at = 0
    while True:
        at += 1
        disk = FaultyDisk(at, fails(number), lasting=lasting)
        directory = tmp_path / str(at)
        acknowledged, _ = await live(directory, disk)
        assert acknowledged == COMMITS, "it goes on by itself when the disk does"
        assert await remembered(directory, COMMITS) == COMMITS
        if disk.steps < at:
            break
    assert at > 20


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_stop_at_every_operation(tmp_path: Path) -> None:
    at = 0
    while True:
        at += 1
        disk = FaultyDisk(at, crashes, lasting=1 << 30)
        directory = tmp_path / str(at)
        acknowledged = 0
        store = TinyStore(directory, disk=disk, rotate_bytes=ROTATE)
        try:
            await store.open()
            for number in range(1, COMMITS + 1):
                await store.commit(commit_number(number))
                acknowledged = number
                if store.journal._writer:
                    store.journal._writer.join()
        except Crash:
            pass
        await store.close()
        found = await remembered(directory, COMMITS)
        assert acknowledged <= found <= acknowledged + 1
        if disk.steps < at:
            break
    assert at > 20


class VolatileDisk(Disk):
    """Keeps what was not synced aside; `lose` decides what of it ever reached the plate."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._paths: dict[int, Path] = {}
        self._synced: dict[Path, int] = {}

    def open_append(self, path: Path) -> int:
        fd = super().open_append(path)
        self._paths[fd] = path
        self._synced.setdefault(path, os.fstat(fd).st_size)
        return fd

    def sync(self, fd: int) -> None:
        super().sync(fd)
        self._synced[self._paths[fd]] = os.fstat(fd).st_size

    def replace(self, source: Path, target: Path) -> None:
        super().replace(source, target)
        self._synced[target] = self._synced.pop(source, target.stat().st_size)

    def lose(self) -> None:
        """The power goes: of each file's unsynced end some is lost, some is zeros."""
        for path, kept in self._synced.items():
            if not path.exists() or path.stat().st_size <= kept:
                continue
            data = path.read_bytes()
            tail = bytearray(data[kept:])
            for start in range(0, len(tail), 512):
                if self._rng.random() < 0.5:
                    tail[start : start + 512] = bytes(len(tail[start : start + 512]))
            path.write_bytes(data[:kept] + bytes(tail[: self._rng.randint(0, len(tail))]))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # it goes for the snapshot too
@pytest.mark.parametrize("seed", range(25))
async def test_the_power_goes(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    disk = VolatileDisk(rng)
    store = TinyStore(tmp_path / "d", disk=disk, rotate_bytes=ROTATE)
    await store.open()
    last = rng.randint(1, COMMITS)
    for number in range(1, last + 1):
        await store.commit(commit_number(number))
    # One more commit is on its way: its bytes are written, the sync has not come back.
    disk.sync = lambda fd: (_ for _ in ()).throw(Crash())  # type: ignore[method-assign]
    with pytest.raises(Crash):
        await store.commit(commit_number(last + 1))
    del disk.sync
    if store.journal._writer:
        store.journal._writer.join()
    disk.lose()
    await store.close()
    assert await remembered(tmp_path / "d", last + 1) in (last, last + 1)


class StrictDisk(Disk):
    """Knows what no sync has confirmed: bytes of files, what is cut off them, and names of new ones. The n-th write
    fails."""

    def __init__(self, failing: int = 0) -> None:
        self.dirty: set[Path] = set()
        self.names: set[Path] = set()
        self.cut: set[Path] = set()
        self.failing = failing
        self._paths: dict[int, Path] = {}

    def open_append(self, path: Path) -> int:
        if not path.exists():
            self.names.add(path)
        fd = super().open_append(path)
        self._paths[fd] = path
        return fd

    def write(self, fd: int, data: bytes) -> None:
        # Else the power may go when parts of both are there, which would look like damage.
        assert self._paths[fd] not in self.cut, "what was cut off is off before anything is written in its place"
        self.dirty.add(self._paths[fd])
        self.failing -= 1
        if self.failing == 0:
            super().write(fd, data[: len(data) // 2])
            raise OSError(errno.EIO, "broken")
        super().write(fd, data)

    def truncate(self, fd: int, size: int) -> None:
        self.dirty.add(self._paths[fd])
        self.cut.add(self._paths[fd])
        super().truncate(fd, size)

    def sync(self, fd: int) -> None:
        self.dirty.discard(self._paths[fd])
        self.cut.discard(self._paths[fd])
        super().sync(fd)

    def replace(self, source: Path, target: Path) -> None:
        assert source not in self.dirty, "a file gets its name before its bytes are on the disk"
        self.names.discard(source)
        super().replace(source, target)

    def sync_directory(self, directory: Path) -> None:
        self.names.clear()
        super().sync_directory(directory)

    def all_is_there(self) -> bool:
        return not self.dirty and not {name for name in self.names if name.exists()}


async def test_whatever_a_store_has_done_is_on_the_disk_when_it_returns(tmp_path: Path) -> None:
    disk = StrictDisk()
    store = TinyStore(tmp_path / "d", disk=disk, rotate_bytes=ROTATE)
    await store.open()
    for number in range(1, COMMITS + 1):
        await store.commit(commit_number(number))
        if store.journal._writer:
            store.journal._writer.join()
        assert disk.all_is_there(), (number, disk.dirty, disk.names)
    await store.tidy(commit_number(COMMITS).at)
    assert disk.all_is_there()
    await store.close()
    newest = sorted((tmp_path / "d").glob("*.journal"))[-1]
    newest.write_bytes(newest.read_bytes() + b"12345678 {torn")
    disk = StrictDisk()
    store = TinyStore(tmp_path / "d", disk=disk)
    await store.open()
    assert disk.all_is_there(), disk.dirty
    await store.close()


@pytest.mark.parametrize("failing", range(2, 6))
async def test_what_a_failed_write_left_is_gone_from_the_disk_before_the_next(tmp_path: Path, failing: int) -> None:
    disk = StrictDisk(failing)
    store = TinyStore(tmp_path / "d", disk=disk)
    await store.open()
    kept = 0
    for number in range(1, COMMITS + 1):
        try:
            await store.commit(commit_number(number))
        except Full:
            await store.commit(commit_number(number))
        kept += 1
        assert disk.all_is_there(), (number, disk.dirty)
    await store.close()
    assert await remembered(tmp_path / "d", COMMITS) == kept


async def test_a_lock_that_is_no_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "d" / "lock").mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be written by uid"):
        await TinyStore(tmp_path / "d").open()


async def test_a_table_that_is_empty_is_one_still_after_a_snapshot(tmp_path: Path) -> None:
    store = TinyStore(tmp_path / "d")
    await store.open()
    store.journal.commit({"full": {1: 5}, "empty": {2: 6}})
    store.journal.commit({"empty": {2: None}})
    store.journal.rotate(wait=True)
    await store.close()
    store = TinyStore(tmp_path / "d")
    await store.open()
    assert store.journal.tables["empty"] == {}
    await store.close()


def test_a_directory_is_synced_by_the_system_call_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr("os.fsync", lambda fd: synced.append(Path(f"/proc/self/fd/{fd}").readlink().name))
    Disk().sync_directory(tmp_path)
    assert synced == [tmp_path.name]


def test_what_an_attempt_before_left_is_no_part_of_a_file_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.tmp").write_bytes(b"half a line")
    replaced(Disk(), tmp_path / "a.snapshot", [b"one\n", b"two\n"])
    assert (tmp_path / "a.snapshot").read_bytes() == b"one\ntwo\n"
    assert not (tmp_path / "a.tmp").exists()

"""Files cut at any byte, and a power loss that keeps renames, new names, removals and data in any order."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from bot.core.changes import Changes
from bot.core.news import Judged
from bot.stores.disk import Disk
from bot.stores.tinydb import TinyStore
from tests.fakes.clock import START
from tests.faults.scripts import commit_number, remembered
from tests.faults.test_disk import COMMITS, ROTATE, Crash
from tests.faults.test_journal import made
from tests.unit.examples import entry


async def test_a_snapshot_cut_at_any_byte_falls_back(tmp_path: Path) -> None:
    await made(tmp_path / "d", commits=6, rotate_bytes=1500)
    newest = sorted((tmp_path / "d").glob("*.snapshot"))[-1]
    whole = newest.read_bytes()
    for cut in sorted({*range(0, len(whole), 23), *range(len(whole) - 120, len(whole) + 1)}):
        newest.write_bytes(whole[:cut])
        assert await remembered(tmp_path / "d", 6) == 6, f"cut at byte {cut}"


async def test_an_archive_cut_at_any_byte_never_shows_one_decision_as_another(tmp_path: Path) -> None:
    made_of = [entry(f"Headline number {n}") for n in range(6)]
    store = TinyStore(tmp_path / "d", rotate_bytes=500)
    await store.open()
    for one in made_of[:4]:
        await store.commit(Changes(at=START, entries=(Judged(entry=one, at=START, outcome="alert"),)))
        if store.journal._writer:
            store.journal._writer.join()
    await store.close()
    (archive,) = (tmp_path / "d").glob("archive-*.records")
    files = {path: path.read_bytes() for path in (tmp_path / "d").iterdir()}
    ends = [i + 1 for i, byte in enumerate(files[archive]) if byte == 10]
    assert len(ends) >= 2
    for cut in sorted({*range(0, len(files[archive]), 41), *ends, *(e - 1 for e in ends)}):
        for path in (tmp_path / "d").iterdir():
            path.unlink()
        for path, data in files.items():
            path.write_bytes(data[:cut] if path == archive else data)
        store = TinyStore(tmp_path / "d", rotate_bytes=500)
        await store.open()
        for one in made_of[4:]:
            await store.commit(Changes(at=START, entries=(Judged(entry=one, at=START, outcome="alert"),)))
        for number, one in enumerate(made_of):
            found = await store.judged(one.key)
            assert found is None or found.entry.key == one.key, f"cut at byte {cut}"
            kept = number >= len(ends) or ends[number] <= cut
            assert bool(found) or not kept, f"cut at byte {cut}: {number} was whole and is not found"
        await store.close()


class ReorderingDisk(Disk):
    """Stops at the n-th step. What no sync has confirmed is then kept or lost, each by its own toss of a coin: bytes,
    names of new files, renames, removals."""

    def __init__(self, at: int, rng: random.Random) -> None:
        self.steps = 0
        self._at = at
        self._rng = rng
        self._paths: dict[int, Path] = {}
        self._synced: dict[int, int] = {}
        """By inode: bytes that are on the plate."""
        self._names: list[tuple[str, Path, Path | None, bytes | None]] = []
        """Changes of the directory since it was synced: what, where, from where, what was there."""

    def _step(self) -> None:
        self.steps += 1
        if self.steps >= self._at:
            raise Crash

    def open_append(self, path: Path) -> int:
        new = not path.exists()
        fd = super().open_append(path)
        self._paths[fd] = path
        self._synced.setdefault(os.fstat(fd).st_ino, os.fstat(fd).st_size)
        if new:
            self._synced[os.fstat(fd).st_ino] = 0
            self._names.append(("made", path, None, None))
        return fd

    def write(self, fd: int, data: bytes) -> None:
        self._step()
        super().write(fd, data)

    def sync(self, fd: int) -> None:
        self._step()
        self._synced[os.fstat(fd).st_ino] = os.fstat(fd).st_size

    def replace(self, source: Path, target: Path) -> None:
        self._step()
        before = target.read_bytes() if target.exists() else None
        os.replace(source, target)
        self._names.append(("renamed", target, source, before))
        self.sync_directory(target.parent)

    def remove(self, path: Path) -> None:
        if path.exists():
            self._step()
            self._names.append(("removed", path, None, path.read_bytes()))
        super().remove(path)

    def sync_directory(self, directory: Path) -> None:
        self._step()
        self._names.clear()

    def lose(self, directory: Path) -> None:
        """The power goes."""
        for path in directory.iterdir():
            kept = self._synced.get(path.stat().st_ino)
            if kept is not None and path.stat().st_size > kept:
                data = path.read_bytes()
                tail = data[kept:] if self._rng.random() < 0.5 else bytes(len(data) - kept)
                path.write_bytes(data[:kept] + tail[: self._rng.randint(0, len(tail))])
        for what, path, source, before in reversed(self._names):
            if self._rng.random() < 0.5:
                continue
            if what == "made":
                path.unlink(missing_ok=True)
            elif what == "removed" and before is not None:
                path.write_bytes(before)
            elif what == "renamed" and source and path.exists():
                os.replace(path, source)
                if before is not None:
                    path.write_bytes(before)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("seed", range(4))
async def test_the_power_goes_at_every_step_in_any_order(tmp_path: Path, seed: int) -> None:
    at = 0
    while True:
        at += 1
        disk = ReorderingDisk(at, random.Random(seed * 1000 + at))
        directory = tmp_path / str(at)
        store = TinyStore(directory, disk=disk, rotate_bytes=ROTATE)
        acknowledged, crashed = 0, False
        try:
            await store.open()
            for number in range(1, COMMITS + 1):
                await store.commit(commit_number(number))
                acknowledged = number
                if store.journal._writer:
                    store.journal._writer.join()
        except Crash:
            crashed = True
        await store.close()
        if not crashed and disk.steps < at:
            break
        disk.lose(directory)
        assert await remembered(directory, COMMITS) in (acknowledged, acknowledged + 1), f"seed {seed}, step {at}"
    assert at > 20

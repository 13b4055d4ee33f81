"""Repair and backup."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.core.changes import Changes
from bot.core.errors import Corrupt, Full, Locked, StoreError
from bot.core.news import Judged, Verdict
from bot.stores import care, migrations, records
from bot.stores.beside import copied
from bot.stores.disk import Disk
from bot.stores.tinydb import TinyStore
from tests.fakes.clock import START
from tests.faults.scripts import commit_number, remembered
from tests.faults.test_disk import Crash, FaultyDisk, crashes
from tests.faults.test_journal import made
from tests.unit.examples import entry


async def test_a_repair_keeps_a_copy_and_loses_only_what_is_damaged(tmp_path: Path) -> None:
    path = await made(tmp_path / "d", commits=4)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2][:40] + b"?" + lines[2][41:]
    path.write_bytes(b"".join(lines))
    with pytest.raises(Corrupt):
        list(care.check(tmp_path / "d"))
    said = "\n".join(care.repair(tmp_path / "d"))
    assert "1 damaged record" in said
    assert (tmp_path / "d.damaged" / path.name).read_bytes() == b"".join(lines)
    store = TinyStore(tmp_path / "d")
    await store.open()
    assert await store.unseen([f"key-{n}" for n in range(1, 5)]) == {"key-2"}
    await store.commit(commit_number(5))
    await store.close()
    assert "is well" in "\n".join(care.check(tmp_path / "d"))


def files(directory: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()}


async def test_a_check_only_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await made(tmp_path / "d", commits=4)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    archive = tmp_path / "d" / "archive-0000.records"
    archive.write_bytes(b"half a decis")
    (tmp_path / "d" / "00000009.tmp").write_bytes(b"half a snapshot")
    before = files(tmp_path / "d")
    monkeypatch.setattr(records, "SCHEMA", records.SCHEMA + 1)
    monkeypatch.setitem(migrations.MIGRATIONS, records.SCHEMA - 1, lambda tables: tables.clear())
    said = list(care.check(tmp_path / "d"))
    assert "seen: 3 rows" in said
    torn = len(whole) - 30 - (whole.rindex(b"\n", 0, -1) + 1)
    assert f"{path} ends in {torn} bytes of a write that a crash cut off; a start cuts them off." in said
    assert f"{archive} has 12 bytes more than were remembered; a start cuts them off." in said
    assert f"It has schema {records.SCHEMA - 1}; a start makes a copy and brings it to {records.SCHEMA}." in said
    assert said[-1].endswith("is well.")
    assert files(tmp_path / "d") == before
    assert [p.name for p in tmp_path.iterdir()] == ["d"], "no copy either"


@pytest.mark.parametrize("left", [b"", None])
async def test_a_check_of_a_read_only_copy(tmp_path: Path, left: bytes | None) -> None:
    await made(tmp_path / "d", commits=4, rotate_bytes=1500)
    (tmp_path / "d" / "lock").unlink()
    if left is not None:
        newest = int(sorted((tmp_path / "d").glob("*.journal"))[-1].stem)
        (tmp_path / "d" / f"{newest + 1:08d}.journal").write_bytes(left)
    before = files(tmp_path / "d")
    for path in (tmp_path / "d").iterdir():
        path.chmod(0o400)
    (tmp_path / "d").chmod(0o500)
    assert "seen: 4 rows" in list(care.check(tmp_path / "d"))
    assert files(tmp_path / "d") == before


async def test_a_check_of_what_is_in_use_or_damaged_changes_nothing(tmp_path: Path) -> None:
    store = TinyStore(tmp_path / "d")
    await store.open()
    await store.commit(commit_number(1))
    before = files(tmp_path / "d")
    with pytest.raises(Locked):
        list(care.check(tmp_path / "d"))
    assert files(tmp_path / "d") == before
    await store.close()
    path = next((tmp_path / "d").glob("*.journal"))
    path.write_bytes(b"")
    before = files(tmp_path / "d")
    with pytest.raises(Corrupt, match="lost its data"):
        list(care.check(tmp_path / "d"))
    assert files(tmp_path / "d") == before


async def repaired(directory: Path) -> Path:
    """A repaired store that went on; its snapshot, which alone holds what came before."""
    await made(directory, commits=3)
    list(care.repair(directory))
    store = TinyStore(directory)
    await store.open()
    await store.commit(commit_number(4))
    await store.close()
    assert len(list(directory.glob("*.journal"))) == len(list(directory.glob("*.snapshot"))) == 1
    (snapshot,) = directory.glob("*.snapshot")
    assert snapshot.stat().st_mode & 0o777 == 0o600
    assert await remembered(directory, 4) == 4
    return snapshot


@pytest.mark.parametrize("left", [None, 0, 1, -1, -20])
async def test_a_lost_snapshot_after_a_repair_is_no_first_start(tmp_path: Path, left: int | None) -> None:
    snapshot = await repaired(tmp_path / "d")
    if left is None:
        snapshot.unlink()
    else:
        snapshot.write_bytes(snapshot.read_bytes()[:left])
    for look in (lambda: list(care.check(tmp_path / "d")), lambda: list(care.backup(tmp_path / "d", tmp_path / "b"))):
        with pytest.raises(Corrupt) as caught:
            look()
        assert snapshot.name in str(caught.value)
        assert "missing" in str(caught.value) if left is None else "at byte" in str(caught.value)
        assert "db repair" in str(caught.value)
    with pytest.raises(Corrupt):
        await remembered(tmp_path / "d", 4)
    said = "\n".join(care.repair(tmp_path / "d"))
    assert "seen: " in said
    assert "is well" in "\n".join(care.check(tmp_path / "d"))


async def test_a_repair_of_before_needs_its_snapshot_too(tmp_path: Path) -> None:
    snapshot = await repaired(tmp_path / "d")
    lines = snapshot.with_suffix(".journal").read_bytes().splitlines(keepends=True)
    first = tmp_path / "d" / "00000001.journal"
    first.write_bytes(records.encode(records.header("journal", 1)) + b"".join(lines[1:]))
    first.with_suffix(".snapshot").write_bytes(snapshot.read_bytes())
    snapshot.unlink()
    snapshot.with_suffix(".journal").unlink()
    assert await remembered(tmp_path / "d", 4) == 4
    first.with_suffix(".snapshot").write_bytes(b"")
    with pytest.raises(Corrupt, match="at byte 0"):
        await remembered(tmp_path / "d", 4)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_stop_at_any_step_of_a_repair_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await made(tmp_path / "from", commits=4, rotate_bytes=2000)
    for at in range(1, 60):
        directory = tmp_path / str(at) / "d"
        shutil.copytree(tmp_path / "from", directory)
        disk = FaultyDisk(at, crashes, lasting=1 << 30)
        monkeypatch.setattr(care, "Disk", lambda disk=disk: disk)
        with contextlib.suppress(Crash):
            list(care.repair(directory))
        assert await remembered(directory, 4) == 4
        if disk.steps < at:
            return
    raise AssertionError("a repair of so many steps")


async def test_a_lost_archive_is_said_and_can_be_done_without(tmp_path: Path) -> None:
    store = TinyStore(tmp_path / "d", rotate_bytes=1)
    await store.open()
    for number in range(3):
        judged = Judged(entry=entry(f"t{number}"), verdict=Verdict(alert=False), outcome="quiet", at=START)
        await store.commit(Changes(at=START, entries=(judged,)))
    await store.close()
    (tmp_path / "d" / "archive-0000.records").write_bytes(b"")
    with pytest.raises(StoreError, match=r"archive-0000.records ends at byte 0"):
        list(care.check(tmp_path / "d"))
    with capture_logs() as said:
        store = TinyStore(tmp_path / "d")
        await store.open()
        await store.close()
    (told,) = [line for line in said if line["log_level"] == "error"]
    assert "db repair" in told["event"]
    assert told["at_byte"] == 0 < told["of"]
    assert "past decisions" in "\n".join(care.repair(tmp_path / "d"))
    with capture_logs() as said:
        store = TinyStore(tmp_path / "d")
        await store.open()
        await store.close()
    assert said == []
    assert "is well" in "\n".join(care.check(tmp_path / "d"))


def test_a_copy_that_cannot_be_made_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "00000001.journal").write_bytes(records.encode(records.header("journal", 1, needs=0)))

    def refused(*places: object) -> None:
        path = str(tmp_path / "d" / "00000001.journal")
        Path(str(places[1])).mkdir()
        raise shutil.Error([(path, "x", f"[Errno 13] Permission denied: '{path}'")])

    monkeypatch.setattr(shutil, "copytree", refused)
    with pytest.raises(StoreError) as caught:
        list(care.repair(tmp_path / "d"))
    assert str(caught.value).endswith("00000001.journal: Permission denied; nothing was changed")
    assert [p.name for p in tmp_path.iterdir()] == ["d"], "no half of a copy"


async def test_a_backup_of_a_store_in_use(tmp_path: Path) -> None:
    store = TinyStore(tmp_path / "d", rotate_bytes=2000)
    await store.open()
    for number in range(1, 9):
        await store.commit(commit_number(number))
        list(care.backup(tmp_path / "d", tmp_path / f"copy{number}"))
    await store.close()
    for number in range(1, 9):
        assert await remembered(tmp_path / f"copy{number}", 8) == number
    with pytest.raises(StoreError):
        list(care.backup(tmp_path / "d", tmp_path / "copy1"))


@pytest.mark.parametrize("verb", [care.check, care.repair])
def test_a_directory_without_data_is_said(tmp_path: Path, verb: object) -> None:
    with pytest.raises(StoreError) as caught:
        list(verb(tmp_path))  # type: ignore[operator]
    assert str(tmp_path) in str(caught.value)


def test_a_directory_without_data_has_no_backup(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=str(tmp_path)):
        list(care.backup(tmp_path, tmp_path / "to"))
    assert not (tmp_path / "to").exists()


async def test_a_backup_makes_the_way_to_itself(tmp_path: Path) -> None:
    await made(tmp_path / "d", commits=2)
    list(care.backup(tmp_path / "d", tmp_path / "far" / "away"))
    assert await remembered(tmp_path / "far" / "away", 2) == 2


async def test_what_is_in_use_is_not_repaired(tmp_path: Path) -> None:
    store = TinyStore(tmp_path / "d")
    await store.open()
    await store.commit(commit_number(1))
    with pytest.raises(Locked):
        list(care.repair(tmp_path / "d"))
    await store.commit(commit_number(2))
    await store.close()
    assert await remembered(tmp_path / "d", 2) == 2


async def test_the_data_is_for_its_owners_eyes(tmp_path: Path) -> None:
    await made(tmp_path / "d", commits=6, rotate_bytes=1500)
    modes = {path.suffix: path.stat().st_mode & 0o777 for path in (tmp_path / "d").iterdir()}
    assert {".journal", ".snapshot", ".records"} <= set(modes)
    assert {modes[kind] for kind in (".journal", ".snapshot", ".records")} == {0o600}


async def test_an_archive_is_rewritten_and_the_old_one_goes(tmp_path: Path) -> None:
    store = TinyStore(tmp_path / "d", rotate_bytes=1)
    await store.open()
    for number in range(4):
        at = START + timedelta(days=number)
        judged = Judged(entry=entry(f"t{number}"), verdict=Verdict(alert=False), outcome="quiet", at=at)
        await store.commit(Changes(at=at, entries=(judged,)))
    (tmp_path / "d" / "archive-0001.records").write_bytes(b"what an attempt before this one left\n")
    assert await store.tidy(START) == 0
    assert (tmp_path / "d" / "archive-0000.records").exists(), "nothing to leave out, nothing to write"
    await store.tidy(START + timedelta(days=2))
    assert [p.name for p in (tmp_path / "d").glob("archive-*")] == ["archive-0001.records"]
    assert [bool(await store.judged(entry(f"t{n}").key)) for n in range(4)] == [False, False, True, True]
    await store.close()


def test_a_copy_is_named_and_numbered(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_text("1")
    assert copied(tmp_path / "d", "before") == tmp_path / "d.before"
    assert copied(tmp_path / "d", "before") == tmp_path / "d.before-2"
    assert (tmp_path / "d.before-2" / "x").read_text() == "1"


def test_a_copy_that_is_refused_says_of_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "d" / "00000001.journal"))

    (tmp_path / "d").mkdir()
    monkeypatch.setattr(shutil, "copytree", refused)
    with pytest.raises(StoreError, match=r"00000001.journal: No space left on device; nothing was changed"):
        copied(tmp_path / "d", "before")


def test_a_copy_is_on_the_disk_before_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "file").write_text("x")
    synced: list[str] = []
    monkeypatch.setattr("os.fsync", lambda fd: synced.append(Path(f"/proc/self/fd/{fd}").readlink().name))
    copied(tmp_path / "d", "copy")
    assert synced == ["file", "d.copy", tmp_path.name]


async def test_of_an_archive_cut_short_what_is_before_the_cut_is_kept(tmp_path: Path) -> None:
    store = TinyStore(tmp_path / "d", rotate_bytes=1)
    await store.open()
    for number in range(4):
        judged = Judged(entry=entry(f"t{number}"), verdict=Verdict(alert=False), outcome="quiet", at=START)
        await store.commit(Changes(at=START, entries=(judged,)))
        if store.journal._writer:
            store.journal._writer.join()
    await store.close()
    archive = tmp_path / "d" / "archive-0000.records"
    lines = archive.read_bytes().splitlines(keepends=True)
    assert len(lines) == 4
    archive.write_bytes(b"".join(lines[:2]))
    list(care.repair(tmp_path / "d"))
    store = TinyStore(tmp_path / "d")
    await store.open()
    there = [await store.judged(entry(f"t{n}").key) is not None for n in range(4)]
    await store.close()
    assert there == [True, True, False, False]


async def test_an_archive_that_cannot_be_written_anew_stays_as_it_is(tmp_path: Path) -> None:
    class NoRoom(Disk):
        full = False

        def write(self, fd: int, data: bytes) -> None:
            if self.full:
                raise OSError(28, "No space left on device")
            super().write(fd, data)

    disk = NoRoom()
    store = TinyStore(tmp_path / "d", rotate_bytes=1, disk=disk)
    await store.open()
    for number in range(3):
        at = START + timedelta(days=number)
        judged = Judged(entry=entry(f"t{number}"), verdict=Verdict(alert=False), outcome="quiet", at=at)
        await store.commit(Changes(at=at, entries=(judged,)))
    disk.full = True
    with pytest.raises(Full, match=r"archive-0001.records cannot be written: No space left"):
        store._tidy_entries(START + timedelta(days=1))
    disk.full = False
    assert all([await store.judged(entry(f"t{n}").key) for n in range(3)])
    await store.close()

"""What a crash or a failing disk leaves in the files: recovered when it can be, refused by name when not."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bot.core.errors import Corrupt, Locked, StoreError, TooNew
from bot.stores import migrations, records
from bot.stores.disk import Disk
from bot.stores.generations import Tables
from bot.stores.journal import Journal, must_be_free
from bot.stores.tinydb import TinyStore
from tests.faults.scripts import commit_number, remembered
from tests.journeys.process import ROOT


async def made(directory: Path, commits: int = 3, rotate_bytes: int = 1 << 30) -> Path:
    """A closed store after some commits; returns its newest journal."""
    store = TinyStore(directory, rotate_bytes=rotate_bytes)
    await store.open()
    for number in range(1, commits + 1):
        await store.commit(commit_number(number))
        if store.journal._writer:
            store.journal._writer.join()  # so that the next rotation does not depend on how fast it was
    await store.close()
    return sorted(directory.glob("*.journal"))[-1]


async def test_a_journal_cut_at_any_byte_keeps_every_whole_commit(tmp_path: Path) -> None:
    path = await made(tmp_path / "d")
    whole = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == 10]
    last = ends[-2]
    for cut in [*range(ends[0], last, 37), *ends, *range(last, len(whole) + 1)]:
        path.write_bytes(whole[:cut])
        expected = sum(end <= cut for end in ends[1:])
        assert await remembered(tmp_path / "d", 3) == expected
        store = TinyStore(tmp_path / "d")
        await store.open()
        await store.commit(commit_number(expected + 1))
        await store.close()
        assert await remembered(tmp_path / "d", expected + 1) == expected + 1


@pytest.mark.parametrize("left", [0, 1, 40])
async def test_an_emptied_journal_of_a_store_that_had_data_is_no_first_start(tmp_path: Path, left: int) -> None:
    path = await made(tmp_path / "d")
    path.write_bytes(path.read_bytes()[:left])
    for sign in ("archive-0000.records", "lock"):
        with pytest.raises(Corrupt) as caught:
            await remembered(tmp_path / "d", 3)
        assert path.name in str(caught.value)
        assert sign.partition(".")[0].replace("lock", "lock file") in str(caught.value)
        (tmp_path / "d" / "archive-0000.records").unlink(missing_ok=True)
    path.unlink()
    with pytest.raises(Corrupt):
        await remembered(tmp_path / "d", 3)
    (tmp_path / "d" / "lock").unlink()
    assert await remembered(tmp_path / "d", 3) == 0


async def test_an_emptied_journal_after_a_whole_snapshot_goes_on_from_it_loudly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    await made(tmp_path / "d", commits=7, rotate_bytes=1500)
    newest = sorted((tmp_path / "d").glob("*.journal"))[-1]
    assert newest.with_suffix(".snapshot").exists()
    newest.write_bytes(b"")
    assert 0 < await remembered(tmp_path / "d", 7) < 7
    assert "lost" in capsys.readouterr().out + caplog.text


async def test_an_emptied_journal_beside_a_cut_snapshot_is_no_first_start(tmp_path: Path) -> None:
    await made(tmp_path / "d", commits=6, rotate_bytes=1500)
    newest = sorted((tmp_path / "d").glob("*.journal"))[-1]
    for path in (tmp_path / "d").iterdir():
        if path.stem != newest.stem:
            path.unlink()
    newest.write_bytes(b"")
    snapshot = newest.with_suffix(".snapshot")
    snapshot.write_bytes(snapshot.read_bytes()[:-20])
    with pytest.raises(Corrupt, match=snapshot.name):
        await remembered(tmp_path / "d", 6)


async def test_older_data_is_migrated_after_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await made(tmp_path / "d")
    before = path.read_bytes()

    def renamed(tables: Tables) -> None:
        tables["moved"] = tables.pop("seen")

    monkeypatch.setattr(records, "SCHEMA", records.SCHEMA + 1)
    with pytest.raises(StoreError, match="cannot bring it"):
        await remembered(tmp_path / "d", 0)
    assert path.read_bytes() == before
    monkeypatch.setitem(migrations.MIGRATIONS, records.SCHEMA - 1, renamed)
    before_fds = sorted(os.listdir("/proc/self/fd"))
    for _ in range(2):
        journal = Journal(tmp_path / "d")
        journal.open()
        assert len(journal.tables["moved"]) == 3
        assert "seen" not in journal.tables
        journal.close()
    assert sorted(os.listdir("/proc/self/fd")) == before_fds
    copy = tmp_path / f"d.before-{records.SCHEMA}"
    assert (copy / path.name).read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if "before" in p.name] == [copy.name]
    monkeypatch.undo()
    assert await remembered(copy, 3) == 3
    with pytest.raises(TooNew):
        await remembered(tmp_path / "d", 3)


async def test_a_changed_byte_anywhere_is_refused_by_file_and_offset(tmp_path: Path) -> None:
    path = await made(tmp_path / "d", commits=2)
    whole = path.read_bytes()
    for at in range(0, len(whole), 11):
        damaged = bytearray(whole)
        damaged[at] ^= 0x01
        path.write_bytes(damaged)
        with pytest.raises(Corrupt) as caught:
            await remembered(tmp_path / "d", 2)
        assert path.name in str(caught.value)
        assert "byte" in str(caught.value)
        assert path.read_bytes() == bytes(damaged), "nothing is changed by a refusal"
        path.write_bytes(whole)
    assert await remembered(tmp_path / "d", 2) == 2


async def test_a_torn_end_is_cut_off_before_anything_is_appended(tmp_path: Path) -> None:
    path = await made(tmp_path / "d")
    path.write_bytes(path.read_bytes() + b"12345678 {torn")
    store = TinyStore(tmp_path / "d")
    await store.open()
    await store.commit(commit_number(4))
    await store.close()
    assert b"torn" not in path.read_bytes()
    assert await remembered(tmp_path / "d", 4) == 4


async def test_a_torn_journal_with_a_later_one_is_damage(tmp_path: Path) -> None:
    await made(tmp_path / "d", commits=3, rotate_bytes=1500)
    first, *later = sorted((tmp_path / "d").glob("*.journal"))
    assert later
    for path in (tmp_path / "d").glob("*.snapshot"):
        path.unlink()
    first.write_bytes(first.read_bytes()[:-5])
    with pytest.raises(Corrupt, match=rf"{first.name} is damaged at byte \d+, and a later journal goes on"):
        await remembered(tmp_path / "d", 3)


async def test_zeros_at_the_end_are_a_crash(tmp_path: Path) -> None:
    path = await made(tmp_path / "d")
    whole = path.read_bytes()
    path.write_bytes(whole + b"12345678 {half\0\0\nmore\0")
    assert await remembered(tmp_path / "d", 3) == 3
    path.write_bytes(whole + bytes(4096))
    assert await remembered(tmp_path / "d", 3) == 3
    cut = whole.rstrip(b"\n").rfind(b"\n") + 1
    path.write_bytes(whole[: cut + 20] + bytes(len(whole) - cut - 20))
    assert await remembered(tmp_path / "d", 3) == 2


@pytest.mark.parametrize("left", [0, 1, 50, -1])
async def test_a_snapshot_that_is_not_whole_falls_back(tmp_path: Path, left: int) -> None:
    await made(tmp_path / "d", commits=6, rotate_bytes=1500)
    newest = sorted((tmp_path / "d").glob("*.snapshot"))[-1]
    newest.write_bytes(newest.read_bytes()[:left])
    assert await remembered(tmp_path / "d", 6) == 6


async def test_a_missing_journal_is_refused(tmp_path: Path) -> None:
    await made(tmp_path / "d", commits=6, rotate_bytes=1500)
    for path in sorted((tmp_path / "d").glob("*.journal"))[-1:]:
        path.unlink()
    with pytest.raises(Corrupt) as caught:
        await remembered(tmp_path / "d", 6)
    assert "db repair" in str(caught.value)


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = await made(tmp_path / "d", commits=0)
    path.write_bytes(records.encode(records.header("journal", 1) | {"schema": 99}))
    with pytest.raises(TooNew) as caught:
        await remembered(tmp_path / "d", 0)
    assert "99" in str(caught.value)


async def test_a_newer_snapshot_is_refused(tmp_path: Path) -> None:
    await made(tmp_path / "d", commits=7, rotate_bytes=1500)
    newest = sorted((tmp_path / "d").glob("*.snapshot"))[-1]
    first, rest = newest.read_bytes().split(b"\n", 1)
    header = records.decode(first) | {"schema": 99}
    newest.write_bytes(records.encode(header) + rest)
    with pytest.raises(TooNew, match="99"):
        await remembered(tmp_path / "d", 7)


async def test_an_empty_first_journal_beside_a_cut_snapshot_lacks_it(tmp_path: Path) -> None:
    await made(tmp_path / "d", commits=2)
    for path in (tmp_path / "d").iterdir():
        path.unlink()
    (tmp_path / "d" / "00000001.journal").write_bytes(b"")
    (tmp_path / "d" / "00000001.snapshot").write_bytes(records.encode(records.header("snapshot", 1)))
    with pytest.raises(Corrupt, match=r"00000001.snapshot is cut off"):
        await remembered(tmp_path / "d", 2)


async def test_generations_are_counted_on_after_a_restart(tmp_path: Path) -> None:
    await made(tmp_path / "d", commits=7, rotate_bytes=1500)
    newest = int(sorted((tmp_path / "d").glob("*.journal"))[-1].stem)
    journal = Journal(tmp_path / "d")
    journal.open()
    journal.rotate(wait=True)
    journal.close()
    assert newest > 2
    assert sorted((tmp_path / "d").glob("*.journal"))[-1].stem == f"{newest + 1:08d}"
    assert await remembered(tmp_path / "d", 7) == 7


class Gate(Disk):
    """A disk on which a snapshot gets its name only once it is let."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.named: list[str] = []

    def replace(self, source: Path, target: Path) -> None:
        self.open.wait(10)
        self.named.append(target.name)
        super().replace(source, target)


@pytest.mark.parametrize("verb", ["close", "rotate"])
def test_a_snapshot_being_written_is_waited_for(tmp_path: Path, verb: str) -> None:
    disk = Gate()
    journal = Journal(tmp_path / "d", disk=disk)
    journal.open()
    journal.rotate()
    waiting = threading.Thread(target=getattr(journal, verb))
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    assert disk.named == []
    disk.open.set()
    waiting.join(10)
    assert not waiting.is_alive()
    assert disk.named[0] == "00000002.snapshot"
    journal.close()


async def test_the_lock_names_its_holder(tmp_path: Path) -> None:
    store = TinyStore(tmp_path / "d")
    await store.open()
    assert (tmp_path / "d" / "lock").read_text().split() == [str(os.getpid())]
    await store.close()


async def test_leftovers_of_a_snapshot_are_cleared(tmp_path: Path) -> None:
    await made(tmp_path / "d")
    (tmp_path / "d" / "00000009.tmp").write_bytes(b"half")
    assert await remembered(tmp_path / "d", 3) == 3
    assert not list((tmp_path / "d").glob("*.tmp"))


async def test_files_that_are_not_ours_are_left_alone(tmp_path: Path) -> None:
    await made(tmp_path / "d")
    (tmp_path / "d" / "1.snapshot").write_text("mine")
    (tmp_path / "d" / "notes.journal").write_text("mine too")
    assert await remembered(tmp_path / "d", 3) == 3
    assert (tmp_path / "d" / "notes.journal").read_text() == "mine too"


async def test_the_holder_is_named_and_a_dead_one_does_not_hold(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom bot.stores.tinydb import TinyStore\n"
        "async def main():\n    s = TinyStore(Path(sys.argv[1]))\n    await s.open()\n    print('held', flush=True)\n"
        "    await asyncio.sleep(60)\nasyncio.run(main())\n"
    )
    process = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", script, str(tmp_path / "d")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    with pytest.raises(Locked) as caught:
        await remembered(tmp_path / "d", 0)
    assert caught.value.pid == process.pid
    assert f"already running (pid {process.pid})" in str(caught.value)
    process.kill()
    process.wait()
    process.stdout.close()
    assert await remembered(tmp_path / "d", 0) == 0


@pytest.mark.parametrize("commits", [0, 2])
async def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path, commits: int) -> None:
    await made(tmp_path / "d", commits=commits)
    (tmp_path / "d").chmod(0o555)
    with pytest.raises(StoreError) as caught:
        await remembered(tmp_path / "d", 0)
    assert str(tmp_path / "d") in str(caught.value)
    assert f"uid {os.getuid()}" in str(caught.value)
    (tmp_path / "d").chmod(0o755)


async def test_a_file_where_the_directory_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "d").write_text("a file")
    with pytest.raises(StoreError) as caught:
        await remembered(tmp_path / "d", 0)
    assert str(tmp_path / "d") in str(caught.value)
    assert "is a file" in str(caught.value)


async def test_a_first_line_that_is_no_header_is_not_cut_off_as_torn(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    path = tmp_path / "d" / "00000001.journal"
    path.write_bytes(b"somebody else's")
    with pytest.raises(Corrupt, match="was not written by this bot"):
        await remembered(tmp_path / "d", 1)
    assert path.read_bytes() == b"somebody else's"


async def test_zeros_before_a_whole_record_are_damage_and_not_a_torn_end(tmp_path: Path) -> None:
    path = await made(tmp_path / "d")
    lines = path.read_bytes().splitlines(keepends=True)
    lines[-2] = b"\0" * (len(lines[-2]) - 1) + b"\n"
    path.write_bytes(b"".join(lines))
    with pytest.raises(Corrupt, match="is damaged at byte"):
        await remembered(tmp_path / "d", 3)


async def test_no_file_stays_open(tmp_path: Path) -> None:
    store = TinyStore(tmp_path / "d")
    await store.open()
    await store.close()
    before = sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else []
    for _ in range(3):
        await store.open()
        other = TinyStore(tmp_path / "d")
        with pytest.raises(Locked):
            await other.open()
        await other.close()
        await other.close()
        with pytest.raises(Locked):
            must_be_free(tmp_path / "d")
        await store.close()
        must_be_free(tmp_path / "d")
    assert (sorted(os.listdir("/proc/self/fd")) if before else []) == before

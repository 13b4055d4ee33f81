"""Repair and backup."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.errors import Corrupt, StoreError
from bot.stores import care
from bot.stores.tinydb import TinyStore
from tests.faults.scripts import commit_number, remembered
from tests.faults.test_journal import made


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

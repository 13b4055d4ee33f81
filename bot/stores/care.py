"""Checking, repairing and copying a data directory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from bot.core.errors import StoreError
from bot.stores import records
from bot.stores.journal import Journal, Rows, absorb, snapshot_records

_KINDS = ("*.snapshot", "*.journal", "archive-*.records")


def check(directory: Path) -> Iterator[str]:
    """One line a table. Raises Corrupt, Locked, TooNew, StoreError."""
    _must_be_data(directory)
    journal = Journal(directory)
    journal.open()
    try:
        for name, rows in sorted(journal.tables.items()):
            yield f"{name}: {len(rows)} rows"
        yield f"{directory} is well."
    finally:
        journal.close()


def repair(directory: Path) -> Iterator[str]:
    """Leaves a copy beside the directory, then writes one new generation of every whole record, in order."""
    _must_be_data(directory)
    copy = directory.with_name(f"{directory.name}.damaged")
    number = 1
    while copy.exists():
        number += 1
        copy = directory.with_name(f"{directory.name}.damaged-{number}")
    lock = Journal(directory)
    lock.lock()
    try:
        shutil.copytree(directory, copy)
        yield f"The files as they were are kept in {copy}."
        tables, lost = _salvaged(directory)
        for path in (*directory.glob("*.snapshot"), *directory.glob("*.journal")):
            path.unlink()
        (directory / "00000001.snapshot").write_bytes(b"".join(snapshot_records(1, tables)))
        (directory / "00000001.journal").write_bytes(records.encode(records.header("journal", 1)))
        yield f"Rewritten: {sum(map(len, tables.values()))} rows; {lost} damaged records were left out."
    finally:
        lock.close()


def backup(directory: Path, to: Path) -> Iterator[str]:
    """Files are only appended to or replaced whole, so copies taken oldest first make one consistent state."""
    _must_be_data(directory)
    if to.exists():
        raise StoreError(f"{to} exists already; name a directory that does not")
    to.mkdir(parents=True)
    paths = [p for kind in _KINDS for p in sorted(directory.glob(kind))]
    for path in sorted(paths, key=lambda p: p.suffix == ".records"):
        try:
            shutil.copy2(path, to / path.name)
        except FileNotFoundError:
            continue  # an old generation went meanwhile; newer ones hold everything
    yield f"Copied {len(list(to.iterdir()))} files to {to}."
    yield from check(to)


def _salvaged(directory: Path) -> tuple[dict[str, Rows], int]:
    """Every whole record of every generation, oldest first: later ones win, as they would in a journal."""
    tables: dict[str, Rows] = {}
    lost = 0
    paths = [*directory.glob("*.snapshot"), *directory.glob("*.journal")]
    for path in sorted(paths, key=lambda p: (p.stem, p.suffix != ".snapshot")):
        values, bad = records.read_damaged(path)
        lost += bad
        for value in values:
            absorb(tables, value)
    return tables, lost


def _must_be_data(directory: Path) -> None:
    if not directory.is_dir() or not any(directory.glob("*.journal")):
        raise StoreError(f"{directory} holds no data of this bot")

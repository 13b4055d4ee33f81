"""Checking, repairing and copying a data directory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson

from bot.core.errors import StoreError
from bot.stores import records
from bot.stores.beside import copied
from bot.stores.disk import Disk, must_be_writable
from bot.stores.generations import Rows, Tables, absorb, is_whole, path_of, rewritten
from bot.stores.journal import Journal, view
from bot.stores.loading import Found

_KINDS = ("*.snapshot", "*.journal", "archive-*.records")


def tables(directory: Path) -> tuple[dict[str, int], list[str]]:
    """Rows of each table, of a directory that is well, and a sentence for each thing that a start would put right.
    Only reads: nothing is made or changed. Raises Corrupt, Locked, TooNew, StoreError."""
    _must_be_data(directory)
    found = view(directory)
    path, wanted, there = _archive(directory, found.tables)
    if there < wanted:
        raise StoreError(
            f"{path} ends at byte {there} of {wanted}: past decisions are gone from it. Restore a backup, or go on "
            f"without them: python -m bot db repair --data {directory}"
        )
    notes = [_note(directory, found)] if found.torn or not found.whole else []
    if there > wanted:
        notes.append(f"{path} has {there - wanted} bytes more than were remembered; a start cuts them off.")
    if found.schema < records.SCHEMA:
        notes.append(f"It has schema {found.schema}; a start makes a copy and brings it to {records.SCHEMA}.")
    return {name: len(rows) for name, rows in sorted(found.tables.items())}, notes


def _note(directory: Path, found: Found) -> str:
    path = path_of(directory, "journal", max(found.generation, 1))
    if not found.whole:
        return f"{path} is empty; a start begins it anew."
    return f"{path} ends in {found.torn} bytes of a write that a crash cut off; a start cuts them off."


def check(directory: Path) -> Iterator[str]:
    """One line a table, one for what a start would put right. Raises Corrupt, Locked, TooNew, StoreError."""
    found, notes = tables(directory)
    for name, count in found.items():
        yield f"{name}: {count} rows"
    yield from notes
    yield f"{directory} is well." if found else f"{directory} is well, and holds nothing yet."


def repair(directory: Path) -> Iterator[str]:
    """Leaves a copy beside the directory, then writes one new generation of every whole record, in order; only when
    that is on the disk are the old files removed."""
    _must_be_data(directory)
    must_be_writable(directory)
    lock = Journal(directory)
    lock.lock()
    try:
        copy = copied(directory, "damaged")
        yield f"The files as they were are kept in {copy}."
        salvaged, lost = _salvaged(directory)
        forgotten = _without_lost_archive(directory, salvaged)
        rewritten(directory, Disk(), salvaged)
        yield f"Rewritten: {sum(map(len, salvaged.values()))} rows; {lost} damaged records were left out."
        for name, rows in sorted(salvaged.items()):
            yield f"{name}: {len(rows)} rows"
        if forgotten:
            yield f"{forgotten} past decisions stood in a part of the archive that is gone."
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


def _salvaged(directory: Path) -> tuple[Tables, int]:
    """Every whole record of every generation, oldest first: later ones win, as they would in a journal."""
    kept: Tables = {}
    lost = 0
    paths = [*directory.glob("*.snapshot"), *directory.glob("*.journal")]
    for path in sorted((p for p in paths if p.stem.isdecimal()), key=lambda p: (p.stem, p.suffix != ".snapshot")):
        values, bad = records.read_damaged(path)
        lost += bad
        if path.suffix == ".snapshot" and is_whole(values):
            kept = {}  # it says everything, also what is no more
        for value in values:
            absorb(kept, value)
    return kept, lost


def _archive(directory: Path, kept: Mapping[str, Rows]) -> tuple[Path, int, int]:
    """The archive's file, the length the tables know of, and its length on the disk."""
    row = next(iter(kept.get("meta", {}).values()), b"{}")
    meta = orjson.loads(row) if isinstance(row, bytes) else {}
    path = directory / f"archive-{meta.get('archive', 0):04d}.records"
    return path, meta.get("archive_length", 0), path.stat().st_size if path.exists() else 0


def _without_lost_archive(directory: Path, kept: Tables) -> int:
    """Leave out what points beyond the archive's end; how many that were."""
    _, wanted, there = _archive(directory, kept)
    cold = kept.get("cold", {})
    gone = [number for number, offset in cold.items() if isinstance(offset, int) and offset >= there]
    if there < wanted:
        for number in gone:
            del cold[number]
        for key, row in kept["meta"].items():
            if isinstance(row, bytes):
                kept["meta"][key] = orjson.dumps({**orjson.loads(row), "archive_length": there})
    return len(gone) if there < wanted else 0


def _must_be_data(directory: Path) -> None:
    if not directory.is_dir() or not any(any(directory.glob(kind)) for kind in _KINDS):
        raise StoreError(f"{directory} holds no data of this bot")

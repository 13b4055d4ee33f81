"""What a generation is made of: the lines of its snapshot, what they mean, and how its two files come to be."""

from __future__ import annotations

import base64
from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from bot.stores import records
from bot.stores.disk import Disk

Row = bytes | int
"""A document as JSON bytes, or, for the document {"at": n}, just n: a million of them must fit in memory."""
Rows = dict[int, Row]
Tables = dict[str, Rows]

_CHUNK = 20_000


def path_of(directory: Path, kind: str, generation: int) -> Path:
    return directory / f"{generation:08d}.{kind}"


def present(directory: Path, kind: str) -> list[int]:
    """Ascending; files whose names only resemble ours are not ours."""
    numbers = (int(p.stem) for p in directory.glob(f"*.{kind}") if p.stem.isdecimal())
    return sorted({n for n in numbers if path_of(directory, kind, n).exists()})


def replaced(disk: Disk, target: Path, lines: Iterable[bytes]) -> None:
    """Write a file whole or not at all, and durably. Raises OSError."""
    temporary = target.with_suffix(".tmp")
    disk.remove(temporary)
    fd = disk.open_append(temporary)
    try:
        for line in lines:
            disk.write(fd, line)
        disk.sync(fd)
    finally:
        disk.close(fd)
    disk.replace(temporary, target)


def rewritten(directory: Path, disk: Disk, tables: Mapping[str, Rows]) -> None:
    """One new generation that holds `tables`, and then only that one. A crash on the way leaves the old files going
    on in an empty journal, or both, or the new ones: the newest whole snapshot counts. Raises OSError."""
    before = {kind: present(directory, kind) for kind in ("snapshot", "journal")}
    generation = max([0, *before["snapshot"], *before["journal"]]) + 1
    header = records.encode(records.header("journal", generation, needs=generation - 1))
    replaced(disk, path_of(directory, "journal", generation), [header])
    replaced(disk, path_of(directory, "snapshot", generation), snapshot_records(generation, tables))
    for kind, numbers in before.items():
        for number in numbers:
            disk.remove(path_of(directory, kind, number))


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


def is_whole(values: list[Any]) -> bool:
    """Whether a snapshot's records end in their own count."""
    return bool(values) and values[-1] == {"end": len(values)}


def absorb(tables: Tables, value: Any) -> None:
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
    if isinstance(document, int):
        return document
    # What orjson returns sits at the beginning of a block of kilobytes; a copy takes only what it needs.
    return bytes(memoryview(orjson.dumps(document)))

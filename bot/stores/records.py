"""A file of records, a line each: eight hex digits of CRC-32, a blank, JSON. Tells a torn tail from damage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import orjson

from bot.core.errors import Corrupt, TooNew

SCHEMA = 1
_RECORD = re.compile(rb"[0-9a-f]{8} .")


def encode(value: Any) -> bytes:
    """One record, line end included."""
    return encode_raw(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))


def encode_raw(payload: bytes) -> bytes:
    """One record of JSON that is bytes already."""
    return b"%08x %s\n" % (crc32(payload), payload)


def raw(record: bytes) -> bytes | None:
    """The JSON of one line (without its end), None when the checksum does not fit."""
    fits = _RECORD.match(record) and int(record[:8], 16) == crc32(record[9:])
    return record[9:] if fits else None


def decode(record: bytes) -> Any:
    """The value of one line (without its end). Raises ValueError when the checksum does not fit."""
    return orjson.loads(raw(record) or b"")


def read(path: Path, repair: str, spend: Callable[[Any], Any] | None = None) -> tuple[list[Any], int, int]:
    """All values, the byte length of what is whole, and of what was torn off the end by a crash.

    Raises Corrupt when something is damaged otherwise than by a crash. repair: the command to name. spend: takes each
    value as it comes and returns what is to be kept of it, so that a large file need not be in memory twice.
    """
    data = path.read_bytes()
    values: list[Any] = []
    at = 0
    for line in _lines(data):
        try:
            value = decode(line[:-1])  # a line without its end lacks a byte of its value
            values.append(spend(value) if spend else value)
        except ValueError:
            # A crash leaves a record without its end, or (the power gone) with zeros in it; anything else is damage.
            torn = not line.endswith(b"\n") or b"\0" in line
            if not torn or any(_whole(later) for later in _lines(data[at + len(line) :])):
                raise Corrupt(
                    f"{path} is damaged at byte {at} (record {len(values) + 1}); nothing was changed. "
                    f"Keep a copy, then run: {repair}"
                ) from None
            return values, at, len(data) - at
        at += len(line)
    return values, at, 0


def read_damaged(path: Path) -> tuple[list[Any], int]:
    """Every whole record of a damaged file, and how many lines had to be left out. For repairs only."""
    values: list[Any] = []
    lost = 0
    for line in _lines(path.read_bytes()):
        try:
            values.append(decode(line.rstrip(b"\n")))
        except ValueError:
            lost += 1
    return values, lost


def check_header(header: Any, path: Path) -> int:
    """The schema. Raises TooNew for a newer schema, Corrupt for a file that is not ours."""
    if not isinstance(header, dict) or header.get("format") != "tocsin":
        raise Corrupt(f"{path} was not written by this bot (no header at byte 0); move it away or give another --data")
    if header.get("schema", 0) > SCHEMA:
        raise TooNew(
            f"{path} has schema {header['schema']}, this version of the bot knows {SCHEMA}: "
            "start the newer version again, or restore a backup made before the upgrade"
        )
    return int(header.get("schema", 0))


def header(kind: str, generation: int, *, needs: int | None = None) -> dict[str, Any]:
    """needs: of a journal: the generation it goes on from, 0 when it begins from nothing, or its own number when
    only its own snapshot holds what came before."""
    first = {"format": "tocsin", "schema": SCHEMA, "kind": kind, "generation": generation}
    return first if needs is None else {**first, "from": needs}


def _lines(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end + 1
        yield data[start:end]
        start = end


def _whole(line: bytes) -> bool:
    try:
        decode(line.rstrip(b"\n"))
    except ValueError:
        return False
    return True

"""Data of an older schema is brought to this one's when it is opened, after a copy was made beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import structlog

from bot.core.errors import StoreError
from bot.stores import records
from bot.stores.beside import copied
from bot.stores.disk import Disk
from bot.stores.generations import Tables, rewritten

log = structlog.get_logger("store")

Migration = Callable[[Tables], None]
"""Changes tables of one schema, in place, into those of the next."""

MIGRATIONS: dict[int, Migration] = {}
"""Schema -> what leads from it to the next. New fields with defaults need none: documents are read leniently. The
archive's documents are not passed through here; a schema that changes them has to read both of their forms."""


def migrate(directory: Path, disk: Disk, tables: Tables, schema: int) -> None:
    """Bring loaded tables and their files from `schema` to records.SCHEMA. Raises StoreError, and then the files are
    as they were; OSError when they cannot be written."""
    steps = range(schema, records.SCHEMA)
    if any(step not in MIGRATIONS for step in steps):
        raise StoreError(
            f"{directory} has schema {schema}, this version of the bot has schema {records.SCHEMA} and cannot bring it "
            "there; start a version in between first"
        )
    copy = copied(directory, f"before-{records.SCHEMA}")
    for step in steps:
        MIGRATIONS[step](tables)
    rewritten(directory, disk, tables)
    log.warning("the data was brought to a newer schema", of=schema, to=records.SCHEMA, copy=str(copy))

"""TinyDB's own API over the journal: a table that looks up by doc_id and hands the storage only what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, cast

import orjson
from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Document, Table

from bot.stores.journal import Journal, Row, Rows

Plain = dict[str, Any]


def pack(document: Mapping[str, Any]) -> Row:
    """{"at": n} becomes n; everything else JSON bytes."""
    if len(document) == 1:
        at = document.get("at")
        if type(at) is int and -(2**63) <= at < 2**63:
            return at
    return orjson.dumps(dict(document), option=orjson.OPT_NON_STR_KEYS)


def unpack(row: Row) -> Plain:
    """A fresh dict, which the caller may change."""
    return {"at": row} if isinstance(row, int) else cast("Plain", orjson.loads(row))


class View(Mapping[int, Plain]):
    """Rows as documents, unpacked when they are looked at."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __getitem__(self, doc_id: int) -> Plain:
        return unpack(self._rows[int(doc_id)])

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class Overlay(MutableMapping[int, Plain]):
    """What TinyDB's updaters write to: changes beside the rows, which stay as they are until the commit."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._changed: dict[int, Plain | None] = {}

    def changes(self) -> dict[int, Row | None]:
        """Only what differs from the rows."""
        packed = {i: None if d is None else pack(d) for i, d in self._changed.items()}
        return {i: r for i, r in packed.items() if r != self._rows.get(i)}

    def __getitem__(self, doc_id: int) -> Plain:
        # Updaters change the document they were given, so whatever was handed out may have changed.
        if doc_id not in self._changed:
            self._changed[doc_id] = unpack(self._rows[doc_id])
        document = self._changed[doc_id]
        if document is None:
            raise KeyError(doc_id)
        return document

    def __setitem__(self, doc_id: int, document: Plain) -> None:
        self._changed[doc_id] = document

    def __delitem__(self, doc_id: int) -> None:
        if doc_id not in self:
            raise KeyError(doc_id)
        self._changed[doc_id] = None

    def __contains__(self, doc_id: object) -> bool:
        if doc_id in self._changed:
            return self._changed[doc_id] is not None
        return doc_id in self._rows

    def __iter__(self) -> Iterator[int]:
        yield from (i for i in self._rows if self._changed.get(i, True) is not None)
        yield from (i for i, d in self._changed.items() if d is not None and i not in self._rows)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class JournalStorage(Storage):
    """A TinyDB storage whose `read` costs nothing and whose `write` appends what changed."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def read(self) -> dict[str, dict[str, Any]] | None:
        return cast("Any", {name: View(rows) for name, rows in self.journal.tables.items()}) or None

    def write(self, data: Mapping[str, Mapping[Any, Any]]) -> None:
        """TinyDB's whole-database write, which remains for dropping tables: what is not in `data` goes."""
        gone = {name: dict.fromkeys(rows) for name, rows in self.journal.tables.items() if name not in data}
        if any(gone.values()):
            self.journal.commit({name: rows for name, rows in gone.items() if rows})
        for name in gone:
            del self.journal.tables[name]

    def close(self) -> None:
        self.journal.close()


class JournalTable(Table):
    """A TinyDB table without scans where a doc_id is known.

    It stands on two private names of TinyDB 4.9 (`_read_table`, `_update_table`): the version is pinned and a
    differential test holds it to the stock table.
    """

    @property
    def _journal(self) -> Journal:
        return cast("JournalStorage", self._storage).journal

    def _read_table(self) -> dict[str, Mapping[str, Any]]:
        return cast("dict[str, Mapping[str, Any]]", View(self._journal.tables.get(self.name, {})))

    def _update_table(self, updater: Callable[[dict[int, Mapping[str, Any]]], None]) -> None:
        overlay = Overlay(self._journal.tables.get(self.name, {}))
        updater(cast("Any", overlay))
        changes = overlay.changes()
        if changes:
            self._journal.commit({self.name: changes})
        self._journal.tables.setdefault(self.name, {})
        self.clear_cache()

    def get(self, cond: Any = None, doc_id: int | None = None, doc_ids: list[int] | None = None) -> Any:
        rows = self._journal.tables.get(self.name, {})
        if doc_id is not None:
            row = rows.get(doc_id)
            return None if row is None else Document(unpack(row), doc_id)
        if doc_ids is not None:
            asked = set(doc_ids)
            return [Document(unpack(row), i) for i, row in rows.items() if i in asked]
        return super().get(cond)

    def contains(self, cond: Any = None, doc_id: int | None = None) -> bool:
        if doc_id is not None:
            return doc_id in self._journal.tables.get(self.name, {})
        return super().contains(cond)


class JournalDB(TinyDB):
    """TinyDB whose tables are JournalTables."""

    table_class = JournalTable

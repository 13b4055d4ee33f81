"""The journal's tables against TinyDB's own: the same operations give the same answers, also after reopening."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tinydb import TinyDB, where
from tinydb.operations import delete, increment
from tinydb.storages import MemoryStorage

from bot.stores.journal import Journal
from bot.stores.table import JournalDB, JournalStorage, Overlay

names = st.sampled_from(["one", "two"])
documents = st.one_of(
    st.fixed_dictionaries({"n": st.integers(0, 9), "t": st.text(max_size=5)}),
    st.fixed_dictionaries({"at": st.integers(-(2**40), 2**40)}),
    st.fixed_dictionaries({"n": st.integers(0, 9), "deep": st.lists(st.integers(0, 3), max_size=3)}),
)
numbers = st.integers(0, 9)
steps = st.one_of(
    st.tuples(st.just("insert"), names, documents),
    st.tuples(st.just("many"), names, st.lists(documents, max_size=4)),
    st.tuples(st.just("update"), names, numbers, documents),
    st.tuples(st.just("add"), names, numbers),
    st.tuples(st.just("strip"), names, numbers),
    st.tuples(st.just("upsert"), names, numbers, documents),
    st.tuples(st.just("remove"), names, numbers),
    st.tuples(st.just("remove_id"), names, st.integers(1, 6)),
    st.tuples(st.just("truncate"), names),
    st.tuples(st.just("drop"), names),
    st.tuples(st.just("reopen"), names),
    st.tuples(st.just("restart"), names),
)


class Journaled:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.open()

    def open(self) -> None:
        journal = Journal(self.directory, rotate_bytes=400)
        journal.open()
        self.db = JournalDB(journal, storage=JournalStorage)
        self.journal = journal

    def reopen(self, *, rotate: bool = True) -> None:
        if rotate:
            self.journal.rotate(wait=True)
        self.db.close()
        self.open()


def act(db: TinyDB, step: tuple[Any, ...]) -> Any:
    kind, name, *rest = step
    table = db.table(name)
    try:
        match kind:
            case "insert":
                return table.insert(rest[0])
            case "many":
                return table.insert_multiple(rest[0])
            case "update":
                return sorted(table.update(rest[1], where("n") == rest[0]))
            case "add":
                return sorted(table.update(increment("n"), where("n") == rest[0]))
            case "strip":
                return sorted(table.update(delete("n"), where("n") == rest[0]))
            case "upsert":
                return sorted(table.upsert(rest[1], where("n") == rest[0]))
            case "remove":
                return sorted(table.remove(where("n") == rest[0]))
            case "remove_id":
                return table.remove(doc_ids=[rest[0]])
            case "truncate":
                return table.truncate()
            case "drop":
                return db.drop_table(name)
    except KeyError as error:
        return ("KeyError", str(error))
    return None


def looked(db: TinyDB) -> Any:
    """Everything a table can be asked."""
    seen = {}
    for name in ("one", "two"):
        table = db.table(name)
        seen[name] = (
            {d.doc_id: dict(d) for d in table.all()},
            {d.doc_id for d in table.search(where("n") > 4)},
            table.count(where("n") < 3),
            len(table),
            [table.contains(doc_id=i) for i in range(1, 8)],
            [dict(d) if (d := table.get(doc_id=i)) else None for i in range(1, 8)],
            {d.doc_id for d in table.get(doc_ids=[1, 3, 5]) or []},
            table.contains(where("n") == 1),
            {d.doc_id: dict(d) for d in table},
        )
    return seen


@settings(max_examples=120, deadline=None)
@example([("insert", "one", {"n": 1, "t": "a"}), ("insert", "two", {"at": 3}), ("drop", "one"), ("reopen", "two")])
@example([("insert", "one", {"n": 1, "t": "a"}), ("insert", "two", {"at": 3}), ("drop", "one"), ("restart", "two")])
@given(st.lists(steps, max_size=14))
def test_the_same_as_tinydbs_own(script: list[tuple[Any, ...]]) -> None:
    stock = TinyDB(storage=MemoryStorage)
    with tempfile.TemporaryDirectory() as room:
        ours = Journaled(Path(room))
        for step in script:
            if step[0] in ("reopen", "restart"):
                ours.reopen(rotate=step[0] == "reopen")
                stock._tables.clear()  # a stock database forgets its next ids when it is opened anew, too
            else:
                assert act(ours.db, step) == act(stock, step), step
            assert looked(ours.db) == looked(stock)
        ours.db.close()


@pytest.mark.parametrize("at", [2**63 - 1, 2**63, -(2**63), -(2**63) - 1])
def test_numbers_at_the_edge_outlive_a_snapshot(tmp_path: Path, at: int) -> None:
    ours = Journaled(tmp_path)
    table = ours.db.table("one")
    if not -(2**63) <= at < 2**64:
        with pytest.raises(TypeError):
            table.insert({"at": at})
        return
    table.insert({"at": at})
    ours.journal.rotate(wait=True)
    ours.reopen()
    assert [dict(d) for d in ours.db.table("one")] == [{"at": at}]
    ours.db.close()


def test_what_was_taken_out_beside_the_rows_is_not_there() -> None:
    beside = Overlay({1: 5})
    del beside[1]
    with pytest.raises(KeyError):
        beside[1]
    with pytest.raises(KeyError):
        del beside[1]


def test_changes_beside_the_rows_are_counted_with_them() -> None:
    beside = Overlay({1: 5, 2: 6})
    assert (len(beside), list(beside)) == (2, [1, 2])
    beside[3] = {"at": 7}
    del beside[1]
    assert (len(beside), list(beside), beside.changes()) == (2, [2, 3], {1: None, 3: 7})

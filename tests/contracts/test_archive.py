"""The archive file of past decisions, and the words that find stories, each by itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.changes import Changes
from bot.core.chat import Keyword
from bot.core.news import Judged, Verdict
from bot.stores.archive import ColdFile
from bot.stores.disk import Disk
from bot.stores.search import StorySearch
from bot.stores.tinydb import TinyStore
from tests.fakes.clock import START
from tests.unit.examples import entry, story

DOCUMENTS = [b'{"a":1}', b'{"b":22}', b'{"c":333}']


def opened(path: Path, length: int = 0, disk: Disk | None = None) -> ColdFile:
    cold = ColdFile(path, disk or Disk())
    cold.open(length)
    return cold


def test_documents_are_found_by_the_offsets_they_got(tmp_path: Path) -> None:
    cold = opened(tmp_path / "f")
    offsets = cold.append(DOCUMENTS[:2]) + cold.append(DOCUMENTS[2:])
    assert [cold.get(at) for at in offsets] == DOCUMENTS
    assert list(cold.scan()) == list(zip(offsets, DOCUMENTS, strict=True))
    assert cold.get(-1) is None
    assert cold.get(offsets[1] + 1) is None
    assert cold.get(cold.length) is None
    cold.close()


def test_what_the_journal_does_not_know_of_is_cut_off(tmp_path: Path) -> None:
    cold = opened(tmp_path / "f")
    first, second = cold.append(DOCUMENTS[:2])
    cold.close()
    again = opened(tmp_path / "f", second)
    assert (tmp_path / "f").stat().st_size == again.length == second
    assert [again.get(at) for at in (first, second)] == [DOCUMENTS[0], None]
    again.close()


class Stuck(Disk):
    """Writes half, and cannot cut it off again."""

    stuck = False

    def write(self, fd: int, data: bytes) -> None:
        super().write(fd, data[: len(data) // 2] if self.stuck else data)
        if self.stuck:
            raise OSError(28, "full")

    def truncate(self, fd: int, size: int) -> None:
        if self.stuck:
            raise OSError(28, "full")
        super().truncate(fd, size)


def test_what_a_failed_attempt_left_is_cut_off_before_the_next(tmp_path: Path) -> None:
    disk = Stuck()
    cold = opened(tmp_path / "f", disk=disk)
    first = cold.append(DOCUMENTS[:1])
    disk.stuck = True
    with pytest.raises(OSError, match="full"):
        cold.append(DOCUMENTS[1:2])
    disk.stuck = False
    offsets = first + cold.append(DOCUMENTS[2:])
    assert [cold.get(at) for at in offsets] == [DOCUMENTS[0], DOCUMENTS[2]]
    cold.close()


async def test_the_archive_keeps_its_length_whatever_is_remembered_after_it(tmp_path: Path) -> None:
    """Else it would be cut at the next start to what it was before."""
    store = TinyStore(tmp_path / "d")
    await store.open()
    judged = Judged(entry=entry("old"), at=START, outcome="no-match", verdict=Verdict(alert=False))
    await store.commit(Changes(at=START, entries=(judged,)))
    store._rotate()
    word = Keyword(topic="cac", text="x", weight=1.0, by="fake:1", at=START)
    await store.commit(Changes(at=START, keywords=(word,), expect=(("keywords", 0),)))
    await store.close()
    store = TinyStore(tmp_path / "d")
    await store.open()
    assert await store.judged(judged.entry.key) == judged
    await store.close()


def test_a_story_forgotten_is_neither_found_nor_among_the_newest() -> None:
    stories = [story("one"), story("two")]
    search = StorySearch(lambda: stories)
    words = stories[0].title.split()[0]
    assert set(search.find(words, 9)) == {"one", "two"}
    search.forget("one")
    assert search.newest((), 9) == ["two"]
    assert search.find(words, 9) == ["two"]


def test_a_story_that_has_grown_is_found_by_its_words_of_now() -> None:
    told = story("one")
    search = StorySearch(lambda: [told])
    words = told.title.split()[0]
    assert search.find(words, 9) == ["one"]
    search.put(replace(told, title="Other", summary="", why="", reports=(), words=()))
    assert search.find(words, 9) == []
    assert search.find("Other", 9) == ["one"]

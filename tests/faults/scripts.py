"""A short life of a store: commits that can be told apart afterwards by what is remembered."""

from __future__ import annotations

from pathlib import Path

from bot.core.changes import Changes
from bot.core.news import FeedState
from bot.stores.disk import Disk
from bot.stores.tinydb import TinyStore
from tests.fakes.clock import START
from tests.unit.examples import message, row, story


def commit_number(number: int) -> Changes:
    """Seen key, state, story, message and delivery of one commit: all of them belong together."""
    name = f"st{number:04d}"
    return Changes(
        at=START,
        seen=(f"key-{number}",),
        states=(FeedState(feed_id="f", next_check=START, failures=number),),
        stories=(story(name),),
        messages=((f"m-{name}", message(f"alert {number} " + "滴滴" * 40)),),
        deliveries=(row(name=name),),
    )


async def remembered(directory: Path, most: int, disk: Disk | None = None) -> int:
    """How many of the commits 1, 2, 3 … a fresh process finds; fails when one is there by half, or one is skipped."""
    store = TinyStore(directory, disk=disk)
    await store.open()
    try:
        return await whole_commits(store, most)
    finally:
        await store.close()


async def whole_commits(store: TinyStore, most: int) -> int:
    unseen = await store.unseen([f"key-{n}" for n in range(1, most + 1)])
    count = most - len(unseen)
    assert unseen == {f"key-{n}" for n in range(count + 1, most + 1)}, "a later commit is there, an earlier is not"
    states = await store.states()
    assert [s.failures for s in states] == ([count] if count else [])
    for number in range(1, most + 1):
        name = f"st{number:04d}"
        there = [await store.story(name), await store.message(f"m-{name}"), await store.posted("fake:1", name)]
        assert [x is not None for x in there] == [number <= count] * 3
    counts = await store.counts()
    assert counts["pending"] == count
    return count

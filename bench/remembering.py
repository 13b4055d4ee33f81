"""Looking up and committing through the store with few and with many remembered keys; starting with them."""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from bench.measure import Result
from bench.server import ROOT
from bot.core.changes import Changes
from bot.core.identity import entry_keys
from bot.core.news import Entry, FeedState, Judged, Verdict
from bot.stores.tinydb import TinyStore

FEW, MANY, STORED = 1_000, 1_000_000, 100_000
AT = datetime(2022, 8, 19, tzinfo=UTC)


def entry_changes(number: int) -> Changes:
    """What a poll with one new entry commits."""
    url = f"https://outlet{number % 50}.example/2022/08/{number}"
    title = f"Report {number} on the harvest of lemons in the valley"
    keys = entry_keys(outlet="o", url=url, guid="", title=title, day=AT, shared_guid=False)
    entry = Entry(
        feed_id="f", key=keys[0], aliases=keys, url=url, title=title, published=AT, body="Growers said so. " * 12
    )
    judged = Judged(entry=entry, verdict=Verdict(alert=False, reason="no word stands in it"), outcome="quiet", at=AT)
    state = FeedState(feed_id=f"f{number % 50}", next_check=AT)
    return Changes(at=AT, seen=keys, entries=(judged,), states=(state,))


async def _filled(room: Path, keys: int) -> TinyStore:
    store = TinyStore(room)
    await store.open()
    for start in range(0, keys, 50_000):
        wanted = range(start, min(keys, start + 50_000))
        await store.commit(Changes(at=AT, seen=tuple(f"https://old.example/{n}" for n in wanted)))
    return store


Stores = dict[int, TinyStore]
"""By how many keys they remember."""


async def _look_us(stores: Stores) -> dict[int, float]:
    """Microseconds a key, asked for twenty at a time as a poll does: feeds list the same again and again, so half
    of it is known, the newest of what is remembered, and the first round does not count. The stores are asked in turn,
    because runs one after the other compare the moods of the machine. Keys drawn from all of a million would cost
    0.4 us more: each is then a page of memory that was not touched for long."""
    times: dict[int, list[float]] = {keys: [] for keys in stores}
    for number in range(6):
        for n in range(900):
            for keys, store in stores.items():
                known = [f"https://old.example/{keys - 1 - (n * 10 + k) % keys}" for k in range(10)]
                asked = [*known, *(f"new {n} {k}" for k in range(10))]
                started = perf_counter()
                await store.unseen(asked)
                if number:
                    times[keys].append((perf_counter() - started) / len(asked) * 1e6)
    return {keys: statistics.median(taken) for keys, taken in times.items()}


async def _insert_us(stores: Stores, room: Path) -> tuple[dict[int, float], dict[int, float]]:
    """Microseconds of a commit, and of a bare append and fdatasync of as many bytes, all in turn."""
    fd = os.open(room / "bare", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    ours: dict[int, list[float]] = {keys: [] for keys in stores}
    bare: dict[int, list[float]] = {keys: [] for keys in stores}
    for n in range(300):
        for keys, store in stores.items():
            change = entry_changes(keys + n)
            before = store.journal._length
            started = perf_counter()
            await store.commit(change)
            ours[keys].append(perf_counter() - started)
            data = b"x" * max(200, store.journal._length - before)
            started = perf_counter()
            os.write(fd, data)
            os.fdatasync(fd)
            bare[keys].append(perf_counter() - started)
    os.close(fd)
    medians = ({keys: statistics.median(taken) * 1e6 for keys, taken in each.items()} for each in (ours, bare))
    return next(medians), next(medians)


async def flat() -> list[Result]:
    """Look-up and insert with a thousand and with a million keys."""
    # On the disk, not in memory: a sync must cost what it costs.
    with tempfile.TemporaryDirectory(dir=ROOT) as name:
        room = Path(name)
        stores = {keys: await _filled(room / str(keys), keys) for keys in (FEW, MANY)}
        gc.collect()
        gc.freeze()  # as app.open_parts does
        looks = await _look_us(stores)
        inserts, bare = await _insert_us(stores, room)
        for store in stores.values():
            await store.close()
        gc.unfreeze()
    return [
        Result("is a key seen, a million remembered", looks[MANY], 15, "us", f"a thousand: {looks[FEW]:.2f} us"),
        Result("the same, against a thousand remembered", looks[MANY] / looks[FEW], 1.5, "x", ""),
        Result(
            "a durable commit of one entry, against append and fdatasync",
            max(inserts[keys] / bare[keys] for keys in stores),
            2,
            "x",
            f"{inserts[FEW]:.0f} us at a thousand keys, {inserts[MANY]:.0f} us at a million",
        ),
        Result("the same, a million against a thousand", inserts[MANY] / inserts[FEW], 1.5, "x", ""),
    ]


_OPEN = """
import asyncio, resource, sys
from pathlib import Path
from time import perf_counter
from bot.stores.tinydb import TinyStore
def rss():
    return int(Path('/proc/self/statm').read_text().split()[1]) * resource.getpagesize() / 2**20
async def main():
    before, started = rss(), perf_counter()
    store = TinyStore(Path(sys.argv[1]))
    await store.open()
    print(perf_counter() - started, rss() - before)
    await store.close()
asyncio.run(main())
"""


async def starting() -> list[Result]:
    """Opening what is there, each time in a process of its own."""
    found = []
    for name, make in (("entries", _entries), ("seen keys", _keys)):
        with tempfile.TemporaryDirectory(dir=ROOT) as room:
            count = await make(Path(room) / "d")
            runs = [_opened(Path(room) / "d") for _ in range(3)]
            seconds, mebibytes = min(s for s, _ in runs), min(m for _, m in runs)
            found.append(Result(f"opening {count:,} {name}", seconds, 2, "s", f"{mebibytes:.0f} MiB more"))
            if name == "seen keys":
                found.append(Result(f"memory of {count:,} {name}", mebibytes * 1.048576, 250, "MB", ""))
    return found


def _opened(directory: Path) -> tuple[float, float]:
    said = subprocess.run(
        [sys.executable, "-c", _OPEN, str(directory)], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    return float(said[0]), float(said[1])


async def _entries(directory: Path) -> int:
    """As years of polling leave them: one commit each, rotated on the way."""
    store = TinyStore(directory)
    await store.open()
    store._disk.sync = lambda fd: None  # type: ignore[method-assign]  # only making it; nothing is measured
    for number in range(STORED):
        await store.commit(entry_changes(number))
    await store.close()
    return STORED


async def _keys(directory: Path) -> int:
    store = await _filled(directory, MANY)
    store.journal.rotate(wait=True)
    await store.close()
    return MANY

"""The process, or the machine, stops at each durable operation and each chat call in turn: n = 1, 2, 3 … until none is
left. What was due is shown, once, in order, whichever n it was."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.faults.checking import extra_copies, faults_of, left_over
from tests.faults.scenario import LINE_DOWN, World, lived
from tests.faults.world import Fuse

FULL = bool(os.environ.get("TOCSIN_TORTURE"))
"""`make torture`: every step for the machine too, and more crashes after crashes."""
SHARDS = 4
PAIRS = 2000 if FULL else 60
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
    pytest.mark.timeout(1200 if FULL else 60),
]


@pytest.fixture(autouse=True)
def _no_log() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.reset_defaults()


async def survived(directory: Path, *fuses: Fuse, power: bool = False) -> tuple[World, list[str]]:
    """A whole life with these crashes in it, and what is wrong with it."""
    world = World(directory, power=power)
    world.line_down = LINE_DOWN if len(fuses) < 2 else 0
    last = await lived(world, *fuses)
    faults = faults_of(world) + await left_over(last)
    await last.end()
    return world, faults


async def test_the_scenario_itself(tmp_path: Path) -> None:
    """Without a crash: the script's own faults make copies, and each of them is accounted for."""
    world, faults = await survived(tmp_path / "d")
    assert faults == []
    assert extra_copies(world) >= 3, "or too little here is uncertain"
    assert not any(kinds for platform in world.platforms for kinds in platform.faults.values()), "a fault met no call"


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
async def test_the_process_is_killed_at_every_step(tmp_path: Path, shard: int) -> None:
    assert await crashes(tmp_path, shard + 1, SHARDS) > 100


@pytest.mark.slow
async def test_the_power_goes_at_every_step(tmp_path: Path) -> None:
    every = 1 if FULL else 7
    assert await crashes(tmp_path, random.randint(1, every), every, power=True) > 400 // every


async def crashes(directory: Path, first: int, every: int, *, power: bool = False) -> int:
    """Lives that end at step `first`, and every so many steps later; how many there are."""
    at, count = first, 0
    while True:
        fuse = Fuse(at)
        _, faults = await survived(directory / str(at), fuse, power=power)
        assert faults == [], f"crash at step {at}, {fuse.where}"
        if not fuse.blown:
            return count
        count, at = count + 1, at + every


@pytest.mark.slow
async def test_crashes_soon_after_a_crash(tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    rng = random.Random(seed)
    for number in range(PAIRS):
        # Not before the feeds were read for the first time: what they list by then alerts nobody.
        fuses = [Fuse(rng.randint(least, most)) for least, most in ((25, 480), (1, 25), (1, 25))]
        world, faults = await survived(tmp_path / str(number), *fuses, power=bool(number % 2))
        assert faults == [], f"seed {seed}, run {number}, crashes at {[(f.at, f.where) for f in fuses]}"
        assert world.crashes >= 2

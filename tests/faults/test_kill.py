"""A process that commits is killed at random moments: what it said it had kept is there."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.scripts import remembered
from tests.journeys.process import ROOT

CHILD = """
import asyncio, sys
from pathlib import Path
from bot.stores.tinydb import TinyStore
from tests.faults.scripts import commit_number
async def main():
    store = TinyStore(Path(sys.argv[1]), rotate_bytes=4000)
    await store.open()
    n = int(sys.argv[2])
    while True:
        n += 1
        await store.commit(commit_number(n))
        print(n, flush=True)
asyncio.run(main())
"""


@pytest.mark.slow
async def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng = random.Random(seed)
    known = 0
    for _ in range(6):
        child = subprocess.Popen(  # noqa: ASYNC220
            [sys.executable, "-c", CHILD, str(tmp_path / "d"), str(known)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout
        child.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.12))  # noqa: ASYNC251  nothing else runs here
        child.kill()
        said = child.stdout.read().split()
        child.stdout.close()
        child.wait()
        acknowledged = int(said[-1]) if said else known + 1
        known = await remembered(tmp_path / "d", acknowledged + 1)
        assert known in (acknowledged, acknowledged + 1)

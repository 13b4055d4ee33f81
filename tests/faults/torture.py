"""`python -m tests.faults.torture --kills 1000 --seed S --minutes M`: lives of the whole bot, three at a time, each
killed up to a hundred times, until so many kills or minutes are over. Ends with 1 when the promise was broken."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from tests.faults.life import Life

AT_ONCE = 3
A_LIFE = 100


async def tortured(seeds: Sequence[int], kills: int, home: Path, **options: float) -> tuple[list[str], Counter[str]]:
    """Lives side by side; what was wrong in them, and how much there was of everything."""
    lives = [Life(home / str(seed), seed, kills, **options) for seed in seeds]
    await asyncio.gather(*(life.live() for life in lives))
    faults = [f"seed {life.seed}: {fault}" for life in lives for fault in life.faults]
    return faults, sum((life.counted for life in lives), Counter())


async def main(kills: int, seed: int, minutes: float) -> int:
    rng, end = random.Random(seed), monotonic() + 60 * minutes
    print(f"seed {seed}", flush=True)
    found: list[str] = []
    counted: Counter[str] = Counter()
    while counted["kills"] < kills and monotonic() < end:
        each = min(A_LIFE, -(-(kills - counted["kills"]) // AT_ONCE))
        seeds = [rng.randrange(1 << 30) for _ in range(AT_ONCE)]
        with tempfile.TemporaryDirectory(prefix="tocsin-torture-") as home:
            faults, more = await tortured(seeds, each, Path(home), groups=True, every_s=7.0)
        found += faults
        counted += more
        print(", ".join(f"{n} {what}" for what, n in sorted(counted.items())), *faults, sep="\n", flush=True)
    print("The promise was broken." if found else "Nothing lost, nothing twice that was certain, order kept.")
    return 1 if found else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--minutes", type=float, default=60.0)
    given = parser.parse_args()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # clients that die in mid-sentence are our subject
    sys.exit(asyncio.run(main(given.kills, given.seed, given.minutes)))

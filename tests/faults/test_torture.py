"""Fifty kills of the whole bot, in four lives at once, while every tenth call fails. The long run: make torture."""

from __future__ import annotations

import logging
import random
from pathlib import Path

import pytest

from tests.faults.torture import tortured

KILLS, LIVES = 50, 4


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_fifty_kills(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "aiohttp.server")
    seeds = [random.randrange(1 << 30) for _ in range(LIVES)]
    faults, counted = await tortured(seeds, -(-KILLS // LIVES), tmp_path)
    assert faults == [], f"seeds {seeds}: {dict(counted)}"
    assert counted["kills"] >= KILLS
    assert counted["faulty calls"] > 0
    print(dict(counted))

"""The memory of a bot that waits."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from bench.measure import Result
from bench.server import ROOT, running, urls

WAIT_S = 12


async def memory() -> Result:
    """Resident MiB of `python -m bot run` over thirty feeds, its parser included."""
    with running() as port, tempfile.TemporaryDirectory() as name:
        room = Path(name)
        (room / "config").mkdir()
        for file in ("topics.yaml", "companies.yaml"):
            (room / "config" / file).write_text((ROOT / "config" / file).read_text())
        # One that is not well-formed, for which the parser process is started.
        served = [*urls(port, "same", 29), *urls(port, "loose", 1)]
        rows = "".join(f"  - {{id: f{n}, url: '{url}'}}\n" for n, url in enumerate(served))
        (room / "config" / "feeds.yaml").write_text("feeds:\n" + rows)
        (room / "config" / "tocsin.yaml").write_text("fetch: {allow_networks: [127.0.0.0/8]}\n")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run", "--config", str(room / "config"), "--data", str(room / "data")),
            cwd=room,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await asyncio.sleep(WAIT_S)
        own = _resident_mib(process.pid)
        children = sum(map(_resident_mib, _children(process.pid)))
        assert children, "no parser was started"
        process.terminate()
        assert process.stdin
        process.stdin.close()
        await process.wait()
    return Result("idle memory", own + children, 150, "MiB", f"the bot {own:.0f}, its parser {children:.0f}")


def _resident_mib(pid: int) -> float:
    """Proportional set size: what is shared between the two counts once."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(p) for p in found]

"""CPU seconds of this process and its children, and the result of one measurement."""

from __future__ import annotations

import gc
import resource
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """measured against limit, both in `unit`; note: the absolute figures behind it."""

    name: str
    measured: float
    limit: float
    unit: str
    note: str

    @property
    def ok(self) -> bool:
        return self.measured <= self.limit


def cpu_s() -> float:
    """User and system seconds of this process and of its children that have ended."""
    uses = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)


async def cost_s(work: Callable[[], Awaitable[None]]) -> float:
    """CPU seconds of one run."""
    gc.collect()
    before = cpu_s()
    await work()
    return cpu_s() - before


async def pair(
    ours: Callable[[], Awaitable[None]], base: Callable[[], Awaitable[None]], rounds: int = 9
) -> tuple[float, float, float]:
    """Medians of ours and of the baseline, run in turn, and the median of their ratios."""
    mine, theirs = [], []
    for _ in range(rounds):
        theirs.append(await cost_s(base))
        mine.append(await cost_s(ours))
    ratios = [a / b for a, b in zip(mine, theirs, strict=True)]
    return statistics.median(mine), statistics.median(theirs), statistics.median(ratios)

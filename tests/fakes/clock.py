"""A clock that moves only when a test, or a sleep, moves it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from bot.runners.clock import Steady

START = datetime(2022, 8, 19, 6, 0, tzinfo=UTC)


class VirtualClock:
    def __init__(self, start: datetime = START) -> None:
        self.wall = start
        self.ticks = 1000.0
        self._steady = Steady(start, self.ticks)

    def now(self) -> datetime:
        return self.wall

    def steady(self) -> datetime:
        return self._steady.at(self.wall, self.ticks)

    def monotonic(self) -> float:
        return self.ticks

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Wall and monotonic time together."""
        self.wall += timedelta(seconds=seconds)
        self.ticks += seconds

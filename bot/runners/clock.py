"""The only reader of time: the system's clock, and one that replays a past week quickly."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta


class Steady:
    """Wall time that never goes back: it follows the wall clock forward, and moves on alone when that is set back."""

    def __init__(self, wall: datetime, elapsed_s: float) -> None:
        self._wall, self._elapsed_s = wall, elapsed_s

    def at(self, wall: datetime, elapsed_s: float) -> datetime:
        """elapsed_s: any count of seconds that only grows."""
        moved = self._wall + timedelta(seconds=elapsed_s - self._elapsed_s)
        self._wall, self._elapsed_s = max(wall, moved), elapsed_s
        return self._wall


def _awake_or_not() -> float:
    """Seconds since the machine started, those it slept through too where the system counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class SystemClock:
    """Wall and monotonic time of this machine."""

    def __init__(self) -> None:
        self._steady = Steady(datetime.now(UTC), _awake_or_not())

    def now(self) -> datetime:
        return datetime.now(UTC)

    def steady(self) -> datetime:
        return self._steady.at(self.now(), _awake_or_not())

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ReplayClock(SystemClock):
    """Wall time that starts in the past and runs `speed` times as fast until `end`, and from there at the usual pace;
    pauses shrink alike.

    Monotonic time stays real, so that time-outs on sockets keep their meaning.
    """

    def __init__(self, start: datetime, end: datetime, speed: float) -> None:
        super().__init__()
        self._start = start
        self._speed = speed
        self._lasts_s = (end - start).total_seconds() / speed
        self._began = time.monotonic()

    def now(self) -> datetime:
        real_s = time.monotonic() - self._began
        fast_s = min(real_s, self._lasts_s)
        return self._start + timedelta(seconds=fast_s * self._speed + (real_s - fast_s))

    def steady(self) -> datetime:
        return self.now()

    async def sleep(self, seconds: float) -> None:
        left_s = max(0.0, self._began + self._lasts_s - time.monotonic())
        fast_s = min(seconds / self._speed, left_s)
        await asyncio.sleep(fast_s + (seconds - fast_s * self._speed))

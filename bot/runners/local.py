"""The heartbeat of one process: APScheduler calls each job when its beat is due."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from bot.core.ports import Clock, Job

log = structlog.get_logger("runner")
GUARD_S = 2.0
DRAIN_S = 20.0


class Beat(BaseTrigger):  # type: ignore[misc]
    """Fires `every_s` after now, never at missed times.

    APScheduler's own interval counts on from the last run: a clock set forward by 90 days makes it walk through
    every missed second, which freezes the loop.
    """

    def __init__(self, every_s: float) -> None:
        self._every = timedelta(seconds=every_s)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        return now if previous_fire_time is None else now + self._every


class LocalRunner:
    """Starts jobs, keeps them beating when the wall clock jumps, and stops them with their work done."""

    def __init__(self, jobs: Sequence[Job], clock: Clock) -> None:
        """clock: the machine's own, also when the jobs replay a past week; the scheduler knows no other."""
        self._jobs = jobs
        self._clock = clock
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._guard: asyncio.Task[None] | None = None
        self._scheduler = AsyncIOScheduler(timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True})

    def start(self) -> None:
        for job in self._jobs:
            self._scheduler.add_job(self._beat, Beat(job.every_s), args=(job,), id=job.name)
        self._scheduler.start()
        self._guard = asyncio.create_task(self._watch_clock(), name="clock guard")

    async def stop(self) -> None:
        """No new work; what is under way may finish within 20 s."""
        if self._guard:
            self._guard.cancel()
        if self._scheduler.running:
            self._scheduler.pause()
        try:
            async with asyncio.timeout(DRAIN_S):
                await asyncio.gather(*self._busy.values(), return_exceptions=True)
                for job in self._jobs:
                    await job.drain()
        except TimeoutError:
            log.warning("some work did not finish in time; it will be taken up at the next start", after_s=DRAIN_S)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _beat(self, job: Job) -> None:
        # The scheduler cancels its own coroutines on shutdown, so the work is a task that we own.
        if job.name not in self._busy:
            task = asyncio.create_task(self._run(job), name=job.name)
            self._busy[job.name] = task
            task.add_done_callback(lambda _: self._busy.pop(job.name, None))

    async def _run(self, job: Job) -> None:
        try:
            await job.run()
        except Exception:
            log.exception("a job failed; it runs again at its next beat", job=job.name)

    async def _watch_clock(self) -> None:
        """The scheduler sleeps until a wall time: when the clock is set back, it would sleep that much longer."""
        offset = self._offset()
        while True:
            await self._clock.sleep(GUARD_S)
            drift, offset = self._offset() - offset, self._offset()
            if abs(drift) > GUARD_S:
                log.warning("the wall clock jumped; beating on", seconds=round(drift))
                for job in self._jobs:
                    self._scheduler.modify_job(job.name, next_run_time=self._clock.now())

    def _offset(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()

"""The heartbeat: no overlap, work finished at a stop, and a wall clock that jumps."""

import asyncio
from datetime import UTC, datetime, timedelta

from bot.runners import clock as clocks
from bot.runners import local
from bot.runners.clock import ReplayClock, SystemClock
from bot.runners.local import Beat, LocalRunner
from tests.fakes.clock import START


class Work:
    def __init__(self, every_s=0.02, lasts_s=0.0, fails=False):
        self.name, self.every_s, self.lasts_s, self.fails = "work", every_s, lasts_s, fails
        self.began = self.ended = self.at_once = self.most = 0

    async def run(self):
        self.began += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await asyncio.sleep(self.lasts_s)
            if self.fails:
                raise RuntimeError("one beat")
            self.ended += 1
        finally:
            self.at_once -= 1

    async def drain(self):
        pass


async def test_beats_and_does_not_overlap():
    work = Work(lasts_s=0.1)
    runner = LocalRunner([work], SystemClock())
    runner.start()
    await asyncio.sleep(0.35)
    await runner.stop()
    assert work.most == 1
    assert work.began >= 2
    assert work.ended == work.began  # what was under way was finished, not cancelled


async def test_a_failing_beat_is_followed_by_the_next():
    work = Work(fails=True)
    runner = LocalRunner([work], SystemClock())
    runner.start()
    await asyncio.sleep(0.2)
    await runner.stop()
    assert work.began >= 3


async def test_a_stop_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr(local, "DRAIN_S", 0.05)
    runner = LocalRunner([Work(lasts_s=30)], SystemClock())
    runner.start()
    await asyncio.sleep(0.05)
    async with asyncio.timeout(2):
        await runner.stop()


def test_a_beat_never_walks_through_missed_times():
    beat = Beat(1.0)
    now = datetime(2030, 1, 1, tzinfo=UTC)
    assert beat.get_next_fire_time(now - timedelta(days=9000), now) == now + timedelta(seconds=1)
    assert beat.get_next_fire_time(None, now) == now


async def test_beats_on_when_the_wall_clock_is_set_back(monkeypatch):
    """The scheduler sleeps to a wall time; the guard, which trusts monotonic time, wakes it."""
    monkeypatch.setattr(local, "GUARD_S", 0.05)

    class Jumping(SystemClock):
        back = timedelta()

        def now(self):
            return super().now() - self.back

    clock, work = Jumping(), Work(every_s=0.02)
    runner = LocalRunner([work], clock)
    asked = []
    monkeypatch.setattr(
        runner._scheduler, "modify_job", lambda name, next_run_time: asked.append((name, next_run_time))
    )
    runner.start()
    await asyncio.sleep(0.12)
    assert asked == []
    clock.back = timedelta(hours=1)
    await asyncio.sleep(0.12)
    await runner.stop()
    assert asked
    assert asked[0][0] == "work"


async def test_a_replayed_week_runs_quickly():
    start = datetime(2022, 8, 15, tzinfo=UTC)
    clock = ReplayClock(start, start + timedelta(days=7), speed=7 * 86400 / 0.7)
    before = clock.monotonic()
    await clock.sleep(5 * 86400)
    assert clock.now() >= start + timedelta(days=5)
    assert clock.monotonic() - before < 2


async def test_after_a_replay_time_goes_on_at_its_usual_pace(monkeypatch):
    real, slept = [1000.0], []
    monkeypatch.setattr(clocks.time, "monotonic", lambda: real[0])

    async def sleep(seconds):
        slept.append(seconds)
        real[0] += seconds

    monkeypatch.setattr(clocks.asyncio, "sleep", sleep)
    end = START + timedelta(days=10)
    clock = ReplayClock(START, end, speed=86400.0)
    await clock.sleep(9 * 86400)
    assert (slept, clock.now()) == ([9.0], START + timedelta(days=9))
    await clock.sleep(86400 + 5)
    assert slept[1:] == [1.0 + 5]
    assert clock.now() == clock.steady() == end + timedelta(seconds=5)
    await clock.sleep(60)
    assert slept[2:] == [60]
    assert clock.now() == end + timedelta(seconds=65)

"""Storms: every third call refused or lost over many chats; an alert for five thousand chats; on a virtual clock."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from bot.channels.slack import SlackChannel
from bot.channels.telegram import TelegramChannel
from bot.core.changes import Changes
from bot.core.chat import Act, Chat, Delivery, Receipt
from bot.core.errors import MaybeSent, NotSent, SlowDown
from bot.core.ports import Parcel
from bot.jobs.deliver import DeliverJob
from bot.stores.disk import Disk
from bot.stores.tinydb import TinyStore
from tests.fakes.channel import FakeChannel
from tests.fakes.clock import VirtualClock
from tests.unit.examples import message, row

CHATS, EACH = 60, 5


class Unsynced(Disk):
    """Nothing here is about the disk."""

    def sync(self, fd: int) -> None:
        pass


class Stormy(FakeChannel):
    """As long as `storm` lasts, a third of the calls fail. whole: whether a wait is for everybody."""

    whole = True
    limits = TelegramChannel.limits

    def __init__(self, clock: VirtualClock, seed: int = 0) -> None:
        super().__init__(clock)
        self.rng = random.Random(seed)
        self.storm = 0
        self.until: defaultdict[str, float] = defaultdict(float)
        self.early: list[str] = []
        self.unsure: Counter[str] = Counter()
        self.waits = 0

    async def send(self, parcel: Parcel) -> Receipt:
        now, whose = self._clock.monotonic(), "" if self.whole else parcel.chat_id
        if now < self.until[whose] - 0.001:
            self.early.append(f"{parcel.chat_id} {self.until[whose] - now:.3f} s too early")
        self.storm -= 1
        if self.storm > 0:
            draw = self.rng.random()
            if draw < 0.12:
                after = self.rng.choice((1, 3, 30))
                self.until[whose], self.waits = now + after, self.waits + 1
                raise SlowDown("wait", after_s=after, whole_bot=self.whole)
            if draw < 0.18:
                raise NotSent("down")
            if draw < 0.30:
                self.unsure[parcel.key] += 1
                self.fail_next(MaybeSent("500"), after=draw < 0.24)
        return await super().send(parcel)


class Looking(Stormy):
    whole = False
    limits = SlackChannel.limits

    async def look(self, parcel: Parcel, since: object) -> Receipt | None:
        found = [n for n, p in enumerate(self.shown, 1) if p.key == parcel.key]
        return Receipt(message_id=str(found[0]), at=self._clock.now()) if found else None


class Rig:
    def __init__(self, directory: Path, kind: type[Stormy], seed: int = 0) -> None:
        self.clock = VirtualClock()
        self.channel = kind(self.clock, seed)
        self.store = TinyStore(directory, disk=Unsynced())
        self.job = DeliverJob(self.store, {"fake": self.channel}, self.clock, random.Random(seed))

    async def queue(self, rows: list[Delivery]) -> None:
        told = tuple({r.message_id: message(f"about {r.story_id}") for r in rows}.items())
        chats = tuple(Chat(id=chat_id) for chat_id in dict.fromkeys(r.chat_id for r in rows))
        await self.store.commit(Changes(at=self.clock.now(), deliveries=tuple(rows), messages=told, chats=chats))

    async def beat(self) -> None:
        await self.job.run()
        await asyncio.sleep(0)
        self.clock.advance(0.1)


@pytest.mark.parametrize("kind", [Stormy, Looking])
@pytest.mark.parametrize("seed", range(3))
async def test_a_storm_loses_nothing_and_is_waited_out(tmp_path: Path, kind: type[Stormy], seed: int) -> None:
    rig = Rig(tmp_path / "d", kind, seed)
    await rig.store.open()
    wanted = {f"fake:{n}": [f"s{k}" for k in range(EACH)] for n in range(CHATS)}
    await rig.queue([row(chat_id, name) for chat_id, names in wanted.items() for name in names])
    rig.channel.storm = 400
    for _ in range(60_000):
        await rig.beat()
        if (await rig.store.counts())["sent"] == CHATS * EACH:
            break
    await rig.job.drain()
    shown: defaultdict[str, list[str]] = defaultdict(list)
    copies = Counter(p.key for p in rig.channel.shown)
    for parcel in rig.channel.shown:
        shown[parcel.chat_id].append(parcel.story_id)
    assert {chat_id: list(dict.fromkeys(names)) for chat_id, names in shown.items()} == wanted
    assert rig.channel.early == []
    assert rig.channel.waits > 5
    allowed = Counter() if kind is Looking else rig.channel.unsure
    assert {key: n for key, n in copies.items() if n > 1 + allowed[key]} == {}
    assert sum(rig.channel.unsure.values()) > 10
    await rig.store.close()


@pytest.mark.slow
async def test_an_alert_for_five_thousand_chats_goes_at_the_platforms_pace_and_answers_overtake_it(
    tmp_path: Path,
) -> None:
    rig = Rig(tmp_path / "d", Stormy)
    await rig.store.open()
    many = 5000
    await rig.queue([row(f"fake:{n}") for n in range(many)])
    began, asked_at = rig.clock.monotonic(), 0
    while len(rig.channel.shown) < many + 1:
        await rig.beat()
        if not asked_at and len(rig.channel.shown) > many // 2:
            asked_at = len(rig.channel.shown)
            await rig.queue([replace(row(f"fake:{many - 1}", "asked"), act=Act.ANSWER)])
    seconds = rig.clock.monotonic() - began
    assert 0.8 * 29 <= (many + 1) / seconds <= 29.5
    place = next(n for n, parcel in enumerate(rig.channel.shown) if parcel.story_id == "asked")
    assert place - asked_at <= 40, "an answer waits for what is on its way, not for the queue"
    assert max(Counter(p.key for p in rig.channel.shown).values()) == 1
    await rig.job.drain()
    await rig.store.close()

"""Whose turn it is: start the chats that are due, in order, at each platform's pace."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from functools import partial

import structlog

from bot.core.chat import POSTS, Chat, Delivery
from bot.core.errors import StoreError
from bot.core.ports import Channel, Clock, Store
from bot.jobs.carry import Carrier
from bot.jobs.gather import Gatherer
from bot.jobs.notices import Notices, disk_trouble
from bot.jobs.pace import Pace

log = structlog.get_logger("deliver")
SENDS_AT_ONCE = 32
STORE_PAUSE_S = 30.0
ROUND_S = 1.0
"""How long one beat may go on while chats wait for nothing but the platform's pace."""


class DeliverJob:
    """One beat starts the chats that are due; a chat has at most one send under way."""

    name = "deliver"
    every_s = 0.1

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        clock: Clock,
        rng: random.Random,
        notices: Notices | None = None,
        gatherer: Gatherer | None = None,
        *,
        repeat_unsure: bool = True,
    ) -> None:
        """channels: by the name that begins a chat's id. repeat_unsure: see Carrier."""
        self._store = store
        self._channels = channels
        self._clock = clock
        self._paces = {name: Pace(c.limits, clock.monotonic()) for name, c in channels.items()}
        self._notices = notices or Notices((), channels, clock)
        self._carrier = Carrier(store, clock, rng, self._paces, self._notices, repeat_unsure=repeat_unsure)
        self._gatherer = gatherer or Gatherer(store, clock)
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._not_before = 0.0

    async def recover(self) -> None:
        await self._carrier.recover()

    async def run(self) -> None:
        end = self._clock.monotonic() + ROUND_S
        while self._clock.monotonic() >= self._not_before:
            wait = await self._round()
            if not 0 < wait <= self.every_s or self._clock.monotonic() + wait > end:
                return
            await self._clock.sleep(wait)

    async def drain(self) -> None:
        """Wait for the sends under way."""
        while self._sending:
            await asyncio.wait(self._sending.values())

    async def _round(self) -> float:
        """Start whatever may go now. Seconds until the next may, 0 when nothing waits for its turn alone."""
        now = self._clock.monotonic()
        soonest = 0.0
        for chat_id in await self._store.waiting(self._clock.steady(), 2 * SENDS_AT_ONCE, partial(self._busy, now)):
            if len(self._sending) >= SENDS_AT_ONCE:
                break
            chat = await self._store.chat(chat_id) or Chat(id=chat_id)
            head = await self._store.head(chat_id, self._clock.steady())
            if head is None:
                continue
            channel, pace = self._channels[chat.channel], self._paces[chat.channel]
            if wait := pace.wait_s(chat, head.act, now):
                soonest = min(soonest or wait, wait)
                continue
            pace.sent(chat, head.act, now)
            task = asyncio.create_task(self._guarded(channel, chat, head), name=f"deliver {chat_id}")
            self._sending[chat_id] = task
            task.add_done_callback(partial(self._done, chat_id))
        waits = (pace.bot_wait_s(now) for pace in self._paces.values())
        return min((w for w in (soonest, *waits) if w > 0), default=0.0)

    def _busy(self, now: float, chat_id: str) -> bool:
        pace = self._paces.get(chat_id.partition(":")[0])
        if pace is None or chat_id in self._sending:
            return True
        return pace.bot_wait_s(now) > 0 or pace.rests(chat_id, now)

    def _done(self, chat_id: str, _: asyncio.Task[None]) -> None:
        self._sending.pop(chat_id, None)

    async def _guarded(self, channel: Channel, chat: Chat, head: Delivery) -> None:
        try:
            if not (head.act in POSTS and await self._gatherer.caught_up(chat)):
                await self._carrier.carry(channel, chat, head)
        except StoreError as error:
            # What was sent and could not be recorded stands as SENDING in memory too: it is unsure, and looked after.
            log.error("cannot record a delivery, so nothing more is sent for now", chat=chat.id, error=str(error))
            self._not_before = self._clock.monotonic() + STORE_PAUSE_S
            await self._notices.sound("disk", disk_trouble(error))
        except Exception:
            log.exception("a delivery could not be handled", chat=chat.id)
            self._paces[chat.channel].told_to_wait(chat, self._clock.monotonic() + 60, whole_bot=False)
        else:
            self._notices.calm("disk")

"""Let go of what was held for its hour, and try paused chats now and then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog

from bot.core.changes import Changes
from bot.core.chat import PROBED, Chat, Delivery
from bot.core.errors import StoreError
from bot.core.habits import Habits
from bot.core.ports import Clock, Store
from bot.jobs.gather import Gatherer
from bot.judge import hours
from bot.judge.gathering import LATE

log = structlog.get_logger("release")
GATHER = timedelta(seconds=60)
"""After an outage every feed has its say before the list goes out."""
AHEAD = timedelta(minutes=1)
"""A row that came so much after now came under a clock that was ahead."""
PROBE = timedelta(hours=1)
LONGEST_PROBE = timedelta(days=1)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class ReleaseJob:
    """One beat looks at the chats that hold something; what they hold goes when nothing speaks against it."""

    name = "release"
    every_s = 1.0

    def __init__(self, store: Store, gatherer: Gatherer, clock: Clock) -> None:
        self._store = store
        self._gatherer = gatherer
        self._clock = clock
        self._probed = clock.monotonic()

    async def run(self) -> None:
        try:
            for chat_id in await self._store.holding():
                await self._release(await self._store.chat(chat_id) or Chat(id=chat_id))
            if self._clock.monotonic() - self._probed >= 60:
                self._probed = self._clock.monotonic()
                await self._probe()
        except StoreError as error:
            log.error("cannot let go of what is held; trying again", error=str(error))

    async def drain(self) -> None:
        """Nothing runs on after `run`."""

    async def _in_time(self, chat: Chat) -> tuple[Chat, Sequence[Delivery]]:
        """The chat and what it holds. What was written under a clock that was ahead must hold nothing once that is put
        right: neither a digest slot told then, nor a row that came then."""
        now = self._clock.now()
        rows = await self._store.held(chat.id)
        ahead = tuple(replace(row, created=now) for row in rows if row.created > now + AHEAD)
        mended = replace(chat, habits=hours.without_slot_ahead(chat.habits, now))
        if mended == chat and not ahead:
            return chat, rows
        await self._store.commit(Changes(at=now, deliveries=ahead, chats=(mended,) if mended != chat else ()))
        return mended, await self._store.held(chat.id)

    async def _release(self, chat: Chat) -> None:
        if chat.paused:
            return
        now = self._clock.now()
        chat, rows = await self._in_time(chat)
        slot = hours.slot_due(chat.habits, now)
        ready, told = [], ""
        for row in rows:
            story = await self._store.story(row.story_id) or hours.Untold(id=row.story_id)
            why = hours.why_held(chat.habits, story, now, urgent=row.urgent)
            if why == "digest" and slot and _came_since(chat.habits, row, slot):
                ready.append(row)
                told = slot
            elif not why and not (row.held == LATE and now - row.created < GATHER):
                ready.append(row)
        if ready:
            await self._gatherer.together(chat, ready, slot=told)

    async def _probe(self) -> None:
        """Nobody tells when a right is given back or a topic opened again: a message that is due is the test."""
        now = self._clock.steady()
        probed = [chat for chat in await self._store.chats() if chat.paused in PROBED]
        back = [replace(chat, paused="", probes=chat.probes + 1) for chat in probed if _probe_at(chat) <= now]
        # Paused under a clock that was ahead: the pause begins anew.
        back += [replace(chat, since=now) for chat in probed if chat.since and chat.since > now]
        if back:
            await self._store.commit(Changes(at=now, chats=tuple(back)))


def _came_since(habits: Habits, row: Delivery, slot: str) -> bool:
    """Whether the slot came after the row did, so that no digest comes for a time that was past already."""
    return hours.first_slot(habits, row.created) < slot


def _probe_at(chat: Chat) -> datetime:
    pause = min(LONGEST_PROBE, PROBE * (1 << min(chat.probes, 10)))
    return (chat.since or LONG_AGO) + pause

"""Fold rows that wait in one chat into one list, in one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.core import outbox
from bot.core.changes import Changes
from bot.core.chat import POSTS, Act, Chat, Delivery, State
from bot.core.identity import delivery_key, digest
from bot.core.message import Message
from bot.core.ports import Clock, Store
from bot.judge.gathering import LATE, Item, gathered, reasons

STALE = timedelta(hours=1)
MOST_STALE = 3
"""So many messages that could not be sent for an hour still go out one by one."""


class Gatherer:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def together(self, chat: Chat, rows: Sequence[Delivery], *, slot: str = "") -> None:
        """Send these rows of the chat on: one by itself, several as one list. slot: the digest this is, which is then
        told. Raises StoreError."""
        now = self._clock.now()
        told = (replace(chat, habits=replace(chat.habits, slot=slot)),) if slot else ()
        if len(rows) == 1:
            released = outbox.release(rows[0], self._clock.steady()) if rows[0].state is State.HELD else rows[0]
            await self._store.commit(Changes(at=now, deliveries=(released,), chats=told))
            return
        items = [Item(row, await self._message(row), await self._store.story(row.story_id)) for row in rows]
        how = f"{'/tocsin ' if chat.channel == 'slack' else '/'}why <id> tells more of one."
        message = gathered(items, reasons(rows), how)
        name = digest("gathered", *sorted(row.key for row in rows))
        whole = Delivery(
            key=delivery_key(chat.id, name, 1, Act.GATHERED),
            chat_id=chat.id,
            message_id=name,
            story_id="",
            revision=1,
            act=Act.GATHERED,
            created=now,
            next_try=now,
        )
        folded = tuple(outbox.fold(row, whole.key) for row in rows)
        changes = Changes(at=now, messages=((name, message),), deliveries=(whole, *folded), chats=told)
        await self._store.commit(changes)

    async def caught_up(self, chat: Chat) -> bool:
        """After an outage of the chat, or on the way to it: what is an hour late comes as one list, urgent messages
        apart. True when there was that much. Raises StoreError."""
        before = self._clock.now() - STALE
        head = await self._store.head(chat.id)
        if head is None or head.created >= before or head.state is State.AMBIGUOUS:
            return False
        rows = [
            row
            for row in await self._store.backlog(chat.id)
            if row.act in POSTS and row.state is State.PENDING and row.created < before
        ]
        rows = [row for row in rows if not row.urgent and not row.receipts]
        if len(rows) <= MOST_STALE:
            return False
        await self.together(chat, [replace(row, held=LATE) for row in rows])
        return True

    async def _message(self, row: Delivery) -> Message:
        return await self._store.message(row.message_id) or Message(())

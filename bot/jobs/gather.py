"""Fold rows that wait in one chat into one list, in one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.core.chat import POSTS, Chat, Delivery, State
from bot.core.message import Message
from bot.core.ports import Clock, Store
from bot.judge.gathering import LATE, Item, together

STALE_S = 3600.0
MOST_STALE = 3
"""So many messages that could not be sent for an hour still go out one by one."""


class Gatherer:
    def __init__(self, store: Store, clock: Clock, stale_s: float = STALE_S) -> None:
        """stale_s: from this age on, what could not be sent is late."""
        self._stale = timedelta(seconds=stale_s)
        self._store = store
        self._clock = clock

    async def together(self, chat: Chat, rows: Sequence[Delivery], *, slot: str = "") -> None:
        """See judge.gathering.together. Raises StoreError."""
        items = [
            Item(row, await self._store.message(row.message_id) or Message(()), await self._store.story(row.story_id))
            for row in rows
        ]
        await self._store.commit(together(chat, items, self._clock.now(), slot=slot))

    async def caught_up(self, chat: Chat) -> bool:
        """After an outage of the chat, or on the way to it: what is late comes as one list, urgent messages apart.
        True when there was that much. Raises StoreError."""
        before = self._clock.now() - self._stale
        head = await self._store.head(chat.id)
        if head is None or head.created >= before or head.state is State.AMBIGUOUS:
            return False
        rows = [
            replace(row, held=LATE)
            for row in await self._store.backlog(chat.id)
            if row.act in POSTS and row.state is State.PENDING and row.created < before
        ]
        rows = [row for row in rows if not row.urgent and not row.receipts]
        if len(rows) <= MOST_STALE:
            return False
        await self.together(chat, rows)
        return True

"""Bring posts up to date as their stories grow: at most one edit a minute and story, of what is known by then."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from bot.core.changes import Changes
from bot.core.chat import Act, Chat, Delivery, State
from bot.core.errors import StoreError
from bot.core.identity import delivery_key, digest
from bot.core.news import Story
from bot.core.ports import Channel, Clock, Store
from bot.judge import render

log = structlog.get_logger("grow")
SETTLE_S = 20.0
PAUSE_S = 60.0
"""Least pause between two edits of one message."""
AT_ONCE = 200


class GrowJob:
    name = "grow"
    every_s = 1.0

    def __init__(self, store: Store, channels: Mapping[str, Channel], clock: Clock, settle_s: float = SETTLE_S) -> None:
        """settle_s: reports come in swarms; so long after the first that grew a story, the others are waited for."""
        self._settle_s = settle_s
        self._store = store
        self._channels = channels
        self._clock = clock
        self._due: dict[str, float] = {}
        """By story: monotonic time from which its posts may be edited."""

    async def run(self) -> None:
        now = self._clock.monotonic()
        try:
            grown = await self._store.grown()
            for story in grown:
                if self._due.setdefault(story.id, now + self._settle_s) <= now:
                    await self._edit(story)
                    self._due[story.id] = now + PAUSE_S
        except StoreError as error:
            log.error("cannot bring posts up to date; trying again", error=str(error))
            return
        waiting = {story.id for story in grown}
        self._due = {name: at for name, at in self._due.items() if name in waiting or at > now}

    async def drain(self) -> None:
        """Nothing runs on after `run`."""

    async def _edit(self, story: Story) -> None:
        """One row for each chat that has, or is about to get, a post of it. What comes later of the same story takes
        the place of a row that has not gone out."""
        now = self._clock.now()
        message_id = digest("card", story.id, str(story.revision))
        rows = []
        for number, chat in enumerate(await self._store.chats()):
            if number % AT_ONCE == AT_ONCE - 1:
                await self._clock.sleep(0)
            if await self._shows(chat, story):
                rows.append(
                    Delivery(
                        key=delivery_key(chat.id, story.id, 0, Act.EDIT),
                        chat_id=chat.id,
                        message_id=message_id,
                        story_id=story.id,
                        revision=story.revision,
                        act=Act.EDIT,
                        created=now,
                        next_try=now,
                    )
                )
        messages = ((message_id, render.alert(story)),) if rows else ()
        changes = Changes(at=now, messages=messages, deliveries=tuple(rows), shown=((story.id, story.revision),))
        await self._store.commit(changes)

    async def _shows(self, chat: Chat, story: Story) -> bool:
        channel = self._channels.get(chat.channel)
        if channel is None or not channel.limits.edit:
            return False
        post = await self._store.posted(chat.id, story.id)
        return post is not None and post.card and (post.waits or (post.state is State.SENT and bool(post.targets)))

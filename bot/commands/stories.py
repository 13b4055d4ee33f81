"""Stories put right by owners: two that are one, one that is two. Each use is kept as an example to test joining by."""

from __future__ import annotations

import json

from bot.commands.registry import Ask, Reply, command
from bot.core.changes import Audit, Changes
from bot.core.chat import Act, Role
from bot.core.errors import BadRequest
from bot.core.message import Message, code, line, text
from bot.core.news import Story
from bot.core.ports import Store
from bot.judge import mending, render
from bot.judge.decide import Memory, tell

AUDITED = "story"
"""Begins what the audit calls these."""


class Stories:
    def __init__(self, store: Store) -> None:
        self._store = store

    @command(role=Role.OWNER, usage="<alert id> <report number>", example="split a1b2c3 3")
    async def split(self, ask: Ask, alert: str, number: int) -> Reply:
        """Take a report out of a story it does not belong to; it is told as one of its own."""
        story = await self._story(alert)
        try:
            rest, alone = mending.split(story, number, ask.now)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        messages, rows = tell(alone, render.alert(alone), Act.POST, await self._memory(), ask.now)
        changes = Changes(
            at=ask.now,
            stories=(rest, alone),
            messages=messages,
            deliveries=rows,
            audit=(_example(ask, "split", story.title, alone.title, same=False),),
        )
        said = line("Done: ", code(f"#{alone.id}"), f" is a story of its own now, told to {len(rows)} chats.")
        return Reply(Message((text(said),)), changes)

    @command(role=Role.OWNER, usage="<alert id> <alert id>", example="merge a1b2c3 d4e5f6")
    async def merge(self, ask: Ask, into: str, other: str) -> Reply:
        """Make two stories one; what comes later joins the first."""
        first, second = await self._story(into), await self._story(other)
        try:
            whole, sign = mending.merge(first, second, ask.now)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        example = _example(ask, "merge", first.title, second.title, same=True)
        part = (code(f"#{second.id}"), " is part of ", code(f"#{first.id}"))
        said = line("Done: ", *part, f", {whole.report_count} reports.")
        return Reply(Message((text(said),)), Changes(at=ask.now, stories=(whole, sign), audit=(example,)))

    async def _memory(self) -> Memory:
        habits = {chat.id: chat.habits for chat in await self._store.chats()}
        return Memory(unseen=frozenset(), subscriptions=await self._store.subscriptions(), habits=habits)

    async def _story(self, name: str) -> Story:
        story = await self._store.story(name.lower().lstrip("#"))
        if story is None:
            raise BadRequest(f"I know no alert {('#' + name.lstrip('#'))[:40]!r}")
        if story.merged_into:
            raise BadRequest(f"#{story.id} is part of #{story.merged_into} already")
        return story


def _example(ask: Ask, what: str, one: str, other: str, *, same: bool) -> Audit:
    detail = json.dumps({"same": same, "a": one, "b": other}, ensure_ascii=False)
    return Audit(at=ask.now, actor=ask.call.actor, chat_id=ask.call.chat.id, what=f"{AUDITED} {what}", detail=detail)

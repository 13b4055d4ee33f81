"""A front that remembers what a channel told it and answers as a test says."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.chat import Call, ChatEvent
from bot.core.message import Message, say
from bot.core.ports import MenuItem


class FakeFront:
    def __init__(self, reply: Message | None = None) -> None:
        self.reply = reply or say("done")
        self.calls: list[Call] = []
        self.events: list[ChatEvent] = []
        self.broken = False
        self.full = False
        self.posted: list[Message] = []
        self.taken: list[str] = []
        self.left: list[Call] = []

    async def answer(self, call: Call) -> Message | None:
        self.calls.append(call)
        if self.broken:
            raise RuntimeError("as told")
        return self.reply

    async def post(self, call: Call) -> Message | None:
        """As if it was in the outbox; `posted` is what would be shown."""
        reply = await self.answer(call)
        if reply is not None and not self.full:
            self.posted.append(reply)
        return reply if self.full else None

    async def accept(self, call: Call) -> bool:
        if call.id in self.taken:
            return False
        self.taken.append(call.id)
        return True

    async def accepted(self, channel: str) -> Sequence[Call]:
        return self.left

    async def changed(self, event: ChatEvent) -> None:
        self.events.append(event)

    def menu(self) -> Sequence[MenuItem]:
        return (MenuItem(verb="help", words="what I can do"), MenuItem(verb="feeds", words="the feeds", owner=True))

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

    async def answer(self, call: Call) -> Message | None:
        self.calls.append(call)
        if self.broken:
            raise RuntimeError("as told")
        return self.reply

    async def changed(self, event: ChatEvent) -> None:
        self.events.append(event)

    def menu(self) -> Sequence[MenuItem]:
        return (MenuItem(verb="help", words="what I can do"), MenuItem(verb="feeds", words="the feeds", owner=True))

"""A channel in memory: shows what it was sent, and fails as it is told to."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime

from bot.core.chat import Chat, Limits, Receipt
from bot.core.errors import BotError
from bot.core.message import Message
from bot.core.ports import Clock, Front, Parcel


class FakeChannel:
    """`fail_next(error)` raises it at the next send; with after=True the message arrives all the same."""

    name = "fake"
    limits = Limits(text_max=4096, edit=True, thread=True, buttons=True, per_chat_s=0.0, per_group_s=0.0)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.shown: list[Parcel] = []
        self.tries: list[tuple[float, Parcel]] = []
        self.admins: set[str] = set()
        self.parts_of = 1
        self._failures: deque[tuple[BotError, bool]] = deque()

    def fail_next(self, error: BotError, *, after: bool = False) -> None:
        self._failures.append((error, after))

    async def serve(self, front: Front) -> None:
        await asyncio.Event().wait()

    def parts(self, message: Message, plain_from: int | None = None) -> int:
        return self.parts_of

    async def send(self, parcel: Parcel) -> Receipt:
        self.tries.append((self._clock.monotonic(), parcel))
        error, after = self._failures.popleft() if self._failures else (None, True)
        if error is None or after:
            self.shown.append(parcel)
        if error is not None:
            raise error
        return Receipt(message_id=str(len(self.shown)), at=self._clock.now())

    async def is_admin(self, actor: str, chat: Chat) -> bool:
        return actor in self.admins

    async def close(self) -> None:
        """Nothing is open."""


class LookingChannel(FakeChannel):
    """One that can be asked whether something arrived."""

    blind: BotError | None = None

    async def look(self, parcel: Parcel, since: datetime) -> Receipt | None:
        if self.blind:
            raise self.blind
        for number, shown in enumerate(self.shown, 1):
            if (shown.key, shown.part) == (parcel.key, parcel.part):
                return Receipt(message_id=str(number), at=self._clock.now())
        return None

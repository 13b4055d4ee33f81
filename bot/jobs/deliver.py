"""Bring what waits in the outbox to its chats: in order, at the platform's pace, each step durable."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import structlog

from bot.core import outbox
from bot.core.changes import Changes
from bot.core.chat import Act, Chat, Delivery, State
from bot.core.errors import BadMarkup, BotError, ChatMoved, MaybeSent, NotSent, Refused, SlowDown, StoreError, TokenDead
from bot.core.message import Message
from bot.core.ports import CanLook, Channel, Clock, Parcel, Store
from bot.jobs.pace import Pace

log = structlog.get_logger("deliver")
TOKEN_PAUSE_S = 300.0
SENDS_AT_ONCE = 32


class DeliverJob:
    """One beat starts the chats whose oldest row is due; a chat has at most one send under way."""

    name = "deliver"
    every_s = 0.1

    def __init__(self, store: Store, channels: Mapping[str, Channel], clock: Clock, rng: random.Random) -> None:
        """channels: by the name that begins a chat's id."""
        self._store = store
        self._channels = channels
        self._clock = clock
        self._rng = rng
        self._pace = {name: Pace(c.limits, clock.monotonic()) for name, c in channels.items()}
        self._sending: dict[str, asyncio.Task[None]] = {}

    async def recover(self) -> None:
        """Rows a crash left in mid-send may or may not have arrived."""
        now = self._clock.now()
        rows = await self._store.interrupted()
        if rows:
            error = "the process ended while it was being sent"
            await self._store.commit(Changes(at=now, deliveries=tuple(outbox.unsure(r, error, now) for r in rows)))

    async def run(self) -> None:
        for chat_id in await self._store.waiting(self._clock.now(), 10 * SENDS_AT_ONCE):
            if chat_id in self._sending:
                continue
            if len(self._sending) >= SENDS_AT_ONCE:
                return
            channel = self._channels.get(chat_id.partition(":")[0])
            if channel is None:
                continue
            chat = await self._store.chat(chat_id) or Chat(id=chat_id)
            pace = self._pace[chat.channel]
            if pace.wait_s(chat, self._clock.monotonic()) > 0:
                continue
            pace.sent(chat, self._clock.monotonic())
            task = asyncio.create_task(self._guarded(channel, chat), name=f"deliver {chat_id}")
            self._sending[chat_id] = task
            task.add_done_callback(partial(self._done, chat_id))

    def _done(self, chat_id: str, _: asyncio.Task[None]) -> None:
        self._sending.pop(chat_id, None)

    async def drain(self) -> None:
        """Wait for the sends under way."""
        while self._sending:
            await asyncio.wait(self._sending.values())

    async def _guarded(self, channel: Channel, chat: Chat) -> None:
        try:
            await self.one(channel, chat)
        except StoreError as error:
            log.error("cannot record a delivery, so nothing more is sent for now", chat=chat.id, error=str(error))
            self._pace[chat.channel].told_to_wait(chat, self._clock.monotonic() + 30, whole_bot=True)
        except Exception:
            log.exception("a delivery could not be handled", chat=chat.id)
            self._pace[chat.channel].told_to_wait(chat, self._clock.monotonic() + 60, whole_bot=False)

    async def one(self, channel: Channel, chat: Chat) -> None:
        """Carry one part of the chat's head, or settle what is not known of it. Raises StoreError."""
        head = await self._store.head(chat.id)
        if head is None:
            return
        message = await self._store.message(head.message_id)
        if message is None:
            await self._settle(outbox.give_up(head, "its message is no longer kept"))
            return
        if head.state is State.AMBIGUOUS and not await self._must_repeat(channel, head, message):
            return
        head = outbox.begin(head)
        await self._settle(head)
        try:
            receipt = await channel.send(await self._parcel(head, message))
        except BotError as error:
            await self._failed(channel, chat, head, error)
        except Exception as error:  # an adapter's bug: nobody knows whether it was sent
            log.exception("a channel failed in an unforeseen way", chat=chat.id)
            await self._settle(outbox.unsure(head, f"{type(error).__name__} in the adapter", self._clock.now()))
        else:
            await self._settle(outbox.part_shown(head, receipt, channel.parts(message), self._clock.now()))

    async def _must_repeat(self, channel: Channel, head: Delivery, message: Message) -> bool:
        """Whether an ambiguous row has to be sent (again): only when it is known, or assumed, not to be there.

        Where the platform cannot be asked, it is repeated: the copy carries the same visible id.
        """
        if not isinstance(channel, CanLook):
            return True
        now = self._clock.now()
        try:
            receipt = await channel.look(await self._parcel(head, message), head.created)
        except BotError as error:
            wait = error.after_s if isinstance(error, SlowDown) else outbox.backoff_s(head.attempts, self._rng)
            await self._settle(outbox.look_later(head, f"cannot see whether it arrived: {error}", wait, now))
            return False
        if receipt is None:
            return True
        await self._settle(outbox.part_shown(head, receipt, channel.parts(message), now))
        return False

    async def _parcel(self, row: Delivery, message: Message) -> Parcel:
        target = ""
        if row.act is not Act.POST:
            first = await self._store.posted(row.chat_id, row.story_id)
            target = first.receipts[0].message_id if first and first.receipts else ""
        return Parcel(
            key=row.key,
            chat_id=row.chat_id,
            message=message,
            act=row.act if target else Act.POST,
            part=len(row.receipts),
            target=target,
            plain=row.plain,
            story_id=row.story_id,
        )

    async def _failed(self, channel: Channel, chat: Chat, row: Delivery, error: BotError) -> None:
        """Settle a row by what the error says to do next."""
        now, text = self._clock.now(), str(error)
        pace = self._pace[chat.channel]
        chats: tuple[Chat, ...] = ()
        moved: tuple[tuple[str, str], ...] = ()
        match error:
            case SlowDown():
                pace.told_to_wait(chat, self._clock.monotonic() + error.after_s, whole_bot=error.whole_bot)
                row = outbox.put_off(row, text, error.after_s, now)
            case NotSent():
                row = outbox.put_off(row, text, outbox.backoff_s(row.attempts, self._rng), now)
            case ChatMoved():
                moved = ((chat.id, error.new_chat_id),)
                row = outbox.put_off(row, text, 0.0, now)
            case BadMarkup() if not row.plain:
                row = replace(outbox.put_off(row, text, 0.0, now), plain=True)
            case BadMarkup():
                row = outbox.give_up(row, text)
            case TokenDead():
                log.error(
                    "the token is refused; nothing is sent until it is replaced", channel=chat.channel, error=text
                )
                pace.told_to_wait(chat, self._clock.monotonic() + TOKEN_PAUSE_S, whole_bot=True)
                row = outbox.put_off(row, text, TOKEN_PAUSE_S, now)
            case Refused():
                chats = (replace(chat, paused=error.reason, since=now),)
                row = outbox.give_up(row, text)
            case MaybeSent():
                row = outbox.unsure(row, text, now)
            case _:
                row = outbox.unsure(row, text, now)
        log.warning("not delivered", chat=chat.id, story=row.story_id, state=row.state.value, error=text)
        await self._store.commit(Changes(at=now, deliveries=(row,), chats=chats, moved=moved))

    async def _settle(self, row: Delivery) -> None:
        await self._store.commit(Changes(at=self._clock.now(), deliveries=(row,)))

"""Tell the owners what only they can mend: through the outbox where that works, straight to them where it does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import structlog

from bot.core.chat import Chat, Delivery
from bot.core.errors import BotError, StoreError
from bot.core.identity import delivery_key, digest
from bot.core.message import Message, note, text
from bot.core.ports import Channel, Clock, Parcel

log = structlog.get_logger("notices")
Rows = tuple[tuple[tuple[str, Message], ...], tuple[Delivery, ...]]


class Notices:
    """Owners are told in their private chats."""

    def __init__(self, owners: Iterable[str], channels: Mapping[str, Channel], clock: Clock) -> None:
        """owners: actors, `telegram:<user id>`, `slack:<team>:<user>`, `console:local`."""
        self._channels = channels
        self._clock = clock
        found = (_private_chat(owner) for owner in sorted(owners))
        self._chats = [c for c in found if c.channel in channels and channels[c.channel].limits.interactive]
        self._sounded: dict[str, str] = {}

    def rows(self, about: str, words: str, now: datetime, *, instead_of: str = "") -> Rows:
        """A notice for the same commit as what it is about. about: names the occasion, so that it is told once for
        ever. instead_of: a chat that is not told, because it is the one in trouble."""
        message_id = digest("notice", about)
        rows = tuple(
            Delivery(
                key=delivery_key(chat.id, message_id, 1, "notice"),
                chat_id=chat.id,
                message_id=message_id,
                story_id="",
                revision=1,
                created=now,
                next_try=now,
            )
            for chat in self._chats
            if chat.id != instead_of
        )
        return (((message_id, _message(words)),) if rows else ()), rows

    async def sound(self, kind: str, words: str) -> None:
        """Once until `calm(kind)`: what the outbox cannot carry now, because nothing can be written, or because it is
        the channel itself that is broken. Never raises."""
        if kind in self._sounded:
            return
        self._sounded[kind] = words
        for chat in self._chats:
            parcel = Parcel(key=digest("alarm", kind, chat.id), chat_id=chat.id, message=_message(words), alerts=False)
            try:
                await self._channels[chat.channel].send(parcel)
            except BotError as error:
                log.warning("an owner could not be told", chat=chat.id, error=str(error))

    def calm(self, kind: str) -> None:
        """What was sounded is over; the next time it is told anew."""
        self._sounded.pop(kind, None)

    def troubles(self) -> Sequence[str]:
        """What was sounded and is not over, in words."""
        return tuple(self._sounded.values())


def disk_trouble(error: StoreError) -> str:
    return f"Nothing is read or sent for now, and nothing is lost: {error}"


def _private_chat(owner: str) -> Chat:
    channel, _, rest = owner.partition(":")
    return Chat(id=f"{channel}:{rest.replace(':', '/')}")


def _message(words: str) -> Message:
    return Message((text(words), note("You get this because you own this bot.")))

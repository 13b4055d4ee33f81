"""Posts every alert as plain text to one web address."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Mapping

from bot.core.chat import Chat, Limits, Receipt
from bot.core.errors import MaybeSent, NotSent
from bot.core.message import Message
from bot.core.ports import Clock, Front, Parcel


class Pager:
    name = "pager"
    limits = Limits(text_max=500, interactive=False, per_chat_s=0.0, per_group_s=0.0)

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock

    async def serve(self, front: Front) -> None:
        """Nobody asks here."""

    def parts(self, message: Message, plain_from: int | None = None) -> int:
        return 1

    async def send(self, parcel: Parcel) -> Receipt:
        body = parcel.message.plain()[:500].encode()
        request = urllib.request.Request(self._url, body, {"X-Key": parcel.key})
        try:
            await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=10).close())
        except urllib.error.HTTPError as error:
            raise NotSent(f"the pager says {error.code}") from None
        except OSError as error:
            raise MaybeSent("the pager did not answer") from error
        return Receipt(message_id=parcel.key, at=self._clock.now())

    async def is_admin(self, actor: str, chat: Chat) -> bool:
        return False

    async def close(self) -> None:
        """Nothing is open."""


def make(options: Mapping[str, str], clock: Clock) -> Pager:
    return Pager(options["url"], clock)

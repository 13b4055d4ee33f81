"""Push to any of Apprise's hundred services: e-mail, Discord, Teams. Text only, nobody can ask there."""

from __future__ import annotations

from collections.abc import Mapping

import apprise

from bot.channels.markup import PLAIN, render
from bot.core.chat import Chat, Limits, Receipt
from bot.core.errors import MaybeSent, Refused
from bot.core.message import Message
from bot.core.ports import Clock, Front, Parcel


class AppriseChannel:
    """Chats are `apprise:<name>`; each name stands for one Apprise URL, which is a secret."""

    name = "apprise"
    limits = Limits(text_max=2000, interactive=False, per_chat_s=1.0, per_group_s=1.0)

    def __init__(self, targets: Mapping[str, str], clock: Clock) -> None:
        """targets: name -> Apprise URL. Raises ValueError, naming the target but not its URL."""
        self._clock = clock
        self._targets: dict[str, apprise.Apprise] = {}
        for name, url in targets.items():
            target = apprise.Apprise()
            if not target.add(url):
                raise ValueError(f"Apprise does not understand the URL of {name!r}")
            self._targets[name] = target

    @staticmethod
    def understands(url: str) -> bool:
        """Whether Apprise can make a target of it. Nothing is opened."""
        return bool(apprise.Apprise().add(url))

    async def serve(self, front: Front) -> None:
        """Nobody asks here."""

    def parts(self, message: Message, plain_from: int | None = None) -> int:
        return len(self._rendered(message))

    async def send(self, parcel: Parcel) -> Receipt:
        target = self._targets.get(parcel.chat_id.partition(":")[2])
        if target is None:
            raise Refused(f"no Apprise target is called {parcel.chat_id}", reason="not_found")
        body = self._rendered(parcel.message)[parcel.part]
        # Apprise says yes or no, never why: a no may have arrived.
        if not await target.async_notify(body=body, title="Tocsin", body_format=apprise.NotifyFormat.TEXT):
            raise MaybeSent("Apprise reports a failure without saying which")
        return Receipt(message_id=f"{parcel.key}.{parcel.part}", at=self._clock.now())

    async def is_admin(self, actor: str, chat: Chat) -> bool:
        return False

    async def close(self) -> None:
        """Nothing is held open."""

    def _rendered(self, message: Message) -> tuple[str, ...]:
        return render(message, PLAIN, self.limits.text_max, self.limits.unit)

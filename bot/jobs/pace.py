"""How fast each platform may be talked to: per chat, per group, per bot, and what a 429 asked for."""

from __future__ import annotations

from bot.core.chat import Chat, Limits


class Pace:
    """Earliest monotonic times, one channel's. Empty at a start, so it begins one full pause late."""

    def __init__(self, limits: Limits, started: float) -> None:
        self._limits = limits
        self._started = started
        self._chats: dict[str, float] = {}
        self._bot = started

    def wait_s(self, chat: Chat, now: float) -> float:
        """Seconds until the next message may go to this chat; 0 when it may go now."""
        chat_at = self._chats.get(chat.id, self._started)
        return max(0.0, self._bot - now, chat_at - now)

    def sent(self, chat: Chat, now: float) -> None:
        """A message goes out at `now`."""
        limits = self._limits
        pause = limits.per_chat_s if chat.kind == "private" else limits.per_group_s
        self._chats[chat.id] = now + pause
        self._bot = max(self._bot, now) + limits.per_bot_s
        if len(self._chats) > 10_000:
            self._chats = {key: at for key, at in self._chats.items() if at > now}

    def told_to_wait(self, chat: Chat, until: float, *, whole_bot: bool) -> None:
        """The platform said so; nothing goes before `until`."""
        if whole_bot:
            self._bot = max(self._bot, until)
        self._chats[chat.id] = max(self._chats.get(chat.id, 0.0), until)

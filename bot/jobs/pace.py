"""How fast one platform may be talked to: per chat, per group, per bot, and what a 429 asked for."""

from __future__ import annotations

from bot.core.chat import Act, Chat, Limits

WINDOW_S = 1.0
"""The platforms count over about a second; what a process before this one sent in it is not known."""


class Pace:
    """Earliest monotonic times. It knows nothing of what was sent before it began, so every chat, and the bot as a
    whole, waits one full pause first."""

    def __init__(self, limits: Limits, started: float) -> None:
        self._limits = limits
        self._started = started
        self._chats: dict[str, float] = {}
        self._bot = started + (WINDOW_S if limits.per_bot_s else 0.0)
        self._edits = started

    def bot_wait_s(self, now: float) -> float:
        """Seconds until anything may go at all."""
        return max(0.0, self._bot - now)

    def wait_s(self, chat: Chat, act: Act, now: float) -> float:
        """Seconds until the next message may go to this chat; 0 when it may go now."""
        chat_at = self._chats.get(self.key(chat.id), self._started + self._pause(chat))
        edit_at = self._edits if act is Act.EDIT else now
        return max(0.0, self._bot - now, chat_at - now, edit_at - now)

    def rests(self, chat_id: str, now: float) -> bool:
        """Whether a chat met before has to wait; of others nothing is known here."""
        return self._chats.get(self.key(chat_id), now) > now

    def sent(self, chat: Chat, act: Act, now: float) -> None:
        """A message goes out at `now`."""
        self._chats[self.key(chat.id)] = now + self._pause(chat)
        self._bot = max(self._bot, now) + self._limits.per_bot_s
        if act is Act.EDIT:
            self._edits = now + self._limits.per_edit_s
        if len(self._chats) > 10_000:
            longest = max(self._limits.per_chat_s, self._limits.per_group_s)
            if now > self._started + longest:  # a chat that is not known then has waited its first pause
                self._chats = {key: at for key, at in self._chats.items() if at > now}

    def told_to_wait(self, chat: Chat, until: float, *, whole_bot: bool) -> None:
        """The platform said so; nothing goes before `until`."""
        if whole_bot:
            self.rest(until)
        key = self.key(chat.id)
        self._chats[key] = max(self._chats.get(key, 0.0), until)

    def rest(self, until: float) -> None:
        """Nothing at all goes before `until`."""
        self._bot = max(self._bot, until)

    def _pause(self, chat: Chat) -> float:
        return self._limits.per_chat_s if chat.kind == "private" else self._limits.per_group_s

    def key(self, chat_id: str) -> str:
        """The chat whose pace is meant: topics of one group share it."""
        return chat_id.partition("/")[0] if self._limits.topics else chat_id

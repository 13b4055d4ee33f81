"""One call in, one reply out: who may ask, what it means, its effect committed once, and the words to say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import structlog

from bot.commands.registry import Ask, Command, Registry, Reply
from bot.core.changes import Changes
from bot.core.chat import Call, Chat, ChatEvent, Role
from bot.core.errors import BadRequest, BotError, Stale, StoreError
from bot.core.message import Block, Message, Shape, bold, code, line, say, text
from bot.core.ports import Channel, Clock, MenuItem, Store
from bot.judge.newsroom import Newsroom

log = structlog.get_logger("commands")
LONGEST_LINE = 4000
# Spellings people know from elsewhere, in Slack's `ops` form and in Telegram's one-word form.
_SPELLINGS = (
    (re.compile(r"^/?ops\s+(?=\S)", re.IGNORECASE), ""),
    (re.compile(r"^/?(feed|keyword)s?[_ ](add|remove|list|test|pause|resume)\b", re.IGNORECASE), r"\1s \2"),
    (re.compile(r"^/?feed\b", re.IGNORECASE), "feeds"),
    (re.compile(r"^/?keyword\b", re.IGNORECASE), "keywords"),
)


class Answering:
    """The bot's side of every conversation (ports.Front)."""

    def __init__(
        self,
        groups: Iterable[object],
        store: Store,
        newsroom: Newsroom,
        channels: Mapping[str, Channel],
        clock: Clock,
        owners: frozenset[str],
    ) -> None:
        self.registry = Registry(groups)
        self._store = store
        self._newsroom = newsroom
        self._channels = channels
        self._clock = clock
        self._owners = owners

    def menu(self) -> Sequence[MenuItem]:
        return [
            MenuItem(verb=c.verb, words=c.words[:256], owner=c.role is Role.OWNER)
            for c in self.registry.commands.values()
        ]

    async def answer(self, call: Call) -> Message | None:
        """The reply, once the effect is durable; a mistake is answered with what is wrong and how to ask."""
        prefix = "/tocsin " if call.chat.channel == "slack" else "/"
        try:
            return await self._answer(call, prefix)
        except BadRequest as error:
            return _mistake(error)
        except Stale:
            return say("Somebody changed this at the same moment. Look again, then repeat your command.")
        except StoreError as error:
            log.error("a command could not be remembered", call=call.id, error=str(error))
            return say(
                "I cannot write to my disk right now, so nothing was changed. The operator has been told; try later."
            )
        except BotError as error:
            return say(str(error))
        except Exception:
            log.exception("a command failed", call=call.id)
            return say(f"That went wrong on my side, and nothing was changed. The log knows it as {call.id}.")

    async def changed(self, event: ChatEvent) -> None:
        """Remember what happened to a chat. Subscriptions are never deleted here."""
        now = self._clock.now()
        known = await self._store.chat(event.chat.id)
        if event.what == "moved":
            await self._store.commit(Changes(at=now, moved=((event.chat.id, event.detail),)))
        elif known and event.what == "left" and known.paused != event.detail:
            await self._store.commit(Changes(at=now, chats=(replace(known, paused=event.detail or "left", since=now),)))
        elif known and event.what == "joined" and known.paused:
            await self._store.commit(Changes(at=now, chats=(replace(known, paused="", since=None),)))
        elif known and event.what == "renamed" and known.title != event.chat.title:
            await self._store.commit(Changes(at=now, chats=(replace(known, title=event.chat.title),)))

    async def _answer(self, call: Call, prefix: str) -> Message:
        written = call.text.strip()
        if len(written) > LONGEST_LINE:
            raise BadRequest(f"That is longer than {LONGEST_LINE} characters; I read shorter lines only.")
        for spelling, ours in _SPELLINGS:
            written = spelling.sub(ours, written, count=1)
        found, rest = self.registry.find(written, prefix)
        await self._authorise(found, call)
        if await self._store.handled(call.id):
            return say("That is done already.")
        arguments = self.registry.arguments(found, rest, prefix)
        ask = Ask(call=call, now=self._clock.now(), prefix=prefix, owner=self._is_owner(call))
        try:
            reply: Reply = await found.run(ask, *arguments)
        except BadRequest as error:
            if not error.usage:
                error.usage = found.line(prefix)
                error.example = f"{prefix}{found.example}" if found.example else ""
            raise
        await self._remember(call, reply)
        return reply.message

    async def _remember(self, call: Call, reply: Reply) -> None:
        changes = reply.changes
        known = await self._store.chat(call.chat.id)
        if known and known.paused:
            # Somebody talks to us there, so it can be reached again.
            changes = changes or Changes(at=self._clock.now())
            latest = {chat.id: chat for chat in (known, *changes.chats)}[known.id]
            changes = replace(changes, chats=(*changes.chats, replace(latest, paused="", since=None)))
        if not changes:
            return
        await self._store.commit(replace(changes, calls=(*changes.calls, call.id)))
        if changes.stories:
            self._newsroom.stories_version += 1
        if changes.feeds or changes.feeds_gone:
            self._newsroom.adopt_feeds(await self._store.feeds())
        if changes.keywords or changes.keywords_gone:
            self._newsroom.adopt_keywords(await self._store.keywords())

    async def _authorise(self, found: Command, call: Call) -> None:
        if found.role is Role.ANYONE or self._is_owner(call):
            return
        if found.role is Role.OWNER:
            raise BotError(
                f"Only owners may do this. To become one, have {call.actor} put into TOCSIN_OWNERS by whoever runs me."
            )
        if call.chat.kind != "private" and not await self._is_admin(call.actor, call.chat):
            raise BotError(
                "Only administrators of this chat may change what it gets. Ask one of them, or write to me alone."
            )

    def _is_owner(self, call: Call) -> bool:
        return call.actor in self._owners

    async def _is_admin(self, actor: str, chat: Chat) -> bool:
        channel = self._channels.get(chat.channel)
        return channel is not None and await channel.is_admin(actor, chat)


def _mistake(error: BadRequest) -> Message:
    blocks = [text(str(error))]
    if error.usage:
        usage = [line(bold("Usage: "), code(error.usage))]
        if error.example:
            usage.append(line(bold("Example: "), code(error.example)))
        blocks.append(Block(Shape.TEXT, tuple(usage)))
    return Message(tuple(blocks))

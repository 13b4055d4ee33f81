"""One call in, one reply out: who may ask, what it means, its effect committed once, and the words to say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import structlog

from bot.commands.registry import Ask, Command, Registry, Reply
from bot.core.changes import Changes
from bot.core.chat import PAUSES, Act, Call, Chat, ChatEvent, Delivery, Role
from bot.core.errors import BadRequest, BotError, Stale, StoreError
from bot.core.identity import delivery_key, digest
from bot.core.message import Block, Message, Shape, bold, code, line, say, text
from bot.core.ports import Channel, Clock, MenuItem, Store
from bot.judge.newsroom import Newsroom

log = structlog.get_logger("commands")
LONGEST_LINE = 4000
Rows = tuple[tuple[tuple[str, Message], ...], tuple[Delivery, ...]]
Notifier = Callable[[str, str, datetime], Rows]
# Spellings people know from elsewhere, in Slack's `ops` form and in Telegram's one-word form.
_SPELLINGS = (
    (re.compile(r"^/?ops\s+(?=\S)", re.IGNORECASE), ""),
    (re.compile(r"^/?(feed|keyword)s?[_ ](add|remove|list|test|pause|resume)\b", re.IGNORECASE), r"\1s \2"),
    (re.compile(r"^/?feed\b", re.IGNORECASE), "feeds"),
    (re.compile(r"^/?keyword\b", re.IGNORECASE), "keywords"),
)


def _nobody(about: str, words: str, now: datetime) -> Rows:
    return (), ()


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
        notices: Notifier = _nobody,
    ) -> None:
        """notices: the messages and rows that tell the owners something, see jobs/notices.py."""
        self.registry = Registry(groups)
        self._store = store
        self._newsroom = newsroom
        self._channels = channels
        self._clock = clock
        self._owners = owners
        self._notices = notices
        self._under_way: set[str] = set()
        """Ids of calls that were accepted and wait to be answered."""

    def menu(self) -> Sequence[MenuItem]:
        return [
            MenuItem(verb=c.verb, words=c.words[:256], owner=c.role is Role.OWNER)
            for c in self.registry.commands.values()
        ]

    async def answer(self, call: Call) -> Message | None:
        """The reply, once the effect is durable; a mistake is answered with what is wrong and how to ask."""
        return await self._replied(call, Changes(at=self._clock.now()))

    async def post(self, call: Call) -> Message | None:
        """See ports.Front.post: the effect and the row of the reply are one commit."""
        if call.id not in self._under_way and await self._store.handled(call.id):
            return None  # its reply went into the outbox with its effect
        now = self._clock.now()
        row = Delivery(
            key=delivery_key(call.chat.id, call.id, 1, Act.ANSWER),
            chat_id=call.chat.id,
            message_id=digest("answer", call.id),
            story_id="",
            revision=1,
            act=Act.ANSWER,
            target=call.thread,
            created=now,
            next_try=now,
        )
        known = await self._store.chat(call.chat.id)
        met = () if known else (replace(call.chat, since=now),)
        message = await self._replied(call, Changes(at=now, deliveries=(row,), chats=met))
        return message if await self._store.message(row.message_id) is None else None

    async def accept(self, call: Call) -> bool:
        if await self._store.handled(call.id):
            return False
        await self._store.commit(Changes(at=self._clock.now(), accepted=(call,)))
        self._under_way.add(call.id)
        return True

    async def accepted(self, channel: str) -> Sequence[Call]:
        left = [call for call in await self._store.accepted(channel) if call.id not in self._under_way]
        self._under_way.update(call.id for call in left)
        return left

    async def _replied(self, call: Call, base: Changes) -> Message | None:
        """The reply; where `base` has a row for it, or the call was accepted before, it is committed all the same."""
        prefix = "/tocsin " if call.chat.channel == "slack" else "/"
        try:
            reply = await self._decided(call, prefix)
            await self._remember(call, reply, base)
            return reply.message
        except StoreError as error:
            log.error("a command could not be remembered", call=call.id, error=str(error))
            return say(
                "I cannot write to my disk right now, so nothing was changed. The operator has been told; try later."
            )
        except Stale:
            return await self._excused(call, base, say("Somebody changed this at the same moment. Look again, please."))

    async def _decided(self, call: Call, prefix: str) -> Reply:
        """What the command says, or why it cannot be said. Raises StoreError, Stale."""
        try:
            return await self._run(call, prefix)
        except BadRequest as error:
            return Reply(_mistake(error))
        except (Stale, StoreError):
            raise
        except BotError as error:
            return Reply(say(str(error)))
        except Exception:
            log.exception("a command failed", call=call.id)
            return Reply(say(f"That went wrong on my side, and nothing was changed. The log knows it as {call.id}."))

    async def _excused(self, call: Call, base: Changes, message: Message) -> Message:
        """A reply without an effect, kept like any other."""
        with suppress(StoreError, Stale):
            await self._remember(call, Reply(message), base)
        return message

    async def changed(self, event: ChatEvent) -> None:
        """Remember what happened to a chat and its topics. Subscriptions are never deleted here. Raises StoreError."""
        now, new = self._clock.now(), event.chat
        changes = Changes(at=now)
        known = [c for c in await self._store.chats() if c.id == new.id or c.id.startswith(f"{new.id}/")]
        match event.what:
            case "moved":
                changes = replace(changes, moved=((new.id, event.detail),))
            case "left":
                reason = event.detail or "kicked"
                if going := [c for c in known if c.paused != reason]:
                    changes = self._left(going, reason, now)
            case "joined":
                back = (replace(c, paused="", since=None, probes=0) for c in known if c.paused)
                changes = replace(changes, chats=tuple(back))
            case "renamed":
                renamed = (replace(c, title=new.title) for c in known if c.title != new.title)
                changes = replace(changes, chats=tuple(renamed))
        if changes:
            await self._store.commit(changes)

    def _left(self, chats: Sequence[Chat], reason: str, now: datetime) -> Changes:
        """chats: one, or topics of one, of which the owners are told once."""
        changes = Changes(at=now, chats=tuple(replace(c, paused=reason, since=now) for c in chats))
        chat = chats[0]
        if chat.kind == "private":
            return changes
        words = f"Nothing reaches {chat.title or chat.id}: {PAUSES.get(reason, reason)}. What is due there is kept."
        messages, rows = self._notices(f"pause {chat.id} {reason} {now.isoformat()}", words, now)
        return replace(changes, messages=messages, deliveries=rows)

    async def _run(self, call: Call, prefix: str) -> Reply:
        written = call.text.strip()
        if len(written) > LONGEST_LINE:
            raise BadRequest(f"That is longer than {LONGEST_LINE} characters; I read shorter lines only.")
        for spelling, ours in _SPELLINGS:
            written = spelling.sub(ours, written, count=1)
        found, rest = self.registry.find(written, prefix)
        await self._authorise(found, call)
        if call.id not in self._under_way and await self._store.handled(call.id):
            return Reply(say("That is done already."))
        arguments = self.registry.arguments(found, rest, prefix)
        ask = Ask(call=call, now=self._clock.now(), prefix=prefix, owner=self._is_owner(call))
        try:
            return await found.run(ask, *arguments)
        except BadRequest as error:
            if not error.usage:
                error.usage = found.line(prefix)
                error.example = f"{prefix}{found.example}" if found.example else ""
            raise

    async def _remember(self, call: Call, reply: Reply, base: Changes) -> None:
        changes = reply.changes or Changes(at=base.at)
        chats = {chat.id: chat for chat in (*base.chats, *changes.chats)}
        known = chats.get(call.chat.id) or await self._store.chat(call.chat.id)
        if known and known.paused:
            # Somebody talks to us there, so it can be reached again.
            chats[known.id] = replace(known, paused="", since=None, probes=0)
        messages = tuple((row.message_id, reply.message) for row in base.deliveries)
        changes = replace(
            changes,
            chats=tuple(chats.values()),
            deliveries=(*changes.deliveries, *base.deliveries),
            messages=(*changes.messages, *messages),
        )
        if not changes and call.id not in self._under_way:
            return
        await self._store.commit(replace(changes, calls=(*changes.calls, call.id)))
        self._under_way.discard(call.id)
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

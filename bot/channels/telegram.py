"""Telegram through python-telegram-bot: long polling in, messages out, every failure named by what to do next."""

from __future__ import annotations

import asyncio
import os
import random
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import structlog
import telegram
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeDefault,
    Update,
)
from telegram.constants import ChatMemberStatus, ParseMode
from telegram.request import HTTPXRequest

from bot.channels.markup import JOINER, PLAIN, TELEGRAM, render
from bot.channels.telegram_errors import explained, seconds
from bot.core.chat import Act, Call, Chat, ChatEvent, Limits, Receipt
from bot.core.errors import StoreError, TokenDead
from bot.core.message import Message
from bot.core.outbox import backoff_s
from bot.core.ports import Clock, Front, MenuItem, Parcel

# The library warns on every flood limit unless asked for its coming form of `retry_after`.
os.environ.setdefault("PTB_TIMEDELTA", "true")
log = structlog.get_logger("telegram")
DEFAULT_BASE = "https://api.telegram.org"
POLL_S = 25
OLDEST_UPDATE_S = 24 * 3600
ADMIN_CACHE_S = 60.0
STORE_PAUSE_S = 15.0
_UPDATES = ["message", "channel_post", "callback_query", "my_chat_member"]
_STORY_ID = re.compile(r"#([0-9a-z]{6})\b")
_MOST_HANDLED = 16


class TelegramChannel:
    """Chats are `telegram:<id>` or `telegram:<id>/<topic>`."""

    name = "telegram"
    limits = Limits(
        text_max=4096,
        unit="utf16",
        edit=True,
        thread=True,
        buttons=True,
        per_chat_s=1.05,
        per_group_s=3.1,
        per_bot_s=1 / 27,  # of thirty; calls bunch on their way
        topics=True,
    )

    def __init__(
        self,
        token: str,
        clock: Clock,
        *,
        base_url: str = DEFAULT_BASE,
        owners: Iterable[str] = (),
        cursor: Callable[[], Awaitable[str]],
        save_cursor: Callable[[str], Awaitable[None]],
    ) -> None:
        """cursor, save_cursor: the update offset, kept in the store. owners: actors whose private menu has all."""
        base = (base_url or DEFAULT_BASE).rstrip("/")
        # Slow answers are waited for: giving up early makes copies.
        self._calls = HTTPXRequest(connection_pool_size=64, read_timeout=60, connect_timeout=10, pool_timeout=30)
        self._polls = HTTPXRequest(connection_pool_size=2, read_timeout=POLL_S + 10, connect_timeout=10)
        self._bot = Bot(
            token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=self._calls,
            get_updates_request=self._polls,
        )
        self._clock = clock
        self._owners = tuple(o.partition(":")[2] for o in owners if o.startswith("telegram:"))
        self._cursor = cursor
        self._save_cursor = save_cursor
        self._rng = random.Random()
        self._admins: dict[tuple[str, str], tuple[float, bool]] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._stuck: set[str] = set()
        """Chats of which an update of this batch could not be stored: what came after it there waits with it."""
        self._ahead: set[int] = set()
        """Updates dealt with while one before them waits for the disk."""
        self._ready = False
        self._passed = 0

    async def serve(self, front: Front) -> None:
        """Take updates in; the offset moves only past updates whose effect is durable."""
        failures = 0
        while True:
            try:
                await self._start(front)
                offset = max(self._passed, int(await self._cursor() or 0))
                if await self._take(front, offset):
                    failures = 0
                else:
                    failures += 1
                    await self._clock.sleep(min(STORE_PAUSE_S, backoff_s(failures, self._rng)))
            except (telegram.error.InvalidToken, telegram.error.Forbidden) as error:
                raise TokenDead("Telegram refuses the token; set a new TELEGRAM_BOT_TOKEN") from error
            except telegram.error.Conflict:
                failures += 1
                log.error(
                    "another process takes this bot's updates (or a webhook is set); stop it, one poller is allowed"
                )
                await self._clock.sleep(min(60.0, 5.0 * failures))
            except telegram.error.RetryAfter as error:
                await self._clock.sleep(seconds(error))
            except telegram.error.TelegramError as error:
                failures += 1
                if failures > 1:
                    log.warning("cannot take updates; trying again", error=type(error).__name__, failures=failures)
                await self._clock.sleep(min(60.0, backoff_s(failures, self._rng)))

    def parts(self, message: Message, plain_from: int | None = None) -> int:
        return len(_rendered(message, plain=plain_from is not None))

    async def send(self, parcel: Parcel) -> Receipt:
        text = _part(parcel)
        chat_id, thread = _address(parcel.chat_id)
        last = parcel.part + 1 >= len(_rendered(parcel.message, plain=parcel.plain))
        options: dict[str, Any] = {
            "text": text,
            "parse_mode": None if parcel.plain else ParseMode.HTML,
            "link_preview_options": telegram.LinkPreviewOptions(is_disabled=True),
            "reply_markup": _keyboard(parcel.message) if last else None,
        }
        try:
            if parcel.act is Act.EDIT:
                return await self._edit(chat_id, parcel.target, options)
            if parcel.act is Act.REPLY:
                options["reply_parameters"] = telegram.ReplyParameters(
                    int(parcel.target), allow_sending_without_reply=True
                )
            sent = await self._bot.send_message(chat_id, message_thread_id=thread, **options)
        except telegram.error.TelegramError as error:
            raise explained(error, parcel.chat_id) from None
        return Receipt(message_id=str(sent.message_id), at=self._clock.now())

    async def is_admin(self, actor: str, chat: Chat) -> bool:
        chat_id, _ = _address(chat.id)
        user = actor.partition(":")[2]
        if chat.kind == "private":
            return user == str(chat_id)
        if user == f"chat:{chat_id}":
            return True  # an anonymous administrator writes as the group itself
        known = self._admins.get((user, str(chat_id)))
        now = self._clock.monotonic()
        if known and known[0] > now:
            return known[1]
        try:
            member = await self._bot.get_chat_member(chat_id, int(user))
        except (telegram.error.TelegramError, ValueError):
            return False
        found = member.status in (ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.OWNER)
        self._admins[(user, str(chat_id))] = (now + ADMIN_CACHE_S, found)
        return found

    async def close(self) -> None:
        # Bot.shutdown does nothing when `serve` never got as far as to initialise it.
        await self._calls.shutdown()
        await self._polls.shutdown()

    async def _edit(self, chat_id: int | str, message_id: str, options: dict[str, Any]) -> Receipt:
        try:
            await self._bot.edit_message_text(chat_id=chat_id, message_id=int(message_id), **options)
        except telegram.error.BadRequest as error:
            if "not modified" not in str(error).lower():
                raise
        return Receipt(message_id=message_id, at=self._clock.now())

    async def _start(self, front: Front) -> None:
        if self._ready:
            return
        await self._bot.initialize()
        menu = front.menu()
        for_all = _menu([item for item in menu if not item.owner])
        await self._bot.set_my_commands(for_all, scope=BotCommandScopeDefault())
        await self._bot.set_my_commands(for_all, scope=BotCommandScopeAllPrivateChats())
        for owner in self._owners:
            try:
                await self._bot.set_my_commands(_menu(menu), scope=BotCommandScopeChat(int(owner)))
            except telegram.error.BadRequest:
                log.info("an owner has not written to the bot yet, so his menu is the common one", owner=owner)
        self._ready = True
        log.info("telegram is ready", bot=self._bot.username)

    async def _take(self, front: Front, offset: int) -> bool:
        """One batch: chats side by side, each chat in order; the offset moves past what has been dealt with, as far as
        the first update that could not be stored. False when there is one."""
        updates = await self._bot.get_updates(offset=offset, timeout=POLL_S, allowed_updates=_UPDATES)
        gate = asyncio.Semaphore(_MOST_HANDLED)
        self._turns.clear()
        self._stuck.clear()
        stored = True
        tasks = [asyncio.ensure_future(self._handled(front, update, gate)) for update in updates]
        try:
            for update, task in zip(updates, tasks, strict=True):
                stored = await task and stored
                if not stored:
                    continue
                self._passed = update.update_id + 1
                self._ahead.discard(update.update_id)
                try:
                    await self._save_cursor(str(self._passed))
                except StoreError as error:  # what these updates asked for knows itself again after a crash
                    log.error("cannot record how far updates were taken", error=str(error))
        finally:
            for task in tasks:
                task.cancel()
        return stored

    async def _handled(self, front: Front, update: Update, gate: asyncio.Semaphore) -> bool:
        """False when it has to be taken again, because what it says could not be stored."""
        where = str(update.effective_chat.id if update.effective_chat else 0)
        async with gate, self._turns.setdefault(where, asyncio.Lock()):
            if where in self._stuck:
                return False
            if update.update_id in self._ahead:
                return True
            try:
                await self._handle(front, update)
            except StoreError as error:
                log.error("an update cannot be stored; it is taken again", update=update.update_id, error=str(error))
                self._stuck.add(where)
                return False
            except telegram.error.TelegramError as error:
                log.warning("an update was left alone", update=update.update_id, error=type(error).__name__)
            except Exception:
                log.exception("an update could not be handled", update=update.update_id)
            self._ahead.add(update.update_id)
            return True

    async def _handle(self, front: Front, update: Update) -> None:
        if update.my_chat_member:
            await front.changed(_membership(update))
            return
        query, message = update.callback_query, update.effective_message
        if query:
            with suppress(telegram.error.BadRequest):  # too old, or answered before a crash: only its spinner is
                await self._bot.answer_callback_query(query.id)
        if message is None or update.edited_message or not isinstance(message, telegram.Message):
            return
        if message.migrate_to_chat_id:
            await front.changed(_event(update, "moved", f"telegram:{message.migrate_to_chat_id}"))
            return
        if (self._clock.now() - message.date).total_seconds() > OLDEST_UPDATE_S and not query:
            return
        text = query.data if query else self._command(message)
        if not text:
            return
        call = Call(
            id=f"telegram:{update.update_id}",
            text=text,
            chat=_chat(message),
            actor=_actor(message, query.from_user if query else None),
            actor_name=update.effective_user.full_name if update.effective_user else "",
            reply_to=_replied(message, self._bot.id),
            at=message.date,
        )
        unkept = await front.post(call)
        if unkept is not None:
            with suppress(telegram.error.TelegramError):  # nothing can be promised: he asks again
                texts = _rendered(unkept, plain=True)
                await self._bot.send_message(message.chat.id, texts[0], message_thread_id=_address(call.chat.id)[1])

    def _command(self, message: telegram.Message) -> str:
        """The command line of a message, "" when it is none for us."""
        text = (message.text or "").strip()
        if not text.startswith("/"):
            return text if message.chat.type == "private" else ""
        verb, _, rest = text[1:].partition(" ")
        verb, at, name = verb.partition("@")
        if at and name.lower() != (self._bot.username or "").lower():
            return ""
        return f"{verb} {rest}".strip()


def _rendered(message: Message, *, plain: bool) -> Sequence[str]:
    limits = TelegramChannel.limits
    return render(message, PLAIN if plain else TELEGRAM, limits.text_max, limits.unit)


def _part(parcel: Parcel) -> str:
    texts = _rendered(parcel.message, plain=parcel.plain)
    return texts[min(parcel.part, len(texts) - 1)]


def _address(chat_id: str) -> tuple[int | str, int | None]:
    """Platform id and forum topic. The general topic has no id of its own on the wire."""
    raw, _, topic = chat_id.partition(":")[2].partition("/")
    thread = int(topic) if topic.isdecimal() and topic != "1" else None
    return (int(raw) if re.fullmatch(r"-?\d+", raw) else raw), thread


def _chat(message: telegram.Message) -> Chat:
    chat = message.chat
    topic = f"/{message.message_thread_id}" if message.is_topic_message and message.message_thread_id else ""
    kind = {"private": "private", "channel": "channel"}.get(chat.type, "group")
    lang = message.from_user.language_code or "" if message.from_user else ""
    return Chat(id=f"telegram:{chat.id}{topic}", kind=kind, title=chat.effective_name or "", lang=lang)


def _actor(message: telegram.Message, presser: telegram.User | None) -> str:
    if presser:
        return f"telegram:{presser.id}"
    if message.sender_chat:
        return f"telegram:chat:{message.sender_chat.id}"
    return f"telegram:{message.from_user.id}" if message.from_user else "telegram:0"


def _replied(message: telegram.Message, me: int) -> str:
    answered = message.reply_to_message
    if not answered or not answered.from_user or answered.from_user.id != me:
        return ""
    found = _STORY_ID.findall((answered.text or "").replace(JOINER, ""))
    return found[-1] if found else ""


def _membership(update: Update) -> ChatEvent:
    change = update.my_chat_member
    assert change
    if change.new_chat_member.status in (ChatMemberStatus.BANNED, ChatMemberStatus.LEFT):
        return _event(update, "left", "blocked" if change.chat.type == "private" else "kicked")
    return _event(update, "joined", "")


def _event(update: Update, what: str, detail: str) -> ChatEvent:
    chat = update.effective_chat
    assert chat
    kind = {"private": "private", "channel": "channel"}.get(chat.type, "group")
    known = Chat(id=f"telegram:{chat.id}", kind=kind, title=chat.effective_name or "")
    return ChatEvent(id=f"telegram:{update.update_id}", what=what, chat=known, detail=detail)


def _menu(items: Sequence[MenuItem]) -> list[BotCommand]:
    return [BotCommand(item.verb, item.words[:256]) for item in items][:100]


def _keyboard(message: Message) -> telegram.InlineKeyboardMarkup | None:
    buttons = [
        telegram.InlineKeyboardButton(b.label, callback_data=b.command)
        for b in message.buttons
        if len(b.command.encode()) <= 64
    ]
    rows = [buttons[i : i + 3] for i in range(0, len(buttons), 3)]
    return telegram.InlineKeyboardMarkup(rows) if rows else None

"""Carry one part of what a chat gets next, and settle it by what the platform said."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.core import outbox
from bot.core.changes import Changes
from bot.core.chat import PAUSES, Act, Chat, Delivery, State
from bot.core.errors import BadMarkup, BotError, ChatMoved, MaybeSent, NotSent, Refused, SlowDown, StoreError, TokenDead
from bot.core.message import Message
from bot.core.ports import CanLook, Channel, Clock, Parcel, Store
from bot.jobs.notices import Notices
from bot.jobs.pace import Pace

log = structlog.get_logger("deliver")
TOKEN_PAUSE_S = 300.0
LOOK_AGAIN_S = 30.0
"""The least pause between two looks for a message."""
EDIT_WAITS_S = 30.0
LONGEST_WAIT_S = 86400.0
"""No platform asks for more; a longer one was written down under a clock that was wrong."""
ANSWER_KEPT = timedelta(hours=1)
"""Nobody waits longer for an answer."""


class Carrier:
    """What happens to one row. The pace, the order and the choice of the chat are the caller's."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        rng: random.Random,
        paces: Mapping[str, Pace],
        notices: Notices,
        *,
        repeat_unsure: bool,
    ) -> None:
        """paces: by channel. repeat_unsure: send again what may have arrived and cannot be looked for."""
        self._store = store
        self._clock = clock
        self._rng = rng
        self._paces = paces
        self._notices = notices
        self._repeat_unsure = repeat_unsure
        self._known: set[str] = set()
        """Chats whose wait from before this process was read."""
        self._owed: dict[str, Changes] = {}
        """By row: what became of a send, when it could not be written down. Until it is, nothing more goes there."""

    async def recover(self) -> None:
        """Rows a crash left in mid-send may or may not have arrived; times from a wrong clock are put right."""
        now = self._clock.steady()
        rows = []
        for row in await self._store.stranded(now + timedelta(days=1)):
            if row.state is State.SENDING:
                error = "the process ended while it was being sent"
                row = outbox.put_off(row, error, 0.0, now) if row.act is Act.EDIT else outbox.unsure(row, error, now)
            rows.append(outbox.within(row, now + timedelta(seconds=outbox.SETTLE_S)))
        if rows:
            await self._store.commit(Changes(at=self._clock.now(), deliveries=tuple(rows)))
        for channel, pace in self._paces.items():
            if left := await self._left_of(channel):
                pace.rest(self._clock.monotonic() + left)

    async def carry(self, channel: Channel, chat: Chat, head: Delivery) -> None:
        """Raises StoreError."""
        if await self._told_before(chat):
            return
        if owed := self._owed.get(head.key):
            await self._commit(head, owed)
            return
        message = await self._store.message(head.message_id)
        if message is None:
            await self._settle(outbox.give_up(head, "its message is no longer kept"))
            return
        if head.act is Act.ANSWER and self._clock.now() - head.created > ANSWER_KEPT:
            await self._settle(outbox.give_up(head, "nobody waits for it any more"))
            return
        grows = head.story_id and head.act in (Act.EDIT, Act.REPLY)
        first = await self._store.posted(head.chat_id, head.story_id) if grows else None
        if head.act is Act.EDIT and not (first and first.card and first.state is State.SENT and first.targets):
            waits = first is not None and first.card and first.waits
            now = self._clock.steady()
            gone = "there is no post of it here to edit, or it was shown before the chat moved"
            await self._settle(outbox.postpone(head, EDIT_WAITS_S, now) if waits else outbox.drop(head, gone))
            return
        parcel, parts = _parcel(channel, head, message, first)
        if head.state is State.AMBIGUOUS and not await self._must_repeat(channel, chat, head, parcel, parts):
            return
        head = outbox.begin(head)
        await self._settle(head)
        try:
            receipt = await channel.send(parcel)
        except BotError as error:
            await self._failed(chat, head, error)
        except Exception as error:  # an adapter's bug: nobody knows whether it was sent
            log.exception("a channel failed in an unforeseen way", chat=chat.id)
            await self._failed(chat, head, MaybeSent(f"{type(error).__name__} in the adapter"))
        else:
            await self._settle(outbox.part_shown(head, receipt, parts, self._clock.steady()), *await self._back(chat))

    async def _must_repeat(self, channel: Channel, chat: Chat, head: Delivery, parcel: Parcel, parts: int) -> bool:
        """Whether an ambiguous row has to be sent (again): only when it is known, or assumed, not to be there.

        A platform that can be asked is asked for as long as it takes. Of one that cannot, the operator decides whether
        it is repeated: the copy carries the same visible id.
        """
        now = self._clock.steady()
        if isinstance(channel, CanLook):
            try:
                receipt = await channel.look(parcel, head.created)
            except Refused as error:
                await self._failed(chat, head, error)
                return False
            except BotError as error:
                asked = error.after_s if isinstance(error, SlowDown) else 0.0
                wait = max(asked, LOOK_AGAIN_S, outbox.backoff_s(head.looks + 1, self._rng))
                log.warning("cannot see whether a message arrived; asking again", chat=chat.id, error=str(error))
                await self._settle(outbox.look_later(head, f"cannot see whether it arrived: {error}", wait, now))
                return False
            if receipt is not None:
                await self._settle(outbox.part_shown(head, receipt, parts, now))
            return receipt is None
        if not self._repeat_unsure:
            await self._settle(outbox.taken_for_sent(head, now))
        return self._repeat_unsure

    async def _back(self, chat: Chat) -> tuple[Chat, ...]:
        """The chat as one that can be reached, when that had been in doubt."""
        known = await self._store.chat(chat.id)
        return (replace(known, paused="", since=None, probes=0),) if known and known.probes else ()

    async def _failed(self, chat: Chat, row: Delivery, error: BotError) -> None:
        """Settle a row by what the error says to do next."""
        now, words = self._clock.steady(), str(error)
        changes = Changes(at=self._clock.now())
        match error:
            case SlowDown():
                self._wait(chat, error.after_s, whole_bot=error.whole_bot)
                whose = chat.channel if error.whole_bot else self._paces[chat.channel].key(chat.id)
                until = (now + timedelta(seconds=error.after_s)).isoformat()
                changes = replace(changes, cursors=((_wait_mark(whose), until),))
                row = outbox.put_off(row, words, error.after_s, now)
            case NotSent():
                row = outbox.put_off(row, words, outbox.backoff_s(row.attempts, self._rng), now)
            case ChatMoved():
                changes = replace(changes, moved=((chat.id, error.new_chat_id),))
                row = outbox.put_off(row, words, 0.0, now)
            case BadMarkup() if row.plain_from is None:
                row = replace(outbox.put_off(row, words, 0.0, now), plain_from=len(row.receipts))
            case TokenDead():
                log.error("the token is refused; nothing is sent until it is replaced", channel=chat.channel)
                self._wait(chat, TOKEN_PAUSE_S, whole_bot=True)
                await self._notices.sound(f"token {chat.channel}", f"{words}. Nothing is lost meanwhile.")
                row = outbox.put_off(row, words, TOKEN_PAUSE_S, now)
            case Refused(reason="message_gone") if row.act is Act.EDIT:
                row = outbox.drop(row, words)
            case Refused(reason="message_gone") if row.act is Act.REPLY:
                row = replace(outbox.put_off(row, words, 0.0, now), act=Act.POST)
            case Refused() if error.reason in PAUSES:
                changes = self._paused(changes, await self._store.chat(chat.id) or chat, error)
                row = outbox.put_off(row, words, 0.0, now) if row.act is not Act.ANSWER else outbox.give_up(row, words)
            case Refused():
                changes = self._dead(changes, chat, row, words)
                row = outbox.give_up(row, words)
            case _ if row.act is Act.EDIT:  # to say it twice changes nothing
                row = outbox.put_off(row, words, outbox.backoff_s(row.attempts, self._rng), now)
            case _:
                row = outbox.unsure(row, words, now)
        log.warning("not delivered", chat=chat.id, story=row.story_id, state=row.state.value, error=words)
        await self._commit(row, replace(changes, deliveries=(row, *changes.deliveries)))

    def _paused(self, changes: Changes, chat: Chat, error: Refused) -> Changes:
        """What is due there is kept; whoever can mend it is told, once."""
        changes = replace(changes, chats=(replace(chat, paused=error.reason, since=self._clock.steady()),))
        if chat.probes or chat.kind == "private":
            return changes
        words = f"Nothing reaches {chat.title or chat.id}: {PAUSES[error.reason]}. What is due there is kept."
        about = f"pause {chat.id} {error.reason} {changes.at.isoformat()}"
        messages, rows = self._notices.rows(about, words, changes.at, instead_of=chat.id)
        return replace(changes, messages=messages, deliveries=rows)

    def _dead(self, changes: Changes, chat: Chat, row: Delivery, words: str) -> Changes:
        log.error("a message can never be delivered; /dead lists it", chat=chat.id, story=row.story_id, error=words)
        about = f"dead {chat.id} {changes.at:%Y-%m-%d}"
        said = (
            f"A message for {chat.title or chat.id} cannot be delivered: {words}. /dead lists it, /retry tries again."
        )
        messages, rows = self._notices.rows(about, said, changes.at, instead_of=chat.id)
        return replace(changes, messages=messages, deliveries=rows)

    async def _told_before(self, chat: Chat) -> bool:
        """Whether a process before this one was told to wait in this chat, and the wait is not over."""
        key = self._paces[chat.channel].key(chat.id)
        if key in self._known:
            return False
        left = await self._left_of(key)
        if left:
            self._wait(chat, left, whole_bot=False)
        self._known.add(key)
        return left > 0

    async def _left_of(self, whose: str) -> float:
        """Seconds left of the wait written down for a channel or a chat; 0 when there is none."""
        mark = await self._store.cursor(_wait_mark(whose))
        left = (datetime.fromisoformat(mark) - self._clock.steady()).total_seconds() if mark else 0.0
        return left if 0 < left <= LONGEST_WAIT_S else 0.0

    def _wait(self, chat: Chat, seconds: float, *, whole_bot: bool) -> None:
        until = self._clock.monotonic() + seconds
        self._paces[chat.channel].told_to_wait(chat, until, whole_bot=whole_bot)

    async def _settle(self, row: Delivery, *chats: Chat) -> None:
        await self._commit(row, Changes(at=self._clock.now(), deliveries=(row,), chats=chats))

    async def _commit(self, row: Delivery, changes: Changes) -> None:
        try:
            await self._store.commit(changes)
        except StoreError:
            if row.state is not State.SENDING:  # a send that was only about to begin has not happened
                self._owed[row.key] = changes
            raise
        self._owed.pop(row.key, None)


def _wait_mark(whose: str) -> str:
    """Name of the mark that says until when a channel, or one chat, wants no calls: a restart does not end that."""
    return f"{whose}.wait"


def _parcel(channel: Channel, row: Delivery, message: Message, first: Delivery | None) -> tuple[Parcel, int]:
    """The next part, and how many there are. first: the row that posted the story here, of an edit or a reply."""
    parts, done = channel.parts(message, row.plain_from), len(row.receipts)
    shown = first.targets if first else ()
    if row.act is Act.EDIT:
        parts = min(parts, len(shown))
    target = shown[done if row.act is Act.EDIT else 0] if shown else row.target
    act = Act.REPLY if row.act is Act.ANSWER else row.act
    parcel = Parcel(
        key=row.key,
        chat_id=row.chat_id,
        message=message,
        act=act if target else Act.POST,
        part=done,
        target=target,
        plain_from=row.plain_from,
        alerts=bool(row.story_id) or row.act is Act.GATHERED,
        story_id=row.story_id,
    )
    return parcel, parts

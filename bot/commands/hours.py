"""When a chat wants to hear: its time zone, quiet hours, digest and mutes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from bot.commands.registry import NOTHING, Ask, Reply, Rest, command
from bot.core.changes import Changes
from bot.core.chat import Chat, Role
from bot.core.errors import BadRequest
from bot.core.habits import Habits, Mute
from bot.core.message import Button, Line, Message, bullets, code, line, note, say, text, title
from bot.core.ports import Store
from bot.judge import phrases
from bot.judge.gathering import Item, together
from bot.judge.hours import live_mutes, next_slot, quiet_ends, with_digest, with_zone
from bot.judge.text import fold

MOST = 50
"""Mutes of one chat."""
LONGEST = 80
"""Characters of a mute."""
_BUTTON = 60
"""Bytes of a command that fit behind a button."""
_TIME = re.compile(r"(?:^|\s)(for\s+\d.*|until\b.*|\d+(?:\.\d+)?[smhd])$", re.IGNORECASE)
_EVERYTHING = ("all", "everything")
T = TypeVar("T")


class Hours:
    def __init__(self, store: Store) -> None:
        self._store = store

    @command("timezone", role=Role.ADMIN, example="tz Asia/Shanghai")
    async def tz(self, ask: Ask, zone: Rest = NOTHING) -> Reply:
        """The time zone of this chat's quiet hours and digests."""
        chat = await self._chat(ask)
        if not zone:
            return _shown(ask, "tz Asia/Shanghai", _zone_words(chat.habits, ask.now))
        habits = with_zone(chat.habits, _read(phrases.parse_zone, zone), ask.now)
        return _done(ask, chat, habits, _zone_words(habits, ask.now))

    @command(
        role=Role.ADMIN,
        usage="[22:00-07:00 [weekdays | weekends] [except urgent] | off]",
        example="quiet 22:00-07:00 weekdays",
    )
    async def quiet(self, ask: Ask, hours: Rest = NOTHING) -> Reply:
        """Hours in which this chat hears nothing, or nothing but what is urgent."""
        chat = await self._chat(ask)
        if not hours:
            return _shown(
                ask,
                "quiet 22:00-07:00 weekdays",
                phrases.quiet_words(chat.habits.quiet),
                *_quiet_now(chat.habits, ask.now),
            )
        wanted = None if hours.lower() == "off" else _read(phrases.parse_quiet, hours)
        habits = replace(chat.habits, quiet=wanted)
        return _done(ask, chat, habits, phrases.quiet_words(wanted), *_quiet_now(habits, ask.now))

    @command(
        role=Role.ADMIN,
        usage="[hourly | daily 08:30 | weekly mon 09:00 | off | now] [except urgent]",
        example="digest daily 08:30 except urgent",
    )
    async def digest(self, ask: Ask, when: Rest = NOTHING) -> Reply:
        """Alerts together at a time of yours, instead of one by one."""
        chat = await self._chat(ask)
        if not when:
            example = "digest daily 08:30 except urgent"
            return _shown(ask, example, phrases.digest_words(chat.habits.digest), *_next_digest(chat.habits, ask.now))
        if when.lower() == "now":
            return await self._digest_now(ask, chat)
        wanted = None if when.lower() == "off" else _read(phrases.parse_digest, when)
        habits = with_digest(chat.habits, wanted, ask.now)
        return _done(ask, chat, habits, phrases.digest_words(wanted), *_next_digest(habits, ask.now))

    @command(
        role=Role.ADMIN,
        usage="[words or alert id] [for 8h | until 09:00]",
        example="mute didi for 8h",
    )
    async def mute(self, ask: Ask, what: Rest = NOTHING) -> Reply:
        """Hear no more of some words, of one story (its id, or as a reply to it), or of anything."""
        chat = await self._chat(ask)
        if not what and not ask.call.reply_to:  # to silence everything for good, somebody has to say so
            return _shown(ask, "mute didi for 8h", *_mute_words(chat.habits, ask.now))
        found = _TIME.search(what)
        written = what[: found.start()].strip() if found else what.strip()
        until = _until(ask, chat, found[1]) if found else None
        return self._muted(ask, chat, Mute(what=await self._what(ask, written), until=until))

    @command(role=Role.ADMIN, usage="<8h | until 09:00>", example="snooze 8h")
    async def snooze(self, ask: Ask, time: Rest = NOTHING) -> Reply:
        """Hear nothing for a while; as a reply to an alert, nothing of that story."""
        chat = await self._chat(ask)
        if not time:
            return _shown(ask, "snooze 8h", *_mute_words(chat.habits, ask.now))
        until = _until(ask, chat, time)
        return self._muted(ask, chat, Mute(what=await self._what(ask, ""), until=until))

    @command(role=Role.ADMIN, usage="[words, alert id or all]", example="unmute didi")
    async def unmute(self, ask: Ask, what: Rest = NOTHING) -> Reply:
        """End a mute, or all of them."""
        chat = await self._chat(ask)
        live = live_mutes(chat.habits, ask.now)
        if not live:
            return Reply(say("Nothing is muted."))
        reply_to = ask.call.reply_to
        if not what and not reply_to and len(live) > 1:
            commands = [(phrases.muted(m), f"unmute {m.what or 'everything'}") for m in live]
            buttons = [Button(label, to) for label, to in commands if len(to.encode()) <= _BUTTON][:8]
            listed = bullets(*(phrases.mute_words(m, chat.habits.zone) for m in live))
            return Reply(Message((text("Which one?"), listed), buttons=(*buttons, Button("all", "unmute all"))))
        asked = what or (f"#{reply_to}" if reply_to else "all")
        ended = await self._ended(live, asked)
        if not ended:
            raise BadRequest(f"{asked[:40]!r} is not muted; what is: {', '.join(map(phrases.muted, live))}")
        habits = replace(chat.habits, mutes=tuple(m for m in live if m not in ended))
        return _done(ask, chat, habits, f"{', '.join(map(phrases.muted, ended))} can be heard again.")

    @command(example="mutes")
    async def mutes(self, ask: Ask) -> Reply:
        """What this chat hears nothing of, and until when."""
        chat = await self._chat(ask)
        return _shown(ask, "mute didi for 8h", *_mute_words(chat.habits, ask.now))

    @command(example="settings")
    async def settings(self, ask: Ask) -> Reply:
        """Everything this chat has set: topics, time zone, quiet hours, digest, mutes."""
        habits, now = (await self._chat(ask)).habits, ask.now
        mine = await self._store.chat_subscriptions(ask.call.chat.id)
        topics = ", ".join(f"{s.topic} from a score of {s.least:g}" if s.least else s.topic for s in mine)
        sentences = (
            f"This chat gets {topics}." if topics else "This chat gets nothing yet.",
            *phrases.words(replace(habits, mutes=live_mutes(habits, now))),
            *_quiet_now(habits, now),
            *_next_digest(habits, now),
        )
        verbs = " · ".join(f"{ask.prefix}{verb}" for verb in ("subscribe", "tz", "quiet", "digest", "mute"))
        return Reply(Message((title("Settings of this chat"), bullets(*sentences), note(f"To change them: {verbs}"))))

    async def _digest_now(self, ask: Ask, chat: Chat) -> Reply:
        """All that is held here, whatever it waits for."""
        items = [
            Item(row, await self._store.message(row.message_id) or Message(()), await self._store.story(row.story_id))
            for row in await self._store.held(chat.id)
        ]
        if not items:
            return Reply(say("Nothing is held here."))
        return Reply(say("Here it comes."), together(chat, items, ask.now))

    async def _chat(self, ask: Ask) -> Chat:
        return await self._store.chat(ask.call.chat.id) or ask.call.chat

    def _muted(self, ask: Ask, chat: Chat, mute: Mute) -> Reply:
        others = tuple(m for m in live_mutes(chat.habits, ask.now) if m.what != mute.what)
        if len(others) >= MOST:
            raise BadRequest(f"This chat has {MOST} mutes already; end one first")
        habits = replace(chat.habits, mutes=(*others, mute))
        ends = code(f"{ask.prefix}unmute {mute.what or 'everything'}")
        said = line("Done: ", phrases.mute_words(mute, chat.habits.zone), " ", ends, " ends it.")
        return _kept(ask, chat, habits, said)

    async def _what(self, ask: Ask, written: str) -> str:
        """Mute.what for what somebody wrote, or for the alert that was replied to. Raises BadRequest."""
        asked = written or (f"#{ask.call.reply_to}" if ask.call.reply_to else "")
        if not asked or asked.lower() in _EVERYTHING:
            return ""
        if asked.lower() == "off":
            raise BadRequest(f"To end a mute, write {ask.prefix}unmute")
        if name := await self._alert(asked):
            return name
        if asked.startswith("#"):
            raise BadRequest(f"I know no alert {asked[:40]!r}; words are muted without #")
        words = fold(asked).strip()
        if len(words) > LONGEST or not any(map(str.isalnum, words)):
            raise BadRequest(f"What is muted has letters or digits in it, and at most {LONGEST} characters")
        return words

    async def _alert(self, written: str) -> str:
        """`#a1b2c3` for an alert's id, with or without #; "" for anything else. One that became part of another
        stands for the other."""
        name = written.lower().removeprefix("#")
        story = await self._store.story(name) if re.fullmatch(r"[0-9a-z]{6}", name) else None
        return f"#{story.merged_into or story.id}" if story else ""

    async def _ended(self, live: tuple[Mute, ...], written: str) -> tuple[Mute, ...]:
        asked = written.lower()
        if asked == "all":
            return live
        name = f"#{asked.removeprefix('#')}"
        wanted = {fold(asked).strip(), name, await self._alert(asked) or name}
        return tuple(m for m in live if m.what in wanted or (not m.what and asked == "everything"))


def _shown(ask: Ask, example: str, *sentences: str) -> Reply:
    return Reply(Message((text(*sentences), note("Example: ", code(f"{ask.prefix}{example}")))))


def _done(ask: Ask, chat: Chat, habits: Habits, *sentences: str) -> Reply:
    return _kept(ask, chat, habits, line(f"Done: {sentences[0]}"), *map(line, sentences[1:]))


def _kept(ask: Ask, chat: Chat, habits: Habits, *lines: Line) -> Reply:
    changes = Changes(at=ask.now, chats=(replace(chat, habits=habits),))
    return Reply(Message((text(*lines),)), changes)


def _read(parse: Callable[[str], T], written: str) -> T:
    try:
        return parse(written)
    except ValueError as error:
        raise BadRequest(_sentence(error)) from None


def _until(ask: Ask, chat: Chat, written: str) -> datetime:
    return _read(lambda text: phrases.parse_until(text, ask.now, chat.habits.zone), written)


def _sentence(error: ValueError) -> str:
    said = str(error)
    return said[:1].upper() + said[1:]


def _zone_words(habits: Habits, now: datetime) -> str:
    return f"Times are those of {habits.zone}, where it is {phrases.stamp(now, habits.zone).partition(' (')[0]}."


def _quiet_now(habits: Habits, now: datetime) -> list[str]:
    ends = quiet_ends(habits, now)
    return [f"It is quiet now, until {phrases.stamp(ends, habits.zone)}."] if ends else []


def _next_digest(habits: Habits, now: datetime) -> list[str]:
    comes = next_slot(habits, now)
    return [f"The next digest comes {phrases.stamp(comes, habits.zone)}."] if comes else []


def _mute_words(habits: Habits, now: datetime) -> list[str]:
    return [phrases.mute_words(m, habits.zone) for m in live_mutes(habits, now)] or ["Nothing is muted."]

"""`Changes`: the one frozen value by which anything is remembered. Polls, commands and deliveries all make one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter

from bot.core.chat import Call, Chat, Delivery, Keyword, Subscription
from bot.core.message import Message
from bot.core.news import Feed, FeedState, Judged, Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Who changed what, where and when; kept with the change itself."""

    at: datetime
    actor: str
    chat_id: str
    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Everything one step decided. A store applies it whole or not at all, in one durable write.

    seen: keys (of entries, aliases) remembered from `at` on; a key already there keeps its first time.
    deliveries: rows with seq 0 are new (the store gives them the next seq of their chat; a key already in the
        outbox is left as it is, but for an EDIT of a higher revision, which takes its place); rows with a seq replace
        the row of the same key, but for an EDIT that has been overtaken.
    messages: (message_id, message) shown by deliveries; a message_id already there is left as it is.
    shown: (story id, revision): posts of this story are being brought up to this revision.
    calls: ids of calls whose effect is in this very value, so that a repeat is known. accepted: calls to be answered
        yet, whatever happens to this process.
    cursors: (name, value) marks of the adapters, e.g. `telegram.offset`.
    moved: (old chat id, new chat id): every row that names the old one now names the new one; ids of messages shown
        under the old one are forgotten.
    `*_gone` hold ids or keys to forget: feed ids, subscription keys, keyword keys, chat ids.
    expect: (name, version) that must still hold, else Stale; names are `keywords` and `feeds`, whose versions
        grow by one with every commit that touches them.
    """

    at: datetime
    seen: tuple[str, ...] = ()
    states: tuple[FeedState, ...] = ()
    states_gone: tuple[str, ...] = ()
    entries: tuple[Judged, ...] = ()
    stories: tuple[Story, ...] = ()
    messages: tuple[tuple[str, Message], ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    shown: tuple[tuple[str, int], ...] = ()
    chats: tuple[Chat, ...] = ()
    chats_gone: tuple[str, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    subscriptions_gone: tuple[str, ...] = ()
    feeds: tuple[Feed, ...] = ()
    feeds_gone: tuple[str, ...] = ()
    keywords: tuple[Keyword, ...] = ()
    keywords_gone: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    accepted: tuple[Call, ...] = ()
    cursors: tuple[tuple[str, str], ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    audit: tuple[Audit, ...] = ()
    expect: tuple[tuple[str, int], ...] = ()

    @property
    def only_states(self) -> bool:
        """Whether nothing has changed but when feeds are looked at next: what a crash may forget."""
        return not any(_beside_states(self))

    def __bool__(self) -> bool:
        """False when there is nothing to remember."""
        return any(getattr(self, f.name) for f in fields(self) if f.name not in ("at", "expect"))


_beside_states = attrgetter(*(f.name for f in fields(Changes) if f.name not in ("at", "states")))

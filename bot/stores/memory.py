"""The reference store: plain dicts and scans, obviously right. Everything is lost when the process ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.core import outbox
from bot.core.changes import Audit, Changes
from bot.core.chat import POSTS, Act, Call, Chat, Delivery, Keyword, State, Subscription
from bot.core.errors import Stale
from bot.core.message import Message
from bot.core.news import Feed, FeedState, Judged, Story
from bot.stores.folding import fold, terms


class MemoryStore:
    """Implements ports.Store; the measure for every other store."""

    def __init__(self) -> None:
        self._seen: dict[str, datetime] = {}
        self._states: dict[str, FeedState] = {}
        self._entries: list[Judged] = []
        self._stories: dict[str, Story] = {}
        self._messages: dict[str, Message] = {}
        self._shown: dict[str, int] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._last: dict[str, int] = {}
        self._chats: dict[str, Chat] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._feeds: dict[str, Feed] = {}
        self._keywords: dict[str, Keyword] = {}
        self._calls: dict[str, datetime] = {}
        self._inbox: dict[str, Call] = {}
        self._cursors: dict[str, str] = {}
        self._audit: list[Audit] = []
        self._versions = {"keywords": 0, "feeds": 0}

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def commit(self, changes: Changes) -> None:
        for name, version in changes.expect:
            if self._versions[name] != version:
                raise Stale(f"{name} are at version {self._versions[name]}, not {version}")
        for old, new in changes.moved:
            self._move(old, new)
        for key in changes.seen:
            self._seen.setdefault(key, changes.at)
        self._states.update({s.feed_id: s for s in changes.states})
        for feed_id in changes.states_gone:
            self._states.pop(feed_id, None)
        again = {j.entry.key for j in changes.entries}
        self._entries = [j for j in self._entries if j.entry.key not in again] + list(changes.entries)
        self._stories.update({s.id: s for s in changes.stories})
        self._shown.update(changes.shown)
        for message_id, message in changes.messages:
            self._messages.setdefault(message_id, message)
        for row in changes.deliveries:
            self._put_delivery(row)
        self._chats.update({c.id: c for c in changes.chats})
        for chat_id in changes.chats_gone:
            self._chats.pop(chat_id, None)
        for key in changes.subscriptions_gone:
            self._subscriptions.pop(key, None)
        self._subscriptions.update({s.key: s for s in changes.subscriptions})
        for feed_id in changes.feeds_gone:
            self._feeds.pop(feed_id, None)
        self._feeds.update({f.id: f for f in changes.feeds})
        for key in changes.keywords_gone:
            self._keywords.pop(key, None)
        self._keywords.update({k.key: k for k in changes.keywords})
        self._calls.update(dict.fromkeys((*changes.calls, *(c.id for c in changes.accepted)), changes.at))
        self._inbox.update({c.id: c for c in changes.accepted})
        for call_id in changes.calls:
            self._inbox.pop(call_id, None)
        self._cursors.update(changes.cursors)
        self._audit.extend(changes.audit)
        self._versions["keywords"] += bool(changes.keywords or changes.keywords_gone)
        self._versions["feeds"] += bool(changes.feeds or changes.feeds_gone)

    def _put_delivery(self, row: Delivery) -> None:
        known = self._deliveries.get(row.key)
        if known is None and row.seq == 0:
            last = self._last.get(row.chat_id, 0) + 1
            self._last[row.chat_id] = last
            row = replace(row, seq=last)
        elif known is None or (row.seq == 0 and not known.overtaken_by(row)) or row.overtaken_by(known):
            return
        else:
            if row.chat_id != known.chat_id:  # settled under the old id of a chat that has moved meanwhile
                row = outbox.moved(row, known.chat_id, known.seq)
            row = replace(row, seq=known.seq)
        self._deliveries[row.key] = row
        if row.forgotten:
            del self._deliveries[row.key]
            self._messages.pop(row.message_id, None)

    def _move(self, old: str, new: str) -> None:
        if chat := self._chats.pop(old, None):
            self._chats[new] = replace(chat, id=new, paused="")
        for sub in [s for s in self._subscriptions.values() if s.chat_id == old]:
            del self._subscriptions[sub.key]
            moved = replace(sub, chat_id=new)
            self._subscriptions.setdefault(moved.key, moved)
        last = self._last.get(new, 0)
        self._last.pop(old, None)
        for row in sorted((d for d in self._deliveries.values() if d.chat_id == old), key=lambda d: d.seq):
            self._deliveries[row.key] = outbox.moved(row, new, last + row.seq)
            self._last[new] = last + row.seq

    async def states(self) -> Sequence[FeedState]:
        return list(self._states.values())

    async def due(self, now: datetime, limit: int) -> Sequence[FeedState]:
        return sorted((s for s in self._states.values() if s.next_check <= now), key=lambda s: s.next_check)[:limit]

    async def unseen(self, keys: Iterable[str]) -> frozenset[str]:
        return frozenset(key for key in keys if key not in self._seen)

    async def live_stories(self, since: datetime) -> Sequence[Story]:
        return sorted((s for s in self._stories.values() if s.last_update >= since), key=lambda s: s.first_seen)

    async def subscriptions(self) -> Sequence[Subscription]:
        return list(self._subscriptions.values())

    async def chats(self) -> Sequence[Chat]:
        return list(self._chats.values())

    async def accepted(self, channel: str) -> Sequence[Call]:
        calls = [c for c in self._inbox.values() if c.chat.channel == channel]
        return sorted(calls, key=lambda c: (self._calls[c.id], c.id))

    async def latest(self, topics: Sequence[str], limit: int) -> Sequence[Story]:
        wanted = [s for s in self._stories.values() if not topics or set(topics) & set(s.topics)]
        return sorted(wanted, key=lambda s: s.first_seen, reverse=True)[:limit]

    async def search(self, words: str, limit: int) -> Sequence[Story]:
        asked = words.split()
        found = [s for s in self._stories.values() if asked and all(holds(s, word) for word in asked)]
        return sorted(found, key=lambda s: s.first_seen, reverse=True)[:limit]

    async def story(self, story_id: str) -> Story | None:
        return self._stories.get(story_id)

    async def judged(self, key: str) -> Judged | None:
        return next((j for j in reversed(self._entries) if key in (j.entry.key, *j.entry.aliases)), None)

    async def history(self, since: datetime) -> Sequence[Judged]:
        return [j for j in self._entries if j.at >= since]

    async def audit(self, limit: int) -> Sequence[Audit]:
        return list(reversed(self._audit))[:limit]

    async def chat(self, chat_id: str) -> Chat | None:
        return self._chats.get(chat_id)

    async def chat_subscriptions(self, chat_id: str) -> Sequence[Subscription]:
        return sorted((s for s in self._subscriptions.values() if s.chat_id == chat_id), key=lambda s: s.created)

    async def feeds(self) -> Sequence[Feed]:
        return list(self._feeds.values())

    async def keywords(self) -> Sequence[Keyword]:
        return list(self._keywords.values())

    async def handled(self, call_id: str) -> bool:
        return call_id in self._calls

    async def counts(self) -> Mapping[str, int]:
        by_state = {state.value: 0 for state in State}
        for row in self._deliveries.values():
            by_state[row.state.value] += 1
        return {
            "seen": len(self._seen),
            "entries": len(self._entries),
            "stories": len(self._stories),
            "chats": len(self._chats),
            "subscriptions": len(self._subscriptions),
            "feeds": len(self._feeds),
            **by_state,
            **{f"version.{name}": version for name, version in self._versions.items()},
        }

    async def waiting(self, now: datetime, limit: int, busy: Callable[[str], bool] | None = None) -> Sequence[str]:
        found = []
        for chat_id in {d.chat_id for d in self._deliveries.values() if d.open}:
            heads = self._heads(chat_id)
            due = [d for d in heads if d.next_try <= now]
            if due and not self._paused(chat_id) and not (busy and busy(chat_id)):
                found.append((min(d.act.rank for d in due), min(d.next_try for d in heads), chat_id))
        return [chat_id for _, _, chat_id in sorted(found)][:limit]

    async def head(self, chat_id: str, now: datetime | None = None) -> Delivery | None:
        return next((d for d in self._heads(chat_id) if now is None or d.next_try <= now), None)

    def _heads(self, chat_id: str) -> list[Delivery]:
        rows = sorted((d for d in self._deliveries.values() if d.chat_id == chat_id and d.open), key=lambda d: d.seq)
        edits = sorted((d for d in rows if d.act is Act.EDIT), key=lambda d: d.next_try)
        firsts = [next((d for d in rows if d.act.lane == lane), None) for lane in range(Act.EDIT.lane)]
        return [*(d for d in firsts if d), *edits]

    async def backlog(self, chat_id: str) -> Sequence[Delivery]:
        rows = [d for d in self._deliveries.values() if d.chat_id == chat_id and d.open]
        return sorted((d for d in rows if d.act.lane == Act.POST.lane), key=lambda d: d.seq)

    async def holding(self) -> Sequence[str]:
        return list(dict.fromkeys(d.chat_id for d in self._deliveries.values() if d.state is State.HELD))

    async def held(self, chat_id: str) -> Sequence[Delivery]:
        rows = [d for d in self._deliveries.values() if d.chat_id == chat_id and d.state is State.HELD]
        return sorted(rows, key=lambda d: d.seq)

    async def grown(self) -> Sequence[Story]:
        told = [s for s in self._stories.values() if not s.silent and not s.merged_into]
        return [s for s in told if s.revision > self._shown.get(s.id, 1)]

    async def stranded(self, latest: datetime) -> Sequence[Delivery]:
        rows = [d for d in self._deliveries.values() if d.open]
        return [d for d in rows if d.state is State.SENDING or d.next_try > latest]

    async def message(self, message_id: str) -> Message | None:
        return self._messages.get(message_id)

    async def posted(self, chat_id: str, story_id: str) -> Delivery | None:
        mine = [d for d in self._deliveries.values() if d.chat_id == chat_id and d.story_id == story_id]
        rows = [d for d in mine if d.act in POSTS]
        return min(rows, key=lambda d: d.seq, default=None)

    async def dead(self, limit: int) -> Sequence[Delivery]:
        rows = [d for d in self._deliveries.values() if d.state is State.DEAD]
        return sorted(rows, key=lambda d: (d.created, d.key), reverse=True)[:limit]

    async def cursor(self, name: str) -> str:
        return self._cursors.get(name, "")

    async def tidy(self, before: datetime) -> int:
        kept_rows = {k: d for k, d in self._deliveries.items() if d.waits or d.created >= before}
        needed = {d.story_id for d in kept_rows.values() if d.waits}
        kept_stories = {k: s for k, s in self._stories.items() if s.last_update >= before or k in needed}
        shown = {d.message_id for d in kept_rows.values()}
        kept_messages = {k: m for k, m in self._messages.items() if k in shown}
        kept_seen = {k: at for k, at in self._seen.items() if at >= before}
        kept_calls = {k: at for k, at in self._calls.items() if at >= before or k in self._inbox}
        kept_entries = [j for j in self._entries if j.at >= before]
        pairs: list[tuple[int, int]] = [
            (len(self._deliveries), len(kept_rows)),
            (len(self._stories), len(kept_stories)),
            (len(self._messages), len(kept_messages)),
            (len(self._seen), len(kept_seen)),
            (len(self._calls), len(kept_calls)),
            (len(self._entries), len(kept_entries)),
        ]
        self._deliveries, self._stories, self._messages = kept_rows, kept_stories, kept_messages
        self._shown = {k: n for k, n in self._shown.items() if k in kept_stories}
        self._seen, self._calls, self._entries = kept_seen, kept_calls, kept_entries
        return sum(had - has for had, has in pairs)

    def _paused(self, chat_id: str) -> bool:
        chat = self._chats.get(chat_id)
        return bool(chat and chat.paused)


def searchable(story: Story) -> str:
    """The text a story is found by."""
    return "\n".join((story.id, story.title, story.summary, *(f"{r.title} {r.source}" for r in story.reports)))


def holds(story: Story, word: str) -> bool:
    """Whether a story holds one word of a query: Chinese inside the text, Latin words whole or as a beginning."""
    asked = list(dict.fromkeys(terms(word)))
    if not asked:
        return False
    text = fold(searchable(story))
    return fold(word) in text if any(c >= "\u3400" for c in fold(word)) else set(asked) <= set(terms(text))

"""Everything that stays, in TinyDB over a journal: one commit is one durable record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import orjson
import structlog

from bot.core.changes import Audit, Changes
from bot.core.chat import POSTS, Call, Chat, Delivery, Keyword, State, Subscription
from bot.core.errors import Full
from bot.core.identity import delivery_key, key_number
from bot.core.message import Message
from bot.core.news import Feed, FeedState, Judged, Story
from bot.stores import codec
from bot.stores.archive import ColdFile
from bot.stores.codec import Codec, T
from bot.stores.disk import Disk
from bot.stores.draft import META, Draft, Meta
from bot.stores.journal import ROTATE_BYTES, Journal, Ops, Rows
from bot.stores.queue import ChatQueues, Turn
from bot.stores.search import StorySearch
from bot.stores.table import JournalDB, JournalStorage

log = structlog.get_logger("store")


class TinyStore:
    """Implements ports.Store. Rows live as JSON in memory; small busy tables are kept decoded beside them."""

    def __init__(self, directory: Path, *, disk: Disk | None = None, rotate_bytes: int = ROTATE_BYTES) -> None:
        """directory: made when it is not there; holds the journal, its snapshots, the archive and the lock."""
        self._directory = directory
        self._disk = disk or Disk()
        self.journal = Journal(directory, self._disk, rotate_bytes)
        self.db = JournalDB(self.journal, storage=JournalStorage)
        self._cold: ColdFile | None = None
        self._meta: Meta = {}

    async def open(self) -> None:
        self.journal.open()
        meta = self._rows("meta").get(META)
        self._meta = orjson.loads(meta) if isinstance(meta, bytes) else {}
        self._cold = self._cold_file(self._meta.get("archive", 0))
        self._cold.open(self._meta.get("archive_length", 0))
        self._say_what_is_lost()
        self._states = {s.feed_id: s for s in self._all("states", codec.STATE)}
        self._know_people()
        self._search = StorySearch(lambda: self._all("stories", codec.STORY))
        self._index_deliveries()

    def _say_what_is_lost(self) -> None:
        """No alert needs past decisions, so that they are gone stops nothing; but somebody should know."""
        wanted = self._meta.get("archive_length", 0)
        if self._cold and self._cold.length < wanted:
            log.error(
                "the archive is cut short, so past decisions cannot be looked up; restore a backup, or go on without "
                f"them: python -m bot db repair --data {self._directory}",
                file=str(self._cold.path),
                at_byte=self._cold.length,
                of=wanted,
            )

    async def close(self) -> None:
        if self._cold:
            self._cold.close()
            self._cold = None
        self.journal.close()

    async def commit(self, changes: Changes) -> None:
        draft = Draft(self.journal.tables, self._meta, self._queues.next_seq)
        draft.fill(changes, lambda chat_id: tuple(self._queues.rows(chat_id)))
        ops = draft.close(self._meta)
        if not ops:
            return
        self.journal.commit(ops)
        self._meta = draft.meta
        for state in changes.states:
            self._states[state.feed_id] = state
        for feed_id in changes.states_gone:
            self._states.pop(feed_id, None)
        for story in changes.stories:
            self._search.put(story)
        if changes.moved:
            self._know_people()
            self._index_deliveries()
        else:
            self._meet(changes)
            for number, row in draft.deliveries.items():
                self._queues.put(number, Turn.of(row))
            for number, row in draft.forgotten.items():
                self._queues.forget(number, Turn.of(row))
        if self.journal.wants_rotation:
            self._rotate()

    async def states(self) -> Sequence[FeedState]:
        return list(self._states.values())

    async def due(self, now: datetime, limit: int) -> Sequence[FeedState]:
        return sorted((s for s in self._states.values() if s.next_check <= now), key=lambda s: s.next_check)[:limit]

    async def unseen(self, keys: Iterable[str]) -> frozenset[str]:
        seen = self.db.table("seen")
        return frozenset(key for key in keys if not seen.contains(doc_id=key_number(key)))

    async def live_stories(self, since: datetime) -> Sequence[Story]:
        live = [s for s in self._all("stories", codec.STORY) if s.last_update >= since]
        return sorted(live, key=lambda s: s.first_seen)

    async def subscriptions(self) -> Sequence[Subscription]:
        return list(self._subscriptions.values())

    async def chats(self) -> Sequence[Chat]:
        return list(self._chats.values())

    async def latest(self, topics: Sequence[str], limit: int) -> Sequence[Story]:
        return self._stories(self._search.newest(topics, limit))

    async def search(self, words: str, limit: int) -> Sequence[Story]:
        return self._stories(self._search.find(words, limit))

    async def story(self, story_id: str) -> Story | None:
        return self._one("stories", story_id, codec.STORY)

    async def judged(self, key: str) -> Judged | None:
        number = self._rows("aliases").get(key_number(key))
        if not isinstance(number, int):
            return None
        row = self._rows("entries").get(number)
        if row is None:
            offset = self._rows("cold").get(number)
            row = self._cold.get(offset) if self._cold and isinstance(offset, int) else None
        judged = codec.JUDGED.load(row) if isinstance(row, bytes) else None
        # In an archive that was cut short, what came later may stand where the decision stood.
        return judged if judged and key_number(judged.entry.key) == number else None

    async def history(self, since: datetime) -> Sequence[Judged]:
        found = [j for _, j, _ in self._archived() if j.at >= since]
        found += [j for j in self._all("entries", codec.JUDGED) if j.at >= since]
        return found

    async def audit(self, limit: int) -> Sequence[Audit]:
        rows = self._rows("audit")
        newest = sorted(rows, reverse=True)[:limit]
        return [codec.AUDIT.load(row) for row in (rows[i] for i in newest) if isinstance(row, bytes)]

    async def chat(self, chat_id: str) -> Chat | None:
        return self._chats.get(chat_id)

    async def chat_subscriptions(self, chat_id: str) -> Sequence[Subscription]:
        return sorted((s for s in self._subscriptions.values() if s.chat_id == chat_id), key=lambda s: s.created)

    async def feeds(self) -> Sequence[Feed]:
        return list(self._all("feeds", codec.FEED))

    async def keywords(self) -> Sequence[Keyword]:
        return list(self._all("keywords", codec.KEYWORD))

    async def handled(self, call_id: str) -> bool:
        return bool(self.db.table("calls").contains(doc_id=key_number(call_id)))

    async def counts(self) -> Mapping[str, int]:
        tables = ("seen", "stories", "chats", "subscriptions", "feeds")
        return {
            **{name: len(self.db.table(name)) for name in tables},
            "entries": len(self._rows("entries")) + len(self._rows("cold")),
            **{state.value: self._queues.by_state[state.value] for state in State},
            **{f"version.{name}": self._meta.get(name, 0) for name in ("keywords", "feeds")},
        }

    async def accepted(self, channel: str) -> Sequence[Call]:
        calls = [call for call in self._all("inbox", codec.CALL) if call.chat.channel == channel]
        return sorted(calls, key=lambda call: (self._rows("calls").get(key_number(call.id), 0), call.id))

    async def waiting(self, now: datetime, limit: int, busy: Callable[[str], bool] | None = None) -> Sequence[str]:
        return self._queues.due(now, limit, lambda chat: chat in self._paused or bool(busy and busy(chat)))

    async def head(self, chat_id: str, now: datetime | None = None) -> Delivery | None:
        number = self._queues.head(chat_id, now)
        return None if number is None else self._delivery(number)

    async def backlog(self, chat_id: str) -> Sequence[Delivery]:
        return self._deliveries(self._queues.backlog(chat_id))

    async def holding(self) -> Sequence[str]:
        return self._queues.holding()

    async def held(self, chat_id: str) -> Sequence[Delivery]:
        return self._deliveries(self._queues.held(chat_id))

    async def grown(self) -> Sequence[Story]:
        rows = self._rows("stories")
        found = (rows.get(number) for number in list(self._rows("grown")))
        return [codec.STORY.load(row) for row in found if isinstance(row, bytes)]

    async def stranded(self, latest: datetime) -> Sequence[Delivery]:
        return self._deliveries(self._queues.stranded(latest))

    async def message(self, message_id: str) -> Message | None:
        return self._one("messages", message_id, codec.MESSAGE)

    async def posted(self, chat_id: str, story_id: str) -> Delivery | None:
        first = self._one("deliveries", delivery_key(chat_id, story_id, 1, "post"), codec.DELIVERY)
        if first and first.chat_id == chat_id:
            return first
        rows = self._deliveries(self._queues.rows(chat_id))  # the chat has moved, or the story began before
        return next((row for row in rows if row.story_id == story_id and row.act in POSTS), None)

    async def dead(self, limit: int) -> Sequence[Delivery]:
        rows = self._deliveries(self._queues.dead())
        return sorted(rows, key=lambda d: (d.created, d.key), reverse=True)[:limit]

    async def cursor(self, name: str) -> str:
        document = self.db.table("cursors").get(doc_id=key_number(name))
        return str(document["value"]) if document else ""

    async def tidy(self, before: datetime) -> int:
        ops: Ops = {}
        stamp = codec.to_number(before)
        for table in ("seen", "calls"):
            past = (i for i, at in self._rows(table).items() if isinstance(at, int) and at < stamp)
            ops[table] = {i: None for i in past if table != "calls" or i not in self._rows("inbox")}
        rows = {i: codec.DELIVERY.load(r) for i, r in self._rows("deliveries").items() if isinstance(r, bytes)}
        settled = {i: d for i, d in rows.items() if not d.waits and d.created < before}
        ops["deliveries"] = dict.fromkeys(settled)
        needed = {d.story_id for d in rows.values() if d.waits}
        shown = {key_number(d.message_id) for i, d in rows.items() if i not in settled}
        ops["messages"] = {i: None for i in self._rows("messages") if i not in shown}
        old = [s for s in self._all("stories", codec.STORY) if s.last_update < before and s.id not in needed]
        ops["stories"] = {key_number(s.id): None for s in old}
        for table in ("grown", "shown"):
            ops[table] = {i: None for i in ops["stories"] if i in self._rows(table)}
        gone = {name: rows_ for name, rows_ in ops.items() if rows_}
        if gone:
            self.journal.commit(gone)
        for number, row in settled.items():
            self._queues.forget(number, Turn.of(row))
        for story in old:
            self._search.forget(story.id)
        return sum(len(rows_) for rows_ in gone.values()) + self._tidy_entries(before)

    def _tidy_entries(self, before: datetime) -> int:
        """Entries past retention go; when there are any, the archive is written anew without them."""
        assert self._cold
        hot = {key_number(j.entry.key) for j in self._all("entries", codec.JUDGED) if j.at < before}
        kept: dict[int, bytes] = {}
        dropped = set(hot)
        for number, judged, document in self._archived():
            if judged.at < before:
                dropped.add(number)
            else:
                kept[number] = document
        dropped -= kept.keys() | (self._rows("entries").keys() - hot)
        cold_gone = dropped & self._rows("cold").keys()
        if not dropped:
            return 0
        fresh = self._cold_file(self._meta.get("archive", 0) + 1)
        self._disk.remove(fresh.path)
        fresh.open(0)
        try:
            offsets = fresh.append(kept.values())
        except OSError as error:
            raise Full(f"{fresh.path} cannot be written: {error.strerror}") from error
        meta = {**self._meta, "archive": self._meta.get("archive", 0) + 1, "archive_length": fresh.length}
        self.journal.commit(
            {
                "entries": dict.fromkeys(hot),
                "aliases": {i: None for i, n in self._rows("aliases").items() if n in dropped},
                "cold": {**dict.fromkeys(cold_gone), **dict(zip(kept, offsets, strict=True))},
                "meta": {META: orjson.dumps(meta)},
            }
        )
        self._meta, old, self._cold = meta, self._cold, fresh
        old.close()
        self._disk.remove(old.path)
        return len(dropped)

    def _archived(self) -> Iterator[tuple[int, Judged, bytes]]:
        """Number, decision and document of those in the archive that were not decided again."""
        cold = self._rows("cold")
        for offset, document in self._cold.scan() if self._cold else ():
            judged = codec.JUDGED.load(document)
            number = key_number(judged.entry.key)
            if cold.get(number) == offset:
                yield number, judged, document

    def _rotate(self) -> None:
        """Move the decisions of this generation to the archive file, then begin the next generation."""
        assert self._cold
        hot = {i: r for i, r in self._rows("entries").items() if isinstance(r, bytes)}
        try:
            offsets = self._cold.append(hot.values())
            meta = {**self._meta, "archive_length": self._cold.length}
            cold = dict(zip(hot, offsets, strict=True))
            self.journal.commit({"entries": dict.fromkeys(hot), "cold": {**cold}, "meta": {META: orjson.dumps(meta)}})
            self._meta = meta
            self.journal.rotate()
        except (OSError, Full) as error:
            # What was asked to be remembered is; only the tidying has to wait.
            log.error("could not begin a new generation; trying again at the next commit", error=str(error))

    def _know_people(self) -> None:
        self._chats = {c.id: c for c in self._all("chats", codec.CHAT)}
        self._paused = {c.id for c in self._chats.values() if c.paused}
        self._subscriptions = {s.key: s for s in self._all("subscriptions", codec.SUBSCRIPTION)}

    def _meet(self, changes: Changes) -> None:
        """What a commit says of chats and subscriptions, in the order in which Draft writes it."""
        for chat_id in changes.chats_gone:
            self._chats.pop(chat_id, None)
            self._paused.discard(chat_id)
        for key in changes.subscriptions_gone:
            self._subscriptions.pop(key, None)
        for chat in changes.chats:
            self._chats[chat.id] = chat
            (self._paused.add if chat.paused else self._paused.discard)(chat.id)
        self._subscriptions.update({s.key: s for s in changes.subscriptions})

    def _index_deliveries(self) -> None:
        self._queues = ChatQueues()
        rows = ((i, Turn.read(r)) for i, r in self._rows("deliveries").items() if isinstance(r, bytes))
        for number, turn in sorted(rows, key=lambda pair: pair[1].seq):
            self._queues.put(number, turn)

    def _rows(self, table: str) -> Rows:
        return self.journal.tables.get(table, {})

    def _all(self, table: str, noun: Codec[T]) -> Iterator[T]:
        return (noun.load(row) for row in list(self._rows(table).values()) if isinstance(row, bytes))

    def _one(self, table: str, key: str, noun: Codec[T]) -> T | None:
        row = self._rows(table).get(key_number(key))
        return noun.load(row) if isinstance(row, bytes) else None

    def _stories(self, ids: Iterable[str]) -> list[Story]:
        return [story for story in (self._one("stories", i, codec.STORY) for i in ids) if story]

    def _delivery(self, number: int) -> Delivery:
        row = self._rows("deliveries")[number]
        assert isinstance(row, bytes)
        return codec.DELIVERY.load(row)

    def _deliveries(self, numbers: Iterable[int]) -> list[Delivery]:
        return [self._delivery(number) for number in numbers]

    def _cold_file(self, number: int) -> ColdFile:
        return ColdFile(self._directory / f"archive-{number:04d}.records", self._disk)

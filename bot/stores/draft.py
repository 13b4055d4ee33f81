"""One `Changes` as rows: everything a commit will write, worked out before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import orjson

from bot.core import outbox
from bot.core.changes import Changes
from bot.core.chat import Delivery
from bot.core.errors import Stale
from bot.core.identity import key_number
from bot.stores import codec
from bot.stores.journal import Ops, Row, Rows

META = 1
Meta = dict[str, int]
_PLAIN = {  # field of Changes: (table, id of a value, codec)
    "states": ("states", lambda v: v.feed_id, codec.STATE),
    "stories": ("stories", lambda v: v.id, codec.STORY),
    "chats": ("chats", lambda v: v.id, codec.CHAT),
    "subscriptions": ("subscriptions", lambda v: v.key, codec.SUBSCRIPTION),
    "feeds": ("feeds", lambda v: v.id, codec.FEED),
    "keywords": ("keywords", lambda v: v.key, codec.KEYWORD),
}
_GONE = ("states", "chats", "subscriptions", "feeds", "keywords")


class Draft:
    """Rows to write. tables and meta are what is stored now; nothing here changes them."""

    def __init__(self, tables: Mapping[str, Rows], meta: Meta, next_seq: Callable[[str], int]) -> None:
        self._tables = tables
        self._next_seq = next_seq
        self._given: dict[str, int] = {}
        self.meta = dict(meta)
        self.ops: Ops = {}
        self.deliveries: dict[int, Delivery] = {}
        self.forgotten: dict[int, Delivery] = {}

    def fill(self, changes: Changes, rows_of: Callable[[str], tuple[int, ...]]) -> None:
        """rows_of: numbers of a chat's deliveries in order of seq. Raises Stale."""
        for name, version in changes.expect:
            if self.meta.get(name, 0) != version:
                raise Stale(f"{name} are at version {self.meta.get(name, 0)}, not {version}")
        for old, new in changes.moved:
            self._move(old, new, rows_of(old))
        at = codec.to_number(changes.at)
        self._numbers("seen", changes.seen, at, keep=True)
        self._numbers("calls", (*changes.calls, *(call.id for call in changes.accepted)), at)
        self._calls(changes)
        self._entries(changes)
        for message_id, message in changes.messages:
            number = key_number(message_id)
            if self._row("messages", number) is None:
                self._put("messages", number, codec.MESSAGE.dump(message))
        for field in _GONE:
            for key in getattr(changes, f"{field}_gone"):
                self._put(field, key_number(key), None)
        for field, (table, name_of, noun) in _PLAIN.items():
            for value in getattr(changes, field):
                self._put(table, key_number(name_of(value)), noun.dump(value))  # type: ignore[attr-defined, no-untyped-call]
        for story_id, revision in changes.shown:
            self._put("shown", key_number(story_id), orjson.dumps({"revision": revision}))
        for story_id in dict.fromkeys((*(s.id for s in changes.stories), *(i for i, _ in changes.shown))):
            self._growth(story_id, at)
        for row in changes.deliveries:
            self._delivery(row)
        for name, value in changes.cursors:
            self._put("cursors", key_number(name), orjson.dumps({"name": name, "value": value}))
        for audit in changes.audit:
            self.meta["audit"] = self.meta.get("audit", 0) + 1
            self._put("audit", self.meta["audit"], codec.AUDIT.dump(audit))
        for name in ("keywords", "feeds"):
            if getattr(changes, name) or getattr(changes, f"{name}_gone"):
                self.meta[name] = self.meta.get(name, 0) + 1

    def close(self, meta: Meta) -> Ops:
        """The rows, with the counters when they have changed."""
        if self.meta != meta:
            self._put("meta", META, orjson.dumps(self.meta))
        return self.ops

    def _row(self, table: str, number: int) -> Row | None:
        changed = self.ops.get(table, {})
        return changed[number] if number in changed else self._tables.get(table, {}).get(number)

    def _put(self, table: str, number: int, row: Row | None) -> None:
        self.ops.setdefault(table, {})[number] = row

    def _numbers(self, table: str, keys: tuple[str, ...], at: int, *, keep: bool = False) -> None:
        known = self._tables.get(table, {})
        for key in keys:
            number = key_number(key)
            if not (keep and number in known):
                self._put(table, number, at)

    def _entries(self, changes: Changes) -> None:
        for judged in changes.entries:
            number = key_number(judged.entry.key)
            self._put("entries", number, codec.JUDGED.dump(judged))
            if self._row("cold", number) is not None:
                self._put("cold", number, None)
            for alias in dict.fromkeys((judged.entry.key, *judged.entry.aliases)):
                self._put("aliases", key_number(alias), number)

    def _growth(self, story_id: str, at: int) -> None:
        """Note a story whose posts show less than is known of it."""
        number = key_number(story_id)
        row, shown = self._row("stories", number), self._row("shown", number)
        story = codec.STORY.load(row) if isinstance(row, bytes) else None
        revision = orjson.loads(shown)["revision"] if isinstance(shown, bytes) else 1
        grown = story is not None and story.revision > revision and not story.silent and not story.merged_into
        if grown != (self._row("grown", number) is not None):
            self._put("grown", number, at if grown else None)

    def _calls(self, changes: Changes) -> None:
        for call in changes.accepted:
            self._put("inbox", key_number(call.id), codec.CALL.dump(call))
        for call_id in changes.calls:
            if self._row("inbox", key_number(call_id)) is not None:
                self._put("inbox", key_number(call_id), None)

    def _delivery(self, row: Delivery) -> None:
        number = key_number(row.key)
        stored = self._row("deliveries", number)
        known = codec.DELIVERY.load(stored) if isinstance(stored, bytes) else None
        if row.seq == 0 and known is None:
            seq = self._given.get(row.chat_id, self._next_seq(row.chat_id))
            self._given[row.chat_id] = seq + 1
            row = replace(row, seq=seq)
        elif known is None or (row.seq == 0 and not known.overtaken_by(row)) or row.overtaken_by(known):
            return
        else:
            if row.chat_id != known.chat_id:  # settled under the old id of a chat that has moved meanwhile
                row = outbox.moved(row, known.chat_id, known.seq)
            row = replace(row, seq=known.seq)
        if row.forgotten:
            self.deliveries.pop(number, None)
            self.forgotten[number] = row
            self._put("deliveries", number, None)
            self._put("messages", key_number(row.message_id), None)
            return
        self.deliveries[number] = row
        self._put("deliveries", number, codec.DELIVERY.dump(row))

    def _move(self, old: str, new: str, rows: tuple[int, ...]) -> None:
        chat = self._row("chats", key_number(old))
        if isinstance(chat, bytes):
            self._put("chats", key_number(old), None)
            moved = replace(codec.CHAT.load(chat), id=new, paused="")
            self._put("chats", key_number(new), codec.CHAT.dump(moved))
        for row in list(self._tables.get("subscriptions", {}).values()):
            subscription = codec.SUBSCRIPTION.load(row) if isinstance(row, bytes) else None
            if subscription and subscription.chat_id == old:
                self._put("subscriptions", key_number(subscription.key), None)
                there = replace(subscription, chat_id=new)
                if self._row("subscriptions", key_number(there.key)) is None:
                    self._put("subscriptions", key_number(there.key), codec.SUBSCRIPTION.dump(there))
        last = self._next_seq(new) - 1
        for number in rows:
            stored = self._row("deliveries", number)
            if isinstance(stored, bytes):
                delivery = codec.DELIVERY.load(stored)
                self.deliveries[number] = outbox.moved(delivery, new, last + delivery.seq)
                self._put("deliveries", number, codec.DELIVERY.dump(self.deliveries[number]))

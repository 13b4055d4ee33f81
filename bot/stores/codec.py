"""Nouns to JSON documents and back."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

from pydantic import TypeAdapter

from bot.core.changes import Audit
from bot.core.chat import Call, Chat, Delivery, Keyword, Subscription
from bot.core.message import Message
from bot.core.news import Feed, FeedState, Judged, Story

T = TypeVar("T")


class Codec(Generic[T]):
    """One noun's documents. Fields at their default are left out; unknown fields of later versions are ignored."""

    def __init__(self, kind: type[T]) -> None:
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)

    def dump(self, value: T) -> bytes:
        return self._adapter.dump_json(value, exclude_defaults=True)

    def load(self, document: bytes) -> T:
        return self._adapter.validate_json(document)


STATE = Codec(FeedState)
JUDGED = Codec(Judged)
STORY = Codec(Story)
MESSAGE = Codec(Message)
DELIVERY = Codec(Delivery)
CHAT = Codec(Chat)
CALL = Codec(Call)
SUBSCRIPTION = Codec(Subscription)
FEED = Codec(Feed)
KEYWORD = Codec(Keyword)
AUDIT = Codec(Audit)


def to_number(moment: datetime) -> int:
    """Whole seconds since 1970."""
    return int(moment.timestamp())

"""Where people are and what passes between them and the bot: chat, subscription, call, delivery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.core.habits import Habits

EVERY_TOPIC = "all"
"""The subscription that takes every topic."""
REVIEW = "review"
"""The subscription that takes near misses: what scored less than a topic asks for, but not much less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A place messages go.

    id: `telegram:-100123`, `telegram:-100123/12` (forum topic), `slack:T1/C9`, `console:local`, `apprise:<name>`.
    kind: `private`, `group`, `channel`. paused: why nothing is sent there now ("" when all is well): `blocked`,
    `kicked`, `not_found`, `archived`, `rights`, `topic_closed`, `deactivated`. Subscriptions are kept meanwhile.
    habits: when it wants to hear.
    """

    id: str
    kind: str = "private"
    title: str = ""
    lang: str = ""
    paused: str = ""
    since: datetime | None = None
    habits: Habits = Habits()

    @property
    def channel(self) -> str:
        """Name of the channel adapter that serves it."""
        return self.id.partition(":")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One chat's wish. id: `s1`, `s2` …, unique in its chat. topic: a topic's name, EVERY_TOPIC or REVIEW. least: the
    score from which it wants alerts, 0 for all of them."""

    id: str
    chat_id: str
    topic: str
    created: datetime
    by: str = ""
    least: float = 0.0

    @property
    def key(self) -> str:
        return f"{self.chat_id} {self.id}"

    def wants(self, topics: tuple[str, ...], score: float) -> bool:
        return score >= self.least and (self.topic in topics or (self.topic == EVERY_TOPIC and bool(topics)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyword:
    """A word or rule people added to a topic, or took out of it, in chat. key: `topic text`."""

    topic: str
    text: str
    weight: float
    removed: bool = False
    by: str = ""
    at: datetime | None = None

    @property
    def key(self) -> str:
        return f"{self.topic} {self.text}"


class Role(StrEnum):
    """What a command asks of its caller, weakest first. ADMIN: may change this chat (in a private chat, anyone)."""

    ANYONE = "anyone"
    ADMIN = "admin"
    OWNER = "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Somebody asked something.

    id: the platform's own id of the request, with the channel's name, so that the same request twice is known:
        `telegram:<update_id>`, `slack:<envelope, trigger or event id>`, `console:<n>`.
    text: command line without slash, prefix or mention: `subscribe cac`.
    actor: numeric id with the channel's name, never a display name: `telegram:42`, `slack:T1:U2`, `console:local`.
    reply_to: id of the story whose alert was replied to, "" when none. args is derived from text by the registry.
    """

    id: str
    text: str
    chat: Chat
    actor: str
    actor_name: str = ""
    reply_to: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatEvent:
    """Something happened to a chat: `joined`, `left` (reason in `detail`), `moved` (new id in `detail`), `renamed`."""

    id: str
    what: str
    chat: Chat
    detail: str = ""


class Act(StrEnum):
    """What a delivery does in its chat."""

    POST = "post"
    EDIT = "edit"
    REPLY = "reply"


class State(StrEnum):
    """Where a delivery stands. SENDING is durable before the socket is touched; found at start, it is AMBIGUOUS."""

    PENDING = "pending"
    SENDING = "sending"
    AMBIGUOUS = "ambiguous"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The platform's proof of one part. message_id: as the platform writes it (Slack: `ts`)."""

    message_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One row of the outbox.

    key: idempotency key, `identity.delivery_key(...)`; the same key is one row for ever.
    seq: order in its chat; 0 until the store gives it one at the first commit.
    message_id: which stored message to show (many rows share one). story_id, revision: what it tells of.
    next_try: not before. attempts: sockets touched. receipts: parts already shown, in order.
    error: last failure as a sentence. Transitions are in core/outbox.py.
    """

    key: str
    chat_id: str
    message_id: str
    story_id: str
    revision: int
    created: datetime
    next_try: datetime
    act: Act = Act.POST
    seq: int = 0
    state: State = State.PENDING
    attempts: int = 0
    receipts: tuple[Receipt, ...] = ()
    error: str = ""
    plain: bool = False
    """True once the platform refused our markup: send the words alone."""

    @property
    def open(self) -> bool:
        """Still to be settled; the oldest open row of a chat is its head and the only one that may be sent."""
        return self.state in (State.PENDING, State.SENDING, State.AMBIGUOUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a channel can do, as data.

    text_max: longest part in `unit`s after markup is parsed: `utf16` code units or `chars`.
    per_chat_s: least pause between two messages of a private chat; per_group_s: of a group or channel;
    per_bot_s: between any two. interactive: people can ask (False: push only).
    """

    text_max: int
    unit: str = "chars"
    edit: bool = False
    thread: bool = False
    buttons: bool = False
    interactive: bool = True
    per_chat_s: float = 1.0
    per_group_s: float = 1.0
    per_bot_s: float = 0.0

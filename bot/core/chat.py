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
    `kicked`, `not_found`, `archived`, `rights`, `topic_closed`, `deactivated`. Subscriptions, and what is due there,
    are kept meanwhile. since: when it was paused, or met. probes: how often a message was tried there in spite of the
    pause, since the last that went well. habits: when it wants to hear.
    """

    id: str
    kind: str = "private"
    title: str = ""
    lang: str = ""
    paused: str = ""
    since: datetime | None = None
    probes: int = 0
    habits: Habits = Habits()

    @property
    def channel(self) -> str:
        """Name of the channel adapter that serves it."""
        return self.id.partition(":")[0]


PAUSES = {
    "blocked": "the bot was blocked there; it goes on when somebody writes /start",
    "deactivated": "the account is gone",
    "kicked": "the bot was taken out of it; it goes on when it is added again",
    "not_found": "there is no such chat any more, or the bot may not see it; it is tried again now and then",
    "archived": "it is archived; it is tried again now and then",
    "rights": "the bot may not write there; give it the right, it is tried again now and then",
    "topic_closed": "the topic is closed or gone; open it, it is tried again now and then",
}
"""Why a chat may be paused: what happened and what mends it."""
PROBED = frozenset({"not_found", "archived", "rights", "topic_closed"})
"""Pauses of whose end no platform tells: a message is tried there now and then."""


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
    thread: where in the chat the answer belongs, "" for the chat itself. aside: only the asker sees the answer.
    """

    id: str
    text: str
    chat: Chat
    actor: str
    actor_name: str = ""
    reply_to: str = ""
    thread: str = ""
    aside: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatEvent:
    """Something happened to a chat: `moved` (new id in `detail`); or to it and its topics: `joined`, `left` (reason in
    `detail`), `renamed`."""

    id: str
    what: str
    chat: Chat
    detail: str = ""


class Act(StrEnum):
    """What a delivery does in its chat. POST and REPLY tell, in order; GATHERED is one list in place of many posts;
    EDIT brings a post up to date and waits for nobody; ANSWER is what a person asked for and goes before all."""

    POST = "post"
    EDIT = "edit"
    REPLY = "reply"
    GATHERED = "gathered"
    ANSWER = "answer"

    @property
    def lane(self) -> int:
        """Rows of one lane go in order of seq; lanes of a chat do not wait for each other."""
        return {"answer": 0, "edit": 2}.get(self.value, 1)

    @property
    def rank(self) -> int:
        """Which chat goes first when more are due than may be sent to: 0 before 3."""
        return {"answer": 0, "gathered": 2, "edit": 3}.get(self.value, 1)


POSTS = (Act.POST, Act.REPLY)
"""Acts that show a story as a message of its own."""


class State(StrEnum):
    """Where a delivery stands. SENDING is durable before the socket is touched; found at start, it is AMBIGUOUS.
    HELD waits for its hour (`Delivery.held` says why); FOLDED was shown within another row (`Delivery.into`)."""

    HELD = "held"
    PENDING = "pending"
    SENDING = "sending"
    AMBIGUOUS = "ambiguous"
    SENT = "sent"
    FOLDED = "folded"
    DEAD = "dead"


OPEN = frozenset({State.PENDING, State.SENDING, State.AMBIGUOUS})
"""States of rows that are still to be settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The platform's proof of one part. message_id: as the platform writes it (Slack: `ts`); "" once the chat has
    moved, where the same id is another message."""

    message_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One row of the outbox.

    key: idempotency key, `identity.delivery_key(...)`; the same key is one row for ever.
    seq: order in its chat; 0 until the store gives it one at the first commit.
    message_id: which stored message to show (many rows share one). story_id, revision: what it tells of.
    next_try: not before. attempts: sockets touched; looks: how often it was looked for. receipts: parts already shown,
        in order. target: the message to answer, where that is not the story's post. error: last failure as a sentence.
        held: why it waits for its hour, e.g. `quiet`. into: key of the row that shows it.
    An EDIT is one row for each chat and story: a newer revision takes its place. An ANSWER is forgotten once settled.
    Transitions are in core/outbox.py.
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
    looks: int = 0
    receipts: tuple[Receipt, ...] = ()
    target: str = ""
    error: str = ""
    held: str = ""
    into: str = ""
    urgent: bool = False
    doubt: bool = False
    """True while the next part may be there already: an attempt at it was never answered. A later one that surely
    failed does not end that."""
    plain_from: int | None = None
    """The part at which the platform refused our markup: from there on the words alone are sent."""

    @property
    def open(self) -> bool:
        """Still to be settled; the oldest open row of a lane is its head and the only one of it that may be sent."""
        return self.state in OPEN

    @property
    def waits(self) -> bool:
        """Open, or held for its hour: nothing that tidies may touch it."""
        return self.open or self.state is State.HELD

    @property
    def card(self) -> bool:
        """It shows the story itself, and is brought up to date as that grows; what an update said stays as it was."""
        return self.act is Act.POST and self.revision == 1

    @property
    def targets(self) -> tuple[str, ...]:
        """Ids of its messages, part by part; none when one of them was shown before the chat moved."""
        ids = tuple(receipt.message_id for receipt in self.receipts)
        return ids if all(ids) else ()

    @property
    def forgotten(self) -> bool:
        """An answer that was shown, or never can be, is of no use to anybody."""
        return self.act is Act.ANSWER and not self.waits

    def overtaken_by(self, later: Delivery) -> bool:
        """Whether `later`, a row of the same key that asks for the same post to be edited, takes this one's place."""
        return self.act is Act.EDIT and later.revision > self.revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a channel can do, as data.

    text_max: longest part in `unit`s after markup is parsed: `utf16` code units or `chars`.
    per_chat_s: least pause between two messages of a private chat; per_group_s: of a group or channel;
    per_bot_s: between any two; per_edit_s: between any two edits. topics: what follows a slash in a chat's id names a
    topic, and all topics of a chat share its pace. interactive: people can ask (False: push only).
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
    per_edit_s: float = 0.0
    topics: bool = False

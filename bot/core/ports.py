"""The sockets: what one room may ask of another. Each docstring is the contract its adapters are tested against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from bot.core.changes import Audit, Changes
from bot.core.chat import Act, Call, Chat, ChatEvent, Delivery, Keyword, Limits, Receipt, Subscription
from bot.core.message import Message
from bot.core.news import Feed, FeedState, Judged, Reading, Story, Validators


class Clock(Protocol):
    """The only reader of time. Wall and monotonic time are separate: the first may jump, the second may not."""

    def now(self) -> datetime:
        """Wall time, aware, UTC: what people are told, and what their hours go by."""

    def steady(self) -> datetime:
        """Aware, UTC: wall time that never goes back while the process lives. What schedules are written in: whoever
        sets the clock back by an hour must not stop the bot for that hour."""

    def monotonic(self) -> float:
        """Seconds that only grow."""

    async def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An HTTP answer. body: decoded (content-encoding undone), at most the limit; b"" on 304. url: after redirects.
    permanent_url: where a chain of only 301/308 led, "" when none or mixed. headers: found by lower-case names."""

    status: int
    url: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    validators: Validators = Validators()
    permanent_url: str = ""
    retry_after_s: float | None = None

    @property
    def not_modified(self) -> bool:
        return self.status == 304


class Fetcher(Protocol):
    """The only door to addresses from outside: public addresses only, 20 s, 8 MiB decoded, 5 redirects."""

    async def get(self, url: str, validators: Validators = Validators(), *, form: str = "") -> Fetched:
        """GET (POST when `form`, a urlencoded body, is given). Returns 200 and 304 answers only.
        Raises FetchError for everything else."""

    async def close(self) -> None: ...


class Source(Protocol):
    async def read(self, feed: Feed, state: FeedState) -> Reading:
        """One look at a feed: whole or not at all, no judgement, network only through a Fetcher.
        `state.validators` make it conditional. Raises FetchError."""


class Articles(Protocol):
    async def text(self, url: str) -> str:
        """The main text of an article, without navigation and notices; "" when it cannot be had within 5 s. Never
        raises."""


class Rewriter(Protocol):
    async def rewrite(self, title: str, source: str) -> str:
        """A summary of the source in its own language; "" when it cannot be had. Never raises. What it says is not
        to be trusted before it is compared with the source."""


class News(Protocol):
    """What polling needs of a store."""

    async def states(self) -> Sequence[FeedState]:
        """Every feed's state, any order."""

    async def due(self, now: datetime, limit: int) -> Sequence[FeedState]:
        """States with next_check <= now, longest overdue first."""

    async def unseen(self, keys: Iterable[str]) -> frozenset[str]:
        """Those of the keys that no commit has named in `seen` (within retention)."""

    async def live_stories(self, since: datetime) -> Sequence[Story]:
        """Stories with last_update >= since, oldest first."""

    async def commit(self, changes: Changes) -> None:
        """All or nothing, durable when it returns. Raises Stale when `expect` fails, Full when the disk does;
        then nothing changed, in memory or on disk."""


class Readers(Protocol):
    """Who wants to hear."""

    async def subscriptions(self) -> Sequence[Subscription]:
        """All subscriptions, any order; those of paused chats too, since what is due there is kept."""

    async def chats(self) -> Sequence[Chat]:
        """Every chat that is known, any order."""


class Newsdesk(News, Readers, Protocol):
    """What polling needs: what is news, and to whom."""


class Archive(Protocol):
    """What commands look up. Texts are as stored; nothing here writes."""

    async def latest(self, topics: Sequence[str], limit: int) -> Sequence[Story]:
        """Newest stories first (by first_seen); no topics: of every topic."""

    async def search(self, words: str, limit: int) -> Sequence[Story]:
        """Stories holding every word, newest first; a Chinese word of two characters or more is found inside
        a text; case, width and script (traditional or simplified) make no difference."""

    async def story(self, story_id: str) -> Story | None: ...

    async def judged(self, key: str) -> Judged | None:
        """The decision kept for an entry key (canonical link or other alias)."""

    async def history(self, since: datetime) -> Sequence[Judged]:
        """Every decision kept since then, oldest first."""

    async def audit(self, limit: int) -> Sequence[Audit]:
        """Newest first."""


class Desk(Protocol):
    """What people set up, and how many rows wait."""

    async def chat(self, chat_id: str) -> Chat | None: ...

    async def chat_subscriptions(self, chat_id: str) -> Sequence[Subscription]:
        """In order of creation, also when the chat is paused."""

    async def feeds(self) -> Sequence[Feed]:
        """Feeds defined or changed in chat."""

    async def keywords(self) -> Sequence[Keyword]: ...

    async def handled(self, call_id: str) -> bool:
        """Whether a commit has named this call in `calls` or `accepted`."""

    async def counts(self) -> Mapping[str, int]:
        """Rows by name: `seen`, `entries`, `stories`, `chats`, `subscriptions`, `feeds`, `held`, `pending`,
        `sending`, `ambiguous`, `sent`, `folded`, `dead`; and versions: `version.keywords`, `version.feeds`."""


class Inbox(Protocol):
    """Calls whose platform was told that they were taken, before they were answered."""

    async def accepted(self, channel: str) -> Sequence[Call]:
        """Calls of this channel that a commit has named in `accepted` and none in `calls` yet, oldest first."""


class Outbox(Protocol):
    """What delivering needs of a store. Writing is `commit`, as everywhere; transitions are in core/outbox.py."""

    async def waiting(self, now: datetime, limit: int, busy: Callable[[str], bool] | None = None) -> Sequence[str]:
        """Ids of chats, neither paused nor busy, of which a lane's head, or an edit, is due (next_try <= now): by the
        rank of what is due, then longest waiting first."""

    async def head(self, chat_id: str, now: datetime | None = None) -> Delivery | None:
        """What is to be sent next: of the lanes whose oldest open row is due, the first lane's; of edits, any that is
        due. now None: whether it is due or not."""

    async def stranded(self, latest: datetime) -> Sequence[Delivery]:
        """What a start has to look after: rows a crash left in SENDING, and open rows with next_try > latest, which
        were written under a clock that was wrong."""

    async def backlog(self, chat_id: str) -> Sequence[Delivery]:
        """Open rows of the lane that tells, in order of seq."""

    async def message(self, message_id: str) -> Message | None: ...

    async def posted(self, chat_id: str, story_id: str) -> Delivery | None:
        """The row by which this story was first posted in this chat; without targets when the chat has moved since."""


class Shelf(Protocol):
    """Rows that are not on their way."""

    async def held(self, chat_id: str) -> Sequence[Delivery]:
        """HELD rows of the chat, in order of seq."""

    async def dead(self, limit: int) -> Sequence[Delivery]:
        """Dead rows, newest first."""

    async def holding(self) -> Sequence[str]:
        """Ids of chats that have HELD rows."""

    async def grown(self) -> Sequence[Story]:
        """Stories, told and not merged into others, whose revision is later than the one they were shown in last."""


class Store(Newsdesk, Archive, Desk, Inbox, Outbox, Shelf, Protocol):
    """Everything that stays. Only app.py says this name."""

    async def open(self) -> None:
        """Raises Locked, Corrupt, TooNew, StoreError; before it returns nothing else may be called."""

    async def close(self) -> None:
        """Idempotent."""

    async def cursor(self, name: str) -> str:
        """An adapter's mark, "" when none."""

    async def tidy(self, before: datetime) -> int:
        """Forget entries, seen keys, stories, settled deliveries and calls older than `before`; returns how many.
        Open deliveries, and whatever they need, stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One part of one delivery, ready to be sent. part counts from 0. target: message id to edit or answer, "" for
    a post. key: idempotency key of the delivery; key and part travel with the message where the platform lets them.
    plain_from: the first part that goes without markup, None when all have it. alerts: it tells news, rather than
    answer somebody or notify an owner."""

    key: str
    chat_id: str
    message: Message
    act: Act = Act.POST
    part: int = 0
    target: str = ""
    plain_from: int | None = None
    alerts: bool = True
    story_id: str = ""

    @property
    def plain(self) -> bool:
        """Whether this part goes without markup."""
        return self.plain_from is not None and self.part >= self.plain_from


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuItem:
    """One command for the platform's menu: verb [a-z0-9_]{1,32}, words <= 256 characters."""

    verb: str
    words: str
    owner: bool = False


class Front(Protocol):
    """What a channel tells the bot. All are safe to repeat with the same id."""

    async def answer(self, call: Call) -> Message | None:
        """The reply, once the effect is durable. None: nothing to say. Never raises for a person's mistake."""

    async def post(self, call: Call) -> Message | None:
        """The same, and the reply is put into the outbox in the same commit. A message comes back only when it could
        not be: it has to be shown by other means, or not at all."""

    async def accept(self, call: Call) -> bool:
        """Make durable that this call has come, before its platform is told so. False: it was known already.
        Raises StoreError."""

    async def accepted(self, channel: str) -> Sequence[Call]:
        """Calls accepted before this process began and not answered yet, oldest first."""

    async def changed(self, event: ChatEvent) -> None:
        """Make durable what happened to a chat, before its platform is told that we know. Raises StoreError."""

    def menu(self) -> Sequence[MenuItem]: ...


class Channel(Protocol):
    """A place where people are. It carries; it does not judge."""

    name: str
    limits: Limits

    async def serve(self, front: Front) -> None:
        """Bring calls in until cancelled. Reconnects by itself; raises TokenDead when the token is refused."""

    def parts(self, message: Message, plain_from: int | None = None) -> int:
        """Into how many parts this channel splits the message (>= 1) when those from `plain_from` on (None: none) go
        without markup. The same message always splits alike, and the parts before do not depend on `plain_from`."""

    async def send(self, parcel: Parcel) -> Receipt:
        """Send one part. Raises NotSent (SlowDown), MaybeSent or Refused (ChatMoved, BadMarkup, TokenDead),
        nothing else. Never retries by itself."""

    async def is_admin(self, actor: str, chat: Chat) -> bool:
        """Whether this actor may change this chat; False when it cannot be found out."""

    async def close(self) -> None:
        """Idempotent."""


@runtime_checkable
class CanLook(Protocol):
    """A channel that can tell whether something arrived."""

    async def look(self, parcel: Parcel, since: datetime) -> Receipt | None:
        """The receipt, when this part of this delivery is in the chat. Raises NotSent when it cannot
        look now; Refused when it may not, with the chat's reason, or `unseen` when the chat itself takes messages."""


class Job(Protocol):
    """Work that waits in the store. The schedule is data there, never in a scheduler."""

    name: str
    every_s: float

    async def run(self) -> None:
        """Start what is due now and return; safe to repeat, never raises for one item's fault."""

    async def drain(self) -> None:
        """Wait for what `run` started."""

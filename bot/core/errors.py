"""Every error the bot raises on purpose, named by what the caller must do next.

BotError
    NotSent        certainly not delivered: try later
        SlowDown   the platform says how long to wait, and for whom
    MaybeSent      it may have arrived: look first, or follow the chat's policy
    Refused        never: stop, tell who can mend it
        ChatMoved  the chat has a new id
        BadMarkup  the platform cannot read the text: send it once more as plain text
        TokenDead  the whole channel's token no longer works
    BadRequest     the person's mistake: say it, show usage
    FetchError     a feed could not be read
        Unreachable, TooBig, NotPublic, NotAFeed, Gone
    Stale          somebody changed it meanwhile
    ConfigError    the operator's mistake: file:line:column, what, how to mend it
    StoreError     the data cannot be used
        Locked, Corrupt, Full, TooNew
"""

from __future__ import annotations

from dataclasses import dataclass


class BotError(Exception):
    """Base of every error raised on purpose. `str(error)` is a sentence for a person, free of secrets."""


class NotSent(BotError):
    """The message certainly did not arrive; sending it again cannot double it."""


class SlowDown(NotSent):
    """The platform asks to wait.

    after_s: seconds from now, already clamped to [1, 86400].
    whole_bot: True when every chat of this channel must wait, not only this one.
    """

    def __init__(self, text: str, *, after_s: float, whole_bot: bool) -> None:
        super().__init__(text)
        self.after_s = after_s
        self.whole_bot = whole_bot


class MaybeSent(BotError):
    """The request left, the answer did not come: the message may or may not have arrived."""


class Refused(BotError):
    """The platform will never take this message in this chat.

    reason: a code for the store and the metrics, e.g. `blocked`, `kicked`, `not_found`, `archived`, `rights`.
    """

    def __init__(self, text: str, *, reason: str) -> None:
        super().__init__(text)
        self.reason = reason


class ChatMoved(Refused):
    """The chat has a new id; everything kept under the old one must be rewritten."""

    def __init__(self, text: str, *, new_chat_id: str) -> None:
        super().__init__(text, reason="moved")
        self.new_chat_id = new_chat_id


class BadMarkup(Refused):
    """The platform could not read our markup. The same text as plain text will do."""

    def __init__(self, text: str) -> None:
        super().__init__(text, reason="markup")


class TokenDead(Refused):
    """The token was revoked: nothing can be sent on this channel until an operator sets a new one."""

    def __init__(self, text: str) -> None:
        super().__init__(text, reason="token")


class BadRequest(BotError):
    """A person asked for something that cannot be done.

    usage, example: shown under the sentence, e.g. `/subscribe <topic>` and `/subscribe cac`; may be empty.
    """

    def __init__(self, text: str, *, usage: str = "", example: str = "") -> None:
        super().__init__(text)
        self.usage = usage
        self.example = example


class FetchError(BotError):
    """A feed could not be read this time.

    retry_after_s: seconds the server asked us to wait, clamped to [0, 86400]; None when it did not say.
    status: HTTP status, when there was an answer.
    """

    def __init__(self, text: str, *, retry_after_s: float | None = None, status: int | None = None) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s
        self.status = status


class Unreachable(FetchError):
    """No usable answer: name not found, refused, cut, too slow, TLS, or an HTTP error status."""


class TooBig(FetchError):
    """The decoded body passes the limit."""


class NotPublic(FetchError):
    """The address is not a public one, or not http(s), or its port is not allowed."""


class NotAFeed(FetchError):
    """Something came, but not what this kind of source reads: a page, a challenge, an error, nothing."""


class Gone(FetchError):
    """The server says the feed is gone for good (410)."""


class Stale(BotError):
    """What the change was based on is no longer so; read again and decide again."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the configuration. line and column count from 1; 0 when there is no place to point at."""

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{where}: {self.text}"


class ConfigError(BotError):
    """The configuration cannot be used. `problems` holds every mistake found, not just the first."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class StoreError(BotError):
    """The data cannot be read or written."""


class Locked(StoreError):
    """Another process holds the data. pid is the holder's, 0 when unknown."""

    def __init__(self, text: str, *, pid: int = 0) -> None:
        super().__init__(text)
        self.pid = pid


class Corrupt(StoreError):
    """The data is damaged; the sentence names file, byte offset and the repair command. Nothing was changed."""


class Full(StoreError):
    """The disk is full or failing; the last commit stands, this one did not happen."""


class TooNew(StoreError):
    """The data was written by a newer version of the bot."""

"""A message as meaning, with no service's markup: blocks of spans. Channels turn it into HTML, mrkdwn or text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby


class Style(StrEnum):
    PLAIN = "plain"
    BOLD = "bold"
    ITALIC = "italic"
    CODE = "code"
    MARK = "mark"
    """The words that matched: underlined or bold, whatever the service has."""


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style. text is raw (foreign text included): channels escape it. url: only http(s) is
    ever linked; anything else is shown as text."""

    text: str
    style: Style = Style.PLAIN
    url: str = ""


Line = tuple[Span, ...]


class Shape(StrEnum):
    TITLE = "title"
    TEXT = "text"
    LIST = "list"
    """One bullet a line."""
    CODE = "code"
    """Fixed width; spans' styles are ignored."""
    NOTE = "note"
    """Small print."""


@dataclass(frozen=True, slots=True)
class Block:
    shape: Shape
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Button:
    """label: what is shown. command: the command line it stands for, without a slash, at most 60 bytes UTF-8
    (Telegram's callback_data holds 64), e.g. `why a7f3k2`."""

    label: str
    command: str


@dataclass(frozen=True, slots=True)
class Message:
    """blocks in order; buttons below them. lang: BCP 47, of our own words in it."""

    blocks: tuple[Block, ...]
    buttons: tuple[Button, ...] = ()
    lang: str = "en"

    def plain(self) -> str:
        """The words alone, a line each; links follow their text in angle brackets when they say more than it."""
        return "\n".join(_words(line) for block in self.blocks for line in block.lines)


def _words(line: Line) -> str:
    """Neighbours under one address share it."""
    parts = []
    for url, spans in groupby(line, key=lambda span: span.url):
        text = "".join(span.text for span in spans)
        parts.append(text if url in ("", text) else f"{text} <{url}>")
    return "".join(parts)


def line(*parts: Span | str) -> Line:
    """A line from spans and bare strings."""
    return tuple(p if isinstance(p, Span) else Span(p) for p in parts)


def bold(text: str) -> Span:
    return Span(text, Style.BOLD)


def code(text: str) -> Span:
    return Span(text, Style.CODE)


def title(*parts: Span | str) -> Block:
    return Block(Shape.TITLE, (line(*parts),))


def text(*lines: Line | str) -> Block:
    return Block(Shape.TEXT, tuple(line(x) if isinstance(x, str) else x for x in lines))


def bullets(*lines: Line | str) -> Block:
    return Block(Shape.LIST, tuple(line(x) if isinstance(x, str) else x for x in lines))


def note(*parts: Span | str) -> Block:
    return Block(Shape.NOTE, (line(*parts),))


def say(*lines: str) -> Message:
    """A message of plain sentences."""
    return Message((text(*lines),))

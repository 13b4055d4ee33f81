"""The one place that escapes and splits: a neutral Message becomes Telegram's HTML, Slack's mrkdwn, or plain text."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlsplit

from bot.core.message import Block, Line, Message, Shape, Span, Style

_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff\ufff9-\ufffb\ud800-\udfff\ufffe\uffff"
    "\U000e0000-\U000e007f]"
)
_LOOKS_LIKE_LINK = re.compile(r"(?:https?://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{2,24}\b(?:/\S*)?", re.IGNORECASE)
_MARKS_AT_MOST = 4
_AUTO = re.compile(
    r"(?<![\w/])(?:[@#/](?=\w)|\$(?=[a-zA-Z]))"  # names, tags, commands, tickers; an amount is none
    r"|(?<=\w)\.(?=[a-zA-Z]{2,24}\b)|:(?=//)|(?<=\d)\.(?=\d{1,3}\.\d{1,3}\.\d)"  # hosts, addresses
    r"|(?<!\d)\d{4}(?=[ -]?\d{4}[ -]?\d{4}[ -]?\d)"  # bank cards
)
JOINER = "\u2060"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one service writes things. escape: raw text to its own. wrap: style -> what stands around escaped text.
    link: (escaped text, safe url) -> linked text. defuse: whether bare names, tags and hosts in foreign text would
    become links or mentions by themselves there, and so must be broken invisibly."""

    escape: Callable[[str], str]
    wrap: dict[Style, tuple[str, str]]
    link: Callable[[str, str], str]
    bullet: str = "• "
    note: tuple[str, str] = ("", "")
    code_block: tuple[str, str] = ("", "")
    title: tuple[str, str] = ("", "")
    defuse: bool = False


def _html_escape(text: str) -> str:
    return html.escape(text, quote=False).replace('"', "&quot;")


def _slack_escape(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # Foreign text must not format either; a zero-width joiner keeps these from pairing.
    return re.sub(r"([*_~`])", JOINER + r"\1" + JOINER, text)


TELEGRAM = Dialect(
    escape=_html_escape,
    wrap={
        Style.BOLD: ("<b>", "</b>"),
        Style.ITALIC: ("<i>", "</i>"),
        Style.CODE: ("<code>", "</code>"),
        Style.MARK: ("<u>", "</u>"),
    },
    link=lambda text, url: f'<a href="{_html_escape(url)}">{text}</a>',
    note=("<i>", "</i>"),
    code_block=("<pre>", "</pre>"),
    title=("<b>", "</b>"),
    defuse=True,
)
MRKDWN = Dialect(
    escape=_slack_escape,
    wrap={Style.BOLD: ("*", "*"), Style.ITALIC: ("_", "_"), Style.CODE: ("`", "`"), Style.MARK: ("_", "_")},
    link=lambda text, url: f"<{url.replace('|', '%7C').replace('>', '%3E')}|{text.replace('|', '¦')}>",
    title=("*", "*"),
    code_block=("```", "```"),
    defuse=True,
)
PLAIN = Dialect(escape=lambda text: text, wrap={}, link=lambda text, url: text if text == url else f"{text} <{url}>")
_ESC = "\x1b["
TERMINAL = Dialect(
    escape=lambda text: text,
    wrap={
        Style.BOLD: (f"{_ESC}1m", f"{_ESC}22m"),
        Style.ITALIC: (f"{_ESC}3m", f"{_ESC}23m"),
        Style.CODE: (f"{_ESC}36m", f"{_ESC}39m"),
        Style.MARK: (f"{_ESC}4m", f"{_ESC}24m"),
    },
    link=lambda text, url: f"{text} {_ESC}2m<{url}>{_ESC}22m",
    note=(f"{_ESC}2m", f"{_ESC}22m"),
    title=(f"{_ESC}1m", f"{_ESC}22m"),
)


def safe_text(text: str) -> str:
    """Text that can be shown anywhere: no control characters, no change of direction, no storm of accents."""
    text = _CONTROL.sub("", text)
    if text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MARKS_AT_MOST:
            kept.append(character)
    return "".join(kept)


def safe_url(url: str) -> str:
    """An http(s) address with a host and without credentials, its host in ASCII; "" for anything else."""
    url = _CONTROL.sub("", url).strip()
    if not url or len(url) > 2000 or re.search(r"[\s\\\"<>`]", url):
        return ""
    try:
        parts = urlsplit(url)
        host = (
            (parts.hostname or "").encode("idna").decode() if not (parts.hostname or "").isascii() else parts.hostname
        )
        _ = parts.port
    except (ValueError, UnicodeError):
        return ""
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return ""
    return url if (parts.hostname or "").isascii() else url.replace(parts.netloc, host, 1)


def measure(text: str, unit: str) -> int:
    """Length as a platform counts it: `utf16` code units or `chars`."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 if unit == "utf16" else len(text)


def render(message: Message, dialect: Dialect, limit: int, unit: str) -> tuple[str, ...]:
    """The message in a dialect, in parts of at most `limit` units each (markup counted too, which is safe).

    Parts are cut between lines, else between words, else between graphemes, never inside markup; each part's markup
    is closed. The words of all parts, in order, are the words of the message.
    """
    parts: list[str] = []
    current = ""
    for piece in _pieces(message, dialect, limit, unit):
        joined = f"{current}\n{piece}" if current else piece
        if current and measure(joined, unit) > limit:
            parts.append(current)
            current = piece
        else:
            current = joined
    if current or not parts:
        parts.append(current or "…")
    return tuple(part.strip("\n") if _visible(part) else "…" for part in parts)


def _visible(text: str) -> bool:
    """Services refuse a text in which there is nothing to see."""
    return any(unicodedata.category(character)[0] not in "ZC" for character in text)


def blocks(message: Message, dialect: Dialect, limit: int, unit: str) -> Iterator[tuple[Shape, str]]:
    """Each block by itself, for services with blocks of their own; long ones in several pieces of at most `limit`."""
    for block in message.blocks:
        current = ""
        for piece in _block(block, dialect, limit, unit):
            joined = f"{current}\n{piece}" if current else piece
            if current and measure(joined, unit) > limit:
                yield block.shape, current
                current = piece
            else:
                current = joined
        if _visible(current):
            yield block.shape, current


def _pieces(message: Message, dialect: Dialect, limit: int, unit: str) -> Iterator[str]:
    for block in message.blocks:
        yield from _block(block, dialect, limit, unit)


def _block(block: Block, dialect: Dialect, limit: int, unit: str) -> Iterator[str]:
    around = {Shape.TITLE: dialect.title, Shape.NOTE: dialect.note, Shape.CODE: dialect.code_block}.get(
        block.shape, ("", "")
    )
    bullet = dialect.bullet if block.shape is Shape.LIST else ""
    for line in block.lines:
        whole = bullet + _around(_line(line, dialect, plain_styles=around != ("", "")), around)
        if measure(whole, unit) <= limit:
            yield whole
        else:
            for short in _shortened(line, limit // 8 if unit == "utf16" else limit // 6):
                yield bullet + _around(_line(short, dialect, plain_styles=around != ("", "")), around)
                bullet = ""


def _around(text: str, marks: tuple[str, str]) -> str:
    # Slack's * and _ only count when they touch what they enclose.
    inner = text.strip()
    return f"{marks[0]}{inner}{marks[1]}" if inner and marks[0] else text


def _line(line: Line, dialect: Dialect, *, plain_styles: bool) -> str:
    """Neighbours under one address become one link."""
    written = []
    for url, group in groupby(line, key=lambda span: span.url):
        spans = list(group)
        words = safe_text("".join(span.text for span in spans))
        address = safe_url(url)
        if address and _disguises(words, address):
            # The words look like another address: show both, link neither.
            spans, address = [*spans, Span(f" ({urlsplit(address).hostname})")], ""
        styled = not (address and dialect is MRKDWN) and not (plain_styles and dialect is MRKDWN)
        text = "".join(_span(span, dialect, styled=styled, linked=bool(address)) for span in spans)
        written.append(dialect.link(text, address) if address and words.strip() else text)
    return "".join(written)


def _span(span: Span, dialect: Dialect, *, styled: bool, linked: bool) -> str:
    raw = safe_text(span.text)
    if dialect.defuse and not linked and span.style is not Style.CODE:
        raw = _defused(raw)
    text = dialect.escape(raw.replace("\n", " "))
    opened, closed = dialect.wrap.get(span.style, ("", ""))
    # Slack ends a bold at the next mark inside it, and shows marks inside a link as they are.
    if not opened or not raw.strip() or not styled:
        return text
    lead, trail = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{lead}{opened}{text.strip()}{closed}{trail}"


def _disguises(text: str, url: str) -> bool:
    host = (urlsplit(url).hostname or "").removeprefix("www.").lower()
    for found in _LOOKS_LIKE_LINK.finditer(text):
        named = re.sub(r"^(?:https?://)?(?:www\.)?", "", found[0].lower()).split("/")[0]
        if named != host and not host.endswith("." + named) and found[0].lower().startswith(("http", "www.")):
            return True
        if "/" in found[0] and named != host:
            return True
    return False


def _defused(text: str) -> str:
    """Names, tags, commands and bare hosts as words: an invisible joiner keeps a service from making links of them."""
    return _AUTO.sub(lambda m: (m[0] or "") + JOINER, text)


def _shortened(line: Line, size: int) -> Iterator[Line]:
    """A long line in pieces of at most `size` characters of raw text, whatever escaping makes of them."""
    size = max(size, 16)
    current: list[Span] = []
    room = size
    for span in line:
        text = span.text
        while text:
            cut = _cut(text, room)
            if cut == 0 and current:
                yield tuple(current)
                current, room = [], size
                continue
            cut = cut or min(len(text), size)
            current.append(Span(text[:cut], span.style, span.url))
            text, room = text[cut:], room - cut
            if room <= 0 or text:
                yield tuple(current)
                current, room = [], size
    if current:
        yield tuple(current)


def _cut(text: str, room: int) -> int:
    """Where to cut a text of which `room` characters fit: all, after a blank, or between graphemes."""
    if len(text) <= room:
        return len(text)
    if room <= 0:
        return 0
    blank = text.rfind(" ", max(0, room - 40), room)
    at = blank + 1 if blank > 0 else room
    while at > 1 and _joined(text, at):
        at -= 1
    return at if at > 1 or room <= 2 else min(room, len(text))


def _joined(text: str, at: int) -> bool:
    """Whether the characters around a place belong to one grapheme."""
    before, after = text[at - 1], text[at]
    return (
        before == "\u200d"
        or after in "\u200d\ufe0f\ufe0e\u20e3"
        or bool(unicodedata.combining(after))
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or ("\U0001f1e6" <= before <= "\U0001f1ff" and "\U0001f1e6" <= after <= "\U0001f1ff")
    )

"""Bytes to text, and what kind of text it is, before any parser sees it."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from enum import StrEnum

from bot.core.errors import NotAFeed

# GB 18030 contains GB 2312 and GBK, and publishers who declare those use its characters.
_SAME = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "big5-hkscs": "big5hkscs",
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "utf8": "utf-8",
    "unicode": "utf-16",
}
# Python knows codecs that are no charsets (idna, punycode, unicode_escape, rot13): a feed must not name those.
_KNOWN = re.compile(
    r"utf-8|utf-16(-?[lb]e)?|utf-32(-?[lb]e)?|gb18030|big5(hkscs)?|euc[-_]?(jp|kr|tw)|shift[-_]?jis|cp\d{3,4}|windows-\d{3,4}"
    r"|iso-8859-\d{1,2}|koi8-[ru]|iso-2022-jp|hz(-gb-2312)?|mac-?roman|tis-620"
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NO_TEXT = (
    (b"\x89PNG\r\n", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"RIFF", "an image or a recording"),
    (b"\x00\x00\x01\x00", "an image"),
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b\x08", "a compressed file"),
)
_SHIFTED = re.compile(rb"\+[A-Za-z0-9+/]{2,}-")
_DECLARED = re.compile(
    rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]{1,40})["']|<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{1,40})""",
    re.I,
)
_HTTP = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.I)
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_MANY = 0.01
_EVERYDAY = frozenset(
    "的一是在不了有和人这這中大为為上个個国國我以要他时時来來用们們生到作地于於出就分对對成会會可主发發年动動同工也能下过過"
    "子说說产產种種面而方后後多定行学學法所民得经經十三之进進着著等部度家电電力里裡如水化高自二理起小物现現实實加量都两兩"
    "体體制机機当當使点點从從业業本去把性好应應开開合还還因由其些然前外天政四日那社义義事平形相全表间間关關各重新内內数數"
    "正心反你明看原又么麼利比或但质質气氣第向道命此变變条條没沒结結问問意建月公无無系军軍很情者最立代想已通并並提直题題"
    "网網信办辦股市港元億亿万萬美北京香报報资資讯訊司"
)


def must_be_text(body: bytes) -> None:
    """Raises NotAFeed, saying what it is, for an image or the like."""
    for start, what in _NO_TEXT:
        if body.startswith(start):
            raise NotAFeed(f"not a feed ({what})")


def decode(body: bytes, content_type: str = "") -> str:
    """The text of a body: byte order mark, else strict UTF-8, else the declared or HTTP charset, else gb18030 or big5,
    whichever reads more like Chinese. Raises NotAFeed when more than 1 % of it cannot be read in any of them."""
    for bom, name in _BOMS:
        if body.startswith(bom):
            return _lenient(body[len(bom) :], name)
    if b"\0" in body[:64]:
        wide = _wide(body)
        if wide:
            return _lenient(body, wide)
    declared = _declared(body, content_type)
    for name in ("utf-8", *declared):
        with suppress(UnicodeDecodeError, LookupError):
            return body.decode(name)
    readings = []
    for name in ("gb18030", "big5hkscs"):
        with suppress(UnicodeDecodeError):
            readings.append(body.decode(name))
    return max(readings, key=_everyday) if readings else _lenient(body, next(iter(declared), "utf-8"))


def _everyday(text: str) -> float:
    """The share of everyday characters among the Chinese ones at its beginning; what one charset wrote and another
    reads has nearly none."""
    foreign = [c for c in text[:20_000] if c > "\u3400"]
    return sum(c in _EVERYDAY for c in foreign) / max(1, len(foreign))


def _declared(body: bytes, content_type: str) -> list[str]:
    found = _DECLARED.search(body[:2048])
    names = [(found[1] or found[2]).decode("ascii", "replace")] if found else []
    names += _HTTP.findall(content_type[:200])
    if any(name.lower() == "utf-7" for name in names) and _SHIFTED.search(body):
        raise NotAFeed("the text is written in UTF-7, which this bot does not read")
    ours = [_SAME.get(name.lower(), name.lower()) for name in names]
    return [name for name in ours if _KNOWN.fullmatch(name) and not name.startswith(("utf-16", "utf-32"))]


def _wide(body: bytes) -> str:
    """UTF-16 or UTF-32 without a mark, told by where the zero bytes of `<` stand."""
    for start, name in (
        (b"<\0\0\0", "utf-32-le"),
        (b"\0\0\0<", "utf-32-be"),
        (b"<\0", "utf-16-le"),
        (b"\0<", "utf-16-be"),
    ):
        if body.startswith(start):
            return name
    return ""


def _lenient(body: bytes, name: str) -> str:
    text = body.decode(name, "replace")
    if text.count("\ufffd") > _MANY * len(text):
        raise NotAFeed("the text cannot be read in any charset it may be in")
    return text


def without_declaration(text: str) -> str:
    """The text without its XML declaration, whose charset no longer holds, and without space before the root."""
    return _XML_DECLARATION.sub("", text, count=1).lstrip("\ufeff \t\r\n")


_REFERENCES = re.compile(r"(?:&#(?:[xX][0-9a-fA-F]+|[0-9]+);?)+")
_REFERENCE = re.compile(r"&#([xX]?)([0-9a-fA-F]+)(;?)")
_LAST = 0x10FFFF


def sound_references(text: str) -> str:
    """The text with every `&#…;` that names no character put right. Some publishers write a character beyond the
    first 65,536 as its two UTF-16 halves: those are joined. A half alone, or a number too high, becomes U+FFFD."""
    return _REFERENCES.sub(_sound_run, text) if "&#" in text else text


def _sound_run(run: re.Match[str]) -> str:
    found = [(m[0], _code(m[2], 16 if m[1] else 10)) for m in _REFERENCE.finditer(run[0])]
    if not any(0xD800 <= code <= 0xDFFF or code > _LAST for _, code in found):
        return run[0]
    parts: list[str] = []
    high = 0
    for written, code in found:
        if 0xDC00 <= code <= 0xDFFF and high:
            parts[-1] = chr(0x10000 + ((high - 0xD800) << 10) + code - 0xDC00)
        else:
            parts.append("\ufffd" if 0xD800 <= code <= 0xDFFF or code > _LAST else written)
        high = code if 0xD800 <= code <= 0xDBFF else 0
    return "".join(parts)


def _code(digits: str, base: int) -> int:
    """The number; anything too long to be a character is as good as the first that is none."""
    digits = digits.lstrip("0")
    return int(digits or "0", base) if len(digits) <= 7 else _LAST + 1


class Shape(StrEnum):
    XML_FEED = "feed"
    JSON_FEED = "json feed"
    JSON = "json"
    HTML = "html"
    EMPTY = "empty"
    OTHER = "other"


_FEED_ROOT = re.compile(r"<(?:[\w.-]+:)?(rss|feed|rdf)\b", re.I)
_HTML_ROOT = re.compile(r"<(!doctype\s+html|html|head|body|script|div|table)\b", re.I)
_CHALLENGE = re.compile(
    r"just a moment|checking your browser|cf-chl|attention required|enable javascript and cookies|captcha"
    r"|verify you are human|access denied|安全验证|人机验证|访问验证|请完成验证|滑动验证|访问过于频繁|verification",
    re.I,
)


def classify(text: str) -> Shape:
    """What a body is, by its beginning."""
    start = text.lstrip("\ufeff \t\r\n\0")[:4096]
    if not start:
        return Shape.EMPTY
    if start[0] in "{[":
        return Shape.JSON_FEED if "jsonfeed.org/version" in start else Shape.JSON
    if start[0] != "<":
        # Some documents have junk in front; a feed's root soon follows it.
        return Shape.XML_FEED if _FEED_ROOT.search(start) and not _HTML_ROOT.search(start) else Shape.OTHER
    root, page = _FEED_ROOT.search(start), _HTML_ROOT.search(start)
    if root and (not page or root.start() < page.start()):
        return Shape.XML_FEED
    return Shape.HTML if page else Shape.XML_FEED if start.startswith("<?xml") else Shape.OTHER


def challenge(text: str) -> str:
    """The words that show a page to be a check for robots, "" when there are none."""
    found = _CHALLENGE.search(text[:20_000])
    return found[0] if found else ""


def refused(text: str, shape: Shape) -> NotAFeed:
    """What to say of a body that is no feed. Never a part of the body but the link of a feed it offers."""
    if shape is Shape.EMPTY:
        return NotAFeed("the answer is empty")
    if shape is Shape.HTML:
        if challenge(text):
            return NotAFeed("a page that checks for robots came in place of the feed")
        found = _OFFERED.search(text[:100_000])
        hint = f"; it offers {found[1] or found[2]}" if found else ""
        return NotAFeed(f"a web page came, not a feed{hint}")
    if shape is Shape.JSON:
        return NotAFeed("JSON came that is no JSON Feed (an error message, or a list that needs kind: json)")
    return NotAFeed("what came is not a feed")


_OFFERED = re.compile(
    r"""<link[^<>]{1,300}?type=["']application/(?:rss|atom)\+xml["'][^<>]{0,300}?href=["']([^"'<>\s]{1,300})"""
    r"""|<link[^<>]{1,300}?href=["']([^"'<>\s]{1,300})["'][^<>]{0,300}?type=["']application/(?:rss|atom)\+xml["']""",
    re.I,
)

"""Markup to plain text: what a reader would read, and nothing that acts."""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import urljoin

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from bot.sources.decoding import sound_references
from bot.sources.raw import MAX_FIELD, RawFeed

MAX_BODY = 4000
_MARKUP = re.compile(r"<[a-zA-Z/!?]|&(#\d{1,7}|#x[0-9a-fA-F]{1,6}|[a-zA-Z]\w{1,31});")
# A comment ends before the next one begins, or a flood of beginnings costs its square.
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>|<!--(?:(?!<!--).){0,2000}?-->|<!\[CDATA\[|\]\]>", re.S)
_SPACES = re.compile(r"[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\ufeff\ufffe\uffff\ud800-\udfff]")
MAX_TITLE = 1000
# No text of a feed is worth the time a hostile one of megabytes takes to read as HTML.
_MAX_HTML = 4 * MAX_FIELD


def cleaned(feed: RawFeed) -> RawFeed:
    """The same feed, its texts plain and no longer than they are kept."""
    feed.title = plain_title(feed.title)[:200]
    for item in feed.items:
        item.title, item.body = plain_title(item.title), plain_body(item.body, MAX_BODY)
        item.source, item.author = plain_title(item.source), plain_title(item.author)[:200]
        item.id, item.link, item.date = item.id[:MAX_FIELD], item.link[:MAX_FIELD], item.date[:MAX_TITLE]
    return feed


def plain_title(raw: str) -> str:
    """One line of at most MAX_TITLE characters. A title may be escaped twice; what is left then is shown as written."""
    if not raw:
        return ""
    text = raw[: 8 * MAX_TITLE]
    for _ in range(2):
        if not _MARKUP.search(text):
            break
        text = html.unescape(sound_references(_TAG.sub("", text)))
    return " ".join((text if text.isprintable() and text.isascii() else tidy(text)).split())[:MAX_TITLE]


def plain_body(raw: str, limit: int = MAX_FIELD) -> str:
    """Paragraphs, a line each, of an HTML fragment or of plain text; at most `limit` characters."""
    if not raw:
        return ""
    text = sound_references(raw[:_MAX_HTML])
    if _MARKUP.search(text):
        if not _TAG.search(text):
            text = html.unescape(text)
        if _TAG.search(text):
            tree = HTMLTree.parse(f"<html><body>{text}</body></html>")
            text = extract_plain_text(tree, preserve_formatting=True, alt_texts=False, links=False, form_fields=False)
    lines = (_SPACES.sub(" ", line).strip() for line in tidy(text).splitlines())
    return "\n".join(line for line in lines if line)[:limit]


def tidy(text: str) -> str:
    """Without control characters and lone surrogates, in composed form."""
    text = _CONTROL.sub("", text)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def absolute(link: str, base: str) -> str:
    """An http(s) link resolved against its document, "" for anything else."""
    link = _CONTROL.sub("", link).strip()
    if not link or len(link) > 4096:
        return ""
    if link.startswith(("http://", "https://")):
        return link
    try:
        resolved = urljoin(base, link)
    except ValueError:
        return ""
    return resolved if resolved.startswith(("http://", "https://")) else ""


def language(text: str) -> str:
    """`zh-Hans`, `zh-Hant` or `en`, by the share of Han characters and by characters only one script has."""
    if text.isascii():
        return "en"
    han = sum(1 for c in text[:600] if "\u4e00" <= c <= "\u9fff")
    if han * 5 < len(text[:600].replace(" ", "")):
        return "en"
    traditional = sum(1 for c in text[:600] if c in _TRADITIONAL)
    simplified = sum(1 for c in text[:600] if c in _SIMPLIFIED)
    return "zh-Hant" if traditional > simplified else "zh-Hans"


_TRADITIONAL = frozenset(
    "國網資訊會時來對為這個們說請與業開發電視聯應機關經濟學體團單訂數據點認證監管當場從還進過長問間聞東車馬"
)
_SIMPLIFIED = (
    frozenset("国网资讯会时来对为这个们说请与业开发电视联应机关经济学体团单订数据点认证监管当场从还进过长问间闻东车马")
    - _TRADITIONAL
)

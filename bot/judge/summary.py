"""What happened, in two or three sentences of the source: the lede, then those that carry the matched words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.judge.text import fold, is_chinese

LONGEST = 300
_ABBREVIATIONS = frozenset(
    """mr mrs ms dr prof st jr sr inc ltd co corp no vs etc u.s u.k e.g i.e
    jan feb mar apr jun jul aug sep sept oct nov dec""".split()  # noqa: SIM905
)
_END = re.compile(r"[。！？!?]+[”’」』）)\"']*|\.+[”’\")]*(?=\s|$)|\n+")
_BOILERPLATE = re.compile(
    r"cookie|subscribe|sign up|read more|continue reading|click here|all rights reserved|newsletter|©|follow us"
    r"|the post .{1,80} appeared|advertisement|点击|阅读原文|查看更多|责任编辑|责编|关注.{0,6}公众号|本文来自|转载"
    r"|来源：|扫码|原文链接|更多内容",
    re.I,
)
_BYLINE = re.compile(r"^(by |reporting by |编辑|作者|记者|文[/|｜]|图源|source:)", re.I)


def summarise(title: str, body: str, lang: str, words: tuple[str, ...]) -> str:
    """At most three sentences and LONGEST characters, each verbatim from the body; "" when it adds nothing."""
    found = [s for s in sentences(body) if _worth(s, title)]
    if not found:
        return ""
    ranked = sorted(range(len(found[:12])), key=lambda i: -_weight(i, found[i], words))[:3]
    chosen: list[int] = []
    length = 0
    for i in [0, *(r for r in ranked if r)]:
        if length + len(found[i]) <= LONGEST or not chosen:
            chosen.append(i)
            length += len(found[i])
    joint = "" if is_chinese(body) else " "
    text = joint.join(found[i] for i in sorted(chosen)[:3])
    return text if len(text) <= LONGEST else _cut(text)


def sentences(body: str) -> Iterator[str]:
    """English and Chinese sentences, ends included."""
    start = 0
    for end in _END.finditer(body):
        piece = body[start : end.end()]
        last = piece.rstrip(" .\n\"')”’").rsplit(" ", 1)[-1].lower().lstrip("(\"'“‘")
        if end[0].startswith(".") and (last in _ABBREVIATIONS or (len(last) == 1 and last.isalpha())):
            continue
        if piece.strip():
            yield piece.strip()
        start = end.end()
    if body[start:].strip():
        yield body[start:].strip()


def _worth(sentence: str, title: str) -> bool:
    if len(sentence) < (6 if is_chinese(sentence) else 20) or _BYLINE.match(sentence):
        return False
    if _BOILERPLATE.search(sentence) and len(sentence) < 160:
        return False
    return fold(sentence).rstrip("。.!？?") not in fold(title)


def _weight(place: int, sentence: str, words: tuple[str, ...]) -> float:
    held = sum(1 for word in words if word in sentence)
    return held + (0.5 if re.search(r"\d", sentence) else 0.0) - 0.15 * place


def _cut(text: str) -> str:
    """At a blank or a Chinese comma, never inside a word."""
    short = text[: LONGEST - 1]
    at = max(short.rfind(" "), short.rfind("，"), short.rfind("、"))
    return f"{short[:at] if at > LONGEST // 2 else short}…"

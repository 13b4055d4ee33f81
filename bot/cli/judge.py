"""`judge`: JSON Lines in, JSON Lines out, in order and as they come: would this item alert, and which story is it."""

from __future__ import annotations

import gc
import os
import sys
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import structlog

from bot import logs
from bot.cli.options import CONFIG, ConfigDir
from bot.config.settings import load
from bot.core.errors import ConfigError, Problem
from bot.core.identity import story_id
from bot.core.lenient import loads
from bot.core.news import Entry, Story, Verdict
from bot.judge.stories import OPEN_DAYS, StoryIndex, with_memory
from bot.judge.text import is_chinese
from bot.judge.verdict import Judge, skipped
from bot.runners.clock import SystemClock

log = structlog.get_logger("judge")
_FORGET_EVERY = 1000


def command(config: ConfigDir = CONFIG) -> None:
    """Judge items from standard input, one JSON object a line."""
    settings = load(config, {})
    logs.set_up("ERROR", ())
    judge, desk, out = Judge(settings.rules), Desk(), sys.stdout.buffer
    gc.freeze()  # the rules stay; collecting garbage need not walk them again and again
    for number, lines in _chunks(sys.stdin.fileno()):
        # What came at once is answered at once; then the reader may wait for more without anybody waiting for us.
        for offset, line in enumerate(lines):
            if line and not line.isspace():
                out.write(orjson.dumps(answer(judge, desk, line, number + offset), option=orjson.OPT_APPEND_NEWLINE))
        out.flush()


def answer(judge: Judge, desk: Desk, line: bytes, number: int) -> dict[str, Any]:
    """The answer to one line. Raises ConfigError naming a line that cannot be read."""
    item = _item(line, number)
    title, body = item["title"], str(item.get("summary") or "")
    at = _published(item, number)
    try:
        seen = judge.glance(title, body)
        if seen is None:
            return {"id": item["id"], **_NOTHING}
        entry = _entry(item, body, at)
        verdict = desk.with_memory(judge.judge(entry, seen), at)
        return {"id": item["id"], **_said(verdict, desk.story_of(entry, verdict) if verdict.alert else None)}
    except Exception as error:  # whatever one text holds, the lines behind it are answered
        log.exception("a line cannot be judged", line=number)
        return {"id": item["id"], **_said(skipped(error), None)}


def _said(verdict: Verdict, story: str | None) -> dict[str, Any]:
    return {
        "alert": verdict.alert,
        "topics": list(verdict.topics),
        "story": story,
        "score": verdict.score,
        "matched": list(dict.fromkeys(e.words for m in verdict.matches for e in m.evidence if e.weight > 0)),
        "reason": verdict.reason,
    }


_NOTHING = _said(Verdict(alert=False, reason="no rule finds all its words in it"), None)


def _chunks(fd: int) -> Iterator[tuple[int, list[bytes]]]:
    """Lines as they arrive, with the number of the first."""
    rest, number = b"", 1
    while chunk := os.read(fd, 1 << 18):
        *lines, rest = (rest + chunk).split(b"\n")
        if number == 1 and lines:
            lines[0] = lines[0].removeprefix(BOM_UTF8)
        yield number, lines
        number += len(lines)
    if rest:
        yield number, [rest.removeprefix(BOM_UTF8) if number == 1 else rest]


class Desk:
    """Groups the stream's alerts into stories; memory holds only those of the window."""

    def __init__(self) -> None:
        self._index = StoryIndex()
        self._live: dict[str, Story] = {}
        self._count = 0
        self._last = SystemClock().now()

    def with_memory(self, verdict: Verdict, at: datetime | None) -> Verdict:
        """The verdict, in the light of the stories that are open."""
        return with_memory(verdict, self._index, at or self._last)

    def story_of(self, entry: Entry, verdict: Verdict) -> str:
        """Id of the entry's story. An entry without a date is taken as of the last one that had one."""
        at = self._last = entry.published or self._last
        joined = self._index.find(entry, verdict, at)
        known = self._live.get(joined.story_id) if joined else None
        if known:
            features = self._index.features(entry, verdict, at, known.features)
            story = replace(known, last_update=max(at, known.last_update), features=features)
        else:
            name = story_id(entry.key, self._live)
            features = self._index.features(entry, verdict, at)
            story = Story(
                id=name,
                title=entry.title,
                summary="",
                url=entry.url,
                source=entry.source,
                tier=entry.tier,
                lang=entry.lang,
                topics=verdict.topics,
                why="",
                words=(),
                published=entry.published,
                first_seen=at,
                last_update=at,
                features=features,
            )
        self._index.add(story)
        self._live[story.id] = story
        self._count += 1
        if self._count % _FORGET_EVERY == 0:
            before = at - timedelta(days=OPEN_DAYS)
            self._index.forget(before)
            self._live = {k: s for k, s in self._live.items() if s.last_update >= before}
        return story.id


def _item(line: bytes, number: int) -> dict[str, Any]:
    try:
        item = loads(line)
    except orjson.JSONDecodeError as error:
        raise _bad(number, f"not JSON ({error.msg})", error.colno) from None
    if not isinstance(item, dict) or not isinstance(item.get("title"), str) or "id" not in item:
        raise _bad(number, "an item is an object with at least `id` and `title`")
    return item


def _published(item: dict[str, Any], number: int) -> datetime | None:
    raw = item.get("published")
    if not raw:
        return None
    try:
        at = datetime.fromisoformat(raw if type(raw) is str else str(raw))
    except ValueError:
        raise _bad(number, f"`published` is no ISO 8601 time: {str(raw)[:40]!r}") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _entry(item: dict[str, Any], body: str, published: datetime | None) -> Entry:
    title, key = item["title"], str(item["id"])
    return Entry(
        feed_id="stdin",
        key=key,
        aliases=(key,),
        url=str(item.get("url") or ""),
        title=title,
        body=body,
        published=published,
        source=str(item.get("source") or ""),
        lang=str(item.get("lang") or ("zh" if is_chinese(title) else "en")),
    )


def _bad(number: int, text: str, column: int = 1) -> ConfigError:
    return ConfigError((Problem("standard input", number, column, text),))

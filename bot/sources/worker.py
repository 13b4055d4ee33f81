"""feedparser in a fenced process of its own: killed after 3 s or at 512 MiB, and started again."""

from __future__ import annotations

import asyncio
import io
import os
import re
import resource
import struct
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from bot.core.errors import NotAFeed
from bot.sources import strict
from bot.sources.decoding import sound_references
from bot.sources.raw import MAX_ITEMS, RawFeed, RawItem

TIMEOUT_S = 3.0
MEMORY_BYTES = 512 * 1024 * 1024
MAX_FIELD = 64 * 1024
_ROOT = Path(__file__).resolve().parents[2]
_ENTITY = re.compile(rb"<!ENTITY[^>]*>", re.I)
_DOCTYPE = re.compile(rb"<!DOCTYPE[^>\[]*(\[[^\]]*\])?[^>]*>", re.I)
_SIZE = struct.Struct(">I")


class FeedWorker:
    """Parses one document at a time in a child process. Use and close it in one event loop."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout = timeout_s
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def parse(self, text: str) -> RawFeed:
        """Raises NotAFeed for what cannot be parsed, in time and memory; the next call finds a healthy process."""
        data = text.encode("utf-8", "replace")
        async with self._turn:
            try:
                # Starting takes longer than parsing may, so it has time of its own.
                process = await self._ready()
                async with asyncio.timeout(self._timeout):
                    answer = await self._ask(process, data)
            except TimeoutError:
                await self.close()
                raise NotAFeed(f"the document takes longer than {self._timeout:g} s to read") from None
            except (OSError, EOFError, asyncio.IncompleteReadError):
                await self.close()
                raise NotAFeed("the document broke the feed reader, which was started again") from None
            except BaseException:
                await self.close()  # half an answer may be in the pipe
                raise
        if "error" in answer:
            raise NotAFeed(f"the document cannot be read as a feed: {answer['error']}")
        items = [RawItem(**item) for item in answer["items"]]
        return RawFeed(title=answer["title"], items=items, ttl_s=answer["ttl_s"], more=answer["more"])

    async def close(self) -> None:
        """Idempotent; leaves no process behind."""
        process, self._process = self._process, None
        if process:
            if process.returncode is None:
                process.kill()
            if process.stdin:
                process.stdin.close()
            await process.wait()

    async def _ask(self, process: asyncio.subprocess.Process, data: bytes) -> dict[str, Any]:
        assert process.stdin
        assert process.stdout
        process.stdin.write(_SIZE.pack(len(data)) + data)
        await process.stdin.drain()
        (size,) = _SIZE.unpack(await process.stdout.readexactly(_SIZE.size))
        answer: dict[str, Any] = orjson.loads(await process.stdout.readexactly(size))
        return answer

    async def _ready(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot.sources.worker",
                cwd=_ROOT,
                env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C at the terminal is for the bot alone
            )
            assert self._process.stdout
            await self._process.stdout.readexactly(1)
        return self._process


def main() -> None:
    """The child: read sized documents, write sized answers, until standard input ends."""
    import feedparser

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    inlet, outlet = sys.stdin.buffer, sys.stdout.buffer
    outlet.write(b"+")
    outlet.flush()
    while (size := inlet.read(_SIZE.size)) and len(size) == _SIZE.size:
        data = inlet.read(_SIZE.unpack(size)[0])
        try:
            answer = _parsed(feedparser, data)
        except MemoryError:
            os._exit(1)
        except Exception:
            answer = {"error": "it is malformed beyond what the feed reader can make out"}
        _reply(outlet, answer)


def _reply(outlet: BinaryIO, answer: dict[str, Any]) -> None:
    body = orjson.dumps(answer)
    outlet.write(_SIZE.pack(len(body)) + body)
    outlet.flush()


def _parsed(feedparser: Any, data: bytes) -> dict[str, Any]:
    # Entities multiply a small body, and space before the root costs feedparser its square.
    text = sound_references(data.decode("utf-8"))
    quick = strict.read(text)
    if quick is not None and quick.items:
        return asdict(quick)
    data = _DOCTYPE.sub(b"", _ENTITY.sub(b"", text.encode()), count=1).lstrip()
    found = feedparser.parse(
        io.BytesIO(data),
        response_headers={"content-type": "text/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not found.entries and not found.get("version"):
        return {"error": "there is no feed in it"}
    ttl = str(found.feed.get("ttl", ""))
    return {
        "title": _text(found.feed.get("title")),
        "items": [_item(e) for e in found.entries[:MAX_ITEMS]],
        "ttl_s": float(ttl) * 60 if ttl.isdecimal() and len(ttl) < 7 else None,
        "more": max(0, len(found.entries) - MAX_ITEMS),
    }


def _item(entry: Any) -> dict[str, str]:
    bodies = [c.get("value", "") for c in entry.get("content", ())] + [entry.get("summary", "")]
    link = entry.get("feedburner_origlink") or entry.get("link") or ""
    return {
        "id": _text(entry.get("id")),
        "link": _text(link),
        "title": _text(entry.get("title")),
        "body": _text(max(bodies, key=len)),
        "date": _text(entry.get("published") or entry.get("updated") or entry.get("created")),
        "author": _text(entry.get("author")),
        "source": _text((entry.get("source") or {}).get("title")),
    }


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return text[:MAX_FIELD].encode("utf-8", "replace").decode("utf-8")


if __name__ == "__main__":
    main()

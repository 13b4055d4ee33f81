"""Foreign documents are read in a fenced process of its own: killed after 3 s or at 512 MiB, and started again."""

from __future__ import annotations

import asyncio
import os
import resource
import struct
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from bot.core.errors import NotAFeed
from bot.core.news import Kind
from bot.sources.raw import RawFeed, RawItem

TIMEOUT_S = 3.0
MEMORY_BYTES = 512 * 1024 * 1024
_ROOT = Path(__file__).resolve().parents[2]
_SIZE = struct.Struct(">I")


class FeedWorker:
    """Reads one document at a time in a child process. Use and close it in one event loop."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout = timeout_s
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def parse(
        self, body: bytes, content_type: str = "", kind: Kind = Kind.FEED, options: Mapping[str, str] | None = None
    ) -> RawFeed:
        """The items of a body, in plain text. Raises NotAFeed for what cannot be read, in time and memory; the next
        call finds a healthy process."""
        asked = {"kind": kind.value, "content_type": content_type, "options": dict(options or {})}
        answer = await self._fenced(asked, body)
        if "error" in answer:
            raise NotAFeed(answer["error"])
        return RawFeed(**answer | {"items": [RawItem(**item) for item in answer["items"]]})

    async def article(self, body: bytes, content_type: str = "") -> str:
        """The text of an article's page, "" when it has none. Raises NotAFeed as `parse` does."""
        answer = await self._fenced({"content_type": content_type}, body)
        return str(answer.get("text", ""))

    async def _fenced(self, asked: Mapping[str, Any], body: bytes) -> dict[str, Any]:
        async with self._turn:
            try:
                # Starting takes longer than parsing may, so it has time of its own.
                process = await self._ready()
                async with asyncio.timeout(self._timeout):
                    return await self._ask(process, orjson.dumps(asked), body)
            except TimeoutError:
                await self.close()
                raise NotAFeed(f"the document takes longer than {self._timeout:g} s to read") from None
            except (OSError, EOFError, asyncio.IncompleteReadError):
                await self.close()
                raise NotAFeed("the document broke the feed reader, which was started again") from None
            except BaseException:
                await self.close()  # half an answer may be in the pipe
                raise

    async def close(self) -> None:
        """Idempotent; leaves no process behind."""
        process, self._process = self._process, None
        if process:
            if process.returncode is None:
                process.kill()
            if process.stdin:
                process.stdin.close()
            await process.wait()

    async def _ask(self, process: asyncio.subprocess.Process, *parts: bytes) -> dict[str, Any]:
        assert process.stdin
        assert process.stdout
        for part in parts:
            process.stdin.write(_SIZE.pack(len(part)) + part)
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
    """The child: read what is asked and the body, each with its size before it, and write answers alike, until
    standard input ends."""
    from bot.sources import document

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    inlet, outlet = sys.stdin.buffer, sys.stdout.buffer
    outlet.write(b"+")
    outlet.flush()
    while (asked := _part(inlet)) is not None and (body := _part(inlet)) is not None:
        try:
            answer = _answer(document, orjson.loads(asked), body)
        except MemoryError:
            os._exit(1)
        except NotAFeed as error:
            answer = {"error": str(error)}
        except Exception:
            answer = {"error": "it is malformed beyond what the feed reader can make out"}
        said = orjson.dumps(answer)
        outlet.write(_SIZE.pack(len(said)) + said)
        outlet.flush()


def _answer(document: Any, asked: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    if "kind" not in asked:
        return {"text": document.article(body, asked["content_type"])}
    return asdict(document.read(body, asked["content_type"], Kind(asked["kind"]), asked["options"]))


def _part(inlet: BinaryIO) -> bytes | None:
    size = inlet.read(_SIZE.size)
    return inlet.read(_SIZE.unpack(size)[0]) if len(size) == _SIZE.size else None


if __name__ == "__main__":
    main()

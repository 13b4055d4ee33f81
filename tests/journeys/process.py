"""The bot as a whole process: its own folders, its environment, its output; killed if a test forgets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parents[2]


class Bot:
    """Configuration with the shipped topics and companies, and the feeds a test gives: {id: url}."""

    def __init__(
        self,
        home: Path,
        feeds: Mapping[str, str],
        environment: Mapping[str, str] | None = None,
        *,
        settings: str = "",
        every: str = "1s",
    ) -> None:
        self.home = home
        self.config = home / "config"
        self.data = home / "data"
        self.config.mkdir(parents=True)
        for name in ("topics.yaml", "companies.yaml"):
            shutil.copy(ROOT / "config" / name, self.config / name)
        rows = "".join(f"  - {{id: {name}, url: '{url}', every: {every}}}\n" for name, url in feeds.items())
        (self.config / "feeds.yaml").write_text(f"feeds:\n{rows}" if rows else "feeds: []\n")
        base = "poll: {min: 1s}\nfetch: {allow_networks: [127.0.0.0/8]}\n"
        (self.config / "tocsin.yaml").write_text(base + settings)
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("TELEGRAM_", "SLACK_", "TOCSIN_"))},
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            **(environment or {}),
        }
        self.process: asyncio.subprocess.Process | None = None
        self.output = b""
        self.errors = b""
        self._readers: list[asyncio.Task[None]] = []

    async def start(self, *arguments: str) -> None:
        """Starts `python -m bot run`, in the bot's own folder so that no .env of ours is read."""
        await self._spawn("run", "--config", str(self.config), "--data", str(self.data), *arguments)

    async def command(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        """Another command, to its end: exit code, standard output, standard error."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *arguments,
            cwd=self.home,
            env=self.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 50)
        return process.returncode or 0, out.decode(), err.decode()

    async def type(self, line: str) -> None:
        assert self.process
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n".encode())
        await self.process.stdin.drain()

    async def sees(self, words: str, within_s: float = 25.0) -> None:
        """Wait until the words stand in the output or the log."""
        end = monotonic() + within_s
        while words.encode() not in self.output + self.errors:
            if monotonic() > end or (self.process and self.process.returncode is not None and not await self._more()):
                raise AssertionError(f"never said {words!r}; said:\n{self.output.decode()}\n{self.errors.decode()}")
            await asyncio.sleep(0.03)

    def signal(self, number: int) -> None:
        assert self.process
        self.process.send_signal(number)

    async def stop(self) -> int:
        """SIGTERM, as an operator's process keeper does; the exit code."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """SIGKILL: nothing can be finished or written."""
        await self._end(signal.SIGKILL)

    async def ended(self) -> int:
        assert self.process
        code = await asyncio.wait_for(self.process.wait(), 30)
        await asyncio.gather(*self._readers)
        return code

    async def __aenter__(self) -> Bot:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process and self.process.returncode is None:
            await self.kill()

    async def _spawn(self, *arguments: str) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *arguments,
            cwd=self.home,
            env=self.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout
        assert self.process.stderr
        self.output = self.errors = b""
        self._readers = [
            asyncio.create_task(self._read(self.process.stdout, "output")),
            asyncio.create_task(self._read(self.process.stderr, "errors")),
        ]

    async def _read(self, stream: asyncio.StreamReader, into: str) -> None:
        while chunk := await stream.read(65536):
            setattr(self, into, getattr(self, into) + chunk)

    async def _more(self) -> bool:
        before = len(self.output) + len(self.errors)
        await asyncio.gather(*self._readers)
        return len(self.output) + len(self.errors) > before

    async def _end(self, number: int) -> int:
        assert self.process
        if self.process.stdin:
            self.process.stdin.close()
            # asyncio marks the pipe's end only when it is waited for.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                await self.process.stdin.wait_closed()
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.ended()

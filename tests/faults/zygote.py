"""The bot as a process that starts in a third of the time: a fork of one that has its imports behind it.

It is a process like any other, with its own memory and files, and killed like any other; only `exec` is saved.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from tests.journeys.process import ROOT, Bot


class QuickBot(Bot):
    """Bot, whose `start` forks; every `exec_every`-th time it is started as an operator would."""

    exec_every = 6

    async def start(self, *arguments: str) -> None:
        self._starts = getattr(self, "_starts", 0) + 1
        if self._starts % self.exec_every == 1:
            await super().start(*arguments)
            return
        if not hasattr(self, "_zygote"):
            self._zygote = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.faults.zygote",
                cwd=ROOT,
                env=self.environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        self.process = None
        self._said = self.home / "said"
        asked = ["run", "--config", str(self.config), "--data", str(self.data), *arguments]
        order = {"arguments": asked, "home": str(self.home), "said": str(self._said)}
        assert self._zygote.stdin
        self._zygote.stdin.write(json.dumps(order).encode() + b"\n")
        self._pid = int(await self._told())

    async def stop(self) -> int:
        return await super().stop() if self.process else await self._end_fork(signal.SIGTERM)

    async def kill(self) -> None:
        await (super().kill() if self.process else self._end_fork(signal.SIGKILL))

    def terminate(self) -> None:
        with suppress(ProcessLookupError):
            self.process.terminate() if self.process else os.kill(self._pid, signal.SIGTERM)

    async def __aexit__(self, *_: object) -> None:
        if hasattr(self, "_zygote") and self._zygote.stdin:
            self._zygote.stdin.close()  # it ends, and what it has forked with it
            await self._zygote.wait()
        await super().__aexit__()

    async def _end_fork(self, number: int) -> int:
        os.kill(self._pid, number)  # nobody but the zygote reaps it, so the number is still its own
        code = int(await self._told(b"reap\n"))
        self.output, self.errors = b"", self._said.read_bytes()
        return code

    async def _told(self, order: bytes = b"") -> str:
        assert self._zygote.stdin
        assert self._zygote.stdout
        self._zygote.stdin.write(order)
        return (await asyncio.wait_for(self._zygote.stdout.readline(), 40)).decode()


def serve() -> None:
    """Fork as told on standard input; say the number, and, once the child is reaped, how it ended."""

    child = 0
    for line in sys.stdin:
        if line.strip() == "reap":
            _, status = os.waitpid(child, 0)
            child = 0
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _be_the_bot(order)
        print(child, flush=True)
    if child:
        os.kill(child, signal.SIGKILL)


def _be_the_bot(order: dict[str, object]) -> None:
    said = os.open(str(order["said"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for fd, to in ((nothing, 0), (said, 1), (said, 2)):
        os.dup2(fd, to)
    os.chdir(Path(str(order["home"])))
    sys.argv = ["bot", *map(str, order["arguments"])]  # type: ignore[call-overload]
    from bot.cli import main

    try:
        main()
    except SystemExit as ended:
        sys.stdout.flush()
        os._exit(ended.code if isinstance(ended.code, int) else int(ended.code is not None))
    os._exit(0)


if __name__ == "__main__":
    serve()

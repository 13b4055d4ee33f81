"""A chat in the terminal: type commands, see alerts; history and completion when a person sits there."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.patch_stdout import patch_stdout

from bot.channels.markup import PLAIN, TERMINAL, render
from bot.core.chat import Call, Chat, Limits, Receipt
from bot.core.message import Message
from bot.core.ports import Clock, Front, Parcel

CHAT_ID = "console:local"
ACTOR = "console:local"


class ConsoleChannel:
    """One private chat; whoever can type there runs the process, and so is an owner."""

    name = "console"
    limits = Limits(text_max=1_000_000, per_chat_s=0.0, per_group_s=0.0)

    def __init__(
        self, clock: Clock, *, history: Path | None = None, write: Callable[[str], None] | None = None
    ) -> None:
        """history: file of past lines. write: where messages go (standard output); for tests."""
        self._clock = clock
        self._history = history
        self._write = write or _print
        self._person = sys.stdin.isatty() and sys.stdout.isatty() and write is None
        self._shown = 0
        self.input_over = asyncio.Event()
        """Set when a pipe that fed the chat has ended; a person's leaving ends `serve` instead."""

    async def serve(self, front: Front) -> None:
        """Read lines until the person leaves (Ctrl-D, Ctrl-C, /quit). A pipe that ends only stops the asking."""
        try:
            await (self._serve_person(front) if self._person else self._serve_pipe(front))
        except BrokenPipeError:
            return  # nobody reads any more, which is leaving too

    def parts(self, message: Message, plain_from: int | None = None) -> int:
        return 1

    async def send(self, parcel: Parcel) -> Receipt:
        self._show(parcel.message)
        self._shown += 1
        return Receipt(message_id=str(self._shown), at=self._clock.now())

    async def is_admin(self, actor: str, chat: Chat) -> bool:
        return actor == ACTOR

    async def close(self) -> None:
        """Nothing is held open."""

    async def ask(self, front: Front, typed: str) -> None:
        """One line of the person: the reply is shown."""
        chat = Chat(id=CHAT_ID, kind="private", title="console")
        call = Call(id=f"console:{uuid4().hex}", text=typed.strip().lstrip("/"), chat=chat, actor=ACTOR)
        reply = await front.answer(call)
        if reply is not None:
            self._show(reply)

    async def _serve_person(self, front: Front) -> None:
        words = [f"/{item.verb}" for item in front.menu()] + ["/quit"]
        past = FileHistory(str(self._history)) if self._history else InMemoryHistory()
        session: PromptSession[str] = PromptSession(
            "tocsin> ", history=past, completer=WordCompleter(words, sentence=True), complete_while_typing=True
        )
        with patch_stdout(raw=True):
            await self.ask(front, "start")
            while True:
                try:
                    typed = await session.prompt_async(handle_sigint=False)
                except (EOFError, KeyboardInterrupt):
                    return
                if typed.strip().lstrip("/").lower() in ("quit", "exit"):
                    return
                if typed.strip():
                    await self.ask(front, typed)

    async def _serve_pipe(self, front: Front) -> None:
        lines: asyncio.Queue[str] = asyncio.Queue()
        _read_in_background(asyncio.get_running_loop(), lines, self.input_over)
        await self.ask(front, "start")
        while True:
            typed = await lines.get()
            if typed.strip().lstrip("/").lower() in ("quit", "exit"):
                return
            if typed.strip():
                await self.ask(front, typed)

    def _show(self, message: Message) -> None:
        dialect = TERMINAL if self._person and "NO_COLOR" not in os.environ else PLAIN
        body = "\n".join(render(message, dialect, self.limits.text_max, self.limits.unit))
        hints = "".join(f"\n  > /{b.command}" for b in message.buttons) if len(message.buttons) > 1 else ""
        self._write(f"{body}{hints}\n")


def _read_in_background(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[str], over: asyncio.Event) -> None:
    """Standard input may be a pipe, a file or /dev/null; only a thread of its own can wait for all of them."""

    def read() -> None:
        with suppress(RuntimeError):  # the loop is closed: the bot is stopping
            for typed in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, typed)
            loop.call_soon_threadsafe(over.set)

    threading.Thread(target=read, name="console input", daemon=True).start()


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()

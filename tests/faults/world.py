"""What outlives a process: the disk, the platforms with what people see there, and a fuse that stops the process."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from bot.core.chat import Act, Chat, Limits, Receipt
from bot.core.errors import MaybeSent, NotSent, Refused, SlowDown
from bot.core.message import Message
from bot.core.ports import Front, Parcel
from bot.stores.disk import Disk
from tests.fakes.clock import VirtualClock

VISIBLE_ID = re.compile(r"#([0-9a-z]{6})\b")


Undo = Callable[[], object]
"""What has to be unlearned of an answer when the process dies before it has written it down."""


class Crash(BaseException):
    """The process ends here; nothing in it may catch this."""


class Fuse:
    """Blows at the `at`-th step, and at every one after it: a dead process does nothing more. 0 never blows."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.steps = 0
        self.blown = False
        self.where = ""

    def step(self, where: str) -> None:
        self.steps += 1
        if self.steps == self.at:
            self.blown, self.where = True, where
        if self.blown:
            raise Crash(where)


class FusedDisk(Disk):
    """Each operation is a step. A write that blows the fuse has written half; syncs are counted and cost nothing.

    power: what was not synced is lost with the crash, as when the machine stops and not only the process.
    """

    def __init__(self, fuse: Fuse, unrecorded: list[Undo], *, power: bool = False) -> None:
        """unrecorded: emptied by every sync, since an answer and the commit that records it are one breath."""
        self._fuse = fuse
        self._unrecorded = unrecorded
        self._power = power
        self._paths: dict[int, Path] = {}
        self._synced: dict[Path, int] = {}

    def open_append(self, path: Path) -> int:
        fd = super().open_append(path)
        self._paths[fd] = path
        self._synced.setdefault(path, path.stat().st_size)
        return fd

    def write(self, fd: int, data: bytes) -> None:
        if self._fuse.blown or self._fuse.steps + 1 == self._fuse.at:
            if not self._fuse.blown:
                super().write(fd, data[: len(data) // 2])
            self._fuse.step("write")
        self._fuse.steps += 1
        super().write(fd, data)

    def sync(self, fd: int) -> None:
        self._fuse.step("sync")
        self._synced[self._paths[fd]] = self._paths[fd].stat().st_size
        self._unrecorded.clear()

    def truncate(self, fd: int, size: int) -> None:
        self._fuse.step("truncate")
        super().truncate(fd, size)

    def replace(self, source: Path, target: Path) -> None:
        self._fuse.step("replace")
        source.replace(target)
        self._synced[target] = self._synced.pop(source)

    def sync_directory(self, directory: Path) -> None:
        self._fuse.step("sync directory")

    def remove(self, path: Path) -> None:
        if path.exists():
            self._fuse.step("remove")
        super().remove(path)

    def stop(self) -> None:
        """The process has ended; with it, perhaps, the machine."""
        for path, size in self._synced.items() if self._power else ():
            if path.exists() and path.stat().st_size > size:
                path.write_bytes(path.read_bytes()[:size])


@dataclass
class Attempt:
    """One call that was to show something. certain: the bot learned, and wrote down, what became of it."""

    chat_id: str
    key: str
    part: int
    certain: bool = False


@dataclass
class Post:
    """A message as people see it. n: its place among all of its chat."""

    chat_id: str
    n: int
    key: str
    part: int
    act: Act
    text: str
    target: str = ""
    edits: int = 0

    @property
    def ids(self) -> list[str]:
        return VISIBLE_ID.findall(self.text)


@dataclass
class Platform:
    """One chat service, on which every call is two steps of the fuse: before it, and when it has acted.

    faults: by chat and words of what is sent there, what becomes of the first such calls: `lost` (acted, no answer),
    `failed` (no answer, not acted), `down`, `wait <s>`, `blind` (for looks). blocked: when each chat takes any again.
    """

    name: str
    clock: VirtualClock
    limits: Limits
    looks: bool = False
    faults: Mapping[tuple[str, str], list[str]] = field(default_factory=dict)
    blocked: Mapping[str, datetime] = field(default_factory=dict)
    fuse: Fuse = field(default_factory=Fuse)
    posts: list[Post] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    unrecorded: list[Undo] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    waits: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Monotonic time before which no call may come: one for all where all share it, else by chat and method."""

    def seen(self, chat_id: str) -> list[Post]:
        return [p for p in self.posts if p.chat_id == chat_id]

    def enter(self, method: str, chat_id: str, words: str) -> str:
        """A call has come in; what is to become of it."""
        now = self.clock.monotonic()
        whose = f"{method} {chat_id}" if self.looks else ""
        if now < self.waits[whose] - 0.001:
            self.early.append(f"{method} in {chat_id} {self.waits[whose] - now:.3f} s before Retry-After ended")
        left = next((kinds for (chat, about), kinds in self.faults.items() if chat == chat_id and about in words), [])
        fault = left.pop(0) if left else ""
        if fault.startswith("wait"):
            after = float(fault.partition(" ")[2])
            self.waits[whose] = now + after
            self.unrecorded.append(partial(self.waits.pop, whose))
            raise SlowDown("asks to wait", after_s=after, whole_bot=not self.looks)
        return fault

    def show(self, parcel: Parcel) -> Receipt:
        """Act: a new message, or an old one made anew."""
        text = parcel.message.plain()
        mine = self.seen(parcel.chat_id)
        if parcel.act is Act.EDIT:
            post = next(p for p in mine if str(p.n) == parcel.target)
            post.text, post.edits = text, post.edits + 1
            return Receipt(message_id=parcel.target, at=self.clock.now())
        post = Post(parcel.chat_id, len(mine) + 1, parcel.key, parcel.part, parcel.act, text, parcel.target)
        self.posts.append(post)
        return Receipt(message_id=str(post.n), at=self.clock.now())


class PlatformChannel:
    """The bot's end of a platform."""

    def __init__(self, platform: Platform) -> None:
        self.name = platform.name
        self.limits = platform.limits
        self._platform = platform

    async def serve(self, front: Front) -> None:
        await asyncio.Event().wait()

    def parts(self, message: Message, plain_from: int | None = None) -> int:
        return 1

    async def send(self, parcel: Parcel) -> Receipt:
        here, fuse = self._platform, self._platform.fuse
        fuse.step(f"before {parcel.act.value} {parcel.chat_id}")
        fault = here.enter("edit" if parcel.act is Act.EDIT else "post", parcel.chat_id, parcel.message.plain())
        if here.blocked.get(parcel.chat_id, here.clock.now()) > here.clock.now():
            raise Refused("blocked by the user", reason="blocked")
        if fault == "down":
            raise NotSent("cannot be reached")
        attempt = Attempt(parcel.chat_id, parcel.key, parcel.part)
        here.attempts.append(attempt)
        if fault == "failed":
            raise MaybeSent("no answer")
        receipt = here.show(parcel)
        fuse.step(f"after {parcel.act.value} {parcel.chat_id}")
        if fault == "lost":
            raise MaybeSent("no answer")
        attempt.certain = True
        here.unrecorded.append(partial(setattr, attempt, "certain", False))
        return receipt

    async def is_admin(self, actor: str, chat: Chat) -> bool:
        return True

    async def close(self) -> None:
        """Nothing is open."""


class LookingPlatformChannel(PlatformChannel):
    """One that can be asked whether something arrived."""

    async def look(self, parcel: Parcel, since: datetime) -> Receipt | None:
        here, fuse = self._platform, self._platform.fuse
        fuse.step(f"before look {parcel.chat_id}")
        if here.enter("look", parcel.chat_id, "look"):
            raise NotSent("the history cannot be read")
        found = [p for p in here.seen(parcel.chat_id) if (p.key, p.part) == (parcel.key, parcel.part)]
        fuse.step(f"after look {parcel.chat_id}")
        return Receipt(message_id=str(found[0].n), at=here.clock.now()) if found else None


def channel_of(platform: Platform) -> PlatformChannel:
    return LookingPlatformChannel(platform) if platform.looks else PlatformChannel(platform)

"""Put edited rules in force: when somebody asks, and by itself when their files change. Bad ones change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping

import structlog

from bot.core.errors import ConfigError
from bot.core.ports import Clock
from bot.jobs.notices import Notices
from bot.judge.newsroom import InForce, Newsroom, Rules

log = structlog.get_logger("reload")
LOOK_S = 10.0
"""Pause between two looks at the files. A change is taken up once it has been the same in two of them, so that a file
is not read while it is being written."""
SHOWN = 3
"""Mistakes told to the owners; the log has all of them."""
Stamps = Mapping[str, tuple[int, int]]
"""By file name: when it was written last, in ns, and its size; of a file that is not there, zeros."""


class ReloadJob:
    name = "reload"
    every_s = 1.0

    def __init__(
        self,
        newsroom: Newsroom,
        notices: Notices,
        clock: Clock,
        *,
        look: Callable[[], Stamps],
        read: Callable[[], Rules],
        rule_files: Collection[str],
        known: Stamps,
    ) -> None:
        """look: how the files are now. read: the rules as the files have them; pure but for the files, for it is called
        in a thread; raises ConfigError. rule_files: those that `read` reads. known: how all were when they were read at
        the start."""
        self._newsroom = newsroom
        self._notices = notices
        self._clock = clock
        self._look = look
        self._read = read
        self._rule_files = rule_files
        self._known = known
        self._seen = self._tried = self._rules_in(known)
        self._told: Stamps | None = None
        self._stale: set[str] = set()
        self._look_at = clock.monotonic() + LOOK_S
        self._asked = False

    def ask(self) -> None:
        """Read the rules again at the next beat, whether they look changed or not."""
        self._asked = True

    async def run(self) -> None:
        now = self._clock.monotonic()
        if not self._asked and now < self._look_at:
            return
        self._look_at = now + LOOK_S
        stamps = self._look()
        self._mention(stamps)
        rules = self._rules_in(stamps)
        settled, self._seen = rules == self._seen, rules
        if self._asked or (settled and rules != self._tried):
            self._asked, self._tried = False, rules
            await self._reload(rules)

    async def drain(self) -> None:
        """Nothing runs on after `run`."""

    def _rules_in(self, stamps: Stamps) -> Stamps:
        return {name: stamps[name] for name in self._rule_files}

    def _mention(self, stamps: Stamps) -> None:
        for name in stamps:
            if name not in self._rule_files and name not in self._stale and stamps[name] != self._known[name]:
                self._stale.add(name)
                log.warning("changed on disk, but read at a start only: restart the bot to heed it", file=name)

    async def _reload(self, version: Stamps) -> None:
        try:
            # Off the loop: reading and proving some hundred rules takes a second or two of computing.
            ready = await asyncio.to_thread(self._prepared)
            while not self._newsroom.adopt(ready):  # words were added in chat meanwhile
                ready = await asyncio.to_thread(self._newsroom.prepare, ready.rules)
        except ConfigError as error:
            await self._refuse(error, version)
            return
        self._notices.calm("rules")
        rules = {name: topic.rules for name, topic in ready.rules.topics.items()}
        log.info("the rules were read again and are in force", rules=rules, keywords=len(ready.keywords))

    def _prepared(self) -> InForce:
        return self._newsroom.prepare(self._read())

    async def _refuse(self, error: ConfigError, version: Stamps) -> None:
        for problem in error.problems:
            log.error("the rules on disk are refused; those in force stay", problem=str(problem))
        if version == self._told:
            return
        self._told = version
        more = len(error.problems) - SHOWN
        found = "\n".join(map(str, error.problems[:SHOWN])) + (f"\n… and {more} more, which the log has" * (more > 0))
        self._notices.calm("rules")
        await self._notices.sound("rules", f"The rules on disk are refused, and those in force stay:\n{found}")

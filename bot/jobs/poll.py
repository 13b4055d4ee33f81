"""Read the feeds that are due, decide, and commit: one feed, one durable write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog

from bot.core.changes import Changes
from bot.core.errors import FetchError, StoreError
from bot.core.habits import Habits
from bot.core.news import Entry, Feed, FeedState, Reading, Story
from bot.core.ports import Clock, Newsdesk, Source
from bot.jobs.notices import Notices, disk_trouble
from bot.jobs.telling import Telling, Told
from bot.judge.decide import Editor, Memory, keys_of
from bot.judge.newsroom import Newsroom

T = TypeVar("T")
log = structlog.get_logger("poll")
STORE_PAUSE_S = 30.0
GIVEN_UP = timedelta(days=7)
A_DAY = timedelta(days=1)
NO_HABITS = Habits()
AT_ONCE_S = 0.02
"""How long deciding may hold up everybody else."""
LIVE_DAYS = 30
"""How long a story may still be joined, at most."""


class PollJob:
    """One beat starts the feeds that are due; a feed is never read twice at once."""

    name = "poll"
    every_s = 0.5

    def __init__(
        self,
        store: Newsdesk,
        source: Source,
        newsroom: Newsroom,
        clock: Clock,
        *,
        new_editor: Callable[[Sequence[Story]], Editor],
        concurrency: int,
        telling: Telling | None = None,
        notices: Notices | None = None,
    ) -> None:
        """new_editor: builds an Editor from live stories, as stored. telling: fetches what alerts are told from.
        notices: how owners learn that nothing can be written."""
        self._store = store
        self._source = source
        self._newsroom = newsroom
        self._clock = clock
        self._new_editor = new_editor
        self._concurrency = concurrency
        self._telling = telling
        self._notices = notices or Notices((), {}, clock)
        self._editor: Editor | None = None
        self._forgotten = clock.now()
        self._stories_version = newsroom.stories_version
        self._waiting: dict[str, FeedState] = {}
        self._reading: dict[str, asyncio.Task[None]] = {}
        self._settling: set[str] = set()
        self._quiet: dict[str, FeedState] = {}
        self._enlisted: Mapping[str, Feed] | None = None
        self._deciding = asyncio.Lock()
        self._not_before = 0.0

    async def enlist(self) -> None:
        """Give every enabled feed a state, so that new ones are due at once."""
        feeds = self._newsroom.feeds
        if feeds is self._enlisted:
            return
        known = {state.feed_id: state for state in await self._store.states()}
        now = self._clock.steady()
        fresh = [
            FeedState(feed_id=feed.id, next_check=now)
            for feed in feeds.values()
            if feed.enabled and feed.id not in known
        ]
        if self._enlisted is None:
            # Times written under a clock that was wrong: nobody asks a feed to wait for longer than a day.
            latest = {s.feed_id: now + timedelta(seconds=s.interval_s) + A_DAY for s in known.values()}
            fresh += [replace(s, next_check=now) for s in known.values() if s.next_check > latest[s.feed_id]]
        if fresh:
            await self._store.commit(Changes(at=self._clock.now(), states=tuple(fresh)))
        self._enlisted = feeds

    async def run(self) -> None:
        if self._clock.monotonic() < self._not_before:
            return
        try:
            await self._flush()
            await self.enlist()
        except StoreError as error:
            await self._pause(error)
            return
        feeds = self._newsroom.feeds
        for state in await self._store.due(self._clock.steady(), len(feeds) + len(self._reading) + len(self._quiet)):
            feed_id = state.feed_id
            if feed_id in feeds and feed_id not in self._reading and feed_id not in self._quiet:
                self._waiting[feed_id] = state
        self._begin()

    def _begin(self) -> None:
        """Start as many of the feeds that wait as may be read at once; each that ends lets the next one in."""
        while self._waiting and len(self._reading) < self._concurrency:
            feed_id = next(iter(self._waiting))
            state = self._waiting.pop(feed_id)
            feed = self._newsroom.feeds.get(feed_id)
            if feed is None or not feed.enabled:
                continue
            task = asyncio.create_task(self._guarded(feed, state), name=f"poll {feed_id}")
            self._reading[feed_id] = task
            task.add_done_callback(partial(self._done, feed_id))

    def _done(self, feed_id: str, _: asyncio.Task[None]) -> None:
        self._reading.pop(feed_id, None)
        self._begin()

    async def drain(self) -> None:
        """Let what has been read be decided and committed; what is still on its way is asked for again next time."""
        self._waiting.clear()
        for feed_id, task in self._reading.items():
            if feed_id not in self._settling:
                task.cancel()
        while self._reading:
            await asyncio.wait(self._reading.values())
        try:
            await self._flush()
        except StoreError as error:
            log.warning("feeds without news will be looked at again soon", error=str(error))

    async def one(self, feed: Feed, state: FeedState) -> Changes:
        """Read one feed and commit what it means; returns what was committed. Raises StoreError only."""
        looked = await self._look(feed, state)
        if isinstance(looked, Changes):
            return looked
        changes = Changes(at=self._clock.now(), states=(looked,))
        await self._store.commit(changes)
        return changes

    async def _look(self, feed: Feed, state: FeedState) -> FeedState | Changes:
        """Read one feed: what was committed, or the feed's next state when there is nothing else to remember. That is
        committed with others at the next beat; a crash before costs one more look."""
        try:
            reading: Reading | FetchError = await self._source.read(feed, state)
        except FetchError as error:
            log.warning("feed failed", feed=feed.id, failures=state.failures + 1, error=str(error))
            reading = error
        return await self._settle(feed, state, reading)

    async def _settle(self, feed: Feed, state: FeedState, reading: Reading | FetchError) -> FeedState | Changes:
        """What a reading means; committed already when it is more than a feed's state."""
        if isinstance(reading, FetchError):
            now = self._clock.now()
            return self._scheduled((await self._ready()).failed(feed, state, reading, now), now)
        if reading.unchanged:
            return self._scheduled((await self._ready()).unchanged(feed, state, reading), reading.at)
        told = await self._prepared(feed, state, reading)
        async with self._deciding:
            changes = await self._decided(feed, state, reading, await self._memory(reading, told))
            states = tuple(self._scheduled(s, changes.at) for s in changes.states)
            if changes.only_states:
                return states[0]
            changes = replace(changes, states=states)
            self._settling.add(feed.id)
            try:
                await self._store.commit(changes)
            except BaseException:
                self._editor = None  # its stories ran ahead of what is stored
                raise
            finally:
                self._settling.discard(feed.id)
        for judged in changes.entries:
            if judged.outcome in ("alert", "update", "grew"):
                log.info(judged.outcome, feed=feed.id, story=judged.story_id, title=judged.entry.title[:120])
        return changes

    async def _decided(self, feed: Feed, state: FeedState, reading: Reading, memory: Memory) -> Changes:
        """A reading that takes long to decide lets others in between, as often as it must: nobody waits for a hostile
        one. When stories were changed by hand meanwhile, it is decided anew."""
        while True:
            editor = await self._ready()
            version = self._stories_version
            try:
                steps = editor.deciding(feed, state, reading, memory, self._newsroom.judge)
                changes = await self._at_ease(steps)
            except BaseException:
                self._editor = None  # its stories ran ahead of what is stored
                raise
            if self._editor is editor and self._newsroom.stories_version == version:
                return changes
            self._editor = None

    async def _at_ease(self, steps: Generator[None, None, T]) -> T:
        since = self._clock.monotonic()
        while True:
            try:
                next(steps)
            except StopIteration as done:
                found: T = done.value
                return found
            if self._clock.monotonic() - since > AT_ONCE_S:
                await self._clock.sleep(0)
                since = self._clock.monotonic()

    def _scheduled(self, state: FeedState, at: datetime) -> FeedState:
        """Its next check by the time that never goes back: by a clock set back an hour it would be past at once."""
        behind = self._clock.steady() - at
        return state if behind < timedelta(seconds=1) else replace(state, next_check=state.next_check + behind)

    async def _memory(self, reading: Reading, told: Told) -> Memory:
        """What may be known to the decision. A chat that could not be reached for a week is told nothing more, until
        it can be."""
        chats = await self._store.chats()
        given_up = {c.id for c in chats if c.paused and c.since and reading.at - c.since > GIVEN_UP}
        return Memory(
            unseen=await self._store.unseen(keys_of(reading)),
            subscriptions=[s for s in await self._store.subscriptions() if s.chat_id not in given_up],
            articles=told.articles,
            rewrites=told.rewrites,
            habits={c.id: c.habits for c in chats if c.habits is not NO_HABITS and c.habits != NO_HABITS},
        )

    async def _prepared(self, feed: Feed, state: FeedState, reading: Reading) -> Told:
        """What the new entries that will alert are told from."""
        if not (self._telling and self._telling.wanted(feed) and state.baselined):
            return Told()
        unseen = await self._store.unseen(keys_of(reading))
        judge = self._newsroom.judge.judge

        def alerting() -> Generator[None, None, list[Entry]]:
            found = []
            for entry in reading.entries:
                if entry.key in unseen and judge(entry).alert:
                    found.append(entry)
                yield
            return found

        return await self._telling.prepare(feed, await self._at_ease(alerting()))

    async def _flush(self) -> None:
        """Commit what quiet looks have left."""
        quiet = tuple(self._quiet.values())
        if quiet:
            await self._store.commit(Changes(at=self._clock.now(), states=quiet))
            for state in quiet:
                if self._quiet.get(state.feed_id) is state:
                    del self._quiet[state.feed_id]

    async def _ready(self) -> Editor:
        oldest = self._clock.now() - timedelta(days=LIVE_DAYS)
        if self._editor is None or self._stories_version != self._newsroom.stories_version:
            self._stories_version = self._newsroom.stories_version
            self._editor = self._new_editor(await self._store.live_stories(oldest))
            self._forgotten = oldest
        elif oldest - self._forgotten >= timedelta(days=1):
            self._editor.forget(oldest)
            self._forgotten = oldest
        return self._editor

    async def _guarded(self, feed: Feed, state: FeedState) -> None:
        try:
            looked = await self._look(feed, state)
            if isinstance(looked, FeedState):
                self._quiet[feed.id] = looked
            self._notices.calm("disk")
        except StoreError as error:
            await self._pause(error)
        except Exception:
            log.exception("a feed could not be handled", feed=feed.id)
            failure = FetchError("could not be handled; the log says more")
            now = self._clock.now()
            failed = (await self._ready()).failed(feed, state, failure, now)
            self._quiet[feed.id] = self._scheduled(failed, now)

    async def _pause(self, error: StoreError) -> None:
        log.error("cannot remember what feeds say, so none is read for now", error=str(error))
        self._waiting.clear()
        self._not_before = self._clock.monotonic() + STORE_PAUSE_S
        await self._notices.sound("disk", disk_trouble(error))

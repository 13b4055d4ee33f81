"""Feeds, from chat: list, add, remove, test, pause, resume."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from bot.commands.registry import NOTHING, Ask, Reply, Rest, command
from bot.core.changes import Audit, Changes
from bot.core.chat import Role
from bot.core.durations import seconds, words
from bot.core.errors import BadRequest, FetchError
from bot.core.identity import canonical_url
from bot.core.message import Message, Span, bold, bullets, code, line, note, say, text, title
from bot.core.news import Feed, FeedState, Reading, Tier
from bot.core.ports import Source, Store
from bot.judge.newsroom import Newsroom

MOST_FEEDS = 5000
_OPTION = re.compile(r"\b(id|name|tier|lang|every)=(\"[^\"]*\"|\S+)")
USAGE = (
    "[failing] | add <url> [id=…] [name=…] [tier=…] [lang=…] [every=15m] | test <url or id> "
    "| remove <id> | pause <id> | resume <id>"
)


class Feeds:
    def __init__(self, store: Store, newsroom: Newsroom, source: Source) -> None:
        self._store = store
        self._newsroom = newsroom
        self._source = source

    @command(role=Role.OWNER, usage=USAGE, example="feeds add https://example.com/feed.xml name=Example")
    async def feeds(self, ask: Ask, what: str = "list", rest: Rest = NOTHING) -> Reply:
        """The feeds I read: list, add, remove, test, pause, resume."""
        actions = {
            "list": self._list,
            "failing": self._failing,
            "add": self._add,
            "remove": self._remove,
            "test": self._test,
            "pause": self._pause,
            "resume": self._resume,
        }
        if what not in actions:
            raise BadRequest(f"I cannot {what[:40]!r} feeds; I can {', '.join(actions)}")
        return await actions[what](ask, rest.strip())

    async def _list(self, ask: Ask, rest: str) -> Reply:
        if rest in ("failing", "all"):
            return await self._failing(ask, "") if rest == "failing" else await self._list(ask, "")
        return Reply(await self._table(ask, failing_only=False))

    async def _failing(self, ask: Ask, rest: str) -> Reply:
        return Reply(await self._table(ask, failing_only=True))

    async def _table(self, ask: Ask, *, failing_only: bool) -> Message:
        states = {s.feed_id: s for s in await self._store.states()}
        shown = []
        for feed in sorted(self._newsroom.feeds.values(), key=lambda f: f.id):
            state = states.get(feed.id)
            if failing_only and not (feed.enabled and state and state.failures):
                continue
            shown.append(line(code(feed.id), f"  {feed.outlet}  ", _health(feed, state, ask)))
        if not shown:
            return say("No feed is failing." if failing_only else "There are no feeds yet.")
        return Message((title(f"{len(shown)} feeds"), bullets(*shown)))

    async def _add(self, ask: Ask, rest: str) -> Reply:
        options = {k: v.strip('"') for k, v in _OPTION.findall(rest)}
        url = _OPTION.sub("", rest).strip()
        if not url or " " in url:
            raise BadRequest("One address is needed")
        feed = _feed(url, options, self._newsroom.feeds, by=ask.call.actor)
        if len(self._newsroom.feeds) >= MOST_FEEDS:
            raise BadRequest(f"There are {MOST_FEEDS} feeds already; remove one first")
        reading = await self._look(feed, ask)
        changes = Changes(
            at=ask.now,
            feeds=(feed,),
            states=(FeedState(feed_id=feed.id, next_check=ask.now),),
            audit=(_audit(ask, "feed added", f"{feed.id} {_shown_url(feed.url)}"),),
        )
        first = f"Its {len(reading.entries)} entries of now wake nobody; the next new one may."
        return Reply(Message((text(line("Added ", code(feed.id), f" ({feed.outlet}). {first}")),)), changes)

    async def _remove(self, ask: Ask, name: str) -> Reply:
        feed = self._named(name)
        audit = (_audit(ask, "feed removed", feed.id),)
        if self._newsroom.is_from_file(feed.id):
            off = replace(feed, enabled=False, origin=ask.call.actor)
            said = say(
                f"{feed.id} stands in feeds.yaml, so it is switched off rather than removed; resume brings it back."
            )
            return Reply(said, Changes(at=ask.now, feeds=(off,), audit=audit))
        gone = Changes(at=ask.now, feeds_gone=(feed.id,), states_gone=(feed.id,), audit=audit)
        return Reply(say(f"Removed {feed.id}."), gone)

    async def _test(self, ask: Ask, name: str) -> Reply:
        if not name:
            raise BadRequest("Which feed? Give an address or an id")
        feed = self._newsroom.feeds.get(name.lower()) or _feed(name, {}, {}, by=ask.call.actor)
        reading = await self._look(feed, ask)
        judge = self._newsroom.judge
        fired = sum(judge.judge(entry).alert for entry in reading.entries)
        newest = [line(Span(e.title, url=e.url)) for e in reading.entries[:5]]
        return Reply(
            Message(
                (
                    title(reading.title or feed.outlet),
                    text(
                        f"Readable: {len(reading.entries)} entries, {fired} of which match a topic. Nothing was sent."
                    ),
                    bullets(*newest),
                    *(note(n) for n in reading.notes[:5]),
                )
            )
        )

    async def _pause(self, ask: Ask, name: str) -> Reply:
        return self._switch(ask, name, on=False)

    async def _resume(self, ask: Ask, name: str) -> Reply:
        return self._switch(ask, name, on=True)

    def _switch(self, ask: Ask, name: str, *, on: bool) -> Reply:
        feed = self._named(name)
        if feed.enabled == on:
            return Reply(say(f"{feed.id} is {'on' if on else 'off'} already."))
        what = "feed resumed" if on else "feed paused"
        changed = replace(feed, enabled=on, origin=ask.call.actor)
        changes = Changes(at=ask.now, feeds=(changed,), audit=(_audit(ask, what, feed.id),))
        return Reply(say(f"{feed.id} is {'on' if on else 'off'} now."), changes)

    async def _look(self, feed: Feed, ask: Ask) -> Reading:
        state = FeedState(feed_id=feed.id, next_check=ask.now)
        try:
            return await self._source.read(feed, state)
        except FetchError as error:
            raise BadRequest(f"{_shown_url(feed.url)} cannot be read as a feed: {error}") from None

    def _named(self, name: str) -> Feed:
        feed = self._newsroom.feeds.get(name.lower())
        if feed is None:
            raise BadRequest(f"There is no feed {name[:60]!r}" if name else "Which feed? Give its id")
        return feed


def _feed(url: str, options: Mapping[str, str], known: Mapping[str, Feed], *, by: str) -> Feed:
    parts = urlsplit(url) if not re.search(r"[\s\\]", url) else urlsplit("")
    if not canonical_url(url):
        raise BadRequest("The address must begin with http:// or https://")
    if parts.username or parts.password:
        raise BadRequest(
            "Addresses with a name and password in them are not taken: everybody who may list feeds could read them"
        )
    same = next((f for f in known.values() if canonical_url(f.url) == canonical_url(url)), None)
    if same:
        raise BadRequest(f"That address is read already, as {same.id}")
    name = options.get("id") or re.sub(r"[^a-z0-9]+", "-", (parts.hostname or "feed").removeprefix("www.")).strip("-")
    if not re.fullmatch(r"[a-z0-9-]{1,64}", name):
        raise BadRequest("An id is made of a-z, 0-9 and -")
    if "id" in options and name in known:
        raise BadRequest(f"The id {name!r} is taken")
    number = 2
    free = name
    while free in known:
        free, number = f"{name}-{number}", number + 1
    try:
        every = seconds(options["every"]) if "every" in options else None
        tier = Tier(options.get("tier", "press"))
    except ValueError as error:
        tiers = ", ".join(Tier)
        raise BadRequest(
            str(error) if "every" in str(error) or "time" in str(error) else f"tier is one of {tiers}"
        ) from None
    if every is not None and not 1 <= every <= 7 * 86400:
        raise BadRequest("every lies between 1s and 7d")
    if options.get("lang", "en") not in ("en", "zh-Hans", "zh-Hant"):
        raise BadRequest("lang is en, zh-Hans or zh-Hant")
    return Feed(
        id=free,
        url=url,
        name=options.get("name", "")[:100],
        tier=tier,
        lang=options.get("lang", ""),
        every_s=every,
        origin=by,
    )


def _health(feed: Feed, state: FeedState | None, ask: Ask) -> Span | str:
    if not feed.enabled:
        return "off"
    if state is None or (state.last_ok is None and not state.failures):
        return "not read yet"
    if state.failures:
        return bold(f"failing {state.failures}x: {state.error[:160]}")
    ago = words((ask.now - state.last_ok).total_seconds()) if state.last_ok else "?"
    return f"well, read {ago} ago, every {words(state.interval_s)}"


def _shown_url(url: str) -> str:
    return url.split("?", 1)[0][:120]


def _audit(ask: Ask, what: str, detail: str) -> Audit:
    return Audit(at=ask.now, actor=ask.call.actor, chat_id=ask.call.chat.id, what=what, detail=detail)

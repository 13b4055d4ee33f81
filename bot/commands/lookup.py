"""What people look up: latest, search, why, why not, status."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bot.commands.registry import Ask, Reply, Rest, command
from bot.core.chat import Delivery, State
from bot.core.durations import seconds, words
from bot.core.errors import BadRequest
from bot.core.identity import canonical_url
from bot.core.message import Block, Message, Shape, Span, bold, bullets, code, line, note, say, text, title
from bot.core.news import Judged, Stage, Story
from bot.core.ports import Store
from bot.judge import render
from bot.judge.newsroom import Newsroom

MOST = 20
_FILTER = re.compile(r"\b(since|source|lang|topic):(\S+)")


class LookingUp:
    def __init__(self, store: Store, newsroom: Newsroom, troubles: Callable[[], Sequence[str]] = tuple) -> None:
        """troubles: what is wrong now that feeds and rows do not show."""
        self._store = store
        self._newsroom = newsroom
        self._troubles = troubles

    @command(example="latest 5 cac")
    async def latest(self, ask: Ask, n: int = 5, topic: str = "") -> Reply:
        """The newest stories."""
        topic = topic.lower()
        if topic and topic != "all" and topic not in self._newsroom.topics:
            raise BadRequest(f"There is no topic {topic[:40]!r}; there are {', '.join(self._newsroom.topics)}")
        found = await self._store.latest([topic] if topic in self._newsroom.topics else [], MOST * 2)
        found = [s for s in found if not s.merged_into][: max(1, min(n, MOST))]
        if not found:
            return Reply(say("Nothing yet: no entry read so far matched a topic. /status tells what is being read."))
        return Reply(Message((title("Latest"), bullets(*map(render.one_line, found)))))

    @command("find", usage="<words> [since:30d] [source:name] [lang:zh]", example="search 滴滴 since:30d")
    async def search(self, ask: Ask, query: Rest) -> Reply:
        """Stories that hold all of these words."""
        filters = dict(_FILTER.findall(query))
        bare = _FILTER.sub("", query).strip()
        if not bare:
            raise BadRequest("Search for what?")
        since = _since(filters, ask)
        found = [s for s in await self._store.search(bare, 200) if _passes(s, filters, since)][:MOST]
        if not found:
            return Reply(say(f"No story holds {bare[:80]!r}."))
        return Reply(Message((title(f"{len(found)} found"), bullets(*map(render.one_line, found)))))

    @command(usage="[alert id, or as a reply to it]", example="why a1b2c3")
    async def why(self, ask: Ask, alert: str = "") -> Reply:
        """Why an alert was sent: the words, the rules, the reports, the delivery here."""
        name = (alert or ask.call.reply_to).lower().lstrip("#")
        if name:
            story = await self._store.story(name)
        else:
            newest = await self._store.latest([], 1)
            story = newest[0] if newest else None
        if story and story.merged_into:
            story = await self._store.story(story.merged_into)
        if story is None:
            raise BadRequest(f"I know no alert {('#' + name)[:40]!r}" if name else "There was no alert yet")
        judged = await self._store.judged(story.reports[0].key) if story.reports else None
        here = await self._store.posted(ask.call.chat.id, story.id)
        blocks = [
            title(code(f"#{story.id}"), " ", Span(story.title, url=story.url)),
            text(line(bold("Why: "), story.why)),
            *([_stages((*judged.verdict.stages, *judged.stages))] if judged else []),
            await self._reports(story),
            note(f"Topic: {render.topics(story)} · {render.when(story)} · {_delivery(here)}"),
        ]
        return Reply(Message(tuple(blocks)))

    async def _reports(self, story: Story) -> Block:
        """Every report, what it was to the story, and why it was taken to be of it."""
        lines = [line(bold("Reports: "), str(story.report_count))]
        for number, report in enumerate(story.reports[:MOST], 1):
            judged = await self._store.judged(report.key)
            shown = (f"{number}. {render.stamp(report.at)} {report.source}: ", Span(report.title, url=report.url))
            lines.append(line(*shown, _part_of(judged) if judged and judged.story_id == story.id else ""))
        return Block(Shape.LIST, tuple(lines))

    @command(usage="<url>", example="whynot https://example.com/article")
    async def whynot(self, ask: Ask, url: str) -> Reply:
        """Why an article did not become an alert."""
        key = canonical_url(url)
        if not key:
            raise BadRequest("That is no http(s) address")
        judged = await self._store.judged(key)
        if judged is None:
            return Reply(
                say("I have not read this article: no feed I poll has listed it, or it is past its retention.")
            )
        outcome = {
            "alert": "It did: it is the first report of a story.",
            "grew": "It joined a story that had been told already.",
            "baseline": "It was there at the first reading of its feed, which alerts nobody.",
            "old": "It was published too long before I read it.",
            "update": "It brought news to a story that had been told, and went out as an answer to it.",
            "review": "It was a near miss: only those who subscribe to `review` were shown it.",
            "no-match": "No topic's rules fired.",
        }.get(judged.outcome, judged.outcome)
        shown = [line(bold("Outcome: "), outcome)]
        if judged.story_id:
            shown.append(line(bold("Story: "), code(f"#{judged.story_id}")))
        told = judged.outcome in ("alert", "grew", "update")
        missed = () if told else self._newsroom.judge.near_misses(judged.entry)
        if not told and not judged.verdict.stages:
            shown.append(line(bold("Reason: "), judged.verdict.reason))
        stages = (*judged.verdict.stages, *judged.stages, *missed)
        head = title(Span(judged.entry.title, url=judged.entry.url))
        return Reply(Message((head, Block(Shape.TEXT, tuple(shown)), *([_stages(stages)] if stages else []))))

    @command(example="status")
    async def status(self, ask: Ask) -> Reply:
        """Whether I am well: feeds, stories, what waits to be sent."""
        counts = await self._store.counts()
        states = {s.feed_id: s for s in await self._store.states()}
        polled = [states[f.id] for f in self._newsroom.feeds.values() if f.enabled and f.id in states]
        failing = [s for s in polled if s.failures]
        last = max((s.last_ok for s in polled if s.last_ok), default=None)
        ago = f", last answer {words((ask.now - last).total_seconds())} ago" if last else ", none has answered yet"
        waiting = sum(counts.get(state, 0) for state in ("pending", "sending", "ambiguous"))
        held, dead = counts.get("held", 0), counts.get("dead", 0)
        lines = [
            f"Feeds: {len(polled) - len(failing)} of {len(polled)} well{ago}",
            f"Stories: {counts.get('stories', 0)} · entries read: {counts.get('entries', 0)}",
            f"Messages: {counts.get('sent', 0)} sent, {waiting} waiting, {held} held, {dead} undeliverable",
        ]
        lines += [f"Trouble: {words_}" for words_ in self._troubles()]
        paused = [chat for chat in await self._store.chats() if chat.paused]
        if paused:
            lines.append(
                f"Chats out of reach: {len(paused)}" + (f"; {ask.prefix}queue names them" if ask.owner else "")
            )
        if ask.owner and failing:
            lines += [f"{s.feed_id}: {s.error}" for s in failing[:10]]
        return Reply(Message((title("Status"), bullets(*lines))))


def _since(filters: dict[str, str], ask: Ask) -> datetime | None:
    if "since" not in filters:
        return None
    try:
        return ask.now - timedelta(seconds=seconds(filters["since"]))
    except (ValueError, OverflowError) as error:
        raise BadRequest(str(error)) from None


def _passes(story: Story, filters: dict[str, str], since: datetime | None) -> bool:
    if story.merged_into or (since and story.last_update < since):
        return False
    source, lang = filters.get("source", "").casefold(), filters.get("lang", "").casefold()
    if source and not any(source in r.source.casefold() for r in story.reports):
        return False
    if lang and not story.lang.casefold().startswith(lang):
        return False
    return "topic" not in filters or filters["topic"] in story.topics


def _stages(stages: Sequence[Stage]) -> Block:
    return bullets(*(line(bold(s.name), f": {s.outcome}", f" ({s.detail})" if s.detail else "") for s in stages))


def _part_of(judged: Judged) -> str:
    """What a report was to its story, in a few words; "" of one that began it."""
    said = [f"update, {stage.outcome}" for stage in judged.stages if stage.name == "update"]
    said += [f"joined because {s.detail}" for s in judged.stages if s.name == "story" and s.detail]
    return f" ({'; '.join(said)})" if said else ""


def _delivery(row: Delivery | None) -> str:
    if row is None:
        return "not sent to this chat"
    if row.state is State.SENT:
        return f"sent here {render.stamp(row.receipts[-1].at)}"
    return f"{row.state.value} here" + (f": {row.error}" if row.error else "")

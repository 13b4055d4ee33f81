"""The words behind the topics, from chat: list, add, remove, test."""

from __future__ import annotations

from datetime import timedelta

from bot.commands.registry import NOTHING, Ask, Reply, Rest, command
from bot.core.changes import Audit, Changes
from bot.core.chat import Keyword, Role
from bot.core.errors import BadRequest, BotError
from bot.core.message import Message, Span, bold, bullets, code, line, note, say, text, title
from bot.core.ports import Store
from bot.judge.newsroom import Newsroom
from bot.judge.verdict import Judge

LONGEST = 4000
MOST = 200
TRIED_DAYS = 30
ENOUGH = 100.0
"""Weight of a word added in chat: it fires its topic alone."""


class Keywords:
    def __init__(self, store: Store, newsroom: Newsroom) -> None:
        self._store = store
        self._newsroom = newsroom

    @command(
        role=Role.OWNER,
        usage="[list] [topic] | add <topic> <word or rule> | remove <topic> <word or rule> | test <word or rule>",
        example='keywords add cac "data exit assessment"',
    )
    async def keywords(self, ask: Ask, what: str = "list", rest: Rest = NOTHING) -> Reply:
        """The words behind a topic: list, add, remove, test."""
        actions = {"list": self._list, "add": self._add, "remove": self._remove, "test": self._test}
        if what in self._newsroom.topics:
            return await self._list(ask, what)
        if what not in actions:
            raise BadRequest(f"I cannot {what[:40]!r} keywords; I can {', '.join(actions)}")
        return await actions[what](ask, rest.strip())

    async def _list(self, ask: Ask, topic: str) -> Reply:
        topics = [self._topic(topic)] if topic else list(self._newsroom.topics)
        added = [k for k in await self._store.keywords() if k.topic in topics]
        blocks = []
        for name in topics:
            lines = [
                line(code(k.text), f"  added by {k.by}, {k.at:%Y-%m-%d}" if k.at else "")
                for k in added
                if k.topic == name
            ]
            rules = self._newsroom.rule_count(name)
            blocks.append(text(line(bold(name), f": {rules} rules in topics.yaml, {len(lines)} words added in chat")))
            if lines:
                blocks.append(bullets(*lines))
        return Reply(Message(tuple(blocks)))

    async def _add(self, ask: Ask, rest: str) -> Reply:
        topic, written = self._topic_and_text(rest)
        known = await self._store.keywords()
        if any(k.topic == topic and k.text == written for k in known):
            return Reply(say(f"{topic} has {written!r} already."))
        if len(known) >= MOST:
            raise BadRequest(f"There are {MOST} words added in chat already; remove one first")
        made = Keyword(topic=topic, text=written, weight=ENOUGH, by=ask.call.actor, at=ask.now)
        self._compiled((*known, made))
        counts = await self._store.counts()
        changes = Changes(
            at=ask.now,
            keywords=(made,),
            expect=(("keywords", counts.get("version.keywords", 0)),),
            audit=(
                Audit(
                    at=ask.now, actor=ask.call.actor, chat_id=ask.call.chat.id, what="keyword added", detail=made.key
                ),
            ),
        )
        undo = code(f"{ask.prefix}keywords remove {topic} {written}")
        return Reply(Message((text(line("Added ", code(written), " to ", bold(topic), ". To undo: ", undo)),)), changes)

    async def _remove(self, ask: Ask, rest: str) -> Reply:
        topic, written = self._topic_and_text(rest)
        known = await self._store.keywords()
        found = next((k for k in known if k.topic == topic and k.text == written), None)
        if found is None:
            raise BadRequest(
                f"{topic} has no word {written[:60]!r} added in chat; those of topics.yaml are removed there"
            )
        counts = await self._store.counts()
        changes = Changes(
            at=ask.now,
            keywords_gone=(found.key,),
            expect=(("keywords", counts.get("version.keywords", 0)),),
            audit=(
                Audit(
                    at=ask.now, actor=ask.call.actor, chat_id=ask.call.chat.id, what="keyword removed", detail=found.key
                ),
            ),
        )
        return Reply(Message((text(line("Removed ", code(written), " from ", bold(topic), ".")),)), changes)

    async def _test(self, ask: Ask, written: str) -> Reply:
        if not written:
            raise BadRequest("Test which word or rule?")
        topic = next(iter(self._newsroom.topics))
        known = await self._store.keywords()
        judge = self._compiled((*known, Keyword(topic=topic, text=_checked(written), weight=ENOUGH)))
        today = self._newsroom.judge
        history = await self._store.history(ask.now - timedelta(days=TRIED_DAYS))
        added = [j for j in history if judge.judge(j.entry).alert and not today.judge(j.entry).alert]
        blocks = [
            title(f"{written[:80]}: {len(added)} more alerts"),
            text(f"Over the {len(history)} entries of the last {TRIED_DAYS} days that are kept. Nothing was changed."),
        ]
        if added:
            blocks.append(bullets(*(line(Span(j.entry.title, url=j.entry.url)) for j in added[-10:])))
        blocks.append(note(f"{ask.prefix}keywords add <topic> {written[:60]}"))
        return Reply(Message(tuple(blocks)))

    def _compiled(self, keywords: tuple[Keyword, ...]) -> Judge:
        try:
            return self._newsroom.try_keywords(keywords)
        except BotError as error:
            raise BadRequest(f"That is no rule I can use: {error}") from None

    def _topic_and_text(self, rest: str) -> tuple[str, str]:
        topic, _, written = rest.partition(" ")
        if not topic or not written.strip():
            raise BadRequest("A topic and a word are needed")
        return self._topic(topic), _checked(written)

    def _topic(self, name: str) -> str:
        if name.lower() not in self._newsroom.topics:
            raise BadRequest(f"There is no topic {name[:40]!r}; there are {', '.join(self._newsroom.topics)}")
        return name.lower()


def _checked(written: str) -> str:
    written = " ".join(written.split())
    if len(written) > LONGEST:
        raise BadRequest(f"A rule has at most {LONGEST} characters")
    return written

"""Stories put right by owners: two that are one, one that is two. Each use is kept as an example to test joining by."""

from __future__ import annotations

import json
from dataclasses import replace

from bot.commands.registry import Ask, Reply, command
from bot.core.changes import Audit, Changes
from bot.core.chat import Act, Role
from bot.core.errors import BadRequest
from bot.core.message import Message, code, line, text
from bot.core.news import Report, Story
from bot.core.ports import Store
from bot.judge import mending, render
from bot.judge.decide import Memory, tell

AUDITED = "story"
"""Begins what the audit calls these."""


class Stories:
    def __init__(self, store: Store) -> None:
        self._store = store

    @command(role=Role.OWNER, usage="<alert id> <report number>", example="split a1b2c3 3")
    async def split(self, ask: Ask, alert: str, number: int) -> Reply:
        """Take a report out of a story it does not belong to: it goes back to the story it was merged from, or is told
        as one of its own."""
        story = await self._story(alert)
        try:
            rest, alone = mending.split(story, number, ask.now)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        report = story.reports[number - 1]
        sign = await self._sign(report, story)
        if sign:
            return self._unmerged(ask, story, sign)
        if known := await self._store.story(alone.id):  # what was told of it before must not be taken for what comes
            alone = replace(alone, revision=known.revision + 1)
        memory = await self._memory(await self._knowing(report))
        messages, rows = tell(alone, render.alert(alone), Act.POST, memory, ask.now)
        judged = await self._store.judged(report.key)
        changes = Changes(
            at=ask.now,
            entries=(replace(judged, story_id=alone.id),) if judged else (),
            stories=(rest, alone),
            messages=messages,
            deliveries=rows,
            audit=(_example(ask, "split", story, alone, same=False),),
        )
        counted = f"{len(rows)} chat" + ("s" if len(rows) != 1 else "")
        said = line("Done: ", code(f"#{alone.id}"), f" is a story of its own now, told to {counted}.")
        return Reply(Message((text(said),)), changes)

    def _unmerged(self, ask: Ask, story: Story, sign: Story) -> Reply:
        rest, again = mending.unmerge(story, sign)
        counted = f"{again.report_count} report" + ("s" if again.report_count != 1 else "")
        said = line(
            "Done: the two are as they were before they were merged. ",
            *(code(f"#{again.id}"), f" is a story of its own again, with {counted}; nobody is told of it anew."),
        )
        example = _example(ask, "split", rest, again, same=False)
        return Reply(Message((text(said),)), Changes(at=ask.now, stories=(rest, again), audit=(example,)))

    @command(role=Role.OWNER, usage="<alert id> <alert id>", example="merge a1b2c3 d4e5f6")
    async def merge(self, ask: Ask, into: str, other: str) -> Reply:
        """Make two stories one; what comes later joins the first."""
        first, second = await self._story(into), await self._story(other)
        try:
            whole, sign = mending.merge(first, second, ask.now)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        example = _example(ask, "merge", first, second, same=True)
        part = (code(f"#{second.id}"), " is part of ", code(f"#{first.id}"))
        said = line("Done: ", *part, f", {whole.report_count} reports.")
        return Reply(Message((text(said),)), Changes(at=ask.now, stories=(whole, sign), audit=(example,)))

    async def _sign(self, report: Report, story: Story) -> Story | None:
        """What is left of the story by which this report came into the other; None when it joined by itself."""
        judged = await self._store.judged(report.key)
        found = await self._store.story(judged.story_id) if judged else None
        while found and found.merged_into and found.merged_into != story.id:
            found = await self._store.story(found.merged_into)
        return found if found and found.merged_into else None

    async def _knowing(self, report: Report) -> frozenset[str]:
        """Chats that were told of this report by a message of its own."""
        judged = await self._store.judged(report.key)
        if judged is None or judged.outcome not in ("alert", "update"):
            return frozenset()
        chats = {s.chat_id for s in await self._store.subscriptions()}
        return frozenset([c for c in chats if await self._store.posted(c, judged.story_id)])

    async def _memory(self, knowing: frozenset[str]) -> Memory:
        """knowing: chats that need not be told."""
        habits = {chat.id: chat.habits for chat in await self._store.chats()}
        subscriptions = [s for s in await self._store.subscriptions() if s.chat_id not in knowing]
        return Memory(unseen=frozenset(), subscriptions=subscriptions, habits=habits)

    async def _story(self, name: str) -> Story:
        story = await self._store.story(name.lower().lstrip("#"))
        if story is None:
            raise BadRequest(f"I know no alert {('#' + name.lstrip('#'))[:40]!r}")
        if story.merged_into:
            raise BadRequest(f"#{story.id} is part of #{story.merged_into} already")
        return story


def _example(ask: Ask, what: str, one: Story, other: Story, *, same: bool) -> Audit:
    """Two headlines that are one tell nothing to test joining by; who did it is kept all the same."""
    pair = {"same": same, "a": one.title, "b": other.title}
    what, detail = f"{AUDITED} {what}", json.dumps(pair, ensure_ascii=False)
    if one.title == other.title:
        what, detail = f"{what.removeprefix(AUDITED).strip()} of one headline", f"#{one.id} #{other.id}"
    return Audit(at=ask.now, actor=ask.call.actor, chat_id=ask.call.chat.id, what=what, detail=detail)

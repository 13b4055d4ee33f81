"""What is on its way and what is not: held, waiting, undeliverable; and trying it again."""

from __future__ import annotations

from datetime import datetime

from bot.commands.registry import Ask, Reply, command
from bot.core import outbox
from bot.core.changes import Audit, Changes
from bot.core.chat import PAUSES, Delivery, Role
from bot.core.durations import words
from bot.core.errors import BadRequest
from bot.core.habits import Habits
from bot.core.message import Line, Message, Span, bold, bullets, code, line, note, say, text, title
from bot.core.ports import Store
from bot.judge import render
from bot.judge.gathering import LATE
from bot.judge.hours import Untold, live_mutes, next_slot, quiet_ends, why_held

MOST = 20
SHORT = 6


class Outgoing:
    def __init__(self, store: Store) -> None:
        self._store = store

    @command(example="held")
    async def held(self, ask: Ask) -> Reply:
        """What waits for its hour here, why, and until when."""
        chat = await self._store.chat(ask.call.chat.id) or ask.call.chat
        rows = await self._store.held(chat.id)
        if not rows:
            return Reply(say("Nothing is held here."))
        lines = []
        for row in rows[:MOST]:
            story = await self._store.story(row.story_id)
            why = why_held(chat.habits, story or Untold(), ask.now, urgent=row.urgent) or row.held
            what = render.one_line(story) if story else line("a message")
            lines.append((*what, Span(f" · {_until(chat.habits, why, ask.now)}")))
        more = (note(f"… and {len(rows) - MOST} more"),) if len(rows) > MOST else ()
        return Reply(Message((title(f"{len(rows)} held"), bullets(*lines), *more)))

    @command(role=Role.OWNER, example="queue")
    async def queue(self, ask: Ask) -> Reply:
        """What waits to be sent, and the chats it waits for."""
        counts = await self._store.counts()
        waiting = sum(counts[state] for state in ("pending", "sending", "ambiguous"))
        lines = [line(f"{waiting} on their way, {counts['held']} held for their hour, {counts['dead']} undeliverable")]
        for chat in await self._store.chats():
            rows = await self._store.backlog(chat.id)
            if not (rows or chat.paused) or len(lines) > MOST:
                continue
            oldest = f", the oldest for {words((ask.now - rows[0].created).total_seconds())}" if rows else ""
            why = f" · paused: {PAUSES.get(chat.paused, chat.paused)}" if chat.paused else ""
            said = f" · {rows[0].error}" if rows and rows[0].error and not chat.paused else ""
            lines.append(line(bold(chat.title or chat.id), f" {chat.id}: {len(rows)} waiting{oldest}{why}{said}"))
        return Reply(Message((title("Outbox"), bullets(*lines))))

    @command(role=Role.OWNER, example="dead")
    async def dead(self, ask: Ask) -> Reply:
        """Messages that can never be delivered, and why."""
        rows = await self._store.dead(MOST)
        if not rows:
            return Reply(say("Nothing is undeliverable."))
        shown = bullets(*(_one_line(row) for row in rows))
        how = note(code(f"{ask.prefix}retry <id>"), " tries one again, ", code(f"{ask.prefix}retry all"), " every one.")
        return Reply(Message((title("Undeliverable"), shown, how)))

    @command(role=Role.OWNER, usage="<id or all>", example="retry all")
    async def retry(self, ask: Ask, which: str) -> Reply:
        """Try undeliverable messages again, in their old order."""
        rows = await self._store.dead(100_000)
        wanted = [row for row in rows if which.lower() == "all" or row.key.startswith(which.lower().lstrip("#"))]
        if not wanted or (which.lower() != "all" and len(wanted) > 1):
            raise BadRequest(f"I know no undeliverable message {which[:40]!r}; {ask.prefix}dead lists them")
        audit = Audit(
            at=ask.now, actor=ask.call.actor, chat_id=ask.call.chat.id, what="retry", detail=f"{len(wanted)} messages"
        )
        changes = Changes(at=ask.now, deliveries=tuple(outbox.replay(row, ask.now) for row in wanted), audit=(audit,))
        return Reply(Message((text(f"Done: {len(wanted)} go out again."),)), changes)


def _until(habits: Habits, why: str, now: datetime) -> str:
    """`quiet until 2022-08-20 07:00 UTC`."""
    mute = next((m for m in live_mutes(habits, now) if why == f"mute {m.what}".rstrip()), None)
    ends = {"quiet": quiet_ends(habits, now), "digest": next_slot(habits, now)}.get(why, mute.until if mute else None)
    if why == LATE:
        return "comes within a minute, together with what else an outage kept"
    return why + (f" until {render.stamp(ends)}" if ends else "")


def _one_line(row: Delivery) -> Line:
    story = f" #{row.story_id}" if row.story_id else ""
    return line(code(row.key[:SHORT]), f" {row.chat_id}{story} · {row.created:%Y-%m-%d %H:%M} UTC · {row.error}")

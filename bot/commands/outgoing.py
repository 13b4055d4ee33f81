"""What owners see of the outbox: what waits and why, what can never be delivered, and trying it again."""

from __future__ import annotations

from bot.commands.registry import Ask, Reply, command
from bot.core import outbox
from bot.core.changes import Audit, Changes
from bot.core.chat import PAUSES, Delivery, Role
from bot.core.durations import words
from bot.core.errors import BadRequest
from bot.core.message import Line, Message, bold, bullets, code, line, note, say, text, title
from bot.core.ports import Store

MOST = 20
SHORT = 6


class Outgoing:
    def __init__(self, store: Store) -> None:
        self._store = store

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


def _one_line(row: Delivery) -> Line:
    story = f" #{row.story_id}" if row.story_id else ""
    return line(code(row.key[:SHORT]), f" {row.chat_id}{story} · {row.created:%Y-%m-%d %H:%M} UTC · {row.error}")

"""Many messages as one ranked list: what a digest, the end of a quiet night or of an outage shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core import outbox
from bot.core.changes import Changes
from bot.core.chat import Act, Chat, Delivery
from bot.core.identity import delivery_key, digest
from bot.core.message import Block, Line, Message, Shape, bold, line, note, title
from bot.core.news import Story
from bot.judge import render

LATE = "late"
"""Why a row is held that an outage has kept from being read in time."""
_HEADS = {
    "digest": "Digest",
    "quiet": "While it was quiet",
    "mute": "While it was muted",
    LATE: "While I was away",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One row, what it would have shown, and the story it is about, when it is about one that is kept."""

    row: Delivery
    message: Message
    story: Story | None


def together(chat: Chat, items: Sequence[Item], now: datetime, *, slot: str = "") -> Changes:
    """Send these rows of the chat on, as one commit: one by itself, several as one list that folds them.

    slot: the digest this is, which is then told. Raises ValueError for a row of which something was shown already.
    """
    told = (replace(chat, habits=replace(chat.habits, slot=slot)),) if slot else ()
    if len(items) == 1:
        return Changes(at=now, deliveries=(outbox.release(items[0].row, now),), chats=told)
    name = digest("gathered", *sorted(item.row.key for item in items))
    how = f"{'/tocsin ' if chat.channel == 'slack' else '/'}why <id> tells more of one."
    message = gathered(items, reasons(item.row for item in items), how)
    whole = Delivery(
        key=delivery_key(chat.id, name, 1, Act.GATHERED),
        chat_id=chat.id,
        message_id=name,
        story_id="",
        revision=1,
        act=Act.GATHERED,
        created=now,
        next_try=now,
    )
    folded = tuple(outbox.fold(item.row, whole.key) for item in items)
    return Changes(at=now, messages=((name, message),), deliveries=(whole, *folded), chats=told)


def gathered(items: Sequence[Item], why: str, how: str) -> Message:
    """Every item as a line, a story once: urgent ones first, then by score, reports and time; what has no story last.

    why: the reason they were held, as `Delivery.held` gives it. how: the reader's way to a whole story, in words.
    """
    stories = {item.story.id: item.story for item in items if item.story}
    ranked = sorted(stories.values(), key=_weight, reverse=True)
    lines: list[Line] = []
    for story in ranked:
        lines.append(render.one_line(story))
        lines += [_first_line(i.message) for i in items if i.story is story and i.row.act is Act.REPLY]
    lines += [_first_line(item.message) for item in items if item.story is None]
    head = _HEADS.get(why.partition(" ")[0], "Held until now")
    counted = f"{len(lines)} message" + ("s" if len(lines) > 1 else "")
    return Message((title(bold(f"{head}: {counted}")), Block(Shape.LIST, tuple(lines)), note(how)))


def reasons(rows: Iterable[Delivery]) -> str:
    """The reason that holds most of them."""
    found = [row.held or LATE for row in rows]
    return max(found, key=found.count)


def _weight(story: Story) -> tuple[bool, float, int, float]:
    return story.urgent, story.score, story.report_count, story.last_update.timestamp()


def _first_line(message: Message) -> Line:
    lines = [one for block in message.blocks for one in block.lines]
    return lines[0] if lines else line("…")

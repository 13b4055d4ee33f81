"""What was due against what people see: lost, copies, order, ids, edits, answers, effects, calls that came early."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.faults.scenario import COMMANDS, DESK, ROOM, SCRIPT, SUBSCRIBED, News, Process, World, due, reports
from tests.faults.world import VISIBLE_ID, Platform, Post

ANSWERS, LIST = "Done: ", "While it was quiet"
SAID = {
    "subscribe listing": "Done: this chat gets listing",
    "unsubscribe s1": "Done: this chat no longer gets listing",
    "subscribe all": "Done: this chat gets every topic",
    "quiet 06:01-06:02": "Done: It is quiet from 06:01 to 06:02 every day.",
}


def faults_of(world: World) -> list[str]:
    """Everything that breaks the promise, as sentences; none when it is kept."""
    found = [early for platform in world.platforms for early in platform.early]
    for chat_id in SUBSCRIBED:
        platform = next(p for p in world.platforms if chat_id.startswith(p.name))
        found += _told(platform, chat_id)
    found += _ids(world)
    found += _answered(world)
    return found


async def left_over(process: Process) -> list[str]:
    """What the last process holds that it should not: unfinished rows, effects of commands missing or doubled."""
    counts = await process.store.counts()
    found = [f"{counts[n]} rows {n}" for n in ("held", "pending", "sending", "ambiguous", "dead") if counts[n]]
    has = Counter((s.chat_id, s.topic, s.id) for s in await process.store.subscriptions())
    want = Counter((chat, rows[-1][2], "s1") for chat, rows in SUBSCRIBED.items())
    found += [f"subscriptions are {dict(has)}"] if has != want else []
    room = await process.store.chat(ROOM)
    found += [] if room and room.habits.quiet else ["the quiet hours were forgotten"]
    return found


def extra_copies(world: World) -> int:
    """Messages that tell what another one told: what the promise allows on a platform that cannot be asked."""
    told = Counter((p.chat_id, p.key, p.part) for platform in world.platforms for p in platform.posts)
    return sum(n - 1 for n in told.values())


def _told(platform: Platform, chat_id: str) -> Iterator[str]:
    seen = [p for p in platform.seen(chat_id) if not p.text.startswith(ANSWERS)]
    place = 0
    for news in due(chat_id):
        mine = [p for p in seen if news.title in p.text]
        if not mine:
            yield f"{chat_id}: lost {news.story} {news.title!r}"
            continue
        yield from _copies(platform, chat_id, news.title, mine)
        if mine[0].n < place:
            yield f"{chat_id}: {news.title!r} came before what was published before it"
        place = mine[0].n
        count = reports(news.story)
        if count > 1 and not news.update and not any(f"{count} reports" in p.text for p in mine):
            yield f"{chat_id}: the post of {news.story} was never brought up to date: {mine[-1].text!r}"
    for post in seen:
        if not any(news.title in post.text for news in due(chat_id)):
            yield f"{chat_id}: not due: {post.text!r}"


def _copies(platform: Platform, chat_id: str, what: str, mine: list[Post]) -> Iterator[str]:
    if len({(p.key, p.part) for p in mine}) > 1:
        yield f"{chat_id}: {what!r} told by {len(mine)} different messages"
    unsure = sum(not a.certain and (a.chat_id, a.key) == (chat_id, mine[0].key) for a in platform.attempts)
    allowed = 1 if platform.looks else 1 + unsure
    if len(mine) > allowed:
        yield f"{chat_id}: {len(mine)} copies of {what!r}, {unsure} uncertain attempts"


def _ids(world: World) -> Iterator[str]:
    """Every telling of a story, in every chat, carries one and the same id."""
    for letter in sorted({n.story for n in SCRIPT if n.story}):
        ids = set()
        for news in (n for n in SCRIPT if n.story == letter):
            for post in (p for platform in world.platforms for p in platform.posts if news.title in p.text):
                ids.add(_id_beside(post, news))
        if len(ids) != 1 or None in ids:
            yield f"story {letter} has the visible ids {ids}"


def _id_beside(post: Post, news: News) -> str | None:
    if post.text.startswith(LIST):
        line = next(line for line in post.text.splitlines() if news.title in line)
        found = VISIBLE_ID.findall(line)
        return found[0] if found else None
    return post.ids[-1] if post.ids else None


def _answered(world: World) -> Iterator[str]:
    answers = [p for p in world.telegram.seen(DESK) if p.text.startswith(ANSWERS)]
    said = Counter(call_id for call_id, _ in world.answers)
    place = 0
    for number, (_, chat_id, text) in enumerate(COMMANDS):
        if chat_id == ROOM:
            if said[f"slack:{number}"] > 1:
                yield f"{text!r} was answered {said[f'slack:{number}']} times"
            yield from (
                f"{text!r}: {words!r}"
                for i, words in world.answers
                if i == f"slack:{number}" and SAID[text] not in words
            )
            continue
        mine = [p for p in answers if SAID[text] in p.text]
        if not mine:
            yield f"{text!r} in {chat_id} was never answered"
            continue
        yield from _copies(world.telegram, chat_id, text, mine)
        if mine[0].n < place:
            yield f"the answer to {text!r} came out of order"
        place = mine[0].n

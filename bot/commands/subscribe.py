"""What a chat gets: begin, topics, subscribe, unsubscribe, list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from bot.commands.registry import Ask, Reply, command
from bot.core import outbox
from bot.core.changes import Changes
from bot.core.chat import EVERY_TOPIC, REVIEW, Role, Subscription
from bot.core.errors import BadRequest
from bot.core.message import Block, Button, Message, Shape, bold, bullets, code, line, note, say, text, title
from bot.core.ports import Store
from bot.judge.newsroom import Newsroom

DEEP_LINK = "sub_"
_LANES = {EVERY_TOPIC: "every topic", REVIEW: "near misses: what scored a little less than its topic asks for"}


class Subscribing:
    def __init__(self, store: Store, newsroom: Newsroom) -> None:
        self._desk = store
        self._newsroom = newsroom

    @command(usage="", example="start")
    async def start(self, ask: Ask, payload: str = "") -> Reply:
        """Begin: what I am, and the topics to pick from."""
        if payload.startswith(DEEP_LINK) and payload.removeprefix(DEEP_LINK) in (*self._newsroom.topics, EVERY_TOPIC):
            return await self.subscribe(ask, payload.removeprefix(DEEP_LINK))
        mine = await self._desk.chat_subscriptions(ask.call.chat.id)
        state = (
            f"This chat gets: {', '.join(s.topic for s in mine)}."
            if mine
            else "This chat gets nothing yet: pick a topic."
        )
        return Reply(
            Message(
                (
                    title("Tocsin"),
                    text(
                        "I read news feeds about China's internet regulator (CAC, 国家网信办) and about Chinese tech "
                        "listings, and tell you what happened: first, and only once.",
                        state,
                    ),
                    self._topic_list(),
                    note(f"{ask.prefix}subscribe <topic> · {ask.prefix}latest · {ask.prefix}help"),
                ),
                buttons=() if mine else self._topic_buttons(),
            )
        )

    @command(example="topics")
    async def topics(self, ask: Ask) -> Reply:
        """Topics on offer."""
        return Reply(Message((self._topic_list(),), buttons=self._topic_buttons()))

    @command("sub", role=Role.ADMIN, usage="<topic> [min:<score>]", example="subscribe cac min:2")
    async def subscribe(self, ask: Ask, topic: str = "", least: str = "") -> Reply:
        """Get alerts on a topic in this chat (`all` for every topic; min: only the surer ones)."""
        if not topic:
            return Reply(Message((text("Which topic?"), self._topic_list()), buttons=self._topic_buttons()))
        topic = self._topic(topic)
        chat = ask.call.chat
        mine = await self._desk.chat_subscriptions(chat.id)
        score = _least(least)
        same = next((s for s in mine if s.topic == topic or (s.topic == EVERY_TOPIC and topic != REVIEW)), None)
        if same and same.least != score and same.topic == topic:
            changed = Changes(at=ask.now, subscriptions=(replace(same, least=score),))
            return Reply(say(f"Done: this chat gets {topic} {_from(score)} ({same.id})."), changed)
        if same:
            return Reply(say(f"This chat gets {same.topic} already ({same.id})."))
        made = Subscription(
            id=_next_id(mine), chat_id=chat.id, topic=topic, created=ask.now, by=ask.call.actor, least=score
        )
        covered = tuple(s.key for s in mine if s.topic != REVIEW) if topic == EVERY_TOPIC else ()
        stored = await self._desk.chat(chat.id)
        since, habits = (stored.since, stored.habits) if stored else (ask.now, chat.habits)
        changes = Changes(
            at=ask.now,
            chats=(replace(chat, paused="", since=since, habits=habits),),
            subscriptions=(made,),
            subscriptions_gone=covered,
        )
        shown = _LANES.get(topic) or f"{topic}: {self._newsroom.topics[topic]}"
        done = line(
            "Done: this chat gets ",
            bold(shown),
            f" {_from(score)} ({made.id}). ".replace("  ", " "),
            code(f"{ask.prefix}unsubscribe {made.id}"),
            " ends it.",
        )
        return Reply(Message((text(done),)), changes)

    @command("unsub", role=Role.ADMIN, usage="[id, topic or all]", example="unsubscribe s1")
    async def unsubscribe(self, ask: Ask, which: str = "") -> Reply:
        """End a subscription of this chat, or all of them."""
        mine = await self._desk.chat_subscriptions(ask.call.chat.id)
        if not mine:
            return Reply(say("This chat has no subscriptions."))
        if not which and len(mine) > 1:
            buttons = tuple(Button(f"{s.id} {s.topic}", f"unsubscribe {s.id}") for s in mine[:8])
            return Reply(
                Message((text("Which one?"), _listed(mine)), buttons=(*buttons, Button("all", "unsubscribe all")))
            )
        wanted = which.lower()
        ended = [
            s for s in mine if wanted in ("", "all") or wanted == s.id or (wanted == s.topic and wanted != EVERY_TOPIC)
        ]
        if not ended:
            raise BadRequest(f"This chat has no subscription {which[:40]!r}; it has {', '.join(s.id for s in mine)}")
        words = ", ".join(f"{s.topic} ({s.id})" for s in ended)
        held = await self._desk.held(ask.call.chat.id) if len(ended) == len(mine) else ()
        let_go = f" {len(held)} that were held for later are let go." if held else ""
        return Reply(
            say(f"Done: this chat no longer gets {words}.{let_go}"),
            Changes(
                at=ask.now,
                subscriptions_gone=tuple(s.key for s in ended),
                deliveries=tuple(outbox.drop(row, "the chat ended its subscriptions") for row in held),
            ),
        )

    @command(role=Role.ADMIN, example="stop")
    async def stop(self, ask: Ask) -> Reply:
        """End every subscription of this chat."""
        return await self.unsubscribe(ask, "all")

    @command("list", example="subs")
    async def subs(self, ask: Ask) -> Reply:
        """What this chat gets."""
        mine = await self._desk.chat_subscriptions(ask.call.chat.id)
        if not mine:
            return Reply(Message((text("This chat has no subscriptions."),), buttons=self._topic_buttons()))
        return Reply(Message((_listed(mine),)))

    def _topic(self, written: str) -> str:
        names = (*self._newsroom.topics, EVERY_TOPIC, REVIEW)
        topic = written.lower()
        if topic in names:
            return topic
        near = get_close_matches(topic, names, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        raise BadRequest(f"There is no topic {written[:40]!r}; {hint}")

    def _topic_list(self) -> Block:
        lines = [line(bold(name), f"  {words}") for name, words in self._newsroom.topics.items()]
        return Block(Shape.LIST, (*lines, *(line(bold(name), f"  {words}") for name, words in _LANES.items())))

    def _topic_buttons(self) -> tuple[Button, ...]:
        return tuple(Button(name, f"subscribe {name}") for name in (*self._newsroom.topics, EVERY_TOPIC))


def _listed(mine: Sequence[Subscription]) -> Block:
    return bullets(*(line(code(s.id), f"  {s.topic} {_from(s.least)}  since {s.created:%Y-%m-%d}") for s in mine))


def _least(written: str) -> float:
    """`min:2` as a number; 0 when nothing is written. Raises BadRequest."""
    if not written:
        return 0.0
    found = re.fullmatch(r"min:(\d{1,2}(?:\.\d{1,2})?)", written)
    if not found:
        raise BadRequest(f"I do not know what to do with {written[:40]!r}")
    return float(found[1])


def _from(score: float) -> str:
    return f"from a score of {score:g}" if score else ""


def _next_id(mine: Sequence[Subscription]) -> str:
    numbers = [int(s.id[1:]) for s in mine if s.id[1:].isdecimal()]
    return f"s{max(numbers, default=0) + 1}"

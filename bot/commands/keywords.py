"""The words behind the topics, from chat: list, add, remove, test."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.commands.registry import NOTHING, Ask, Reply, Rest, command
from bot.core.changes import Audit, Changes
from bot.core.chat import Keyword, Role
from bot.core.errors import BadRequest, BotError
from bot.core.identity import digest
from bot.core.message import Button, Message, bold, bullets, code, line, note, say, text
from bot.core.ports import Store
from bot.judge import render
from bot.judge.newsroom import Newsroom
from bot.judge.trial import Trial, try_rule
from bot.judge.verdict import Judge

LONGEST = 4000
MOST = 200
TRIED_DAYS = 30
ENOUGH = 100.0
"""Weight of a word added in chat where none is given: it fires its topic alone."""
HEAVIEST = 100.0
_WEIGHT = re.compile(r"^weight:(\S*)(?:\s+|$)|\s+weight:(\S+)$")


class Keywords:
    def __init__(self, store: Store, newsroom: Newsroom, budget: int) -> None:
        """budget: further alerts a rule may bring on its worst day."""
        self._store = store
        self._newsroom = newsroom
        self._budget = budget
        self._offered: dict[str, Keyword] = {}

    @command(
        role=Role.OWNER,
        usage="[list] [topic] | add <topic> [weight:<number>] <word or rule> | confirm <offer> "
        "| remove <topic> <word or rule> | test [weight:<number>] <word or rule> [30d]",
        example="keywords add cac weight:-5 village",
    )
    async def keywords(self, ask: Ask, what: str = "list", rest: Rest = NOTHING) -> Reply:
        """The words behind a topic: list, add, remove, test; weight:-5 has one speak against it, and 1 is an alert."""
        actions = {
            "list": self._list,
            "add": self._add,
            "confirm": self._confirm,
            "remove": self._remove,
            "test": self._test,
        }
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
                line(code(k.text), _weight(k), f"  added by {k.by}, {k.at:%Y-%m-%d}" if k.at else "")
                for k in added
                if k.topic == name
            ]
            rules = self._newsroom.rule_count(name)
            blocks.append(text(line(bold(name), f": {rules} rules in topics.yaml, {len(lines)} words added in chat")))
            if lines:
                blocks.append(bullets(*lines))
        return Reply(Message(tuple(blocks)))

    async def _add(self, ask: Ask, rest: str) -> Reply:
        """Shows what is known of what the rule would have done, and waits for `confirm`."""
        topic, weight, written = self._asked(rest)
        known = await self._store.keywords()
        same = next((k for k in known if k.topic == topic and k.text == written), None)
        if same and same.weight == weight:
            return Reply(say(f"{topic} has {written!r} already."))
        if not same and len(known) >= MOST:
            raise BadRequest(f"There are {MOST} words added in chat already; remove one first")
        made = Keyword(topic=topic, text=written, weight=weight, by=ask.call.actor, at=ask.now)
        tried = await self._tried(ask, made, known, TRIED_DAYS)
        blocks = render.trial(tried, f"{written[:100]}{_weight(made)}")
        if tried.worst_day > self._budget:
            over = (
                f"Not added: it would have brought {tried.worst_day} further alerts on one day, and a rule may bring "
                f"{self._budget} (judge.budget in tocsin.yaml). Make it narrower."
            )
            return Reply(Message((text(over), *blocks)))
        token = digest(topic, written, f"{weight:g}")[:6]
        self._offered = dict([*self._offered.items(), (token, made)][-MOST:])
        say_yes = line("Nothing is changed yet. ", code(f"{ask.prefix}keywords confirm {token}"), " adds it.")
        return Reply(Message((*blocks, text(say_yes)), buttons=(Button("Add it", f"keywords confirm {token}"),)))

    async def _confirm(self, ask: Ask, token: str) -> Reply:
        offered = self._offered.get(token)
        if offered is None:
            raise BadRequest("I know no such offer, or I have been restarted since; add the word again")
        self._topic(offered.topic)  # the rules may have been read again since
        self._compiled(_with(offered, await self._store.keywords()))
        counts = await self._store.counts()
        made = replace(offered, by=ask.call.actor, at=ask.now)
        changes = Changes(
            at=ask.now,
            keywords=(made,),
            expect=(("keywords", counts.get("version.keywords", 0)),),
            audit=(
                Audit(
                    at=ask.now,
                    actor=ask.call.actor,
                    chat_id=ask.call.chat.id,
                    what="keyword added",
                    detail=f"{made.key}{_weight(made)}",
                ),
            ),
        )
        undo = code(f"{ask.prefix}keywords remove {made.topic} {made.text}")
        done = line("Added ", code(made.text), " to ", bold(made.topic), f"{_weight(made)}. To undo: ", undo)
        return Reply(Message((text(done),)), changes)

    async def _remove(self, ask: Ask, rest: str) -> Reply:
        topic, _, written = self._asked(rest)
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

    @command(role=Role.OWNER, usage="[weight:<number>] <word or rule> [30d]", example='test "data exit assessment" 30d')
    async def test(self, ask: Ask, rule: Rest) -> Reply:
        """What a word or rule would have alerted among what has been read."""
        return await self._test(ask, rule.strip())

    async def _test(self, ask: Ask, written: str) -> Reply:
        days = TRIED_DAYS
        head, _, last = written.rpartition(" ")
        if re.fullmatch(r"\d{1,4}d", last):
            written, days = head.strip(), int(last[:-1])
        if not written:
            raise BadRequest("Test which word or rule?")
        topic, (weight, rule) = next(iter(self._newsroom.topics)), _weighed(written)
        made = Keyword(topic=topic, text=rule, weight=weight)
        tried = await self._tried(ask, made, await self._store.keywords(), days)
        offer = note(f"Nothing was changed. {ask.prefix}keywords add <topic> {written[:60]}")
        return Reply(Message((*render.trial(tried, f"{rule[:100]}{_weight(made)}"), offer)))

    async def _tried(self, ask: Ask, rule: Keyword, known: Sequence[Keyword], days: int) -> Trial:
        judge = self._compiled(_with(rule, known))
        history = await self._store.history(ask.now - timedelta(days=days))
        # Off the loop: ninety days are some hundred thousand entries, and alerts must not wait for them.
        return await asyncio.to_thread(try_rule, rule, history, self._newsroom.judge, judge)

    def _compiled(self, keywords: Sequence[Keyword]) -> Judge:
        try:
            return self._newsroom.try_keywords(keywords)
        except BotError as error:
            raise BadRequest(f"That is no rule I can use: {error}") from None

    def _asked(self, rest: str) -> tuple[str, float, str]:
        """Topic, weight and rule. Raises BadRequest."""
        topic, _, written = rest.partition(" ")
        if not topic or not written.strip():
            raise BadRequest("A topic and a word are needed")
        return self._topic(topic), *_weighed(written)

    def _topic(self, name: str) -> str:
        if name.lower() not in self._newsroom.topics:
            raise BadRequest(f"There is no topic {name[:40]!r}; there are {', '.join(self._newsroom.topics)}")
        return name.lower()


def _weighed(written: str) -> tuple[float, str]:
    """`weight:-5 village`, or the weight behind it, as weight and rule. Raises BadRequest."""
    written = " ".join(written.split())
    found = _WEIGHT.search(written)
    rule = _WEIGHT.sub("", written, count=1) if found else written
    if len(rule) > LONGEST:
        raise BadRequest(f"A rule has at most {LONGEST} characters")
    if not found:
        return ENOUGH, rule
    number = found[1] or found[2] or ""
    weight = float(number) if re.fullmatch(r"[-+]?\d{1,3}(?:\.\d{1,2})?", number) else 0.0
    if not 0 < abs(weight) <= HEAVIEST:
        raise BadRequest(f"A weight is a number from -{HEAVIEST:g} to {HEAVIEST:g}, and not 0, like weight:-5")
    if not rule:
        raise BadRequest("A word is needed beside its weight")
    return weight, rule


def _weight(keyword: Keyword) -> str:
    """For people, behind the word; "" for one that was added without."""
    return "" if keyword.weight == ENOUGH else f" (weight {keyword.weight:+g})"


def _with(rule: Keyword, known: Sequence[Keyword]) -> tuple[Keyword, ...]:
    """It takes the place of one with the same text."""
    return (*(k for k in known if k.key != rule.key), rule)

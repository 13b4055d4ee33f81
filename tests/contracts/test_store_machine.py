"""Both stores through the same random life, one of them closed, reopened and rotated on the way: all answers agree."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot.core.changes import Changes
from bot.core.chat import Act, Call, Chat, State
from bot.core.news import FeedState, Judged, Verdict
from bot.core.outbox import begin, fold, give_up, part_shown, release, replay
from bot.stores.memory import MemoryStore
from bot.stores.tinydb import TinyStore
from tests.fakes.clock import START
from tests.unit.examples import entry, message, row, story, subscription
from tests.unit.test_outbox import RECEIPT

few = st.integers(1, 4)


class Stores(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.room = Path(tempfile.mkdtemp())
        self.memory = MemoryStore()
        self.tiny = TinyStore(self.room / "d", rotate_bytes=3000)
        self.hours = 0
        self.run(self.memory.open())
        self.run(self.tiny.open())

    def teardown(self) -> None:
        self.run(self.tiny.close())
        self.loop.close()
        shutil.rmtree(self.room)

    def run(self, call: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(call)

    def keep(self, **what: Any) -> None:
        changes = Changes(at=self.now, **what)
        self.run(self.memory.commit(changes))
        self.run(self.tiny.commit(changes))

    @property
    def now(self) -> Any:
        self.hours += 1
        return START + timedelta(hours=self.hours)

    @rule(key=few)
    def see(self, key: int) -> None:
        self.keep(seen=(f"k{key}",))

    @rule(feed=few, failures=few)
    def poll(self, feed: int, failures: int) -> None:
        self.keep(states=(FeedState(feed_id=f"f{feed}", next_check=self.now, failures=failures),))

    @rule(number=few, chat=few)
    def tell(self, number: int, chat: int) -> None:
        name = f"st000{number}"
        self.keep(
            stories=(story(name, title=f"滴滴 story {number}", at=self.now),),
            messages=((f"m-{name}", message(name)),),
            deliveries=(row(f"fake:{chat}", name, at=self.now),),
        )

    @rule(number=few)
    def decide(self, number: int) -> None:
        found = entry(f"entry {number}")
        judged = Judged(entry=found, verdict=Verdict(alert=False, reason="x"), outcome="no", at=self.now)
        self.keep(entries=(judged,), seen=found.aliases)

    @rule(chat=few, paused=st.booleans())
    def change_chat(self, chat: int, paused: bool) -> None:
        self.keep(chats=(Chat(id=f"fake:{chat}", title="t", since=START, paused="kicked" if paused else ""),))

    @rule(chat=few, number=few)
    def subscribe(self, chat: int, number: int) -> None:
        self.keep(subscriptions=(subscription(f"fake:{chat}", number=number),))

    @rule(chat=few)
    def deliver(self, chat: int) -> None:
        head = self.run(self.memory.head(f"fake:{chat}"))
        if head and head.state.value == "pending":
            sending = begin(head)
            self.keep(deliveries=(sending,))
            self.keep(deliveries=(part_shown(sending, RECEIPT, 1, self.now),))

    @rule(chat=few, number=few)
    def hold(self, chat: int, number: int) -> None:
        held = replace(row(f"fake:{chat}", f"held{number}", at=self.now), state=State.HELD, held="quiet")
        self.keep(deliveries=(held,))

    @rule(chat=few, folded=st.booleans())
    def let_go(self, chat: int, folded: bool) -> None:
        for held in self.run(self.memory.held(f"fake:{chat}"))[:1]:
            self.keep(deliveries=(fold(held, "whole") if folded else release(held, self.now),))

    @rule(chat=few, number=few, revision=st.integers(2, 5))
    def edit(self, chat: int, number: int, revision: int) -> None:
        made = row(f"fake:{chat}", f"st000{number}", at=self.now, revision=revision)
        self.keep(deliveries=(replace(made, key=f"edit {chat} {number}", act=Act.EDIT),))

    @rule(chat=few, number=few)
    def ask(self, chat: int, number: int) -> None:
        answer = replace(row(f"fake:{chat}", f"answer{number}", at=self.now), act=Act.ANSWER)
        call = Call(id=f"c{number}", text="help", chat=Chat(id=f"fake:{chat}"), actor="fake:u")
        self.keep(deliveries=(answer,), accepted=(call,))

    @rule(number=few)
    def answer(self, number: int) -> None:
        self.keep(calls=(f"c{number}",))

    @rule(number=few, revision=few)
    def grow(self, number: int, revision: int) -> None:
        grown = story(f"st000{number}", title=f"滴滴 story {number}", at=self.now)
        self.keep(stories=(replace(grown, revision=revision),))

    @rule(number=few, revision=few)
    def show(self, number: int, revision: int) -> None:
        if self.run(self.memory.story(f"st000{number}")):
            self.keep(shown=((f"st000{number}", revision),))

    @rule(chat=few)
    def lose(self, chat: int) -> None:
        head = self.run(self.memory.head(f"fake:{chat}"))
        if head and head.state is State.PENDING:
            self.keep(deliveries=(give_up(head, "never"),))

    @rule()
    def retry(self) -> None:
        self.keep(deliveries=tuple(replay(dead, self.now) for dead in self.run(self.memory.dead(1))))

    @rule(chat=few, to=st.integers(5, 6))
    def move(self, chat: int, to: int) -> None:
        self.keep(moved=((f"fake:{chat}", f"fake:{to}"),))

    @rule(hours=st.integers(1, 30))
    def tidy(self, hours: int) -> None:
        before = START + timedelta(hours=max(0, self.hours - hours))
        self.run(self.memory.tidy(before))
        self.run(self.tiny.tidy(before))

    @rule()
    def reopen(self) -> None:
        self.run(self.tiny.close())
        self.tiny = TinyStore(self.room / "d", rotate_bytes=3000)
        self.run(self.tiny.open())

    @invariant()
    def agree(self) -> None:
        assert self.answers(self.memory) == self.answers(self.tiny)

    def answers(self, store: Any) -> dict[str, Any]:
        late = START + timedelta(days=900)
        found: dict[str, Any] = {
            "unseen": self.run(store.unseen([f"k{n}" for n in range(6)])),
            "states": sorted(self.run(store.states()), key=lambda s: s.feed_id),
            "stories": self.run(store.live_stories(START)),
            "latest": self.run(store.latest(("cac",), 3)),
            "search": self.run(store.search("滴滴", 9)),
            "subscriptions": sorted(self.run(store.subscriptions()), key=lambda s: s.key),
            "counts": dict(self.run(store.counts())),
            "waiting": sorted(self.run(store.waiting(late, 9))),
            "stranded": sorted(d.key for d in self.run(store.stranded(START))),
            "holding": sorted(self.run(store.holding())),
            "grown": sorted((g.id, g.revision) for g in self.run(store.grown())),
            "accepted": sorted(c.id for c in self.run(store.accepted("fake"))),
            "dead": [d.key for d in self.run(store.dead(9))],
            "history": sorted(j.entry.key for j in self.run(store.history(START))),
        }
        for number in range(1, 7):
            head = self.run(store.head(f"fake:{number}"))
            found[f"head{number}"] = head and replace(head, seq=0)  # only its order counts
            found[f"held{number}"] = [d.key for d in self.run(store.held(f"fake:{number}"))]
            found[f"backlog{number}"] = [d.key for d in self.run(store.backlog(f"fake:{number}"))]
            found[f"chat{number}"] = self.run(store.chat(f"fake:{number}"))
            found[f"entry{number}"] = self.run(store.judged(entry(f"entry {number}").key))
            posted = self.run(store.posted("fake:1", f"st000{number}"))
            found[f"posted{number}"] = posted and replace(posted, seq=0)
        return found


Stores.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestStores = Stores.TestCase

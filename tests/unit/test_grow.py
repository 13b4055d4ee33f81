"""Posts are brought up to date as their stories grow: paced, together, never before the post."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.changes import Changes
from bot.core.chat import Act, Chat, State
from bot.core.errors import MaybeSent, NotSent, Refused
from bot.core.message import say
from bot.core.news import Report, Tier
from bot.core.outbox import release
from bot.jobs.deliver import DeliverJob
from bot.jobs.grow import PAUSE_S, SETTLE_S, GrowJob
from bot.judge import render
from bot.stores.memory import MemoryStore
from tests.fakes.channel import FakeChannel
from tests.fakes.clock import START, VirtualClock
from tests.unit.examples import row, story


def report(number, source="Paper", tier=Tier.PRESS):
    return Report(key=f"k{number}", source=source, url=f"https://p.example/{number}", title="t", at=START, tier=tier)


class Rig:
    def __init__(self):
        self.clock = VirtualClock()
        self.store = MemoryStore()
        self.channel = FakeChannel(self.clock)
        self.deliver = DeliverJob(self.store, {"fake": self.channel}, self.clock, random.Random(5))
        self.job = GrowJob(self.store, {"fake": self.channel}, self.clock)
        self.story = replace(story(), reports=(report(0, "Wire"),))

    async def post(self, *chats):
        rows = tuple(row(chat) for chat in chats)
        known = tuple(Chat(id=chat) for chat in chats)
        told = ((rows[0].message_id, render.alert(self.story)),) if rows else ()
        await self.store.commit(Changes(at=START, stories=(self.story,), deliveries=rows, messages=told, chats=known))
        await self.pass_(1, 1)

    async def grow(self, source="Paper", tier=Tier.PRESS):
        reports = (*self.story.reports, report(len(self.story.reports), source, tier))
        self.story = replace(self.story, reports=reports, report_count=len(reports), revision=self.story.revision + 1)
        await self.store.commit(Changes(at=self.clock.now(), stories=(self.story,)))

    async def pass_(self, seconds, step=5):
        for _ in range(0, seconds, step):
            self.clock.advance(step)
            await self.job.run()
            await self.deliver.run()
            await self.deliver.drain()

    @property
    def edits(self):
        return [p for p in self.channel.shown if p.act is Act.EDIT]


@pytest.fixture
def rig():
    return Rig()


async def test_a_swarm_of_reports_is_one_edit_of_the_first_message(rig):
    await rig.post("fake:1", "fake:2")
    for n in range(8):
        await rig.grow(f"Paper {n}")
        await rig.pass_(2, 1)
    await rig.pass_(int(SETTLE_S) + 10)
    assert [(p.chat_id, p.target) for p in rig.edits] == [("fake:1", "1"), ("fake:2", "2")]
    words = rig.edits[0].message.plain()
    assert "Also: Paper 0, Paper 1, Paper 2, Paper 3, Paper 4 and 3 more · 9 reports" in words
    assert f"#{rig.story.id}" in words
    assert len([p for p in rig.channel.shown if p.act is Act.POST]) == 2


async def test_further_growth_waits_its_minute(rig):
    await rig.post("fake:1")
    await rig.grow()
    await rig.pass_(int(SETTLE_S) + 10)
    await rig.grow("Other")
    await rig.pass_(20)
    assert len(rig.edits) == 1
    await rig.pass_(int(PAUSE_S))
    assert len(rig.edits) == 2
    await rig.pass_(600)
    assert len(rig.edits) == 2, "what is shown already is not edited again"


async def test_confirmation_by_the_office_is_shown(rig):
    rig.story = replace(rig.story, rumour=True)
    await rig.post("fake:1")
    assert "unconfirmed" in rig.channel.shown[0].message.plain()
    rig.clock.advance(60 * 47)
    found = replace(report(1, "CAC", Tier.OFFICIAL), at=rig.clock.now())
    rig.story = replace(rig.story, reports=(*rig.story.reports, found), report_count=2, revision=2)
    await rig.store.commit(Changes(at=rig.clock.now(), stories=(rig.story,)))
    await rig.pass_(40)
    words = rig.edits[0].message.plain()
    assert "confirmed by CAC, 47 min later" in words
    assert "unconfirmed" not in words


async def test_an_edit_never_outruns_its_post(rig):
    rig.channel.fail_next(NotSent("down"))
    for _ in range(4):
        rig.channel.fail_next(NotSent("down"))
    await rig.post("fake:1")
    await rig.grow()
    await rig.pass_(300)
    assert [p.act for p in rig.channel.shown] == [Act.POST, Act.EDIT]


async def test_a_message_that_is_gone_is_let_go_and_the_chat_goes_on(rig):
    await rig.post("fake:1")
    await rig.grow()
    rig.channel.fail_next(Refused("message to edit not found", reason="message_gone"))
    await rig.pass_(60)
    assert rig.edits == []
    assert (await rig.store.chat("fake:1")).paused == ""
    counts = await rig.store.counts()
    assert (counts["folded"], counts["dead"], counts["pending"]) == (1, 0, 0)


async def test_who_never_saw_the_story_gets_no_edit(rig):
    await rig.post("fake:1")
    folded = replace(row("fake:2"), state=State.FOLDED, into="list")
    await rig.store.commit(Changes(at=START, deliveries=(folded,), chats=(Chat(id="fake:2"), Chat(id="fake:3"))))
    await rig.grow()
    await rig.pass_(60)
    assert [p.chat_id for p in rig.edits] == ["fake:1"]


async def test_a_post_that_is_held_is_brought_up_to_date_when_it_has_come(rig):
    held = replace(row("fake:1"), state=State.HELD, held="quiet")
    told = ((held.message_id, render.alert(rig.story)),)
    changes = Changes(at=START, stories=(rig.story,), deliveries=(held,), messages=told, chats=(Chat(id="fake:1"),))
    await rig.store.commit(changes)
    await rig.grow()
    await rig.pass_(120)
    assert rig.channel.shown == []
    (kept,) = await rig.store.held("fake:1")
    await rig.store.commit(Changes(at=START, deliveries=(release(kept, START),)))
    await rig.pass_(120)
    assert [p.act for p in rig.channel.shown] == [Act.POST, Act.EDIT]


async def test_what_an_update_said_is_left_as_it_was(rig):
    """A chat that got an update of a story, and not its first message, has nothing to be brought up to date."""
    update = replace(row("fake:1", revision=2), act=Act.REPLY, message_id="update")
    rig.story = replace(rig.story, revision=2)
    told = (("update", say("Update: the sum is known")),)
    await rig.store.commit(
        Changes(at=START, stories=(rig.story,), deliveries=(update,), messages=told, chats=(Chat(id="fake:1"),))
    )
    await rig.pass_(5, 1)
    await rig.grow()
    await rig.pass_(120)
    assert [p.message.plain() for p in rig.channel.shown] == ["Update: the sum is known"]
    assert (await rig.store.counts())["folded"] == 0, "no edit is even asked for"


async def test_what_was_shown_before_the_chat_moved_is_left_as_it_is(rig):
    await rig.post("fake:1")
    await rig.store.commit(Changes(at=rig.clock.now(), moved=(("fake:1", "fake:-1"),)))
    await rig.grow()
    await rig.pass_(120)
    assert [p.act for p in rig.channel.shown] == [Act.POST]
    assert (await rig.store.counts())["folded"] == 0, "no edit is even asked for"


async def test_channels_that_cannot_edit_are_spared(rig):
    rig.channel.limits = replace(rig.channel.limits, edit=False)
    await rig.post("fake:1")
    await rig.grow()
    await rig.pass_(60)
    assert [p.act for p in rig.channel.shown] == [Act.POST]
    assert await rig.store.grown() == []


async def test_a_lost_answer_to_an_edit_is_simply_said_again(rig):
    await rig.post("fake:1")
    await rig.grow()
    rig.channel.fail_next(MaybeSent("no answer"), after=True)
    await rig.pass_(120)
    assert len(rig.edits) == 2
    assert (await rig.store.counts())["ambiguous"] == 0


async def test_an_edit_whose_post_waits_is_not_asked_about_at_every_beat(rig):
    for _ in range(20):
        rig.channel.fail_next(NotSent("down"))
    await rig.post("fake:1")
    await rig.grow()
    await rig.pass_(60)
    now = rig.clock.steady()
    (edit,) = [r for r in await rig.store.stranded(now - timedelta(days=1)) if r.act is Act.EDIT]
    assert edit.next_try > now
    assert edit.state is State.PENDING

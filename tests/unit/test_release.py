"""What is held comes when its hour has come: once, together, ranked, and nothing of it is lost."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.changes import Changes
from bot.core.chat import Act, Chat, State
from bot.core.errors import Refused
from bot.core.habits import Digest, Habits, Mute, Quiet
from bot.core.outbox import begin, unsure
from bot.jobs.deliver import DeliverJob
from bot.jobs.gather import MOST_STALE, Gatherer
from bot.jobs.release import ReleaseJob
from bot.judge.hours import first_slot
from bot.stores.memory import MemoryStore
from tests.fakes.channel import FakeChannel
from tests.fakes.clock import START, VirtualClock
from tests.unit.examples import message, row, story

NIGHT = Habits(quiet=Quiet(start=5 * 60, end=7 * 60))  # it is 06:00 UTC when a test begins


class Rig:
    def __init__(self):
        self.clock = VirtualClock()
        self.store = MemoryStore()
        self.channel = FakeChannel(self.clock)
        gatherer = Gatherer(self.store, self.clock)
        self.deliver = DeliverJob(self.store, {"fake": self.channel}, self.clock, random.Random(5), gatherer=gatherer)
        self.release = ReleaseJob(self.store, gatherer, self.clock)

    async def hold(self, *names, why="quiet", chat=None, act=Act.POST, **more):
        chat = chat or Chat(id="fake:1", habits=NIGHT)
        rows = tuple(
            replace(row(chat.id, n, at=self.clock.now()), state=State.HELD, held=why, act=act, **more) for n in names
        )
        kept = tuple(story(n, title=f"About {n}", at=self.clock.now()) for n in names)
        told = tuple((r.message_id, message(f"alert {r.story_id}")) for r in rows)
        await self.store.commit(
            Changes(at=self.clock.now(), deliveries=rows, messages=told, stories=kept, chats=(chat,))
        )

    async def pass_(self, seconds, step=20):
        for _ in range(0, seconds, step):
            self.clock.advance(step)
            await self.release.run()
            await self.deliver.run()
            await self.deliver.drain()

    @property
    def shown(self):
        return [p.message.plain() for p in self.channel.shown]


@pytest.fixture
def rig():
    return Rig()


async def test_what_came_in_a_quiet_hour_comes_as_one_list_when_it_is_over(rig):
    await rig.hold("a", "b", "c")
    await rig.pass_(3500)
    assert rig.shown == []
    await rig.pass_(200)
    (text,) = rig.shown
    assert text.startswith("While it was quiet: 3 messages")
    assert all(f"#{n}" in text for n in "abc")
    counts = await rig.store.counts()
    assert (counts["folded"], counts["sent"], counts["held"]) == (3, 1, 0)
    assert rig.channel.shown[0].act is Act.GATHERED or rig.channel.shown[0].act is Act.POST


async def test_one_alone_comes_whole(rig):
    await rig.hold("a")
    await rig.pass_(3700)
    assert rig.shown == ["alert a"]


async def test_quiet_switched_off_lets_go_at_once(rig):
    await rig.hold("a", "b")
    await rig.store.commit(Changes(at=rig.clock.now(), chats=(Chat(id="fake:1"),)))
    await rig.pass_(40)
    assert len(rig.shown) == 1


async def test_a_mute_holds_and_ends_by_itself(rig):
    muted = Chat(id="fake:1", habits=Habits(mutes=(Mute(what="", until=START + timedelta(minutes=10)),)))
    await rig.hold("a", "b", why="mute", chat=muted)
    await rig.pass_(500)
    assert rig.shown == []
    await rig.pass_(200)
    assert rig.shown[0].startswith("While it was muted: 2")


async def test_a_word_muted_holds_its_stories_only(rig):
    muted = Chat(id="fake:1", habits=Habits(mutes=(Mute(what="about b", until=None),)))
    await rig.hold("a", "b", why="mute", chat=muted)
    await rig.pass_(60)
    assert rig.shown == ["alert a"]
    assert len(await rig.store.held("fake:1")) == 1


def daily(at="07:00"):
    hour, minute = map(int, at.split(":"))
    habits = Habits(digest=Digest(every="daily", at=hour * 60 + minute))
    return replace(habits, slot=first_slot(habits, START))


async def test_a_digest_comes_once_at_its_time(rig):
    chat = Chat(id="fake:1", habits=daily())
    await rig.hold("a", "b", why="digest", chat=chat)
    await rig.pass_(3500)
    assert rig.shown == []
    await rig.pass_(300)
    assert rig.shown[0].startswith("Digest: 2 messages")
    kept = await rig.store.chat("fake:1")
    assert kept.habits.slot.endswith("T07:00")
    await rig.hold("c", "d", why="digest", chat=kept)
    await rig.pass_(3600, 60)
    assert len(rig.shown) == 1, "what comes after the digest waits for the next, also when there was none to send"
    await rig.pass_(24 * 3600, 60)
    assert len(rig.shown) == 2


async def test_a_clock_set_back_tells_no_digest_twice(rig):
    await rig.hold("a", "b", why="digest", chat=Chat(id="fake:1", habits=daily()))
    await rig.pass_(3700)
    rig.clock.wall -= timedelta(hours=1)
    await rig.hold("c", "d", why="digest", chat=await rig.store.chat("fake:1"))
    await rig.pass_(2 * 3600, 60)
    assert len(rig.shown) == 1
    await rig.pass_(24 * 3600, 60)
    assert len(rig.shown) == 2


async def test_a_digest_told_while_the_clock_was_ahead_silences_none_after(rig):
    await rig.hold("a", why="digest", chat=Chat(id="fake:1", habits=daily()))
    rig.clock.wall += timedelta(days=30)
    await rig.pass_(60)
    assert len(rig.shown) == 1
    await rig.hold("b", why="digest", chat=await rig.store.chat("fake:1"))
    rig.clock.wall -= timedelta(days=30)
    await rig.pass_(3400)
    assert len(rig.shown) == 1, "what came meanwhile waits for its time too"
    await rig.pass_(300)
    assert len(rig.shown) == 2
    kept = await rig.store.chat("fake:1")
    assert kept.habits.slot == f"{START:%Y-%m-%d}T07:00"
    for day in range(3):
        await rig.hold(f"c{day}", why="digest", chat=await rig.store.chat("fake:1"))
        await rig.pass_(24 * 3600, 300)
    assert len(rig.shown) == 5


async def test_what_came_while_the_clock_was_ahead_goes_with_the_next_digest_after_a_start_too(rig):
    rig.clock.wall += timedelta(days=30)
    await rig.hold("a", "b", why="digest", chat=Chat(id="fake:1", habits=daily()))
    rig.clock.wall -= timedelta(days=30)
    rig.release = ReleaseJob(rig.store, Gatherer(rig.store, rig.clock), rig.clock)
    await rig.pass_(3500, 100)
    assert rig.shown == []
    await rig.pass_(300, 100)
    assert len(rig.shown) == 1


async def test_a_clock_set_back_makes_no_late_one_later(rig):
    await rig.hold("a", why="late", chat=Chat(id="fake:1"))
    rig.clock.wall -= timedelta(hours=6)
    await rig.pass_(40)
    assert rig.shown == [], "the other feeds have their say all the same"
    await rig.pass_(60)
    assert rig.shown == ["alert a"]


async def test_after_an_outage_all_feeds_have_their_say_first(rig):
    await rig.hold("a", why="late", chat=Chat(id="fake:1"))
    await rig.pass_(40)
    assert rig.shown == []
    await rig.hold("b", why="late", chat=Chat(id="fake:1"))
    await rig.pass_(20)
    await rig.pass_(80)
    assert len([s for s in rig.shown if "#a" in s or "alert a" in s]) == 1
    assert len([s for s in rig.shown if "#b" in s or "alert b" in s]) == 1


async def test_urgent_and_well_scored_stories_stand_first(rig):
    await rig.hold("low", "top", "mid")
    for name, score, urgent in (("low", 1.0, False), ("top", 2.0, True), ("mid", 3.0, False)):
        kept = await rig.store.story(name)
        await rig.store.commit(Changes(at=rig.clock.now(), stories=(replace(kept, score=score, urgent=urgent),)))
    await rig.pass_(3700)
    (text,) = rig.shown
    assert text.index("#top") < text.index("#mid") < text.index("#low")


async def test_an_update_stands_below_its_story_and_a_story_once(rig):
    await rig.hold("a", "b")
    update = replace(row("fake:1", "a", revision=2), state=State.HELD, held="quiet", act=Act.REPLY)
    words = message("Update (now: fine): About a, fined")
    await rig.store.commit(Changes(at=START, deliveries=(replace(update, message_id="u"),), messages=(("u", words),)))
    await rig.pass_(3700)
    (text,) = rig.shown
    assert text.count("#a") == 1
    assert text.index("#a") < text.index("Update (now: fine)")


async def test_a_paused_chat_keeps_what_is_held(rig):
    await rig.hold("a", "b", chat=Chat(id="fake:1", habits=NIGHT, paused="kicked", since=START))
    await rig.pass_(4000)
    assert rig.shown == []
    assert len(await rig.store.held("fake:1")) == 2


async def test_a_list_is_made_once_whatever_happens_between(rig):
    """The list and what it folds are one commit."""
    await rig.hold("a", "b")
    rig.clock.advance(3700)
    await rig.release.run()
    await rig.release.run()
    again = ReleaseJob(rig.store, Gatherer(rig.store, rig.clock), rig.clock)
    await again.run()
    await rig.pass_(40)
    assert len(rig.shown) == 1


async def test_a_chat_that_was_out_of_reach_gets_one_list(rig):
    names = [f"s{n}" for n in range(MOST_STALE + 3)]
    rows = tuple(row("fake:1", n) for n in names)
    urgent = replace(row("fake:1", "urgent"), urgent=True)
    told = tuple((r.message_id, message(f"alert {r.story_id}")) for r in (*rows, urgent))
    kept = tuple(story(n) for n in names)
    chat = Chat(id="fake:1", paused="rights", since=START)
    await rig.store.commit(Changes(at=START, deliveries=(*rows, urgent), messages=told, stories=kept, chats=(chat,)))
    rig.clock.advance(3 * 3600)
    await rig.store.commit(Changes(at=rig.clock.now(), chats=(Chat(id="fake:1"),)))
    await rig.pass_(100)
    assert len(rig.shown) == 2
    assert any("alert urgent" in s for s in rig.shown)
    (text,) = [s for s in rig.shown if s.startswith("While I was away")]
    assert all(f"#{n}" in text for n in names)


async def test_what_is_fresh_and_what_is_no_post_is_in_no_list_of_late_ones(rig):
    late = tuple(row("fake:1", f"s{n}") for n in range(MOST_STALE + 1))
    rig.clock.advance(3 * 3600)
    fresh = row("fake:1", "fresh", at=rig.clock.now())
    edit = replace(row("fake:1", "s0"), key="edit", act=Act.EDIT)
    told = tuple((r.message_id, message(f"alert {r.story_id}")) for r in (*late, fresh))
    await rig.store.commit(Changes(at=START, deliveries=(*late, edit, fresh), messages=told))
    await rig.pass_(100)
    (text,) = [s for s in rig.shown if s.startswith("While I was away")]
    assert "alert fresh" in rig.shown
    assert "fresh" not in text
    assert text.count("alert s0") == 1


async def test_a_few_late_ones_still_come_one_by_one(rig):
    rows = tuple(row("fake:1", f"s{n}") for n in range(MOST_STALE))
    told = tuple((r.message_id, message(f"alert {r.story_id}")) for r in rows)
    await rig.store.commit(Changes(at=START, deliveries=rows, messages=told))
    rig.clock.advance(3 * 3600)
    await rig.pass_(200)
    assert rig.shown == [f"alert s{n}" for n in range(MOST_STALE)]


@pytest.mark.parametrize(("reason", "tried"), [("rights", True), ("archived", True), ("blocked", False)])
async def test_a_chat_nobody_speaks_for_is_tried_now_and_then(rig, reason, tried):
    chat = Chat(id="fake:1", kind="group", paused=reason, since=START)
    await rig.store.commit(
        Changes(at=START, deliveries=(row("fake:1", "a"),), messages=(("m-a", message("a")),), chats=(chat,))
    )
    await rig.pass_(3500, 50)
    assert rig.channel.tries == []
    await rig.pass_(400, 50)
    assert bool(rig.channel.tries) is tried
    if tried:
        kept = await rig.store.chat("fake:1")
        assert (kept.paused, kept.probes, kept.since) == ("", 0, None)


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_clock_set_back_makes_no_try_of_a_paused_chat_later(rig, restarted):
    chat = Chat(id="fake:1", kind="group", paused="rights", since=START)
    told = (("m-a", message("a")),)
    await rig.store.commit(Changes(at=START, deliveries=(row("fake:1", "a"),), messages=told, chats=(chat,)))
    rig.clock.wall -= timedelta(hours=30)
    if restarted:
        rig.clock = VirtualClock(rig.clock.wall)
        gatherer = Gatherer(rig.store, rig.clock)
        rig.deliver = DeliverJob(rig.store, {"fake": rig.channel}, rig.clock, random.Random(5), gatherer=gatherer)
        rig.release = ReleaseJob(rig.store, gatherer, rig.clock)
        await rig.deliver.recover()
    await rig.pass_(3500, 50)
    assert rig.channel.tries == []
    await rig.pass_(400, 50)
    assert rig.channel.tries


async def test_a_chat_paused_after_the_clock_was_set_back_is_not_tried_at_once(rig):
    told = (("m-a", message("a")),)
    await rig.store.commit(Changes(at=START, deliveries=(row("fake:1", "a"),), messages=told))
    rig.clock.steady()
    rig.clock.wall -= timedelta(hours=30)
    rig.channel.fail_next(Refused("no", reason="rights"))
    await rig.pass_(3400, 50)
    assert len(rig.channel.tries) == 1


async def test_late_ones_wait_for_the_one_nobody_is_sure_of(rig):
    rows = tuple(row("fake:1", f"s{n}") for n in range(MOST_STALE + 2))
    told = tuple((r.message_id, message(f"alert {r.story_id}")) for r in rows)
    await rig.store.commit(Changes(at=START, deliveries=rows, messages=told))
    head = await rig.store.head("fake:1")
    for moved in (begin(head), unsure(begin(head), "cut off", START)):
        await rig.store.commit(Changes(at=START, deliveries=(moved,)))
    rig.clock.advance(3 * 3600)
    gatherer = Gatherer(rig.store, rig.clock)
    assert not await gatherer.caught_up(Chat(id="fake:1"))
    assert len(await rig.store.backlog("fake:1")) == MOST_STALE + 2

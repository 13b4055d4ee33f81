"""Delivery: in order, once, at the platform's pace, and never lost, whatever the channel says."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from bot.core import outbox
from bot.core.changes import Changes
from bot.core.chat import Act, Chat, Limits, State
from bot.core.errors import BadMarkup, ChatMoved, Full, MaybeSent, NotSent, Refused, SlowDown, TokenDead
from bot.jobs.carry import TOKEN_PAUSE_S
from bot.jobs.deliver import SENDS_AT_ONCE, DeliverJob
from bot.jobs.notices import Notices
from bot.jobs.pace import Pace
from bot.stores.memory import MemoryStore
from tests.fakes.channel import FakeChannel, LookingChannel
from tests.fakes.clock import START, VirtualClock
from tests.unit.examples import message, row


class Rig:
    def __init__(self, kind=FakeChannel, store=None):
        self.clock = VirtualClock()
        self.store = store or MemoryStore()
        self.channel = kind(self.clock)
        self.job = DeliverJob(self.store, {"fake": self.channel}, self.clock, random.Random(5))

    async def queue(self, *rows, chats=()):
        messages = tuple((r.message_id, message(f"about {r.story_id}")) for r in rows)
        await self.store.commit(Changes(at=self.clock.now(), deliveries=rows, messages=messages, chats=chats))

    async def beat(self, times=1, step=0.1):
        for _ in range(times):
            await self.job.run()
            await self.job.drain()
            self.clock.advance(step)

    @property
    def shown(self):
        return [p.story_id for p in self.channel.shown]

    async def states(self):
        return {name: n for name, n in (await self.store.counts()).items() if name in {s.value for s in State} and n}


@pytest.fixture
def rig():
    return Rig()


async def test_rows_of_a_chat_go_in_order_and_once(rig):
    await rig.queue(row(name="a"), row(name="b"), row(name="c"))
    await rig.queue(row(name="a"))
    await rig.beat(6)
    assert rig.shown == ["a", "b", "c"]
    assert await rig.states() == {"sent": 3}


async def test_a_broken_chat_holds_no_other(rig):
    await rig.queue(row("fake:1", "a"), row("fake:2", "b"))
    rig.channel.fail_next(NotSent("down"))
    await rig.beat()
    assert rig.shown == ["b"]
    await rig.beat(30, step=1)
    assert rig.shown == ["b", "a"]


async def test_retry_after_is_kept_to_the_second(rig):
    await rig.queue(row(name="a"))
    rig.channel.fail_next(SlowDown("wait", after_s=30, whole_bot=True))
    await rig.beat(40, step=1)
    (first, _), (second, _) = rig.channel.tries
    assert 30 <= second - first <= 32
    assert rig.shown == ["a"]


async def test_a_wait_for_the_whole_bot_holds_every_chat(rig):
    await rig.queue(row("fake:1", "a"))
    rig.channel.fail_next(SlowDown("wait", after_s=30, whole_bot=True))
    await rig.beat()
    await rig.queue(row("fake:2", "b"))
    await rig.beat(20, step=1)
    assert rig.shown == []
    await rig.beat(20, step=1)
    assert sorted(rig.shown) == ["a", "b"]


async def test_an_unsure_send_is_repeated_where_nobody_can_look(rig):
    await rig.queue(row(name="a"), row(name="b"))
    rig.channel.fail_next(MaybeSent("no answer"), after=True)
    await rig.beat(20, step=1)
    assert rig.shown == ["a", "a", "b"]
    assert [p.key for p in rig.channel.shown[:2]] == [row(name="a").key] * 2


@pytest.mark.parametrize("arrived", [True, False])
async def test_an_unsure_send_is_looked_for_where_that_can_be(arrived):
    rig = Rig(LookingChannel)
    await rig.queue(row(name="a"), row(name="b"))
    rig.channel.fail_next(MaybeSent("no answer"), after=arrived)
    await rig.beat(20, step=1)
    assert rig.shown == ["a", "b"]
    assert await rig.states() == {"sent": 2}


async def test_while_it_cannot_be_looked_for_nothing_is_repeated():
    rig = Rig(LookingChannel)
    await rig.queue(row(name="a"))
    rig.channel.fail_next(MaybeSent("no answer"), after=True)
    rig.channel.blind = NotSent("history is down")
    await rig.beat(100, step=1)
    assert rig.shown == ["a"]
    rig.channel.blind = None
    await rig.beat(1000, step=1)
    assert rig.shown == ["a"]
    assert await rig.states() == {"sent": 1}


async def test_a_refusal_pauses_the_chat_with_its_reason_and_keeps_its_rows(rig):
    await rig.queue(row(name="a"), row(name="b"), chats=(Chat(id="fake:1"),))
    rig.channel.fail_next(Refused("blocked by the user", reason="blocked"))
    await rig.beat(20, step=1)
    assert (await rig.store.chat("fake:1")).paused == "blocked"
    assert await rig.states() == {"pending": 2}
    assert len(rig.channel.tries) == 1
    await rig.store.commit(Changes(at=rig.clock.now(), chats=(Chat(id="fake:1"),)))
    await rig.beat(3)
    assert rig.shown == ["a", "b"]


async def test_a_moved_chat_keeps_its_rows_under_the_new_id(rig):
    await rig.queue(row("fake:1", "a"), row("fake:1", "b"), chats=(Chat(id="fake:1"),))
    rig.channel.fail_next(ChatMoved("upgraded", new_chat_id="fake:-100"))
    await rig.beat(5)
    assert [p.chat_id for p in rig.channel.shown] == ["fake:-100", "fake:-100"]
    assert rig.shown == ["a", "b"]


async def test_what_went_out_before_a_move_is_neither_edited_nor_answered(rig):
    """Ids of messages are of their chat: in the new one the same number is another alert."""
    await rig.queue(row(name="a"), chats=(Chat(id="fake:1"),))
    await rig.beat(2)
    edit = replace(row(name="a", revision=2), key="edit", act=Act.EDIT, message_id="edit")
    reply = replace(row(name="a", revision=3), act=Act.REPLY, message_id="reply")
    await rig.queue(edit, reply)
    await rig.store.commit(Changes(at=rig.clock.now(), moved=(("fake:1", "fake:-100"),)))
    await rig.beat(5, step=5)
    assert [(p.chat_id, p.act, p.target) for p in rig.channel.shown[1:]] == [("fake:-100", Act.POST, "")]
    assert await rig.states() == {"sent": 2, "folded": 1}


async def test_what_arrives_while_its_chat_moves_is_no_target_there(rig):
    class Moving(FakeChannel):
        async def send(self, parcel):
            receipt = await super().send(parcel)
            await rig.store.commit(Changes(at=rig.clock.now(), moved=(("fake:1", "fake:-100"),)))
            return receipt

    rig = Rig(Moving)
    await rig.queue(row(name="a"), chats=(Chat(id="fake:1"),))
    await rig.beat(2)
    kept = await rig.store.posted("fake:-100", "a")
    assert (kept.state, len(kept.receipts), kept.targets) == (State.SENT, 1, ())


async def test_bad_markup_goes_once_more_as_plain_text_then_frees_the_chat(rig):
    await rig.queue(row(name="a"), row(name="b"))
    rig.channel.fail_next(BadMarkup("can't parse"))
    await rig.beat(3)
    assert rig.channel.shown[0].plain
    await rig.queue(row(name="c"), row(name="d"))
    rig.channel.fail_next(BadMarkup("can't parse"))
    rig.channel.fail_next(BadMarkup("nor this"))
    await rig.beat(5)
    assert rig.shown == ["a", "b", "d"]
    assert [d.story_id for d in await rig.store.dead(9)] == ["c"]


async def test_a_dead_token_stops_the_channel_without_a_loop(rig):
    await rig.queue(row("fake:1", "a"), row("fake:2", "b"))
    rig.channel.fail_next(TokenDead("revoked"))
    rig.channel.fail_next(TokenDead("revoked"))
    await rig.beat(100, step=1)
    assert len(rig.channel.tries) <= 2
    assert (await rig.states())["pending"] == 2
    await rig.beat(int(TOKEN_PAUSE_S), step=1)
    assert sorted(rig.shown) == ["a", "b"]


async def test_parts_go_one_by_one_and_none_twice(rig):
    rig.channel.parts_of = 3
    await rig.queue(row(name="a"), row(name="b"))
    await rig.beat()
    rig.channel.fail_next(NotSent("down"))
    await rig.beat(40, step=1)
    assert [(p.story_id, p.part) for p in rig.channel.shown] == [
        ("a", 0),
        ("a", 1),
        ("a", 2),
        ("b", 0),
        ("b", 1),
        ("b", 2),
    ]


@pytest.mark.parametrize(("kind", "copies"), [(FakeChannel, 2), (LookingChannel, 1)])
async def test_a_crash_in_mid_send_is_settled_at_the_next_start(kind, copies):
    rig = Rig(kind)
    await rig.queue(row(name="a"), row(name="b"))

    class Killed(BaseException):
        pass

    send = rig.channel.send

    async def dies(parcel):
        await send(parcel)
        raise Killed

    rig.channel.send = dies
    await rig.job.run()
    (sending,) = rig.job._sending.values()
    with pytest.raises(Killed):
        await sending
    rig.channel.send = send
    again = DeliverJob(rig.store, {"fake": rig.channel}, rig.clock, random.Random(5))
    rig.job = again
    await again.recover()
    await rig.beat(20, step=1)
    assert rig.shown == ["a"] * copies + ["b"]


async def test_nothing_is_sent_that_cannot_be_recorded():
    class FullStore(MemoryStore):
        full = False
        refused = 0

        async def commit(self, changes):
            if self.full:
                self.refused += 1
                raise Full("disk full")
            await super().commit(changes)

    rig = Rig(store=FullStore())
    desk = FakeChannel(rig.clock)
    channels = {"fake": rig.channel, "desk": desk}
    notices = Notices({"desk:1"}, channels, rig.clock)
    rig.job = DeliverJob(rig.store, channels, rig.clock, random.Random(5), notices)
    await rig.queue(row(name="a"))
    rig.store.full = True
    await rig.beat(20, step=1)
    assert rig.channel.tries == []
    assert rig.store.refused == 1, "the disk is left alone for a while"
    (told,) = desk.shown
    assert told.message.plain().startswith("Nothing is read or sent for now, and nothing is lost: disk full\n")
    assert notices.troubles()
    rig.store.full = False
    await rig.beat(60, step=1)
    assert rig.shown == ["a"]
    assert not notices.troubles()


async def test_an_adapters_bug_is_taken_as_unsure(rig):
    await rig.queue(row(name="a"))

    async def broken(parcel):
        raise RuntimeError("a bug")

    send, rig.channel.send = rig.channel.send, broken
    await rig.beat()
    assert await rig.states() == {"ambiguous": 1}
    rig.channel.send = send
    await rig.beat(20, step=1)
    assert rig.shown == ["a"]


async def test_pace_per_chat_and_per_bot():
    class Paced(FakeChannel):
        limits = Limits(text_max=100, per_chat_s=1.0, per_group_s=3.0, per_bot_s=0.5)

    rig = Rig(Paced)
    group = Chat(id="fake:g", kind="group")
    await rig.queue(*(row("fake:1", n) for n in "abc"), *(row("fake:g", n) for n in "def"), chats=(group,))
    await rig.beat(200, step=0.1)
    by_chat = {}
    for at, parcel in rig.channel.tries:
        by_chat.setdefault(parcel.chat_id, []).append(at)
    gaps = {chat: min(b - a for a, b in pairwise(times)) for chat, times in by_chat.items()}
    assert gaps["fake:1"] >= 0.999
    assert gaps["fake:g"] >= 2.999
    every = sorted(at for at, _ in rig.channel.tries)
    assert min(b - a for a, b in pairwise(every)) >= 0.499
    assert len(every) == 6


async def test_an_unknown_channel_waits_for_it(rig):
    await rig.queue(row("gone:1", "a"), row("fake:1", "b"))
    await rig.beat(3)
    assert rig.shown == ["b"]
    assert (await rig.states())["pending"] == 1
    await asyncio.sleep(0)


async def test_answers_go_before_alerts_and_do_not_wait_for_them(rig):
    rig.channel.fail_next(SlowDown("wait", after_s=1, whole_bot=False))
    await rig.queue(row(name="a"), row(name="b"))
    await rig.beat()
    answer = replace(row(name="asked"), act=Act.ANSWER)
    await rig.queue(answer)
    await rig.beat(30)
    assert rig.shown == ["asked", "a", "b"]
    assert await rig.states() == {"sent": 2}, "an answer is forgotten once shown"


async def test_an_answer_nobody_waits_for_any_more_is_let_go(rig):
    await rig.queue(replace(row(name="asked"), act=Act.ANSWER))
    rig.clock.advance(2 * 3600)
    await rig.beat()
    assert rig.channel.tries == []
    assert await rig.states() == {}


async def test_an_answer_to_a_chat_that_refuses_us_is_let_go(rig):
    await rig.queue(replace(row(name="asked"), act=Act.ANSWER), row(name="a"), chats=(Chat(id="fake:1"),))
    rig.channel.fail_next(Refused("blocked", reason="blocked"))
    await rig.beat(3)
    assert await rig.states() == {"pending": 1}
    assert (await rig.store.chat("fake:1")).paused == "blocked"


async def test_topics_of_a_group_share_its_pace():
    class Topical(FakeChannel):
        limits = Limits(text_max=100, per_chat_s=1.0, per_group_s=3.0, topics=True)

    rig = Rig(Topical)
    chats = tuple(Chat(id=f"fake:-1/{n}", kind="group") for n in range(3))
    await rig.queue(*(row(c.id, f"s{n}") for n, c in enumerate(chats)), chats=chats)
    await rig.beat(150)
    times = [at for at, _ in rig.channel.tries]
    assert len(times) == 3
    assert min(b - a for a, b in pairwise(times)) >= 2.999


async def test_edits_have_a_pace_of_their_own_and_hold_no_alert():
    class Paced(FakeChannel):
        limits = Limits(text_max=100, edit=True, per_chat_s=0.0, per_group_s=0.0, per_edit_s=5.0)

    rig = Rig(Paced)
    await rig.queue(*(row(f"fake:{n}", "a") for n in range(3)))
    await rig.beat(3)
    edits = [
        replace(row(f"fake:{n}", "a", revision=2), key=f"edit{n}", act=Act.EDIT, message_id="m-a") for n in range(3)
    ]
    await rig.queue(*edits, row("fake:1", "b"))
    await rig.beat(120)
    times = [at for at, p in rig.channel.tries if p.act is Act.EDIT]
    assert len(times) == 3
    assert min(b - a for a, b in pairwise(times)) >= 4.999
    assert next(at for at, p in rig.channel.tries if p.story_id == "b") <= times[1]


async def test_a_start_waits_one_pause_before_the_first_message():
    class Paced(FakeChannel):
        limits = Limits(text_max=100, per_chat_s=1.0, per_group_s=3.0, per_bot_s=0.1)

    rig = Rig(Paced)
    began = rig.clock.monotonic()
    group = Chat(id="fake:g", kind="group")
    await rig.queue(row("fake:g", "a"), row("fake:1", "b"), chats=(group,))
    await rig.beat(60)
    first = {p.chat_id: at - began for at, p in rig.channel.tries}
    assert first["fake:1"] >= 1.0
    assert first["fake:g"] >= 3.0


async def test_thousands_of_chats_get_it_at_the_platforms_pace():
    class Paced(FakeChannel):
        limits = Limits(text_max=100, per_chat_s=1.0, per_group_s=3.0, per_bot_s=1 / 29)

    rig = Rig(Paced)
    await rig.queue(*(row(f"fake:{n}", "a") for n in range(300)))
    began = rig.clock.monotonic()
    while len(rig.channel.shown) < 300:
        await rig.job.run()
        await asyncio.sleep(0)
        rig.clock.advance(0.05)
    seconds = rig.clock.monotonic() - began
    assert 300 / 29 <= seconds <= 300 / 29 * 1.25 + 1.5


async def test_one_who_asks_is_served_before_the_rest_of_a_fan_out():
    class Paced(FakeChannel):
        limits = Limits(text_max=100, per_chat_s=1.0, per_group_s=3.0, per_bot_s=0.1)

    rig = Rig(Paced)
    await rig.queue(*(row(f"fake:{n}", "a") for n in range(200)))
    await rig.beat(30)
    await rig.queue(replace(row("fake:199", "asked"), act=Act.ANSWER))
    before = len(rig.channel.shown)
    await rig.beat(10)
    assert "asked" in rig.shown[before : before + 3]


async def test_by_choice_nothing_is_repeated(rig):
    rig.job = DeliverJob(rig.store, {"fake": rig.channel}, rig.clock, random.Random(5), repeat_unsure=False)
    await rig.queue(row(name="a"), row(name="b"))
    rig.channel.fail_next(MaybeSent("no answer"), after=True)
    await rig.beat(20, step=1)
    assert rig.shown == ["a", "b"]
    assert await rig.states() == {"sent": 2}


@pytest.mark.parametrize("minutes", [5, 15, 45])
@pytest.mark.parametrize("fault", [NotSent("cannot be reached"), SlowDown("wait", after_s=60, whole_bot=False)])
async def test_an_outage_however_long_makes_no_copy_where_it_can_be_looked_for(minutes, fault):
    rig = Rig(LookingChannel)
    await rig.queue(row(name="a"), row(name="b"))
    rig.channel.fail_next(MaybeSent("no answer"), after=True)
    await rig.beat()
    rig.channel.blind = fault
    await rig.beat(minutes * 60, step=1)
    assert (rig.shown, await rig.states()) == (["a"], {"ambiguous": 1, "pending": 1})
    rig.channel.blind = None
    await rig.beat(1000, step=1)
    assert (rig.shown, await rig.states()) == (["a", "b"], {"sent": 2})


@pytest.mark.parametrize("fault", [NotSent("down"), SlowDown("wait", after_s=9, whole_bot=False), TokenDead("revoked")])
async def test_a_repeat_that_surely_failed_ends_no_older_doubt(fault):
    """The first attempt arrives late: after the look that did not find it."""
    rig = Rig(LookingChannel)
    await rig.queue(row(name="a"))
    rig.channel.fail_next(MaybeSent("no answer"), after=True)
    await rig.beat()
    late, rig.channel.shown[:] = list(rig.channel.shown), []
    rig.channel.fail_next(fault)
    await rig.beat(12, step=1)
    assert (len(rig.channel.tries), await rig.states()) == (2, {"ambiguous": 1})
    rig.channel.shown.extend(late)
    await rig.beat(int(TOKEN_PAUSE_S) + 10, step=1)
    assert (rig.shown, await rig.states()) == (["a"], {"sent": 1})


async def test_what_may_not_be_looked_for_is_dead_and_told_and_replayed_with_a_look():
    rig = Rig(LookingChannel)
    owner = FakeChannel(rig.clock)
    owner.name = "desk"
    channels = {"fake": rig.channel, "desk": owner}
    notices = Notices({"desk:1"}, channels, rig.clock)
    rig.job = DeliverJob(rig.store, channels, rig.clock, random.Random(5), notices)
    await rig.queue(row(name="a"), row(name="b"))
    rig.channel.fail_next(MaybeSent("no answer"), after=True)
    rig.channel.blind = Refused("missing_scope", reason="unseen")
    await rig.beat(60, step=1)
    assert rig.shown == ["a", "b"]
    (dead,) = await rig.store.dead(9)
    assert (dead.story_id, dead.error) == ("a", "missing_scope")
    assert ["/retry" in p.message.plain() for p in owner.shown] == [True]
    rig.channel.blind = None
    await rig.store.commit(Changes(at=rig.clock.now(), deliveries=(outbox.replay(dead, rig.clock.now()),)))
    await rig.beat(60, step=1)
    assert rig.shown == ["a", "b"]
    assert not await rig.store.dead(9)


async def test_a_chat_that_shuts_us_out_while_a_message_is_looked_for_is_paused():
    rig = Rig(LookingChannel)
    await rig.queue(row(name="a"), chats=(Chat(id="fake:1"),))
    rig.channel.fail_next(MaybeSent("no answer"), after=True)
    rig.channel.blind = Refused("not_in_channel", reason="kicked")
    await rig.beat(60, step=1)
    assert (await rig.store.chat("fake:1")).paused == "kicked"
    assert (rig.shown, await rig.states()) == (["a"], {"ambiguous": 1})


async def test_a_message_no_platform_takes_is_listed_and_told(rig):
    owner = FakeChannel(rig.clock)
    owner.name = "desk"
    channels = {"fake": rig.channel, "desk": owner}
    notices = Notices({"desk:1"}, channels, rig.clock)
    rig.job = DeliverJob(rig.store, channels, rig.clock, random.Random(5), notices)
    await rig.queue(row(name="a"), row(name="b"), row(name="c"))
    rig.channel.fail_next(Refused("odd", reason="strange"))
    rig.channel.fail_next(Refused("odd", reason="strange"))
    await rig.beat(6)
    assert rig.shown == ["c"]
    assert [d.story_id for d in await rig.store.dead(9)] == ["b", "a"] or len(await rig.store.dead(9)) == 2
    told = [p.message.plain() for p in owner.shown]
    assert len(told) == 1, "once a day and chat"
    assert "/dead" in told[0]


async def test_owners_are_told_of_a_group_that_is_lost_but_not_of_people(rig):
    notices = Notices({"fake:own"}, {"fake": rig.channel}, rig.clock)
    rig.job = DeliverJob(rig.store, {"fake": rig.channel}, rig.clock, random.Random(5), notices)
    group = Chat(id="fake:g", kind="group", title="Desk")
    await rig.queue(row("fake:g", "a"), row("fake:p", "b"), chats=(group, Chat(id="fake:p")))
    rig.channel.fail_next(Refused("kicked", reason="kicked"))
    rig.channel.fail_next(Refused("blocked", reason="blocked"))
    await rig.beat(5)
    told = [p.message.plain() for p in rig.channel.shown if p.chat_id == "fake:own"]
    assert len(told) == 1
    assert "Nothing reaches Desk: the bot was taken out of it" in told[0]


async def test_a_dead_token_is_told_on_the_other_channel_once(rig):
    owner = FakeChannel(rig.clock)
    owner.name = "desk"
    channels = {"fake": rig.channel, "desk": owner}
    rig.job = DeliverJob(
        rig.store, channels, rig.clock, random.Random(5), Notices({"desk:1", "fake:9"}, channels, rig.clock)
    )
    await rig.queue(row("fake:1", "a"), row("fake:2", "b"))
    for _ in range(4):
        rig.channel.fail_next(TokenDead("revoked"))
    await rig.beat(int(TOKEN_PAUSE_S) + 10, step=1)
    assert ["revoked" in p.message.plain() for p in owner.shown] == [True]


async def test_what_was_sent_and_could_not_be_written_down_is_written_down_later_not_sent_again():
    class FullStore(MemoryStore):
        full = False

        async def commit(self, changes):
            if self.full:
                raise Full("disk full")
            await super().commit(changes)

    rig = Rig(store=FullStore())
    await rig.queue(row(name="a"), row(name="b"), chats=(Chat(id="fake:1"),))
    send = rig.channel.send

    async def fills(parcel):
        rig.store.full = True
        return await send(parcel)

    rig.channel.send = fills
    await rig.beat(20, step=1)
    assert rig.shown == ["a"]
    rig.channel.send = send
    rig.store.full = False
    await rig.beat(60, step=1)
    assert rig.shown == ["a", "b"]
    assert await rig.states() == {"sent": 2}


async def test_rows_written_under_a_wrong_clock_do_not_hold_a_chat(rig):
    await rig.queue(replace(row(name="a"), next_try=START + timedelta(days=400)), row(name="b"))
    await rig.beat(5, step=10)
    assert rig.shown == []
    await rig.job.recover()
    await rig.beat(5, step=10)
    assert rig.shown == ["a", "b"]


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(days=-365), timedelta(days=90)])
async def test_clocks_that_jump_hold_nothing_and_break_no_wait(rig, jump):
    await rig.queue(row("fake:1", "a"))
    rig.channel.fail_next(SlowDown("wait", after_s=30, whole_bot=False))
    await rig.beat()
    rig.clock.wall += jump
    await rig.queue(replace(row("fake:2", "b", at=rig.clock.now())))
    await rig.beat(3)
    assert rig.shown == ["b"]
    await rig.beat(24, step=1)
    assert rig.shown == ["b"], "what the platform asked for is kept"
    await rig.beat(15, step=1)
    assert rig.shown == ["b", "a"]


async def test_a_reply_whose_first_message_is_gone_stands_by_itself(rig):
    await rig.queue(row(name="a"))
    await rig.beat()
    update = replace(row(name="a", revision=2), act=Act.REPLY)
    await rig.queue(update)
    rig.channel.fail_next(Refused("thread_not_found", reason="message_gone"))
    await rig.beat(4)
    assert [p.act for p in rig.channel.shown] == [Act.POST, Act.POST]


async def test_a_wait_for_the_whole_bot_outlives_the_process(rig):
    """Telegram lengthens a flood's wait with each call made meanwhile, whichever process makes it."""
    await rig.queue(row("fake:1", "a"))
    rig.channel.fail_next(SlowDown("wait", after_s=60, whole_bot=True))
    await rig.beat()
    rig.clock.advance(20)
    rig.job = DeliverJob(rig.store, {"fake": rig.channel}, rig.clock, random.Random(5))
    await rig.job.recover()
    await rig.queue(row("fake:2", "b"))
    await rig.beat(35, step=1)
    assert len(rig.channel.tries) == 1
    await rig.beat(10, step=1)
    assert sorted(rig.shown) == ["a", "b"]


async def test_a_wait_for_one_chat_outlives_the_process_in_all_its_lanes(rig):
    await rig.queue(row("fake:1", "a"))
    rig.channel.fail_next(SlowDown("wait", after_s=600, whole_bot=False))
    await rig.beat()
    assert len(rig.channel.tries) == 1
    rig.job = DeliverJob(rig.store, {"fake": rig.channel}, rig.clock, random.Random(5))
    await rig.job.recover()
    await rig.queue(replace(row("fake:1", "asked", at=rig.clock.now()), act=Act.ANSWER), row("fake:2", "b"))
    await rig.beat(590, step=1)
    assert rig.shown == ["b"], "the other chat does not wait"
    assert len(rig.channel.tries) == 2
    await rig.beat(20, step=1)
    assert rig.shown == ["b", "asked", "a"]
    first, _, second, _ = (at for at, _ in rig.channel.tries)
    assert second - first >= 600


async def test_a_wait_for_one_chat_from_a_clock_that_was_wrong_holds_nobody(rig):
    rig.clock.advance(400 * 86400)
    await rig.queue(row("fake:1", "a"))
    rig.channel.fail_next(SlowDown("wait", after_s=60, whole_bot=False))
    await rig.beat()
    channel, store = rig.channel, rig.store
    rig = Rig(store=store)
    rig.channel, rig.job = channel, DeliverJob(store, {"fake": channel}, rig.clock, random.Random(5))
    await rig.job.recover()
    await rig.beat(20, step=1)
    assert rig.shown == ["a"]


async def test_a_wait_from_a_clock_that_was_wrong_holds_nobody(rig):
    rig.clock.advance(400 * 86400)
    await rig.queue(row("fake:1", "a"))
    rig.channel.fail_next(SlowDown("wait", after_s=60, whole_bot=True))
    await rig.beat()
    channel, store = rig.channel, rig.store
    rig = Rig(store=store)
    rig.channel, rig.job = channel, DeliverJob(store, {"fake": channel}, rig.clock, random.Random(5))
    await rig.job.recover()
    await rig.queue(row("fake:2", "b"))
    await rig.beat(20, step=1)
    assert sorted(rig.shown) == ["a", "b"]


async def test_a_dead_token_holds_chats_that_come_later_too(rig):
    await rig.queue(row("fake:1", "a"))
    rig.channel.fail_next(TokenDead("revoked"))
    await rig.beat()
    await rig.queue(row("fake:2", "b"))
    await rig.beat(100, step=1)
    assert len(rig.channel.tries) == 1


async def test_no_more_than_so_many_sends_are_under_way(rig):
    gate, under_way, most = asyncio.Event(), 0, 0
    send = rig.channel.send

    async def slow(parcel):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await gate.wait()
        under_way -= 1
        return await send(parcel)

    rig.channel.send = slow
    await rig.queue(*(row(f"fake:{n}", "a") for n in range(3 * SENDS_AT_ONCE)))
    for _ in range(4):
        await rig.job.run()
        await asyncio.sleep(0)
        rig.clock.advance(0.1)
    assert most == SENDS_AT_ONCE
    gate.set()
    await rig.beat(9)
    assert len(rig.shown) == 3 * SENDS_AT_ONCE


async def test_a_row_whose_message_is_gone_is_given_up_and_frees_the_chat(rig):
    await rig.store.commit(Changes(at=START, deliveries=(row(name="lost"),)))
    await rig.queue(row(name="next"))
    await rig.beat(4)
    assert rig.shown == ["next"]
    (dead,) = await rig.store.dead(5)
    assert (dead.story_id, dead.error) == ("lost", "its message is no longer kept")


async def test_what_alerts_rings_and_an_answer_does_not(rig):
    alert, listed, answer = (
        row(name="a"),
        replace(row(name="b"), act=Act.GATHERED),
        replace(row(name="c"), act=Act.ANSWER),
    )
    await rig.queue(alert, replace(listed, story_id=""), replace(answer, story_id=""))
    await rig.beat(8)
    rings = {p.key: p.alerts for p in rig.channel.shown}
    assert rings == {alert.key: True, listed.key: True, answer.key: False}


def test_the_pace_forgets_chats_that_may_be_written_to_again():
    pace = Pace(Limits(text_max=1, edit=True, thread=True, buttons=True, per_chat_s=1.0, per_group_s=3.0), 0.0)
    for number in range(10_002):
        pace.sent(Chat(id=f"fake:{number}", kind="private", title=""), Act.POST, 0.0)
    assert len(pace._chats) == 10_002
    pace.sent(Chat(id="fake:late", kind="private", title=""), Act.POST, 60.0)
    assert set(pace._chats) == {"fake:late"}


async def test_a_bug_in_delivery_leaves_its_chat_alone_for_a_minute(rig, monkeypatch):
    await rig.queue(row(name="a"), row("fake:2", "b"))
    carry, failed = rig.job._carrier.carry, []

    async def broken(channel, chat, head):
        if chat.id == "fake:1" and len(failed) < 1:
            failed.append(head)
            raise ZeroDivisionError
        await carry(channel, chat, head)

    monkeypatch.setattr(rig.job._carrier, "carry", broken)
    await rig.beat(20)
    assert rig.shown == ["b"]
    rig.clock.advance(60)
    await rig.beat(2)
    assert rig.shown == ["b", "a"]


async def test_a_chat_whose_row_is_gone_meanwhile_is_passed_over():
    class Gone(MemoryStore):
        async def head(self, chat_id, now=None):
            return None if chat_id == "fake:1" else await super().head(chat_id, now)

    rig = Rig(store=Gone())
    await rig.queue(row("fake:1", "a"), row("fake:2", "b"))
    await rig.beat(3, step=1)
    assert rig.shown == ["b"]

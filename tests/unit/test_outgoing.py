"""What people see of the outbox, and calls that outlive the process that took them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.changes import Changes
from bot.core.chat import Act, Call, Chat, ChatEvent, State
from bot.core.errors import Full
from bot.core.habits import Habits, Mute, Quiet
from bot.core.outbox import begin, give_up
from bot.jobs.notices import Notices
from bot.stores.memory import MemoryStore
from tests.fakes.clock import START
from tests.unit.examples import message, row, story
from tests.unit.test_commands import OWNER, Rig


@pytest.fixture
def rig():
    return Rig()


def call(text, number=1, chat="fake:1"):
    return Call(id=f"fake:c{number}", text=text, chat=Chat(id=chat), actor="fake:u1")


async def test_what_is_held_is_shown_with_its_reason_and_its_end(rig):
    assert await rig.ask("held") == "Nothing is held here."
    quiet = Quiet(start=5 * 60, end=7 * 60)
    mutes = (Mute(what="#bbbbbb", until=START + timedelta(hours=9)),)
    rows = [replace(row("fake:1", n), state=State.HELD, held="quiet") for n in ("aaaaaa", "bbbbbb")]
    rows += [replace(row("fake:2", "cccccc"), state=State.HELD, held="late")]
    await rig.keep(
        story("aaaaaa"),
        story("bbbbbb"),
        deliveries=tuple(rows),
        chats=(Chat(id="fake:1", habits=Habits(quiet=quiet, mutes=mutes)), Chat(id="fake:2")),
    )
    said = await rig.ask("held")
    assert said.startswith("2 held")
    first, second = [x for x in said.splitlines() if "#aaaaaa" in x or "#bbbbbb" in x]
    assert first.endswith("quiet until 2022-08-19 07:00 UTC")
    assert second.endswith("mute #bbbbbb until 2022-08-19 15:00 UTC")
    assert "within a minute" in await rig.ask("held", chat="fake:2")


async def test_only_owners_see_the_outbox_of_all(rig):
    for command in ("queue", "dead", "retry all"):
        assert "Only owners" in await rig.ask(command)


async def test_the_queue_names_chats_that_wait_and_why(rig):
    rows = (row("fake:1", "a"), row("fake:1", "b"), row("fake:2", "c"))
    chats = (Chat(id="fake:1", title="Desk"), Chat(id="fake:2", title="Group", paused="rights", since=START))
    await rig.keep(deliveries=rows, chats=chats)
    rig.clock.advance(7200)
    said = await rig.ask("queue", actor=OWNER)
    assert "3 on their way, 0 held for their hour, 0 undeliverable" in said
    assert "Desk fake:1: 2 waiting, the oldest for 2h" in said
    assert "paused: the bot may not write there" in said


async def test_what_is_dead_is_listed_and_tried_again(rig):
    assert "Nothing" in await rig.ask("dead", actor=OWNER)
    await rig.keep(deliveries=(row("fake:1", "aaaaaa"), row("fake:1", "bbbbbb")), chats=(Chat(id="fake:1"),))
    for _ in range(2):
        head = begin(await rig.store.head("fake:1"))
        await rig.keep(deliveries=(give_up(head, "too odd for words"),))
    said = await rig.ask("dead", actor=OWNER)
    assert "too odd for words" in said
    key = row("fake:1", "aaaaaa").key[:6]
    assert key in said
    assert "no undeliverable message 'zzz'" in await rig.ask("retry zzz", actor=OWNER)
    assert "1 go out again" in await rig.ask(f"retry {key}", actor=OWNER)
    assert (await rig.store.head("fake:1")).story_id == "aaaaaa"
    assert "1 go out again" in await rig.ask("retry all", actor=OWNER)
    assert (await rig.store.counts())["pending"] == 2
    assert [a.what for a in await rig.store.audit(9)] == ["retry", "retry"]


async def test_an_answer_and_its_effect_are_one_commit(rig):
    assert await rig.front.post(call("subscribe cac")) is None
    (sub,) = await rig.store.chat_subscriptions("fake:1")
    head = await rig.store.head("fake:1")
    assert head.act is Act.ANSWER
    assert "gets cac" in (await rig.store.message(head.message_id)).plain()
    assert await rig.front.post(call("subscribe cac")) is None
    assert [sub] == list(await rig.store.chat_subscriptions("fake:1"))
    assert (await rig.store.counts())["pending"] == 1, "the same request is answered once"


async def test_look_ups_and_mistakes_are_answered_through_the_outbox_too(rig):
    for number, text in enumerate(("latest", "subscribe weather", "nonsense")):
        assert await rig.front.post(call(text, number)) is None
    assert (await rig.store.counts())["pending"] == 3
    assert (await rig.store.chat("fake:1")).since == START, "whom it answers it knows"


async def test_an_answer_that_cannot_be_written_is_given_back():
    class FullStore(MemoryStore):
        async def commit(self, changes):
            raise Full("disk full")

    rig = Rig(store=FullStore())
    assert "cannot write to my disk" in (await rig.front.post(call("subscribe cac"))).plain()


async def test_an_accepted_call_is_answered_once_also_by_the_next_process(rig):
    first, second = call("subscribe cac", 1), call("latest", 2)
    assert await rig.front.accept(first)
    assert await rig.front.accept(second)
    assert not await rig.front.accept(first)
    assert "gets cac" in (await rig.front.answer(first)).plain()
    assert await rig.front.accepted("fake") == [], "what this process takes it answers itself"
    again = Rig(store=rig.store)
    assert await again.front.accepted("fake") == [second]
    await again.front.answer(second)
    assert await Rig(store=rig.store).front.accepted("fake") == []
    assert len(await rig.store.chat_subscriptions("fake:1")) == 1


async def test_a_crash_between_the_effect_and_the_answer_does_not_act_twice(rig):
    one = call("subscribe cac", 1)
    await rig.front.accept(one)
    await rig.front.answer(one)
    again = Rig(store=rig.store)
    assert not await again.front.accept(one)
    assert "done already" in (await again.front.answer(one)).plain()


async def test_owners_learn_of_a_group_that_put_the_bot_out(rig):
    rig.front._notices = Notices({"fake:own"}, {"fake": rig.channel}, rig.clock).rows
    await rig.keep(chats=(Chat(id="fake:g", kind="group", title="Desk"), Chat(id="fake:p")))
    for chat, kind in (("fake:g", "group"), ("fake:p", "private")):
        event = ChatEvent(id=f"e{chat}", what="left", chat=Chat(id=chat, kind=kind), detail="kicked")
        await rig.front.changed(event)
        await rig.front.changed(event)
    head = await rig.store.head("fake:own")
    assert "Nothing reaches Desk" in (await rig.store.message(head.message_id)).plain()
    assert (await rig.store.counts())["pending"] == 1
    await rig.front.changed(ChatEvent(id="e", what="joined", chat=Chat(id="fake:g"), detail=""))
    assert (await rig.store.chat("fake:g")).paused == ""


async def test_a_paused_chat_keeps_its_rows_until_it_is_back(rig):
    kept = (("m-a", message("a")),)
    await rig.store.commit(
        Changes(at=START, deliveries=(row("fake:1", "a"),), messages=kept, chats=(Chat(id="fake:1", paused="blocked"),))
    )
    assert await rig.store.waiting(START, 9) == []
    await rig.ask("latest")
    assert await rig.store.waiting(START, 9) == ["fake:1"]


async def test_what_is_held_can_be_asked_for(rig):
    assert await rig.ask("digest now") == "Nothing is held here."
    rows = [replace(row("fake:1", n), state=State.HELD, held="digest") for n in ("aaaaaa", "bbbbbb")]
    await rig.keep(story("aaaaaa"), story("bbbbbb"), deliveries=tuple(rows), chats=(Chat(id="fake:1"),))
    assert await rig.ask("digest now") == "Here it comes."
    assert await rig.store.held("fake:1") == []
    head = await rig.store.head("fake:1")
    assert "#aaaaaa" in (await rig.store.message(head.message_id)).plain()
    assert (await rig.store.counts())["folded"] == 2


async def test_status_tells_what_is_wrong_beside_feeds(rig):
    looking = rig.front.registry.commands["status"]
    assert "Trouble" not in await rig.ask("status")
    looking.run.__self__._troubles = lambda: ("I cannot write to my disk",)
    await rig.keep(chats=(Chat(id="fake:9", paused="kicked"),))
    said = await rig.ask("status", actor=OWNER)
    assert "Trouble: I cannot write to my disk" in said
    assert "Chats out of reach: 1; /queue names them" in said


async def test_who_ends_everything_gets_nothing_that_was_held(rig):
    await rig.ask("subscribe cac")
    await rig.ask("subscribe listing")
    held = replace(row("fake:1", "aaaaaa"), state=State.HELD, held="digest")
    await rig.keep(story("aaaaaa"), deliveries=(held,))
    assert "let go" not in await rig.ask("unsubscribe cac")
    assert len(await rig.store.held("fake:1")) == 1
    assert "1 that were held for later are let go" in await rig.ask("stop")
    assert await rig.store.held("fake:1") == []

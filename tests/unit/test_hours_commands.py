"""What people ask about when they are told, and what they get: time zone, quiet hours, digest, mutes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.commands.answering import Answering
from bot.commands.help import Help
from bot.commands.hours import MOST, Hours
from bot.commands.subscribe import Subscribing
from bot.core.changes import Changes
from bot.core.chat import Call, Chat, ChatEvent
from bot.core.habits import Digest, Habits, Mute, Quiet
from bot.judge.hours import why_held
from bot.judge.newsroom import Newsroom, Topic
from bot.stores.memory import MemoryStore
from tests.fakes.channel import FakeChannel
from tests.fakes.clock import START, VirtualClock
from tests.unit.examples import book, judge, story

HERE = "fake:1"


class Rig:
    def __init__(self):
        self.clock = VirtualClock()  # Friday, 06:00 UTC
        self.store = MemoryStore()
        self.channel = FakeChannel(self.clock)
        topics = {t.name: Topic(t.words, len(t.rules)) for t in book().topics}
        newsroom = Newsroom([], topics, lambda keywords: judge())
        help_ = Help()
        groups = (Subscribing(self.store, newsroom), Hours(self.store), help_)
        self.front = Answering(groups, self.store, newsroom, {"fake": self.channel}, self.clock, frozenset())
        help_.registry = self.front.registry
        self.calls = 0

    async def answer(self, text, *, actor="fake:u1", kind="private", chat=HERE, reply_to="", title=""):
        self.calls += 1
        where = Chat(id=chat, kind=kind, title=title)
        call = Call(id=f"fake:{self.calls}", text=text, chat=where, actor=actor, reply_to=reply_to)
        return await self.front.answer(call)

    async def ask(self, text, **more):
        return (await self.answer(text, **more)).plain()

    async def habits(self, chat=HERE):
        known = await self.store.chat(chat)
        return known.habits if known else None

    async def keep(self, *stories):
        await self.store.commit(Changes(at=START, stories=stories))


@pytest.fixture
def rig():
    return Rig()


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


async def test_the_time_zone_of_a_chat(rig):
    assert "those of UTC, where it is Fri 2022-08-19 06:00" in await rig.ask("tz")
    assert await rig.habits() is None
    assert "Done: Times are those of Asia/Shanghai, where it is Fri 2022-08-19 14:00" in await rig.ask("tz shanghai")
    assert (await rig.habits()).zone == "Asia/Shanghai"
    assert "Asia/Shanghai" in await rig.ask("timezone")


async def test_quiet_hours_are_set_shown_and_ended(rig):
    assert "no quiet hours" in await rig.ask("quiet")
    assert "Example: /quiet" in await rig.ask("quiet")
    said = await rig.ask("quiet 22:00-07:00 except urgent")
    assert "It is quiet from 22:00 to 07:00 every day, except for urgent alerts." in said
    assert "It is quiet now, until Fri 2022-08-19 07:00 (UTC)." in said
    assert (await rig.habits()).quiet == Quiet(start=1320, end=420, urgent=True)
    assert "22:00 to 07:00" in await rig.ask("quiet")
    assert "no quiet hours" in await rig.ask("quiet OFF")
    assert (await rig.habits()).quiet is None


async def test_a_digest_is_set_shown_moved_and_ended(rig):
    await rig.ask("tz Europe/Berlin")
    said = await rig.ask("digest daily 08:30 except urgent")
    assert "in a digest every day at 08:30; urgent ones come at once." in said
    assert "The next digest comes Fri 2022-08-19 08:30 (Europe/Berlin)." in said
    habits = await rig.habits()
    assert (habits.digest, habits.slot) == (Digest(every="daily", at=510, urgent=True), "2022-08-18T08:30")
    assert "Sat 2022-08-20 07:00" in await rig.ask("digest daily 07:00")
    assert (await rig.habits()).slot == "2022-08-19T07:00"
    assert "Thu 2022-08-25 09:00" in await rig.ask("digest weekly thu 09:00")
    await rig.ask("tz America/New_York")
    assert "Thu 2022-08-25 09:00 (America/New_York)" in await rig.ask("digest")
    assert "one by one" in await rig.ask("digest off")
    assert (await rig.habits()).digest is None


async def test_words_are_muted_and_heard_again(rig):
    await rig.keep(story())
    assert "“didi” is muted until you unmute it. /unmute didi ends it." in await rig.ask('mute "DiDi"')
    assert "“网信办” is muted until Fri 2022-08-19 14:00 (UTC)" in await rig.ask("mute 網信辦 for 8h")
    assert "until Sat 2022-08-20 05:00" in await rig.ask("mute South China Morning Post until 05:00")
    assert {m.what: m.until for m in (await rig.habits()).mutes} == {
        "didi": None,
        "网信办": at(2022, 8, 19, 14),
        "south china morning post": at(2022, 8, 20, 5),
    }
    assert why_held(await rig.habits(), story(), START, urgent=True) == "mute didi"
    listed = await rig.ask("mutes")
    assert "“网信办” is muted until Fri" in listed
    which = await rig.answer("unmute")
    assert [b.command for b in which.buttons][:2] == ["unmute didi", "unmute 网信办"]
    assert all(len(b.command.encode()) <= 60 for b in which.buttons)
    assert "“didi” can be heard again" in await rig.ask("unmute DIDI")
    assert "'zebra' is not muted; what is: “网信办”" in await rig.ask("unmute zebra")
    rig.clock.advance(9 * 3600)
    assert "网信办" not in await rig.ask("mutes")
    assert "“south china morning post” can be heard again" in await rig.ask("unmute")
    assert (await rig.habits()).mutes == ()
    assert "Nothing is muted" in await rig.ask("unmute all")


async def test_the_same_words_muted_again_are_muted_until_the_new_time(rig):
    await rig.ask("mute didi")
    await rig.ask("mute Didi 2d")
    assert (await rig.habits()).mutes == (Mute(what="didi", until=at(2022, 8, 21, 6)),)


async def test_a_mute_of_nothing_mutes_nothing_and_says_how(rig):
    assert "mute didi for 8h" in await rig.ask("mute")
    assert await rig.habits() is None


@pytest.mark.parametrize(
    ("asked", "reply_to", "mute"),
    [
        ("mute all", "", Mute(what="", until=None)),
        ("mute all", "abc123", Mute(what="", until=None)),
        ("mute for 8h", "", Mute(what="", until=at(2022, 8, 19, 14))),
        ("mute 8h", "", Mute(what="", until=at(2022, 8, 19, 14))),
        ("mute", "abc123", Mute(what="#abc123", until=None)),
        ("mute until 09:00", "abc123", Mute(what="#abc123", until=at(2022, 8, 19, 9))),
        ("mute #ABC123", "", Mute(what="#abc123", until=None)),
        ("mute abc123 for 2d", "", Mute(what="#abc123", until=at(2022, 8, 21, 6))),
        ("mute old111", "", Mute(what="#abc123", until=None)),
        ("mute taobao", "abc123", Mute(what="taobao", until=None)),
        ("mute calls for restraint", "", Mute(what="calls for restraint", until=None)),
        ("mute 5g", "", Mute(what="5g", until=None)),
        ("snooze 8h", "", Mute(what="", until=at(2022, 8, 19, 14))),
        ("snooze until 09:00", "abc123", Mute(what="#abc123", until=at(2022, 8, 19, 9))),
    ],
)
async def test_what_a_mute_is_about_and_for_how_long(rig, asked, reply_to, mute):
    await rig.keep(story(), replace(story("old111"), merged_into="abc123"))
    assert "Done" in await rig.ask(asked, reply_to=reply_to)
    assert (await rig.habits()).mutes == (mute,)


@pytest.mark.parametrize(
    ("asked", "reply_to"),
    [
        ("unmute #abc123", ""),
        ("unmute abc123", ""),
        ("unmute old111", ""),
        ("unmute", "abc123"),
        ("unmute", "old111"),
    ],
)
async def test_a_story_is_heard_of_again(rig, asked, reply_to):
    await rig.keep(story(), replace(story("old111"), merged_into="abc123"))
    await rig.ask("mute #abc123")
    await rig.ask("mute everything")
    assert "#abc123 can be heard again" in await rig.ask(asked, reply_to=reply_to)
    assert (await rig.habits()).mutes == (Mute(what="", until=None),)
    assert "Everything can be heard again" in await rig.ask("unmute everything")


async def test_a_snooze_is_shown(rig):
    assert "Example: /snooze 8h" in await rig.ask("snooze")
    await rig.ask("snooze 8h")
    assert "Everything is muted until Fri 2022-08-19 14:00" in await rig.ask("snooze")


async def test_everything_in_force(rig):
    assert "gets nothing yet" in await rig.ask("settings")
    for asked in ("subscribe cac min:2", "tz Asia/Shanghai", "quiet 13:00-15:00", "digest hourly", "mute didi 1h"):
        assert "Done" in await rig.ask(asked)
    for said in (
        "This chat gets cac from a score of 2.",
        "Times are those of Asia/Shanghai.",
        "It is quiet from 13:00 to 15:00 every day.",
        "Alerts come together in a digest every hour.",
        "“didi” is muted until Fri 2022-08-19 15:00 (Asia/Shanghai).",
        "It is quiet now, until Fri 2022-08-19 15:00 (Asia/Shanghai).",
        "The next digest comes Fri 2022-08-19 15:00 (Asia/Shanghai).",
    ):
        assert said in await rig.ask("settings")
    rig.clock.advance(7200)
    assert "Nothing is muted" in await rig.ask("settings")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("tz Shangai", "did you mean Asia/Shanghai?"),
        ("tz Mars", "Usage: /tz [zone]"),
        ("quiet at night", "Quiet hours are written like 22:00-07:00"),
        ("quiet at night", "Usage: /quiet [22:00-07:00"),
        ("quiet 22:00-25:00", "A time of day is written like 08:30, not '25:00'"),
        ("digest sometimes", "Example: /digest daily 08:30 except urgent"),
        ("mute #zzzzzz", "I know no alert '#zzzzzz'"),
        ("mute #didi", "words are muted without #"),
        ("mute ***", "letters or digits"),
        ("mute " + "很长" * 41, "at most 80 characters"),
        ("mute off", "To end a mute, write /unmute"),
        ("mute didi until friday", "not 'friday'"),
        ("mute didi for 2 years", "a time is written like"),
        ("mute didi for 999d", "It can be for up to 366d"),
        ("snooze later", "Usage: /snooze <8h | until 09:00>"),
    ],
)
async def test_mistakes_are_answered_and_change_nothing(rig, asked, said):
    assert said.lower() in (await rig.ask(asked)).lower()
    assert await rig.habits() is None


async def test_a_reply_to_an_alert_long_forgotten_mutes_nothing_else(rig):
    assert "no alert '#abc123'" in await rig.ask("mute", reply_to="abc123")
    assert await rig.habits() is None


async def test_a_chat_has_so_many_mutes(rig):
    mutes = tuple(Mute(what=f"word{n}", until=None) for n in range(MOST))
    await rig.store.commit(Changes(at=START, chats=(Chat(id=HERE, habits=Habits(mutes=mutes)),)))
    assert f"has {MOST} mutes already" in await rig.ask("mute one more")
    assert "Done" in await rig.ask("mute word7 for 8h")
    assert len((await rig.habits()).mutes) == MOST


@pytest.mark.parametrize("asked", ["tz UTC", "quiet 22-7", "digest hourly", "mute didi", "snooze 8h", "unmute"])
async def test_in_a_group_administrators_alone_change_them(rig, asked):
    assert "Only administrators" in await rig.ask(asked, kind="group")
    assert "Nothing is muted" in await rig.ask("mutes", kind="group")
    assert "Settings" in await rig.ask("settings", kind="group")
    rig.channel.admins.add("fake:u1")
    assert "Only administrators" not in await rig.ask(asked, kind="group")


async def test_what_else_is_known_of_a_chat_stays(rig):
    """Subscribing keeps the habits, habits keep the rest, and one chat's are not another's."""
    await rig.ask("subscribe cac", title="The title")
    await rig.ask("tz Asia/Shanghai")
    await rig.ask("quiet 22:00-07:00")
    assert (await rig.store.chat(HERE)).title == "The title"
    await rig.ask("subscribe all", title="A new title")
    known = await rig.store.chat(HERE)
    assert (known.title, known.habits.zone, known.habits.quiet.start) == ("A new title", "Asia/Shanghai", 1320)
    await rig.ask("mute didi")
    assert (await rig.habits()).zone == "Asia/Shanghai"
    assert "no quiet hours" in await rig.ask("quiet", chat="fake:2")


async def test_habits_set_in_a_chat_that_was_paused_are_kept(rig):
    await rig.ask("subscribe cac")
    await rig.front.changed(ChatEvent(id="e1", what="left", chat=Chat(id=HERE), detail="blocked"))
    await rig.ask("quiet 22:00-07:00")
    known = await rig.store.chat(HERE)
    assert (known.paused, known.habits.quiet) == ("", Quiet(start=1320, end=420))


async def test_slack_is_told_slack_spellings(rig):
    said = await rig.ask("quiet", chat="slack:T1/D1")
    assert "Example: /tocsin quiet" in said
    assert "/tocsin unmute didi" in await rig.ask("mute didi", chat="slack:T1/D1")

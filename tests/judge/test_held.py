"""What keeps an alert from a chat: mutes, then a digest, then quiet hours; and that habits are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.chat import Chat
from bot.core.habits import Digest, Habits, Mute, Quiet
from bot.core.news import Report
from bot.judge.hours import live_mutes, why_held
from bot.stores.codec import CHAT
from tests.fakes.clock import START
from tests.unit.examples import story

MINUTE = timedelta(minutes=1)
TELLS = replace(
    story(title="Beijing fines DiDi Global $1.2bn, 滴滴出行 to pay", topics=("cac",)),
    entities=("didi", "fulltruck"),
    reports=(
        Report(key="k", source="South China Morning Post", url="https://a.example", title="", at=START),
        Report(key="l", source="财新网", url="https://b.example", title="", at=START),
    ),
)


@pytest.mark.parametrize(
    ("what", "held"),
    [
        ("", "mute"),
        ("#abc123", "mute #abc123"),
        ("#abc124", ""),
        ("didi", "mute didi"),
        ("did", ""),
        ("idi", ""),
        ("didi global", "mute didi global"),
        ("global didi", ""),
        ("滴", "mute 滴"),
        ("滴滴", "mute 滴滴"),
        ("美团", ""),
        ("财新", "mute 财新"),
        ("fulltruck", "mute fulltruck"),
        ("truck", ""),
        ("south china morning post", "mute south china morning post"),
        ("$1.2bn", "mute $1.2bn"),
        ("abc123", ""),
        ("post 财新", ""),
    ],
)
def test_what_a_mute_holds(what, held):
    assert why_held(Habits(mutes=(Mute(what=what, until=None),)), TELLS, START, urgent=True) == held


def test_latin_words_beside_chinese_ones_are_whole():
    told = replace(TELLS, title="中国对 Didi 罚款", entities=(), reports=())
    habits = Habits(mutes=(Mute(what="didi", until=None),))
    assert why_held(habits, told, START, urgent=False) == "mute didi"
    assert why_held(habits, replace(told, title="中国对Didis罚款"), START, urgent=False) == ""


ALL = Habits(
    mutes=(Mute(what="didi", until=START + MINUTE), Mute(what="", until=START)),
    digest=Digest(every="daily", urgent=True),
    quiet=Quiet(start=0, end=0, days=(5,)),
)


@pytest.mark.parametrize(
    ("habits", "urgent", "held"),
    [
        (Habits(), False, ""),
        (ALL, True, "mute didi"),
        (replace(ALL, mutes=(*ALL.mutes, Mute(what="", until=None))), True, "mute"),
        (replace(ALL, mutes=()), False, "digest"),
        (replace(ALL, mutes=()), True, "quiet"),
        (replace(ALL, mutes=(), quiet=replace(ALL.quiet, urgent=True)), True, ""),
        (replace(ALL, mutes=(), quiet=None), True, ""),
        (replace(ALL, mutes=(), digest=Digest(every="hourly")), True, "digest"),
        (replace(ALL, mutes=(), digest=None, quiet=replace(ALL.quiet, urgent=True)), False, "quiet"),
    ],
)
def test_what_holds_an_alert_first(habits, urgent, held):
    assert why_held(habits, TELLS, START, urgent=urgent) == held


def test_mutes_are_over_at_their_time():
    assert live_mutes(ALL, START) == ALL.mutes[:1]
    assert live_mutes(ALL, START + MINUTE) == ()
    assert why_held(replace(ALL, digest=None, quiet=None), TELLS, START + MINUTE, urgent=False) == ""


def test_habits_are_kept_with_their_chat_and_chats_from_before_have_none():
    habits = replace(ALL, zone="Asia/Shanghai", slot="2022-08-19T08:30")
    chat = Chat(id="fake:1", habits=habits)
    assert CHAT.load(CHAT.dump(chat)) == chat
    assert CHAT.dump(Chat(id="fake:1")) == b'{"id":"fake:1"}'
    assert CHAT.load(b'{"id":"fake:1","title":"T"}').habits == Habits()

"""Which reports are one story: the same headline, other words, other languages; and which are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.core.news import Entry
from bot.judge.stories import StoryIndex
from tests.fakes.clock import START
from tests.unit.examples import entry, judge, story

JUDGE = judge()


def index_of(first: Entry, at: datetime = START) -> StoryIndex:
    index = StoryIndex()
    verdict = JUDGE.judge(first)
    assert verdict.alert, verdict.reason
    known = story("aaaaaa", title=first.title, at=at, topics=verdict.topics)
    index.add(replace(known, features=index.features(first, verdict, at)))
    return index


def joins(one: str, other: str, *, hours: float = 1) -> bool:
    index = index_of(entry(one))
    later = START + timedelta(hours=hours)
    second = entry(other, feed="other", at=later)
    return index.find(second, JUDGE.judge(second), later) is not None


FINE = "China fines Didi $1.2 billion for violating data security laws"


@pytest.mark.parametrize(
    "other",
    [
        FINE,
        FINE.upper(),
        "Didi fined $1.2 billion by China's cyberspace regulator over data security",
        "国家网信办对滴滴处以80.26亿元罚款",
        "網信辦對滴滴罰款80.26億元",
    ],
)
def test_reports_of_one_story_join(other: str) -> None:
    assert joins(FINE, other)


@pytest.mark.parametrize(
    "other",
    [
        "China's cyberspace regulator summons Weibo over illegal content",
        "Chinese self-driving firm Pony.ai files for US IPO",
        "国家网信办公布生成式人工智能服务管理暂行办法",
        "国家网信办约谈小红书",
    ],
)
def test_other_stories_stay_apart(other: str) -> None:
    assert not joins(FINE, other)


def test_the_same_words_weeks_later_are_another_story() -> None:
    assert joins(FINE, FINE, hours=24)
    assert not joins(FINE, FINE, hours=24 * 30)


def test_different_companies_worded_alike_stay_apart() -> None:
    assert not joins("网信办约谈小红书", "网信办约谈微博")
    assert not joins("Chinese carmaker Nio files for Hong Kong IPO", "Chinese carmaker Zeekr files for Hong Kong IPO")


def test_a_forgotten_story_is_joined_no_more() -> None:
    index = index_of(entry(FINE))
    index.forget(START + timedelta(days=5))
    second = entry(FINE, feed="other")
    assert index.find(second, JUDGE.judge(second), START) is None


DENSE = {
    "measures": [
        "国家网信办就儿童智能手表信息安全规定公开征求意见",
        "国家网信办就网络暴力信息治理规定公开征求意见",
        "国家网信办就人脸识别技术应用安全管理规定公开征求意见",
        "国家网信办公布互联网弹窗信息推送服务管理规定",
        "国家网信办就终端设备直连卫星服务管理规定公开征求意见",
        "国家网信办就大型网络平台个人信息保护监督委员会规定公开征求意见",
    ],
    "rules": [
        "China's cyberspace regulator drafts rules on children's smartwatches",
        "China's cyberspace regulator drafts rules on online violence",
        "China's cyberspace regulator drafts rules on facial recognition",
        "China's cyberspace regulator drafts rules on satellite services",
        "China's cyberspace regulator drafts rules on pop-up windows",
        "China's cyberspace regulator drafts rules on bullet comments",
    ],
    "unnamed": [
        "Chinese robot maker Quxdrone files for Hong Kong IPO",
        "Chinese self-driving firm Foobar files for Hong Kong IPO",
        "Chinese battery firm Zerba files for Hong Kong IPO",
    ],
    "bridge": [
        "China's cyberspace regulator fines Weibo 2.5 billion yuan over data breaches",
        "China's cyberspace regulator fines Foobar Tech 3.5 billion yuan over data breaches",
        "China's cyberspace regulator fines Trip.com 4.5 billion yuan over data breaches",
        "China's cyberspace regulator fines NetEase 5.5 billion yuan over data breaches",
    ],
}


@pytest.mark.parametrize("kind", DENSE)
def test_different_acts_of_one_kind_on_one_day_stay_apart(kind: str) -> None:
    """What is alike is how such things are worded; an unknown name must not tie known ones together."""
    index = StoryIndex()
    for number, title in enumerate(DENSE[kind]):
        at = START + timedelta(hours=number)
        told = entry(title, at=at)
        verdict = JUDGE.judge(told)
        assert verdict.alert, title
        joined = index.find(told, verdict, at)
        assert joined is None, (title, joined)
        index.add(
            replace(
                story(f"st{number:04}", title=title, at=at, topics=verdict.topics),
                features=index.features(told, verdict, at),
            )
        )


def test_other_words_for_the_same_thing_still_join() -> None:
    assert joins(
        "China's cyberspace regulator drafts rules on facial recognition",
        "Facial recognition: China's internet watchdog proposes limits",
    )
    assert joins("国家网信办就人脸识别技术应用安全管理规定公开征求意见", "网信办拟规范人脸识别应用")

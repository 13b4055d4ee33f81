"""Sentences of the source and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.judge.sentences import sentences
from bot.judge.summary import LONGEST, Summary, summarise

EN = (
    "By Jane Doe. The Cyberspace Administration of China fined Didi Global 8.026 billion yuan on Thursday. "
    "Mr. Cheng and the U.S. listing were not mentioned. Shares rose 3.5 percent. Subscribe to our newsletter."
)
ZH = "国家互联网信息办公室21日对滴滴全球处以80.26亿元罚款。“这是依法作出的决定。”有关负责人说。程维被罚100万元！"


def said(body: str) -> list[str]:
    return [body[start:end] for start, end in sentences(body)]


def test_sentences_end_where_people_end_them() -> None:
    found = said(EN)
    assert any(s.startswith("Mr. Cheng and the U.S. listing") for s in found)
    assert any("8.026 billion yuan" in s for s in found)
    assert len(said(ZH)) >= 3


def test_a_summary_says_who_did_what_and_how_much() -> None:
    text = summarise("Didi fined", EN, ("Cyberspace Administration", "Didi", "fined")).text
    assert "8.026 billion yuan" in text
    assert "newsletter" not in text
    assert "80.26亿元" in summarise("滴滴被罚", ZH, ("滴滴", "罚款")).text


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=2000), st.text(max_size=100))
def test_every_sentence_is_the_sources_own(body: str, title: str) -> None:
    summary = summarise(title, body, ())
    assert len(summary.text) <= LONGEST
    rest = summary.text.removesuffix("…")
    for start, end in summary.spans:
        assert rest.startswith(body[start:end])
        rest = rest.removeprefix(body[start:end]).removeprefix(" ")
    assert rest == ""


@pytest.mark.parametrize(
    "line",
    [
        "We use cookies to give you the best experience.",
        "Subscribe to our newsletter for more stories like this.",
        "Reporting by Jane Doe in Beijing; editing by John Roe",
        "责任编辑：张三",
        "未经授权不得转载",
        "点击阅读原文查看更多内容",
        "We use cookies to improve your experience on our site and to show you relevant advertising; to find out more, "
        "read our privacy policy and cookie policy, which tell you what we store and for how long it is kept.",
        "We value your privacy. We and our 845 partners store and access information on a device, such as cookies, and "
        "process personal data, such as unique identifiers and standard information sent by a device.",
        "With your permission we may use precise geolocation data and identification through device scanning.",
        "Sign in to continue.",
        "You have 2 free articles remaining this month.",
        "Sign up for our daily newsletter and never miss a story about Chinese technology firms.",
        "Get the latest news delivered straight to your inbox every morning.",
        "Published Nov 24, 2026 · 3 min read",
        "Last updated: 24 November 2026, 10:00 GMT",
        "Wednesday, 24 November 2026, 10:00 am",
        "Photo: Getty Images.",
        "Our Standards: The Thomson Reuters Trust Principles.",
        "By Josh Horwitz and Yingzhi Yang",
        "Home > News > Technology",
        "ADVERTISEMENT - CONTINUE READING BELOW",
        "Copyright 2026 Reuters. All rights reserved.",
        "Source: Cyberspace Administration of China",
        "Please enable JavaScript to view the comments.",
        "Share this article on Facebook",
        "当前位置：首页 > 新闻中心",
        "字号：大 中 小",
        "2026-11-24 08:00 来源：中国网信网 字号：大 中 小",
        "2026年11月24日 08:00",
        "（責任編輯：李四）",
        "未經授權不得轉載",
        "原标题：国家网信办约谈快手",
        "来源：新华社",
        "打开微信扫一扫，分享到朋友圈",
        "掃碼關注公眾號",
        "點擊下載APP，查看更多內容",
        "免責聲明：本文僅供參考，不構成投資建議",
        "文｜张三 编辑｜李四 封面来源｜视觉中国 本文为36氪原创。",
        "记者 张三 李四",
        "图片来源：视觉中国",
        "本网站使用cookie以改善您的浏览体验。",
        "订阅我们的电子报，获取更多中国科技新闻",
    ],
)
def test_what_is_not_the_story_is_never_in_it(line: str) -> None:
    fact = "The regulator fined Didi 8.026 billion yuan on Thursday, it said."
    assert summarise("Didi", f"{line}\n{fact}\n{line}", ("Didi",)).text == fact


WALL = (
    "We value your privacy. We and our 845 partners store and access information on a device, such as cookies, and "
    "process personal data.\nSign in to continue.\nAccept all\n当前位置：首页 > 新闻中心\n字号：大 中 小"
)


def test_a_page_of_nothing_else_has_no_summary() -> None:
    assert summarise("China bars Micron chips", WALL, ("Micron",)) == Summary()


@pytest.mark.parametrize(
    "fact",
    [
        "Full Truck Alliance and Kanzhun may sign up users again as Chinese probes wind down.",
        "The draft requires platforms to obtain consent before cookies are stored on a phone, the regulator said.",
        "By Thursday the app had been removed from stores, the Cyberspace Administration of China said.",
        "「网信中国」微信公众号消息，中央网信办决定即日起开展为期1个月的专项行动。",
        "网信办对知网罚款5000万元，其多款App存在未经同意收集个人信息等违法行为。",
        "已下载滴滴App的用户可正常使用，乘客的出行和司机师傅的接单不受影响。",
        "举报人称，该平台多次违规收集个人信息。",
        "Demand for the AI chipmaker's debut was more than 20 times oversubscribed.",
    ],
)
def test_news_about_such_things_is_news(fact: str) -> None:
    assert summarise("x", fact, ()).text == fact


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="abC 网信办。.!？”)\n\t1,，", max_size=300))
def test_sentences_stand_where_they_are_said_to(body: str) -> None:
    at = 0
    for start, end in sentences(body):
        assert at <= start < end <= len(body)
        assert body[at:start].strip() == ""
        assert body[start:end] == body[start:end].strip() != ""
        at = end
    assert body[at:].strip() == ""


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([*EN.split(". "), *ZH.split("。"), WALL, "Sign in to continue", "x" * 400, "罚" * 350])),
    st.sampled_from([". ", "。", "\n", " "]),
)
def test_a_summary_is_its_spans(pieces: list[str], joint: str) -> None:
    body = joint.join(pieces)
    summary = summarise("滴滴", body, ("Didi", "滴滴"))
    said = [body[start:end] for start, end in summary.spans]
    assert summary.text.removesuffix("…") in ("".join(said), " ".join(said))
    assert "privacy" not in summary.text


def test_a_body_that_only_repeats_the_title_adds_nothing() -> None:
    assert summarise("China fines Didi $1.2 billion", "China fines Didi $1.2 billion.", ()).text == ""
    assert summarise("x", "", ()) == Summary()

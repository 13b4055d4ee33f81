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
        "Accept all to continue.",
        "We value your privacy. We and our 812 partners store cookies. Accept all to continue.",
        "Reject all",
        "（完）",
        "（记者王思北）",
        "新华社记者 王思北 李四",
        "新華社記者王思北報道",
        "原标题：网信办 约谈 快手 来源：新华社 2026-11-24 10:00",
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


NEWS = "国家网信办31日约谈英伟达公司，要求其就H20芯片漏洞后门安全风险作出说明。"


@pytest.mark.parametrize(
    "around",
    [
        "原标题：网信办约谈 来源：新华社 2025-07-31 10:00 记者 张三 {}",
        "来源：新华社 记者 张三 李四 {}",
        "新华社北京8月19日电 {}",
        "新华社北京8月19日电（记者王思北）{}（完）",
        "中新网8月19日电(新华社记者 张三、李四){}",
        "财联社8月19日电，{}",
        "{}（记者 张三）",
        "{} 责任编辑：张三",
    ],
)
def test_bylines_and_agency_headers_go_and_the_news_stays(around: str) -> None:
    body = around.format(NEWS)
    assert summarise("x", body, ()).text == NEWS
    traditional = around.translate(str.maketrans("记来标题华电编责辑", "記來標題華電編責輯")).format(NEWS)
    assert summarise("x", traditional, ()).text == NEWS


def test_a_byline_within_a_sentence_goes() -> None:
    body = "国家网信办19日约谈快手公司（新华社记者王思北、李四），要求其限期整改。"
    assert summarise("x", body, ()).text == "国家网信办19日约谈快手公司，要求其限期整改。"


def test_an_english_dateline_goes() -> None:
    body = "BEIJING, July 21 (Reuters) - China's cyberspace regulator fined Didi 8.026 billion yuan."
    assert summarise("x", body, ()).text == "China's cyberspace regulator fined Didi 8.026 billion yuan."


@pytest.mark.parametrize(
    "news",
    [
        "记者从国家网信办获悉，滴滴被罚80.26亿元。",
        "他19日电话回应，称将配合整改。",
        "无国界记者组织称其记者被拘留。",
        "一份报告（记者无国界发布）点名了这家公司。",
    ],
)
def test_news_that_looks_like_a_byline_stays(news: str) -> None:
    assert summarise("x", news, ()).text == news


@pytest.mark.parametrize(
    "sentence",
    [
        f"The fine was confirmed by {who.strip()} at length."
        for who in """Gov. Li|Sen. Wu|Rep. Li|Gen. Wu|Col. Li|Lt. Wu|Capt. Li|Adm. Wu|Prof. Li|Rev. Wu|Hon. Li|Amb. Wu
        Pres. Li|Sec. Wu|the Dept. of Trade|Beijing Univ. staff|Li Jr. himself|Li Sr. himself|Apple Co. staff
        Apple Ltd. staff|Apple Corp. staff|Apple Inc. staff|Li Bros. staff|A vs. B|approx. 20 firms|est. 20 firms
        No. 1|Nos. 1 and 2|Fig. 3|Jan. 5|Feb. 5|Sept. 5|Dec. 5|Mon. Morning|Sun. Morning|8 a.m. Thursday|8 p.m. Thursday
        the U.S. Commerce Department|the E.U. Commission|the U.K. Treasury|Li Wu Ph.D. of Yale|banks, e.g. HSBC
        banks, i.e. HSBC|banks etc. of Beijing|the C.A.C. of Beijing
        the agency... again""".replace("\n", "|").split("|")
    ],
)
def test_abbreviations_end_no_sentence(sentence: str) -> None:
    assert said(f"{sentence} It did.") == [sentence, "It did."]


@pytest.mark.parametrize(
    "body",
    [
        "It was built by Didi Global Inc. The regulator fined it.",
        "It left the U.S. The regulator fined it.",
        "It rang at 8 p.m. Shares fell.",
        "He said no. Shares fell.",
        "It sells apps, maps etc. However it lost.",
        "It ended in Dec. On Friday it paid.",
    ],
)
def test_a_sentence_may_end_with_an_abbreviation(body: str) -> None:
    assert len(said(body)) == 2


def test_the_same_is_not_said_twice() -> None:
    fact = "China's regulator fined Didi 8 billion yuan, it said."
    assert summarise("x", f"{fact} Another thing happened on Friday. {fact.upper()} {fact}", ("Didi",)).text == (
        f"{fact} Another thing happened on Friday."
    )
    assert summarise("x", "网信办约谈快手公司。網信辦約談快手公司！", ()).text == "网信办约谈快手公司。"


_PIECES = [
    *("（记者王思北）", "新华社北京8月19日电", "原标题：", " 来源：新华社 ", "（完）", "记者 张三 "),
    *NEWS.split("，"),
    *EN.split(),
]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=12)), max_size=60).map("".join),
    st.text(max_size=30),
    st.lists(st.text(max_size=5), max_size=3).map(tuple),
)
def test_whatever_comes_the_spans_are_slices_that_do_not_overlap(body: str, title: str, words: tuple[str, ...]) -> None:
    summary = summarise(title, body, words)
    at = 0
    for start, end in summary.spans:
        assert at <= start < end <= len(body)
        at = end
    slices = [body[start:end] for start, end in summary.spans]
    joined = {"".join(slices), " ".join(slices)}
    assert summary.text in joined | {f"{text}…" for text in joined if text}


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

"""What in a story is news of its own: a step on, of the companies it is about; not what a headline recalls."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.news import Tier
from bot.judge.deeds import own
from bot.judge.render import standing
from bot.judge.text import fold
from bot.judge.updates import told
from tests.fakes.clock import START
from tests.unit.examples import entry, judge, subscription
from tests.unit.test_decide import Desk


def became(*told: tuple[float, str, str]) -> list[str]:
    """What each report of a stream became: hours after the first, headline, and text."""
    desk = Desk(subscription("fake:1", "all"))
    said = []
    for number, (hours, title, body) in enumerate(told):
        at = START + timedelta(hours=hours)
        changes = desk.read(entry(title, feed=f"paper{number}", body=body, at=at), at=at)
        (judged,) = changes.entries
        said.append(judged.stages[-1].outcome if judged.outcome == "update" else judged.outcome)
        assert bool(changes.deliveries) == (judged.outcome in ("alert", "update"))
    return said


def acts(title: str, *of: str) -> set[str]:
    return {*own(fold(title), judge().judge(entry(title)).marks, of)} - {"list", "say"}


def test_each_step_of_a_listing_is_told_once() -> None:
    assert became(
        (0, "Shein said to weigh Hong Kong IPO, sources say", ""),
        (1, "Shein files for Hong Kong IPO", ""),
        (2, "希音向港交所递交招股书", ""),
        (30, "Shein clears Hong Kong listing hearing", ""),
        (50, "Shein prices Hong Kong IPO at HK$90", ""),
        (51, "希音港股IPO定价90港元", ""),
        (90, "Shein soars on Hong Kong debut", ""),
        (91, "希音港股首日大涨", ""),
    ) == ["alert", "now: file", "grew", "now: hearing", "now: price", "grew", "now: debut", "grew"]


def test_a_listing_called_off_is_news_whenever_it_comes() -> None:
    assert became(
        (0, "Shein files for Hong Kong IPO", ""),
        (40, "Shein withdraws Hong Kong IPO filing", ""),
        (42, "希音撤回港股上市申请", ""),
    ) == ["alert", "now: shelve", "grew"]
    assert became(
        (0, "Zeekr to go private in Geely buyout", ""),
        (48, "Geely buyout takes Zeekr private", ""),
        (200, "Zeekr delists from NYSE as deal closes", ""),
    ) == ["alert", "grew", "now: delist"]


def test_each_order_to_a_company_is_told_once() -> None:
    assert became(
        (0, "网信办约谈微博", ""),
        (5, "网信办对微博启动网络安全审查", ""),
        (6, "China opens cybersecurity review of Weibo", ""),
        (20, "网信办对微博罚款10亿元", ""),
        (21, "China fines Weibo 1 billion yuan after cybersecurity review", ""),
        (40, "微博恢复新用户注册 网信办批准", ""),
    ) == ["alert", "now: review", "grew", "now: fine", "grew", "now: resume"]


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("Baidu shares fall after China's cyberspace regulator summons it; Didi was fined $1.2 billion in 2022", ""),
        ("Summoned by China's cyberspace regulator, Baidu says it was not fined", ""),
        ("百度回应被网信办约谈：未被罚款", ""),
        ("China's cyberspace regulator summons Baidu a month after Didi's US$1.2 billion fine", ""),
        ("Cyberspace regulator summons Baidu in China", "A ban may follow. The bar is high: Didi was fined in 2022."),
        ("China's cyberspace regulator summons Baidu; Weibo fined 1 million yuan in another case", ""),
    ],
)
def test_what_is_recalled_denied_or_anothers_is_no_news(title: str, body: str) -> None:
    assert became((0, "China's cyberspace regulator summons Baidu", ""), (1, title, body)) == ["alert", "grew"]


@pytest.mark.parametrize(
    "title",
    [
        "中概股退市风险缓解 滴滴表示关注",
        "Delisting threat to Didi eases, US regulator says",
        "Didi shares jump as fears of a delisting fade",
    ],
)
def test_what_only_threatens_was_not_done(title: str) -> None:
    assert "delist" not in acts(title)


def test_what_a_headline_says_was_done() -> None:
    assert acts("China fines Weibo 1 billion yuan after cybersecurity review") == {"fine"}
    assert acts("滴滴被罚后重新上架") == {"resume"}
    assert "debut" not in acts("Chery set for Hong Kong debut, sources say")
    assert acts("China's cyberspace regulator summons Baidu; Weibo fined", "baidu") == {"summon"}
    assert acts("China's cyberspace regulator summons Baidu; Weibo fined") == {"summon", "fine"}


@pytest.mark.parametrize(
    ("title", "rumour"),
    [
        ("Shein may file for Hong Kong IPO", True),
        ("Shein weighs London listing: sources", True),
        ("Sources say Didi will delist", True),
        ("知情人士：滴滴将退市", True),
        ("China's data rules take effect May 1", False),
        ("China fines Didi, in May second such fine", False),
        ("Influencers told to cite sources, China rules", False),
        ("网信办拟规定不得利用算法控制热搜", False),
    ],
)
def test_what_is_unconfirmed(title: str, rumour: bool) -> None:
    one = entry(title)
    assert told(one, judge().judge(one))["rumour"] is rumour


def test_what_ended_a_listing_makes_its_steps_news_again() -> None:
    assert became(
        (0, "Zeekr files for Hong Kong IPO", ""),
        (30, "Zeekr shelves Hong Kong IPO", ""),
        (60, "Zeekr refiles for Hong Kong IPO", ""),
        (61, "极氪重新递表港交所", ""),
        (90, "Zeekr shelves Hong Kong IPO again", ""),
    ) == ["alert", "now: shelve", "now: file", "grew", "now: shelve"]
    assert became((0, "Hesai to delist from Nasdaq", ""), (40, "Hesai files for Hong Kong IPO", "")) in (
        ["alert", "now: file"],
        ["alert", "alert"],
    )


def test_an_app_that_goes_is_news_after_a_fine() -> None:
    assert became(
        (0, "China's cyberspace regulator fines Douban 1.5 million yuan", ""),
        (2, "China's cyberspace regulator orders Douban removed from app stores", ""),
        (3, "网信办：豆瓣下架整改", ""),
    ) == ["alert", "now: remove", "grew"]


@pytest.mark.parametrize(
    ("heard", "denied"),
    [
        (
            "China may bar Nvidia H20 chips, cyberspace regulator considers ban: sources",
            "国家网信办：没有禁止采购英伟达H20芯片，网传不实",
        ),
        ("China cyberspace regulator weighs fining Kuaishou, sources say", "网信办辟谣：网传拟对快手罚款系谣言"),
    ],
)
def test_a_denial_confirms_nothing(heard: str, denied: str) -> None:
    desk = Desk(subscription("fake:1", "all"))
    desk.read(entry(heard, feed="wire"))
    official = replace(entry(denied, feed="cac", at=START + timedelta(hours=1)), tier=Tier.OFFICIAL, source="CAC")
    changes = desk.read(official, at=START + timedelta(hours=1))
    (judged,) = changes.entries
    if "辟谣" in denied:  # no rule takes it for news; it must at least confirm nothing
        assert (judged.outcome, changes.deliveries) == ("no-match", ())
    else:
        assert (judged.outcome, judged.stages[-1].outcome) == ("update", "denied by CAC")
        assert [standing(told_of) for told_of in changes.stories] == ["denied by CAC"]
    again = desk.read(replace(official, key="x", aliases=("x",)), at=START + timedelta(hours=2))
    assert not again.deliveries

"""Amounts: read from headlines in both scripts, compared across currencies, and asked for in rules."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.news import Entry
from bot.judge.amounts import Rates, amounts, parse_asked
from bot.judge.specs import RuleBook, RuleError, RuleSpec, TopicSpec
from bot.judge.text import fold
from bot.judge.verdict import Judge
from tests.unit.examples import entry

BN, MN = 1e9, 1e6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CAC fines DiDi $1.2bn", [(1.2 * BN, "USD")]),
        ("fined RMB 8.026bn", [(8.026 * BN, "CNY")]),
        ("罚款80.26亿元", [(8.026 * BN, "CNY")]),
        ("罰款人民幣80.26億", [(8.026 * BN, "CNY")]),
        ("罚款８０．２６亿", [(8.026 * BN, "CNY")]),
        ("百万用户须审查", [(MN, "")]),
        ("超百萬用戶", [(MN, "")]),
        ("holders of a million users' data", [(MN, "")]),
        ("100万人", [(MN, "")]),
        ("raises HK$38.85 billion", [(38.85 * BN, "HKD")]),
        ("募资12亿美元", [(1.2 * BN, "USD")]),
        ("50 million-yuan fine", [(50 * MN, "CNY")]),
        ("8.026 billion yuan ($1.2 billion)", [(8.026 * BN, "CNY"), (1.2 * BN, "USD")]),
        ("a 1,234,567 yuan fine", [(1234567, "CNY")]),
        ("8-billion-yuan fine", [(8 * BN, "CNY")]),
        ("A $1.2-billion penalty", [(1.2 * BN, "USD")]),
        ("fined eight billion yuan", [(8 * BN, "CNY")]),
        ("one million users", [(MN, "")]),
        ("half a million users", [(0.5 * MN, "")]),
        ("100余万用户", [(MN, "")]),
        ("超过一百万用户", [(MN, "")]),
        ("罚款八十亿元", [(8 * BN, "CNY")]),
        ("一点五亿美元", [(0.15 * BN, "USD")]),
        ("twenty-one billion yuan", []),
        ("罚款" + "9" * 310 + "亿元", []),
        ("fined $" + "9" * 400 + "bn", []),
        ("发行6473万股", []),
        ("3亿股", []),
        ("iPhone 17 sells", []),
        ("CAC 40 closes higher", []),
        ("105 apps named", []),
    ],
)
def test_amounts_are_read(text, expected):
    got = [(a.value, a.currency) for a in amounts(fold(text))]
    assert [c for _, c in got] == [c for _, c in expected]
    assert [v for v, _ in got] == pytest.approx([v for v, _ in expected])


@given(st.text(max_size=60))
def test_any_text_is_read_and_places_lie_inside(text):
    folded = fold(text)
    for amount in amounts(folded):
        assert 0 <= amount.start < amount.end <= len(folded)
        assert amount.value >= 0


@pytest.mark.parametrize(("written", "value"), [("1bn CNY", (BN, "CNY")), ("8亿 CNY", (8e8, "CNY")), ("1m", (MN, ""))])
def test_what_a_rule_asks_for(written, value):
    assert parse_asked(written) == value


def alerts(rule: str, title: str) -> bool:
    lists = {"act_fine": ("fine*", "罚款"), "act_list_en": ("IPO",)}
    topic = TopicSpec(name="t", words="", rules=(RuleSpec(id="r", when=rule),))
    book = RuleBook(topics=(topic,), lists=lists, rates=Rates(date(2022, 7, 21), {"USD": 6.76}))
    item: Entry = entry(title)
    return Judge(book).judge(item).alert


@pytest.mark.parametrize(
    ("rule", "title", "fires"),
    [
        ("fine>=1bn CNY", "China fines Didi $1.2 billion", True),
        ("fine>=1bn CNY", "罚款80.26亿元", True),
        ("fine>=1bn CNY", "China fines app maker 50 million yuan", False),
        ("fine>=1bn CNY", "Didi raises $4.4 billion", False),
        ("fine<100m CNY", "China fines app maker 50 million yuan", True),
        ("list>=500m USD", "Chip maker seeks $600 million in IPO", True),
        ("users>=1m", "掌握超百万用户信息赴国外上市须审查", True),
        ("users>=1m", "platform with 900,000 users", False),
        ("Didi AND money>=1bn USD", "Didi settles for $740 million", False),
        ("(fine>=1bn CNY) AND Didi", "China fines Didi $1.2 billion", True),
        ("NOT fine>=1bn CNY AND Didi", "China fines Didi $1.2 billion", False),
        ("fine>=$1bn", "滴滴被罚款80.26亿元", True),
        ("fine>=¥80亿", "滴滴被罚款80.26亿元", True),
        ("fine>=80亿元", "China fines Didi $1.2 billion", True),
        ("fine>=90亿元", "China fines Didi $1.2 billion", False),
        ("users > 1m", "platform with two million users", True),
        ("users ≥ 百万", "平台有100余万用户", True),
        ("money>=1bn CNY", "Somebody raises $1.2-billion", True),
        ("money>=1bn CNY", "Somebody raises $12 million", False),
        ("Didi OR money>=1bn CNY", "Somebody raises $1.2 billion", True),
        ("Didi OR money>=1bn CNY", "Didi raises money", True),
        ("money>=1 billion yuan AND Didi", "Didi raises two billion yuan", True),
    ],
)
def test_rules_ask_for_amounts(rule, title, fires):
    assert alerts(rule, title) is fires


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("fine>=1bn XYZ", "no exchange rate for XYZ"),
        ("fime>=1bn CNY", "fime is no amount; there are money, users, fine"),
        ("fine>=1zn CNY", "is no amount"),
        ("fine>=", "fine>= wants an amount behind it, like fine>=1bn CNY"),
        ("fine>=lots", "'lots' is no amount"),
        ("money>=1.2.3bn CNY", "'1.2.3bn CNY' is no amount"),
        ("money>=1,5bn CNY", "is no amount"),
        ("users>=1m CNY", "users are counted, without a currency"),
    ],
)
def test_amounts_nobody_can_ask_for_are_refused_in_words(rule, says):
    with pytest.raises(RuleError, match=says):
        alerts(rule, "x")

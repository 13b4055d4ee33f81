"""Amounts: read from headlines in both scripts, compared across currencies, and asked for in rules."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.news import Entry
from bot.judge.amounts import Rates, amounts, parse_asked
from bot.judge.currencies import AFTER, BEFORE, CODES, WORDS_TOO
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
        ("罚款50亿人民币", [(5 * BN, "CNY")]),
        ("80.26億人民幣", [(8.026 * BN, "CNY")]),
        ("罚款50亿卢布", [(5 * BN, "RUB")]),
        ("罚款100億日圓", [(10 * BN, "JPY")]),
        ("100億円", [(10 * BN, "JPY")]),
        ("罰款50億韓圜", [(5 * BN, "KRW")]),
        ("罰款新台幣50億元", [(5 * BN, "TWD")]),
        ("50亿元新台币", [(5 * BN, "TWD")]),
        ("¥100亿日元", [(10 * BN, "JPY")]),
        ("$50亿港元", [(5 * BN, "HKD")]),
        ("罚款50亿比索", [(5 * BN, "XXX")]),
        ("fined KRW 5bn", [(5 * BN, "KRW")]),
        ("fined 1bn won", [(BN, "KRW")]),
        ("those who in 2020 won", []),
        ("a 5 million-dollar fine", [(5 * MN, "USD")]),
        ("fined $1.2bn users protest", [(1.2 * BN, "USD")]),
        ("用户超过1亿", [(100 * MN, "")]),
        ("用户超过1亿元", [(100 * MN, "CNY")]),
        ("赔偿用户超1亿", [(100 * MN, "CNY")]),
        ("2亿月活用户", [(200 * MN, "")]),
        ("6亿月活", [(600 * MN, "")]),
        ("月活6亿", [(600 * MN, "")]),
        ("月活跃用户达6亿", [(600 * MN, "")]),
        ("用户数已突破10亿", [(BN, "")]),
        ("100万以上用户", [(MN, "")]),
        ("5亿年轻人", [(500 * MN, "")]),
        ("14亿人民", [(1.4 * BN, "")]),
        ("募资50亿人形机器人", [(5 * BN, "CNY")]),
        ("百亿人工智能基金", [(10 * BN, "CNY")]),
        ("700亿参数大模型", []),
        ("a new million-user check", [(MN, "")]),
        ("600 million monthly active users", [(600 * MN, "")]),
        ("500m users", [(500 * MN, "")]),
        ("users top 1 million", [(MN, "")]),
        ("user base of more than 500m", [(500 * MN, "")]),
        ("users reach $1 million settlement", [(MN, "USD")]),
        ("users hit 2025 target", []),
        ("twenty-one million users", []),
        ("two hundred million users", []),
    ],
)
def test_amounts_are_read(text, expected):
    got = [(a.value, a.currency) for a in amounts(fold(text))]
    assert [c for _, c in got] == [c for _, c in expected]
    assert [v for v, _ in got] == pytest.approx([v for v, _ in expected])


scales = st.sampled_from(["亿", "万亿", "千万", "百万"])
han = sorted(name for name in AFTER if not name.isascii())
latin = sorted(name for name in AFTER if name.isascii())


@given(st.integers(1, 9999), scales, st.sampled_from(han))
def test_a_chinese_sum_is_of_the_currency_that_stands_behind_it(number, scale, name):
    (got,) = amounts(fold(f"罚款{number}{scale}{name}，"))
    assert got.currency == AFTER[name]
    assert got.value > 0


@given(st.integers(1, 9999), st.sampled_from(["bn", " billion", " million", "m"]), st.sampled_from(latin))
def test_an_english_sum_is_of_the_currency_that_stands_behind_it(number, scale, name):
    (got,) = amounts(fold(f"fined {number}{scale} {name} for it"))
    assert got.currency == AFTER[name]
    assert [a.currency for a in amounts(fold(f"he {number} {name} it"))] == [AFTER[name]] * (name not in WORDS_TOO)


@given(st.integers(1, 9999), st.sampled_from(sorted(BEFORE)))
def test_a_sum_is_of_the_currency_that_stands_before_it(number, name):
    (got,) = amounts(fold(f"罚款 {name} {number}亿"))
    assert got.currency == BEFORE[name]


crowds = st.sampled_from(["用户", "名用户", "月活用户", "活跃用户", "注册用户", "人", "个账号", "网民", "月活"])
counts = st.sampled_from(["用户超过", "用户数达", "月活跃用户突破", "用户规模为", "月活", "网民规模"])


@given(st.integers(1, 9999), scales, crowds)
def test_users_behind_a_number_are_no_money(number, scale, crowd):
    assert [a.currency for a in amounts(fold(f"平台有{number}{scale}{crowd}"))] == [""]


@given(counts, st.integers(1, 9999), scales, st.sampled_from(["", *han]))
def test_a_number_behind_users_counts_them_unless_it_is_a_sum(count, number, scale, name):
    assert [a.currency for a in amounts(fold(f"{count}{number}{scale}{name}"))] == [AFTER.get(name, "")]


@given(st.sampled_from(["KRW", "RUB", "XXX"]), st.floats(1, 1e12))
def test_a_currency_without_a_rate_is_no_sum_in_yuan(code, value):
    assert Rates(date(2022, 7, 21), {"USD": 6.76}).cny(value, code) is None


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_asked_for_in_any_case(code):
    assert parse_asked(f"1bn {code}") == parse_asked(f"1bn {code.upper()}") == (BN, AFTER[code])


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
        ("fine>=1bn cny", "China fines Didi $1.2 billion", True),
        ("fine>=1bn usd Didi", "China fines Didi $1.2 billion", True),
        ("fine>=1bn Usd Didi", "China fines Tencent $1.2 billion", False),
        ("fine>=1bn app", "China fines Didi $1.2 billion", False),
        ("fine>=1bn app", "China fines app $1.2 billion", True),
        ("fine>=10亿 人民币", "滴滴被罚款50亿人民币", True),
        ("fine>=1m CNY", "滴滴被罚款50亿卢布", False),
        ("money>=1 CNY OR Didi", "用户超过1亿", False),
        ("users>=1m", "月活跃用户达6亿", True),
        ("users>=1m", "China's million-user check", True),
        ("users>=100m", "app with 600 million monthly active users", True),
        ("users>=1m", "more than five million customers", True),
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
        ("fine>=1bn KRW", "there is no exchange rate for KRW; there are CNY, USD"),
        ("fine>=1bn krw", "there is no exchange rate for KRW; there are CNY, USD"),
        ("fine>=50亿卢布", "there is no exchange rate for RUB; there are CNY, USD"),
        ("fine>=1bn pesos", "there is no exchange rate for '1bn pesos'; there are CNY, USD"),
        ("@act_fine>=1bn", "column 1: a list is compared with nothing; for a sum write fine>=1bn"),
        ("title:(@act_list_en > 1bn)", "for a sum write list>1bn"),
        ("@companies>=5", "for a sum write money>=5"),
        ("(Didi)>=1bn", "an amount is written like fine>=1bn CNY"),
    ],
)
def test_amounts_nobody_can_ask_for_are_refused_in_words(rule, says):
    with pytest.raises(RuleError, match=says):
        alerts(rule, "x")

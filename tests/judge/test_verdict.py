"""Judging with the shipped rules: the seed facts, the traps, hostile texts, and what is said for a reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.core.chat import Keyword
from bot.core.news import Entry, Verdict
from bot.judge.amounts import Rates
from bot.judge.specs import NameSpec, RuleBook, RuleError, RuleSpec, TopicSpec
from bot.judge.verdict import Judge
from tests.fakes.clock import START
from tests.unit.examples import book, entry, judge, lists

JUDGE = judge()


def judged(title: str, body: str = "") -> Verdict:
    return JUDGE.judge(entry(title, body=body))


@pytest.mark.parametrize(
    ("title", "topic"),
    [
        ("China fines Didi $1.2 billion for violating data security laws", "cac"),
        ("国家互联网信息办公室对滴滴全球股份有限公司依法作出网络安全审查相关行政处罚的决定", "cac"),
        ("網信辦對滴滴罰款80.26億元", "cac"),
        ("China's cyberspace regulator summons Xiaohongshu over content", "cac"),
        ("国家网信办约谈微博", "cac"),
        ("China bars Micron chips from key infrastructure after cybersecurity review", "cac"),
        ("Chinese self-driving firm Pony.ai files for US IPO", "listing"),
        ("滴滴启动纽交所退市", "listing"),
        ("Didi shareholders vote to delist from New York", "listing"),
        ("文远知行赴港上市获证监会备案", "listing"),
        ("ByteDance shelves plan for offshore listing", "listing"),
        ("证监会发布境外上市备案管理新规", "listing"),
    ],
)
def test_the_facts_are_caught(title: str, topic: str) -> None:
    verdict = judged(title)
    assert verdict.alert, verdict.reason
    assert topic in verdict.topics


@pytest.mark.parametrize(
    "title",
    [
        "CAC 40 index closes higher as luxury stocks rally",
        "Paris stocks: CAC 40 slips 0.3%",
        "How to lower customer acquisition cost (CAC) in five steps",
        "Your CAC payback period, explained",
        "Common Access Card renewals move online",
        "CAC Nigeria extends deadline for annual returns",
        "Property listings in Shanghai fall again",
        "New job listings at Tencent",
        "阿维塔11正式上市 售价34.99万元起",
        "乐视网信息技术公司公告",
        "官网信息遭删除",
        "网信证券被接管",
        "东京东部发生地震",
        "滴滴司机：一天流水多少",
        "Spotify to list on New York Stock Exchange",
    ],
)
def test_the_traps_are_not(title: str) -> None:
    verdict = judged(title)
    assert not verdict.alert, verdict.reason


def test_evidence_stands_where_it_is_said_to() -> None:
    found = entry("國家網信辦：滴滴 “被罰” 80.26 億元", body="The Cyberspace Administration of China fined Didi.")
    verdict = JUDGE.judge(found)
    assert verdict.alert
    evidence = [e for m in verdict.matches for e in m.evidence]
    assert evidence
    for piece in evidence:
        text = found.title if piece.where == "title" else found.body
        assert text[piece.start : piece.end] == piece.words


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.text(max_size=400), st.text(alphabet="网信办滴罚款CAC IPO上市didi fined“”. ", max_size=200)),
    st.text(max_size=300),
)
def test_no_text_breaks_the_judge(title: str, body: str) -> None:
    found = Entry(feed_id="f", key="k", aliases=("k",), url="", title=title, body=body, published=START)
    verdict = JUDGE.judge(found)
    for match in verdict.matches:
        for piece in match.evidence:
            text = title if piece.where == "title" else body
            assert text[piece.start : piece.end] == piece.words


@pytest.mark.parametrize(
    "title",
    [
        "网信办罚款滴滴" + "9" * 310 + "亿元",
        "😀",
        "",
        " ",
        "\x00网信办\x00",
        "滴滴" * 25_000,
        "\u202e网信办约谈",
        "\ud800",
    ],
)
def test_hostile_titles_are_judged(title: str) -> None:
    JUDGE.judge(Entry(feed_id="f", key="k", aliases=("k",), url="", title=title, published=START))


def test_an_entry_that_cannot_be_judged_is_skipped_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Judge, "_verdict", lambda *_: 1 / 0)
    with capture_logs() as logged:
        verdict = JUDGE.judge(entry("China fines Didi $1.2 billion for violating data security laws"))
    assert not verdict.alert
    assert verdict.reason == "skipped: judging it failed (ZeroDivisionError)"
    assert logged[0]["log_level"] == "error"


def keyword(text: str, topic: str = "cac") -> Keyword:
    return Keyword(topic=topic, text=text, weight=1.0, by="x", at=START)


@pytest.mark.parametrize(
    ("rule", "title", "fires"),
    [
        ("lemon AND battery", "A lemon battery", True),
        ("lemon battery", "battery of lemon", True),
        ("lemon AND NOT battery", "A lemon battery", False),
        ("lemon -battery", "A lemon tree", True),
        ("(lemon OR lime) AND battery", "lime battery", True),
        ("lemon NEAR/2 battery", "lemon powered battery", True),
        ("lemon NEAR/2 battery", "battery one two three four lemon", False),
        ("battery THEN/3 lemon", "lemon battery", False),
        ("lemon THEN/3 battery", "lemon big battery", True),
        ("柠檬 NEAR/3 电池", "柠檬做电池", True),
        ("柠檬 NEAR/3 电池", "柠檬一二三四五六电池", False),
        ('"lemon battery"', "lemon big battery", False),
        ("=LEMON", "lemon", False),
        ("title:lemon", "x", False),
        ("lede:lemon battery", "battery", False),
        ("lem* /lem[ou]n/", "lemun", True),
        ("/lem[ou]n.*centre/", "The LEMON in the Centre", True),
        ("/lem[ou]n.*centre/", "The centre of a lemon", False),
        ("lime OR /lem[ou]n/", "a lemun", True),
        ("lime OR /lem[ou]n/", "a lime", True),
        ("title:/lem[ou]n/", "x", False),
        (r"/\d{3}款App/", "105款APP被点名", True),
        ("/罰款|處罰/", "处罚", True),
        ("/《.+办法》/", "《柠檬管理办法》", True),
        ("/柠檬 .{0,2}电池/", "柠檬 大电池", True),
        ("/lemon  battery/", "lemon  battery", True),
        ("/lem\u00adon batt/", "lemon battery", True),
        ("/柠檬(电池$|电池 |汽水)/", "柠檬电池：新", False),
        ("（柠檬　ＯＲ　lime）AND NOT　电池", "柠檬", True),
        ("“lemon battery”", "A lemon battery", True),
        ("“lemon battery”", "battery of lemon", False),
        ('="Lemon Co"', "a lemon co", False),
        ('="Lemon Co"', "a Lemon Co", True),
        ('"=Lemon Co"', "a Lemon Co", True),
        ("Title:lemon", "A lemon", True),
        ('lemon "and"', "lemon and lime", True),
        ("lemon AND NOT (lime AND battery)", "lemon lime", True),
        ("(lemon OR lime) AND NOT lime", "lemon", True),
        ("lemon lang:en", "lemon", True),
        ("lemon lang:zh", "lemon", False),
        ("lemon NEAR/5 lemon", "lemon", False),
        ("lemon NEAR/5 lemon", "lemon or lemon", True),
        ("lemon THEN/5 lemon", "a lemon", False),
        ("lemon THEN/5 lemon", "lemon, lemon", True),
        ("lemon NEAR/5 lemon NEAR/5 lemon", "lemon lemon", False),
        ("lemon NEAR/5 (lemon THEN/5 lemon)", "lemon lemon", False),
        ("lemon NEAR/5 lemon NEAR/5 lemon", "lemon lemon lemon", True),
        ("title:lemon NEAR/5 (lemon lime)", "lemon lime", False),
        ("title:lemon NEAR/5 (lemon lime)", "lemon lime lemon", True),
        ('lemon NEAR/5 "lemon battery"', "lemon battery", False),
        ('lemon NEAR/5 "lemon battery"', "lemon battery of a lemon", True),
        ("柠檬 NEAR/3 柠檬电池", "柠檬电池", False),
        ("柠檬 NEAR/3 柠檬电池", "柠檬电池和柠檬", True),
        ("柠檬 THEN/0 电池", "柠檬电池", True),
        ("(lem* OR lime) THEN/3 (lemon OR battery)", "lemon ends", False),
        ("(lem* OR lime) THEN/3 (lemon OR battery)", "lemon lime battery", True),
        ("(lemon OR lime) NEAR/1 battery", "lemon for one thing, lime battery", True),
        ("@companies NEAR/9 @companies", "Didi sues bank", False),
        ("@companies NEAR/9 @companies", "Didi sues Tencent", True),
        ("@acts lemon", "lemon fined", True),
        ("@acts lemon", "柠檬 lemon 被约谈", True),
        ("@acts lemon", "lemon blossoms", False),
        ("review* NOT review", "reviews of it", True),
        ("reviewer NOT review", "a reviewer", True),
        ('"lemon pie" NOT pi', "a lemon pie", True),
        ("lemon NOT =Lemon", "a lemon", True),
        ("=Didi NOT didi", "Didi Freight grows", True),
        ("京东健康 NOT 京东", "京东健康招人", True),
        ("*view NOT view", "a preview", True),
        ("fine>=1bn NOT fined", "Fine of $1.2bn for a lemon", True),
        ("title:lemon NOT body:lemon", "lemon", True),
        ("lang:en lemon NOT lang:zh", "lemon", True),
    ],
)
def test_the_rule_language(rule: str, title: str, fires: bool) -> None:
    judge = Judge(lists(), [keyword(rule)])
    assert judge.judge(entry(title, body="lemon" if rule in ("title:lemon", "title:/lem[ou]n/") else "")).alert is fires


def test_a_written_list_of_acts_is_the_one_that_counts() -> None:
    own = replace(lists(), lists={**book().lists, "acts": ("blossom*",)})
    judge = Judge(own, [keyword("@acts lemon")])
    assert judge.judge(entry("lemon blossoms")).alert
    assert not judge.judge(entry("lemon fined")).alert


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("", "empty"),
        ("(lemon", "column"),
        ("lemon OR", "expected"),
        ("@nonesuch", "nonesuch"),
        ("headline:lemon", "scope"),
        ("NOT lemon", "add a word that must be there"),
        ("tier:official", "add a word that must be there"),
        ("lemon OR tier:official", "add a word that must be there"),
        ("/.*/", "every text"),
        ("lemon /(?-i)A/", "any case"),
        ("title:lemon AND NOT title:lemon", "column 1: it asks for title:lemon and for its absence"),
        ("title:lemon AND NOT lemon", "can never hold"),
        ("(lemon OR lime) AND NOT (lemon OR lime)", "can never hold"),
        ("lemon AND NOT (lemon OR lime)", "can never hold"),
        ("(lemon AND lime) AND NOT (lemon AND lime)", "can never hold"),
        ("lime OR title:(lemon AND NOT lemon)", "can never hold"),
        ("lemon NEAR/3 lime AND NOT lime", "can never hold"),
        ("lemon lang:zh lang:en", "nothing is both lang:zh and lang:en"),
        ("lemon tier:wire tier:press", "nothing is both"),
        ("fine>=5bn CNY AND fine<1bn CNY", "nothing is both"),
        ("money>=5bn CNY AND NOT money>=1bn CNY", "can never hold"),
        ("review NOT review*", "column 1: where review stands, review* stands too, and that is excluded"),
        ("reviews NOT review*", "can never hold"),
        ('"security review" NOT review', "where security review stands, review stands too"),
        ('NOT review "security review"', "column 12: where security review stands"),
        ('title:"security review" NOT review', "where security review stands"),
        ('"security review" NEAR/3 lemon NOT review', "where security review stands"),
        ("(review OR reviews) NOT review*", "can never hold"),
        ('"lemon pie" cherry NOT (lemon cherry)', "can never hold"),
        ("滴滴出行 NOT 滴滴", "where 滴滴出行 stands, 滴滴 stands too"),
        ("=Lemon NOT lemon", "where =Lemon stands, lemon stands too"),
        ('="Lemon Pie" NOT =Lemon', "can never hold"),
        ("fine>=1bn NOT @act_fine", "fine>=1bn wants a word of its list beside the sum, and all of them are excluded"),
        ("title:fine>=1bn NOT @acts", "all of them are excluded"),
        ("fine>=1bn CNY NOT money>=1", "what is fine>=1bn CNY is money>=1 too"),
        ("source:reuters lemon NOT source:reut", "what is source:reuters is source:reut too"),
        ("lang:zh-Hans lemon NOT lang:zh", "can never hold"),
        ("re*view", "'re*view' has a * inside"),
        ("网*办", "has a * inside"),
        ("lemon NEAR/3 lang:zh", "no place in a text"),
        ("title:lemon NEAR/3 body:lime", "near"),
        ("title:body:lemon", "column 7"),
        ("lemon NEAR lime", "column 7: 'NEAR' stands where a word or an operator was expected; did you mean NEAR/5?"),
        ("lemon near/3 lime", "did you mean NEAR/3?"),
        ("lemon NEAR/9999 lime", "0 to 999"),
        ("lemon and lime", "column 7: 'and' stands where a word or an operator was expected; did you mean AND?"),
        ("lemon Or lime", "did you mean OR?"),
        ("not lemon", "did you mean NOT?"),
        ("柠檬 && 电池", "did you mean AND?"),
        ("lemon|柠檬", "did you mean OR?"),
        ("lemon, lime", "did you mean OR?"),
        ("柠檬、电池", "did you mean OR?"),
        ("柠檬 OR电池", "did you mean OR, with a blank"),
        ("!lemon", "did you mean NOT lemon?"),
        ("lemon lang:klingon", "column 7: no entry has lang:klingon; there are en, zh"),
        ("lemon tier:offical", "did you mean official?"),
        ("lemon lang: zh", "like lang:zh"),
        ("lemon AND battery AND NOT lemon", "can never hold"),
        ("@companies -@companies", "can never hold"),
        ("x" * 100_000, "characters"),
        ("(" * 500 + "x" + ")" * 500, "parentheses"),
        (" NEAR/9 ".join(["lemon"] * 200), "more than 20 NEAR"),
        ("title:" * 660 + "lemon", "nested too deeply"),
        ("/(a+/", "pattern"),
        ('"', ""),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused_in_words(rule: str, words: str) -> None:
    with pytest.raises(RuleError) as caught:
        Judge(lists(), [keyword(rule)])
    assert words in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_star_inside_a_phrase_is_refused() -> None:
    spec = TopicSpec(name="t", words="w", rules=(RuleSpec(id="r", when='"leave* New York"'),))
    with pytest.raises(RuleError, match="write out the forms"):
        Judge(RuleBook(topics=(spec,)))


def test_a_subject_takes_no_company_away() -> None:
    names = (
        NameSpec(key="nasdaq", aliases=("Nasdaq",), tags=("venues",)),
        NameSpec(key="bars", aliases=("Nasdaq proposes",), tags=("subjects",)),
    )
    rules = RuleBook(topics=(TopicSpec(name="t", words="w", rules=(RuleSpec(id="r", when="@venues"),)),), names=names)
    found = Judge(rules).judge(entry("Nasdaq proposes a bar"))
    assert found.alert
    assert found.subjects == ("bars",)


def test_rules_that_share_a_part_agree_on_it() -> None:
    shared = "title:((drone OR robot) NEAR/2 maker)"
    rules = tuple(
        RuleSpec(id=str(n), when=f"{shared} AND {word}", weight=0.5) for n, word in enumerate(("lists", "files"))
    )
    judge_ = Judge(RuleBook(topics=(TopicSpec(name="t", words="w", rules=rules),)))
    assert judge_.judge(entry("drone maker lists and files")).alert
    assert not judge_.judge(entry("maker of shoes lists and files")).alert


def test_a_pattern_that_would_explode_elsewhere_is_linear_here() -> None:
    judge = Judge(lists(), [keyword("lemon /(a+)+$/")])
    judge.judge(entry("lemon " + "a" * 3000 + "!"))


def test_what_speaks_against_is_told_apart_from_what_speaks_for() -> None:
    verdict = judge().judge(entry("工信部通报滴滴被约谈"))
    stages = {s.name: s for s in verdict.stages}
    assert not verdict.alert
    assert stages["normalised"].outcome == "工信部通报滴滴被约谈"
    assert "not enough" in stages["rules cac"].outcome
    assert stages["against cac"].outcome == "-1.6"
    assert "工信部" in stages["against cac"].detail
    assert "“工信部” speaks against it" in verdict.reason


def test_words_below_the_headline_are_shown_with_what_stands_around_them() -> None:
    verdict = judge().judge(entry("China summons Weibo", body="It was the Cyberspace Administration that called."))
    rules = next(s for s in verdict.stages if s.name == "rules cac")
    assert "It was the [Cyberspace Administration] that called." in rules.detail


def test_words_without_a_rule_are_named() -> None:
    verdict = judge().judge(entry("Didi opens a museum"))
    assert not verdict.alert
    assert "“didi”" in verdict.reason
    assert "no rule holds" in verdict.reason


def test_a_near_miss_says_what_it_lacked() -> None:
    missed = judge().near_misses(entry("Beijing fines app maker"))
    assert any(
        s.outcome == "Beijing acts against a company over data" and s.detail.startswith("lacks any of:") for s in missed
    )
    assert judge().near_misses(entry("Rain in Perth")) == ()


def test_a_rule_is_asked_by_its_name() -> None:
    assert judge().holds("cac", "CAC named in a Chinese headline", entry("网信办约谈微博"))
    assert not judge().holds("cac", "CAC named in a Chinese headline", entry("微博"))
    assert not judge().holds("listing", "CAC named in a Chinese headline", entry("网信办约谈微博"))


@pytest.mark.parametrize(
    ("rule", "title", "said"),
    [
        ("lemon AND NOT (battery OR juice*)", "lemon juices and a battery", "“battery”, “juices” stands in it, which"),
        ("title:(lemon AND NOT juice)", "lemon juice", "“juice” stands in it, which the rule excludes"),
        ("lemon NEAR/1 battery", "lemon one two three battery", "“lemon” and “battery” are not within 1"),
        ("lemon NEAR/1 lemon", "a lemon", "“lemon” stands in it once, and NEAR wants two places"),
        ("battery THEN/3 lemon", "lemon battery", "in this order"),
        ("body:lemon", "lemon", "“lemon” is not in the body"),
        ("lemon lang:zh", "lemon", "it is lang:en, not lang:zh"),
        ("lemon money>=1bn CNY", "lemon for $2", "money>=1bn CNY is not met"),
        ("lemon /x+y/", "lemon", "/x+y/ is not met"),
        ("lemon AND NOT lang:en", "lemon", "lang:en stands in it"),
    ],
)
def test_what_kept_a_rule_from_firing_is_named(rule: str, title: str, said: str) -> None:
    topic = TopicSpec(name="t", words="", rules=(RuleSpec(id="r", when=rule),))
    missed = Judge(RuleBook(topics=(topic,), rates=Rates(START.date(), {"USD": 6.76}))).near_misses(entry(title))
    assert [said in m.detail for m in missed] == [True], missed


def test_the_word_that_spoke_against_drivers_is_named() -> None:
    assert any("“司机” stands in it" in m.detail for m in judge().near_misses(entry("滴滴司机被罚2亿元")))


PIECES = (
    'lemon 柠檬 =CAC review* "a b" “丙丁” ( ) （ ） AND OR NOT - NEAR/3 THEN/2 near and title: body: lang:zh lang: '
    "source:x tier:wire @companies @no /x+/ /(a+)+$/ /[/ /罰《.?》/ fine>=1bn fine>= money>=80亿元 users > 1m a|b "
    "! , 、 ＯＲ "
    ': * = " /'
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES.split()), max_size=9).map(" ".join) | st.text(max_size=40))
def test_any_rule_is_used_or_refused_in_words(rule: str) -> None:
    names = (NameSpec(key="lemon", aliases=("Lemon", "柠檬"), tags=("companies",)),)
    topic = TopicSpec(name="t", words="", rules=(RuleSpec(id="r", when=rule),))
    lists = {"act_fine": ("fined", "罚款")}
    try:
        made = Judge(RuleBook(topics=(topic,), names=names, lists=lists, rates=Rates(START.date(), {"USD": 6.76})))
    except RuleError:
        return
    for title in ("CAC fined Lemon $1bn", "柠檬被罚款80亿元，100余万用户", rule):
        assert "skipped" not in made.judge(entry(title)).reason
        made.near_misses(entry(title))


def test_no_shipped_rule_is_a_pattern_alone():
    """Such a rule would be tried on every text; half the cost of judging noise would be its."""
    assert not judge()._lexicon._watched

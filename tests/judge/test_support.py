"""What a rewritten summary says beyond its source is dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.judge.sentences import sentences
from bot.judge.summary import LONGEST
from bot.judge.support import supported

SOURCE = (
    "China's cyberspace regulator fined Didi Global 8.026 billion yuan ($1.2 billion) on Thursday for breaking three "
    "data laws. Cheng Wei and Jean Liu, its two founders, were fined one million yuan each."
)
ZH = "国家网信办21日对滴滴全球股份有限公司处人民币80.26亿元罚款，对程维、柳青各处人民币100万元罚款。"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("The cyberspace regulator fined Didi 8.026 billion yuan for breaking data laws.", True),
        ("Its founders were fined one million yuan each.", True),
        ("The regulator fined Didi 9 billion yuan for breaking data laws.", False),
        ("The regulator fined Didi $1.2 million for breaking data laws.", False),
        ("The cyberspace regulator fined Alibaba 8.026 billion yuan for breaking laws.", False),
        ("Investors cheered as shares soared and analysts praised the outlook.", False),
        ("", False),
    ],
)
def test_sentences_stand_or_fall_by_their_source(said, kept):
    assert supported(said, SOURCE) == (said if kept else "")


def test_only_what_is_not_supported_is_dropped():
    good, bad = "The regulator fined Didi Global 8.026 billion yuan.", "It may sell 20 cars."
    assert supported(f"{good} {bad}", SOURCE) == good


def test_chinese():
    assert supported("国家网信办对滴滴处80.26亿元罚款。", ZH)
    assert not supported("国家网信办对滴滴处90亿元罚款。", ZH)
    assert not supported("阿里巴巴股价大涨引发市场热议。", ZH)


MIXED = (
    "China fines Bilibili\nThe Cyberspace Administration of China fined Bilibili 1.5 billion yuan on Tuesday. "
    "Weibo said it will cooperate. The company denied wrongdoing earlier, the regulator said. "
    "Beijing imposed a ban on Douban."
)
ZH_MIXED = "网信办罚款哔哩哔哩\n国家网信办周二对哔哩哔哩罚款15亿元。微博表示将配合整改。"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("The Cyberspace Administration of China fined Bilibili 1.5 billion yuan.", True),
        ("Bilibili was fined 1,500 million yuan.", True),
        ("Bilibili was fined 1.5 billion yuan by the Cyberspace Administration of China.", True),
        ("China fined Bilibili on Tuesday.", True),
        ("Weibo said it will cooperate.", True),
        ("The company denied wrongdoing.", True),
        ("Bilibili was fined 15 billion yuan.", False),
        ("Bilibili was fined about $214 million.", False),
        ("The Cyberspace Administration of China did not fine Bilibili.", False),
        ("The Cyberspace Administration of China never fined Bilibili.", False),
        ("Weibo said it will not cooperate.", False),
        ("Bilibili fined the Cyberspace Administration of China 1.5 billion yuan.", False),
        ("The Cyberspace Administration of China was fined by Bilibili.", False),
        ("Weibo fined Bilibili 1.5 billion yuan.", False),
        ("Weibo was fined 1.5 billion yuan on Tuesday.", False),
        ("Tencent was fined 1.5 billion yuan on Tuesday.", False),
        ("The regulator denied wrongdoing.", False),
        ("The company admitted wrongdoing.", False),
        ("Bilibili will be delisted by the regulator, the company said on Tuesday.", False),
        ("Douban banned Beijing.", False),
    ],
)
def test_who_did_it_to_whom_and_whether_at_all(said, kept):
    assert supported(said, MIXED) == (said if kept else "")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("国家网信办对哔哩哔哩罚款15亿元。", True),
        ("哔哩哔哩被国家网信办罚款15亿元。", True),
        ("国家网信办周二罚款哔哩哔哩15亿元。", True),
        ("網信辦罰款嗶哩嗶哩。", True),
        ("微博将配合整改。", True),
        ("微博被国家网信办罚款15亿元。", False),
        ("马斯克被国家网信办罚款15亿元。", False),
        ("国家网信办未对哔哩哔哩罚款。", False),
        ("哔哩哔哩对国家网信办罚款15亿元。", False),
        ("国家网信办被哔哩哔哩罚款15亿元。", False),
        ("哔哩哔哩将配合整改。", False),
        ("国家网信办对哔哩哔哩罚款150亿元。", False),
    ],
)
def test_the_same_in_chinese(said, kept):
    assert supported(said, ZH_MIXED) == (said if kept else "")


DIDI = (
    "Fine ends Didi probe\nChina's cyberspace regulator fined Didi 8.026 billion yuan on Thursday. It "
    "fined chief executive Cheng Wei and president Liu Qing 1 million yuan each. Tencent and Alibaba were "
    "not punished. The regulator began the review in July 2021. Didi said it accepts the decision. "
    "Sources said Beijing may allow its apps back. The fine is lower than the 10 billion yuan that "
    "analysts at Goldman Sachs had expected. Regulators in Shanghai praised Meituan, and fined Ctrip 5 "
    "million yuan. The company, which listed in New York in 2021, will delist."
)
ZH_DIDI = (
    "网信办公布处罚\n网信办对滴滴罚款80.26亿元，对程维、柳青各罚款100万元。滴滴表示接受处罚。上海网信办表扬美团，并对携程罚款500万元。有消息称监管可能允许"
    "其应用恢复上架。滴滴将从纽约退市，此前曾计划在香港上市。"
)
DAY = (
    "China's cyberspace regulator fined Didi Global 8.026 billion yuan ($1.2 billion) on Thursday for "
    "breaking data laws, capping a year-long probe. Cheng Wei, its chief executive, was fined one million "
    "yuan. Nvidia Corp. said the Cyberspace Administration of China summoned it on July 31 over backdoor "
    "risks in its H20 chips. The founder of Alibaba was arrested. Tencent Music shares fell 5 percent "
    "after the ruling. Beijing will fine Baidu if it fails to comply. China almost banned Micron chips. "
    "Regulators barred Ctrip from adding users. The regulator plans to ban Kuaishou. Reuters reported "
    "that China denied it had fined Weibo. The CAC approved iQiyi, praised Youku, and fined Bilibili 2 "
    "million yuan on Monday. China wanted Zhihu punished. The Cyberspace Administration of China, which "
    "oversees the internet, ordered Douban to fix its app within 15 days. Shein halted its Hong Kong "
    "listing, according to sources. JD denied the report. Didi was cleared of bribery by a Shanghai "
    "court. The ban may be lifted. Tencent fell after China fined Didi. Tencent, not Didi, was fined. "
    "Critics of Meituan were jailed."
)
ZH_DAY = (
    "网信办公布处罚\n国家网信办7月21日对滴滴全球股份有限公司处人民币80.26亿元罚款，对程维、柳青各处人民币100万元罚款。英伟达公司创始人黄仁勋被约谈。网信办"
    "约谈快手，要求其限期整改，并处罚责任人。如果微博不整改，网信办将对其罚款。网信办拟对百度罚款5000万元。市场传闻知网被罚。美团表示将配合整改。京东否认被立案。"
    "网信办有关负责人表示，已对豆瓣立案调查。网信办要求抖音对用户道歉。"
)


@pytest.mark.parametrize(
    "lie",
    [
        "China's cyberspace regulator fined Didi 8.026 billion yuan on Thursday for espionage and bribery.",
        "China's cyberspace regulator fined Didi 8.026 billion yuan on Thursday and arrested staff.",
        "China's cyberspace regulator fined Didi 8.026 billion yuan on Thursday after deaths.",
        "Didi fined China's cyberspace regulator 8.026 billion yuan.",
        "Didi said it appeals the decision.",
        "Didi said it contests the decision.",
        "Didi said it welcomes the decision.",
        "Didi said it will sue over the decision.",
        "Sources said Beijing may ban its apps.",
        "Sources said Beijing may axe its apps.",
        "Beijing will allow its apps back.",
        "Beijing allowed its apps back.",
        "Sources said Beijing must allow its apps back.",
        "China's cyberspace regulator may fine Didi 8.026 billion yuan on Thursday.",
        "The regulator will begin the review in July 2021.",
        "The regulator ended the review in July 2021.",
        "The regulator dropped the review in July 2021.",
        "The regulator axed the review in July 2021.",
        "It fined chief executive Liu Qing 1 million yuan.",
        "Regulators in Shanghai fined Meituan 5 million yuan.",
        "Regulators in Shanghai praised Ctrip.",
        "Shanghai praised Meituan 5 million yuan.",
        "The fine is higher than the 10 billion yuan that analysts at Goldman Sachs had expected.",
        "The fine is 10 billion yuan, analysts at Goldman Sachs expected.",
        "Goldman Sachs fined 10 billion yuan.",
        "The company, which delisted in New York in 2021, will list.",
        "The company will list in New York in 2021.",
        "Didi is bankrupt.",
        "Cheng Wei is dead.",
        "The regulator began the review in 2021 of Didi.",
        "Didi accepts the decision and quits China.",
        "Liu Qing has been a thief for 1 million yuan.",
        "President Liu Qing and chief executive Cheng Wei each fined 1 million yuan by it.",
        "Tencent and Alibaba were not punished on Thursday, Didi was.",
        "China's cyberspace regulator nearly fined Didi 8.026 billion yuan on Thursday.",
        "China's cyberspace regulator fined Didi only 8.026 billion yuan on Thursday, a slap on wrist.",
        "China's cyberspace regulator fined Didi twice 8.026 billion yuan on Thursday.",
        "China's cyberspace regulator fined Didi over half 8.026 billion yuan on Thursday.",
    ],
)
def test_what_the_source_does_not_say_is_dropped(lie):
    assert supported(lie, DIDI) == ""


@pytest.mark.parametrize(
    "lie",
    [
        "网信办对程维、柳青各罚款80.26亿元。",
        "网信办对程维罚款80.26亿元。",
        "网信办对滴滴罚款100万元。",
        "上海网信办对美团罚款500万元。",
        "上海网信办表扬携程。",
        "监管允许其应用恢复上架。",
        "滴滴将在香港上市。",
        "滴滴将从香港退市。",
        "滴滴表示处罚。",
        "滴滴处罚网信办。",
        "网信办允许滴滴上市。",
        "滴滴接受上市。",
        "网信办罚款滴滴100万元。",
        "滴滴表扬网信办。",
        "滴滴将从纽约退市，在香港上市。",
    ],
)
def test_what_the_chinese_source_does_not_say_is_dropped(lie):
    assert supported(lie, ZH_DIDI) == ""


@pytest.mark.parametrize(
    "lie",
    [
        "Alibaba was arrested.",
        "Tencent shares fell 5 percent.",
        "Beijing will fine Baidu.",
        "Beijing fined Baidu.",
        "China banned Micron chips.",
        "Micron chips were banned by China.",
        "Regulators barred Ctrip.",
        "The regulator banned Kuaishou.",
        "China fined Weibo.",
        "China denied it had fined Weibo 5 yuan.",
        "Youku was fined 2 million yuan.",
        "The CAC praised Bilibili.",
        "China punished Zhihu.",
        "Zhihu was punished by China.",
        "Zhihu was wanted by China.",
        "Shein halted its Hong Kong listing.",
        "Didi was bribery.",
        "Didi was cleared by sources.",
        "The ban is lifted.",
        "The ban was lifted.",
        "China fined Tencent.",
        "Tencent fined Didi.",
        "Didi was fined by Tencent.",
        "Tencent was fined, not Didi.",
        "Didi, not Tencent, was fined.",
        "Meituan were jailed.",
        "Cheng Wei fined one million yuan.",
        "Nvidia summoned the Cyberspace Administration of China.",
        "The Cyberspace Administration of China summoned it.",
        "Douban ordered the Cyberspace Administration of China to fix its app.",
        "JD denied the ruling.",
        "Didi was fined by the Cyberspace Administration of China for bribery.",
        "黄仁勋创始人被约谈。",
        "英伟达被约谈。",
        "英伟达公司被约谈。",
        "网信办将对其罚款。",
        "网信办对百度罚款5000万元。",
        "百度被网信办罚款5000万元。",
        "知网被罚了钱款。",
        "知网被罚。",
        "京东被立案。",
        "已对豆瓣立案调查。",
        "程维被国家网信办处80.26亿元罚款。",
        "滴滴被处100万元罚款。",
        "国家网信办对程维处100万元罚款。",
        "网信办处罚快手。",
        "快手约谈网信办。",
        "网信办对用户道歉。",
        "网信办要求用户对抖音道歉。",
        "微博被网信办罚款。",
        "对程维处80.26亿元罚款。",
        "国家网信办对滴滴、程维各处80.26亿元罚款。",
    ],
)
def test_words_of_a_days_news_put_together_otherwise_are_dropped(lie):
    assert supported(lie, DAY) == supported(lie, ZH_DAY) == ""


@pytest.mark.parametrize(
    "said",
    [
        "China's cyberspace regulator fined Didi 8.026 billion yuan.",
        "China's cyberspace regulator fined Didi Global 8.026 billion yuan on Thursday.",
        "The cyberspace regulator fined Didi 8.026 billion yuan for breaking data laws.",
        "Didi Global was fined 8.026 billion yuan by China's cyberspace regulator.",
        "Didi was fined 8.026 billion yuan on Thursday for breaking data laws.",
        "Cheng Wei was fined one million yuan.",
        "Cheng Wei, its chief executive, was fined 1 million yuan.",
        "Nvidia said the Cyberspace Administration of China summoned it on July 31.",
        "Nvidia said the Cyberspace Administration of China summoned it over backdoor risks in its H20 chips.",
        "The CAC approved iQiyi.",
        "The Cyberspace Administration of China ordered Douban to fix its app.",
        "The Cyberspace Administration of China ordered Douban to fix its app within 15 days.",
        "Douban was ordered to fix its app within 15 days.",
        "国家网信办对滴滴处80.26亿元罚款。",
        "網信辦7月21日對滴滴處80.26億元罰款",
        "滴滴被国家网信办处80.26亿元罚款。",
        "网信办约谈快手。",
        "快手被网信办约谈。",
        "网信办约谈快手，要求其限期整改。",
        "网信办拟对百度罚款5000万元。",
        "美团将配合整改。",
    ],
)
def test_faithful_shortening_is_kept(said):
    assert supported(said, f"{DAY}\n{ZH_DAY}") == said


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("China fined Didi 8 billion yuan.", "China fined Didi 8 billion yuan, a blogger wrote."),
        ("China fined Didi 5 million yuan.", "China fined Didi at least 5 million yuan."),
        ("China approved the deal.", "China approved the deal on condition that it sells."),
        ("The ban was lifted.", "The ban was lifted in part."),
        ("China fined Didi.", "China fined Didi?"),
        ("China banned Didi apps.", "China banned Didi apps, then allowed them."),
        ("网信办下架滴滴应用。", "网信办下架滴滴应用，随后允许上架。"),
        ("Didi was fined 5 million yuan.", "Alibaba said Didi was fined 5 million yuan."),
        ("网信办处罚滴滴公司。", "马斯克建议，网信办处罚滴滴公司。"),
        ("网信办处罚滴滴公司。", "网信办处罚滴滴公司，网友猜测。"),
    ],
)
def test_who_says_so_how_much_of_it_and_on_what_condition_stays(said, source):
    assert supported(said, source) == ""
    assert supported(source, source) == source


def test_it_stays_behind_whom_it_means():
    source = "China praised Tencent. Regulators fined Weibo. It accepts the decision."
    assert supported("China praised Tencent. It accepts the decision.", source) == "China praised Tencent."
    assert supported("Regulators fined Weibo. It accepts the decision.", source).endswith("It accepts the decision.")


@given(st.sampled_from([DIDI, ZH_DIDI, DAY, ZH_DAY]), st.data())
def test_a_sentence_of_the_source_supports_itself(source, data):
    start, end = data.draw(st.sampled_from(list(sentences(source))))
    assert supported(source[start:end], source) == source[start:end]


@given(st.text(max_size=600), st.text(max_size=600))
def test_any_text_is_compared(text, source):
    kept = supported(text, source)
    assert len(kept) <= LONGEST + 3
    assert not kept or source

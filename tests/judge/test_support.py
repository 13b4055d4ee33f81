"""What a rewritten summary says beyond its source is dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@given(st.text(max_size=600), st.text(max_size=600))
def test_any_text_is_compared(text, source):
    kept = supported(text, source)
    assert len(kept) <= LONGEST + 3
    assert not kept or source

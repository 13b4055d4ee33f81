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


@given(st.text(max_size=600), st.text(max_size=600))
def test_any_text_is_compared(text, source):
    kept = supported(text, source)
    assert len(kept) <= LONGEST + 3
    assert not kept or source

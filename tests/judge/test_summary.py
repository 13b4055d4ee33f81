"""Sentences of the source and nothing else."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.judge.summary import LONGEST, sentences, summarise

EN = (
    "By Jane Doe. The Cyberspace Administration of China fined Didi Global 8.026 billion yuan on Thursday. "
    "Mr. Cheng and the U.S. listing were not mentioned. Shares rose 3.5 percent. Subscribe to our newsletter."
)
ZH = "国家互联网信息办公室21日对滴滴全球处以80.26亿元罚款。“这是依法作出的决定。”有关负责人说。程维被罚100万元！"


def test_sentences_end_where_people_end_them() -> None:
    found = list(sentences(EN))
    assert any(s.startswith("Mr. Cheng and the U.S. listing") for s in found)
    assert any("8.026 billion yuan" in s for s in found)
    assert len(list(sentences(ZH))) >= 3


def test_a_summary_says_who_did_what_and_how_much() -> None:
    text = summarise("Didi fined", EN, "en", ("Cyberspace Administration", "Didi", "fined"))
    assert "8.026 billion yuan" in text
    assert "newsletter" not in text
    assert "80.26亿元" in summarise("滴滴被罚", ZH, "zh-Hans", ("滴滴", "罚款"))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=2000), st.text(max_size=100))
def test_every_sentence_is_the_sources_own(body: str, title: str) -> None:
    text = summarise(title, body, "en", ())
    assert len(text) <= LONGEST + 1
    for sentence in sentences(text.rstrip("…")):
        assert sentence.strip("… ") in body or sentence.strip("… .") in body


def test_a_body_that_only_repeats_the_title_adds_nothing() -> None:
    assert summarise("China fines Didi $1.2 billion", "China fines Didi $1.2 billion.", "en", ()) == ""
    assert summarise("x", "", "en", ()) == ""

"""Sentences of the source and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.judge.summary import LONGEST, Summary, sentences, summarise

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
    ],
)
def test_what_is_not_the_story_is_never_in_it(line: str) -> None:
    fact = "The regulator fined Didi 8.026 billion yuan on Thursday, it said."
    assert summarise("Didi", f"{line}\n{fact}\n{line}", ("Didi",)).text == fact


def test_a_body_that_only_repeats_the_title_adds_nothing() -> None:
    assert summarise("China fines Didi $1.2 billion", "China fines Didi $1.2 billion.", ()).text == ""
    assert summarise("x", "", ()) == Summary()

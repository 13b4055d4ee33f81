"""Folding and finding: what is found stands where it is said to stand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.judge.lexicon import Lexicon
from bot.judge.text import fold, fold_both, offsets

alphabet = st.sampled_from(list("CAC cac網信办网信辦罰款ABC滴 滴“”\"'.-_*ＣＡＣ　１2U. S.\u200b\u00ad\x1f  \n\x00😀é"))
mixed = st.one_of(st.text(max_size=200), st.text(alphabet=alphabet, max_size=200))


@settings(max_examples=300, deadline=None)
@given(mixed)
def test_each_folded_character_has_its_place(text: str) -> None:
    places = offsets(text)
    assert len(places) == len(fold(text)) + 1
    assert places == sorted(places)
    assert all(0 <= p <= len(text) for p in places)


@settings(max_examples=300, deadline=None)
@given(mixed)
def test_folding_again_changes_no_letter(text: str) -> None:
    once = fold(text)
    assert fold(once).replace(" ", "").replace(".", "") == once.replace(" ", "").replace(".", "")


@settings(max_examples=300, deadline=None)
@given(mixed, mixed)
def test_title_and_body_fold_together_as_they_do_alone(title: str, body: str) -> None:
    both, body_at = fold_both(title, body)
    assert both[body_at:] == (fold(body) if body else "")
    assert both[:body_at].removesuffix(" \x1f ").rstrip(" ") == fold(title).rstrip(" ")


@settings(max_examples=300, deadline=None)
@given(mixed, mixed)
def test_what_is_found_stands_at_its_place_in_the_source(title: str, body: str) -> None:
    lexicon = Lexicon()
    sought = {lexicon.add(word): fold(word) for word in ("CAC", "网信办", "cac cac", "滴 滴", "罚款", "U.S.")}
    lexicon.freeze()
    found = lexicon.find(title, body)
    for number, hits in found.hits.items():
        for hit in hits:
            raw = (title, body)[hit.field]
            places = offsets(raw)
            assert fold(raw[places[hit.start] : places[hit.end - 1] + 1]).rstrip(".") == sought[number]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("security  review", "security review"),
        ("security \n\t review", "security review"),
        ("security “ ” review", "security review"),
        ("国家网\u00ad信办", "国家网信办"),
        ("cyber\u00adspace", "cyberspace"),
        ("网\u202e信\u2066办\ufe0f", "网信办"),
        ("x. foo", "x foo"),
        ("國家網信辦", "国家网信办"),
        ("ＣＡＣ", "cac"),
        ("网信办 “约谈” 平台", "网信办约谈平台"),
        ("罚款 80.26 亿元", "罚款80.26亿元"),
        ("U.S. listings", "us listings"),
        ("U. S. listings", "us listings"),
    ],
)
def test_what_reads_alike_folds_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def found(words: list[str], title: str) -> list[str]:
    lexicon = Lexicon()
    numbers = {lexicon.add(word): word for word in words}
    lexicon.freeze()
    return sorted(numbers[n] for n in lexicon.find(title, "").hits)


@pytest.mark.parametrize(
    ("word", "title", "there"),
    [
        ("fine", "Didi fine of $1bn", True),
        ("fine", "A finer point", False),
        ("fine", "Didi's fine.", True),
        ("fine", "fine", True),
        ("fine*", "finest", True),
        ("=CAC", "the CAC said", True),
        ("=CAC", "the cac said", False),
        ("=CAC", "CACs", False),
        ("CAC", "CAC滴滴", True),
        ("网信办", "國家網信辦約談", True),
        ("滴滴", "滴滴出行被罚", True),
        ("App", "84款App被通报", True),
        ("App", "Apple", False),
        ("IPO", "赴港IPO获批", True),
        ("security review", "a security-review of", False),
        ("security review", "a security review of", True),
        ("security review", "a security  review of", True),
        ("security  review", "a security review of", True),
        ("security review", "a secu\u00adrity review of", True),
        ("网信办", "国家网\u00ad信办约谈", True),
    ],
)
def test_words_by_boundary_and_chinese_anywhere(word: str, title: str, there: bool) -> None:
    assert bool(found([word], title)) is there


words = st.text(alphabet="abc网信办滴", min_size=1, max_size=4)


@settings(max_examples=300, deadline=None)
@given(st.lists(words, min_size=1, max_size=12, unique=True), st.text(alphabet="abc网信办滴 -", max_size=60))
def test_the_automaton_finds_what_a_plain_search_finds(sought: list[str], title: str) -> None:
    lexicon = Lexicon()
    numbers = {lexicon.add(word): fold(word) for word in sought}
    lexicon.freeze()
    result = lexicon.find(title, "")
    text = result.texts[0]
    for number, word in numbers.items():
        expected = set()
        for start in range(len(text)):
            end = start + len(word)
            if text[start:end] != word:
                continue
            before = text[start - 1] if start else " "
            after = text[end] if end < len(text) else " "
            bounded = (not (_latin(word[0]) and _latin(before))) and (not (_latin(word[-1]) and _latin(after)))
            if bounded:
                expected.add((start, end))
        assert {(h.start, h.end) for h in result.hits.get(number, [])} == expected


def _latin(character: str) -> bool:
    return character in "abc"


def test_a_word_inside_a_longer_one_does_not_count() -> None:
    lexicon = Lexicon()
    word = lexicon.add("网信")
    lexicon.not_inside(word, [lexicon.add("官网信息")])
    lexicon.freeze()
    assert word not in lexicon.find("官网信息遭删除", "").hits
    assert word in lexicon.find("官网信息遭删除，网信部门回应", "").hits


written = st.builds(
    lambda sign, head, text, tail: sign + head + text + tail,
    st.sampled_from(["", "", "="]),
    st.sampled_from(["", "", "*"]),
    st.text(alphabet="abAB网信 ", min_size=1, max_size=5).filter(str.strip),
    st.sampled_from(["", "", "*"]),
)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(written, min_size=2, max_size=8),
    st.dictionaries(written, st.lists(written, max_size=2), max_size=2),
    st.text(alphabet="abAB网信 -", max_size=30),
)
def test_what_is_said_to_be_found_with_a_word_is(
    sought: list[str], not_inside: dict[str, list[str]], title: str
) -> None:
    lexicon = Lexicon()
    numbers = {lexicon.add(word) for word in sought}
    for inner, longer in not_inside.items():
        lexicon.not_inside(lexicon.add(inner), [lexicon.add(text) for text in longer])
    implied = {number: lexicon.implied(number) for number in numbers}
    lexicon.freeze()
    for text in (title, f"{sought[0].strip('=*')} {title}", f"{title}{sought[0].strip('=*')}b"):
        hits = lexicon.find(text, "").hits
        for number in numbers & hits.keys():
            assert implied[number] <= hits.keys()


def test_what_is_found_with_a_word_is_known_where_it_is_certain() -> None:
    lexicon = Lexicon()
    phrase, short, longer, guarded = (lexicon.add(w) for w in ("lemon pie", "lemon", "lemon pies", "pie"))
    lexicon.guard(guarded, frozenset({short}))
    assert lexicon.implied(phrase) == {phrase, short}
    assert lexicon.implied(longer) == {longer, short}

"""Addresses, dates, bytes and texts as feeds write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.errors import NotAFeed
from bot.core.identity import canonical_url, entry_keys
from bot.sources.cleaning import absolute, plain_body, plain_title
from bot.sources.dates import published
from bot.sources.decoding import Shape, classify, decode

NOW = datetime(2022, 8, 19, 6, 0, tzinfo=UTC)
BEIJING = "Asia/Shanghai"


@pytest.mark.parametrize(
    ("raw", "zone", "when"),
    [
        ("Thu, 21 Jul 2022 10:00:00 GMT", "UTC", (2022, 7, 21, 10, 0)),
        ("Thu, 21 Jul 2022 10:00:00 +0800", "UTC", (2022, 7, 21, 2, 0)),
        ("2022-07-21T10:00:00Z", "UTC", (2022, 7, 21, 10, 0)),
        ("2022-07-21T10:00:00+08:00", "UTC", (2022, 7, 21, 2, 0)),
        ("2022-07-21 10:00:00", BEIJING, (2022, 7, 21, 2, 0)),
        ("2022年7月21日 10:00", BEIJING, (2022, 7, 21, 2, 0)),
        ("2022年07月21日10时30分", BEIJING, (2022, 7, 21, 2, 30)),
        ("2022/7/21 10:00", BEIJING, (2022, 7, 21, 2, 0)),
        ("Thu, 21 Jul 2022 10:00:00 CST", BEIJING, (2022, 7, 21, 2, 0)),
        ("Thu, 21 Jul 2022 10:00:00 HKT", "UTC", (2022, 7, 21, 2, 0)),
        ("Thu, 21 Jul 2022 10:00:00 EDT", "UTC", (2022, 7, 21, 14, 0)),
    ],
)
def test_dates_as_they_are_meant(raw: str, zone: str, when: tuple[int, ...]) -> None:
    found, _ = published(raw, NOW, zone)
    assert found == datetime(*when, tzinfo=UTC)  # type: ignore[arg-type]


@pytest.mark.parametrize("raw", ["", "soon", "0000-00-00", "99999999999999999999", "31 Feb 2022", "Thu, 99 Jul 2022"])
def test_what_is_no_date_is_none(raw: str) -> None:
    assert published(raw, NOW)[0] is None


def test_tomorrow_is_not_believed() -> None:
    found, _ = published("Thu, 21 Jul 2032 10:00:00 GMT", NOW)
    assert found is None or found <= NOW + timedelta(days=2)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["UTC", BEIJING]))
def test_no_text_breaks_the_date_reader(raw: str, zone: str) -> None:
    found, _ = published(raw, NOW, zone)
    assert found is None or found.tzinfo is not None


TEXT = "国家网信办：滴滴被罚80.26亿元，标题里要有足够的汉字才能认出编码"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (TEXT.encode(), ""),
        (b"\xef\xbb\xbf" + TEXT.encode(), ""),
        (TEXT.encode("utf-16"), ""),
        (TEXT.encode("gb18030"), "text/xml; charset=gb2312"),
        (b'<?xml version="1.0" encoding="GBK"?>' + TEXT.encode("gb18030"), ""),
        (b'<?xml version="1.0" encoding="utf-8"?>' + TEXT.encode("gb18030"), ""),
        (TEXT.encode("gb18030"), ""),
        (b'<?xml version="1.0" encoding="big5"?>' + "國家網信辦罰款".encode("big5"), ""),
        ("國家網信辦罰款七億元人民幣，香港交易所表示關注".encode("big5"), ""),
        (b'<?xml version="1.0" encoding="utf-8"?>' + "國家網信辦罰款七億元".encode("big5"), "text/xml; charset=utf-8"),
    ],
)
def test_bytes_are_decoded_as_they_were_written(body: bytes, content_type: str) -> None:
    text = decode(body, content_type)
    assert ("滴滴被罚" in text) or ("網信辦罰款" in text)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["", "text/xml; charset=nonsense", "text/html; charset=utf-7"]))
def test_any_bytes_become_text_or_are_said_to_be_none(body: bytes, content_type: str) -> None:
    try:
        text = decode(body, content_type)
    except NotAFeed:
        return
    assert text.encode("utf-8", "strict") is not None
    classify(text)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ('<?xml version="1.0"?><rss version="2.0">', Shape.XML_FEED),
        ("<feed xmlns='http://www.w3.org/2005/Atom'>", Shape.XML_FEED),
        ("<!-- hello --><rdf:RDF>", Shape.XML_FEED),
        ("<!DOCTYPE html><html>", Shape.HTML),
        ("  ", Shape.EMPTY),
    ],
)
def test_bodies_are_told_apart(text: str, shape: Shape) -> None:
    assert classify(text) is shape


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://Example.com/a?utm_source=rss&utm_medium=x", "https://example.com/a"),
        ("https://example.com/a/", "https://example.com/a"),
        ("https://www.example.com/a#part", "https://www.example.com/a"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("https://example.com/a?b=2&a=1", "https://example.com/a?b=2&a=1"),
        ("https://example.com/a?fbclid=1", "https://example.com/a"),
    ],
)
def test_the_same_article_has_one_address(one: str, other: str) -> None:
    assert canonical_url(one) == canonical_url(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com/a?id=1", "https://example.com/a?id=2"),
        ("https://example.com/a", "https://example.com/b"),
        ("https://example.com/A", "https://example.com/a"),
    ],
)
def test_other_articles_have_other_addresses(one: str, other: str) -> None:
    assert canonical_url(one) != canonical_url(other)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.text(max_size=80), st.text(alphabet="htps:/.?&=#a1%-_@[]", max_size=60).map("https://e.com/".__add__))
)
def test_canonical_addresses_stay_what_they_are(url: str) -> None:
    once = canonical_url(url)
    assert canonical_url(once) == once


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.booleans())
def test_an_entry_always_has_a_key(url: str, guid: str, title: str, shared: bool) -> None:
    keys = entry_keys(outlet="o", url=url, guid=guid, title=title, day=NOW, shared_guid=shared)
    assert keys
    assert all(keys)
    assert keys == entry_keys(outlet="o", url=url, guid=guid, title=title, day=NOW, shared_guid=shared)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("<b>Didi</b> fined", "Didi fined"),
        ("Didi &amp;amp; co", "Didi & co"),
        ("  a \n b\tc ", "a b c"),
        ("5 &lt; 6", "5 < 6"),
        ("网信办\u200b约谈", "网信办约谈"),
    ],
)
def test_titles_are_words(raw: str, clean: str) -> None:
    assert plain_title(raw) == clean


def test_bodies_lose_scripts_and_markup() -> None:
    text = plain_body("<p>One.</p><script>alert(1)</script><style>p{}</style><p>Two.</p>")
    assert "One." in text
    assert "Two." in text
    assert "alert" not in text
    assert "p{}" not in text


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_cleaned(raw: str) -> None:
    for clean in (plain_title(raw), plain_body(raw)):
        assert "\x00" not in clean
        assert clean == clean.strip()


@pytest.mark.parametrize(
    ("link", "base", "found"),
    [
        ("/a", "https://e.com/x/feed", "https://e.com/a"),
        ("b", "https://e.com/x/feed", "https://e.com/x/b"),
        ("//e.org/c", "https://e.com/", "https://e.org/c"),
        ("javascript:alert(1)", "https://e.com/", ""),
        ("mailto:x@e.com", "https://e.com/", ""),
        ("", "https://e.com/", ""),
    ],
)
def test_links_are_made_whole(link: str, base: str, found: str) -> None:
    assert absolute(link, base) == found

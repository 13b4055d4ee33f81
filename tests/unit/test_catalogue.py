"""The shipped catalogue is valid, says what it means, and holds the default list."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from ruamel.yaml import YAML

from bot.config.files import Document, check, read
from bot.config.models import FeedItem, FeedsFile
from bot.core.identity import canonical_url
from bot.core.news import Kind, Tier
from bot.sources import page, rows

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("TOCSIN_SHARED", ROOT / "../shared"))
OPTIONS = {"item", "items", "title", "link", "date", "summary", "id", "page", "date_format", "form"}
NO_HTTPS = {"chinadaily-biz", "people"}

DEFAULT = """
    cac-wxfb cac-policy cac-consultations csrc-news sec-f1 sec-424b4 sec-25 sec-15f sec-press fedreg-nasdaq hkex-news
    hkex-reg sfc scmp-tech scmp-bigtech scmp-business rthk-fin-en bloomberg-tech technode pandaily krasia therecord
    nikkei-asia restofworld chinanews-scroll ithome tmtpost 36kr-flash rthk-fin-zh chinatalk
"""


@pytest.fixture(scope="module")
def document() -> Document:
    return read(ROOT / "config" / "feeds.yaml", "config/feeds.yaml")


@pytest.fixture(scope="module")
def feeds(document: Document) -> dict[str, FeedItem]:
    found = check(document, FeedsFile)
    assert not document.problems
    assert found is not None
    assert len({item.id for item in found.feeds}) == len(found.feeds)
    return {item.id: item for item in found.feeds}


def test_the_default_list_is_on_and_nothing_else(feeds: dict[str, FeedItem]) -> None:
    assert [f.id for f in feeds.values() if f.enabled] == DEFAULT.split()
    assert len(DEFAULT.split()) == 30


def test_every_address_is_there_once_and_encrypted_where_it_can_be(feeds: dict[str, FeedItem]) -> None:
    links = [canonical_url(f.url) for f in feeds.values()]
    assert all(links)
    assert len(set(links)) == len(links)
    plain = {f.id for f in feeds.values() if urlsplit(f.url).scheme != "https"}
    assert {name for name in plain if not name.startswith("rsshub-")} == NO_HTTPS
    assert not any(feeds[name].enabled for name in plain)


def test_every_feed_says_who_it_is(feeds: dict[str, FeedItem]) -> None:
    names = [f.name for f in feeds.values()]
    assert all(names)
    assert len(set(names)) == len(names)
    assert all(f.lang for f in feeds.values() if f.enabled)
    assert {f.tier for f in feeds.values()} == set(Tier)


def test_options_are_known_and_enough(feeds: dict[str, FeedItem]) -> None:
    for feed in feeds.values():
        assert set(feed.options) <= OPTIONS, feed.id
        if feed.kind is Kind.FEED:
            assert not feed.options, feed.id
        elif feed.kind is Kind.HTML:
            assert {"item", "title", "link", "date"} <= set(feed.options), feed.id
        else:
            assert {"items", "title", "link", "date"} <= set(feed.options), feed.id


def test_an_address_that_must_be_completed_first_is_off(feeds: dict[str, FeedItem]) -> None:
    unfinished = {f.id for f in feeds.values() if "CHANNEL-ID" in f.url}
    assert unfinished == {"csrc-filing", "csrc-queries"}
    assert not any(feeds[name].enabled for name in unfinished)


def test_the_selectors_of_the_cac_read_its_list(feeds: dict[str, FeedItem]) -> None:
    text = """<!DOCTYPE html><html><body><ul><li><h5><a href="/">首页</a></h5></li></ul><div id="loadingInfoPage">
        <li class="clearfix"><h5><a href="//www.cac.gov.cn/2026-11/20/c_1.htm" title="关于某办法公开征求意见的通知"
        target="_blank">
        关于某办法公开征求意见的通知</a></h5><div class="times">2026-11-20</div></li></div></body></html>"""
    for name in ("cac-wxfb", "cac-policy", "cac-consultations", "cac-news"):
        (item,) = page.read(text, feeds[name].options).items
        assert item.title == "关于某办法公开征求意见的通知"
        assert (item.link, item.date) == ("//www.cac.gov.cn/2026-11/20/c_1.htm", "2026-11-20")


def test_the_paths_of_the_json_lists_read_answers_of_their_shape(feeds: dict[str, FeedItem]) -> None:
    answers = {
        "csrc-news": '{"data":{"results":[{"manuscriptId":7,"title":"A","url":"//b","publishedTimeStr":"C"}]}}',
        "cac-json": '{"total":1,"list":[{"topic":"A","infourl":"//b","pubtime":"C"}]}',
        "govcn": '[{"TITLE":"A","SUB_TITLE":"","URL":"//b","DOCRELPUBTIME":"C"}]',
        "miit": '{"data":{"searchResult":{"dataResults":[{"groupData":[{"data":'
        '{"title":"A","url":"//b","jsearch_date":"C","infocontent":"D"}}]}]}}}',
        "gdelt": '{"articles":[{"title":"A","url":"//b","seendate":"C"}]}',
    }
    for name, answer in answers.items():
        (item,) = rows.read(answer, feeds[name].options).items
        assert (item.title, item.link, item.date) == ("A", "//b", "C"), name
    assert {f.id for f in feeds.values() if f.kind is Kind.JSON} == {*answers, "csrc-filing", "csrc-queries"}


@pytest.mark.skipif(not (SHARED / "sources/catalogue.yaml").exists(), reason="the survey of sources is not here")
def test_addresses_agree_with_the_survey(feeds: dict[str, FeedItem]) -> None:
    survey = {str(row["id"]): str(row["url"]) for row in YAML(typ="safe").load(SHARED / "sources/catalogue.yaml")}
    shared = [name for name in feeds if name in survey and survey[name].startswith("http") and "; " not in survey[name]]
    assert len(shared) >= 50
    for name in shared:
        if name in ("miit", "clt", "csrc-news", "csrc-queries", "cac-json", "gdelt"):
            continue  # the survey gives a pattern, a choice or the page for people
        assert canonical_url(feeds[name].url) == canonical_url(survey[name]), name

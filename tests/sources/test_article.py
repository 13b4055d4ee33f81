"""The main text of a page: paragraphs, and nothing of what stands around them."""

import asyncio

import pytest

from bot.core.errors import Unreachable
from bot.core.ports import Fetched
from bot.sources.article import ArticleReader
from bot.sources.document import KEPT, article
from bot.sources.worker import FeedWorker

PAGE = """<!doctype html><html><head><title>t</title><script>var x = "Didi";</script></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/tech">Tech</a></li></ul></nav>
<article><h1>China fines Didi</h1><p>The regulator fined Didi 8.026 billion yuan on Thursday.</p>
<p>Two of its managers were fined a million yuan each, it said in a notice.</p></article>
<footer><p>All rights reserved</p></footer></body></html>"""
ZH = """<html><head><meta charset="gb2312"></head><body><div class="article"><p>国家网信办对滴滴处以80.26亿元罚款。</p>
<p>有关负责人表示，违法事实清楚，证据确凿。</p></div></body></html>"""


def page(body: str | bytes, kind: str = "text/html; charset=utf-8") -> Fetched:
    raw = body if isinstance(body, bytes) else body.encode()
    return Fetched(status=200, url="https://a.example/x", body=raw, headers={"content-type": kind})


def main_text(fetched: Fetched) -> str:
    return article(fetched.body, fetched.headers["content-type"])


class One:
    def __init__(self, answer, pause_s=0.0):
        self.answer = answer
        self.pause_s = pause_s

    async def get(self, url, validators=None, *, form=""):
        await asyncio.sleep(self.pause_s)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def close(self):
        """Nothing is open."""


def test_paragraphs_are_kept_and_the_rest_is_not():
    text = main_text(page(PAGE))
    assert "The regulator fined Didi 8.026 billion yuan on Thursday." in text
    assert "Two of its managers" in text
    assert not {"Home", "Tech", "var x"} & set(text.split())
    assert "All rights reserved" not in text


def test_a_chinese_page_in_its_own_encoding():
    assert "80.26亿元罚款" in main_text(page(ZH.encode("gb18030"), "text/html"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"%PDF-1.7 ...",
        b'{"a": 1}',
        b"<rss><channel></channel></rss>",
        "<html><title>Just a moment...</title></html>",
    ],
    ids=["empty", "pdf", "json", "feed", "robots"],
)
def test_what_is_no_article_has_no_text(body):
    assert main_text(page(body)) == ""


def test_a_page_without_end_is_cut():
    assert len(main_text(page("<html><body><article>" + "<p>word word word word</p>" * 50_000))) <= KEPT


async def test_errors_and_slow_pages_are_no_text():
    worker = FeedWorker(1.0)
    try:
        assert await ArticleReader(One(Unreachable("HTTP 500")), worker).text("https://a.example/x") == ""
        assert await ArticleReader(One(page(PAGE), 5.0), worker, within_s=0.05).text("https://a.example/x") == ""
        assert "8.026 billion" in await ArticleReader(One(page(PAGE)), worker).text("https://a.example/x")
    finally:
        await worker.close()

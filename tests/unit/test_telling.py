"""What alerts are told from comes in time or is done without."""

import asyncio

import pytest
from aiohttp import web

from bot.core.errors import Unreachable
from bot.core.news import Feed
from bot.jobs.telling import MOST, Telling, Told
from bot.runners.clock import SystemClock
from bot.sources.http import SafeFetcher
from bot.sources.rewriter import Rewriter
from tests.unit.examples import FINE, entry

BODY = "China's cyberspace regulator fined Didi Global 8.026 billion yuan on Thursday for breaking three data laws."
GOOD = "The cyberspace regulator fined Didi 8.026 billion yuan for breaking data laws."
FEED = Feed(id="wire", url="https://wire.example")


class Writer:
    def __init__(self, said, pause_s=0.0):
        self.said = said
        self.pause_s = pause_s
        self.asked = []

    async def rewrite(self, title, source):
        self.asked.append(title)
        await asyncio.sleep(self.pause_s)
        return self.said


class NoArticles:
    async def text(self, url):
        return ""


def telling(writer, within_s=5.0):
    return Telling(NoArticles(), writer, within_s)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (GOOD, GOOD),
        (f"{GOOD} Shares of Alibaba fell 20 percent.", GOOD),
        ("Didi was fined 9 billion yuan.", ""),
        ("", ""),
    ],
)
async def test_only_what_the_source_supports_is_told(said, told):
    item = entry(FINE, body=BODY)
    assert (await telling(Writer(said)).prepare(FEED, [item])).rewrites == ({item.key: told} if told else {})


async def test_a_slow_writer_delays_nothing():
    assert await asyncio.wait_for(telling(Writer(GOOD, 60), 0.05).prepare(FEED, [entry(FINE, body=BODY)]), 2) == Told()


async def test_a_flood_is_told_as_it_comes():
    writer = Writer(GOOD)
    await telling(writer).prepare(FEED, [entry(f"{FINE} {n}", body=BODY) for n in range(20)])
    assert len(writer.asked) == MOST


async def test_without_a_text_there_is_nothing_to_rewrite():
    writer = Writer(GOOD)
    assert await telling(writer).prepare(FEED, [entry(FINE)]) == Told()
    assert writer.asked == []


@pytest.fixture
async def endpoint():
    """A chat-completions endpoint on loopback that answers as `there["answer"]` says."""
    app = web.Application()
    there = {"asked": []}

    async def complete(request):
        there["asked"].append((request.headers.get("Authorization"), await request.json()))
        return there["answer"]

    app.router.add_post("/v1/chat/completions", complete)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    there["url"] = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield there
    await runner.cleanup()


async def rewritten(endpoint, answer, key="k-123"):
    endpoint["answer"] = answer
    fetcher = SafeFetcher(SystemClock(), allow_networks=("127.0.0.0/8",), timeout_s=2)
    try:
        return await Rewriter(fetcher.post, endpoint["url"], "small", key).rewrite(FINE, BODY)
    finally:
        await fetcher.close()


async def test_the_endpoint_is_asked_as_openai_would_be(endpoint):
    answer = web.json_response({"choices": [{"message": {"role": "assistant", "content": f" {GOOD} "}}]})
    assert await rewritten(endpoint, answer) == GOOD
    ((authorization, asked),) = endpoint["asked"]
    assert authorization == "Bearer k-123"
    assert asked["model"] == "small"
    assert BODY in asked["messages"][1]["content"]


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(status=500, text="no"),
        lambda: web.Response(status=401, text="no"),
        lambda: web.Response(text="<html>"),
        lambda: web.json_response({"choices": []}),
        lambda: web.json_response([1]),
        lambda: web.json_response({"choices": [{"message": {"content": None}}]}),
    ],
    ids=["500", "401", "html", "none", "list", "null"],
)
async def test_whatever_else_it_answers_is_no_summary(endpoint, answer):
    assert await rewritten(endpoint, answer()) == ""


async def test_an_endpoint_that_is_not_there_is_no_summary():
    async def post(url, body, headers):
        raise Unreachable("the server does not take the connection")

    assert await Rewriter(post, "http://127.0.0.1:1/v1", "small").rewrite(FINE, BODY) == ""

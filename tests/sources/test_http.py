"""The only door to addresses from outside, against a server that misbehaves in every way it can."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from time import monotonic

import pytest

from bot.core.errors import FetchError, Gone, NotPublic, TooBig, Unreachable
from bot.core.news import Validators
from bot.core.ports import Fetched
from bot.runners.clock import SystemClock
from bot.sources.http import SafeFetcher
from tests.fakes.feedserver import FeedServer, Page

LOOPBACK = ("127.0.0.0/8",)


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer() as made:
        yield made


@pytest.fixture
async def fetcher() -> AsyncIterator[SafeFetcher]:
    made = SafeFetcher(SystemClock(), allow_networks=LOOPBACK, timeout_s=1.5)
    yield made
    await made.close()


@pytest.fixture
async def guarded() -> AsyncIterator[SafeFetcher]:
    made = SafeFetcher(SystemClock(), timeout_s=1.5)
    yield made
    await made.close()


async def test_a_second_look_is_conditional(server: FeedServer, fetcher: SafeFetcher) -> None:
    url = server.put("/a", b"<rss/>", headers={"Last-Modified": "Thu, 21 Jul 2022 10:00:00 GMT"})
    first = await fetcher.get(url)
    assert (first.status, first.body) == (200, b"<rss/>")
    assert first.validators.etag
    assert first.validators.body_hash
    again = await fetcher.get(url, first.validators)
    assert again.not_modified
    assert again.validators == first.validators
    sent = server.requests[-1][1]
    assert sent["If-None-Match"] == first.validators.etag
    assert sent["If-Modified-Since"] == "Thu, 21 Jul 2022 10:00:00 GMT"
    assert "Tocsin" in sent["User-Agent"]


async def test_redirects_are_followed_five_times(server: FeedServer, fetcher: SafeFetcher) -> None:
    server.put("/end", b"<rss/>")
    for number in range(6):
        target = "/end" if number == 0 else f"/{number - 1}"
        server.pages[f"/{number}"] = Page(status=301, headers={"Location": target})
    found = await fetcher.get(server.url + "/4")
    assert found.url == server.url + "/end"
    assert found.permanent_url == server.url + "/end"
    with pytest.raises(Unreachable, match="redirects"):
        await fetcher.get(server.url + "/5")


async def test_one_temporary_redirect_makes_the_move_no_permanent_one(server: FeedServer, fetcher: SafeFetcher) -> None:
    server.put("/end", b"<rss/>")
    server.pages["/a"] = Page(status=301, headers={"Location": "/b"})
    server.pages["/b"] = Page(status=302, headers={"Location": "/end"})
    assert (await fetcher.get(server.url + "/a")).permanent_url == ""


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("hang", Unreachable),
        ("drip", Unreachable),
        ("endless", TooBig),
        ("bomb", TooBig),
        ("cut", Unreachable),
        ("reset", Unreachable),
        ("loop", Unreachable),
        ("garbage", Unreachable),
    ],
)
async def test_every_misbehaviour_is_a_clear_error_soon(
    server: FeedServer, fetcher: SafeFetcher, mode: str, error: type[FetchError]
) -> None:
    server.pages["/x"] = Page(b"<rss>" * 100, mode=mode)
    started = monotonic()
    with pytest.raises(error) as caught:
        await fetcher.get(server.url + "/x")
    assert type(caught.value) is error
    assert monotonic() - started < 4
    assert "Traceback" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, Unreachable), (410, Gone), (403, Unreachable), (500, Unreachable), (206, Unreachable), (204, Unreachable)],
)
async def test_other_answers_are_no_bodies(
    server: FeedServer, fetcher: SafeFetcher, status: int, error: type[FetchError]
) -> None:
    server.pages["/x"] = Page(b"<rss/>" if status != 204 else b"", status=status)
    with pytest.raises(error) as caught:
        await fetcher.get(server.url + "/x")
    assert str(status) in str(caught.value)


@pytest.mark.parametrize(
    ("value", "seconds"), [("120", 120.0), ("999999999", 86400.0), ("soon", None), ("-5", None), ("", None)]
)
async def test_retry_after(server: FeedServer, fetcher: SafeFetcher, value: str, seconds: float | None) -> None:
    server.pages["/x"] = Page(status=429, headers={"Retry-After": value})
    with pytest.raises(Unreachable) as caught:
        await fetcher.get(server.url + "/x")
    assert caught.value.retry_after_s == seconds


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"<rss/>", mtime=0)),
        ("deflate", zlib.compress(b"<rss/>")),
        ("deflate", zlib.compress(b"<rss/>")[2:-4]),
        ("identity", b"<rss/>"),
    ],
)
async def test_encodings(server: FeedServer, fetcher: SafeFetcher, encoding: str, body: bytes) -> None:
    server.pages["/x"] = Page(body, headers={"Content-Encoding": encoding})
    assert (await fetcher.get(server.url + "/x")).body == b"<rss/>"


@pytest.mark.parametrize("body", [b"not gzip at all", gzip.compress(b"<rss/>" * 500, mtime=0)[:-30]])
async def test_a_compressed_body_that_is_none(server: FeedServer, fetcher: SafeFetcher, body: bytes) -> None:
    server.pages["/x"] = Page(body, headers={"Content-Encoding": "gzip"})
    with pytest.raises(Unreachable, match="compressed"):
        await fetcher.get(server.url + "/x")


async def test_eight_mebibytes_are_the_limit_of_the_decoded_body(server: FeedServer, fetcher: SafeFetcher) -> None:
    server.put("/ok", b"a" * (8 * 1024 * 1024))
    server.put("/more", b"a" * (8 * 1024 * 1024 + 1))
    assert len((await fetcher.get(server.url + "/ok")).body) == 8 * 1024 * 1024
    with pytest.raises(TooBig):
        await fetcher.get(server.url + "/more")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/x",
        "http://localhost:{port}/x",
        "http://0.0.0.0:{port}/x",
        "http://[::1]:{port}/x",
        "http://[::ffff:127.0.0.1]:{port}/x",
        "http://[::]:{port}/x",
        "http://2130706433:{port}/x",
        "http://0x7f000001:{port}/x",
        "http://0177.0.0.1:{port}/x",
        "http://127.1:{port}/x",
        "http://10.0.0.1/x",
        "http://192.168.1.1/x",
        "http://172.16.0.1/x",
        "http://100.64.0.1/x",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/x",
        "http://[fd00::1]/x",
        "http://[64:ff9b::7f00:1]/x",
        "http://[2002:7f00:1::]/x",
        "http://224.0.0.1/x",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/x",
        "ftp://127.0.0.1/x",
        "http://user:secret@example.com/",
        "http:\\\\127.0.0.1:{port}\\x",
        "http:///x",
        "//127.0.0.1/x",
        "javascript:alert(1)",
        "http://127.0.0.1:{port}\r\nX: y/",
        "",
    ],
)
async def test_no_address_inside_is_reached(server: FeedServer, guarded: SafeFetcher, url: str) -> None:
    server.put("/x", b"<rss/>")
    port = server.url.rpartition(":")[2]
    with pytest.raises((NotPublic, Unreachable)) as caught:
        await guarded.get(url.format(port=port))
    assert not server.hits, "nothing was asked"
    assert "secret" not in str(caught.value)
    numeric = any(c.isdigit() for c in url) and "://" in url and not url.startswith(("http://2130", "http://0"))
    if numeric or "localhost" in url:
        assert type(caught.value) is NotPublic


async def test_a_redirect_inside_is_refused_at_the_socket(server: FeedServer) -> None:
    fetcher = SafeFetcher(SystemClock(), allow_networks=("127.0.0.2/32",), timeout_s=1.5)
    target = server.put("/inside", b"<rss/>")
    other = FeedServer()
    async with other:
        other.pages["/a"] = Page(status=302, headers={"Location": target})
        outside = other.url.replace("127.0.0.1", "127.0.0.2")
        with pytest.raises(FetchError):
            await fetcher.get(outside + "/a")
    await fetcher.close()
    assert not server.hits


async def test_at_most_two_at_once_to_one_host_and_waiting_for_a_turn_is_no_fault(server: FeedServer) -> None:
    fetcher = SafeFetcher(SystemClock(), allow_networks=LOOPBACK, timeout_s=0.4, per_host=2)
    for number in range(8):
        server.pages[f"/{number}"] = Page(mode="hang")
    server.put("/well", b"<rss/>")
    urls = [*(f"{server.url}/{n}" for n in range(8)), server.url + "/well"]
    *slow, well = await asyncio.gather(*(fetcher.get(url) for url in urls), return_exceptions=True)
    assert all(isinstance(error, Unreachable) for error in slow)
    assert isinstance(well, Fetched)
    await fetcher.close()
    assert server.most_at_once <= 4, "two, and two whose end the server has not seen yet"


async def test_secgov_asks_who_reads_it(guarded: SafeFetcher) -> None:
    with pytest.raises(Unreachable, match="contact"):
        await guarded.get("https://www.sec.gov/cgi-bin/browse-edgar")


async def test_validators_are_not_believed_at_any_length(server: FeedServer, fetcher: SafeFetcher) -> None:
    server.pages["/x"] = Page(b"<rss/>", headers={"ETag": '"' + "e" * 7000 + '"'})
    found = await fetcher.get(server.url + "/x")
    assert len(found.validators.etag) <= 512
    assert await fetcher.get(server.url + "/x", Validators(etag='W/"other"'))

"""The demo's server speaks real wire formats, as of the clock's time, and is read by the bot's own reader."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from lxml import etree

from bot.core.errors import NotAFeed
from bot.core.news import Entry, Feed, FeedState, Kind, Reading
from bot.demo.pack import Item, load_pack
from bot.demo.server import DemoServer
from bot.sources.http import SafeFetcher
from bot.sources.reader import FeedReader
from bot.sources.worker import FeedWorker

PACK = load_pack(Path(__file__).resolve().parents[2] / "config" / "demo" / "pack.yaml")
BEIJING = ZoneInfo("Asia/Shanghai")


class SetClock:
    """A clock that stands where a test puts it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


class Desk:
    """The server, and the bot's own way of reading it."""

    def __init__(self, server: DemoServer, clock: SetClock) -> None:
        self.clock = clock
        self.feeds = {feed.id: feed for feed in server.feeds()}
        self.fetcher = SafeFetcher(clock, allow_networks=["127.0.0.0/8"])
        self.worker = FeedWorker()
        self._reader = FeedReader(self.fetcher, self.worker, clock)
        self._states: dict[str, FeedState] = {}

    async def read(self, feed_id: str, *, afresh: bool = False) -> Reading:
        known = None if afresh else self._states.get(feed_id)
        state = known or FeedState(feed_id=feed_id, next_check=self.clock.now())
        reading = await self._reader.read(self.feeds[feed_id], state)
        self._states[feed_id] = FeedState(feed_id=feed_id, next_check=reading.at, validators=reading.validators)
        return reading

    async def entries(self, feed_id: str) -> tuple[Entry, ...]:
        return (await self.read(feed_id, afresh=True)).entries


def beijing(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=BEIJING).astimezone(UTC)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    clock = SetClock(PACK.start)
    async with DemoServer(PACK, clock) as server:
        made = Desk(server, clock)
        yield made
        await made.fetcher.close()
        await made.worker.close()


async def get(feed: Feed, **headers: str) -> tuple[int, bytes, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(feed.url, headers={k.replace("_", "-"): v for k, v in headers.items()}) as answer,
    ):
        return answer.status, await answer.read(), answer.headers.get("Content-Type", "")


def items_of(feed_id: str) -> list[Item]:
    return [item for item in PACK.items if item.outlet == feed_id]


@pytest.mark.parametrize("outlet", [o.id for o in PACK.outlets])
async def test_every_item_comes_at_its_time_and_not_before(desk: Desk, outlet: str) -> None:
    for item in items_of(outlet):
        desk.clock.at = item.at - timedelta(seconds=1)
        before = [] if item is items_of(outlet)[0] else [e.title for e in await desk.entries(outlet)]
        assert item.title not in before
        desk.clock.at = item.at
        entry = next(e for e in await desk.entries(outlet) if e.title == item.title)
        assert entry.body == item.lede
        assert entry.url.startswith(desk.feeds[outlet].url.rsplit("/" + outlet, 1)[0])
        if entry.day_only:
            assert entry.published == beijing(item.at.astimezone(BEIJING).strftime("%Y-%m-%d 00:00"))
        elif entry.published is not None:
            assert entry.published == item.at


async def test_the_end_holds_everything_and_loses_nothing(desk: Desk) -> None:
    desk.clock.at = PACK.end
    found = [e.title for feed_id in desk.feeds for e in await desk.entries(feed_id)]
    assert set(found) == {item.title for item in PACK.items}
    assert len(found) == len(PACK.items) + sum(1 for item in PACK.items if item.also)


@pytest.mark.parametrize("at", ["2022-08-12 08:00", "2022-08-19 12:00", "2022-09-03 07:00"])
async def test_documents_are_well_formed_in_their_own_format(desk: Desk, at: str) -> None:
    desk.clock.at = beijing(at)
    roots = {
        "rss": "rss",
        "rdf": "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}RDF",
        "atom": "{http://www.w3.org/2005/Atom}feed",
    }
    for outlet in PACK.outlets:
        status, body, content_type = await get(desk.feeds[outlet.id])
        assert status == 200
        text = body.decode(outlet.bytes)
        if outlet.format in roots:
            declared = text.split("?>", 1)[1]  # one of them declares what it does not send
            assert etree.fromstring(declared.encode()).tag == roots[outlet.format]
            assert "xml" in content_type
        elif outlet.format == "page":
            assert text.startswith("<!DOCTYPE html>")
            assert 'href="//127.0.0.1:' in text
        else:
            document = json.loads(text)
            rows = document["items"] if outlet.format == "jsonfeed" else document["data"]["results"]
            assert len(rows) == len(PACK.published(outlet.id, desk.clock.at))


async def test_feeds_carry_what_the_reader_needs(desk: Desk) -> None:
    assert list(desk.feeds) == [o.id for o in PACK.outlets]
    kinds = {feed.id: feed.kind for feed in desk.feeds.values()}
    assert (kinds["cac-demo"], kinds["csrc-demo"], kinds["example-wire"]) == (Kind.HTML, Kind.JSON, Kind.FEED)
    assert all(feed.first == 0 and feed.enabled and feed.every_s for feed in desk.feeds.values())


async def test_validators_save_the_second_fetch_until_something_changes(desk: Desk) -> None:
    for outlet in PACK.outlets:
        if not outlet.validators:
            continue
        desk.clock.at = beijing("2022-08-19 12:00")
        first = await desk.read(outlet.id)
        assert not first.unchanged
        assert bool(first.validators.etag) == ("etag" in outlet.validators)
        assert bool(first.validators.last_modified) == ("last-modified" in outlet.validators)
        again = await desk.read(outlet.id)
        assert again.unchanged
        following = next(i for i in items_of(outlet.id) if i.at > desk.clock.at)
        desk.clock.at = max(following.at, (outlet.challenge or (following.at,))[-1])
        later = await desk.read(outlet.id)
        assert following.title in [e.title for e in later.entries]


async def test_a_304_has_no_body(desk: Desk) -> None:
    feed = desk.feeds["example-wire"]
    async with aiohttp.ClientSession() as session, session.get(feed.url) as answer:
        tag = answer.headers["ETag"]
    assert (await get(feed, If_None_Match=tag))[:2] == (304, b"")
    assert (await get(feed, If_None_Match='"other"'))[0] == 200


async def test_the_body_that_lies_about_its_charset(desk: Desk) -> None:
    desk.clock.at = beijing("2022-08-19 12:00")
    _, body, content_type = await get(desk.feeds["beian-caijing"])
    assert b'encoding="utf-8"' in body
    assert "charset" not in content_type
    with pytest.raises(UnicodeDecodeError):
        body.decode("utf-8")
    assert "北岸财经" in body.decode("gbk")


async def test_a_page_for_robots_is_a_failure_and_then_the_feed_is_back(desk: Desk) -> None:
    outlet = next(o for o in PACK.outlets if o.challenge)
    assert outlet.challenge
    desk.clock.at = outlet.challenge[0]
    with pytest.raises(NotAFeed, match="robots"):
        await desk.read(outlet.id)
    desk.clock.at = outlet.challenge[1]
    assert (await desk.read(outlet.id)).entries


async def test_changing_guids_leave_the_identity_alone(desk: Desk) -> None:
    desk.clock.at = beijing("2022-08-19 12:00")
    first = await desk.entries("qiantan-kuaixun")
    second = await desk.entries("qiantan-kuaixun")
    assert [e.key for e in first] == [e.key for e in second]
    assert all(not set(a.aliases[1:]) & set(b.aliases[1:]) for a, b in zip(first, second, strict=True))
    assert all(len(e.aliases) == 2 for e in first)


async def test_tracking_parameters_are_on_the_links_and_not_in_the_keys(desk: Desk) -> None:
    desk.clock.at = PACK.end
    for outlet in PACK.outlets:
        if outlet.tracking:
            entries = await desk.entries(outlet.id)
            assert all(outlet.tracking in e.url and "?" not in e.key for e in entries)


async def test_a_new_date_and_a_second_link(desk: Desk) -> None:
    dated = next(i for i in PACK.items if i.redated)
    twice = next(i for i in PACK.items if i.also)
    assert dated.redated
    assert twice.also
    for moment, shown in ((dated.at, dated.at), dated.redated):
        desk.clock.at = moment
        (entry,) = [e for e in await desk.entries(dated.outlet) if e.title == dated.title]
        assert entry.published == shown
    for moment, times in ((twice.at, 1), (twice.also[0], 2)):
        desk.clock.at = moment
        assert [e.title for e in await desk.entries(twice.outlet)].count(twice.title) == times


async def test_one_list_is_undated_and_two_are_not_newest_first(desk: Desk) -> None:
    desk.clock.at = PACK.end
    assert all(e.published is None for e in await desk.entries("jetty-review"))
    mixed = []
    for outlet in PACK.outlets:
        dates = [e.published for e in await desk.entries(outlet.id) if e.published]
        if dates != sorted(dates, reverse=True):
            mixed.append(outlet.id)
    assert {o.id for o in PACK.outlets if o.order == "mixed"} <= set(mixed)
    assert len(mixed) <= 3  # the third shows a new date for an old article


async def test_links_lead_to_pages_once_they_are_published(desk: Desk) -> None:
    base = desk.feeds["example-wire"].url.removesuffix("/world/china.rss")
    item = next(i for i in items_of("example-wire") if i.story == "press-conference")
    async with aiohttp.ClientSession() as session:
        async with session.get(base + item.path) as answer:
            assert answer.status == 404
        desk.clock.at = item.at
        async with session.get(base + item.path + "?utm_source=rss") as answer:
            assert answer.status == 200
            assert "Sun Weimin" in await answer.text()
        for nowhere in ("/nothing", "/../../etc/passwd"):
            async with session.get(base + nowhere) as answer:
                assert answer.status == 404


async def test_it_listens_on_loopback_only_and_stops(desk: Desk) -> None:
    clock = SetClock(PACK.start)
    async with DemoServer(PACK, clock) as server:
        feed = server.feeds()[0]
        assert feed.url.startswith("http://127.0.0.1:")
        assert (await get(feed))[0] == 200
    with pytest.raises(aiohttp.ClientConnectorError):
        await get(feed)

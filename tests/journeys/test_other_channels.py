"""Channels of other packages, and Apprise: pushed to by file, nobody asks there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.fakes.feedserver import FeedServer
from tests.journeys.news import FINE, NOISE, OLD, polled
from tests.journeys.process import ROOT, Bot

PAGER = ROOT / "tests" / "pager"


class Inbox:
    """Takes what is posted to it; answers 503 as often as told."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.refusals = 0
        self.url = ""


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    box = Inbox()

    async def take(request: web.Request) -> web.Response:
        if box.refusals:
            box.refusals -= 1
            return web.Response(status=503)
        box.bodies.append(await request.text())
        return web.Response()

    app = web.Application()
    app.router.add_post("/in", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    box.url = f"127.0.0.1:{runner.addresses[0][1]}/in"
    yield box
    await runner.cleanup()


async def test_a_channel_of_another_package(tmp_path: Path, feeds: FeedServer, inbox: Inbox) -> None:
    settings = f'push: {{"pager:ops": [cac]}}\nchannels: {{pager: {{url: "http://{inbox.url}"}}}}\n'
    environment = {"PYTHONPATH": f"{ROOT}:{PAGER}"}
    async with Bot(tmp_path / "bot", {"one": feeds.url + "/one.xml"}, environment, settings=settings) as bot:
        code, out, _ = await bot.command("check", "--config", str(bot.config))
        assert code == 0
        assert "pager" in out
        await bot.start()
        await bot.sees("Reading 1 feed.")  # it cannot be asked, so the console stands by
        await polled(feeds)
        inbox.refusals = 1
        feeds.put("/one.xml", [FINE, *NOISE, *OLD])
        await polled(feeds)
        while not inbox.bodies:
            await polled(feeds, more=1)
        await polled(feeds, more=2)
        (body,) = inbox.bodies
        assert FINE.title in body
        assert FINE.link in body
        assert await bot.stop() == 0


async def test_a_channel_that_does_not_exist_or_does_not_load(tmp_path: Path, feeds: FeedServer) -> None:
    bot = Bot(tmp_path / "bot", {"one": feeds.url + "/one.xml"}, settings="channels: {pagre: {}}\n")
    code, _, err = await bot.command("run", "--config", str(bot.config), "--data", str(bot.data))
    assert code == 2
    assert "pagre" in err
    assert "Traceback" not in err
    other = Bot(
        tmp_path / "other",
        {"one": feeds.url + "/one.xml"},
        {"PYTHONPATH": f"{ROOT}:{PAGER}"},
        settings="channels: {pager: {}}\n",
    )
    code, _, err = await other.command("run", "--config", str(other.config), "--data", str(other.data))
    assert code == 2
    assert "pager" in err
    assert "Traceback" not in err


async def test_any_apprise_address(tmp_path: Path, feeds: FeedServer, inbox: Inbox) -> None:
    environment = {"TOCSIN_APPRISE_OPS_DESK": f"json://user:sesame@{inbox.url}"}
    settings = "push: {apprise:ops-desk: [all]}\n"
    async with Bot(tmp_path / "bot", {"one": feeds.url + "/one.xml"}, environment, settings=settings) as bot:
        await bot.start()
        await polled(feeds)
        feeds.put("/one.xml", [FINE, *NOISE, *OLD])
        while not inbox.bodies:
            await polled(feeds, more=1)
        assert FINE.title in inbox.bodies[0]
        assert await bot.stop() == 0
        assert b"sesame" not in bot.output + bot.errors
        assert not any(b"sesame" in path.read_bytes() for path in bot.data.rglob("*") if path.is_file())
    assert len(inbox.bodies) == 1


async def test_an_apprise_address_that_is_none_is_refused_without_showing_it(tmp_path: Path, feeds: FeedServer) -> None:
    bot = Bot(tmp_path / "bot", {"one": feeds.url + "/one.xml"}, {"TOCSIN_APPRISE_OPS": "nonsense://sesame"})
    code, _, err = await bot.command("run", "--config", str(bot.config), "--data", str(bot.data))
    assert code == 2
    assert "sesame" not in err
    assert "ops" in err.lower()

"""A whole bot, the real Telegram library, a strict Bot API, feeds that change: what a subscriber lives through."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.feedserver import FeedServer, Item
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.journeys.news import FINE, NOISE, OLD, polled
from tests.journeys.process import Bot


@pytest.fixture
async def chat() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as server:
        yield server


def make(home: Path, feeds: FeedServer, chat: FakeTelegram, settings: str = "", **environment: str) -> Bot:
    given = {"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_API_BASE": chat.url, "TOCSIN_OWNERS": "telegram:7"}
    urls = {"one": feeds.url + "/one.xml", "two": feeds.url + "/two.xml"}
    return Bot(home, urls, given | environment, settings=settings)


def alerts(chat: FakeTelegram, chat_id: int = 7) -> list[str]:
    return [text for text in chat.texts(chat_id) if text.startswith(FINE.title) and "Why:" in text]


async def test_from_feed_to_chat_once(tmp_path: Path, feeds: FeedServer, chat: FakeTelegram) -> None:
    async with make(tmp_path / "bot", feeds, chat) as bot:
        await bot.start()
        chat.say("/start")
        await chat.until(lambda: chat.texts())
        chat.say("/subscribe cac")
        await chat.until(lambda: any("cac" in t for t in chat.texts()[1:]))
        await polled(feeds)

        feeds.put("/one.xml", [FINE, *NOISE, *OLD])
        await chat.until(lambda: alerts(chat))
        again = Item(FINE.title, "https://other.example/didi-fined", summary=FINE.summary)
        feeds.put("/two.xml", [again, *OLD])
        await polled(feeds, "/two.xml", 3)
        (alert,) = alerts(chat)
        assert "8.026 billion yuan" in alert
        links = [e.get("url", "") for m in chat.shown if m.text == alert for e in m.entities]
        assert FINE.link in links
        assert not any("index" in t or "acquisition" in t or "property" in t for t in chat.texts())

        chat.say("/latest")
        await chat.until(lambda: len(alerts(chat)) == 1 and "1.2 billion" in chat.texts()[-1])
        shown = next(m for m in chat.shown if m.text == alert)
        chat.say("/why", reply_to=shown)
        await chat.until(lambda: "Cyberspace Administration" in chat.texts()[-1] and chat.texts()[-1] != alert)
        chat.press(shown, shown.buttons[0][0])
        await chat.until(lambda: not chat.unanswered and len(chat.texts()) == 6)

        assert await bot.stop() == 0
        before = len(chat.shown)
        await bot.start()
        await polled(feeds, more=3)
        assert len(alerts(chat)) == 1, "a restart sends nothing again"
        assert len(chat.shown) == before
        assert await bot.stop() == 0
        assert TOKEN.encode() not in bot.output + bot.errors
        assert not any(TOKEN.encode() in path.read_bytes() for path in bot.data.rglob("*") if path.is_file())
    assert not chat.early
    assert not [text for method, text in chat.refused if "chat not found" not in text]


async def test_what_a_kill_left_goes_out_at_the_next_start(
    tmp_path: Path, feeds: FeedServer, chat: FakeTelegram
) -> None:
    async with make(tmp_path / "bot", feeds, chat) as bot:
        await bot.start()
        chat.say("/subscribe all")
        await chat.until(lambda: chat.texts())
        await polled(feeds)
        chat.fail_next("429:3", times=50)
        feeds.put("/one.xml", [FINE, *OLD])
        await chat.until(lambda: sum(m == "sendMessage" for m, _ in chat.calls) >= 2)
        await bot.kill()
        chat._failures.clear()
        chat._wait_until = 0.0
        await bot.start()
        await chat.until(lambda: alerts(chat))
        await polled(feeds, more=2)
        assert len(alerts(chat)) == 1
        assert await bot.stop() == 0


async def test_a_message_grows_with_its_story_and_a_further_act_answers_it(
    tmp_path: Path, feeds: FeedServer, chat: FakeTelegram
) -> None:
    summons = Item("China's cyberspace regulator summons Didi over data security", "https://news.example/summons")
    async with make(tmp_path / "bot", feeds, chat, "delivery: {edit_after: 1s}\n") as bot:
        await bot.start()
        chat.say("/subscribe cac")
        await chat.until(lambda: chat.texts())
        await polled(feeds)
        await polled(feeds, "/two.xml", 1)
        feeds.put("/one.xml", [summons, *OLD])
        await chat.until(lambda: len(chat.texts()) == 2)
        post = chat.shown[-1]
        feeds.put("/two.xml", [Item(summons.title, "https://other.example/summons"), *OLD])
        await chat.until(lambda: post.edits == 1)
        assert "Also: " in post.text
        assert "2 reports" in post.text
        assert len(chat.texts()) == 2
        feeds.put("/one.xml", [FINE, summons, *OLD])
        await chat.until(lambda: len(chat.texts()) == 3)
        assert chat.shown[-1].reply_to == post.message_id
        assert chat.shown[-1].text.startswith("Update")
        assert await bot.stop() == 0
    assert not chat.early


async def test_a_quiet_chat_keeps_its_alert_until_it_asks(
    tmp_path: Path, feeds: FeedServer, chat: FakeTelegram
) -> None:
    async with make(tmp_path / "bot", feeds, chat) as bot:
        await bot.start()
        chat.say("/subscribe cac")
        chat.say("/digest weekly mon 09:00")
        await chat.until(lambda: len(chat.texts()) == 2)
        await polled(feeds)
        feeds.put("/one.xml", [FINE, *OLD])
        await polled(feeds, more=3)
        await bot.kill()
        await bot.start()
        chat.say("/held")
        await chat.until(lambda: len(chat.texts()) == 3)
        assert "1 held" in chat.texts()[-1]
        chat.say("/digest now")
        await chat.until(lambda: alerts(chat))
        assert await bot.stop() == 0
    assert not chat.early


async def test_a_command_outlives_a_kill(tmp_path: Path, feeds: FeedServer, chat: FakeTelegram) -> None:
    """An update is confirmed only when its effect is durable."""
    async with make(tmp_path / "bot", feeds, chat) as bot:
        await bot.start()
        await chat.until(lambda: any(m == "getUpdates" for m, _ in chat.calls))
        chat.say("/subscribe cac")
        await bot.kill()
        await bot.start()
        await chat.until(lambda: any("cac" in t for t in chat.texts()))
        chat.say("/subs")
        await chat.until(lambda: "cac" in chat.texts()[-1] and len(chat.texts()) >= 2)
        assert await bot.stop() == 0


async def test_a_second_process_is_refused(tmp_path: Path, feeds: FeedServer, chat: FakeTelegram) -> None:
    async with make(tmp_path / "bot", feeds, chat) as bot:
        await bot.start()
        await chat.until(lambda: any(m == "getUpdates" for m, _ in chat.calls))
        assert bot.process
        code, _, said = await bot.command("run", "--config", str(bot.config), "--data", str(bot.data))
        assert code == 1
        assert f"already running (pid {bot.process.pid})" in said
        assert "Traceback" not in said
        assert await bot.stop() == 0


async def test_groups_topics_and_strangers(tmp_path: Path, feeds: FeedServer, chat: FakeTelegram) -> None:
    chat.topic(-100, 5)
    chat.admins[-100].add(8)
    async with make(tmp_path / "bot", feeds, chat) as bot:
        await bot.start()
        chat.say("/subscribe all", chat_id=-100, user_id=9, thread=5)
        await chat.until(lambda: chat.texts(-100))
        assert "admin" in chat.texts(-100)[0].lower()
        chat.say("/feeds add https://x.example/feed", user_id=9, chat_id=9)
        await chat.until(lambda: chat.texts(9))
        assert "owner" in chat.texts(9)[0].lower()
        chat.say("/subscribe all", chat_id=-100, user_id=8, thread=5)
        await chat.until(lambda: len(chat.texts(-100)) == 2)
        await polled(feeds)
        feeds.put("/one.xml", [FINE, *OLD])
        await chat.until(lambda: alerts(chat, -100))
        assert next(m for m in chat.shown if m.text in alerts(chat, -100)).thread == 5
        assert await bot.stop() == 0


async def test_an_owner_adds_a_feed_and_a_keyword_in_chat(
    tmp_path: Path, feeds: FeedServer, chat: FakeTelegram
) -> None:
    url = feeds.put("/three.xml", OLD)
    async with make(tmp_path / "bot", feeds, chat) as bot:
        await bot.start()
        chat.say("/subscribe all")
        chat.say(f"/feeds add {url}")
        await chat.until(lambda: len(chat.texts()) >= 2)
        await polled(feeds, "/three.xml", 1)
        chat.say('/keywords add cac "lemon battery"')
        await chat.until(lambda: len(chat.texts()) >= 3)
        offer = re.search(r"keywords confirm (\w+)", chat.texts()[2])
        assert offer
        chat.say(f"/{offer[0]}")
        await chat.until(lambda: len(chat.texts()) >= 4)
        feeds.put("/three.xml", [Item("A lemon battery lights Beijing", "https://news.example/lemon"), *OLD])
        await chat.until(lambda: any("A lemon battery" in t for t in chat.texts()), 30)
        assert await bot.stop() == 0

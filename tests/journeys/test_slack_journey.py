"""A whole bot, the real Slack libraries, a strict workspace: commands, one alert, and an answer that was lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.feedserver import FeedServer, Item
from tests.fakes.slack import APP_TOKEN, BOT_TOKEN, FakeSlack, words
from tests.journeys.news import FINE, NOISE, OLD, polled
from tests.journeys.process import Bot


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as server:
        yield server


def make(home: Path, feeds: FeedServer, slack: FakeSlack, settings: str = "", **environment: str) -> Bot:
    given = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_BASE": slack.url}
    urls = {"one": feeds.url + "/one.xml", "two": feeds.url + "/two.xml"}
    return Bot(home, urls, given | {"TOCSIN_OWNERS": "slack:T1:U1"} | environment, settings=settings)


def alerts(slack: FakeSlack) -> list[dict[str, Any]]:
    return [m for m in slack.messages if m.get("metadata", {}).get("event_type") == "tocsin_alert"]


async def asked(slack: FakeSlack, text: str, **who: str) -> str:
    before = len(slack.answers)
    await slack.slash(text, **who)
    await slack.until(lambda: len(slack.answers) > before)
    return words(slack.answers[-1])


async def test_from_feed_to_chat_once(tmp_path: Path, feeds: FeedServer, slack: FakeSlack) -> None:
    async with make(tmp_path / "bot", feeds, slack) as bot:
        await bot.start()
        await slack.until(lambda: slack.connected)
        assert "subscribe" in await asked(slack, "help")
        assert "cac" in await asked(slack, "subscribe cac")
        assert "owner" in (await asked(slack, "feeds", user="U9")).lower()
        await polled(feeds)
        slack.fail_next("drop_after")
        feeds.put("/one.xml", [FINE, *NOISE, *OLD])
        await slack.until(lambda: alerts(slack))
        feeds.put("/two.xml", [Item(FINE.title, "https://other.example/x", summary=FINE.summary), *OLD])
        await slack.until(lambda: any(m == "conversations.history" for m, _ in slack.calls), 30)
        await polled(feeds, "/two.xml", 3)
        (alert,) = alerts(slack)
        assert FINE.title in words(alert)
        assert FINE.link in words(alert)
        assert alert["metadata"]["event_payload"]["key"]
        assert "1.2 billion" in await asked(slack, "latest")
        await slack.press(alert, alert["blocks"][-1]["elements"][0]["text"]["text"])
        await slack.until(lambda: "Cyberspace Administration" in words(slack.answers[-1]))

        assert await bot.stop() == 0
        await bot.start()
        await slack.until(lambda: slack.connected)
        await polled(feeds, more=3)
        assert len(alerts(slack)) == 1, "a restart sends nothing again"
        assert await bot.stop() == 0
        held = b"".join(path.read_bytes() for path in bot.data.rglob("*") if path.is_file())
        for token in (BOT_TOKEN, APP_TOKEN):
            assert token.encode() not in bot.output + bot.errors + held
    assert not slack.faults
    assert not slack.late
    assert not slack.unacknowledged()


async def test_a_kill_in_the_middle_of_a_send(tmp_path: Path, feeds: FeedServer, slack: FakeSlack) -> None:
    """The message is in the channel, the process died before it knew: the history settles it, nothing is repeated."""
    async with make(tmp_path / "bot", feeds, slack) as bot:
        await bot.start()
        await slack.until(lambda: slack.connected)
        await asked(slack, "subscribe all")
        await polled(feeds)
        slack.fail_next("drop_after")
        feeds.put("/one.xml", [FINE, *OLD])
        await slack.until(lambda: alerts(slack))
        await bot.kill()
        await bot.start()
        await slack.until(lambda: any(m == "conversations.history" for m, _ in slack.calls), 30)
        await polled(feeds, more=2)
        assert "sent" in await asked(slack, "status")
        assert len(alerts(slack)) == 1
        assert await bot.stop() == 0
    assert not slack.faults


async def test_a_message_grows_with_its_story(tmp_path: Path, feeds: FeedServer, slack: FakeSlack) -> None:
    async with make(tmp_path / "bot", feeds, slack, "delivery: {edit_after: 1s}\n") as bot:
        await bot.start()
        await slack.until(lambda: slack.connected)
        await asked(slack, "subscribe cac")
        await polled(feeds)
        await polled(feeds, "/two.xml", 1)
        feeds.put("/one.xml", [FINE, *OLD])
        await slack.until(lambda: alerts(slack))
        feeds.put("/two.xml", [Item(FINE.title, "https://other.example/x", summary=FINE.summary), *OLD])
        await slack.until(lambda: alerts(slack)[0].get("edits") == 1)
        (alert,) = alerts(slack)
        assert "2 reports" in words(alert)
        assert await bot.stop() == 0
    assert not slack.faults


async def test_a_mention_is_answered_in_its_thread_once_across_a_kill(
    tmp_path: Path, feeds: FeedServer, slack: FakeSlack
) -> None:
    async with make(tmp_path / "bot", feeds, slack) as bot:
        await bot.start()
        await slack.until(lambda: slack.connected)
        slack.fail_next("429:2")
        await slack.mention("<@UBOT> subscribe cac", event_id="Ev7")
        await slack.until(lambda: any(m == "chat.postMessage" for m, _ in slack.calls))
        await bot.kill()
        await bot.start()
        await slack.until(lambda: slack.messages and slack.connected)
        await slack.mention("<@UBOT> subscribe cac", event_id="Ev7")
        assert "cac" in await asked(slack, "subs")
        assert len(slack.messages) == 1
        assert await bot.stop() == 0

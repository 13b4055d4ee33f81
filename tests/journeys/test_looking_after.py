"""What an operator does beside the running bot: look, explain, copy, check, repair."""

from __future__ import annotations

import json
from pathlib import Path

from tests.fakes.feedserver import FeedServer
from tests.journeys.news import FINE, OLD, polled
from tests.journeys.process import Bot


async def test_looking_while_the_bot_runs(tmp_path: Path, feeds: FeedServer) -> None:
    urls = {"one": feeds.url + "/one.xml", "gone": feeds.url + "/gone.xml"}
    async with Bot(tmp_path / "bot", urls) as bot:
        both = ("--config", str(bot.config), "--data", str(bot.data))
        await bot.start()
        await bot.type("/subscribe all")
        await polled(feeds)
        feeds.put("/one.xml", [FINE, *OLD])
        await bot.sees(FINE.title)
        code, out, _ = await bot.command("feeds", "--failing", *both)
        assert code == 0
        assert "gone" in out
        assert "404" in out
        code, out, _ = await bot.command("feeds", "--json", *both)
        assert {json.loads(line)["id"] for line in out.splitlines()} == {"one", "gone"}
        code, out, err = await bot.command("explain", FINE.link, *both)
        assert code == 0, err
        assert "outcome: alert" in out
        assert "Didi" in out
        code, out, err = await bot.command("db", "backup", str(tmp_path / "copy"), "--data", str(bot.data))
        assert code == 0, err
        code, _, err = await bot.command("db", "check", "--data", str(bot.data))
        assert code == 1
        assert "already running" in err
        assert await bot.stop() == 0

        code, out, _ = await bot.command("db", "check", "--data", str(tmp_path / "copy"))
        assert code == 0
        code, out, _ = await bot.command("db", "check", "--data", str(bot.data))
        assert code == 0
        assert "entries" in out
        newest = sorted(bot.data.glob("*.journal"))[-1]
        whole = newest.read_bytes()
        newest.write_bytes(whole[:200] + b"X" + whole[201:])
        code, _, err = await bot.command("db", "check", "--data", str(bot.data))
        assert code == 2
        assert newest.name in err
        assert "db repair" in err
        code, out, _ = await bot.command("db", "repair", "--data", str(bot.data))
        assert code == 0
        assert "1 damaged record" in out
        assert (bot.data.with_name("data.damaged") / newest.name).read_bytes()[200:201] == b"X"
        code, _, _ = await bot.command("db", "check", "--data", str(bot.data))
        assert code == 0


async def test_explaining_a_text(tmp_path: Path, feeds: FeedServer) -> None:
    bot = Bot(tmp_path / "bot", {})
    code, out, _ = await bot.command("explain", "国家网信办约谈 [小红书]", "--config", str(bot.config))
    assert code == 0
    assert "ALERT" in out
    assert "网信办" in out
    code, out, _ = await bot.command("explain", "CAC 40 closes higher", "--config", str(bot.config))
    assert code == 0
    assert "no alert" in out


async def test_a_rule_is_tried_on_what_was_read_while_the_bot_runs(tmp_path: Path, feeds: FeedServer) -> None:
    feeds.put("/one.xml", [FINE, *OLD])
    async with Bot(tmp_path / "bot", {"one": feeds.url + "/one.xml"}) as bot:
        both = ("--config", str(bot.config), "--data", str(bot.data))
        code, _, err = await bot.command("backtest", *both, "Didi")
        assert code == 2
        assert "nothing has been read yet" in err
        await bot.start()
        await polled(feeds)
        await bot.sees("Tocsin")
        code, out, err = await bot.command("backtest", *both, "--days", "3650", "Didi")
        assert code == 0, err
        assert "It fires on 1." in out
        assert "1 of cac" in out
        code, out, _ = await bot.command("backtest", *both, "--weight", "-99", "--days", "3650", "Didi")
        assert "removes 1" in out
        assert FINE.title in out
        code, _, err = await bot.command("backtest", *both, "Didi AND (")
        assert code == 2
        assert "column" in err
        code, out, _ = await bot.command("joins", *both)
        assert (code, out) == (0, "")
        assert await bot.stop() == 0

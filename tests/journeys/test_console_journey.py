"""With no token at all: a chat in the terminal. And the other commands of the terminal, as people type them."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.feedserver import FeedServer, Item
from tests.journeys.news import FINE, NOISE, OLD, polled
from tests.journeys.process import ROOT, Bot


def make(home: Path, feeds: FeedServer, **environment: str) -> Bot:
    return Bot(home, {"one": feeds.url + "/one.xml", "two": feeds.url + "/two.xml"}, environment)


async def test_a_chat_in_the_terminal(tmp_path: Path, feeds: FeedServer) -> None:
    async with make(tmp_path / "bot", feeds) as bot:
        await bot.start()
        await bot.sees("Reading 2 feeds")
        await bot.type("/subscribe cac")
        await bot.sees("cac")
        await polled(feeds)
        feeds.put("/one.xml", [FINE, *NOISE, *OLD])
        await bot.sees(FINE.title)
        await bot.type("/search didi")
        await bot.type("/why")
        await bot.sees("8.026 billion")
        await bot.type("/subscribe nonsense")
        await bot.sees("listing")
        await bot.type("/quit")
        assert await bot.ended() == 0
        said = bot.output.decode()
        assert "CAC 40" not in said
        assert "\x1b[" not in said, "a pipe gets no colour"
        assert "Traceback" not in said + bot.errors.decode()


async def test_a_feed_that_breaks_stops_nobody(tmp_path: Path, feeds: FeedServer) -> None:
    feeds.put("/bad.xml", b"<html><body>Just a moment...</body></html>")
    feeds.put("/hang.xml", b"", mode="hang")
    urls = {n: f"{feeds.url}/{n}.xml" for n in ("bad", "hang", "gone", "one")}
    async with Bot(tmp_path / "bot", urls, every="2s") as bot:
        await bot.start()
        await bot.type("/subscribe all")
        await polled(feeds)
        feeds.put("/one.xml", [FINE, *OLD])
        await bot.sees(FINE.title)
        await bot.type("/feeds failing")
        await bot.sees("bad")
        await bot.type("/quit")
        assert await bot.ended() == 0


async def test_edited_rules_come_into_force_and_bad_ones_do_not(tmp_path: Path, feeds: FeedServer) -> None:
    lemon, lime = (Item(f"A {what} shortage", f"https://news.example/{what}") for what in ("lemon", "lime"))
    async with make(tmp_path / "bot", feeds) as bot:
        topics = bot.config / "topics.yaml"
        rules = "topics:\n  cac:\n    words: fruit\n    rules:\n      - {id: fruit, when: lemon}\n"
        await bot.start()
        await bot.type("/subscribe cac")
        await polled(feeds)
        topics.write_text(rules)
        bot.signal(signal.SIGHUP)
        await bot.sees("are in force")
        feeds.put("/one.xml", [lemon, *OLD])
        await bot.sees(lemon.title)
        topics.write_text(rules.replace("lemon", "(lemon OR lime"))
        bot.signal(signal.SIGHUP)
        await bot.sees("those in force stay")
        await bot.sees("topics.yaml:5:21: rule fruit: column ")
        feeds.put("/one.xml", [FINE, *OLD])
        feeds.put("/two.xml", [Item("Another lemon shortage", "https://other.example/lemon"), lime, *OLD])
        await bot.sees("Another lemon shortage")
        await bot.type("/quit")
        assert await bot.ended() == 0
        said = bot.output.decode()
        assert FINE.title not in said, "its rules are not in force any more"
        assert lime.title not in said
        assert said.count("The rules on disk are refused") == 1
        assert "Traceback" not in said + bot.errors.decode()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to see when signals are heeded")
async def test_a_hangup_while_it_starts_does_not_end_it(tmp_path: Path, feeds: FeedServer) -> None:
    async with make(tmp_path / "bot", feeds) as bot:
        await bot.start()
        while not await heeds(bot, signal.SIGHUP):
            assert bot.process
            assert bot.process.returncode is None
        assert bot.output == b"", "it is still loading"
        bot.signal(signal.SIGHUP)
        await bot.sees("Reading 2 feeds")
        await bot.type("/quit")
        assert await bot.ended() == 0


async def heeds(bot: Bot, number: int) -> bool:
    """Whether the process has a handler for the signal by now; a short pause when not."""
    assert bot.process
    status = Path(f"/proc/{bot.process.pid}/status").read_text()
    caught = int(re.search(r"^SigCgt:\s*(\w+)$", status, re.MULTILINE)[1], 16)
    if not caught >> (number - 1) & 1:
        await asyncio.sleep(0.005)
        return False
    return True


def test_a_hangup_at_the_start_that_takes_the_terminal_ends_it() -> None:
    master, terminal = pty.openpty()
    code = "import os, signal; from bot.__main__ import heed_hangups; heed_hangups(); print('.', flush=True); "
    code += "signal.pause(); print('went on', flush=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=terminal, stdout=subprocess.PIPE, start_new_session=True
    )
    os.close(terminal)
    assert process.stdout
    assert process.stdout.readline() == b".\n"
    os.close(master)
    process.send_signal(signal.SIGHUP)
    assert process.communicate(timeout=20) == (b"", None)
    assert process.returncode == 0


async def test_check_names_every_fault_at_once(tmp_path: Path, feeds: FeedServer) -> None:
    bot = make(tmp_path / "bot", feeds)
    code, out, _ = await bot.command("check", "--config", str(bot.config))
    assert code == 0
    assert re.search(r"feeds on\s+2\b", out)
    (bot.config / "feeds.yaml").write_text("feeds:\n  - {id: One!, url: 'ftp://x', nmae: x}\n")
    (bot.config / "tocsin.yaml").write_text("poll: {min: soon}\nTELEGRAM_BOT_TOKEN: '123456:AAAA'\n")
    code, out, err = await bot.command("check", "--config", str(bot.config))
    said = out + err
    assert code == 2
    assert "feeds.yaml:2:" in said
    assert "did you mean" in said.lower()
    assert "tocsin.yaml:1:" in said
    assert "tocsin.yaml:2:" in said
    assert "AAAA" not in said
    assert "Traceback" not in said


async def test_poll_shows_and_sends_nothing(tmp_path: Path, feeds: FeedServer) -> None:
    bot = make(tmp_path / "bot", feeds)
    feeds.put("/one.xml", [FINE, *NOISE])
    arguments = ("poll", "--config", str(bot.config), "--data", str(bot.data))
    code, out, _ = await bot.command(*arguments)
    assert code == 0
    assert FINE.title[:30] in out
    code, out, _ = await bot.command(*arguments, "--json", "one")
    assert code == 0
    assert json.loads(out.splitlines()[0]) if "\n" in out.strip() else json.loads(out)
    del feeds.pages["/two.xml"]
    code, out, err = await bot.command(*arguments)
    assert code == 3
    assert "two" in out + err
    code, _, err = await bot.command(*arguments, "nonesuch")
    assert code != 0
    assert "nonesuch" in err
    assert "Traceback" not in err


async def test_judge_streams_lines_and_names_the_bad_one() -> None:
    bot_lines = [
        {"id": "a", "title": FINE.title, "summary": FINE.summary},
        {"id": "b", "title": "国家网信办对滴滴处以80.26亿元罚款"},
        {"id": "c", "title": NOISE[0].title},
    ]

    async def judge(text: str) -> tuple[int, list[dict[str, object]], str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bot", "judge"),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate(text.encode())
        return process.returncode or 0, [json.loads(x) for x in out.splitlines()], err.decode()

    code, rows, _ = await judge("".join(json.dumps(line) + "\n" for line in bot_lines))
    assert code == 0
    assert [r["id"] for r in rows] == ["a", "b", "c"]
    assert [r["alert"] for r in rows] == [True, True, False]
    assert set(rows[0]) >= {"id", "alert", "topics", "story", "score", "matched", "reason"}
    assert rows[0]["topics"] == ["cac"]
    odd = '\ufeff{"id": "a", "title": "\\ud800 网信办罚款滴滴' + "9" * 310 + '亿元"}\n'
    code, rows, err = await judge(odd + '{"id": 1, no')
    assert code == 2
    assert [r["alert"] for r in rows] == [True]
    assert "standard input:2:11: not JSON" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN"),
        ({"TELEGRAM_BOT_TOKEN": "nonsense"}, "TELEGRAM_BOT_TOKEN"),
        ({"TOCSIN_DATABASE_URL": "postgresql://x"}, "TOCSIN_DATABASE_URL"),
        ({"TELEGRAM_BOT_TOKEN_FILE": "/nonexistent/token"}, "/nonexistent/token"),
    ],
)
async def test_a_wrong_environment_is_refused_before_anything_starts(
    tmp_path: Path, feeds: FeedServer, wrong: dict[str, str], words: str
) -> None:
    bot = make(tmp_path / "bot", feeds, **wrong)
    code, _, err = await bot.command("run", "--config", str(bot.config), "--data", str(bot.data))
    assert code == 2
    assert words in err
    assert "Traceback" not in err
    assert "nonsense" not in err


@pytest.mark.parametrize("kind", ["snapshot", "journal"])
async def test_a_foreign_data_file_is_refused_and_kept(tmp_path: Path, feeds: FeedServer, kind: str) -> None:
    bot = make(tmp_path / "bot", feeds)
    bot.data.mkdir()
    kept = bot.data / f"00000001.{kind}"
    kept.write_bytes(b"not ours at all\n" * 20)
    code, _, err = await bot.command("run", "--config", str(bot.config), "--data", str(bot.data))
    assert code != 0
    assert kept.name in err
    assert "db repair" in err
    assert "Traceback" not in err
    assert kept.read_bytes() == b"not ours at all\n" * 20


async def test_the_demo_needs_no_network_and_explains_itself(tmp_path: Path, feeds: FeedServer) -> None:
    bot = make(tmp_path / "bot", feeds)
    code, out, err = await bot.command("run", "--demo", "--config", str(ROOT / "config"), stdin="/latest\n/why\n")
    assert code == 0, err
    assert "Demo:" in out
    assert "The week is over" in out
    assert out.count("Why:") >= 8
    assert "Traceback" not in out + err
    assert not bot.data.exists(), "nothing is kept"

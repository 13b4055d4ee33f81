"""What delivering costs: commits beside a full outbox, messages beside the bare client, an alert for many chats."""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from aiohttp import web
from telegram import Bot, LinkPreviewOptions
from telegram.request import HTTPXRequest

from bench.measure import Result, cpu_s
from bench.remembering import AT, MANY, _filled, _insert_us, _opened
from bench.server import ROOT
from bot.channels.telegram import TelegramChannel
from bot.config.rules import load_rules
from bot.core.changes import Changes
from bot.core.chat import Chat, Delivery, Receipt, State, Subscription
from bot.core.identity import delivery_key
from bot.core.message import say
from bot.core.news import Entry, Feed, FeedState, Reading
from bot.jobs.deliver import SENDS_AT_ONCE, DeliverJob
from bot.judge.decide import Editor, Memory, keys_of
from bot.judge.timing import Bounds
from bot.judge.verdict import Judge
from bot.runners.clock import SystemClock
from bot.stores.tinydb import TinyStore

OUTBOX, CHATS, MESSAGES = 100_000, 1_000, 300
TOKEN = "123456:" + "A" * 35
TEXT = "an alert of a usual length"
SHOWN = {"message_id": 1, "date": 1_660_000_000, "chat": {"id": 7, "type": "private"}, "text": "x"}


def row(number: int, chats: int, *, sent: bool) -> Delivery:
    chat, name = f"telegram:{number % chats}", f"s{number // chats}"
    made = Delivery(
        key=delivery_key(chat, name, 1, "post"),
        chat_id=chat,
        message_id=f"m{number // chats}",
        story_id=name,
        revision=1,
        created=AT,
        next_try=AT,
    )
    if not sent:
        return made
    return replace(made, state=State.SENT, attempts=1, receipts=(Receipt(message_id=str(number), at=AT),))


async def full_outbox() -> list[Result]:
    """A million remembered keys and a hundred thousand rows, most of them sent."""
    with tempfile.TemporaryDirectory(dir=ROOT) as name:
        room = Path(name)
        store = await _filled(room / "d", MANY)
        for start in range(0, OUTBOX, 10_000):
            rows = tuple(row(n, 5_000, sent=n % 100 != 0) for n in range(start, start + 10_000))
            await store.commit(Changes(at=AT, deliveries=rows))
        ours, alone = await _insert_us({MANY: store}, room)
        mine, bare = ours[MANY], alone[MANY]
        store.journal.rotate(wait=True)
        await store.close()
        runs = [_opened(room / "d") for _ in range(3)]
    seconds, mebibytes = min(s for s, _ in runs), min(m for _, m in runs)
    note = f"{mine:.0f} us; {bare:.0f} us bare"
    return [
        Result("a poll's commit beside a million keys and 100,000 rows", mine / bare, 1.5, "x", note),
        Result("opening them", seconds, 2, "s", ""),
        Result("memory of them", mebibytes * 1.048576, 250, "MB", ""),
    ]


async def a_message() -> Result:
    """CPU of the whole way of a message from the outbox, over that of the client library alone: the same server, and as
    many calls at once."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"ok": True, "result": SHOWN})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        ours, bare = [], []
        for _ in range(5):
            bare.append(await _bare(port))
            ours.append(await _ours(port))
    finally:
        await runner.cleanup()
    more = statistics.median(a - b for a, b in zip(ours, bare, strict=True))
    return Result(
        "CPU of a sent message, over the bare client",
        more,
        1.0,
        "ms",
        f"{statistics.median(ours):.2f} ms, bare {statistics.median(bare):.2f} ms",
    )


async def _bare(port: int) -> float:
    request = HTTPXRequest(connection_pool_size=64)
    bot = Bot(TOKEN, base_url=f"http://127.0.0.1:{port}/bot", request=request)
    before = cpu_s()
    gate = asyncio.Semaphore(SENDS_AT_ONCE)
    preview = LinkPreviewOptions(is_disabled=True)

    async def send(chat: int) -> None:
        async with gate:
            await bot.send_message(chat, TEXT, parse_mode="HTML", link_preview_options=preview)

    await asyncio.gather(*(send(number + 1) for number in range(MESSAGES)))
    spent = cpu_s() - before
    await request.shutdown()
    return spent / MESSAGES * 1e3


async def _ours(port: int) -> float:
    async def cursor() -> str:
        return ""

    async def save(value: str) -> None:
        """Nothing is taken in."""

    clock = SystemClock()
    channel = TelegramChannel(TOKEN, clock, base_url=f"http://127.0.0.1:{port}", cursor=cursor, save_cursor=save)
    channel.limits = replace(channel.limits, per_chat_s=0.0, per_group_s=0.0, per_bot_s=0.0)
    with tempfile.TemporaryDirectory(dir=ROOT) as name:
        store = TinyStore(Path(name) / "d")
        await store.open()
        rows = tuple(replace(row(n, MESSAGES, sent=False), chat_id=f"telegram:{n + 1}") for n in range(MESSAGES))
        await store.commit(Changes(at=AT, deliveries=rows, messages=(("m0", say(TEXT)),)))
        job = DeliverJob(store, {"telegram": channel}, clock, random.Random(1))
        job.every_s = 0.0
        before = cpu_s()
        while (await store.counts())["sent"] < MESSAGES:
            await job.run()
            await job.drain()
        spent = cpu_s() - before
        await store.close()
    await channel.close()
    return spent / MESSAGES * 1e3


async def fan_out() -> Result:
    """From a reading with one alert to a durable row for each of a thousand chats."""
    book, problems = load_rules(ROOT / "config")
    assert book, problems
    judge = Judge(book)
    times = []
    for turn in range(5):
        title = f"China's cyberspace regulator fines Didi $1.{turn} billion over data security"
        entry = Entry(feed_id="f", key=f"k{turn}", aliases=(f"k{turn}",), url="https://w.example/a", title=title)
        reading = Reading(feed_id="f", at=AT, entries=(entry,))
        editor = Editor([], bounds=Bounds(), max_age_s=1e9, rng=random.Random(1))
        with tempfile.TemporaryDirectory(dir=ROOT) as name:
            store = TinyStore(Path(name) / "d")
            await store.open()
            chats = tuple(Chat(id=f"telegram:{n}") for n in range(CHATS))
            subs = tuple(Subscription(id="s1", chat_id=c.id, topic="cac", created=AT) for c in chats)
            await store.commit(Changes(at=AT, chats=chats, subscriptions=subs))
            started = perf_counter()
            memory = Memory(unseen=keys_of(reading), subscriptions=await store.subscriptions())
            state = FeedState(feed_id="f", next_check=AT, baselined=True)
            await store.commit(editor.decide(Feed(id="f", url="https://w.example"), state, reading, memory, judge))
            times.append(perf_counter() - started)
            assert (await store.counts())["pending"] == CHATS
            await store.close()
    return Result("an alert queued for 1,000 chats", statistics.median(times), 0.5, "s", "")

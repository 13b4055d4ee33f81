"""`run`: the bot, until it is told to stop; with --demo a past week replayed in seconds."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bot import app, logs
from bot.channels.console import ConsoleChannel
from bot.cli.options import CONFIG, DATA, DOTENV, ConfigDir, DataDir
from bot.config.secrets import Environment
from bot.config.settings import Settings, load
from bot.core.errors import FetchError, Unreachable
from bot.demo.pack import PACK_FILE, load_pack
from bot.demo.server import DemoServer
from bot.judge.timing import Bounds
from bot.runners.clock import ReplayClock, SystemClock
from bot.sources.http import SafeFetcher
from bot.stores.disk import must_be_writable
from bot.stores.journal import must_be_free

REPLAY_S = 18.0
PROBED = 6
PROBE_S = 6.0


def command(
    config: ConfigDir = CONFIG,
    data: DataDir = DATA,
    console: Annotated[bool, typer.Option(help="Chat at this terminal too, when tokens are set.")] = False,
    demo: Annotated[bool, typer.Option(help="Replay a past week from bundled feeds; nothing is kept.")] = False,
    or_demo: Annotated[bool, typer.Option(help="The demo, when no feed can be reached and no token is set.")] = False,
) -> None:
    """Run the bot: every channel whose token is set; the console chat when none is."""
    if not demo:
        must_be_free(data)  # said at once, and not when all the rules have been read
    settings = load(config, dotenv=DOTENV)
    logs.set_up(_level(settings), settings.environment.secrets())
    environment = settings.environment
    if not demo:
        must_be_writable(data)  # before anything is asked of the network
    if or_demo and not demo and not (environment.telegram_token or environment.slack_bot_token):
        demo = not asyncio.run(_reachable(settings))
        if demo:
            _say("No feed can be reached from here, so this is the demo: August 2022 in some twenty seconds,")
            _say("from bundled feeds, through the same fetcher, rules, store and chat. Online, `make run` reads news.")
    try:
        asyncio.run(_demo(settings) if demo else _live(settings, data, console=console))
    except KeyboardInterrupt:
        raise SystemExit(0) from None


async def _live(settings: Settings, data: Path, *, console: bool) -> None:
    parts = app.build(settings, data, console=console)
    try:
        await app.open_parts(parts)
        if "console" in parts.channels:
            reading = sum(feed.enabled for feed in parts.newsroom.feeds.values())
            many = "feed" if reading == 1 else "feeds"
            _say(f"Reading {reading} {many}. What they list at first alerts nobody; what is new after that does.")
        await app.run(parts, _signals(parts))
    finally:
        await app.close_parts(parts)


async def _demo(settings: Settings) -> None:
    pack = load_pack(settings.directory / PACK_FILE)
    start, end = pack.start, pack.end
    clock = ReplayClock(start, end, (end - start).total_seconds() / REPLAY_S)
    with tempfile.TemporaryDirectory(prefix="tocsin-demo-") as data:
        async with DemoServer(pack, clock) as server:
            # A poll a (replayed) quarter of an hour: several a second.
            parts = app.build(
                _without_tokens(settings),
                Path(data),
                clock=clock,
                console=True,
                feeds=server.feeds(),
                allow_networks=("127.0.0.0/8",),
                bounds=Bounds(900.0, 3600.0),
            )
            parts.poll.every_s = 0.1
            try:
                await app.open_parts(parts)
                await app.subscribe_console(parts)
                _say(f"Demo: {start:%d %B} to {end:%d %B %Y} in {REPLAY_S:.0f} seconds, {len(server.feeds())} feeds.")
                stop = _signals(parts)
                ending = asyncio.create_task(_say_the_end(parts, stop))
                await app.run(parts, stop)
                ending.cancel()
            finally:
                await app.close_parts(parts)


async def _say_the_end(parts: app.Parts, stop: asyncio.Event) -> None:
    await asyncio.sleep(REPLAY_S + 2.0)
    counts = await parts.store.counts()
    _say(
        f"The week is over: {counts['entries']} entries read, {counts['stories']} stories, {counts['sent']} alerts. "
        "Ask on: /latest, /why, /search 滴滴, /status; /quit ends it."
    )
    chat = parts.channels["console"]
    if isinstance(chat, ConsoleChannel) and not sys.stdin.isatty():
        await chat.input_over.wait()
        await asyncio.sleep(1.0)
        stop.set()


async def _reachable(settings: Settings) -> bool:
    """Whether any of a few feeds answers at all, with whatever status."""
    fetch = settings.tocsin.fetch
    fetcher = SafeFetcher(SystemClock(), allow_networks=fetch.allow_networks, timeout_s=PROBE_S, contact=fetch.contact)
    enabled = [feed for feed in settings.feeds if feed.enabled and "sec.gov" not in feed.url][:PROBED]

    async def answers(url: str) -> bool:
        try:
            await fetcher.get(url)
        except Unreachable as error:
            return error.status is not None
        except FetchError:
            return True
        return True

    try:
        return any(await asyncio.gather(*(answers(feed.url) for feed in enabled)))
    finally:
        await fetcher.close()


def _signals(parts: app.Parts) -> asyncio.Event:
    """Set by SIGTERM and Ctrl-C; a second one ends the process at once. SIGHUP has the rules read again, unless it
    tells that the terminal the bot was started in is gone."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    at_terminal = sys.stdin.isatty()

    def asked(number: int) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    def hung_up() -> None:
        if at_terminal and not sys.stdin.isatty():
            stop.set()
        else:
            parts.reload.ask()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked, number)
    loop.add_signal_handler(signal.SIGHUP, hung_up)
    return stop


def _level(settings: Settings) -> str:
    """At the console, alerts are the output; what goes well need not be told as well."""
    tokens = settings.environment.telegram_token or settings.environment.slack_bot_token
    quiet = sys.stderr.isatty() and not tokens
    return "WARNING" if quiet and settings.environment.log_level == "INFO" else settings.environment.log_level


def _without_tokens(settings: Settings) -> Settings:
    """The demo talks at this terminal only, and reads none but its own feeds."""
    plain = Environment(log_level=settings.environment.log_level)
    # A stall of a second is a day in there: nothing may count as old, or late, for that.
    poll = settings.tocsin.poll.model_copy(update={"max_age": 30 * 86400.0})
    delivery = settings.tocsin.delivery.model_copy(update={"catch_up_after": 30 * 86400.0})
    tocsin = settings.tocsin.model_copy(update={"push": {}, "channels": {}, "poll": poll, "delivery": delivery})
    return replace(settings, environment=plain, tocsin=tocsin)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()

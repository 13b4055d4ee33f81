"""One of each, joined: the only file that knows every room."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from bot import plugins
from bot.channels.console import ACTOR as CONSOLE_ACTOR
from bot.channels.console import CHAT_ID as CONSOLE_CHAT
from bot.commands.answering import Answering
from bot.commands.feeds import Feeds
from bot.commands.help import Help
from bot.commands.hours import Hours
from bot.commands.keywords import Keywords
from bot.commands.lookup import LookingUp
from bot.commands.outgoing import Outgoing
from bot.commands.stories import Stories
from bot.commands.subscribe import Subscribing
from bot.config.settings import RULE_FILES, Settings, reread_rules, stamps_of
from bot.core.changes import Changes
from bot.core.chat import Chat, Subscription
from bot.core.errors import BotError, ConfigError, Problem, TokenDead
from bot.core.news import Feed, Story
from bot.core.ports import Channel, Clock, Store
from bot.jobs.deliver import DeliverJob
from bot.jobs.gather import Gatherer
from bot.jobs.grow import GrowJob
from bot.jobs.notices import Notices
from bot.jobs.poll import PollJob
from bot.jobs.release import ReleaseJob
from bot.jobs.reload import ReloadJob
from bot.jobs.telling import WITHIN_S, Telling
from bot.jobs.tidy import TidyJob
from bot.judge.decide import Editor
from bot.judge.newsroom import Newsroom, Rules, Topic
from bot.judge.specs import RuleBook
from bot.judge.timing import Bounds
from bot.judge.verdict import Judge
from bot.runners.clock import SystemClock
from bot.runners.local import LocalRunner
from bot.sources.article import ArticleReader
from bot.sources.http import SafeFetcher
from bot.sources.reader import FeedReader
from bot.sources.rewriter import Rewriter
from bot.sources.worker import FeedWorker
from bot.stores.tinydb import TinyStore

log = structlog.get_logger("app")


ANYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, slots=True)
class Parts:
    """What one process is made of."""

    settings: Settings
    store: Store
    newsroom: Newsroom
    reader: FeedReader
    poll: PollJob
    deliver: DeliverJob
    reload: ReloadJob
    front: Answering
    channels: Mapping[str, Channel]
    clock: Clock
    fetcher: SafeFetcher
    writing: SafeFetcher
    worker: FeedWorker


def newsroom_of(settings: Settings, feeds: Sequence[Feed] | None = None) -> Newsroom:
    """The feeds and rules of the files."""
    rules = _rules_of(settings.rules)
    return Newsroom(settings.feeds if feeds is None else feeds, rules.topics, rules.compile_with)


def _rules_of(book: RuleBook) -> Rules:
    return Rules({t.name: Topic(t.words, len(t.rules)) for t in book.topics}, partial(Judge, book))


def build(
    settings: Settings,
    data: Path,
    *,
    clock: Clock | None = None,
    console: bool = False,
    feeds: Sequence[Feed] | None = None,
    allow_networks: Sequence[str] = (),
    bounds: Bounds | None = None,
) -> Parts:
    """Everything, not yet opened. feeds: in place of those of the files. Must be called inside a running loop."""
    clock = clock or SystemClock()
    store = TinyStore(data)
    fetcher = _fetcher(settings, clock, allow_networks)
    worker = FeedWorker()
    reader = FeedReader(fetcher, worker, clock)
    newsroom = newsroom_of(settings, feeds)
    writing = SafeFetcher(clock, allow_networks=ANYWHERE, timeout_s=WITHIN_S)  # to what the operator named himself
    telling = Telling(ArticleReader(fetcher, worker), _rewriter(settings, writing))
    channels = _channels(settings, store, clock, data, console=console)
    notices = Notices(_owners(settings), channels, clock)
    return Parts(
        settings=settings,
        store=store,
        newsroom=newsroom,
        reader=reader,
        poll=PollJob(
            store,
            reader,
            newsroom,
            clock,
            new_editor=_editor_of(settings, bounds, random.Random()),
            concurrency=settings.tocsin.poll.concurrency,
            telling=telling,
            notices=notices,
        ),
        deliver=_delivering(settings, store, channels, clock, notices),
        reload=_reloading(settings, newsroom, notices, clock),
        front=_front(settings, store, newsroom, reader, channels, clock, notices),
        channels=channels,
        clock=clock,
        fetcher=fetcher,
        writing=writing,
        worker=worker,
    )


def _editor_of(settings: Settings, bounds: Bounds | None, rng: random.Random) -> Callable[[Sequence[Story]], Editor]:
    poll = settings.tocsin.poll
    within = bounds or Bounds(poll.min, poll.max)
    outage_s = settings.tocsin.delivery.catch_up_after

    def new_editor(live: Sequence[Story]) -> Editor:
        return Editor(live, bounds=within, max_age_s=poll.max_age, rng=rng, outage_s=outage_s)

    return new_editor


def _fetcher(settings: Settings, clock: Clock, allow_networks: Sequence[str]) -> SafeFetcher:
    poll, fetch = settings.tocsin.poll, settings.tocsin.fetch
    return SafeFetcher(
        clock,
        allow_networks=(*fetch.allow_networks, *allow_networks),
        timeout_s=poll.timeout,
        concurrency=poll.concurrency,
        per_host=poll.per_host,
        contact=fetch.contact,
    )


def _rewriter(settings: Settings, writing: SafeFetcher) -> Rewriter | None:
    llm = settings.tocsin.summary.llm
    return Rewriter(writing.post, llm.url, llm.model, settings.environment.llm_key.reveal()) if llm else None


def _owners(settings: Settings) -> frozenset[str]:
    return settings.environment.owners | {CONSOLE_ACTOR}


def _delivering(
    settings: Settings, store: Store, channels: Mapping[str, Channel], clock: Clock, notices: Notices
) -> DeliverJob:
    policy = settings.tocsin.delivery
    gatherer = Gatherer(store, clock, policy.catch_up_after)
    repeat = policy.on_ambiguous == "resend"
    return DeliverJob(store, channels, clock, random.Random(), notices, gatherer, repeat_unsure=repeat)


def _reloading(settings: Settings, newsroom: Newsroom, notices: Notices, clock: Clock) -> ReloadJob:
    return ReloadJob(
        newsroom,
        notices,
        clock,
        look=lambda: stamps_of(settings.directory),
        read=lambda: _rules_of(reread_rules(settings)),
        rule_files=RULE_FILES,
        known=settings.stamps,
    )


def _front(
    settings: Settings,
    store: Store,
    newsroom: Newsroom,
    reader: FeedReader,
    channels: Mapping[str, Channel],
    clock: Clock,
    notices: Notices,
) -> Answering:
    help_ = Help()
    groups = (
        Subscribing(store, newsroom),
        LookingUp(store, newsroom, notices.troubles),
        Feeds(store, newsroom, reader),
        Keywords(store, newsroom, settings.tocsin.judge.budget),
        Stories(store),
        Outgoing(store),
        Hours(store),
        help_,
    )
    front = Answering(groups, store, newsroom, channels, clock, _owners(settings), notices.rows)
    help_.registry = front.registry
    return front


async def open_parts(parts: Parts) -> None:
    """Lock and load the data, and bring in what people changed in chat. Raises StoreError, RuleError."""
    await parts.store.open()
    parts.newsroom.adopt_feeds(await parts.store.feeds())
    parts.newsroom.adopt_keywords(await parts.store.keywords())
    await _subscribe_pushed(parts)
    # What was loaded stays; walking through a million remembered keys at each collection would cost more than polling.
    gc.collect()
    gc.freeze()


async def close_parts(parts: Parts) -> None:
    """Idempotent; the store last, for whatever still settles."""
    for channel in parts.channels.values():
        await channel.close()
    await parts.fetcher.close()
    await parts.writing.close()
    await parts.worker.close()
    await parts.store.close()


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, or the person at the console leaves; then finish what is under way."""
    await parts.deliver.recover()
    retention = parts.settings.tocsin.retention
    store, clock = parts.store, parts.clock
    jobs = (
        parts.poll,
        parts.deliver,
        ReleaseJob(store, Gatherer(store, clock), clock),
        GrowJob(store, parts.channels, clock, parts.settings.tocsin.delivery.edit_after),
        TidyJob(store, clock, retention),
        parts.reload,
    )
    runner = LocalRunner(jobs, SystemClock())
    console_left = asyncio.Event()
    serving = [
        asyncio.create_task(_serve(channel, parts, console_left), name=channel.name)
        for channel in parts.channels.values()
    ]
    ends = [asyncio.create_task(event.wait()) for event in (stop, console_left)]
    runner.start()
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (*serving, *ends):
            task.cancel()
        await asyncio.gather(*serving, *ends, return_exceptions=True)
        await runner.stop()


async def _serve(channel: Channel, parts: Parts, console_left: asyncio.Event) -> None:
    """A channel that cannot go on is said to be so; the others serve on."""
    while True:
        try:
            await channel.serve(parts.front)
            if channel.name == "console":
                console_left.set()
            return
        except TokenDead as error:
            log.error(
                "this channel is off until its token is replaced and the bot restarted",
                channel=channel.name,
                error=str(error),
            )
            return
        except BotError as error:
            log.error("a channel stopped; starting it again", channel=channel.name, error=str(error))
        except Exception:
            log.exception("a channel broke; starting it again", channel=channel.name)
        await parts.clock.sleep(10)


def _channels(settings: Settings, store: Store, clock: Clock, data: Path, *, console: bool) -> dict[str, Channel]:
    """Every channel whose token is set; the console when none is, or when it is asked for."""
    environment = settings.environment
    made: list[Channel] = []
    if environment.telegram_token:

        async def cursor() -> str:
            return await store.cursor("telegram.offset")

        async def save_cursor(value: str) -> None:
            await store.commit(Changes(at=clock.now(), cursors=(("telegram.offset", value),)))

        made.append(
            plugins.find("telegram")(
                environment.telegram_token.reveal(),
                clock,
                base_url=environment.telegram_base,
                owners=environment.owners,
                cursor=cursor,
                save_cursor=save_cursor,
            )
        )
    if environment.slack_bot_token:
        tokens = (environment.slack_bot_token.reveal(), environment.slack_app_token.reveal())
        made.append(plugins.find("slack")(*tokens, clock, base_url=environment.slack_base))
    interactive = bool(made)
    if environment.apprise:
        targets = {name: secret.reveal() for name, secret in environment.apprise.items()}
        try:
            made.append(plugins.find("apprise")(targets, clock))
        except ValueError as error:
            raise ConfigError((Problem("environment", 0, 0, str(error)),)) from None
    for name, options in settings.tocsin.channels.items():
        made.append(_foreign(name, options, clock))
        interactive = interactive or made[-1].limits.interactive
    if console or not interactive:
        made.append(plugins.find("console")(clock, history=data / "console_history"))
    return {channel.name: channel for channel in made}


async def rehearse(settings: Settings) -> tuple[str, ...]:
    """Names of the channels that `run` would serve, made as it makes them; nothing is opened. Raises ConfigError."""
    channels = _channels(settings, TinyStore(Path()), SystemClock(), Path(), console=False)
    for channel in channels.values():
        await channel.close()
    return tuple(channels)


def _foreign(name: str, options: Mapping[str, str], clock: Clock) -> Channel:
    """A channel of another package: `factory(options, clock)`."""
    factory = plugins.find(name)
    try:
        channel: Channel = factory(dict(options), clock)
    except Exception as error:
        text = f"the channel {name!r} cannot be made from its options: {error}"
        raise ConfigError((Problem("tocsin.yaml", 0, 0, text),)) from error
    return channel


async def _subscribe_pushed(parts: Parts) -> None:
    """What tocsin.yaml's `push:` says, made so: chats that cannot ask are subscribed by file."""
    now = parts.clock.now()
    wanted: list[Subscription] = []
    gone: list[str] = []
    chats: list[Chat] = []
    for chat_id, topics in parts.settings.tocsin.push.items():
        known = await parts.store.chat_subscriptions(chat_id)
        if await parts.store.chat(chat_id) is None:
            chats.append(Chat(id=chat_id, kind="group", since=now))
        gone += [s.key for s in known if s.topic not in topics]
        have = {s.topic for s in known}
        wanted += [
            Subscription(id=f"s{len(known) + n}", chat_id=chat_id, topic=t, created=now, by="tocsin.yaml")
            for n, t in enumerate((t for t in topics if t not in have), 1)
        ]
    changes = Changes(at=now, chats=tuple(chats), subscriptions=tuple(wanted), subscriptions_gone=tuple(gone))
    if changes:
        await parts.store.commit(changes)


async def subscribe_console(parts: Parts) -> None:
    """For the demo: its chat gets everything without asking."""
    now = parts.clock.now()
    made = Subscription(id="s1", chat_id=CONSOLE_CHAT, topic="all", created=now, by="demo")
    chat = Chat(id=CONSOLE_CHAT, title="console", since=now)
    await parts.store.commit(Changes(at=now, chats=(chat,), subscriptions=(made,)))

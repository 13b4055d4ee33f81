"""`export` and `import`: the list of feeds as OPML or JSON, out of the bot and into it."""

from __future__ import annotations

import asyncio
import getpass
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import orjson
import typer

from bot import app, logs
from bot.cli.options import CONFIG, DATA, DOTENV, AsJson, ConfigDir, DataDir
from bot.cli.view import looking
from bot.config.catalogues import opml, plain, read_catalogue
from bot.config.models import FeedItem
from bot.config.settings import Settings, feed_of, load
from bot.core.changes import Audit, Changes
from bot.core.errors import BadRequest, Locked, Problem
from bot.core.news import Feed, FeedState

MOST_FEEDS = 5000


class Form(StrEnum):
    OPML = "opml"
    JSON = "json"


def export_feeds(
    form: Annotated[Form, typer.Argument(help="opml, or json of the shape of feeds.yaml.")],
    config: ConfigDir = CONFIG,
    data: DataDir = DATA,
) -> None:
    """Print the feeds of the files and of the chats."""
    settings = load(config, dotenv=DOTENV)
    logs.set_up("ERROR", settings.environment.secrets())
    feeds = asyncio.run(_known(settings, data))
    if form is Form.OPML:
        sys.stdout.buffer.write(opml(feeds))
    else:
        sys.stdout.buffer.write(orjson.dumps({"feeds": [plain(f) for f in feeds]}, option=orjson.OPT_INDENT_2) + b"\n")


def import_feeds(
    file: Annotated[Path, typer.Argument(help="OPML, or JSON or YAML of the shape of feeds.yaml.")],
    config: ConfigDir = CONFIG,
    data: DataDir = DATA,
    as_json: AsJson = False,
) -> None:
    """Add feeds to the data, as /feeds add does, while the bot is stopped. Exit 2 when no row could be read."""
    if not file.is_file():
        raise BadRequest(f"{file} is not there, or is no file")
    settings = load(config, dotenv=DOTENV)
    logs.set_up("ERROR", settings.environment.secrets())
    added, refused, readable = asyncio.run(_brought_in(settings, data, file))
    if as_json:
        rows = [{"line": p.line, "column": p.column, "text": p.text} for p in refused]
        sys.stdout.buffer.write(orjson.dumps({"added": [i.id for i in added], "refused": rows}) + b"\n")
    else:
        for problem in refused:
            sys.stderr.write(f"{problem}\n")
        sys.stdout.write(f"Added {len(added)} feeds; they are read from the next start on. Refused: {len(refused)}.\n")
    raise typer.Exit(0 if readable else 2)


async def _known(settings: Settings, data: Path) -> list[Feed]:
    if not data.is_dir():
        return list(settings.feeds)
    async with looking(settings, data) as parts:
        return list(parts.newsroom.feeds.values())


async def _brought_in(settings: Settings, data: Path, file: Path) -> tuple[list[FeedItem], list[Problem], int]:
    parts = app.build(settings, data, console=True)
    try:
        try:
            await app.open_parts(parts)
        except Locked as error:
            text = f"{error}. Stop the bot first, or add feeds in its chat: /feeds add <url>"
            raise Locked(text, pid=error.pid) from None
        known = parts.newsroom.feeds
        items, refused, readable = read_catalogue(file, known)
        if len(known) + len(items) > MOST_FEEDS:
            raise BadRequest(f"{len(items)} feeds more would make over {MOST_FEEDS}; nothing was added")
        if items:
            await parts.store.commit(_changes(parts, items))
        return items, refused, readable
    finally:
        await app.close_parts(parts)


def _changes(parts: app.Parts, items: list[FeedItem]) -> Changes:
    now, actor = parts.clock.now(), f"terminal:{_who()}"
    feeds = tuple(feed_of(item, parts.settings.tocsin, origin=actor) for item in items)
    details = (f"{feed.id} {feed.url.split('?', 1)[0][:120]}" for feed in feeds)
    return Changes(
        at=now,
        feeds=feeds,
        states=tuple(FeedState(feed_id=feed.id, next_check=now) for feed in feeds),
        audit=tuple(Audit(at=now, actor=actor, chat_id="", what="feed added", detail=detail) for detail in details),
    )


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"

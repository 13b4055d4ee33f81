"""`check`: validate every file at once, and say what would run."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import orjson
import typer
from rich.console import Console
from rich.table import Table

from bot import app
from bot.cli.options import CONFIG, DOTENV, AsJson, ConfigDir
from bot.config.settings import Settings, load
from bot.core.errors import ConfigError


def command(config: ConfigDir = CONFIG, as_json: AsJson = False) -> None:
    """Validate the configuration. Exit 2 with every mistake as file:line:column."""
    try:
        settings = load(config, dotenv=DOTENV)
        channels = asyncio.run(app.rehearse(settings))
    except ConfigError as error:
        if as_json:
            problems = [{"file": p.file, "line": p.line, "column": p.column, "text": p.text} for p in error.problems]
            sys.stdout.buffer.write(orjson.dumps({"ok": False, "problems": problems}) + b"\n")
            raise typer.Exit(2) from None
        raise
    facts = _facts(settings, channels)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps({"ok": True, **facts}) + b"\n")
        return
    table = Table(show_header=False, box=None)
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), ", ".join(value) if isinstance(value, list) else str(value))
    out = Console()
    out.print(f"{config} is well. What would run:", soft_wrap=True)
    out.print(table)
    if not settings.tocsin.fetch.contact and any("sec.gov" in f.url for f in settings.feeds if f.enabled):
        out.print("Note: the sec.gov feeds stay unread until fetch.contact in tocsin.yaml names your e-mail address.")


def _facts(settings: Settings, channels: Sequence[str]) -> dict[str, object]:
    environment = settings.environment
    targets = [f"apprise:{name}" for name in environment.apprise]
    return {
        "channels": [name for channel in channels for name in (targets if channel == "apprise" else [channel])],
        "owners": sorted(environment.owners),
        "feeds_on": sum(f.enabled for f in settings.feeds),
        "feeds_off": sum(not f.enabled for f in settings.feeds),
        "topics": [t.name for t in settings.rules.topics],
        "rules": sum(len(t.rules) for t in settings.rules.topics),
        "names": len(settings.rules.names),
        "store": "TinyDB",
        "retention_days": round(settings.tocsin.retention / 86400, 2),
    }

"""`joins`: what people said of stories by /split and /merge, as examples to test joining by."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from bot import logs
from bot.cli.options import CONFIG, DATA, DOTENV, ConfigDir, DataDir
from bot.cli.view import looking
from bot.commands.stories import AUDITED
from bot.config.settings import Settings, load

MOST = 10_000


def command(config: ConfigDir = CONFIG, data: DataDir = DATA) -> None:
    """Print pairs of headlines and whether they are one story, one JSON object a line, oldest first; of a pair that
    was put right twice, what was said last."""
    settings = load(config, dotenv=DOTENV)
    logs.set_up("ERROR", settings.environment.secrets())
    for detail in asyncio.run(_examples(settings, data)) if data.is_dir() else ():
        sys.stdout.write(detail + "\n")


async def _examples(settings: Settings, data: Path) -> list[str]:
    async with looking(settings, data) as parts:
        said = [a.detail for a in reversed(await parts.store.audit(MOST)) if a.what.startswith(AUDITED)]
    return list(last_words(said).values())


def last_words(said: Iterable[str]) -> dict[frozenset[str], str]:
    """By pair of headlines, in either order: the last of the examples of it. said: JSON, oldest first."""
    last: dict[frozenset[str], str] = {}
    for detail in said:
        pair = json.loads(detail)
        headlines = frozenset({pair["a"], pair["b"]})
        last.pop(headlines, None)
        last[headlines] = detail
    return last

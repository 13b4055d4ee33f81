"""The kept data for commands that only look, also while the bot runs: then in a copy made for the moment."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot import app
from bot.config.settings import Settings
from bot.core.errors import Locked
from bot.stores import care


@asynccontextmanager
async def looking(settings: Settings, data: Path) -> AsyncIterator[app.Parts]:
    """Parts with an open store. Raises Corrupt, TooNew, StoreError."""
    with tempfile.TemporaryDirectory(prefix="tocsin-look-") as room:
        parts = app.build(settings, data, console=True)
        try:
            try:
                await app.open_parts(parts)
            except Locked:
                copy = Path(room) / "data"
                list(care.backup(data, copy))
                parts = app.build(settings, copy, console=True)
                await app.open_parts(parts)
            yield parts
        finally:
            await app.close_parts(parts)

"""Forget what is past its retention, once an hour."""

from __future__ import annotations

from datetime import timedelta

import structlog

from bot.core.errors import StoreError
from bot.core.ports import Clock, Store

log = structlog.get_logger("tidy")


class TidyJob:
    name = "tidy"
    every_s = 3600.0

    def __init__(self, store: Store, clock: Clock, retention_s: float) -> None:
        self._store = store
        self._clock = clock
        self._retention = timedelta(seconds=retention_s)

    async def run(self) -> None:
        try:
            gone = await self._store.tidy(self._clock.now() - self._retention)
        except StoreError as error:
            log.error("could not forget old rows; trying again in an hour", error=str(error))
            return
        if gone:
            log.info("forgot what is past its retention", rows=gone)

    async def drain(self) -> None:
        """Nothing runs on after `run`."""

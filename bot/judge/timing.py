"""When to look again: the next check of a feed, from its rate, its wishes and its failures."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.errors import FetchError
from bot.core.news import Feed, FeedState, Reading

FASTER, SLOWER = 0.5, 1.15
JITTER = 0.05
FAILURE_CAP_S = 3600.0
WALL_CAP_S = 6 * 3600.0
_WALLS = (401, 403, 404, 406, 451)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Shortest and longest pause between two good polls of an adaptive feed, in seconds."""

    min_s: float = 60.0
    max_s: float = 3600.0


def after_reading(
    feed: Feed, state: FeedState, reading: Reading, news: bool, bounds: Bounds, rng: random.Random
) -> FeedState:
    """The state after a good poll. News halves the pause, none lengthens it a little, within bounds; a document's
    ttl lengthens it up to the longest; a server's Retry-After always wins."""
    interval = feed.every_s or _adapted(state.interval_s, news, bounds)
    if not feed.every_s and reading.ttl_s:
        interval = max(interval, min(reading.ttl_s, bounds.max_s))
    pause = max(interval * rng.uniform(1 - JITTER, 1 + JITTER), reading.retry_after_s or 0.0)
    return FeedState(
        feed_id=state.feed_id,
        next_check=reading.at + timedelta(seconds=pause),
        interval_s=interval,
        validators=reading.validators,
        failures=0,
        error="",
        last_ok=reading.at,
        last_new=reading.at if news else state.last_new,
        baselined=True,
    )


def after_failure(
    feed: Feed, state: FeedState, error: FetchError, now: datetime, bounds: Bounds, rng: random.Random
) -> FeedState:
    """The state after a failed poll: the pause doubles with each failure in a row, up to an hour (six behind a wall
    such as 403), and is never shorter than Retry-After. Validators stay: nothing was read."""
    failures = state.failures + 1
    base = feed.every_s or state.interval_s or bounds.min_s
    cap = WALL_CAP_S if error.status in _WALLS else FAILURE_CAP_S
    pause = min(max(cap, base), base * 2.0 ** min(failures - 1, 20)) * rng.uniform(1 - JITTER, 1 + JITTER)
    pause = max(pause, error.retry_after_s or 0.0)
    return replace(state, next_check=now + timedelta(seconds=pause), failures=failures, error=str(error))


def _adapted(interval_s: float, news: bool, bounds: Bounds) -> float:
    if not interval_s:
        return bounds.min_s
    return min(bounds.max_s, max(bounds.min_s, interval_s * (FASTER if news else SLOWER)))

"""Minutes of a local day as moments, also on the days when the clocks are changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo


@cache
def zone_of(name: str) -> tzinfo:
    """The zone of this IANA name; UTC for one that is not, or no longer, known."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def first(day: date, minute: int, zone: tzinfo) -> datetime:
    """The moment (UTC) at which the clocks of that day first show this minute; when they leave it out, the moment they
    are put forward."""
    early, late = _both(day, minute, zone)
    return early if early <= late else _put_forward(late, early, zone)


def last(day: date, minute: int, zone: tzinfo) -> datetime:
    """Like `first`, but where the clocks show the minute twice, the second time."""
    early, late = _both(day, minute, zone)
    return late if early <= late else _put_forward(late, early, zone)


def _both(day: date, minute: int, zone: tzinfo) -> tuple[datetime, datetime]:
    """By the offset before a change of the clocks, and by the one after it: alike on every other day, in order where
    a minute is shown twice, and the wrong way round where it is left out."""
    local = datetime.combine(day, time(), zone) + timedelta(minutes=minute)
    return local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)


def _put_forward(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The moment the clocks are put forward, to the second; it is later than `before` and not later than `after`."""
    offset = before.astimezone(zone).utcoffset()
    low, high = int(before.timestamp()), int(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)

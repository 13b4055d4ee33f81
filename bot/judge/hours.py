"""What follows from a chat's habits: whether an alert waits and why, when a digest is due, how long it stays quiet.

A digest slot has a name: `2022-08-19T08:30`, the local day and time it is meant for, or `2022-08-19T06Z`, the UTC hour,
where there is one an hour. Names sort as time passes. A slot is due only while its name is above the one told last,
so neither a clock set back nor a journey to another zone tells one twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import Protocol

from bot.core.habits import Digest, Habits, Mute, Quiet
from bot.judge.localtime import first, last, zone_of
from bot.judge.text import HAN, fold

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FIRST_ZONE = timedelta(hours=14)
"""So far ahead of UTC are the clocks that show a time first."""


class Sourced(Protocol):
    """A report, as far as it matters here."""

    @property
    def source(self) -> str: ...


class Told(Protocol):
    """A story, as far as it matters here."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def entities(self) -> Sequence[str]: ...
    @property
    def reports(self) -> Sequence[Sourced]: ...


@dataclass(frozen=True, slots=True)
class Untold:
    """What stands for a story where there is none: a near miss, or one that is no longer kept."""

    id: str = ""
    title: str = ""
    entities: tuple[str, ...] = ()
    reports: tuple[Sourced, ...] = ()


def why_held(habits: Habits, story: Told, now: datetime, *, urgent: bool) -> str:
    """What keeps the chat from hearing of it now: the first of `mute`, `mute <what>`, `digest` and `quiet`; "" when
    nothing does. An urgent one passes a digest and quiet hours that let it, and no mute."""
    for mute in sorted(live_mutes(habits, now), key=lambda m: m.what):
        if _mutes(mute, story):
            return f"mute {mute.what}".rstrip()
    if habits.digest and not (urgent and habits.digest.urgent):
        return "digest"
    if habits.quiet and not (urgent and habits.quiet.urgent) and _is_quiet(habits.quiet, habits.zone, now):
        return "quiet"
    return ""


def live_mutes(habits: Habits, now: datetime) -> tuple[Mute, ...]:
    """Those that are not over."""
    return tuple(m for m in habits.mutes if m.until is None or m.until > now)


def _mutes(mute: Mute, story: Told) -> bool:
    if not mute.what or mute.what.startswith("#"):
        return mute.what in ("", f"#{story.id}")
    texts = (story.title, *(r.source for r in story.reports), *story.entities)
    pattern = _standing(mute.what)
    return any(pattern.search(fold(text)) for text in texts)


@lru_cache(maxsize=1000)
def _standing(words: str) -> re.Pattern[str]:
    """Finds folded words as they stand, side by side. At a Latin end no further letter or digit may follow; beside
    Chinese, which knows no blanks, anything may."""
    letter = rf"[^\W{HAN}]"
    head = rf"(?<!{letter})" if re.match(letter, words) else ""
    tail = rf"(?!{letter})" if re.search(rf"{letter}\Z", words) else ""
    return re.compile(f"{head}{re.escape(words)}{tail}")


def quiet_ends(habits: Habits, now: datetime) -> datetime | None:
    """When (UTC) the quiet hours that are on now are over; those that follow without a break count as one, up to a
    week. None when it is not quiet."""
    if habits.quiet is None:
        return None
    end = now
    for begins, ends in _spans(habits.quiet, habits.zone, now, 7):
        if begins <= end < ends:
            end = ends
    return end if end > now else None


def _is_quiet(quiet: Quiet, zone: str, now: datetime) -> bool:
    return any(begins <= now < ends for begins, ends in _spans(quiet, zone, now, 1))


def _spans(quiet: Quiet, zone: str, now: datetime, ahead: int) -> Iterator[tuple[datetime, datetime]]:
    """Quiet hours from those that may still be on until `ahead` days from now, in order. Where the clocks show a minute
    twice, they begin with the first and end with the second, so that they hold for all that the clocks show between."""
    local = zone_of(zone)
    today = now.astimezone(local).date()
    overnight = DAY if quiet.end <= quiet.start else timedelta()
    for day in (today + DAY * n for n in range(-1, ahead + 1)):
        if day.isoweekday() in quiet.days:
            yield first(day, quiet.start, local), last(day + overnight, quiet.end, local)


def slot_due(habits: Habits, now: datetime) -> str:
    """The newest digest slot whose time has come, when it is above the one told last; "" when none is."""
    newest = first_slot(habits, now)
    return newest if newest > habits.slot else ""


def first_slot(habits: Habits, now: datetime) -> str:
    """The newest digest slot that is past: what `Habits.slot` begins with, so that a digest just switched on waits for
    its next one. "" when there is no digest."""
    if habits.digest is None:
        return ""
    return next(name for name, at in _slots(habits.digest, habits.zone, now, -1) if at <= now)


def without_slot_ahead(habits: Habits, now: datetime) -> Habits:
    """The habits without a slot told last that no clock anywhere can show yet: it was told under a clock that was
    ahead, and would hold every digest until then. The slot before it is not known, so the newest one may come late; it
    never comes twice, as what was told is no longer held. An hour may be ahead by one: the clock was set back by it."""
    latest = f"{now + HOUR:%Y-%m-%dT%H}Z" if habits.slot.endswith("Z") else f"{now + FIRST_ZONE:%Y-%m-%dT%H:%M}"
    return replace(habits, slot="") if habits.slot > latest else habits


def next_slot(habits: Habits, now: datetime) -> datetime | None:
    """When (UTC) the next digest comes; None when there is no digest. Where the clock was set back, that is after the
    slot told last."""
    habits, digest = without_slot_ahead(habits, now), habits.digest
    if digest is None:
        return None
    since = max(now, datetime.fromisoformat(habits.slot[:10]).replace(tzinfo=UTC)) if habits.slot else now
    return next(at for name, at in _slots(digest, habits.zone, since, 1) if at > now and name > habits.slot)


def _slots(digest: Digest, zone: str, around: datetime, step: int) -> Iterator[tuple[str, datetime]]:
    """Slots by name and moment, without end: forward (step 1) from some before `around`, back (-1) from some after."""
    local = zone_of(zone)
    if digest.every == "hourly":
        hour = around.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - HOUR * step
        for at in (hour + HOUR * step * n for n in count()):
            yield f"{at:%Y-%m-%dT%H}Z", at + timedelta(minutes=_minute_of_hour(digest.at, at.astimezone(local)))
    today: date = around.astimezone(local).date() - DAY * step
    for day in (today + DAY * step * n for n in count()):
        if digest.every == "daily" or day.isoweekday() == digest.weekday:
            yield f"{day}T{digest.at // 60:02}:{digest.at % 60:02}", first(day, digest.at, local)


def _minute_of_hour(at: int, local: datetime) -> int:
    """The minute of the UTC hour at which local clocks show minute `at` of an hour of theirs: zones may be 30 or 45
    minutes off, and every UTC hour has exactly one such minute."""
    offset = local.utcoffset() or timedelta()
    return (at - int(offset.total_seconds() // 60)) % 60


def with_digest(habits: Habits, digest: Digest | None, now: datetime) -> Habits:
    """The habits with this digest, whose first slot is one to come."""
    made = replace(habits, digest=digest)
    return replace(made, slot=first_slot(made, now))


def with_zone(habits: Habits, zone: str, now: datetime) -> Habits:
    """The habits in this zone. No digest comes at once for a time that is past there, nor again for one told before."""
    made = replace(habits, zone=zone)
    return replace(made, slot=max(habits.slot, first_slot(made, now)))

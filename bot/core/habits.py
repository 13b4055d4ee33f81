"""When a chat wants to hear: its time zone, quiet hours, digest and mutes. What follows from them: judge/hours.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """what: folded words as the person wrote them, `#a1b2c3` for one story, "" for everything. until: None lasts
    until it is taken back."""

    what: str
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """start, end: minutes of the local day (0 to 1439); an end that is not after its start is on the next day, so two
    equal ones are a whole day. days: ISO weekdays (1 is Monday) on which it begins. urgent: whether urgent alerts
    come all the same."""

    start: int
    end: int
    days: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """every: `hourly`, `daily` or `weekly`. at: minute of the local day, for hourly of the local hour. weekday: ISO, of
    a weekly one. urgent: whether urgent alerts come at once all the same."""

    every: str
    at: int = 0
    weekday: int = 1
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """zone: IANA name. slot: name of the digest slot that was told last (`judge.hours.slot_due`), "" before the first.
    mutes: those that are over may still be among them."""

    zone: str = "UTC"
    quiet: Quiet | None = None
    digest: Digest | None = None
    mutes: tuple[Mute, ...] = ()
    slot: str = ""

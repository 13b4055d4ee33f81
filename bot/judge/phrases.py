"""Habits in words: read from what people write, and said back to them in sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType
from zoneinfo import available_timezones

from bot.core.durations import seconds
from bot.core.habits import Digest, Habits, Mute, Quiet
from bot.judge.localtime import first, last, zone_of
from bot.judge.text import fold

LONGEST = timedelta(days=366)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EVERY_DAY, WORKING, WEEKEND = (1, 2, 3, 4, 5, 6, 7), (1, 2, 3, 4, 5), (6, 7)
_DAYS = {"": EVERY_DAY, "daily": EVERY_DAY, "weekdays": WORKING, "weekends": WEEKEND}
_SHAPE_OF_QUIET = re.compile(r"(\S+?) ?(?:[-–—~]|to) ?(\S+?)(?: (daily|weekdays|weekends))?( except urgent)?")
_SHAPE_OF_DIGEST = re.compile(r"(?:(hourly)|(daily) (\S+)|(weekly) ([a-z]+) (\S+))( except urgent)?")
_CLOCK = re.compile(r"([01]?\d|2[0-4])(?::([0-5]\d))?")
# Cities that people here name, and that the IANA list has under another.
_CITIES = {
    "beijing": "Asia/Shanghai",
    "peking": "Asia/Shanghai",
    "shenzhen": "Asia/Shanghai",
    "北京": "Asia/Shanghai",
    "上海": "Asia/Shanghai",
    "深圳": "Asia/Shanghai",
    "香港": "Asia/Hong_Kong",
    "台北": "Asia/Taipei",
    "新加坡": "Asia/Singapore",
}
_NO_PLACES = frozenset({"localtime", "Factory", "posixrules"})
_OFFSET = re.compile(r"(?:utc|gmt)?[+-]?\d.*")


def parse_quiet(text: str) -> Quiet:
    """`22:00-07:00 [daily | weekdays | weekends] [except urgent]`; `00:00-24:00` is a whole day. Raises ValueError with
    a sentence for a person."""
    found = _SHAPE_OF_QUIET.fullmatch(_plain(text))
    if not found:
        raise ValueError(f"quiet hours are written like 22:00-07:00 weekdays except urgent, not {text.strip()[:60]!r}")
    quiet = Quiet(
        start=_minute(found[1]), end=_minute(found[2]), days=_DAYS[found[3] or ""], urgent=found[4] is not None
    )
    if quiet.start == quiet.end and quiet.days == EVERY_DAY:
        raise ValueError("that would be quiet at all times, which is what mute does")
    return quiet


def parse_digest(text: str) -> Digest:
    """`hourly`, `daily 08:30` or `weekly mon 09:00`, each with `except urgent` if wanted. Raises ValueError with a
    sentence for a person."""
    found = _SHAPE_OF_DIGEST.fullmatch(_plain(text))
    if not found:
        shapes = "hourly, daily 08:30 or weekly mon 09:00"
        raise ValueError(f"a digest is written like {shapes}, and may end in except urgent, not {text.strip()[:60]!r}")
    urgent = found[7] is not None
    if found[1]:
        return Digest(every="hourly", urgent=urgent)
    if found[2]:
        return Digest(every="daily", at=_minute(found[3]), urgent=urgent)
    return Digest(every="weekly", at=_minute(found[6]), weekday=_weekday(found[5]), urgent=urgent)


def parse_until(text: str, now: datetime, zone: str) -> datetime:
    """`8h` and `for 8h` from now, or `until 09:00`, the next time the clocks of the zone show it; as UTC. Raises
    ValueError with a sentence for a person."""
    written = _plain(text)
    if written.startswith("until"):
        minute, local = _minute(written.removeprefix("until").strip()), zone_of(zone)
        today = now.astimezone(local).date()
        days = (today + timedelta(days=n) for n in range(3))
        return next(at for day in days for show in (first, last) if (at := show(day, minute, local)) > now)
    length = seconds(written.removeprefix("for "))
    if not 0 < length <= LONGEST.total_seconds():
        raise ValueError(f"it can be for up to {LONGEST.days}d")
    return now + timedelta(seconds=length)


def parse_zone(text: str) -> str:
    """The IANA name for one written in any case, or for a city that has a zone of its own (`Shanghai`). Raises
    ValueError with the nearest there is."""
    written = "_".join(text.split()).lower()
    zones, cities = _zones(), _cities()
    if written in zones:
        return zones[written]
    if _OFFSET.fullmatch(written):  # and Etc/GMT+8 is eight hours behind UTC
        raise ValueError("name a place with that time, like Asia/Shanghai; an offset does not know of summer time")
    named = cities.get(written, ())
    if len(named) == 1:
        return named[0]
    if named:
        raise ValueError(f"there are {', '.join(named[:-1])} and {named[-1]}; name one of them")
    near = get_close_matches(written[:40], [*zones, *cities], 1, 0.7)
    hint = f"did you mean {zones.get(near[0]) or cities[near[0]][0]}?" if near else "they are named like Asia/Shanghai"
    raise ValueError(f"I know no time zone {text.strip()[:40]!r}; {hint}")


@cache
def _zones() -> Mapping[str, str]:
    """Every zone by its name in small letters."""
    return MappingProxyType({name.lower(): name for name in sorted(available_timezones() - _NO_PLACES)})


@cache
def _cities() -> Mapping[str, tuple[str, ...]]:
    """The zones of a city, or of whatever else their names end in."""
    found = {city: (zone,) for city, zone in _CITIES.items()}
    for name in _zones().values():
        region, _, city = name.rpartition("/")
        if region:
            found[city.lower()] = (*found.get(city.lower(), ()), name)
    return MappingProxyType(found)


def _plain(text: str) -> str:
    """Full-width digits and colons as half, capitals as small, one blank between words."""
    return " ".join(fold(text).split())


def _minute(written: str) -> int:
    """Minute of the day of `08:30` or `8`; 0 for `24:00`. Raises ValueError."""
    found = _CLOCK.fullmatch(written)
    minute = int(found[1]) * 60 + int(found[2] or 0) if found else -1
    if not 0 <= minute <= 1440:
        raise ValueError(f"a time of day is written like 08:30, not {written[:40]!r}")
    return minute % 1440


def _weekday(written: str) -> int:
    """ISO weekday of `mon`, `monday` and whatever is between. Raises ValueError."""
    for number, name in enumerate(WEEKDAYS, 1):
        if len(written) >= 3 and name.lower().startswith(written):
            return number
    raise ValueError(f"a day of the week is written like mon, not {written[:40]!r}")


def words(habits: Habits) -> list[str]:
    """Everything in force, a sentence each. Mutes that are over are for the caller to leave out."""
    return [
        f"Times are those of {habits.zone}.",
        quiet_words(habits.quiet),
        digest_words(habits.digest),
        *([mute_words(mute, habits.zone) for mute in habits.mutes] or ["Nothing is muted."]),
    ]


def quiet_words(quiet: Quiet | None) -> str:
    if quiet is None:
        return "There are no quiet hours."
    named = {EVERY_DAY: "every day", WORKING: "on weekdays", WEEKEND: "on weekends"}
    days = named.get(quiet.days) or f"on {', '.join(WEEKDAYS[n - 1] for n in quiet.days)}"
    hours = f"from {_clock(quiet.start)} to {_clock(quiet.end)}"
    if quiet.start == quiet.end:
        hours = "all day" if quiet.start == 0 else f"for 24 hours from {_clock(quiet.start)}"
    return f"It is quiet {hours} {days}{', except for urgent alerts' if quiet.urgent else ''}."


def digest_words(digest: Digest | None) -> str:
    if digest is None:
        return "Alerts come one by one, as they happen."
    when = {
        "hourly": "every hour" if not digest.at else f"every hour at :{digest.at:02}",
        "daily": f"every day at {_clock(digest.at)}",
        "weekly": f"every {WEEKDAYS[digest.weekday - 1]} at {_clock(digest.at)}",
    }[digest.every]
    return f"Alerts come together in a digest {when}{'; urgent ones come at once' if digest.urgent else ''}."


def mute_words(mute: Mute, zone: str) -> str:
    until = stamp(mute.until, zone) if mute.until else "you unmute it"
    return f"{muted(mute)} is muted until {until}."


def muted(mute: Mute) -> str:
    """What a mute is about: `Everything`, `#a1b2c3` or words in quotation marks."""
    if not mute.what:
        return "Everything"
    return mute.what if mute.what.startswith("#") else f"“{mute.what}”"


def stamp(moment: datetime, zone: str) -> str:
    """`Fri 2022-08-19 08:30 (Asia/Shanghai)`."""
    local = moment.astimezone(zone_of(zone))
    return f"{WEEKDAYS[local.weekday()][:3]} {local:%Y-%m-%d %H:%M} ({zone})"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"

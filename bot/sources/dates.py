"""When something was published, however it is written; a zone for each source, never a guess that shifts the day."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

_FUTURE = timedelta(minutes=15)
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_MONTHS = {
    m: i for i, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
# Names whose meaning does not depend on who uses them. CST, IST and BST do: there the source's own zone decides.
_OFFSETS = {
    "gmt": 0,
    "utc": 0,
    "ut": 0,
    "z": 0,
    "wet": 0,
    "est": -5,
    "edt": -4,
    "cdt": -5,
    "mst": -7,
    "mdt": -6,
    "pst": -8,
    "pdt": -7,
    "hkt": 8,
    "sgt": 8,
    "awst": 8,
    "jst": 9,
    "kst": 9,
    "cet": 1,
    "cest": 2,
    "msk": 3,
}
_PLACES = {"et": "America/New_York", "ct": "America/Chicago", "pt": "America/Los_Angeles"}
_ISO = re.compile(
    r"(\d{4})(?:-|/|\.|年)\s*(\d{1,2})(?:-|/|\.|月)\s*(\d{1,2})日?"
    r"(?:[T\s,]*(上午|下午|晚上|凌晨|中午)?\s*(\d{1,2})(?::|时|點|点)(\d{1,2})?分?(?::?(\d{1,2})(?:[.,]\d+)?秒?)?)?\s*(.*)$",
    re.I,
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(\d{2})?)?\s*(Z|[+-]\d{2}:?\d{2})?$")
_RFC822 = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?(\d{1,2})[\s-]+([A-Za-z]{3})[a-z]*\.?,?[\s-]+(\d{2,4})"
    r"(?:,?\s+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?\s*(.*)$"
)
_US = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?([A-Za-z]{3})[a-z]*\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})"
    r"(?:,?\s+(?:at\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(am|pm)?)?\s*(.*)$",
    re.I,
)
_AGO = re.compile(
    r"(\d{1,4})\s*(秒|分钟|分鐘|小时|小時|天|日|周|second|minute|hour|day|week)s?\s*(?:钟|鐘)?\s*(?:前|ago)", re.I
)
_AGO_S = {
    "秒": 1,
    "分": 60,
    "小": 3600,
    "天": 86400,
    "日": 86400,
    "周": 604800,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86400,
    "w": 604800,
}
_DAYS = {"今天": 0, "today": 0, "昨天": 1, "yesterday": 1, "前天": 2}
_LATER = ("下午", "晚上")


def published(raw: str, now: datetime, zone: str = "UTC", pattern: str = "") -> tuple[datetime | None, bool]:
    """The moment (aware, UTC) and whether only its day is known.

    pattern: strptime's, for a source whose order of day and month must be told. Nonsense, the epoch, and anything
    more than 15 minutes ahead of `now` give (None, False): first-seen time is used then.
    """
    raw = raw.strip()[:200]
    home = ZoneInfo(zone)
    try:
        found = _strptime(raw, pattern, home) if pattern else _parse(raw, now, home)
    except (ValueError, OverflowError, KeyError):
        return None, False
    if found is None:
        return None, False
    moment, day_only = found
    try:
        moment = moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None, False
    if moment > now + _FUTURE and day_only and moment - now < timedelta(days=1):
        moment = now  # today's date, written where the day has begun already
    if not _EARLIEST <= moment <= now + _FUTURE:
        return None, False
    return moment, day_only


def _strptime(raw: str, pattern: str, home: tzinfo) -> tuple[datetime, bool]:
    moment = datetime.strptime(raw, pattern)  # noqa: DTZ007 - the source's zone is put on next
    day_only = not re.search(r"%[HIcXs]", pattern)
    return (moment if moment.tzinfo else moment.replace(tzinfo=home)), day_only


def _parse(raw: str, now: datetime, home: ZoneInfo) -> tuple[datetime, bool] | None:
    if re.fullmatch(r"\d{10}(\.\d+)?|\d{13}", raw):
        return datetime.fromtimestamp(float(raw[:10]), UTC), False
    if found := _COMPACT.match(raw):
        y, mo, d, h, mi, s, z = found.groups()
        return _moment(y, mo, d, h, mi, s, "", z or "", home)
    if found := _ISO.match(raw):
        y, mo, d, half, h, mi, s, z = found.groups()
        return _moment(y, mo, d, h, mi, s, half or "", z, home)
    if found := _RFC822.match(raw):
        d, month, y, h, mi, s, z = found.groups()
        year = y if len(y) == 4 else str(2000 + int(y) if int(y) < 70 else 1900 + int(y))
        return _moment(year, str(_MONTHS[month.lower()]), d, h, mi, s, "", z, home)
    if found := _US.match(raw):
        month, d, y, h, mi, s, half, z = found.groups()
        return _moment(y, str(_MONTHS[month.lower()]), d, h, mi, s, (half or "").lower(), z, home)
    return _relative(raw, now, home)


def _relative(raw: str, now: datetime, home: ZoneInfo) -> tuple[datetime, bool] | None:
    if found := _AGO.search(raw):
        unit = found[2][0].lower()
        return now - timedelta(seconds=int(found[1]) * _AGO_S[unit]), unit in "天日周dw"
    for word, days in _DAYS.items():
        if raw.lower().startswith(word):
            day = (now.astimezone(home) - timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
            clock = re.search(r"(\d{1,2}):(\d{2})", raw)
            return (day.replace(hour=int(clock[1]), minute=int(clock[2])), False) if clock else (day, True)
    if raw in ("刚刚", "刚才", "剛剛", "just now"):
        return now, False
    return None


def _moment(
    y: str, mo: str, d: str, h: str | None, mi: str | None, s: str | None, half: str, zone: str, home: tzinfo
) -> tuple[datetime, bool] | None:
    if h is None:
        return datetime(int(y), int(mo), int(d), tzinfo=_zone(zone) or home), True
    hour = int(h) % 12 if half in ("am", "pm", "凌晨", "上午") and int(h) == 12 else int(h)
    if (half in _LATER or half == "pm" or (half == "中午" and hour < 3)) and hour < 12:
        hour += 12
    day = datetime(int(y), int(mo), int(d), tzinfo=_zone(zone) or home)
    seconds = min(int(s or 0), 59)  # a leap second is not a reason to lose the date
    if hour == 24:
        return day + timedelta(days=1, minutes=int(mi or 0)), False
    return day.replace(hour=hour, minute=int(mi or 0), second=seconds), False


def _zone(written: str) -> tzinfo | None:
    """The zone at the end of a date, None when there is none that is unambiguous: then the source's own holds."""
    written = written.strip().strip("()").lower()
    if not written:
        return None
    if found := re.match(r"(?:gmt|utc)?\s*([+-])(\d{1,2})(?::?(\d{2}))?", written):
        sign = -1 if found[1] == "-" else 1
        return timezone(sign * timedelta(hours=int(found[2]), minutes=int(found[3] or 0)))
    name = re.match(r"[a-z]+", written)
    if name and name[0] in _OFFSETS:
        return timezone(timedelta(hours=_OFFSETS[name[0]]))
    if name and name[0] in _PLACES:
        return ZoneInfo(_PLACES[name[0]])
    if re.match(r"[a-z]+/[a-z_]+", written):
        return ZoneInfo("/".join(p.title() for p in written.split("/")))
    return None

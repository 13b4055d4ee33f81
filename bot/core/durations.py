"""Times as people write them: `30s 5m 8h 2d`."""

from __future__ import annotations

import re

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SHAPE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([smhd])")


def seconds(text: str) -> float:
    """Seconds. Raises ValueError with a sentence for a person."""
    found = _SHAPE.fullmatch(text.strip().lower())
    if not found:
        raise ValueError(f"a time is written like 30s, 5m, 8h or 2d, not {text[:40]!r}")
    return float(found[1]) * _UNITS[found[2]]


def words(duration_s: float) -> str:
    """The same the other way, in the largest unit that is not below one: `90s`, `15m`, `8h`, `2d`."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if duration_s >= size and duration_s % size == 0:
            return f"{int(duration_s // size)}{unit}"
    if duration_s >= 120:
        return f"{round(duration_s / 60)}m" if duration_s < 7200 else f"{round(duration_s / 3600)}h"
    return f"{round(duration_s)}s"

"""Where sentences begin and end, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = re.compile(r"[。！？!?]+[”’」』）)\"']*|\.+[”’\")]*(?=\s|$)|\n+")
_ABBREVIATIONS = frozenset(
    """mr mrs ms dr prof st jr sr inc ltd co corp no vs etc u.s u.k e.g i.e
    jan feb mar apr jun jul aug sep sept oct nov dec""".split()  # noqa: SIM905
)


def sentences(body: str) -> Iterator[tuple[int, int]]:
    """Where English and Chinese sentences begin and end, ends included, blanks around them not."""
    start = 0
    for end in _END.finditer(body):
        piece = body[start : end.end()]
        last = piece.rstrip(" .\n\"')”’").rsplit(" ", 1)[-1].lower().lstrip("(\"'“‘")
        if end[0].startswith(".") and (last in _ABBREVIATIONS or (len(last) == 1 and last.isalpha())):
            continue
        if piece.strip():
            yield _trimmed(body, start, end.end())
        start = end.end()
    if body[start:].strip():
        yield _trimmed(body, start, len(body))


def _trimmed(body: str, start: int, end: int) -> tuple[int, int]:
    piece = body[start:end]
    return start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())

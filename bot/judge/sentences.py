"""Where sentences begin and end, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = re.compile(r"[。！？!?]+[”’」』）)\"']*|\.+[”’\")]*(?=\s|$)|\n+")
_BEFORE_NAMES = frozenset(
    """Mr Mrs Ms Dr Gov Sen Sens Rep Reps Gen Col Lt Maj Sgt Capt Cpl Adm Prof Rev Hon Amb Pres Sec Supt St Messrs
    vs approx e.g i.e cf""".split()  # noqa: SIM905
)
"""A name, or more of the same, follows: no sentence ends here."""
_ANYWHERE = frozenset(
    """Jr Sr Inc Ltd Co Corp Cos Bros Dept Univ Assn Est est etc ca a.m p.m Ph.D U.S U.K E.U U.N Jan Feb Mar Apr Jun
    Jul Aug Sep Sept Oct Nov Dec Mon Tue Tues Wed Thu Thur Thurs Fri Sat Sun inc ltd co corp jr sr""".split()  # noqa: SIM905
)
_BEFORE_NUMBERS = frozenset("no nos fig figs art vol p pp".split())  # noqa: SIM905
_INITIALS = re.compile(r"(?:[A-Za-z]\.)*[A-Za-z]")
_OPENER = re.compile(
    r"[\s\"“‘']+(?:The|An?|It|Its|He|His|She|Her|They|Their|We|Our|This|That|These|Those|There|In|On|At|By|For|But|And"
    r"|However|Meanwhile|Also|As|After|Before|When|While|If|No|Not|Shares|Analysts|Officials|Regulators|Sources)\b"
)
"""A sentence begins with it, where a name may stand as well."""


def sentences(body: str) -> Iterator[tuple[int, int]]:
    """Where English and Chinese sentences begin and end, ends included, blanks around them not."""
    start = 0
    for end in _END.finditer(body):
        piece = body[start : end.end()]
        if end[0].startswith(".") and _goes_on(piece, body, end.end()):
            continue
        if piece.strip():
            yield _trimmed(body, start, end.end())
        start = end.end()
    if body[start:].strip():
        yield _trimmed(body, start, len(body))


def _goes_on(piece: str, body: str, end: int) -> bool:
    """Whether the points that end the piece belong to an abbreviation or a pause. end: where it ends in the body."""
    ahead = body[end : end + 20]
    if piece.endswith("..."):
        return ahead.lstrip()[:1].islower()
    words = piece[-40:].rstrip(" .\n\"')”’").split()
    last = words[-1].lstrip("(\"'“‘") if words else ""
    if last in _BEFORE_NAMES:
        return True
    if last.lower() in _BEFORE_NUMBERS:
        return ahead.lstrip()[:1].isdigit()
    return bool(last in _ANYWHERE or _INITIALS.fullmatch(last)) and bool(ahead.strip()) and not _OPENER.match(ahead)


def _trimmed(body: str, start: int, end: int) -> tuple[int, int]:
    piece = body[start:end]
    return start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())

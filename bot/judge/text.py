"""Texts made comparable: one width, one case, one script, without quotes and stray blanks; offsets kept."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from opencc import OpenCC

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_MARKS = re.compile(
    '["“”‘「」『』《》〈〉【】*_\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]'
)
"""Quotes, and what nobody sees: soft hyphens, joiners, directions, variants."""
_REPEATED = re.compile(r"(?<!\x1f) (?= )")
"""Blanks before another; not the one that stands between title and body, so that a body's beginning keeps its own."""
_BLANKS = re.compile(rf"(?<=[{HAN}]) +(?=[{HAN}0-9a-z])|(?<=[0-9a-z]) +(?=[{HAN}])")
_APOSTROPHE = re.compile(rf"(?<=[{HAN}])'+|'+(?=[{HAN}])")
_BESIDE_HAN = re.compile(rf"[{HAN}] | [{HAN}]")
_ABBREVIATION = re.compile(r"(?<![a-z])([a-z])\. ?(?=[a-z]\.)|(?:(?<=[^a-z][a-z])|(?<=^[a-z]))\.(?= |$)")
BETWEEN = " \x1f "
"""Stands between title and body where both are one text; no word holds it."""
_BAR = BETWEEN.strip(" ")
LONGEST = 4000
"""Characters of a field that are judged; a headline and its lede say what an item is about."""


@cache
def table() -> dict[int, str]:
    """Character to character: full width to half, capitals to small, traditional to simplified, NFKC where it is one
    character. Length is kept."""
    convert = OpenCC("t2s").convert
    made: dict[int, str] = {}
    for code in range(0x20, 0x10000):
        if 0xD800 <= code <= 0xDFFF or 0xAC00 <= code <= 0xD7A3 or 0xE000 <= code <= 0xF8FF:
            continue
        character = chr(code)
        normal = unicodedata.normalize("NFKC", character)
        folded = (normal if len(normal) == 1 else character).lower()
        if len(folded) == 1 and folded != character:
            made[code] = folded
    radicals = range(0x2E80, 0x2FE0)
    for code in (*radicals, *range(0x3400, 0x4DC0), *range(0x4E00, 0xA000), *range(0xF900, 0xFB00)):
        character = made.get(code, chr(code))
        simple = convert(character)
        if len(simple) == 1 and simple != chr(code):
            made[code] = simple
    made.update(dict.fromkeys(range(0xD800, 0xE000), " "))  # halves of a character, which no encoder takes
    made.update({0x2019: "'", 0x3000: " ", 0xA0: " ", 0: " ", 10: " ", 13: " ", 9: " ", ord(_BAR): " "})
    return made


def fold(text: str) -> str:
    """The comparable form of a text, cut to LONGEST characters."""
    return _squeeze(text[:LONGEST].translate(_bare_table()))


def fold_both(title: str, body: str) -> tuple[str, int]:
    """Both folded in one go, and where the body begins. What stands between them is in no word."""
    title = title[:LONGEST]
    if not body:
        folded = _squeeze(title.translate(_bare_table()))
        return folded, len(folded)
    bare = _bare_table()
    both = _squeeze(f"{title.translate(bare)}{BETWEEN}{body[:LONGEST].translate(bare)}")
    return both, both.index(_BAR) + 2


@cache
def _bare_table() -> dict[int, str | None]:
    """The table, and marks left out."""
    return {**table(), **{code: None for code in range(0x10000) if _MARKS.match(table().get(code, chr(code)))}}


def _squeeze(bare: str) -> str:
    """Without apostrophes and blanks beside Chinese, blanks before blanks, and the points of `U. S.`."""
    han = not bare.isascii()
    if han and "'" in bare:
        bare = _APOSTROPHE.sub("", bare)
    if " " in bare:
        if "  " in bare:
            bare = _REPEATED.sub("", bare)
        if han and _BESIDE_HAN.search(bare):
            bare = _BLANKS.sub("", bare)
    return _ABBREVIATION.sub(lambda m: m[1] or "", bare) if "." in bare and _has_initial(bare) else bare


def _has_initial(bare: str) -> bool:
    """Whether a point stands behind a letter that stands alone; looking at each point is cheaper than the pattern."""
    at = bare.find(".")
    while at >= 0:
        if at and "a" <= bare[at - 1] <= "z" and not (at > 1 and "a" <= bare[at - 2] <= "z"):
            return True
        at = bare.find(".", at + 1)
    return False


def offsets(text: str) -> list[int]:
    """For each character of fold(text), its place in the text; one more at the end."""
    folded = text[:LONGEST].translate(table())
    places = list(range(len(folded)))
    for pattern in (_MARKS, _APOSTROPHE, _REPEATED, _BLANKS, _ABBREVIATION):
        gone: set[int] = set()
        for found in pattern.finditer(folded):
            kept = len(found[1]) if pattern is _ABBREVIATION and found[1] else 0
            gone.update(range(found.start() + kept, found.end()))
        if gone:
            folded = "".join(c for i, c in enumerate(folded) if i not in gone)
            places = [p for i, p in enumerate(places) if i not in gone]
    return [*places, len(text[:LONGEST])]


def is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff"


def is_chinese(text: str) -> bool:
    """Whether a text is mainly written in Han characters."""
    head = text[:300].replace(" ", "")
    return sum(map(is_han, head)) * 5 > len(head)

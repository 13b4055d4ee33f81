"""How texts are compared in a search: width, case and script make no difference; Chinese is cut into pairs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from opencc import OpenCC

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN = re.compile(rf"([{_HAN}]+)|([a-z0-9]+)")


def fold(text: str) -> str:
    """NFKC, lower case, traditional characters as simplified ones."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_simplified())


def terms(text: str) -> Iterator[str]:
    """What a text is found by: every pair and every single character of Chinese, every Latin word or number."""
    for han, word in _RUN.findall(fold(text)):
        if word:
            yield word
        yield from han
        yield from (han[i : i + 2] for i in range(len(han) - 1))


@cache
def _simplified() -> dict[int, str]:
    """One traditional character -> its simplified one, from OpenCC's tables, tried a character at a time."""
    convert = OpenCC("t2s").convert
    characters = [chr(c) for span in ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00)) for c in range(*span)]
    table: dict[int, str] = {}
    for start in range(0, len(characters), 1000):
        chunk = characters[start : start + 1000]
        converted = convert("\n".join(chunk)).split("\n")
        table.update({ord(a): b for a, b in zip(chunk, converted, strict=True) if a != b and len(b) == 1})
    return table

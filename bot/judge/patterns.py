"""Regular expressions in rules: found in any case and either script, as words are, and in linear time."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

import re2

from bot.judge.text import HAN, fold

_MEMORY = 8 * 1024 * 1024
_PIECE = re.compile(r"\\Q.*?(?:\\E|$)|\\[xpP]\{[^}]*\}|\\.|.", re.DOTALL)
_BLANKS = re.compile(rf"(?<=[{HAN}]) +(?=[{HAN}0-9A-Za-z])|(?<=[0-9A-Za-z]) +(?=[{HAN}])")
# One that begins or ends an alternative says where a word ends, and stays.
_BESIDE = re.compile(rf"(?<=[{HAN}]) (?![?*+{{|)]|$)|(?<=[^\s(|]) (?=[{HAN}])")
_REPEATED = re.compile(r"(?<!\\) {2,}(?![?*+{])")
_MARKS_ONLY = re.compile(r"\[[“”‘「」『』《》〈〉【】\"]+\]")
NOTHING = "(?:)"


class Match(Protocol):
    def start(self) -> int: ...
    def end(self) -> int: ...


def searcher(written: str) -> Callable[[str], Match | None]:
    """What finds the pattern in a folded text. Raises ValueError with a sentence."""
    if re.search(r"\(\?[a-zA-Z]*-[a-zA-Z]*i", written):
        raise ValueError("patterns are found in any case; leave (?-i) out")
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    options.case_sensitive = False
    try:
        search: Callable[[str], Match | None] = re2.compile(_folded(written), options).search
    except re2.error as error:
        words = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"this pattern cannot be used: {words}") from None
    if search(""):
        raise ValueError("this pattern holds for every text, even an empty one; say what must be there")
    return search


def _folded(written: str) -> str:
    """Its characters as folding leaves them in texts: simplified, half width, without quotation marks, without
    blanks beside Chinese, one blank where there are more."""
    written = _BESIDE.sub(" ?", _BLANKS.sub("", _REPEATED.sub(" ", _MARKS_ONLY.sub(NOTHING, written))))
    pieces: list[str] = []
    inside = False
    for piece in _PIECE.findall(written):
        if piece in "[]":
            inside = piece == "["
        pieces.append(piece if len(piece) > 2 else _literal(piece, inside))
    return "".join(pieces)


def _literal(piece: str, inside: bool) -> str:
    """inside: within [ ], where nothing can stand for nothing."""
    character = piece[-1]
    if len(piece) == 2 and (character.isalnum() or fold(character)):
        return piece
    if character.isascii() and character != '"' and len(piece) == 1:
        return piece
    plain = fold(character)
    if not plain:
        return character if inside else NOTHING
    # What was full width may be a sign that means something in a pattern.
    return "\\" + plain if plain.isascii() and not plain.isalnum() else plain

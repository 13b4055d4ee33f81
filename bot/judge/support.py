"""What a rewritten summary says that its source does not: such sentences are dropped."""

from __future__ import annotations

import re

from bot.judge.amounts import amounts
from bot.judge.summary import LONGEST, sentences
from bot.judge.text import HAN, fold, is_chinese

_SHARE = 0.6
"""Of a sentence's words, this many must stand in the source."""
_MOST = 3
_WORDS = re.compile(rf"[a-z][a-z'-]{{3,}}|[{HAN}]{{2,}}")
_NAME = re.compile(r"(?<![.!?] )(?<!^)\b[A-Z][\w-]{2,}")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def supported(text: str, source: str) -> str:
    """Those of the text's sentences, at most three, whose numbers and names all stand in the source and whose words
    mostly do; "" when none is left."""
    folded = fold(source)
    kept: list[str] = []
    length = 0
    for start, end in sentences(text):
        sentence = text[start:end]
        if len(kept) < _MOST and length + len(sentence) <= LONGEST and _holds(sentence, folded):
            kept.append(sentence)
            length += len(sentence) + 1
    return ("" if is_chinese(text) else " ").join(kept)


def _holds(sentence: str, source: str) -> bool:
    said = fold(sentence)
    sums = {(a.value, a.currency) for a in amounts(source)}
    if any((a.value, a.currency) not in sums for a in amounts(said)):
        return False
    numbers = {n.replace(",", "") for n in _NUMBER.findall(source)}
    if any(n.replace(",", "") not in numbers for n in _NUMBER.findall(said)):
        return False
    if any(fold(name) not in source for name in _NAME.findall(sentence)):
        return False
    words = list(_terms(said))
    return bool(words) and sum(w in source for w in words) >= _SHARE * len(words)


def _terms(text: str) -> list[str]:
    """Words by their beginnings, so that `fined` is supported by `fines`; pairs of Chinese characters."""
    terms = []
    for run in _WORDS.findall(text):
        terms += [run[:5]] if run[0].isascii() else [run[i : i + 2] for i in range(len(run) - 1)]
    return terms

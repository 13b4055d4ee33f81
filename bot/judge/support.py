"""What a rewritten summary says that its source does not: such sentences are dropped, and when in doubt as well."""

from __future__ import annotations

import re
from itertools import islice

from bot.judge.boilerplate import is_boilerplate, without_bylines
from bot.judge.sentences import sentences
from bot.judge.shortening import Shortened
from bot.judge.summary import LONGEST
from bot.judge.text import fold, is_chinese
from bot.judge.voice import wordings

_MOST = 3
_LOOKED_AT = 12
_READ = 150
"""Sentences of a source; a summary is of its beginning."""
_FEWEST = 3
"""Words, or twice as many Chinese characters, that tell something."""
_WORD = re.compile(r"[a-z0-9][a-z0-9.,'-]*|[\u3400-\u9fff]{2}")
_POINTS_BACK = re.compile(
    r"(?:it|its|he|his|she|her|they|their|the (?:company|firm|regulator|watchdog|app|platform))\b"
    r"|其|他|她|它|该|这|此|公司|两者|双方"
)


def supported(text: str, source: str) -> str:
    """Those of the text's sentences, at most three, each of which is a sentence of the source, shortened or put in the
    passive; "" when none is left."""
    there = [
        [Shortened(wording) for wording in wordings(fold(source[start + first : start + last]).strip())]
        for start, end in islice(sentences(source), _READ)
        for first, last in without_bylines(source[start:end])
    ]
    kept: list[str] = []
    length = 0
    before: set[int] = set()
    for start, end in islice(sentences(text), _LOOKED_AT):
        sentence = text[start:end]
        if len(kept) >= _MOST or length + len(sentence) > LONGEST or sentence in kept:
            continue
        found = _found(sentence, there)
        # `It`, said behind another sentence than in the source, would be somebody else.
        if found and kept and _POINTS_BACK.match(fold(sentence)):
            found = {at for at in found if at in before or at - 1 in before}
        if found:
            kept.append(sentence)
            length += len(sentence) + 1
            before = found
    return ("" if is_chinese(text) else " ").join(kept)


def _found(sentence: str, there: list[list[Shortened]]) -> set[int]:
    """Numbers of the sentences that it shortens."""
    said = fold(sentence).strip()
    if len(_WORD.findall(said)) < _FEWEST or is_boilerplate(sentence):
        return set()
    return {at for at, wordings in enumerate(there) if any(wording.to(said) for wording in wordings)}

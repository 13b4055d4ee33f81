"""What happened, in two or three sentences of the source: the lede, then those that carry the matched words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from bot.judge.amounts import amounts
from bot.judge.boilerplate import is_boilerplate, without_bylines
from bot.judge.sentences import sentences
from bot.judge.text import fold, is_chinese

LONGEST = 300
_SENTENCES = 3
_LOOKED_AT = 12


@dataclass(frozen=True, slots=True)
class Summary:
    """spans: where in the source each sentence stands, in order, so that `source[start:end]` is the sentence."""

    text: str = ""
    spans: tuple[tuple[int, int], ...] = ()


def summarise(title: str, body: str, words: tuple[str, ...]) -> Summary:
    """At most three sentences and LONGEST characters, each verbatim from the body; empty when it adds nothing.

    The first sentence worth reading (the lede), then those that hold the most of the words that matched, a sum, an
    act, a name: who did what, and how much.
    """
    found = list(islice(_telling(body, title), _LOOKED_AT))
    if not found:
        return Summary()
    said = [body[start:end] for start, end in found]
    ranked = sorted(range(1, len(said)), key=lambda i: -_weight(i, said[i], words))
    chosen, length = [0], len(said[0])
    for i in ranked[:_SENTENCES]:
        if len(chosen) < _SENTENCES and length + len(said[i]) < LONGEST:
            chosen.append(i)
            length += len(said[i]) + 1
    chosen.sort()
    joint = "" if is_chinese(body) else " "
    text = joint.join(said[i] for i in chosen)
    spans = tuple(found[i] for i in chosen)
    if len(text) <= LONGEST:
        return Summary(text, spans)
    short = _cut(text)
    return Summary(short, ((spans[0][0], spans[0][0] + len(short.removesuffix("…"))),))


def _telling(body: str, title: str) -> Iterator[tuple[int, int]]:
    """Where what is worth reading stands, each but once."""
    told: set[str] = set()
    for start, end in sentences(body):
        for first, last in without_bylines(body[start:end]):
            piece = body[start + first : start + last]
            if _worth(piece, title) and (same := fold(piece).strip(" 。.!?")) not in told:
                told.add(same)
                yield start + first, start + last


def _worth(sentence: str, title: str) -> bool:
    if len(sentence) < (6 if is_chinese(sentence) else 20) or is_boilerplate(sentence):
        return False
    return fold(sentence).rstrip("。.!？?") not in fold(title)


def _weight(place: int, sentence: str, words: tuple[str, ...]) -> float:
    held = sum(1 for word in words if word in sentence)
    sums = next(amounts(fold(sentence)), None) is not None
    return held + (1.0 if sums else 0.3 if re.search(r"\d", sentence) else 0.0) - 0.2 * place


def _cut(text: str) -> str:
    """At a blank or a Chinese comma, never inside a word."""
    short = text[: LONGEST - 1]
    at = max(short.rfind(" "), short.rfind("，"), short.rfind("、"))
    return f"{short[:at] if at > LONGEST // 2 else short}…"

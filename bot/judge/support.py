"""What a rewritten summary says that its source does not: such sentences are dropped, and when in doubt as well."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from bot.judge import roles
from bot.judge.amounts import Amount, amounts
from bot.judge.summary import LONGEST, sentences
from bot.judge.text import HAN, fold, is_chinese

_SHARE = 0.75
"""Of a sentence's words, this many must stand in the source."""
_MOST = 3
_WORDS = re.compile(r"[a-z][a-z'-]{3,}")
_HAN_RUN = re.compile(rf"[{HAN}]+")
_NAME = re.compile(r"[A-Z][\w-]*")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_NOT = re.compile(
    r"\b(not|no|never|none|nobody|nothing|neither|nor|without|cannot|den(?:y|ies|ied)|refus\w+|reject\w*|fail\w*"
    r"|unlikely|avoid\w*|fals\w+|rul\w+ out|dismiss\w*)\b|n't\b"
    r"|未(?![来成])|没|不(?![良少仅断过法正当])|无(?![人线锡])|否认|并非|拒绝|驳回|取消|撤销|免于|避免"
)
_NO_NAMES = frozenset(
    """a an and as at but by for from in it its on that the their there these they this those to under with when
    while after before according also both he his her she who what each all some many most more new two three one
    its another other meanwhile however earlier later officials no not""".split()  # noqa: SIM905
)
"""What may begin a sentence with a capital letter and names nobody."""
_JOINTS = frozenset(
    "的了在对被将已就与和及把由向为因等并也是有其该此于以从至到处共均各曾还都则而或即日月年称说后前时中内人"
)
"""Characters that join what is said in Chinese, and say nothing by themselves."""


def supported(text: str, source: str) -> str:
    """Those of the text's sentences, at most three, that one sentence of the source bears out: its sums, numbers,
    names, who did it to whom, and whether it was done at all; "" when none is left."""
    said_there = [source[start:end] for start, end in sentences(source)]
    folded = [(fold(there), there) for there in said_there]
    kept: list[str] = []
    length = 0
    for start, end in sentences(text):
        sentence = text[start:end]
        if len(kept) < _MOST and length + len(sentence) <= LONGEST and _holds(sentence, folded):
            kept.append(sentence)
            length += len(sentence) + 1
    return ("" if is_chinese(text) else " ").join(kept)


def _holds(sentence: str, source: Sequence[tuple[str, str]]) -> bool:
    """source: its sentences, folded and as they are."""
    said = fold(sentence)
    everything = " ".join(folded for folded, _ in source)
    words = [_stem(word) for word in _WORDS.findall(said)]
    if sum(word in everything for word in words) < _SHARE * len(words) or not (words or _HAN_RUN.search(said)):
        return False
    return any(_bears_out(sentence, said, folded, there) for folded, there in source)


def _bears_out(sentence: str, said: str, folded: str, there: str) -> bool:
    if bool(_NOT.search(said)) != bool(_NOT.search(folded)):
        return False
    return (
        _has_numbers(said, folded)
        and _has_names(sentence, folded)
        and _has_han(said, folded)
        and roles.agree(sentence, there)
        and roles.agree_in_chinese(said, folded)
    )


def _has_numbers(said: str, source: str) -> bool:
    """Sums as sums, so that 1,500 million is 1.5 billion; other numbers as numbers."""
    there = list(amounts(source))
    mine = list(amounts(said))
    if not all(any(_same(a, b) for b in there) for a in mine):
        return False
    numbers = {_value(n[0]) for n in _NUMBER.finditer(source)}
    inside = [(a.start, a.end) for a in mine]
    return all(
        _value(n[0]) in numbers or any(start <= n.start() < end for start, end in inside)
        for n in _NUMBER.finditer(said)
    )


def _same(one: Amount, other: Amount) -> bool:
    return one.currency == other.currency and math.isclose(one.value, other.value, rel_tol=1e-6)


def _value(number: str) -> str:
    whole = number.replace(",", "")
    return whole.rstrip("0").rstrip(".") if "." in whole else whole


def _has_names(sentence: str, source: str) -> bool:
    """Whether every word with a capital letter stands there; one that begins the sentence may be no name."""
    for found in _NAME.finditer(sentence):
        name = fold(found[0]).strip(" -")
        begins = not sentence[: found.start()].strip(" \"“‘'(")
        if begins and name in _NO_NAMES:
            continue
        if not re.search(rf"(?<![a-z0-9]){re.escape(_stem(name) if begins else name)}", source):
            return False
    return True


def _has_han(said: str, source: str) -> bool:
    """Whether its Chinese is made of pieces of the source, two characters long at least, and of what joins them: a
    name that is not there is no piece of it."""
    for run in _HAN_RUN.findall(said):
        at = 0
        while at < len(run):
            size = next((n for n in range(len(run) - at, 1, -1) if run[at : at + n] in source), 0)
            if not size and run[at] not in _JOINTS:
                return False
            at += size or 1
    return True


def _stem(word: str) -> str:
    """`fined` is borne out by `fines`."""
    return word[:5]

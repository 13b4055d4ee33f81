"""Every word of every rule in one automaton: which of them stand in a text, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import NamedTuple

import ahocorasick_rs

from bot.judge.amounts import Amount, amounts
from bot.judge.text import BETWEEN, fold, fold_both, is_han, offsets


class Hit(NamedTuple):
    """A word found. field: 0 title, 1 body. start, end: in the folded field."""

    field: int
    start: int
    end: int


class Word(NamedTuple):
    """A literal as written in a rule. Latin words are bounded by what is no letter or digit, unless they end (begin)
    in `*`; `=Word` counts only as it is written. Chinese is found anywhere."""

    text: str
    exact: str
    open_start: bool
    open_end: bool

    @classmethod
    def parse(cls, written: str) -> Word:
        bare = written.removeprefix("=")
        open_start, open_end = bare.startswith("*"), bare.endswith("*")
        bare = bare.strip("*").strip()
        return cls(fold(bare), bare if written.startswith("=") else "", open_start, open_end)

    @property
    def head(self) -> bool:
        """Whether no letter or digit may stand before it."""
        return not self.open_start and self.text[0] in _LETTERS

    @property
    def tail(self) -> bool:
        """Whether no letter or digit may stand after it."""
        return not self.open_end and self.text[-1] in _LETTERS

    def holds(self, inner: Word, start: int, end: int) -> bool:
        """Whether the other, which is this one's text from start to end, is found wherever this one is."""
        bounded = not self.open_start if start == 0 else self.text[start - 1] not in _LETTERS
        ended = not self.open_end if end == len(self.text) else self.text[end] not in _LETTERS
        alike = len(self.exact) == len(self.text) and self.exact[start:end] == inner.exact
        return (bounded or not inner.head) and (ended or not inner.tail) and (alike or not inner.exact)


class _Bound(NamedTuple):
    """A word of a pattern."""

    number: int
    head: bool
    tail: bool
    open_end: bool
    exact: str


class Found:
    """The words of one entry's title and body."""

    def __init__(self, text: str, hits: dict[int, list[Hit]]) -> None:
        """text: of fold_both."""
        self._text = text
        self.hits = hits
        self.tried: dict[int, list[Hit] | None] = {}
        """What the parts that rules have in common came to, by their number."""

    @cached_property
    def amounts(self) -> tuple[tuple[int, Amount], ...]:
        """Money and numbers of users, each with its field; places are those of the folded field."""
        return tuple((field, amount) for field, text in enumerate(self.texts) for amount in amounts(text))

    @property
    def texts(self) -> tuple[str, str]:
        """Title and body, folded."""
        title, _, body = self._text.partition(BETWEEN)
        return title, body


Sight = Callable[[Found], "list[Hit] | None"]
"""Where something stands in a text that is no word: a pattern, a sum. None when nowhere."""


class Lexicon:
    """Words by number; `add` while rules are compiled, `freeze` once, then `find`."""

    def __init__(self) -> None:
        self._numbers: dict[Word, int] = {}
        self._words: list[Word] = []
        self._by_text: dict[str, list[int]] = {}
        self._inside: dict[int, list[int]] = {}
        self._guards: dict[int, frozenset[int]] = {}
        self._automaton: ahocorasick_rs.AhoCorasick | None = None
        self._patterns: list[tuple[bool, list[_Bound]]] = []
        self._sights: dict[str, Sight] = {}
        self._watched: dict[int, Sight] = {}

    def add(self, written: str) -> int:
        """The number of a word. Raises ValueError when nothing is left of it."""
        word = Word.parse(written)
        if not word.text:
            raise ValueError(f"{written!r} holds nothing to look for")
        if "*" in written.removeprefix("=").strip("*"):
            raise ValueError(f"{written!r} has a * inside; it may end a word or a phrase, so write out the forms")
        number = self._numbers.setdefault(word, len(self._words))
        if number == len(self._words):
            self._words.append(word)
            self._by_text.setdefault(word.text, []).append(number)
        return number

    def add_sight(self, name: str, sight: Sight) -> int:
        """The number, below zero, of what is no word and yet can be seen in a text. name: for people."""
        self._sights.setdefault(name, sight)
        return -1 - list(self._sights).index(name)

    def watch(self, numbers: Iterable[int]) -> None:
        """Look for these sights in every text, because a rule has no word to be looked up by."""
        sights = list(self._sights.values())
        self._watched.update((number, sights[-1 - number]) for number in numbers)

    def commonness(self, numbers: Iterable[int]) -> float:
        """How often any of these is met, roughly: the fewer texts a rule is looked up for, the better."""
        return sum(1000.0 if n < 0 else _COMMON.get(self._words[n].text, 0.15) for n in numbers)

    def words(self, numbers: Iterable[int]) -> list[str]:
        """The words of these numbers, folded; a `*` stands for any ending. Sights by their names."""
        names = list(self._sights)
        return [
            names[-1 - n] if n < 0 else self._words[n].text + "*" * self._words[n].open_end for n in sorted(numbers)
        ]

    def not_inside(self, word: int, longer: Iterable[int]) -> None:
        """The word does not count where it is part of one of these."""
        self._inside.setdefault(word, []).extend(longer)

    def guard(self, word: int, guards: frozenset[int]) -> None:
        """The word may be taken out of a text where one of these stands."""
        self._guards[word] = self._guards.get(word, frozenset()) | guards

    def implied(self, number: int) -> set[int]:
        """Words found wherever this one is, as far as that is certain; itself among them."""
        outer = self._words[number]
        size = len(outer.text)
        return {number} | {
            inner
            for start in range(size)
            for end in range(start + 1, size + 1)
            for inner in self._by_text.get(outer.text[start:end], ())
            if outer.holds(self._words[inner], start, end)
            and not self._may_not_count(inner, outer.text, start)
            and self._guards.get(inner, frozenset()) <= self._guards.get(number, frozenset())
        }

    def _may_not_count(self, word: int, text: str, at: int) -> bool:
        """Whether the word, standing in a text at a place, may be part of a longer one in which it does not count: one
        that agrees with the text as far as that goes, or whose end is open."""
        for outer in (self._words[n] for n in self._inside.get(word, ())):
            if outer.open_end:
                return True
            longer = outer.text
            within = longer.find(self._words[word].text)
            while within >= 0:
                first, last = max(0, at - within), min(len(text), at - within + len(longer))
                if text[first:last] == longer[first - at + within : last - at + within]:
                    return True
                within = longer.find(self._words[word].text, within + 1)
        return False

    def freeze(self) -> None:
        bounds = [_Bound(n, w.head, w.tail, w.open_end, w.exact) for n, w in enumerate(self._words)]
        found = [[bounds[n] for n in numbers] for numbers in self._by_text.values()]
        self._patterns = [(any(b.head or b.tail or b.open_end for b in some), some) for some in found]
        texts = list(self._by_text)
        self._automaton = ahocorasick_rs.AhoCorasick(texts, store_patterns=False) if texts else None

    def find(self, title: str, body: str) -> Found:
        """title and body as they came; cost does not depend on how many words there are."""
        text, body_at = fold_both(title, body)
        hits: dict[int, list[Hit]] = {}
        if self._automaton:
            self._find(self._automaton, text, body_at, (title, body), hits)
        if hits and not self._inside.keys().isdisjoint(hits):
            self._drop_inner(hits)
        found = Found(text, hits)
        if self._watched:
            seen = {number: at for number, sight in self._watched.items() if (at := sight(found)) is not None}
            hits.update(seen)
        return found

    def _find(
        self,
        automaton: ahocorasick_rs.AhoCorasick,
        text: str,
        body_at: int,
        raw: tuple[str, str],
        hits: dict[int, list[Hit]],
    ) -> None:
        # Every article holds dozens of beginnings and ends of words, so this is spelled out, and spares every call.
        size, patterns, letters, new = len(text), self._patterns, _LETTERS, tuple.__new__
        places: dict[int, list[int]] = {}
        for pattern, start, end in automaton.find_matches_as_indexes(text, overlapping=True):
            bounded, bounds = patterns[pattern]
            before = after = False
            if bounded:  # Chinese is not
                before = start > 0 and text[start - 1] in letters
                after = end < size and text[end] in letters
            for number, head, tail, open_end, exact in bounds:
                if (before and head) or (after and tail):
                    continue
                field, shift = (1, body_at) if start >= body_at else (0, 0)
                if exact:
                    # To find the place as written costs more than all else, so first whether it stands there at all.
                    written = raw[field]
                    if exact not in written:
                        continue
                    if field not in places:
                        places[field] = offsets(written)
                    if written[places[field][start - shift] : places[field][end - shift - 1] + 1] != exact:
                        continue
                stop = _word_end(text, end) if open_end and after else end
                hit = new(Hit, (field, start - shift, stop - shift))
                if number in hits:
                    hits[number].append(hit)
                else:
                    hits[number] = [hit]

    def _drop_inner(self, hits: dict[int, list[Hit]]) -> None:
        for number in [n for n in hits if n in self._inside]:
            outer = [h for n in self._inside[number] for h in hits.get(n, ())]
            if outer:
                kept = [h for h in hits[number] if not any(_holds(o, h) for o in outer)]
                if kept:
                    hits[number] = kept
                else:
                    del hits[number]


def _holds(outer: Hit, inner: Hit) -> bool:
    return outer.field == inner.field and outer.start <= inner.start and inner.end <= outer.end and outer != inner


def _word_end(text: str, end: int) -> int:
    """Where the word that a beginning was found of ends."""
    while end < len(text) and text[end] in _LETTERS and text[end - 1] in _LETTERS:
        end += 1
    return end


_EVERYDAY = frozenset(
    """us u.s. american new york wall street china chinese china's beijing shanghai mainland sino app apps data ai tech
    technology security take took stock million billion rules leav exit drop depart list lists raise content prices
    priced pricing set sets may could plan plans start starts open opens order tell tells told ask asks make makes
    issue release launch begin user users people platform online internet digital firm compan cyber personal privacy
    regulator regulators authorities investigat chips chip apple tesla google microsoft nvidia
    first take get gets deal target house sell valu bid worth offer buy up to bank government officials campaign day new
    after said say could million billion court shares stock win back out show 国家 传 部门 恢复 申请 标准 明确 处罚 限制
    考虑 规定 限 成为 手机 通过 公司 美国 万 亿元
    at ban warn question price plans sources files seeks shares stocks companies foreign urge halt avoid
    美 罚 中国 亿 发布 要求 官方 北京 我国 公布 实施 上线 规定 须 港 通报 内地 平台 数据 账号 应用 上市 科技 智能
    人工智能 芯片 汽车 电子 平台 网站 人 用户 大模型 游戏 回应 支持 苹果 特斯拉 微软 外媒""".split()  # noqa: SIM905
)
"""Words that stand on nearly every front page."""
_COMMON = {**dict.fromkeys(_EVERYDAY, 50.0), "us": 200.0, "ai": 150.0}
"""How often a word is met, against one that is not named here."""
_LETTERS = frozenset(c for c in map(chr, range(0x3400)) if c.isalnum()) | frozenset(
    c for c in map(chr, range(0xA000, 0x10000)) if c.isalnum() and not is_han(c)
)
"""Of scripts that set words apart: letters and digits, Han and what stands beside it left out."""

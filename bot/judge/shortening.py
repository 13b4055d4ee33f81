"""Whether a sentence is another with pieces left out that nobody misses: in the same order, word for word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from bot.judge.amounts import amounts
from bot.judge.text import HAN

_ARTICLES = frozenset("the a an".split())  # noqa: SIM905
_NUMBERS = frozenset("two three four five six seven eight nine ten".split())  # noqa: SIM905
_TIMES = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday today yesterday earlier".split()  # noqa: SIM905
)
_FIRM = frozenset("global inc ltd corp group holdings".split())  # noqa: SIM905
"""What a firm's name may do without; `Music` in `Tencent Music` is another firm."""
_ALONE = _ARTICLES | _NUMBERS | _TIMES | _FIRM | {","}
_HAN_ALONE = (
    r"(?:\d+年)?(?:\d+月)?\d+日|周[一二三四五六日]|人民币|(?:全球)?(?:股份|科技)*有限公司|国家(?=网信办)|表示(?=将)"
)
_HAN_DROPPED = re.compile(re.sub(r"\(\?=.\w*\)", "", _HAN_ALONE))
_TOKEN = re.compile(rf"{_HAN_ALONE}|[a-z][a-z0-9'-]*|\d[\d,]*(?:\.\d+)?|[^\s.。!]")
_PHRASES = frozenset("on in at for after during since amid following by".split())  # noqa: SIM905
"""What they bring in may be left out; `banned from selling` and `ordered to stop` are nothing without it."""
CLAUSES = _PHRASES | frozenset(", ; and as over within while when because which who".split())  # noqa: SIM905
EXTENT = frozenset("to from with than that into against about between under".split())  # noqa: SIM905
HELPING = frozenset(
    """is are was were be been being am has have had do does did may might could would should must can shall will only
    nearly almost barely hardly about around over under up some all each most lower higher less more fewer""".split()  # noqa: SIM905
)
"""Verbs that help others, and words of degree: never left out, and a phrase ends before them."""
_IRREGULAR = frozenset(
    """said says say told tells won made paid sent took hit met sued sues cut bans bars bought sold held left put wins
    pays makes takes fines raises began begun gave got went came saw knew found lost""".split()  # noqa: SIM905
)
DOUBT = re.compile(
    r"\b(not?|never|none|nobody|nothing|neither|nor|without|cannot|den(?:y|ies|ied|ying|ial)|refus\w+|reject\w*"
    r"|fail\w*|unlikely|avoid\w*|fals\w+|fake|hoax|dismiss\w*|if|unless|until|whether|once|provided|pending|or|but"
    r"|though|although|however|yet|instead|except|despite|sources?|people|familiar|rumou?r\w*|reportedly|alleged\w*"
    r"|claim\w*|according|apparently|supposedly|would|might|could|almost|nearly|plan\w*|propos\w+|draft|revers\w+"
    r"|withdr\w+|revok\w+|overturn\w*|cancel\w*|suspend\w*|annul\w*|mistak\w*|error|joke|satire|hypothetical\w*"
    r"|theory|threat\w*|former\w*|part(ly|ially)?|principle|paper|condition\w*|suspicio\w+|suspect\w*|least|most"
    r"|best|worst|half|twice|then|later|eventually|subsequently|lift\w*|restor\w*|correct\w*)\b|n't\b|\?"
    r"|[未没若否拟曾或疑称恐]|不(?![良少仅断])|无(?![人线锡])|非(?!法)|如[果若]|倘|据(?:悉|报|称|传|.{1,8}报道)|传闻"
    r"|传出|可能|也许|一旦|除非|假如|但|计划|考虑|消息|表示|认为|透露|爆料|撤销|取消|拒绝|驳回|免于|避免|此前|将|虚假|猜测|预测|预计|建议|呼吁|希望|指责|指控|威胁|担心|部分|原则上|有条件|随后|后来|之后|其后|恢复|更正"
    r"|谣言|网传|说"
)
"""Left out, these may turn what remains into something nobody said. Of folded texts."""
_HAN = re.compile(rf"[{HAN}]")
_TELLING = frozenset(
    """said says say told wrote reported tweeted posted predicted expected expects believes thinks suggested hinted
    warned speculated argued""".split()  # noqa: SIM905
)
_TRUSTED = frozenset(
    """regulator administration ministry court commission government statement office authority police company reuters
    xinhua""".split()  # noqa: SIM905
)
"""`…, the regulator said` may go; `…, a blogger said` makes it hearsay."""
_NEAR = 60


class _Token(NamedTuple):
    """key: what two tokens must share; for a sum its value and currency, so that 1,500 million is 1.5 billion."""

    key: str
    sum: bool = False


class Shortened:
    """A sentence of the source, as one that may have been shortened."""

    def __init__(self, folded: str) -> None:
        self._there = _tokens(folded)
        self._doubts = _doubts(self._there)
        self._gaps: dict[int, list[int]] = {}
        for start, end in self._left_out():
            self._gaps.setdefault(start, []).append(end)

    def to(self, sentence: str) -> bool:
        """Whether the sentence, folded, is this one with dates, articles, a firm's legal form, asides and whole
        phrases or clauses left out that put nothing in doubt; the rest in the same order, word for word."""
        said = [token for token in _tokens(sentence) if token.key != ","]
        reached = self._behind({0})
        for token in said:
            stepped = {at + 1 for at in reached if at < len(self._there) and _same(token, self._there[at])}
            reached = self._behind(stepped) | (reached if token.key in _ARTICLES else set())
            if not reached:
                return False
        return bool(said) and len(self._there) in reached

    def _behind(self, places: set[int]) -> set[int]:
        """The places, and those that lie behind gaps that begin there."""
        seen = set(places)
        ahead = list(places)
        while ahead:
            new = [end for end in self._gaps.get(ahead.pop(), ()) if end not in seen]
            seen.update(new)
            ahead += new
        return seen

    def _left_out(self) -> Iterator[tuple[int, int]]:
        """Where what may be left out begins and ends."""
        there = self._there
        last_sum = max((at for at, token in enumerate(there) if token.sum), default=0)
        yield from self._opening()
        for at, token in enumerate(there):
            # A sum left out before another would lend its name to that one.
            if token.key in _ALONE or _HAN_DROPPED.fullmatch(token.key) or self._left_sum(at, last_sum):
                yield at, at + 1
            if token.key == "(" and (end := self._next(")", at)) and not self._doubtful(at, end):
                yield at, end + 1
            if token.key in _PHRASES:
                yield at, self._phrase_end(at)
            if token.key == "," and (end := self._next(",", at + 1)) and self._aside(at + 1, end):
                yield at, end
            if token.key in CLAUSES and at and self._harmless_end(at):
                yield at, len(there)

    def _left_sum(self, at: int, last: int) -> bool:
        return at == last and at > 0 and self._there[at - 1].key not in EXTENT

    def _harmless_end(self, start: int) -> bool:
        words = {token.key for token in self._there[start : start + _NEAR]}
        hearsay = words & _TELLING and not words & _TRUSTED
        return not hearsay and not self._doubtful(start, len(self._there))

    def _opening(self) -> Iterator[tuple[int, int]]:
        """`Cheng Wei and Jean Liu, its founders`; `China's cyberspace regulator`."""
        there = self._there
        comma = self._next(",", 0)
        if comma and self._aside(0, comma):
            yield 0, comma + 1
        if not there or not there[0].key.endswith("'s"):
            return
        for end in range(1, min(4, len(there))):
            word = there[end].key
            if is_verb(word) or word in CLAUSES or word in EXTENT or self._doubtful(0, end):
                return
            yield 0, end

    def _phrase_end(self, start: int) -> int:
        for at in range(start + 1, len(self._there)):
            word, is_sum = self._there[at]
            ends = word in CLAUSES or word in EXTENT or is_verb(word) or not re.match(r"[a-z0-9]", word)
            if ends or (is_sum and at > start + 1) or self._doubtful(at, at + 1):
                return at
        return len(self._there)

    def _aside(self, start: int, end: int) -> bool:
        """Between two commas. What has a verb of its own may be what the next clause goes on with."""
        tokens = self._there[start:end]
        if not tokens or self._doubtful(start, end) or any(_HAN.match(t.key) for t in tokens):
            return False
        return tokens[0].key in ("which", "who") or not any(_may_be_verb(t.key) for t in tokens)

    def _doubtful(self, start: int, end: int) -> bool:
        return self._doubts[end] > self._doubts[start]

    def _next(self, mark: str, start: int) -> int:
        """0 when it is not near."""
        near = range(start, min(start + _NEAR, len(self._there)))
        return next((at for at in near if self._there[at].key == mark), 0)


def is_verb(word: str) -> bool:
    """As far as its form tells: a past tense, an irregular form, or what helps a verb."""
    return word in _IRREGULAR or word in HELPING or (len(word) > 4 and word.endswith("ed"))


def _may_be_verb(word: str) -> bool:
    return word not in ("its", "his") and (is_verb(word) or (word.endswith("s") and not word.endswith("'s")))


def _tokens(folded: str) -> list[_Token]:
    sums = {amount.start: amount for amount in amounts(folded)}
    found: list[_Token] = []
    at = 0
    while at < len(folded):
        if amount := sums.get(at):
            found.append(_Token(f"{amount.value:.6g} {amount.currency}", sum=True))
            at = amount.end
        elif match := _TOKEN.match(folded, at):
            found.append(_Token(_plain(match[0])))
            at = match.end()
        else:
            at += 1
    return found


def _plain(token: str) -> str:
    """Numbers in one form."""
    if not token[0].isdigit():
        return token
    whole = token.replace(",", "")
    return whole.rstrip("0").rstrip(".") if "." in whole else whole


def _same(one: _Token, other: _Token) -> bool:
    """The same word, or the past for a headline's present: `fined` for `fines`, but not for `to fine`."""
    if one == other or {one.key, other.key} == {"was", "were"}:
        return True
    past, present = sorted((one.key, other.key), key=lambda word: not word.endswith("ed"))
    return len(past) > 4 and past.endswith("ed") and present.endswith("s") and _stem(past) == _stem(present)


def _stem(verb: str) -> str:
    bare = re.sub(r"(ed|es|s)$", "", verb)
    bare = bare[:-1] if len(bare) > 2 and bare[-1] == bare[-2] else bare
    return bare[:-1] + "i" if bare.endswith("y") else bare.removesuffix("e")


def _doubts(tokens: Sequence[_Token]) -> list[int]:
    """How many of the tokens before each place, and before the end, put something in doubt."""
    pieces = [token.key if _HAN.match(token.key) else f" {token.key} " for token in tokens]
    places = [at for at, piece in enumerate(pieces) for _ in piece]
    found = DOUBT.finditer("".join(pieces))
    doubtful = {places[at] for match in found for at in range(match.start(), match.end())}
    return [0, *accumulate(int(at in doubtful) for at in range(len(tokens)))]

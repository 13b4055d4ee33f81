"""Amounts as headlines write them, in both scripts, made comparable: $1.2bn, RMB 8.026 billion, 80.26亿元, 百万用户."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from bot.judge.currencies import AFTER, BEFORE, CODES, WORDS_TOO, currency
from bot.judge.text import fold

_SCALES: Mapping[str, float] = {
    **dict.fromkeys(("trillion", "tn", "万亿"), 1e12),
    **dict.fromkeys(("billion", "bn", "bln", "b", "十亿"), 1e9),
    **dict.fromkeys(("million", "mn", "mln", "m", "百万"), 1e6),
    **dict.fromkeys(("thousand", "k", "千"), 1e3),
    "千亿": 1e11,
    "百亿": 1e10,
    "亿": 1e8,
    "千万": 1e7,
    "万": 1e4,
}
_COUNTED = re.compile("[股份次条个部台辆吨件枚桶]|参数|千瓦|平方|立方")
"""Behind 亿, what is no money."""
USER_WORDS = tuple(
    """users user people accounts customers customer subscribers subscriber consumers members netizens
    用户 人 账号 账户 网民 会员 月活 日活""".split()  # noqa: SIM905
)
"""One of them stands in every text that counts users."""
_USERS = (
    r"(?:(?:monthly|daily|weekly|active|registered|paying|paid|global|new|internet|mobile|online|chinese|domestic|overseas"
    r"|international|unique|total|annual|regular|app|social media) ){0,4}"
    r"(?:user accounts|users?|people|accounts|customers?|subscribers?|consumers|members|netizens)"
    r"|[名个位]?(?:以上的?)?"
    r"(?:(?:月度?|日|每月|每日|活跃?|注册|付费|全球|海外|国内|中国|移动|手机|互联网|在线|订阅|个人|新增?|年轻|的){0,5}"
    r"(?:用户|网民|会员|账[号户]|人(?!民币|工|形|脸|寿|信息))|[月日]活)"
)
_COUNTS = (
    r"(?<![偿付给还])(?:用户|网民|会员|账[号户]|[月日]活)"
    r"(?:(?:数|数量|总数|人数|规模|总量|总规模)?(?:已经?|现|将|均|共)?"
    r"(?:超[过出]?|达到?|逾|突?破|接?近|为|有|约|至|过|[增升]至|增长至|[高多]达|不[足到]|[多大]于){1,2}"
    r"|(?:数|数量|总数|人数|规模|总量|总规模))|[月日]活(?:跃?用户|账户)?"
    r"|(?<![a-z])(?:users?|customers|subscribers|members|accounts|netizens|user (?:base|count|numbers?))"
    r"(?: (?:has|have|had|now|already)){0,2}"
    r"(?: (?:top|exceed|surpass|pass|cross|hit|reach|number|total|near|rise|rose|grow|grew|climb|jump)(?:e?s|p?ed)?"
    r"| (?:at|of|is|are|was|were))(?: to)?"
    r"(?: (?:more than|over|nearly|about|almost|around|some|roughly|above|the))*[ :]"
)
"""What says that the number behind it is one of users."""
_BACK = 50
"""Characters before a number in which they are looked for."""
_FEWEST = 1e4
"""A smaller number behind such words may be a year or a rank."""

_ONES: Mapping[str, float] = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90, "a": 1, "an": 1, "half a": 0.5,
}  # fmt: skip
_HAN_DIGITS: Mapping[str, int] = {**{c: n for n, c in enumerate("零一二三四五六七八九")}, "〇": 0, "两": 2}
_HAN_TENS: Mapping[str, int] = {"十": 10, "百": 100, "千": 1000}
MOST = 1e18
"""No sum and no crowd is as large: what a headline with hundreds of digits holds is no amount."""


def _one_of(words: Mapping[str, object]) -> str:
    return "|".join(re.escape(w) for w in sorted(words, key=len, reverse=True))


_LATIN_SCALES = _one_of({k: 0 for k in _SCALES if k.isascii()})
_HAN_SCALES = _one_of({k: 0 for k in _SCALES if not k.isascii()})
_HAN_NUMBER = f"[{''.join((*_HAN_DIGITS, *_HAN_TENS))}]"
_AMOUNT = re.compile(
    rf"(?:(?P<before>(?<![a-z])(?:{_one_of(BEFORE)})) ?)?"
    r"(?:(?P<number>(?<![\d.])\d[\d,]*(?:\.\d+)?)"
    rf"|(?P<word>(?<![a-z-])(?:{_one_of(_ONES)})(?=[ -](?:thousand|[mb]illion|trillion)))"
    rf"|(?P<bare>(?<![a-z\d-])(?=[mb]illion[ -](?:{_USERS})(?![a-z])))"
    rf"|(?P<numeral>{_HAN_NUMBER}{{1,9}}(?:点{_HAN_NUMBER}{{1,4}})?(?=[余多]?[万亿])))"
    rf"(?:[ -]?(?P<latin>{_LATIN_SCALES})(?![a-z])|[余多]?(?P<han>{_HAN_SCALES}))?[余多]?[+-]?"
    rf"(?: ?(?P<users>{_USERS})(?![a-z])| ?(?P<after>{_one_of(AFTER)})(?![a-z]))?"
)
_GROUPS = re.compile(r"\d+(?:\.\d+)?|\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_CODE = re.compile(rf"(.*\S)\s*\b([A-Z]{{3}}|(?i:{'|'.join(CODES)}))")
_CROWD = re.compile(rf"(?:{_COUNTS})$")
_COMPOUND = re.compile(rf"(?<![a-z])(?:\d+|hundred|{_one_of(_ONES)})[ -]$")


@dataclass(frozen=True, slots=True)
class Amount:
    """value in units of currency, or people where currency is "". start, end: in the folded text."""

    value: float
    currency: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Rates:
    """What one unit of a currency was worth in CNY on a day."""

    on: date
    in_cny: Mapping[str, float]

    def cny(self, value: float, currency: str) -> float | None:
        """None for a currency the table does not have."""
        rate = 1.0 if currency == "CNY" else self.in_cny.get(currency)
        return None if rate is None else value * rate


def amounts(text: str) -> Iterator[Amount]:
    """Money and numbers of users in a folded text; plain numbers are none."""
    for found in _AMOUNT.finditer(text):
        value = _value(found)
        if not value < MOST:
            continue
        code = _currency(found)
        if not code and _counts_users(text, found, value):
            yield Amount(value, "", found.start(), found.end())
        elif code := code or _understood(text, found):
            yield Amount(value, code, found.start(), found.end())


def _value(found: re.Match[str]) -> float:
    scale = _SCALES.get(found["latin"] or found["han"] or "", 1.0)
    if found["bare"] is not None:
        return scale
    if found["word"]:
        return _ONES[found["word"]] * scale
    if found["numeral"]:
        return _numeral(found["numeral"]) * scale
    return float(found["number"].replace(",", "")) * scale


def _currency(found: re.Match[str]) -> str:
    after = found["after"] or ""
    if after in WORDS_TOO and not found["latin"]:
        after = ""  # those who in 2020 won
    return currency(found["before"] or "", after)


def _counts_users(text: str, found: re.Match[str], value: float) -> bool:
    at = found.start()
    if found["bare"] is not None and _COMPOUND.search(text, max(0, at - _BACK), at):
        return False  # of `twenty-one million users` only the end
    return bool(found["users"]) or (value >= _FEWEST and bool(_CROWD.search(text, max(0, at - _BACK), at)))


def _understood(text: str, found: re.Match[str]) -> str:
    """罚款80.26亿 are yuan."""
    hundreds_of_millions = "亿" in (found["han"] or "") and not found["users"]
    return "CNY" if hundreds_of_millions and not _COUNTED.match(text, found.end()) else ""


def _numeral(written: str) -> float:
    """八十 is 80, 二百五十 250, 一点五 1.5, 百 100."""
    whole, _, after = written.partition("点")
    total = digit = 0
    for character in whole:
        if character in _HAN_TENS:
            total += (digit or 1) * _HAN_TENS[character]
            digit = 0
        else:
            digit = digit * 10 + _HAN_DIGITS[character]
    fraction: float = sum(_HAN_DIGITS.get(c, 0) / 10.0**place for place, c in enumerate(after, 1))
    return total + digit + fraction


def parse_asked(written: str) -> tuple[float, str]:
    """`1bn CNY`, `$1bn`, `80亿元`, `1m`: value and currency, "" when none is named. Raises ValueError with a sentence;
    a code that no table has is for the caller to refuse."""
    asked, code = written.strip(), ""
    if (coded := _CODE.fullmatch(asked)) and coded[2].lower() not in AFTER:
        asked, code = coded[1], coded[2].upper()
    found = _AMOUNT.fullmatch(" ".join(fold(asked).split()))
    plain = _GROUPS.fullmatch(found["number"]) if found and found["number"] else True  # 1,5bn may mean 1.5
    if not found or not plain or found["users"] or not _value(found) < MOST:
        raise ValueError(f"{written.strip()[:40]!r} is no amount; write one like 1bn CNY, $500m, 80亿元 or 1m")
    return _value(found), _currency(found) or code

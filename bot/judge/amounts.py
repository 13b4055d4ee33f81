"""Amounts as headlines write them, in both scripts, made comparable: $1.2bn, RMB 8.026 billion, 80.26亿元, 百万用户."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

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
_BEFORE: Mapping[str, str] = {
    "$": "USD", "us$": "USD", "usd": "USD", "hk$": "HKD", "hkd": "HKD", "s$": "SGD", "a$": "AUD", "c$": "CAD",
    "nt$": "TWD", "€": "EUR", "eur": "EUR", "£": "GBP", "gbp": "GBP", "¥": "CNY", "rmb": "CNY", "cny": "CNY",
    "yuan": "CNY", "jpy": "JPY", "人民币": "CNY", "港币": "HKD",
}  # fmt: skip
_AFTER: Mapping[str, str] = {
    "yuan": "CNY", "renminbi": "CNY", "rmb": "CNY", "cny": "CNY", "us dollars": "USD", "dollars": "USD", "usd": "USD",
    "hong kong dollars": "HKD", "hkd": "HKD", "euros": "EUR", "euro": "EUR", "eur": "EUR", "pounds": "GBP",
    "gbp": "GBP", "yen": "JPY", "jpy": "JPY", "元人民币": "CNY", "人民币": "CNY", "美元": "USD", "美金": "USD",
    "港元": "HKD", "港币": "HKD", "欧元": "EUR", "英镑": "GBP", "日元": "JPY", "新加坡元": "SGD", "新元": "SGD",
    "元": "CNY",
}  # fmt: skip
_COUNTED = tuple("股份次条个部台辆吨件")
USER_WORDS = ("users", "user", "people", "accounts", "用户", "人", "账号")
_USERS = "users?|user accounts|people|accounts|[名个]?用户|人|个?账号"


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
    rf"(?:(?P<before>(?<![a-z])(?:{_one_of(_BEFORE)})) ?)?"
    r"(?:(?P<number>(?<![\d.])\d[\d,]*(?:\.\d+)?)"
    rf"|(?P<word>(?<![a-z-])(?:{_one_of(_ONES)})(?=[ -](?:thousand|[mb]illion|trillion)))"
    rf"|(?P<numeral>{_HAN_NUMBER}{{1,9}}(?:点{_HAN_NUMBER}{{1,4}})?(?=[余多]?[万亿])))"
    rf"(?:[ -]?(?P<latin>{_LATIN_SCALES})(?![a-z])|[余多]?(?P<han>{_HAN_SCALES}))?[余多]?-?"
    rf"(?: ?(?P<users>{_USERS})(?![a-z])| ?(?P<after>{_one_of(_AFTER)})(?![a-z]))?"
)
_GROUPS = re.compile(r"\d+(?:\.\d+)?|\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_CODE = re.compile(r"(.*\S)\s*\b([A-Z]{3})")


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
        scale = found["latin"] or found["han"] or ""
        value = _value(found)
        if not value < MOST:
            continue
        if found["users"]:
            yield Amount(value, "", found.start(), found.end())
            continue
        currency = _currency(found)
        if not currency and "亿" in scale and text[found.end() : found.end() + 1] not in _COUNTED:
            currency = "CNY"  # 罚款80.26亿
        if currency:
            yield Amount(value, currency, found.start(), found.end())


def _value(found: re.Match[str]) -> float:
    scale = _SCALES.get(found["latin"] or found["han"] or "", 1.0)
    if found["word"]:
        return _ONES[found["word"]] * scale
    if found["numeral"]:
        return _numeral(found["numeral"]) * scale
    return float(found["number"].replace(",", "")) * scale


def _currency(found: re.Match[str]) -> str:
    return _BEFORE.get(found["before"] or "") or _AFTER.get(found["after"] or "") or ""


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
    if (coded := _CODE.fullmatch(asked)) and coded[2].lower() not in _AFTER:
        asked, code = coded[1], coded[2]
    found = _AMOUNT.fullmatch(" ".join(fold(asked).split()))
    plain = _GROUPS.fullmatch(found["number"]) if found and found["number"] else True  # 1,5bn may mean 1.5
    if not found or not plain or found["users"] or not _value(found) < MOST:
        raise ValueError(f"{written.strip()[:40]!r} is no amount; write one like 1bn CNY, $500m, 80亿元 or 1m")
    return _value(found), _currency(found) or code

"""Amounts as headlines write them, in both scripts, made comparable: $1.2bn, RMB 8.026 billion, 80.26亿元, 百万用户."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

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


def _one_of(words: Mapping[str, object]) -> str:
    return "|".join(re.escape(w) for w in sorted(words, key=len, reverse=True))


_LATIN_SCALES = _one_of({k: 0 for k in _SCALES if k.isascii()})
_HAN_SCALES = _one_of({k: 0 for k in _SCALES if not k.isascii()})
_AMOUNT = re.compile(
    rf"(?:(?P<before>(?<![a-z])(?:{_one_of(_BEFORE)})) ?)?"
    r"(?P<number>(?<![\d.])\d[\d,]*(?:\.\d+)?|(?<![a-z])an? (?=[mb]illion)|(?=[十百千]))"
    rf"(?: ?(?P<latin>{_LATIN_SCALES})(?![a-z])|(?P<han>{_HAN_SCALES}))?-?"
    rf"(?: ?(?P<users>{_USERS})(?![a-z])| ?(?P<after>{_one_of(_AFTER)})(?![a-z]))?"
)
_ASKED = re.compile(rf"([\d.,]+)\s*({_LATIN_SCALES}|{_HAN_SCALES})?\s*([A-Za-z]{{3}})?$")


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
        number, scale = found["number"] or "", found["latin"] or found["han"] or ""
        if not number and not scale:
            continue
        value = float(number.replace(",", "")) if number[:1].isdigit() else 1.0
        value *= _SCALES.get(scale, 1.0)
        if found["users"]:
            yield Amount(value, "", found.start(), found.end())
            continue
        currency = _BEFORE.get(found["before"] or "") or _AFTER.get(found["after"] or "")
        if not currency and "亿" in scale and text[found.end() : found.end() + 1] not in _COUNTED:
            currency = "CNY"  # 罚款80.26亿
        if currency:
            yield Amount(value, currency, found.start(), found.end())


def parse_asked(written: str) -> tuple[float, str]:
    """`1bn CNY`, `8亿 CNY`, `1m`: value and currency, "" when none is named. Raises ValueError."""
    found = _ASKED.match(written.strip().replace("RMB", "CNY"))
    if not found:
        raise ValueError(f"{written!r} is no amount; write one like 1bn CNY, 500m USD or 1m")
    return float(found[1].replace(",", "")) * _SCALES.get(found[2] or "", 1.0), (found[3] or "").upper()

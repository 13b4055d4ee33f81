"""How texts name currencies, in both scripts, before a number and behind it."""

from __future__ import annotations

from collections.abc import Mapping

UNTOLD = "XXX"
"""A currency that several countries call alike; no table has a rate for it."""
CODES = tuple(
    """usd hkd eur gbp jpy sgd aud cad twd cny rmb krw inr rub thb chf nzd myr idr vnd brl mxn zar sek nok dkk aed ils
    pln czk huf uah kzt pkr bdt ngn egp ars clp btc""".split()  # noqa: SIM905
)
"""Codes that are no words, and so are known in small letters too."""
_CODED = {code: "CNY" if code == "rmb" else code.upper() for code in CODES}
_MINTED: Mapping[str, str] = {
    "人民币": "CNY", "港币": "HKD", "美金": "USD", "日币": "JPY", "韩币": "KRW", "台币": "TWD", "新台币": "TWD",
    "澳币": "AUD", "加币": "CAD", "新币": "SGD", "纽币": "NZD", "马币": "MYR", "澳门币": "MOP",
}  # fmt: skip
"""Chinese names that stand before a number as well, and behind 元: 新台币50亿, 50亿元新台币."""
_DOLLARS: Mapping[str, str] = {
    "": "USD", "us ": "USD", "hong kong ": "HKD", "hk ": "HKD", "taiwan ": "TWD", "new taiwan ": "TWD",
    "singapore ": "SGD", "australian ": "AUD", "canadian ": "CAD", "new zealand ": "NZD",
}  # fmt: skip
BEFORE: Mapping[str, str] = {
    "$": "USD", "us$": "USD", "hk$": "HKD", "s$": "SGD", "a$": "AUD", "c$": "CAD", "nt$": "TWD", "nz$": "NZD",
    "r$": "BRL", "mex$": "MXN", "€": "EUR", "£": "GBP", "¥": "CNY", "cn¥": "CNY", "jp¥": "JPY", "yuan": "CNY",
    "rs": "INR", "rs.": "INR", "₹": "INR", "₩": "KRW", "₽": "RUB", "฿": "THB", "₫": "VND", "₱": "PHP", "₺": "TRY",
    "₪": "ILS", **_CODED, **_MINTED,
}  # fmt: skip
AFTER: Mapping[str, str] = {
    **{f"{whose}dollar{many}": code for whose, code in _DOLLARS.items() for many in ("", "s")},
    "yuan": "CNY", "renminbi": "CNY", "euros": "EUR", "euro": "EUR", "pounds": "GBP", "yen": "JPY", "won": "KRW",
    "korean won": "KRW", "south korean won": "KRW", "rupee": "INR", "rupees": "INR", "rubles": "RUB", "roubles": "RUB",
    "baht": "THB", "swiss francs": "CHF", "francs": UNTOLD, "ringgit": "MYR", "rupiah": "IDR", "dong": "VND",
    "pesos": UNTOLD, "reais": "BRL", "rand": "ZAR", "lira": "TRY", "kronor": "SEK", "kroner": UNTOLD, "dirhams": "AED",
    "riyals": UNTOLD, "shekels": "ILS", "zloty": "PLN", **_CODED, "元": "CNY", "圆": "CNY", "美元": "USD",
    "美圆": "USD", "港元": "HKD", "港圆": "HKD", "欧元": "EUR", "英镑": "GBP", "日元": "JPY", "日圆": "JPY",
    "円": "JPY", "韩元": "KRW", "韩圆": "KRW", "韩圜": "KRW", "新加坡元": "SGD", "新元": "SGD", "坡元": "SGD",
    "澳元": "AUD", "澳大利亚元": "AUD", "加元": "CAD", "加拿大元": "CAD", "新西兰元": "NZD", "纽元": "NZD",
    "澳门元": "MOP", "卢布": "RUB", "卢比": "INR", "印度卢比": "INR", "巴基斯坦卢比": "PKR", "印尼卢比": "IDR",
    "印尼盾": "IDR", "越南盾": "VND", "越盾": "VND", "泰铢": "THB", "林吉特": "MYR", "令吉": "MYR", "比索": UNTOLD,
    "菲律宾比索": "PHP", "墨西哥比索": "MXN", "雷亚尔": "BRL", "兰特": "ZAR", "里拉": "TRY", "克朗": UNTOLD,
    "瑞典克朗": "SEK", "挪威克朗": "NOK", "丹麦克朗": "DKK", "瑞士法郎": "CHF", "瑞郎": "CHF", "法郎": UNTOLD,
    "迪拉姆": "AED", "里亚尔": UNTOLD, "第纳尔": UNTOLD, "谢克尔": "ILS", "兹罗提": "PLN", "坚戈": "KZT",
    "格里夫纳": "UAH", "福林": "HUF", "奈拉": "NGN", "图格里克": "MNT", "缅元": "MMK", "比特币": "BTC",
    "枚比特币": "BTC",
    **_MINTED, **{f"元{name}": code for name, code in _MINTED.items()},
}  # fmt: skip
WORDS_TOO = frozenset({"won", "dong", "rand", "rub"})
"""Names that are words as well: money only behind thousands, millions or billions."""
_LOOSE = ("$", "¥")
_PLAIN = ("元", "圆")


def currency(before: str, after: str) -> str:
    """The code of what stands before and behind a number, "" for none. `$` and `¥` are what many countries write, so
    a name behind the number says more."""
    first, second = BEFORE.get(before, ""), AFTER.get(after, "")
    if not first or (before in _LOOSE and second and after not in _PLAIN):
        return second
    return first

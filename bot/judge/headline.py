"""The words of a report, by how much they tell: what the matter is (its object), what any report of the kind says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.core.news import Mark
from bot.judge.text import HAN, fold, is_han

OBJECT, WEAK, FORMULA = 1.0, 0.5, 0.1
"""What a word of each sort counts."""
_WORD = re.compile(rf"[a-z][a-z0-9'-]+|[{HAN}]+")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9.'’&-]*")
_QUOTED = re.compile(r"《([^》]{2,60})》|[“「『]([^”」』]{0,20}(?:·|清朗)[^”」』]{2,40})[”」』]")
"""Laws and campaigns; other quotes only lay stress on a word."""
_YEARLY = re.compile(r"(20\d\d)年?[“「『]?清朗(?!·)")
"""The programme of a year, which all that is said of it on one day is about."""
_LEADING_ZH = re.compile(
    rf"([{HAN}]{{3,12}}?)(?:正式|已|拟|再次|今日|今天|宣布|成功|首次|二次|三次|第.次)*"
    r"(?:向港交所|向联交所|递表|递交|通过港交所|通过聆讯|赴港|赴美|冲刺|冲击|登陆|在港交所|港交所|港股|申请|挂牌|敲钟)"
)
_LEADING_EN = re.compile(
    r"((?:[A-Z][\w.&'’-]*\s){1,4})(?:files?|filed|prices?|priced|seeks|plans|raises|launches|debuts|gets|wins|clears|passes"
    r"|sets|eyes|weighs|withdraws|delays|shelves|soars|jumps|falls|slumps|to)\b"
)
"""Who a headline begins with, before what it does on the stock exchange: a name, whether or not a list knows it."""
_GENERIC_ZH = ("公司", "企业", "独角兽", "厂商", "平台", "龙头", "巨头", "集团军", "中概股", "品牌", "机构")
_VENUES = {
    "hong kong": re.compile(r"hong kong|\bhkex|港交所|联交所|港股|赴港|香港|h股"),
    "new york": re.compile(
        r"new york|nasdaq|\bnyse|wall street|\bus (?:ipo|listing|float|debut)|美股|纽|纳斯达克|赴美"
    ),
    "london": re.compile(r"\blondon|伦敦|伦交所"),
    "singapore": re.compile(r"singapore|\bsgx|新加坡|新交所"),
    "zurich": re.compile(r"swiss|zurich|瑞士|瑞交所"),
    "mainland": re.compile(r"shanghai|shenzhen|\bstar (?:market|board)|chinext|a股|科创板|创业板|北交所|上交所|深交所"),
}
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_OFFICE = re.compile(rf"([{HAN}]{{2,4}}?)(?:省委|市委|省|市|区)?(?:网信办|互联网信息办公室)")
_STOP = frozenset(
    """the and for with from that this are was were has have had will its into over after amid more than says said new
    how why what who when could may but not you your out can about all one two first year years their they his her
    at it in on to of as by an is be us up against before must any does do did no if or so than then them there under
    while during between through across about amid also only still even just again out off down back make made get take
    goes come let put set him she he we our my i which where because per via
    哪些 值得 关注 信息 如何 看待 什么 我们""".split()  # noqa: SIM905
)
_FORMULA_EN = frozenset(
    """china chinese china's beijing company companies firm firms tech mainland cyberspace cyber internet web online
    regulator regulators watchdog administration authority office official officials overseer censor
    draft drafts rule rules regulation measure measures guideline issue issues issued unveil propose publish release
    release plan plans start starts launch launches begin begins open order tell seek want comment public
    hong kong nasdaq nyse york wall street stock exchange ipo listing list lists listed share shares sale offering
    debut float market markets file files filed filing go goes public price prices raise raises billion million yuan
    dollar usd top range start-up startup maker unicorn group inc holding report reports source sources
    fine fines fined penalty summon summons review security cybersecurity campaign crackdown drive ban bar
    """.split()  # noqa: SIM905
)
_WEAK_EN = frozenset(
    """data platform service app apps content user users big major firm ai artificial intelligence chip car carmaker
    robot software technology smart digital network law breach probe illegal violation information personal protection
    manage management standard online system giant""".split()  # noqa: SIM905
)
_FORMULA_ZH = (
    "国家互联网信息办公室|互联网信息办公室|网络安全审查办公室|国家网信办|中央网信办|中国网信办|网信办|网信部门|网信系统"
    "|公开征求意见|征求意见稿|征求意见|管理规定|管理办法|暂行办法|暂行规定|管理条例|条例|规定|办法|指南|草案|新规|意见"
    "|专项行动|专项整治|集中整治|整治|行动|清朗|部署|启动|开展|深入|发布|公布|印发|出台|起草|修订|施行|实施|依法|有关"
    "|负责人|作出|通报|约谈|罚款|处罚|被罚|下架|责令|整改|网络环境|系列|要求|严重|问题|突出|乱象"
    "|香港联交所|港交所|联交所|纽交所|纳斯达克|递交|递表|招股书|招股|上市申请|上市|聆讯|通过|首日|挂牌|敲钟|登陆|正式"
    "|赴港|赴美|港股|美股|香港|冲刺|冲击|申请|首次|公开募股|公司|集团|科技|有限|股份|中国|我国|国家|宣布|据悉|消息称"
    "|北京|大涨|大跌|股价|募资|港元|美元|亿元|人民币|市值|第一股|全球|回应"
)
_WEAK_ZH = frozenset(
    "网络 信息 安全 管理 服务 平台 技术 应用 数据 个人 保护 互联 联网 智能 用户 内容 机器 器人 企业 治理".split()  # noqa: SIM905
)
_CUT = re.compile(f"{_FORMULA_ZH}|(?<=网信办)就|(?<=办公室)就")
_GENERAL = re.compile(
    "个人信息保护|个人信息|信息保护|信息安全|信息服务|信息内容|网络安全|网络信息|网络数据|网络平台|大型网络平台|互联网"
    "|数据安全|安全审查|安全管理|技术应用|应用程序"
)
"""What half of all such matters are about."""
_COMMON_CAPITALS = frozenset(
    """china chinese beijing hong kong new york nasdaq nyse us u.s ipo ai ceo cac csrc sec hkex wall street exclusive
    shanghai shenzhen washington cyberspace administration ministry monday tuesday wednesday thursday friday saturday
    sunday january february march april may june july august september october november december us-listed i app apps
    pcaob ev evs ipos american tech internet world asia global state party communist spring festival lunar clear bright
    analysis update factbox breaking how why what hk$ us$ rmb adr ads gpu llm""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Wording:
    """objects: what a headline is about, when nothing that any headline of the kind says is counted. formula: the
    rest of it. proper: names it has that no list knows. quoted: titles of laws and campaigns, their own words only.
    offices: places whose office acts. numbers: those that tell something."""

    objects: tuple[str, ...]
    weak: tuple[str, ...]
    formula: tuple[str, ...]
    proper: tuple[str, ...]
    quoted: tuple[str, ...]
    offices: tuple[str, ...]
    numbers: tuple[str, ...]


def wording(title: str, folded: str, marks: Sequence[Mark]) -> Wording:
    """title: as written, since capitals and quotes tell names; folded: the same, as the marks count it."""
    edges = [(m.start, m.end) for m in marks if m.kind in ("act", "general", "name")]
    named = {term for m in marks if m.kind == "name" for term, _ in _terms(folded[m.start : m.end], ())}
    objects: dict[str, None] = {}
    weak: dict[str, None] = {}
    formula: dict[str, None] = {}
    for term, known in _terms(folded, edges):
        if term in named:
            continue
        (formula if known == FORMULA else weak if known == WEAK else objects)[term] = None
    objects.update((f"清朗{found[1]}", None) for found in _YEARLY.finditer(folded))
    return Wording(
        tuple(objects),
        tuple(weak),
        tuple(formula),
        tuple(dict.fromkeys(_proper(title, folded, marks))),
        tuple(dict.fromkeys(_quoted(title))),
        tuple(dict.fromkeys(_offices(folded))),
        tuple(sorted(numbers(folded))),
    )


def lede(folded: str, title: str, marks: Sequence[Mark]) -> Iterator[str]:
    """The words below a headline that are no formula and not the names it has."""
    named = {term for m in marks if m.kind == "name" for term, _ in _terms(title[m.start : m.end], ())}
    return (term for term, known in _terms(folded, ()) if known != FORMULA and term not in named)


def numbers(folded: str) -> set[str]:
    """Numbers that tell something: not years, not single digits."""
    found = {n.replace(",", "") for n in _NUMBER.findall(folded)}
    return {n for n in found if len(n.replace(".", "")) > 1 and not re.fullmatch(r"(19|20)\d\d|0+", n)}


def _terms(folded: str, edges: Iterable[tuple[int, int]]) -> Iterator[tuple[str, float]]:
    """Words of Latin script by their stem, Chinese in pairs of characters, with what they count. A formula in Chinese
    is cut out first, so that no pair reaches across its edge."""
    spans = [*edges, *((m.start(), m.end()) for m in _CUT.finditer(folded))]
    held = bytearray(len(folded))
    for start, end in spans:
        held[start:end] = b"\1" * (end - start)
    general = bytearray(len(folded))
    for found in _GENERAL.finditer(folded):
        general[found.start() : found.end()] = b"\1" * (found.end() - found.start())
    for run in _WORD.finditer(folded):
        if run[0][0].isascii():
            if len(run[0]) > 1 and run[0] not in _STOP:
                stem = stemmed(run[0])
                known = held[run.start()] or run[0] in _FORMULA_EN or stem in _FORMULA_EN
                yield stem, FORMULA if known else WEAK if stem in _WEAK_EN or run[0] in _WEAK_EN else OBJECT
            continue
        for at in range(run.start(), run.end() - 1):
            pair = folded[at : at + 2]
            if pair in _STOP:
                continue
            if held[at] or held[at + 1]:
                if held[at] and held[at + 1]:
                    yield pair, FORMULA
                continue
            yield pair, WEAK if pair in _WEAK_ZH or (general[at] and general[at + 1]) else OBJECT


def venues(folded: str) -> set[str]:
    """Where a headline has somebody go to market, or leave it."""
    return {place for place, pattern in _VENUES.items() if pattern.search(folded)}


def stemmed(word: str) -> str:
    bare = word.removesuffix("'s")
    return bare.rstrip("s") if len(bare) > 4 else bare


def _proper(title: str, folded: str, marks: Sequence[Mark]) -> Iterator[str]:
    """Names in a headline of Latin script, by their capitals; none where nearly all words have them. In a Chinese one,
    any word of Latin script is one."""
    at = 0
    if opening := _opening(title, folded, marks):
        yield opening[0]
        at = opening[1]
    known = {word for m in marks for word in re.findall(r"[a-z0-9]+", folded[m.start : m.end])}
    words = list(_LATIN.finditer(title))
    chinese = any(map(is_han, title))
    longer = [w for w in words if len(w[0]) > 3]
    shouted = len(longer) > 3 and sum(w[0][0].isupper() for w in longer) > 0.75 * len(longer)
    for number, word in enumerate(words):
        if word.start() < at:
            continue
        whole = fold(word[0]).removesuffix("'s").strip(".'-&")
        bare = stemmed(whole)
        if len(bare) < 3 or bare in _COMMON_CAPITALS or stemmed(bare) in _FORMULA_EN:
            continue
        if any(part in known for part in (bare, *re.findall(r"[a-z0-9]+", whole))):
            continue
        inner = any(c.isupper() for c in word[0][1:]) and not word[0].isupper()
        begins = number == 0 or title[: word.start()].rstrip()[-1:] in ".:?!“'\"‘—-|"
        if chinese or inner or (word[0][0].isupper() and not shouted and not begins):
            yield bare


def _opening(title: str, folded: str, marks: Sequence[Mark]) -> tuple[str, int] | None:
    """The name a headline begins with, without blanks, and where it ends; None when a list knows it, or it is none."""
    if found := _LEADING_ZH.match(folded):
        run, end = found[1], 0
        told = _CUT.sub("", run) and not run.endswith(_GENERIC_ZH)
    elif found := _LEADING_EN.match(title):
        words, end = fold(found[1]).split(), found.end(1)
        told = any(w not in _COMMON_CAPITALS and stemmed(w) not in _FORMULA_EN for w in words)
        run = "".join(words)
    if found is None or not told or any(m.kind != "act" and m.start < found.end(1) for m in marks):
        return None
    return re.sub(r"\W+", "", run), end


def _quoted(title: str) -> Iterator[str]:
    for found in _QUOTED.finditer(title):
        terms = list(_terms(fold(found[1] or found[2] or ""), ()))
        told = [term for term, known in terms if known == OBJECT]
        yield from told or (term for term, known in terms if known == WEAK)


def _offices(folded: str) -> Iterator[str]:
    for found in _OFFICE.finditer(folded):
        yield "" if found[1][-2:] in ("国家", "中央", "中国") else found[1][-2:]

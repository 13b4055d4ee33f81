"""A busy day: other matters told in the same words stay apart, one matter in other words does not."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.core.news import Entry, Feed, FeedState, Judged, Reading, Story
from bot.judge.decide import Editor, Memory, keys_of
from bot.judge.likeness import doc
from bot.judge.retold import Texts
from bot.judge.stories import StoryIndex
from bot.judge.text import is_chinese
from bot.judge.timing import Bounds
from tests.fakes.clock import START
from tests.unit.examples import book, entry, judge, story

DAY = YAML(typ="safe").load(Path(__file__).with_name("dense.yaml"))
FEED = Feed(id="wire", url="https://wire.example")
STATE = FeedState(feed_id="wire", next_check=START, baselined=True)


def entries(reports: Iterable[object]) -> list[Entry]:
    told = [(r, "") if isinstance(r, str) else tuple(r) for r in reports]  # type: ignore[arg-type]
    return [
        entry(title, feed=f"paper{n}", body=body, at=START + timedelta(minutes=40 * n))
        for n, (title, body) in enumerate(told)
    ]


def stories_of(found: Iterable[Entry], live: tuple[Story, ...] = ()) -> tuple[list[Judged], list[Story]]:
    """What becomes of entries that alert, each read as it comes by one Editor."""
    editor = Editor(live, bounds=Bounds(), max_age_s=3 * 86400, rng=random.Random(1))
    kept, stories = [], []
    for one in found:
        if not judge().judge(one).alert:
            continue
        at = one.published or START
        reading = Reading(feed_id="wire", at=at, entries=(one,))
        memory = Memory(unseen=keys_of(reading), subscriptions=())
        changes = editor.decide(FEED, STATE, reading, memory, judge())
        kept += changes.entries
        stories += changes.stories
    return kept, stories


@pytest.mark.parametrize("kind", DAY["apart"])
@pytest.mark.parametrize("backwards", [False, True])
def test_other_matters_in_the_same_words_are_stories_of_their_own(kind: str, backwards: bool) -> None:
    told = DAY["apart"][kind][::-1] if backwards else DAY["apart"][kind]
    kept, _ = stories_of(entries(told))
    assert len(kept) >= min(len(told), 4) or kind == "one company, two matters"
    apart = {k.story_id for k in kept}
    assert len(apart) == len(kept), [(k.story_id, k.entry.title) for k in kept]


def test_no_two_matters_of_a_kind_are_one_by_themselves() -> None:
    """Also with nothing else alive to tell which words are common."""
    for kind, told in DAY["apart"].items():
        pairs = list(permutations(entries(told), 2))
        merged = [p for p in pairs if len({k.story_id for k in stories_of(p)[0]}) < len(stories_of(p)[0])]
        assert len(merged) <= len(pairs) / 20, (kind, [[e.title for e in p] for p in merged])


@pytest.mark.parametrize("matter", DAY["together"])
@pytest.mark.parametrize("backwards", [False, True])
def test_one_matter_in_other_words_is_one_story(matter: str, backwards: bool) -> None:
    told = DAY["together"][matter][::-1] if backwards else DAY["together"][matter]
    kept, _ = stories_of(entries(told))
    assert len(kept) >= 2
    assert len({k.story_id for k in kept}) == 1, [(k.story_id, k.entry.title) for k in kept]


def test_all_of_the_day_together_is_as_many_stories_as_matters() -> None:
    # Those left out tell of the same companies.
    kinds = [k for k in DAY["apart"] if not k.startswith(("fines", "sums", "orders en", "one"))]
    kept, _ = stories_of(entries([r for kind in kinds for r in DAY["apart"][kind]]))
    assert len(kept) > 35
    assert len({k.story_id for k in kept}) == len(kept)


def test_a_company_no_list_knows_ties_no_others_together() -> None:
    names = ["Weibo", "Wobblr", "Trip.com", "NetEase", "iQiyi", "Tencent"]
    told = [f"China's cyberspace regulator fines {n} {i + 2}.5 billion yuan over leaks" for i, n in enumerate(names)]
    body = "The Cyberspace Administration of China announced the fine on Tuesday. The company said it accepts it."
    assert len({k.story_id for k in stories_of(entries([(t, body) for t in told]))[0]}) == 6
    zh = ["微博", "云雀社区", "携程", "网易", "爱奇艺", "腾讯"]
    told = [f"网信办对{n}罚款{i + 2}亿元" for i, n in enumerate(zh)]
    assert len({k.story_id for k in stories_of(entries([(t, "") for t in told]))[0]}) == 6


def test_a_rebuilt_desk_decides_as_the_one_before() -> None:
    """What is kept of a story is all that decides; sets and their order do not."""
    told = entries([*DAY["together"]["a fine"], *DAY["apart"]["fines zh"]])
    whole, _ = stories_of(told)
    kept: list[Judged] = []
    live: dict[str, Story] = {}
    for one in told:
        more, stories = stories_of([one], tuple(live.values()))
        kept += more
        live.update({s.id: s for s in stories})
    assert [(k.outcome, k.story_id) for k in kept] == [(k.outcome, k.story_id) for k in whole]


def test_stories_kept_by_an_earlier_version_are_joined_still() -> None:
    old = {
        "key": "k", "at": int(START.timestamp()), "title": "chinafinesdidi", "words": "fine didi data security",
        "more": "", "names": ["didi"], "subjects": [], "acts": ["fine"], "numbers": ["1.2"], "topics": ["cac"],
    }  # fmt: skip
    assert doc(old).names == {"didi"}
    (story,) = stories_of(entries(["China fines Didi $1.2 billion over data security"]))[1]
    index, texts = StoryIndex(), Texts()
    before = replace(story, features={"docs": [old], "told": {"step": 4, "sum": True, "rumour": False, "updates": 0}})
    index.add(before)
    texts.keep(before)
    later = entry("Didi fined by China's cyberspace regulator over data security", feed="late")
    assert index.find(later, judge().judge(later), START) is not None
    kept, _ = stories_of([later], (before,))
    assert [k.outcome for k in kept] == ["grew"]


def shortest_names(han: bool) -> list[str]:
    """One alias of each company of the catalogue, in Chinese or not; guarded ones left out."""
    named = [n for n in book().names if "companies" in n.tags and not n.unless]
    found = ([a.strip("*=") for a in n.aliases if is_chinese(a) == han and not a.startswith("=$")] for n in named)
    return [aliases[0] for aliases in found if aliases]


@pytest.mark.parametrize(
    "headline", ["{} files for Hong Kong IPO", "{} to delist from New York Stock Exchange", "{}向港交所递交招股书"]
)
def test_no_two_companies_are_one_story_in_the_same_words(headline: str) -> None:
    names = shortest_names(is_chinese(headline))
    assert len(names) > 600
    index, owners = StoryIndex(), {}
    for number, name in enumerate(names):
        one = entry(headline.format(name), feed=f"paper{number}", at=START + timedelta(seconds=number))
        verdict = judge().judge(one)
        if not verdict.alert:
            continue
        joined = index.find(one, verdict, START)
        assert joined is None, (name, owners[joined.story_id], joined.why)
        owners[str(number)] = name
        index.add(replace(story(str(number)), features=index.features(one, verdict, START)))


def test_no_name_stands_for_two_companies() -> None:
    owners: dict[str, str] = {}
    for name in book().names:
        if "companies" in name.tags:
            for alias in name.aliases:
                assert owners.setdefault(alias.strip("=").casefold(), name.key) == name.key, alias


TEMPLATES = [
    "{}获证监会境外上市备案",
    "证监会：{}境外发行上市备案通知书",
    "{}境外发行上市备案获证监会接收",
    "证监会国际司：要求{}补充说明境外上市备案材料",
    "网信办通报{}算法推荐问题",
    "网信办责令{}整改未成年人模式",
    "CSRC clears {} for overseas listing",
    "{} gets Beijing approval for overseas listing",
    "China cyberspace regulator orders {} to fix algorithm",
]


@pytest.mark.parametrize("told", TEMPLATES)
def test_what_is_said_of_one_company_and_then_of_another_is_two_stories(told: str) -> None:
    names = ["Kuaishou", "Weibo", "Zhihu", "WeRide"] if told.isascii() else ["快手", "微博", "知乎", "文远知行"]
    kept, _ = stories_of(entries([told.format(name) for name in names]))
    assert len(kept) == 4
    assert len({k.story_id for k in kept}) == 4


def test_in_the_other_language_each_company_finds_its_own_story() -> None:
    told = ["小马智行获证监会境外上市备案", "文远知行获证监会境外上市备案", "滴滴获证监会境外上市备案"]
    told += [f"{name} gets CSRC nod for overseas listing" for name in ("Pony.ai", "WeRide", "Didi")]
    kept, _ = stories_of(entries(told))
    assert [k.story_id for k in kept[3:]] == [k.story_id for k in kept[:3]]
    assert len({k.story_id for k in kept}) == 3


def test_a_company_that_goes_to_another_market_days_later_is_another_story() -> None:
    told = ["Shein files confidentially for London IPO", "Shein files confidentially for Hong Kong IPO"]
    first, second = entries(told)
    kept, _ = stories_of([first, replace(second, published=START + timedelta(days=8))])
    assert len({k.story_id for k in kept}) == 2


def test_a_fine_and_a_listing_after_it_are_two_stories() -> None:
    told = ["Didi fined $1.2 billion by China cyberspace regulator", "Didi plans Hong Kong listing after fine"]
    kept, _ = stories_of(entries(told))
    assert len({k.story_id for k in kept}) == 2

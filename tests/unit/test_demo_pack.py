"""The demo's pack is whole and honest; a broken one is refused with a sentence."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from bot.core.errors import ConfigError
from bot.demo.pack import Format, Pack, load_pack

FILE = Path(__file__).resolve().parents[2] / "config" / "demo" / "pack.yaml"


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(FILE)


def test_it_holds_a_week_worth_seeing(pack: Pack) -> None:
    told = [i for i in pack.items if pack.start <= i.at]
    stories = Counter(i.story for i in told if i.story)
    assert len(pack.outlets) == 12
    assert {o.format for o in pack.outlets} == set(Format)
    assert len(stories) >= 10
    assert sum(1 for i in told if not i.story) >= 25
    assert all(i.at < pack.end for i in pack.items)
    assert stories["press-conference"] >= 8
    assert pack.near == ("soe-delisting",)


def test_every_story_is_told_in_words_of_its_own(pack: Pack) -> None:
    titles = [i.title.casefold() for i in pack.items]
    assert len(set(titles)) == len(titles)


def test_most_stories_are_told_in_both_languages(pack: Pack) -> None:
    lang = {o.id: o.lang[:2] for o in pack.outlets}
    langs: defaultdict[str, set[str]] = defaultdict(set)
    for item in pack.items:
        if item.story and item.at >= pack.start:
            langs[item.story].add(lang[item.outlet])
    assert sum(1 for found in langs.values() if found == {"en", "zh"}) >= len(langs) - 1


def test_every_outlet_has_a_past_so_that_its_first_reading_is_silent(pack: Pack) -> None:
    assert {i.outlet for i in pack.items if i.at < pack.start} == {o.id for o in pack.outlets}


def test_items_are_oldest_first_and_published_cuts_at_the_moment(pack: Pack) -> None:
    assert [i.at for i in pack.items] == sorted(i.at for i in pack.items)
    wire = [i for i in pack.items if i.outlet == "example-wire"]
    at = wire[3].at
    assert pack.published("example-wire", at) == tuple(wire[:4])
    assert pack.published("example-wire", at.replace(year=2021)) == ()


BROKEN = {
    "a missing key": ("title: Three weeks in August 2022\n", "", "title is missing"),
    "an unknown key": ("guids: none", "guidz: none", "unknown key guidz"),
    "an unknown format": ("format: rdf", "format: rdx", "rdx"),
    "an unknown outlet": ("  - outlet: policy-notebook\n", "  - outlet: policy-notebok\n", "policy-notebok"),
    "a wrong time": ("at: 2022-07-08 11:00", "at: 2022-07-08", "no time"),
    "a near story nobody tells": ("near: [soe-delisting]", "near: [soe-delistin]", "soe-delistin"),
    "not YAML": ("outlets:\n", "outlets: [\n", "not valid YAML"),
    "a path twice": ("path: /2022/08/24/oil-gains", "path: /2022/08/31/alibaba-jd-audit-inspection", "there twice"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_pack_is_refused_with_a_sentence(what: str, tmp_path: Path) -> None:
    old, new, words = BROKEN[what]
    text = FILE.read_text("utf-8")
    assert old in text
    broken = tmp_path / "pack.yaml"
    broken.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(ConfigError, match=words) as caught:
        load_pack(broken)
    assert caught.value.problems[0].file == str(broken)


SHAPELESS = "items: 3\noutlets: 4\ntitle: a\nzone: UTC\nstart: b\nend: c"
ZONELESS = "items: []\noutlets: []\ntitle: a\nzone: Mars/Base\nstart: 2022-08-19 10:50\nend: c"


@pytest.mark.parametrize("text", ["", "[]", "title: x", "\x00", SHAPELESS, ZONELESS])
def test_nonsense_is_refused_too(text: str, tmp_path: Path) -> None:
    broken = tmp_path / "pack.yaml"
    broken.write_text(text, "utf-8")
    with pytest.raises(ConfigError):
        load_pack(broken)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_pack(tmp_path / "pack.yaml")

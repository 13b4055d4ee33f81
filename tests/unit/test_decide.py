"""What an entry becomes: alert, growth, silence; and what is remembered of it."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.chat import Act
from bot.core.news import ALL_ENTRIES, Feed, FeedState, Reading, Tier
from bot.judge.decide import Editor, Memory, keys_of
from bot.judge.timing import Bounds
from bot.judge.updates import MOST_UPDATES, whats_new
from tests.fakes.clock import START
from tests.unit.examples import FINE, NOISE, entry, judge, subscription

SEEN_BEFORE = FeedState(feed_id="wire", next_check=START, baselined=True)
FIRST = FeedState(feed_id="wire", next_check=START)


class Desk:
    """An Editor with a memory, as a store would give it one."""

    def __init__(self, *subscriptions):
        self.editor = Editor([], bounds=Bounds(), max_age_s=3 * 86400, rng=random.Random(1))
        self.seen = set()
        self.subscriptions = subscriptions or (subscription(),)

    def read(self, *entries, state=SEEN_BEFORE, feed=None, at=START):
        feed = feed or Feed(id="wire", url="https://wire.example")
        reading = Reading(feed_id=feed.id, at=at, entries=entries)
        unseen = frozenset(k for k in keys_of(reading) if k not in self.seen)
        changes = self.editor.decide(
            feed, state, reading, Memory(unseen=unseen, subscriptions=self.subscriptions), judge()
        )
        self.seen.update(changes.seen)
        return changes


def outcomes(changes):
    return [j.outcome for j in changes.entries]


def test_a_match_alerts_each_chat_once():
    desk = Desk(
        subscription("fake:1", "cac"),
        subscription("fake:1", "all", 2),
        subscription("fake:2", "all"),
        subscription("fake:3", "listing"),
    )
    changes = desk.read(entry(), entry(NOISE))
    assert sorted(outcomes(changes)) == ["alert", "no-match"]
    assert [d.chat_id for d in changes.deliveries] == ["fake:1", "fake:2"]
    assert len(changes.messages) == 1
    (story,) = changes.stories
    shown = changes.messages[0][1].plain()
    for part in (f"#{story.id}", "Wire", "https://wire.example", "CAC", "published 2022-08-19 06:00 UTC", "Why:"):
        assert part in shown


def test_the_same_again_is_nothing():
    desk = Desk()
    desk.read(entry())
    again = desk.read(entry())
    assert (again.entries, again.deliveries, again.seen) == ((), (), ())


@pytest.mark.parametrize(
    "link",
    [
        "http://www.wire.example/a/?utm_source=x",
        "https://wire.example/a#top",
        "https://www.google.com/url?url=https://wire.example/a",
    ],
)
def test_the_same_link_in_another_feed_is_nothing(link):
    desk = Desk()
    first = entry(path="/a")
    desk.read(first)
    from bot.core.identity import entry_keys

    keys = entry_keys(outlet="other", url=link, guid="x1", title="t", day=START, shared_guid=False)
    again = replace(
        entry("Entirely different words about Didi fined by the cyberspace regulator of China"),
        key=keys[0],
        aliases=keys,
        url=link,
    )
    assert desk.read(again).deliveries == ()


def test_a_later_report_grows_the_story():
    desk = Desk()
    (story,) = desk.read(entry()).stories
    later = desk.read(
        entry("China's cyberspace regulator fines Didi $1.2 bln over data security breaches", feed="harbour"),
        at=START + timedelta(hours=1),
    )
    assert outcomes(later) == ["grew"]
    assert later.deliveries == ()
    assert later.stories[0].id == story.id
    assert later.stories[0].report_count == 2
    assert later.stories[0].revision == 2


def test_chinese_and_english_reports_of_one_fine_are_one_story():
    desk = Desk()
    desk.read(entry(FINE, body="The Cyberspace Administration of China fined Didi 8.026 billion yuan."))
    later = desk.read(
        entry(
            "国家网信办对滴滴罚款80.26亿元", feed="beian", body="国家互联网信息办公室对滴滴全球处人民币80.26亿元罚款。"
        )
    )
    assert outcomes(later) == ["grew"]


def test_a_first_reading_alerts_nobody_but_is_kept():
    desk = Desk()
    changes = desk.read(entry(), entry(NOISE), state=FIRST)
    assert sorted(outcomes(changes)) == ["baseline", "no-match"]
    assert changes.deliveries == ()
    assert changes.stories[0].silent
    assert changes.states[0].baselined


def test_the_newest_of_a_first_reading_alert_when_asked():
    old = entry("国家网信办约谈某平台", path="/old", at=START - timedelta(hours=5))
    new = entry("China's cyberspace regulator summons Weibo over content", path="/new", at=START - timedelta(hours=1))
    one = Desk().read(new, old, state=FIRST, feed=Feed(id="wire", url="https://wire.example", first=1))
    assert [(j.entry.url, j.outcome) for j in one.entries] == [(old.url, "baseline"), (new.url, "alert")]
    everything = Desk().read(new, old, state=FIRST, feed=Feed(id="wire", url="https://wire.example", first=ALL_ENTRIES))
    assert outcomes(everything) == ["alert", "alert"]


def test_a_story_nobody_was_told_of_alerts_with_its_first_fresh_report():
    desk = Desk()
    (quiet,) = desk.read(entry(path="/1"), state=FIRST).stories
    fresh = desk.read(entry(FINE + ", state media says", feed="harbour", path="/2"))
    assert outcomes(fresh) == ["alert"]
    assert fresh.stories[0].id == quiet.id
    assert not fresh.stories[0].silent


def test_what_was_published_long_ago_wakes_nobody():
    changes = Desk().read(entry(at=START - timedelta(days=9)))
    assert outcomes(changes) == ["old"]
    assert changes.deliveries == ()


def test_an_undated_entry_with_a_new_link_is_known_by_its_title():
    desk = Desk()
    desk.read(entry(path="/1", at=None))
    assert desk.read(entry(path="/2", at=None)).entries == ()


def test_a_failed_commit_calls_for_a_new_editor_that_decides_alike():
    desk = Desk()
    changes = desk.read(entry())
    rebuilt = Desk()
    rebuilt.editor = Editor(changes.stories, bounds=Bounds(), max_age_s=3 * 86400, rng=random.Random(1))
    assert outcomes(rebuilt.read(entry(feed="harbour"))) == ["grew"]


REVIEWED = "China's cyberspace regulator opens cybersecurity review of Didi"
FINED = "China's cyberspace regulator fines Didi after cybersecurity review"
NEAR_MISS = "货拉拉被约谈"


def test_a_further_act_in_a_story_is_an_update_with_a_message_of_its_own():
    desk = Desk(subscription("fake:1", "cac"))
    first = desk.read(entry(REVIEWED)).deliveries
    changes = desk.read(entry(FINED, feed="paper"))
    assert outcomes(changes) == ["update"]
    (row,) = changes.deliveries
    assert (row.act, row.story_id, row.revision) == (Act.REPLY, first[0].story_id, 2)
    message = dict(changes.messages)[row.message_id].plain()
    assert "now: fine" in message
    assert f"#{row.story_id}" in message
    assert changes.entries[0].stages[-1].outcome == "now: fine"
    again = desk.read(entry("Didi fined by China's cyberspace regulator after cybersecurity review", feed="third"))
    assert (outcomes(again), again.deliveries) == (["grew"], ())


def test_a_step_back_is_only_another_wording():
    desk = Desk(subscription("fake:1", "cac"))
    desk.read(entry(FINED))
    changes = desk.read(entry(REVIEWED, feed="paper"))
    assert (outcomes(changes), changes.deliveries) == (["grew"], ())


def test_a_rumour_is_confirmed_by_the_office_itself_and_a_fact_needs_no_confirming():
    office = replace(entry("网信办对滴滴处以罚款", feed="office"), tier=Tier.OFFICIAL)
    for title, outcome in (
        ("China's cyberspace regulator could fine Didi, sources say", "update"),
        ("China's cyberspace regulator fines Didi", "grew"),
    ):
        desk = Desk(subscription("fake:1", "cac"))
        desk.read(entry(title))
        assert outcomes(desk.read(office)) == [outcome]


def test_a_first_sum_in_a_headline_is_news_and_one_recalled_below_it_is_not():
    for body, title, outcome in (
        ("", "China's cyberspace regulator fines Didi $1.2 billion", "update"),
        ("It was fined $1.2 billion.", "Cyberspace regulator in China fines Didi", "grew"),
    ):
        desk = Desk(subscription("fake:1", "cac"))
        desk.read(entry("China's cyberspace regulator fines Didi"))
        assert outcomes(desk.read(entry(title, feed="paper", body=body))) == [outcome]


@pytest.mark.parametrize(
    ("first", "then", "outcome"),
    [
        ("Shein files for Hong Kong IPO", "Shein prices Hong Kong IPO at top of range", "update"),
        ("Shein files for Hong Kong IPO", "Shein shelves Hong Kong IPO", "update"),
        ("Shein files for Hong Kong IPO", "Fast-fashion firm Shein files for IPO in Hong Kong", "grew"),
        (
            "China's cyberspace regulator summons Baidu over data",
            "Baidu shares fall after China's cyberspace regulator summons it; Didi was fined in 2022",
            "grew",
        ),
    ],
)
def test_a_step_on_in_a_listing_is_news_and_what_a_headline_recalls_is_not(first, then, outcome):
    desk = Desk(subscription("fake:1", "all"))
    desk.read(entry(first))
    later = START + timedelta(hours=20)
    assert outcomes(desk.read(entry(then, feed="paper", at=later), at=later)) == [outcome]


def test_the_updates_of_a_story_have_an_end():
    known = {"step": 1, "sum": False, "rumour": False, "updates": MOST_UPDATES}
    fined = entry(FINED)
    assert whats_new(known, fined, judge().judge(fined)) == ""
    assert whats_new({**known, "updates": 0}, fined, judge().judge(fined)) == "now: fine"


def test_a_near_miss_goes_to_those_who_ask_for_near_misses():
    desk = Desk(subscription("fake:1", "all"), subscription("fake:2", "review"))
    changes = desk.read(entry(NEAR_MISS))
    assert outcomes(changes) == ["review"]
    assert [d.chat_id for d in changes.deliveries] == ["fake:2"]
    assert not changes.stories
    assert "Near miss" in changes.messages[0][1].plain()


def test_near_misses_below_the_score_a_chat_asks_for_do_not_reach_it():
    score = judge().judge(entry(NEAR_MISS)).score
    least = (score + 0.05, score, 0.0)
    wishes = [replace(subscription(f"fake:{n}", "review"), least=x) for n, x in enumerate(least, 1)]
    changes = Desk(*wishes).read(entry(NEAR_MISS))
    assert [d.chat_id for d in changes.deliveries] == ["fake:2", "fake:3"]


def test_an_open_story_lowers_the_bar_for_its_follow_ups():
    desk = Desk(subscription("fake:1", "cac"))
    desk.read(entry("网络安全审查办公室对货拉拉启动网络安全审查"))
    later = START + timedelta(days=12)
    changes = desk.read(entry(NEAR_MISS, at=later), at=later)
    assert outcomes(changes) == ["alert"]
    assert any(s.name == "open story" for s in changes.entries[0].verdict.stages)
    too_late = START + timedelta(days=60)
    assert outcomes(desk.read(entry("货拉拉被罚款", at=too_late), at=too_late)) != ["alert"]


@pytest.mark.parametrize(
    "title",
    [
        "China's cyberspace regulator starts three-month campaign against online rumours",
        "网信办约谈小红书 要求整治违规传播内容",
    ],
)
def test_what_rumours_are_the_subject_of_is_no_rumour(title):
    (story,) = Desk(subscription("fake:1", "all")).read(entry(title)).stories
    assert not story.rumour


def test_a_story_reaches_those_whose_topic_a_later_report_brings():
    desk = Desk(subscription("fake:1", "cac"), subscription("fake:2", "listing"), subscription("fake:3", "all"))
    first = desk.read(entry("网信办约谈知网", feed="a"))
    assert [d.chat_id for d in first.deliveries] == ["fake:1", "fake:3"]
    second = desk.read(entry("知网拟赴港上市，此前被网信办约谈", feed="b"), at=START + timedelta(hours=1))
    (judged,) = second.entries
    third = desk.read(entry("知网拟赴港上市 网信办曾约谈", feed="c"), at=START + timedelta(hours=2))
    told = [d.chat_id for changes in (second, third) for d in changes.deliveries if d.chat_id == "fake:2"]
    assert told == ["fake:2"], (judged.outcome, judged.stages)


def test_a_story_reaches_those_who_want_a_higher_score_once_it_has_it():
    high = replace(subscription("fake:2", "cac", 2), least=4.0)
    desk = Desk(subscription("fake:1", "cac"), high)
    first = desk.read(entry("Xiaohongshu gets a slap for its celebrity chatter", feed="a"))
    assert [d.chat_id for d in first.deliveries] == ["fake:1"]
    (story,) = first.stories
    assert story.score < high.least
    told = []
    for hour, name in enumerate("bc", 1):
        again = desk.read(
            entry("China's cyberspace regulator summons Xiaohongshu over celebrity chatter", feed=name),
            at=START + timedelta(hours=hour),
        )
        assert {s.id for s in again.stories} == {story.id}
        told += [d.chat_id for d in again.deliveries]
    assert told.count("fake:2") == 1

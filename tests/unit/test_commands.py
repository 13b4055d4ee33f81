"""What people ask and what they get: every command, its mistakes, and who may."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cli.joins import last_words
from bot.commands.answering import Answering
from bot.commands.feeds import Feeds
from bot.commands.help import Help
from bot.commands.hours import Hours
from bot.commands.keywords import Keywords
from bot.commands.lookup import LookingUp
from bot.commands.outgoing import Outgoing
from bot.commands.stories import Stories
from bot.commands.subscribe import Subscribing
from bot.core.changes import Changes
from bot.core.chat import Call, Chat, ChatEvent, Keyword
from bot.core.errors import Full, NotAFeed
from bot.core.news import Feed, FeedState, Judged, Reading, Report, Tier
from bot.judge.newsroom import Newsroom, Rules, Topic
from bot.judge.specs import RuleError
from bot.stores.memory import MemoryStore
from tests.fakes.channel import FakeChannel
from tests.fakes.clock import START, VirtualClock
from tests.unit.examples import FINE, book, entry, judge, row, story

OWNER = "fake:boss"


class OneSource:
    """Reads every feed as it is told."""

    def __init__(self):
        self.entries = (entry(),)
        self.error = None

    async def read(self, feed, state):
        if self.error:
            raise self.error
        return Reading(feed_id=feed.id, at=START, entries=self.entries, title="A feed")


BUDGET = 3


class Rig:
    def __init__(self, store=None):
        self.clock = VirtualClock()
        self.store = store or MemoryStore()
        self.channel = FakeChannel(self.clock)
        self.source = OneSource()
        topics = {t.name: Topic(t.words, len(t.rules)) for t in book().topics}
        from_file = Feed(id="wire", url="https://wire.example/feed", name="Wire")
        self.newsroom = Newsroom([from_file], topics, lambda keywords: judge(*keywords))
        help_ = Help()
        groups = (
            Subscribing(self.store, self.newsroom),
            LookingUp(self.store, self.newsroom),
            Feeds(self.store, self.newsroom, self.source),
            Keywords(self.store, self.newsroom, BUDGET),
            Stories(self.store),
            Outgoing(self.store),
            Hours(self.store),
            help_,
        )
        self.front = Answering(
            groups, self.store, self.newsroom, {"fake": self.channel}, self.clock, frozenset({OWNER})
        )
        help_.registry = self.front.registry
        self.calls = 0

    async def ask(self, text, *, actor="fake:u1", kind="private", chat="fake:1", reply_to="", call_id=""):
        self.calls += 1
        call = Call(
            id=call_id or f"fake:{self.calls}", text=text, chat=Chat(id=chat, kind=kind), actor=actor, reply_to=reply_to
        )
        reply = await self.front.answer(call)
        return reply.plain()

    async def agree(self, shown):
        """An owner's yes to an offer."""
        return await self.ask("keywords confirm " + re.search(r"keywords confirm (\w+)", shown)[1], actor=OWNER)

    async def keep(self, *stories, **more):
        await self.store.commit(Changes(at=START, stories=stories, **more))


@pytest.fixture
def rig():
    return Rig()


async def test_subscribe_list_unsubscribe(rig):
    assert "gets cac" in await rig.ask("subscribe cac")
    assert "already" in await rig.ask("sub CAC")
    assert "s2" in await rig.ask("subscribe listing")
    listed = await rig.ask("subs")
    assert "s1" in listed
    assert "listing" in listed
    assert "no longer gets cac" in await rig.ask("unsubscribe s1")
    assert "no subscription" in await rig.ask("unsubscribe s9")
    assert "no longer gets listing" in await rig.ask("unsub listing")
    assert "no subscriptions" in await rig.ask("unsubscribe")


async def test_all_covers_what_was_before(rig):
    await rig.ask("subscribe cac")
    await rig.ask("subscribe all")
    assert [s.topic for s in await rig.store.chat_subscriptions("fake:1")] == ["all"]
    assert "all already" in await rig.ask("subscribe listing")
    assert "no longer" in await rig.ask("stop")


async def test_each_chat_has_its_own(rig):
    await rig.ask("subscribe cac", chat="fake:1")
    assert "no subscriptions" in await rig.ask("unsubscribe s1", chat="fake:2")
    assert len(await rig.store.chat_subscriptions("fake:1")) == 1


async def test_a_missing_topic_is_asked_for(rig):
    call = Call(id="fake:x", text="subscribe", chat=Chat(id="fake:1"), actor="fake:u1")
    reply = await rig.front.answer(call)
    assert [b.command for b in reply.buttons] == ["subscribe cac", "subscribe listing", "subscribe all"]


async def test_deep_link(rig):
    assert "gets cac" in await rig.ask("start sub_cac")
    assert "This chat gets: cac" in await rig.ask("start")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("subscrbe cac", "Did you mean /subscribe?"),
        ("subscribe cax", "did you mean cac?"),
        ("subscribe cac now please", "do not know what to do with 'please'"),
        ("search", "Usage: /search"),
        ("whynot", "Example: /whynot https://example.com/article"),
        ("whynot ftp://x", "no http(s) address"),
        ("latest 5 nonsense", "no topic 'nonsense'"),
        ("", "/help lists"),
        ("why zzzzzz", "no alert '#zzzzzz'"),
        ("search x since:never", "a time is written like"),
        ("x" * 5000, "longer than"),
        ("\x00\u202e💥", "do not know"),
    ],
)
async def test_mistakes_are_answered_with_what_to_do(rig, asked, said):
    await rig.keep(story())
    assert said in await rig.ask(asked)


async def test_help_knows_every_command_and_who_may(rig):
    mine, theirs = await rig.ask("help", actor=OWNER), await rig.ask("help")
    for verb in ("start", "subscribe", "unsubscribe", "subs", "topics", "latest", "search", "why", "status", "help"):
        assert f"/{verb}" in theirs
    assert "/feeds" in mine
    assert "/feeds" not in theirs
    assert "Example: /search" in await rig.ask("help search")
    menu = rig.front.menu()
    assert {m.verb for m in menu} == set(rig.front.registry.commands)
    assert all(m.words and len(m.words) <= 256 for m in menu)


async def test_slack_is_told_slack_spellings(rig):
    call = Call(id="slack:1", text="subscrib", chat=Chat(id="slack:T1/C1"), actor="slack:T1:U1")
    assert "/tocsin subscribe" in (await rig.front.answer(call)).plain()


async def test_latest_search_and_filters(rig):
    await rig.keep(
        story("aaaaaa"),
        story("bbbbbb", title="滴滴被罚80.26亿元", topics=("cac", "listing")),
        story("cccccc", title="Zhipu debuts in Hong Kong", topics=("listing",)),
    )
    assert (await rig.ask("latest 2")).count("#") == 2
    assert "Zhipu" not in await rig.ask("latest cac")
    assert "#bbbbbb" in await rig.ask("search 滴滴")
    assert "#bbbbbb" in await rig.ask("search 被罰")
    assert "#cccccc" in await rig.ask("search zhipu HONG")
    assert "No story holds" in await rig.ask("search 美团")
    assert "No story" in await rig.ask("search zhipu topic:cac")


async def test_why_names_words_reports_and_delivery(rig):
    one = entry()
    report = Report(key=one.key, source="Wire", url=one.url, title=one.title, at=START, tier=Tier.PRESS)
    verdict = judge().judge(one)
    kept = Judged(entry=one, at=START, outcome="alert", story_id="abc123", verdict=verdict)
    from dataclasses import replace

    await rig.keep(replace(story(), reports=(report,)), entries=(kept,), deliveries=(row(),))
    for asked in ("why abc123", "why #ABC123", "why"):
        said = await rig.ask(asked)
        assert "rules cac" in said
        assert "cyberspace regulator" in said
        assert "pending here" in said
    assert "because" in await rig.ask("why", reply_to="abc123")
    assert "first report of a story" in await rig.ask(f"whynot {one.url}?utm_source=x")
    assert "not read this article" in await rig.ask("whynot https://elsewhere.example/x")


async def test_status(rig):
    failing = FeedState(feed_id="wire", next_check=START, failures=2, error="nothing came")
    await rig.keep(story(), states=(failing,), deliveries=(row(),))
    said = await rig.ask("status")
    assert "0 of 1 well" in said
    assert "1 waiting" in said
    assert "nothing came" not in said
    assert "nothing came" in await rig.ask("status", actor=OWNER)


async def test_roles(rig):
    assert "Only owners" in await rig.ask("feeds")
    assert "fake:u1" in await rig.ask("keywords add cac x")
    assert "Only administrators" in await rig.ask("subscribe cac", kind="group")
    rig.channel.admins.add("fake:u1")
    assert "Done" in await rig.ask("subscribe cac", kind="group")
    assert "gets nothing yet" in await rig.ask("start", kind="group", actor="fake:u2", chat="fake:9")


@pytest.mark.parametrize("asked", ["feeds add", "feed_add", "ops feed add", "ops feeds add", "feed add"])
async def test_feeds_are_added_tried_and_removed(rig, asked):
    added = await rig.ask(f'{asked} https://news.example/rss name="The News" every=15m tier=wire', actor=OWNER)
    assert "Added news-example" in added
    feed = rig.newsroom.feeds["news-example"]
    assert (feed.name, feed.every_s, feed.tier, feed.origin) == ("The News", 900, "wire", OWNER)
    assert "read already, as news-example" in await rig.ask(f"{asked} http://www.news.example/rss/", actor=OWNER)
    assert "news-example" in await rig.ask("feeds", actor=OWNER)
    assert "off now" in await rig.ask("feeds pause news-example", actor=OWNER)
    assert "on now" in await rig.ask("feeds resume news-example", actor=OWNER)
    assert "Removed" in await rig.ask("feeds remove news-example", actor=OWNER)
    assert "news-example" not in rig.newsroom.feeds
    assert [a.what for a in await rig.store.audit(9)][-1] == "feed added"


async def test_a_feed_of_the_file_is_switched_off_not_lost(rig):
    assert "switched off" in await rig.ask("feeds remove wire", actor=OWNER)
    assert not rig.newsroom.feeds["wire"].enabled
    await rig.ask("feeds resume wire", actor=OWNER)
    assert rig.newsroom.feeds["wire"].enabled


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("feeds add", "One address is needed"),
        ("feeds add ftp://x/y", "http:// or https://"),
        ("feeds add https://u:p@news.example/", "name and password"),
        ("feeds add https://a.example/ every=1y", "a time is written like"),
        ("feeds add https://a.example/ tier=gossip", "tier is one of"),
        ("feeds add https://a.example/ id=WIRE!", "An id is made of"),
        ("feeds remove nothing", "no feed 'nothing'"),
        ("feeds dance", "I can list, failing, add"),
        ("feeds test", "Give an address or an id"),
    ],
)
async def test_feed_mistakes(rig, asked, said):
    assert said in await rig.ask(asked, actor=OWNER)


async def test_what_is_no_feed_is_not_added(rig):
    rig.source.error = NotAFeed("a web page came, not a feed")
    assert "a web page came" in await rig.ask("feeds add https://news.example/", actor=OWNER)
    assert "news-example" not in rig.newsroom.feeds
    assert "a web page came" in await rig.ask("feeds test https://news.example/", actor=OWNER)
    rig.source.error = None
    assert "1 of which match" in await rig.ask("feeds test https://news.example/", actor=OWNER)


async def test_keywords_change_the_rules_in_force(rig):
    odd = entry("Quokkas seen at the zoo")
    assert not rig.newsroom.judge.judge(odd).alert
    await rig.keep(entries=(Judged(entry=odd, at=START, outcome="no-match"),))
    assert "adds 1 alerts" in await rig.ask("keywords test quokkas", actor=OWNER)
    assert "adds 1 alerts" in await rig.ask("test quokkas 30d", actor=OWNER)
    shown = await rig.ask("keyword_add cac quokkas", actor=OWNER)
    assert "Nothing is changed yet" in shown
    assert "Quokkas seen at the zoo" in shown
    assert not rig.newsroom.judge.judge(odd).alert
    assert "Added quokkas to cac" in await rig.agree(shown)
    assert rig.newsroom.judge.judge(odd).alert
    assert "already" in await rig.ask("keywords add cac quokkas", actor=OWNER)
    assert "quokkas" in await rig.ask("keywords cac", actor=OWNER)
    assert "Removed" in await rig.ask("ops keyword remove cac quokkas", actor=OWNER)
    assert not rig.newsroom.judge.judge(odd).alert


async def test_a_word_that_fires_on_nothing_read_so_far_waits_for_a_yes_too(rig):
    await rig.keep(entries=(Judged(entry=entry("A zebra"), at=START, outcome="no-match"),))
    shown = await rig.ask("keywords add cac quokkas", actor=OWNER)
    assert "It fires on 0." in shown
    assert "only 1 entry in the history, from 1 day" in shown
    assert await rig.store.keywords() == []
    assert "Added quokkas to cac." in await rig.agree(shown)


async def test_a_long_history_is_not_called_short(rig):
    days = [START - timedelta(days=n % 9) for n in range(200)]
    read = [Judged(entry=entry(f"Zebra {n}"), at=at, outcome="no-match") for n, at in enumerate(days)]
    await rig.keep(entries=tuple(read))
    assert "so this tells little" not in await rig.ask("keywords add cac quokkas", actor=OWNER)
    assert "only 23 entries in the history" in await rig.ask("test zebra 0d", actor=OWNER)


@pytest.mark.parametrize("published", [START, None, "another day each"])
async def test_a_word_over_its_budget_is_refused_with_the_count(rig, published):
    def at(n):
        return START - timedelta(days=n) if published == "another day each" else published

    many = [Judged(entry=entry(f"Zoo number {n} opens", at=at(n)), at=START, outcome="x") for n in range(BUDGET + 1)]
    await rig.keep(entries=tuple(many))
    said = await rig.ask("keywords add cac zoo", actor=OWNER)
    assert f"{BUDGET + 1} further alerts on one day" in said
    assert f"Per day: {START:%Y-%m-%d}: {BUDGET + 1}" in said, "counted alike"
    assert "confirm" not in said
    assert not rig.newsroom.judge.judge(entry("Zoo opens")).alert


@pytest.mark.parametrize("asked", ["weight:-7.5 village", "village weight:-7.5"])
async def test_a_word_may_have_a_weight_and_speak_against_its_topic(rig, asked):
    fined = entry(FINE + " in a village")
    await rig.keep(entries=(Judged(entry=fined, at=START, outcome="alert"),))
    shown = await rig.ask(f"keywords add cac {asked}", actor=OWNER)
    assert "village (weight -7.5)" in shown
    before = rig.newsroom.judge.judge(fined)
    assert "Added village to cac (weight -7.5)" in await rig.agree(shown)
    assert "village (weight -7.5)  added by fake:boss" in await rig.ask("keywords list", actor=OWNER)
    judged = rig.newsroom.judge.judge(fined)
    assert judged.score == pytest.approx(before.score - 7.5)
    await rig.keep(entries=(Judged(entry=fined, at=START, outcome="alert", verdict=judged),))
    assert "chat: village -7.5: village" in await rig.ask(f"whynot {fined.url}", actor=OWNER)
    assert "already" in await rig.ask(f"keywords add cac {asked}", actor=OWNER)
    assert "village" in await rig.agree(await rig.ask("keywords add cac weight:0.5 village", actor=OWNER))
    assert [(k.text, k.weight) for k in await rig.store.keywords()] == [("village", 0.5)]
    assert "Removed village" in await rig.ask("keywords remove cac weight:0.5 village", actor=OWNER)
    assert "village (weight +2)" in await rig.ask("test weight:2 village 30d", actor=OWNER)
    assert "weight:<number>" in await rig.ask("help keywords", actor=OWNER)


async def test_an_offer_for_a_topic_that_is_gone_is_refused(rig):
    shown = await rig.ask("keywords add listing quokkas", actor=OWNER)
    only = {t.name: Topic(t.words, len(t.rules)) for t in book().topics if t.name == "cac"}
    rig.newsroom.adopt(rig.newsroom.prepare(Rules(only, lambda _: judge())))
    assert "no topic 'listing'" in await rig.agree(shown)


async def test_an_offer_nobody_made_cannot_be_confirmed(rig):
    assert "no such offer" in await rig.ask("keywords confirm abcdef", actor=OWNER)


def told_twice(name, first, second):
    at = [entry(t, feed=f) for t, f in ((first, "wire"), (second, "paper"))]
    reports = tuple(Report(key=e.key, source=e.source, url=e.url, title=e.title, at=START) for e in at)
    docs = [{"key": e.key} for e in at]
    return replace(story(name, title=first), reports=reports, report_count=2, features={"docs": docs})


async def test_a_report_is_taken_out_of_a_story_and_told_as_its_own(rig):
    await rig.ask("subscribe cac")
    await rig.keep(told_twice("abc123", FINE, "China's cyberspace regulator summons Weibo"))
    said = await rig.ask("split #abc123 2", actor=OWNER)
    assert "told to 1 chat" in said
    alone = await rig.store.story(re.search(r"#(\w{6}) is a story of its own", said)[1])
    rest = await rig.store.story("abc123")
    assert [r.title for r in rest.reports] == [FINE]
    assert (alone.title, alone.report_count) == ("China's cyberspace regulator summons Weibo", 1)
    assert [len(s.features["docs"]) for s in (rest, alone)] == [1, 1]
    head = await rig.store.head("fake:1")
    assert head.story_id == alone.id
    assert rig.newsroom.stories_version == 1
    (audit,) = await rig.store.audit(1)
    assert json.loads(audit.detail) == {"same": False, "a": FINE, "b": alone.title}


async def test_two_stories_are_made_one_and_the_other_points_to_it(rig):
    other = "滴滴被罚80.26亿元"
    one, two = told_twice("abc123", FINE, FINE + "!"), told_twice("def456", other, other + "!")
    await rig.keep(one, replace(two, topics=("listing",)))
    assert "4 reports" in await rig.ask("merge abc123 def456", actor=OWNER)
    whole = await rig.store.story("abc123")
    assert (whole.topics, len(whole.reports), len(whole.features["docs"])) == (("cac", "listing"), 4, 4)
    assert "#abc123" in await rig.ask("why def456")
    assert "def456" not in await rig.ask("latest") + await rig.ask("search 滴滴")
    assert "part of #abc123 already" in await rig.ask("merge abc123 def456", actor=OWNER)


SUMMONED = "China's cyberspace regulator summons Weibo"


async def told_apart(rig, *titles, hours=1):
    """Stories of one report each, the first the youngest, each told to fake:1, as polling keeps them."""
    await rig.ask("subscribe cac")
    made = []
    for number, title in enumerate(titles):
        at, read = START - timedelta(hours=hours * number), entry(title, feed=f"feed{number}")
        reports = (Report(key=read.key, source=read.source, url=read.url, title=title, at=at),)
        features = {"docs": [{"key": read.key}], "told": {"acts": [str(number)]}}
        kept = replace(story(f"story{number}", title=title, at=at), reports=reports, features=features)
        judged = Judged(entry=read, at=at, outcome="alert", story_id=kept.id)
        await rig.keep(kept, entries=(judged,), deliveries=(row("fake:1", kept.id),))
        made.append(kept)
    return made


def same_but_for_revisions(one, other):
    return replace(one, revision=0) == replace(other, revision=0)


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_split_after_a_merge_undoes_it_and_tells_nobody_again(rig, hours):
    one, two = await told_apart(rig, FINE, SUMMONED, hours=hours)
    await rig.keep(replace(two, topics=("cac", "listing"), summary="It was about rumours.", score=2.0))
    two = await rig.store.story(two.id)
    await rig.ask("merge story0 story1", actor=OWNER)
    assert [r.title for r in (await rig.store.story("story0")).reports] == [FINE, SUMMONED]
    told = len(await rig.store.backlog("fake:1"))
    assert "1 report; nobody is told of it anew" in await rig.ask("split story0 2", actor=OWNER)
    assert same_but_for_revisions(await rig.store.story("story0"), one)
    assert same_but_for_revisions(await rig.store.story("story1"), two)
    assert len(await rig.store.backlog("fake:1")) == told
    latest = await rig.ask("latest")
    assert FINE in latest
    assert SUMMONED in latest
    said = [a.detail for a in reversed(await rig.store.audit(9)) if a.what.startswith("story")]
    assert [json.loads(line) for line in last_words(said).values()] == [{"same": False, "a": FINE, "b": SUMMONED}]


async def test_a_story_of_stories_is_taken_apart_in_the_order_in_which_it_was_made(rig):
    one, two, three = await told_apart(rig, FINE, SUMMONED, "网信办约谈豆瓣")
    await rig.ask("merge story1 story2", actor=OWNER)
    await rig.ask("merge story0 story1", actor=OWNER)
    assert "2 reports; nobody" in await rig.ask("split story0 3", actor=OWNER)
    assert same_but_for_revisions(await rig.store.story("story0"), one)
    assert "1 report; nobody" in await rig.ask("split story1 2", actor=OWNER)
    assert same_but_for_revisions(await rig.store.story("story1"), two)
    assert same_but_for_revisions(await rig.store.story("story2"), three)


async def test_what_joined_after_a_merge_stays_when_that_is_undone(rig):
    await told_apart(rig, FINE, SUMMONED)
    await rig.ask("merge story0 story1", actor=OWNER)
    whole = await rig.store.story("story0")
    late = entry(FINE + " law", feed="late")
    joined = (*whole.reports, Report(key=late.key, source="Late", url=late.url, title=late.title, at=START))
    await rig.keep(replace(whole, reports=joined, report_count=3))
    await rig.ask("split story0 2", actor=OWNER)
    assert [r.title for r in (await rig.store.story("story0")).reports] == [FINE, late.title]
    assert (await rig.store.story("story0")).report_count == 2
    assert [r.title for r in (await rig.store.story("story1")).reports] == [SUMMONED]


async def test_a_report_told_as_an_update_is_not_told_again_when_it_is_split(rig):
    (one,) = await told_apart(rig, FINE)
    await rig.ask("subscribe cac", chat="fake:2")
    update = entry(SUMMONED, feed="late")
    report = Report(key=update.key, source="Late", url=update.url, title=update.title, at=START)
    judged = Judged(entry=update, at=START, outcome="update", story_id=one.id)
    await rig.keep(replace(one, reports=(*one.reports, report), report_count=2), entries=(judged,))
    assert "told to 1 chat" in await rig.ask(f"split {one.id} 2", actor=OWNER)
    assert len(await rig.store.backlog("fake:1")) == 1
    assert [d.act for d in await rig.store.backlog("fake:2")] == ["post"]


async def test_a_story_split_off_merged_back_and_split_again_goes_on_counting(rig):
    """Else what comes of it next would carry a key that was sent already."""
    (one,) = await told_apart(rig, FINE)
    other = entry(SUMMONED, feed="late")
    report = Report(key=other.key, source="Late", url=other.url, title=other.title, at=START)
    judged = Judged(entry=other, at=START, outcome="grew", story_id=one.id)
    await rig.keep(replace(one, reports=(*one.reports, report), report_count=2), entries=(judged,))
    await rig.ask(f"split {one.id} 2", actor=OWNER)
    (alone,) = [s for s in await rig.store.latest((), 9) if s.id != one.id]
    await rig.keep(replace(alone, revision=5))
    await rig.ask(f"merge {one.id} {alone.id}", actor=OWNER)
    assert "as they were before" in await rig.ask(f"split {one.id} 2", actor=OWNER)
    again = await rig.store.story(alone.id)
    assert (again.merged_into, again.title) == ("", SUMMONED)
    assert again.revision > 5


async def test_stories_split_off_and_merged_by_a_third_come_back(rig):
    (one,) = await told_apart(rig, FINE)
    others = [entry(title, feed="late") for title in (SUMMONED, "网信办约谈豆瓣")]
    reports = [Report(key=o.key, source="Late", url=o.url, title=o.title, at=START) for o in others]
    kept = [Judged(entry=o, at=START, outcome="grew", story_id=one.id) for o in others]
    await rig.keep(replace(one, reports=(*one.reports, *reports), report_count=3), entries=tuple(kept))
    await rig.ask(f"split {one.id} 2", actor=OWNER)
    await rig.ask(f"split {one.id} 2", actor=OWNER)
    first, second = [(await rig.store.judged(o.key)).story_id for o in others]
    await rig.ask(f"merge {first} {second}", actor=OWNER)
    await rig.ask(f"merge {one.id} {first}", actor=OWNER)
    assert "2 reports; nobody" in await rig.ask(f"split {one.id} 3", actor=OWNER)
    back = await rig.store.story(first)
    assert (back.merged_into, len(back.reports)) == ("", 2)


async def test_a_headline_is_no_example_against_itself(rig):
    await rig.keep(told_twice("abc123", FINE, FINE), story("def456", title=FINE))
    await rig.ask("split abc123 2", actor=OWNER)
    await rig.ask("merge abc123 def456", actor=OWNER)
    assert [a.what for a in await rig.store.audit(9)] == ["merge of one headline", "split of one headline"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("split abc123 1", "take out one of 2 to 2"),
        ("split abc123 9", "take out one of 2 to 2"),
        ("split abc123 two", "is not a number"),
        ("split zzzzzz 2", "no alert '#zzzzzz'"),
        ("merge abc123 abc123", "one already"),
        ("merge abc123", "other is missing"),
    ],
)
async def test_stories_that_cannot_be_mended_stay_as_they_are(rig, asked, said):
    before = told_twice("abc123", FINE, FINE + "!")
    await rig.keep(before)
    assert said in await rig.ask(asked, actor=OWNER)
    assert await rig.store.story("abc123") == before
    assert "Only owners" in await rig.ask(asked)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("keywords add cac (a OR", "column"),
        ("keywords add cac @companeis", "did you mean @companies?"),
        ("keywords add weather rain", "no topic 'weather'"),
        ("keywords add cac", "A topic and a word are needed"),
        ("keywords add cac NOT x", "word that must be there"),
        ("keywords add cac /(/ AND x", "pattern cannot be used"),
        ("keywords add cac weight:much zebra", "from -100 to 100, and not 0"),
        ("keywords add cac weight:0 zebra", "from -100 to 100, and not 0"),
        ("keywords add cac weight:101 zebra", "from -100 to 100, and not 0"),
        ("keywords add cac weight: zebra", "from -100 to 100, and not 0"),
        ("keywords add cac weight:5", "A word is needed"),
        ("keywords remove cac zebra", "no word 'zebra'"),
        ("keywords test", "Test which"),
    ],
)
async def test_a_bad_rule_is_refused_in_words_and_the_old_ones_stay(rig, asked, said):
    before = rig.newsroom.judge
    assert said in await rig.ask(asked, actor=OWNER)
    assert rig.newsroom.judge is before


async def test_a_repeated_call_acts_once(rig):
    await rig.ask("subscribe cac", call_id="fake:same")
    await rig.ask("unsubscribe s1")
    assert "done already" in await rig.ask("subscribe cac", call_id="fake:same")
    assert await rig.store.chat_subscriptions("fake:1") == []


async def test_somebody_who_talks_can_be_reached_again(rig):
    await rig.ask("subscribe cac")
    await rig.front.changed(ChatEvent(id="e1", what="left", chat=Chat(id="fake:1"), detail="blocked"))
    assert (await rig.store.chat("fake:1")).paused == "blocked"
    await rig.ask("latest")
    assert (await rig.store.chat("fake:1")).paused == ""
    assert len(await rig.store.subscriptions()) == 1


async def test_what_happens_to_a_group_happens_to_its_topics(rig):
    """A platform tells of the group; what was subscribed, and paused, is the topic."""
    here, others = ("fake:-9", "fake:-9/3", "fake:-9/4"), ("fake:-99/3", "fake:-91")
    chats = tuple(Chat(id=c, kind="group", title="Desk") for c in (*here, *others))
    await rig.store.commit(Changes(at=START, chats=chats))
    group = Chat(id="fake:-9", kind="group", title="Desk")
    await rig.front.changed(ChatEvent(id="e1", what="left", chat=group, detail="kicked"))
    assert {c.id: c.paused for c in await rig.store.chats()} == {
        **dict.fromkeys(here, "kicked"),
        **dict.fromkeys(others, ""),
    }
    gone = tuple(replace(c, paused="kicked") for c in chats)
    await rig.store.commit(Changes(at=START, chats=gone))
    await rig.front.changed(ChatEvent(id="e2", what="joined", chat=group))
    assert {c.id: c.paused for c in await rig.store.chats()} == {
        **dict.fromkeys(here, ""),
        **dict.fromkeys(others, "kicked"),
    }


async def test_topics_go_on_where_the_group_itself_was_never_met(rig):
    notices = []
    rig.front._notices = lambda about, words, now: notices.append(words) or ((), ())
    topics = tuple(Chat(id=f"fake:-9/{n}", kind="group", title="Desk") for n in (3, 4))
    await rig.store.commit(Changes(at=START, chats=topics))
    for what in ("left", "left", "joined"):
        await rig.front.changed(ChatEvent(id=what, what=what, chat=Chat(id="fake:-9", kind="group")))
    assert [c.paused for c in await rig.store.chats()] == ["", ""]
    assert len(notices) == 1, "of one group, and of one leaving, owners are told once"


async def test_a_moved_chat_keeps_its_subscriptions(rig):
    await rig.ask("subscribe cac", chat="fake:5")
    await rig.front.changed(ChatEvent(id="e1", what="moved", chat=Chat(id="fake:5"), detail="fake:-1005"))
    assert "cac" in await rig.ask("subs", chat="fake:-1005")


async def test_a_full_disk_is_said_and_changes_nothing():
    class FullStore(MemoryStore):
        async def commit(self, changes):
            raise Full("no space left on /data")

    rig = Rig(FullStore())
    said = await rig.ask("subscribe cac")
    assert "cannot write to my disk" in said
    assert "/data" not in said


async def test_a_bug_is_no_traceback(rig):
    class Broken(MemoryStore):
        async def latest(self, topics, limit):
            raise RuntimeError("secret internals")

    said = await Rig(Broken()).ask("latest")
    assert "went wrong on my side" in said
    assert "secret" not in said


async def test_a_chat_may_ask_for_the_surer_alerts_only(rig):
    assert "cac: the Cyberspace" in await rig.ask("subscribe cac min:2")
    assert "from a score of 2" in await rig.ask("subs")
    assert "already" in await rig.ask("subscribe cac min:2")
    assert "from a score of 3.5" in await rig.ask("subscribe cac min:3.5")
    (mine,) = await rig.store.chat_subscriptions("fake:1")
    assert (mine.least, mine.wants(("cac",), 3.0), mine.wants(("cac",), 3.5)) == (3.5, False, True)
    assert "do not know what to do with 'much'" in await rig.ask("subscribe listing much")


async def test_near_misses_are_subscribed_to_beside_everything(rig):
    await rig.ask("subscribe all")
    assert "near misses" in await rig.ask("subscribe review")
    assert [s.topic for s in await rig.store.chat_subscriptions("fake:1")] == ["all", "review"]


def test_a_keyword_that_is_no_rule_any_more_silences_no_other():
    topics = {"cac": Topic("the regulator", 1)}
    newsroom = Newsroom([], topics, lambda keywords: judge(*keywords))
    old, good = (Keyword(topic="cac", text=text, weight=100.0) for text in ("lemon and lime", "lemon"))
    newsroom.adopt_keywords((old, good))
    assert newsroom.keywords == (old, good)
    assert newsroom.judge.judge(entry("A lemon")).alert
    assert newsroom.try_keywords((old, good, Keyword(topic="cac", text="lime", weight=1.0))).judge(entry("Lime")).alert
    with pytest.raises(RuleError, match="did you mean AND"):
        newsroom.try_keywords((good, Keyword(topic="cac", text="a and b", weight=1.0)))

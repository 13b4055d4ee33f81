"""Rules that are edited while the bot runs: good ones come into force, bad ones change nothing and are told of."""

import shutil

import pytest
from structlog.testing import capture_logs

from bot.config.rules import load_rules
from bot.config.settings import RULE_FILES, load, reread_rules, stamps_of
from bot.core.chat import Keyword
from bot.core.errors import ConfigError
from bot.jobs.notices import Notices
from bot.jobs.reload import LOOK_S, ReloadJob
from bot.judge.newsroom import Newsroom, Rules, Topic
from bot.judge.verdict import Judge
from tests.fakes.channel import FakeChannel
from tests.fakes.clock import VirtualClock
from tests.unit.examples import ROOT, entry

TOPICS = """
topics:
  cac:
    words: the regulator
    rules:
      - {id: fruit, when: lemon, must: [A lemon], must_not: [A lime]}
"""
COMPANIES = "companies: []\n"
LEMON, LIME, MELON = (entry(f"A {fruit} a day") for fruit in ("lemon", "lime", "melon"))


def rules_of(book):
    return Rules({t.name: Topic(t.words, len(t.rules)) for t in book.topics}, lambda words: Judge(book, words))


class Desk:
    """The job over real files, with a newsroom that has one word added in chat."""

    def __init__(self, home):
        self.home = home
        self.write("topics.yaml", TOPICS)
        self.write("companies.yaml", COMPANIES)
        for name in ("feeds.yaml", "tocsin.yaml"):
            shutil.copy(ROOT / "config" / name, home / name)
        self.settings = load(home, {})
        rules = rules_of(self.settings.rules)
        self.newsroom = Newsroom([], rules.topics, rules.compile_with)
        self.newsroom.adopt_keywords([Keyword(topic="cac", text="melon", weight=100.0)])
        self.clock = VirtualClock()
        self.channel = FakeChannel(self.clock)
        self.notices = Notices({"fake:boss"}, {"fake": self.channel}, self.clock)
        self.reads = 0
        self.job = ReloadJob(
            self.newsroom,
            self.notices,
            self.clock,
            look=lambda: stamps_of(home),
            read=self.read,
            rule_files=RULE_FILES,
            known=self.settings.stamps,
        )

    def read(self):
        self.reads += 1
        return rules_of(reread_rules(self.settings))

    def write(self, name, text):
        (self.home / name).write_text(text)

    async def beat(self, seconds):
        for _ in range(int(seconds)):
            self.clock.advance(1)
            await self.job.run()

    def alerts(self, *entries):
        return [self.newsroom.judge.judge(e).alert for e in entries]

    def told(self):
        return [p.message.plain() for p in self.channel.shown]


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


async def test_what_is_edited_is_in_force_within_a_minute_beside_the_words_of_chats(desk):
    await desk.beat(60)
    assert desk.reads == 0
    desk.write(
        "topics.yaml", TOPICS + "      - {id: more, when: lime}\n  new: {words: a topic, rules: [{id: x, when: x}]}\n"
    )
    assert desk.alerts(LEMON, LIME, MELON) == [True, False, True]
    await desk.beat(60)
    assert desk.reads == 1
    assert desk.alerts(LEMON, LIME, MELON) == [True, True, True]
    assert desk.newsroom.topics == {"cac": "the regulator", "new": "a topic"}
    assert desk.newsroom.rule_count("cac") == 2
    desk.write("companies.yaml", "companies: [{key: lime, aliases: [Lime]}]\n")
    await desk.beat(60)
    assert desk.reads == 2
    assert desk.told() == []


async def test_a_file_is_not_read_while_it_is_being_written(desk):
    for line in range(5):
        desk.write("topics.yaml", TOPICS + "# \n" * (line + 1))
        await desk.beat(LOOK_S)
    assert desk.reads == 0
    await desk.beat(LOOK_S)
    assert desk.reads == 1


async def test_whoever_asks_need_not_wait(desk):
    desk.write("topics.yaml", TOPICS.replace("lemon", "apple").replace("A lime", "A pear").replace("apple", "lime"))
    desk.job.ask()
    await desk.beat(1)
    assert desk.alerts(LEMON, LIME, MELON) == [False, True, True]
    await desk.beat(60)
    assert desk.reads == 1


async def test_bad_rules_are_refused_with_their_place_and_told_once_a_version(desk):
    bad = TOPICS.replace("when: lemon", "when: (lemon OR")
    desk.write("topics.yaml", bad)
    with capture_logs() as logged:
        await desk.beat(120)
        desk.job.ask()
        await desk.beat(1)
    place = f"{desk.home}/topics.yaml:6:21: rule fruit: column"
    assert [place in line["problem"] for line in logged] == [True, True], "found, and when asked for again"
    assert desk.alerts(LEMON, LIME, MELON) == [True, False, True]
    (said,) = desk.told()
    assert place in said
    assert "those in force stay" in said
    assert desk.notices.troubles()
    desk.write("topics.yaml", TOPICS.replace("must: [A lemon]", "must: [A pear]"))
    await desk.beat(60)
    assert "'A pear' has to fire, and does not" in desk.told()[1]
    desk.write("topics.yaml", TOPICS)
    await desk.beat(60)
    assert len(desk.told()) == 2
    assert not desk.notices.troubles()


async def test_of_many_mistakes_owners_are_told_some_and_the_log_all(desk):
    desk.write("topics.yaml", TOPICS + "".join(f"      - {{id: r{n}, when: '(x'}}\n" for n in range(5)))
    desk.job.ask()
    with capture_logs() as logged:
        await desk.beat(1)
    assert len(logged) == 5
    (said,) = desk.told()
    assert said.count("topics.yaml:") == 3
    assert "and 2 more" in said


async def test_a_word_added_meanwhile_is_in_force_too(desk):
    words = [Keyword(topic="cac", text=text, weight=100.0) for text in ("melon", "lime")]
    prepare = desk.newsroom.prepare

    def overtaken(rules):
        ready = prepare(rules)
        desk.newsroom.adopt_keywords(words)
        return ready

    desk.newsroom.prepare = overtaken
    desk.write("topics.yaml", TOPICS.replace("id: fruit", "id: fruits"))
    desk.job.ask()
    await desk.beat(1)
    assert desk.alerts(LEMON, LIME, MELON) == [True, True, True]


async def test_a_word_whose_list_is_gone_is_left_out_and_the_others_stay(desk):
    desk.write("topics.yaml", TOPICS + "lists:\n  limes: [lime]\n")
    desk.job.ask()
    await desk.beat(1)
    desk.newsroom.adopt_keywords([Keyword(topic="cac", text=text, weight=100.0) for text in ("@limes", "melon")])
    assert desk.alerts(LEMON, LIME, MELON) == [True, True, True]
    desk.write("topics.yaml", TOPICS)
    desk.job.ask()
    await desk.beat(1)
    assert desk.alerts(LEMON, LIME, MELON) == [True, False, True]


async def test_files_that_need_a_restart_are_named_once(desk):
    desk.write("feeds.yaml", "feeds: []\n")
    with capture_logs() as logged:
        await desk.beat(60)
        desk.write("feeds.yaml", "feeds: [] # again\n")
        await desk.beat(60)
    assert [(line["file"], "restart" in line["event"]) for line in logged] == [("feeds.yaml", True)]
    assert desk.reads == 0


async def test_a_file_that_is_gone_is_a_mistake_like_others(desk):
    (desk.home / "companies.yaml").unlink()
    await desk.beat(60)
    assert "there is no such file" in desk.told()[0]
    assert desk.alerts(LEMON, LIME, MELON) == [True, False, True]


def test_a_topic_that_is_pushed_cannot_go(tmp_path):
    desk = Desk(tmp_path)
    push = {"console:local": ("cac", "all", "review")}
    settings = desk.settings
    object.__setattr__(settings, "tocsin", settings.tocsin.model_copy(update={"push": push}))
    assert reread_rules(settings).topics
    desk.write("topics.yaml", TOPICS.replace("cac:", "law:"))
    with pytest.raises(ConfigError, match=r"the topic 'cac' is gone, and tocsin\.yaml pushes it to console:local"):
        reread_rules(settings)
    assert load_rules(tmp_path)[0]
